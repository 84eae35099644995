"""What found playlists must be like: length, language, years, an artist in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import QueryError
from segue.library.names import fold
from segue.views.languages_of import LANGUAGES, UNKNOWN

if TYPE_CHECKING:
    from segue.systems.search_corpus import SearchCorpus

__all__ = ["Filters"]


@dataclass(frozen=True)
class Filters:
    """Conditions on playlists; None and () ask for nothing.

    Args:
        min_tracks, max_tracks: distinct positions, duplicates counted.
        languages: of :data:`~segue.views.languages_of.LANGUAGES`, or "unknown"; playlists whose language cannot be
            told pass only where "unknown" is among them.
        year_from, year_to: the middle 80 % of the tracks whose year is known must lie within; playlists without a
            known year do not pass.
        artist: a name as typed; a playlist passes with at least one track of theirs.

    Raises:
        QueryError: a language that is none of these, or a range whose end is before its beginning.
    """

    min_tracks: int | None = None
    max_tracks: int | None = None
    languages: tuple[str, ...] = ()
    year_from: int | None = None
    year_to: int | None = None
    artist: str | None = None

    def __post_init__(self) -> None:
        for language in self.languages:
            if language not in (*LANGUAGES, UNKNOWN):
                known = ", ".join((*LANGUAGES, UNKNOWN))
                raise QueryError(f"{language[:40]!r} is no language that can be told apart here; there are {known}")
        for low, high, what in (
            (self.min_tracks, self.max_tracks, "tracks"),
            (self.year_from, self.year_to, "years"),
        ):
            if low is not None and high is not None and low > high:
                raise QueryError(f"{what} from {low} to {high} are no range; turn it round")
        if self.artist is not None and not fold(self.artist):
            raise QueryError("an artist to look for has no name; give one to --artist, or leave the option out")

    @property
    def any(self) -> bool:
        """Whether anything is asked for."""
        return self != Filters()

    def allowed(self, corpus: SearchCorpus) -> tuple[NDArray[np.bool_] | None, tuple[str, ...]]:
        """Which playlists pass, bool ``(n,)`` or None for all; and sentences about what the corpus does not know.

        Raises:
            QueryError: the catalogue has no such artist.
        """
        if not self.any:
            return None, ()
        passes = np.ones(len(corpus), bool)
        said: list[str] = []
        lengths = corpus.playlist_tracks.lengths
        if self.min_tracks is not None:
            passes &= lengths >= self.min_tracks
        if self.max_tracks is not None:
            passes &= lengths <= self.max_tracks
        if self.languages:
            codes = [-1 if language == UNKNOWN else LANGUAGES.index(language) for language in self.languages]
            passes &= np.isin(corpus.language, codes)
        if self.year_from is not None or self.year_to is not None:
            known = corpus.years[:, 0] >= 0
            if not known.any():
                said.append("the library knows no track's year, so no playlist lies within these years")
            passes &= known
            passes &= corpus.years[:, 0] >= (self.year_from or 0)
            passes &= corpus.years[:, 1] <= (9_999 if self.year_to is None else self.year_to)
        if self.artist is not None:
            passes &= self._holding(corpus, self.artist)
        return passes, tuple(said)

    @staticmethod
    def _holding(corpus: SearchCorpus, name: str) -> NDArray[np.bool_]:
        """Playlists that hold a track by an artist, or one whose artists are several with this one among them."""
        wanted = fold(name)
        artists, first = np.unique(corpus.tracks.artist_row, return_index=True)
        spelled = corpus.tracks.texts["artist"]
        whole = re.compile(rf"(?<!\w){re.escape(wanted)}(?!\w)")
        folded = [fold(spelled[at]) for at in first.tolist()]
        same = [text == wanted for text in folded]
        # "Simon" must not bring Simon & Garfunkel where there is an artist of just this name
        chosen = same if any(same) else [whole.search(text) is not None for text in folded]
        if not any(chosen):
            raise QueryError(f"no playlist holds a track by {name[:80]!r}; write the artist as the library does")
        hit = np.zeros(int(artists.max(initial=0)) + 1, bool)
        hit[artists[np.array(chosen)]] = True
        playlists = corpus.playlist_tracks
        holds = hit[corpus.tracks.artist_row][playlists.indices]
        found = np.zeros(len(corpus) + 1, np.int64)
        ends = np.append(0, np.cumsum(holds))
        found = ends[playlists.indptr[1:]] - ends[playlists.indptr[:-1]]
        return np.asarray(found > 0)

    def to_json(self) -> dict[str, Any]:
        """What was asked for, by name."""
        asked = {
            "min_tracks": self.min_tracks,
            "max_tracks": self.max_tracks,
            "languages": list(self.languages) or None,
            "year_from": self.year_from,
            "year_to": self.year_to,
            "artist": self.artist,
        }
        return {name: value for name, value in asked.items() if value is not None}
