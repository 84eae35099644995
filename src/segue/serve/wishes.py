"""What a body asks for, as the request that the command would make of the same options."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from segue.errors import QueryError
from segue.library import Catalogue
from segue.library.names import fold
from segue.library.strings import HashIndex
from segue.recommend.rules import Rules
from segue.serve.schemas import RecommendIn, Wishes
from segue.systems.requests import Request

__all__ = ["ArtistNames", "request_of", "rules_of"]

DEFAULT_N = 66


@dataclass(frozen=True, eq=False)
class ArtistNames:
    """Artist rows of a catalogue by name, made when first asked: a large catalogue has many artists."""

    catalogue: Catalogue

    @cached_property
    def _index(self) -> tuple[HashIndex, list[int], list[str]]:
        artists, first = np.unique(self.catalogue.artist_row, return_index=True)
        names = [fold(self.catalogue.texts["artist"][int(at)]) for at in first]
        return HashIndex.of(names), artists.tolist(), names

    def row(self, name: str) -> int | None:
        """The artist's row, or None; of several with one folded name the last."""
        index, artists, names = self._index
        wanted = fold(name)
        found = [int(at) for at in index.rows(wanted) if names[int(at)] == wanted]
        return artists[found[-1]] if found else None


def rules_of(wishes: Wishes, artists: ArtistNames) -> Rules:
    """The rules of a list; artists that the catalogue does not have change nothing.

    Raises:
        QueryError: a wish contradicts itself.
    """
    if wishes.n is not None and wishes.minutes is not None:
        raise QueryError("a list has a number of tracks or a length; give n or minutes, not both")
    named = [name for name in wishes.exclude_artists if name.strip()]
    rows = [row for name in named if (row := artists.row(name)) is not None]
    return Rules(
        n=None if wishes.minutes is not None else DEFAULT_N if wishes.n is None else wishes.n,
        minutes=wishes.minutes,
        exclude_artists=tuple(dict.fromkeys(rows)),
        exclude_given_artists=wishes.new_artists,
        artist_cap=wishes.artist_cap,
        artist_spacing=wishes.artist_spacing,
        one_version=not wishes.all_versions,
        year_from=wishes.year_from,
        year_to=wishes.year_to,
        allow_explicit=not wishes.no_explicit,
        max_track_minutes=wishes.max_track_minutes,
    )


def request_of(body: RecommendIn, artists: ArtistNames) -> Request:
    """The request of a body.

    Raises:
        QueryError: a wish contradicts itself.
    """
    return Request(
        title=body.title,
        tracks=tuple(body.tracks),
        track_ids=tuple(body.track_ids),
        rules=rules_of(body, artists),
        explain=body.explain,
        kept=tuple(body.kept),
        more=tuple(body.more),
        never=tuple(body.never),
        adventure=body.adventure,
        order=body.order,
    )
