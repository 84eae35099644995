"""What the towers read: tracks and users as rows of tables that training fitted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.library.arrays import fingerprint
from segue.library.interactions import Interactions
from segue.library.names import fold
from segue.library.query import Query

if TYPE_CHECKING:
    from segue.library.library import Library

__all__ = ["NONE", "TrackInputs", "UserInputs", "Vocabulary"]

NONE = -1
"""The row of what training has not seen."""
_MOST_TAGS = 5_000
_TAGS_OF_A_TRACK = 20  # the most given ones come first
_FEW = 2  # a tag of one track, or a country of one user, says nothing of others


@dataclass(frozen=True)
class Vocabulary:
    """What has a learnt vector: only tracks, artists, tags, countries and users that training interactions hold."""

    tracks: tuple[str, ...]
    artists: tuple[str, ...]
    tags: tuple[str, ...]
    countries: tuple[str, ...]
    users: tuple[str, ...]

    @classmethod
    def of(cls, library: Library, train: Interactions) -> Vocabulary:
        """Collect what the training interactions (users x tracks of the library) hold.

        A strictly cold track has no vector of its own here, nor has an artist of whom every track is cold.
        """
        heard = np.flatnonzero(np.bincount(train.indices, minlength=train.n_columns))
        ids = library.tracks["track_id"].to_list()
        artists = _folded_artists(library)
        tags = _tags(library)
        of_tracks = Counter(tag for row in heard.tolist() for tag in tags[row])
        often = [tag for tag, count in of_tracks.items() if count >= _FEW]
        often = sorted(sorted(often), key=lambda tag: -of_tracks[tag])[:_MOST_TAGS]
        users = np.flatnonzero(train.lengths > 0).tolist()
        table = library.users
        people: list[str] = [] if table is None else table["user_id"].to_list()
        countries: list[str] = [] if table is None else table["country"].fill_null("").to_list()
        of_users = Counter(countries[row] for row in users if people and countries[row])
        return cls(
            tracks=tuple(ids[row] for row in heard.tolist()),
            artists=tuple(dict.fromkeys(artists[row] for row in heard.tolist() if artists[row])),
            tags=tuple(often),
            countries=tuple(sorted(country for country, count in of_users.items() if count >= _FEW)),
            users=tuple(people[row] for row in users) if people else (),
        )

    @property
    def fingerprint(self) -> str:
        """Digest of all words."""
        return fingerprint([list(self.tracks), list(self.artists), list(self.tags)], list(self.countries), self.users)


@dataclass(frozen=True, eq=False)
class TrackInputs:
    """Tracks as the track tower reads them.

    Args:
        ids, artists: rows of the vocabulary, :data:`NONE` where training has not seen them, int32 ``(n,)``.
        tags: rows of the vocabulary for each track.
        text: a vector of each track, float32 ``(n, d_text)``; zero where there is no text; ``d_text`` may be 0.
    """

    ids: NDArray[np.int32]
    artists: NDArray[np.int32]
    tags: Interactions
    text: NDArray[np.float32]

    @classmethod
    def of(cls, library: Library, vocabulary: Vocabulary, text: NDArray[np.float32]) -> TrackInputs:
        """Look the tracks of a library up."""
        tag_rows = {tag: row for row, tag in enumerate(vocabulary.tags)}
        tags = [[tag_rows[tag] for tag in of_track if tag in tag_rows] for of_track in _tags(library)]
        return cls(
            ids=_rows(vocabulary.tracks, library.tracks["track_id"].to_list()),
            artists=_rows(vocabulary.artists, _folded_artists(library)),
            tags=Interactions.of(tags, n_columns=len(vocabulary.tags)),
            text=text,
        )

    def __len__(self) -> int:
        return len(self.ids)

    def select(self, rows: NDArray[np.integer]) -> TrackInputs:
        """Only the given tracks, in the given order."""
        return TrackInputs(self.ids[rows], self.artists[rows], self.tags.select(rows), self.text[rows])


@dataclass(frozen=True, eq=False)
class UserInputs:
    """Users as the user tower reads them.

    Args:
        ids, countries: rows of the vocabulary, :data:`NONE` for unknown ones, int32 ``(n,)``.
        loved: rows of the tracks they love, among the :class:`TrackInputs` beside it.
    """

    ids: NDArray[np.int32]
    countries: NDArray[np.int32]
    loved: Interactions

    @classmethod
    def of(cls, queries: Sequence[Query], vocabulary: Vocabulary, n_tracks: int) -> UserInputs:
        """Read queries; given tracks that are not in the catalogue are left out, repeated ones count once."""
        loved = [[r for r in dict.fromkeys(q.seed_tracks) if 0 <= r < n_tracks] for q in queries]
        return cls(
            ids=_rows(vocabulary.users, [q.user_id for q in queries]),
            countries=_rows(vocabulary.countries, [q.country for q in queries]),
            loved=Interactions.of(loved, n_columns=n_tracks),
        )

    @classmethod
    def of_library(cls, library: Library, train: Interactions, vocabulary: Vocabulary) -> UserInputs:
        """The users of a library with their training tracks as what they love."""
        assert library.users is not None
        return cls(
            ids=_rows(vocabulary.users, library.users["user_id"].to_list()),
            countries=_rows(vocabulary.countries, library.users["country"].fill_null("").to_list()),
            loved=train,
        )

    def __len__(self) -> int:
        return len(self.ids)

    def select(self, rows: NDArray[np.integer]) -> UserInputs:
        """Only the given users, in the given order."""
        return UserInputs(self.ids[rows], self.countries[rows], self.loved.select(rows))


def _rows(words: Sequence[str], wanted: Iterable[str]) -> NDArray[np.int32]:
    """The place of each wanted word, or NONE."""
    places = {word: row for row, word in enumerate(words)}
    return np.array([places.get(word, NONE) for word in wanted], np.int32)


def _folded_artists(library: Library) -> list[str]:
    names = [fold(name) for name in library.artist_names]
    return [names[row] for row in library.artist_rows.tolist()]


def _tags(library: Library) -> list[list[str]]:
    """Folded tags of each track, each once, the most given first."""
    if "tags" not in library.tracks.columns:
        return [[] for _ in range(library.n_tracks)]
    written = library.tracks["tags"].fill_null("").to_list()
    found = [list(dict.fromkeys(filter(None, map(fold, text.split(";"))))) for text in written]
    return [tags[:_TAGS_OF_A_TRACK] for tags in found]
