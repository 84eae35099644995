"""What is asked of a model folder and what it answers: plain values, and their JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from segue.errors import QueryError
from segue.library import Track
from segue.recommend.because import Because
from segue.recommend.rules import Rules
from segue.sources.addresses import link_of

__all__ = ["ORDERS", "Answer", "AnsweredTrack", "Order", "Request", "track_json"]

Order = Literal["ranked", "smooth", "arc"]
ORDERS: tuple[Order, ...] = get_args(Order)
"""``ranked``: best first. ``smooth``: neighbours go together. ``arc``: the energy rises, then falls."""


@dataclass(frozen=True)
class Request:
    """What a person asks for.

    Args:
        title: as typed. tracks: given tracks as typed ("Name - Artist"). track_ids: given tracks by id.
        rules: what the list must look like.
        explain: whether each track says why it is there.
        kept, more, never: ids of tracks that the person kept, wants more like, and does not want again. Unlike given
            tracks, kept ones may be in the list.
        adventure: -1 (hits) to 1 (deep cuts); 0 leaves the ranking as it is.
        order: of the list, once its tracks are chosen.

    Raises:
        QueryError: an adventure outside [-1, 1], or an order that nobody knows.
    """

    title: str = ""
    tracks: tuple[str, ...] = ()
    track_ids: tuple[str, ...] = ()
    rules: Rules = field(default_factory=Rules)
    explain: bool = True
    kept: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    adventure: float = 0.0
    order: Order = "ranked"

    def __post_init__(self) -> None:
        if not -1 <= self.adventure <= 1:
            raise QueryError(f"an adventure of {self.adventure} is none; give -1 (hits) to 1 (deep cuts)")
        if self.order not in ORDERS:
            raise QueryError(f"there is no order {self.order!r}; there are {', '.join(ORDERS)}")

    def said(self, track_ids: Sequence[str]) -> dict[str, Any]:
        """What was asked, as the answer repeats it; wishes that were not made are left out.

        Args:
            track_ids: of the given tracks that are known.
        """
        wishes = {
            "kept": list(self.kept),
            "more": list(self.more),
            "never": list(self.never),
            "adventure": self.adventure,
            "order": "" if self.order == "ranked" else self.order,
        }
        given = {"title": self.title, "tracks": list(track_ids), "rules": self.rules.to_json()}
        return given | {name: value for name, value in wishes.items() if value}


def track_json(track: Track) -> dict[str, Any]:
    """A track by field, flat; what is not known is null, and a location is given away only where it is a link."""
    return {
        "track_id": track.track_id,
        "name": track.name,
        "artist": track.artist,
        "album": track.album,
        "year": track.year,
        "duration_ms": track.duration_ms,
        "explicit": track.explicit,
        "link": link_of(track.track_id, track.location),
    }


@dataclass(frozen=True)
class AnsweredTrack:
    """One line of an answer."""

    rank: int
    row: int
    track: Track
    score: float
    because: tuple[Because, ...]

    def to_json(self) -> dict[str, Any]:
        """By field, flat; what the library does not know is null, and scores are rounded to six decimals."""
        return {
            "rank": self.rank,
            **track_json(self.track),
            "score": round(self.score, 6),
            "because": [b.to_json() for b in self.because],
        }


@dataclass(frozen=True)
class Answer:
    """A playlist, why, and what could not be served."""

    query: dict[str, Any]
    fingerprint: str
    ignored: tuple[str, ...]
    tracks: tuple[AnsweredTrack, ...]

    def to_json(self) -> dict[str, Any]:
        """The stable JSON shape of ``segue recommend --json`` and of the HTTP service."""
        return {
            "query": self.query,
            "model": {"fingerprint": self.fingerprint},
            "ignored": list(self.ignored),
            "tracks": [line.to_json() for line in self.tracks],
        }
