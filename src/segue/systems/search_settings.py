"""Which channels search a playlist corpus, what each reads, and how much each counts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from segue.errors import InputError, StoredDataError
from segue.index.fuse import SCALES, Scale
from segue.library.arrays import read_json
from segue.views.playlist_text import PARTS, Part, PlaylistText

__all__ = ["ChannelSpec", "SearchSettings", "default_channels", "read_weights"]

_KINDS = ("bm25", "dense")


@dataclass(frozen=True)
class ChannelSpec:
    """One way to compare a query with playlists.

    Args:
        name: letters, digits, "-" and "_": it names a folder. kind: "bm25" (shared words) or "dense" (cosines).
        view: what is read of a playlist. weight: in the fusion; 0 keeps the channel and does not count it.
        k1, b: of BM25. smooth: part of a dense score that comes from the playlists with the most similar tracks, in
            [0, 1). neighbours: how many those are.
    """

    name: str
    kind: Literal["bm25", "dense"]
    view: PlaylistText
    weight: float = 1.0
    k1: float = 1.2
    b: float = 0.75
    smooth: float = 0.0
    neighbours: int = 10

    def __post_init__(self) -> None:
        if (
            not self.name.replace("-", "").replace("_", "").isalnum()
            or not self.name.isascii()
            or len(self.name) > 40
        ):
            raise InputError(f"a channel cannot be called {self.name[:40]!r}; use letters, digits, '-' and '_'")
        if self.kind not in _KINDS:
            raise InputError(
                f"the channel {self.name} is of the unknown kind {self.kind!r}; there are bm25 and dense"
            )
        numbers = (self.weight, self.k1, 1 - self.b, self.b, self.smooth, self.neighbours - 1)
        if not all(0 <= number < 1e6 for number in numbers) or self.smooth >= 1:
            raise InputError(f"the channel {self.name} has a number that makes no sense; give weights from 0 up")

    def to_json(self) -> dict[str, Any]:
        """JSON-able; read by :meth:`from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, about: Mapping[str, Any]) -> ChannelSpec:
        """Raises: KeyError, TypeError, ValueError, InputError: it says nothing of the kind."""
        view = dict(about["view"])
        view["parts"] = tuple(view["parts"])
        return cls(**{**about, "view": PlaylistText(**view)})


def default_channels() -> tuple[ChannelSpec, ...]:
    """What was best, untuned, on human-written queries: docs/log.md.

    Words of all texts and the first tracks; the title and what was written; these with the main artists; the artist
    of the first track. The vectors lean towards those of playlists with the same tracks and artists.
    """
    about: tuple[Part, ...] = ("title", "description", "written")
    return (
        ChannelSpec("words", "bm25", PlaylistText((*about, "tags", "tracks"), n_tracks=10), weight=0.35),
        ChannelSpec("title", "dense", PlaylistText(about), weight=0.7, smooth=0.4),
        ChannelSpec("text", "dense", PlaylistText((*about, "artists"), n_artists=3), weight=0.6, smooth=0.3),
        ChannelSpec("lead", "bm25", PlaylistText(("lead",)), weight=0.15),
    )


@dataclass(frozen=True)
class SearchSettings:
    """Everything about a search model but its encoder.

    Args:
        channels: at least one, names distinct. scale: how scores of channels are made comparable.
        depth: best rows of each channel that are candidates; the scores of all candidates are compared.
        tokens: of a text that a sentence encoder reads.
        index: "exact", "hnsw", "ivf", or "auto": exact up to a million playlists.
        first_tracks: tracks that an answer shows.
    """

    channels: tuple[ChannelSpec, ...] = ()
    scale: Scale = "z"
    depth: int = 1_000
    tokens: int = 64
    index: str = "auto"
    first_tracks: int = 5

    def __post_init__(self) -> None:
        if not self.channels:
            object.__setattr__(self, "channels", default_channels())
        names = [channel.name for channel in self.channels]
        if len(set(names)) < len(names):
            raise InputError(f"two channels have one name ({', '.join(names)}); rename one")
        if self.scale not in SCALES:
            raise InputError(f"there is no scale {str(self.scale)[:40]!r}; there are {', '.join(SCALES)}")
        if min(self.depth, self.tokens, self.first_tracks) < 1:
            raise InputError("depth, tokens and first_tracks must be at least 1")
        if not any(channel.weight > 0 for channel in self.channels):
            raise InputError("all channels weigh nothing; give one of them a weight")

    def restricted_to(self, parts: Collection[str]) -> SearchSettings:
        """The same, reading only these parts of a playlist; a channel that is left without any goes.

        Of channels that then are alike the first one stays.

        Raises:
            InputError: an unknown part, or no channel is left.
        """
        for part in parts:
            if part not in PARTS:
                raise InputError(f"there is no part {part[:40]!r} of a playlist; there are {', '.join(PARTS)}")
        kept: dict[tuple[object, ...], ChannelSpec] = {}
        for channel in self.channels:
            left = tuple(part for part in channel.view.parts if part in parts)
            if left:
                view = replace(channel.view, parts=left)
                kept.setdefault((channel.kind, left), replace(channel, view=view))
        if not kept:
            raise InputError(f"no channel reads {', '.join(parts)}; name the title, the artists or the tracks too")
        return replace(self, channels=tuple(kept.values()))

    def weighted(self, weights: Mapping[str, float], scale: Scale | None = None) -> SearchSettings:
        """The same with weights by name; a channel that is not named counts nothing.

        Raises:
            InputError: a name that no channel has, or a weight that makes no sense.
        """
        unknown = set(weights) - {channel.name for channel in self.channels}
        if unknown:
            has = ", ".join(channel.name for channel in self.channels)
            raise InputError(f"there is no channel {sorted(unknown)[0][:40]!r} to weigh; there are {has}")
        channels = tuple(replace(c, weight=float(weights.get(c.name, 0))) for c in self.channels)
        return replace(self, channels=channels, scale=scale or self.scale)

    def to_json(self) -> dict[str, Any]:
        """JSON-able; read by :meth:`from_json`."""
        return {**asdict(self), "channels": [channel.to_json() for channel in self.channels]}

    @classmethod
    def from_json(cls, about: Mapping[str, Any]) -> SearchSettings:
        """Raises: KeyError, TypeError, ValueError, InputError: it says nothing of the kind."""
        return cls(**{**about, "channels": tuple(ChannelSpec.from_json(c) for c in about["channels"])})


def read_weights(path: Path, settings: SearchSettings) -> SearchSettings:
    """Settings of a JSON file: ``{"weights": {"words": 1, "title": 0.5}, "scale": "z"}``, or whole settings.

    Whole ones are what :meth:`SearchSettings.to_json` gives, as fitting writes them.

    Raises:
        InputError: the file says nothing of the kind.
    """
    try:
        about = read_json(path)
    except StoredDataError as error:
        raise InputError(f"{error}; give a file with weights of channels") from error
    try:
        if "channels" in about:
            return SearchSettings.from_json(about)
        weights = {str(name): float(value) for name, value in about["weights"].items()}
        return settings.weighted(weights, about.get("scale"))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f'{path} does not say how much channels weigh ({error!r:.100}); write {{"weights": {{"words": 1}}}}'
        ) from error
