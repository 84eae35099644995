"""What search reads of a playlist: its title, what was written about it, who and what is in it; and of a query."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError
from segue.library.arrays import fingerprint
from segue.views.text import Rows, text_column
from segue.views.titles import CAP, normalise

if TYPE_CHECKING:
    from segue.library.library import Library

__all__ = ["PARTS", "QUERY_CAP", "Part", "PlaylistText", "plain_text"]

Part = Literal["title", "description", "written", "artists", "tags", "labels", "lead", "tracks", "names"]
PARTS: tuple[Part, ...] = get_args(Part)
"""``labels``: the columns themes, genres, activities and eras; ``lead``: the first track's artist, whom descriptions
like to name; ``tracks``: names with artists, ``names`` without."""
QUERY_CAP = 2_000  # characters of a query or of one part that are read

_TAG = re.compile(r"<[^<>]{0,400}>")
_SPACES = re.compile(r"\s+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_LABELS = ("themes", "genres", "activities", "eras")
_BLOCK = 20_000  # playlists whose tracks are counted at a time


@dataclass(frozen=True)
class PlaylistText:
    """One text of each playlist, its parts in the order given, separated by ". ".

    Args:
        parts: of :data:`PARTS`. n_artists, n_tags: the most frequent ones in the playlist, ties by who comes first.
        n_tracks: first tracks that ``tracks`` and ``names`` take. cap: characters of each part.

    Raises:
        InputError: an unknown part, one twice, or none.
    """

    parts: tuple[Part, ...] = ("title", "description", "written", "artists", "tags")
    n_artists: int = 10
    n_tags: int = 8
    n_tracks: int = 15
    cap: int = QUERY_CAP

    def __post_init__(self) -> None:
        for part in self.parts:
            if part not in PARTS:
                raise InputError(f"there is no part {str(part)[:40]!r} of a playlist; there are {', '.join(PARTS)}")
        if not self.parts or len(set(self.parts)) < len(self.parts):
            raise InputError(f"the parts of a playlist's text are {self.parts}; name at least one, and each once")
        if min(self.n_artists, self.n_tags, self.n_tracks, self.cap) < 1:
            raise InputError("numbers of artists, tags, tracks and characters must be at least 1")

    @property
    def fingerprint(self) -> str:
        """Digest of the way the texts are made."""
        numbers = (self.n_artists, self.n_tags, self.n_tracks, self.cap)
        return fingerprint("playlist text", list(self.parts), *numbers)

    def texts(self, library: Library, rows: Rows = None) -> list[str]:
        """One text for each playlist, all of them or the given rows; empty where nothing is known.

        Written texts that somebody rejected must have been taken out before, as ``enrich.review.accepted`` does.
        """
        chosen = np.arange(library.n_playlists) if rows is None else np.asarray(rows, np.int64)
        columns = [self._part(part, library, chosen) for part in self.parts]
        return [". ".join(filter(None, texts)) for texts in zip(*columns, strict=True)]

    def _part(self, part: Part, library: Library, rows: NDArray[np.int64]) -> list[str]:
        match part:
            case "title":
                # as typed but for emoji: sentence encoders were trained on punctuation and case
                return [plain_text(library.titles[row], CAP) for row in rows.tolist()]
            case "description":
                return [plain_text(text, self.cap) for text in _column(library, "description", rows)]
            case "written" | "labels":
                found = [_column(library, name, rows) for name in (_LABELS if part == "labels" else ("written",))]
                return [plain_text(" ".join(filter(None, t)), self.cap) for t in zip(*found, strict=True)]
            case "artists":
                return self._frequent(library, rows, library.artist_names, library.artist_rows, self.n_artists)
            case "tags":
                return self._tags(library, rows)
            case "lead":
                heads = [library.playlist_tracks.row(row)[:1].tolist() for row in rows.tolist()]
                artists = [library.artist_names[library.artist_rows[head[0]]] if head else "" for head in heads]
                return [plain_text(name, self.cap) for name in artists]
            case _:
                return self._first_tracks(library, rows, with_artist=part == "tracks")

    def _frequent(
        self, library: Library, rows: NDArray[np.int64], names: Sequence[str], of: NDArray[np.int32], n: int
    ) -> list[str]:
        """The ``n`` names that occur most often in each playlist. ``of``: name of each track, -1 for none."""
        texts: list[str] = []
        for begin in range(0, len(rows), _BLOCK):
            block = library.playlist_tracks.select(rows[begin : begin + _BLOCK])
            found = of[block.indices]
            playlist = np.repeat(np.arange(block.n_rows), block.lengths)[found >= 0]
            key = playlist * max(len(names), 1) + found[found >= 0]
            key, first, counts = np.unique(key, return_index=True, return_counts=True)
            playlist, name = np.divmod(key, max(len(names), 1))
            order = np.lexsort((first, -counts, playlist))
            starts = np.searchsorted(playlist[order], np.arange(block.n_rows + 1))
            for i in range(block.n_rows):
                best = name[order[starts[i] : starts[i + 1]]][: n + 1].tolist()
                texts.append(plain_text(", ".join([names[row] for row in best if names[row].strip()][:n]), self.cap))
        return texts

    def _tags(self, library: Library, rows: NDArray[np.int64]) -> list[str]:
        """Tags and genres of the tracks; a track counts with the first tag that it has."""
        tags, genres = text_column(library, "tags"), text_column(library, "genre")
        names: dict[str, int] = {}
        of = np.full(library.n_tracks, -1, np.int32)
        for track in np.unique(library.playlist_tracks.select(rows).indices).tolist():
            first = _SPACES.sub(" ", (tags[track].split(";", 1)[0] or genres[track]).strip().lower())
            if first:
                of[track] = names.setdefault(first[:80], len(names))
        if not names:
            return [""] * len(rows)
        return self._frequent(library, rows, list(names), of, self.n_tags)

    def _first_tracks(self, library: Library, rows: NDArray[np.int64], *, with_artist: bool) -> list[str]:
        heads = [library.playlist_tracks.row(row)[: self.n_tracks] for row in rows.tolist()]
        held = np.unique(np.concatenate([*heads, np.zeros(0, np.int32)]))
        names = text_column(library, "name", held)
        if with_artist:
            names = [f"{a} {b}".strip() for a, b in zip(names, text_column(library, "artist", held), strict=True)]
        places = [np.searchsorted(held, head).tolist() for head in heads]
        return [plain_text(", ".join(filter(None, (names[at] for at in place))), self.cap) for place in places]


def plain_text(text: str, cap: int = QUERY_CAP) -> str:
    """A description or a query as an encoder reads it: one line, no markup, emoji as words; never an error.

    Words are left as they are, so that a sentence stays one; only what no tokenizer knows is spelled out.

    >>> plain_text('Songs for a <a href="x">rainy</a> day &amp; night ☔')
    'Songs for a rainy day & night umbrella with rain drops'
    """
    text = text[: 4 * cap].strip()
    if "<" in text or "&" in text:
        text = html.unescape(_TAG.sub("", text))
    text = _SPACES.sub(" ", _CONTROL.sub(" ", text)).strip()
    if any(c > "\u203b" for c in text):
        text = " ".join(filter(None, (_spelled(word) for word in text.split(" "))))
    return text[:cap].strip()


def _spelled(word: str) -> str:
    """A word, or what its emoji say; a word of letters of any script stays."""
    strange = [c for c in word if c > "\u203b"]
    if not strange or all(c.isalnum() for c in strange):
        return word
    return normalise(word)


def _column(library: Library, name: str, rows: NDArray[np.int64]) -> list[str]:
    """A column of the playlist table; unknown values, and all where there is no such column, are empty."""
    if name not in library.playlists.columns:
        return [""] * len(rows)
    texts: list[str] = library.playlists[name][rows].fill_null("").to_list()
    return texts
