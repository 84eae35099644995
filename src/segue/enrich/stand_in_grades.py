"""Grades without a language model, by a rule that anybody can follow; marked as such.

- 3: the query was written about this playlist.
- 2: it holds nearly the same tracks as that playlist (Jaccard index above a half), or everything that the query asks
  for stands in its title, artists, genres, years and labels.
- 1: at least half of it does.
- 0: less.

The rule knows words, not music: synonyms, moods and sounds escape it. It makes search train at all, and tells nothing
about how good search is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from segue.index.bm25 import words
from segue.library import Library
from segue.library.searching import Graded
from segue.views.playlist_text import PlaylistText

__all__ = ["STAND_IN", "graded_by_rule"]

STAND_IN = "stand-in:metadata-1"
_COPY = 0.5
# fmt: off
_EMPTY = frozenset([
    "a", "an", "and", "are", "as", "at", "by", "for", "from", "i", "in", "is", "it", "me", "my", "of", "on", "or",
    "some", "that", "the", "this", "to", "want", "with", "you", "your", "music", "songs", "song", "playlist",
    "playlists", "tracks", "mix", "looking", "something", "like",
])
# fmt: on
_TEXT = PlaylistText(("title", "labels", "artists", "tags"), n_artists=20)


def graded_by_rule(
    library: Library,
    candidates: Sequence[tuple[str, Sequence[str]]],
    rows: Mapping[str, int],
    about: Mapping[str, str],
) -> list[Graded]:
    """Grade candidates of queries.

    Args:
        rows: playlist row of each candidate. about: query -> id of the playlist that it was written about.
    """
    ids = list(rows)
    read = {
        one: set(words(text)) for one, text in zip(ids, _TEXT.texts(library, [rows[i] for i in ids]), strict=True)
    }
    tracks: dict[str, set[int]] = {}
    known = {one: row for row, one in enumerate(library.playlists["playlist_id"].to_list())}

    def held(playlist_id: str) -> set[int]:
        if playlist_id not in tracks:
            row = known.get(playlist_id)
            tracks[playlist_id] = set() if row is None else set(library.playlist_tracks.row(row).tolist())
        return tracks[playlist_id]

    graded = []
    for query, found in candidates:
        asked = [word for word in dict.fromkeys(words(query)) if word not in _EMPTY]
        own = about.get(query, "")
        for one in found:
            grade, reason = _grade(one, own, asked, read[one], held)
            graded.append(Graded(query, one, grade, reason, STAND_IN))
    return graded


def _grade(
    one: str, own: str, asked: Sequence[str], there: set[str], held: Callable[[str], set[int]]
) -> tuple[int, str]:
    if own and one == own:
        return 3, "the query was written about it"
    if own:
        a, b = held(one), held(own)
        if a and b and len(a & b) > _COPY * len(a | b):
            return 2, "nearly the tracks of the playlist that the query was written about"
    share = sum(word in there for word in asked) / len(asked) if asked else 0.0
    if share == 1:
        return 2, "all words of the query stand in its metadata"
    if share >= 0.5:
        return 1, "at least half of the words do"
    return 0, "less than half of the words of the query stand in its metadata"
