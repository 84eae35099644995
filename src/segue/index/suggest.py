"""Tracks while a person types: the words of names and artists, by their beginnings, best known first.

Items are all tracks, the best known of each recording first and their other versions after all of those. Every word
has the ascending list of its items, and because words are sorted, all words that begin alike have one slice of all
lists. The lists are kept in three tiers of items: the best known few thousand answer nearly every text, and the
millions of others are looked at only where those had too little.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segue.errors import StoredDataError
from segue.index.suggest_build import item_order, sorted_words, tiers_of
from segue.index.suggest_typos import KnownWords, other_spacings
from segue.library.arrays import load_array, save_array
from segue.library.catalogue import Catalogue
from segue.library.names import fold
from segue.library.strings import StringArray

__all__ = ["Suggestions"]

MOST_WORDS = 16
"""Words of a text that count; what follows them does not."""

_LOOKED_AT = 50  # best known matches among which a name that was typed in full is looked for
_EXACT = 3  # of these names come first, so that "home" finds the song Home and still most that begin so
_FORGIVING = 2  # tiers in which misspelt words are looked for
_MOST_LETTERS = 2_000
_FEW = 20_000  # items up to which sorting is quicker than marking

Range = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Suggestions:
    """What is suggested for a text that is being typed; frozen, safe to share between threads.

    Args:
        words: all folded words, sorted by their bytes.
        items: track row of each item, int32 ``(n,)``.
        ends: of the tiers, in items; the last is ``n``.
        indptr: where the lists of the words begin in ``postings``, int64 ``(tiers, n_words + 1)``.
        postings: items of each word, tier by tier, word by word, ascending; int32.
        names, artists: of the catalogue, by row.
    """

    words: StringArray
    items: NDArray[np.int32]
    ends: tuple[int, ...]
    indptr: NDArray[np.int64]
    postings: NDArray[np.int32]
    names: StringArray
    artists: StringArray

    @classmethod
    def of(cls, catalogue: Catalogue, counts: NDArray[np.int32]) -> Suggestions:
        """Index a catalogue.

        Args:
            counts: in how many playlists each track is, int32 ``(n_tracks,)``; the best known come first.
        """
        items = item_order(catalogue.recording, counts)
        names, artists = catalogue.texts["name"], catalogue.texts["artist"]
        words, word_of, row_of = sorted_words((names, artists))
        item_of = np.empty(len(items), np.int32)
        item_of[items] = np.arange(len(items), dtype=np.int32)
        ends, indptr, postings = tiers_of(word_of, item_of[row_of], len(words), len(items))
        return cls(words, items, ends, indptr, postings, names, artists)

    def save(self, folder: Path) -> None:
        """Write the arrays into an existing folder; names and artists are the catalogue's."""
        self.words.save(folder, "words")
        save_array(folder / "items.npy", self.items)
        save_array(folder / "ends.npy", np.array(self.ends, np.int64))
        save_array(folder / "indptr.npy", self.indptr)
        save_array(folder / "postings.npy", self.postings)

    @classmethod
    def load(cls, folder: Path, catalogue: Catalogue) -> Suggestions:
        """Map the arrays.

        Raises:
            StoredDataError: a file is missing or damaged, or they do not belong to this catalogue.
        """
        words = StringArray.load(folder, "words")
        items = load_array(folder / "items.npy", dtype="int32")
        ends = tuple(load_array(folder / "ends.npy", dtype="int64", mmap=False).tolist())
        indptr = load_array(folder / "indptr.npy", dtype="int64")
        postings = load_array(folder / "postings.npy", dtype="int32")
        fits = indptr.ndim == 2 and indptr.shape == (len(ends), len(words) + 1) and list(ends) == sorted(ends)
        if not fits or len(items) != len(catalogue) or not ends or ends[-1] != len(items):
            raise StoredDataError(f"{folder} does not fit its catalogue; train the model again")
        if indptr[0, 0] != 0 or indptr[-1, -1] != len(postings) or (np.diff(indptr.reshape(-1)) < 0).any():
            raise StoredDataError(f"{folder} is damaged (the lists of words have another length); train it again")
        return cls(words, items, ends, indptr, postings, catalogue.texts["name"], catalogue.texts["artist"])

    @classmethod
    def opened(cls, folder: Path, catalogue: Catalogue, counts: NDArray[np.int32]) -> Suggestions:
        """Map the arrays of a folder, or index the catalogue where an older model has none.

        Raises:
            StoredDataError: a file is missing or damaged, or they do not belong to this catalogue.
        """
        return cls.load(folder, catalogue) if folder.is_dir() else cls.of(catalogue, counts)

    def warm(self) -> None:
        """Make what misspelt texts are compared with, so that the first of them does not wait for it."""
        _ = self._known

    def find(self, text: str, n: int) -> list[int]:
        """Rows of at most ``n`` tracks whose name and artist have a word that begins as each word of the text.

        The best known come first, other versions of a recording after all recordings, and before them up to three
        whose name, or name and artist, is the text. Where nothing matches: tracks that do if words are written apart
        or together, with a letter or two wrong, or without some of the words; these are sought among the best known.

        Raises:
            StoredDataError: the arrays hold what cannot be.
        """
        try:
            return self._find(text, n)
        except (LookupError, ValueError) as error:
            said = f"the suggestions of the model seem to be damaged ({error!r:.200}); run 'segue doctor MODEL'"
            raise StoredDataError(said) from error

    def _find(self, text: str, n: int) -> list[int]:
        folded = fold(text[:_MOST_LETTERS])
        words = list(dict.fromkeys(folded.split()))[:MOST_WORDS]
        if n < 1 or not words:
            return []
        wanted = max(n, _LOOKED_AT)
        own = [[self._beginning(word)] for word in words]
        found = self._matching(own, wanted, len(self.ends))
        if not len(found):
            found = self._forgiving(words, own, wanted)
        best = self.items[found].tolist()
        exact = [row for row in best[:_LOOKED_AT] if self._is_called(row, folded)][:_EXACT]
        return list(dict.fromkeys((*exact, *best)))[:n]

    def _is_called(self, row: int, folded: str) -> bool:
        """Whether a text is the name of a track, or name and artist in either order."""
        name = fold(self.names[row])
        if name == folded:
            return True
        if not (folded.startswith(name) or folded.endswith(name)):
            return False
        artist = fold(self.artists[row])
        return folded in (f"{name} {artist}", f"{artist} {name}")

    def _beginning(self, word: str) -> Range:
        """The words that begin with a word."""
        start = word.encode("utf-8", "replace")
        known = _AsBytes(self.words)
        # no UTF-8 holds the byte 255
        first = bisect_left(known, start)
        return first, bisect_left(known, start + b"\xff", first)

    def _whole(self, word: str) -> Range:
        """The word itself."""
        first, last = self._beginning(word)
        return (first, first + 1) if first < last and self.words[first] == word else (first, first)

    def _slices(self, tier: int, ranges: Sequence[Range]) -> list[NDArray[np.int32]]:
        """The items of a tier that have words of some ranges, with repeats."""
        begins = self.indptr[tier]
        return [self.postings[begins[first] : begins[last]] for first, last in ranges if first < last]

    def _matching(self, wanted: Sequence[Sequence[Range]], most: int, tiers: int) -> NDArray[np.int32]:
        """The first items that have a word of each of the wanted ranges; int32, ascending."""
        found = [np.empty(0, np.int32)]
        if any(all(first >= last for first, last in ranges) for ranges in wanted):
            return found[0]
        for tier in range(tiers):
            lists = sorted((self._slices(tier, ranges) for ranges in wanted), key=_length)
            found.append(_first_common(lists, self.ends, tier)[:most])
            most -= len(found[-1])
            if most <= 0:
                break
        return np.concatenate(found)

    @cached_property
    def _known(self) -> KnownWords:
        """Words of the best known items, in how many of these each is."""
        tiers = min(_FORGIVING, len(self.ends))
        counts = np.diff(self.indptr[:tiers], axis=1).sum(0)
        rows = np.flatnonzero(counts)
        return KnownWords.of([self.words[row] for row in rows.tolist()], counts[rows])

    def _forgiving(self, words: list[str], own: list[list[Range]], most: int) -> NDArray[np.int32]:
        """Items for a text that nothing matches as it was typed."""
        tiers = min(_FORGIVING, len(self.ends))
        known = dict(zip(words, own, strict=True))
        for whole, begun in other_spacings(words):
            ranges = [[self._whole(word)] for word in whole]
            ranges += [known.get(word) or [self._beginning(word)] for word in begun]
            found = self._matching(ranges, most, tiers)
            if len(found):
                return found
        near = [
            ranges + [self._beginning(beginning) for beginning in self._known.near(word)]
            for word, ranges in zip(words, own, strict=True)
        ]
        found = self._matching(near, most, tiers)
        return found if len(found) else self._most_words(near, most, tiers)

    def _most_words(self, wanted: list[list[Range]], most: int, tiers: int) -> NDArray[np.int32]:
        """The items that have the most of the words, if that is more than half of them."""
        matched = np.zeros(self.ends[tiers - 1], np.int8)
        for ranges in wanted:
            has = np.zeros(len(matched), bool)
            for tier in range(tiers):
                for items in self._slices(tier, ranges):
                    has[items] = True
            matched += has
        top = int(matched.max(initial=0))
        if 2 * top <= len(wanted):
            return np.empty(0, np.int32)
        return np.flatnonzero(matched == top)[:most].astype(np.int32)


class _Marks(threading.local):
    """A mark for every item, of one thread; none is set between calls, so that a call touches only its own items."""

    def __init__(self) -> None:
        self.marks = np.zeros(0, bool)

    def of(self, n: int) -> NDArray[np.bool_]:
        if len(self.marks) < n:
            self.marks = np.zeros(n, bool)
        return self.marks


_marks = _Marks()


def _length(lists: list[NDArray[np.int32]]) -> int:
    return sum(map(len, lists))


def _first_common(lists: list[list[NDArray[np.int32]]], ends: tuple[int, ...], tier: int) -> NDArray[np.int32]:
    """The items of a tier that are in each of some unions of lists, the shortest union first; ascending."""
    first, last = ends[tier - 1] if tier else 0, ends[tier]
    marks = _marks.of(ends[-1])
    hits = _distinct(lists[0], marks, first, last)
    for others in lists[1:]:
        if not len(hits):
            break
        marks[hits] = True
        try:
            # looking up what is marked costs less than marking: the lists are longer than the hits
            kept = [items[marks[items]] for items in others]
        finally:
            marks[hits] = False
        hits = _distinct(kept, marks, first, last)
    return hits


def _distinct(lists: list[NDArray[np.int32]], marks: NDArray[np.bool_], first: int, last: int) -> NDArray[np.int32]:
    """The items of some lists, each once, ascending."""
    if _length(lists) < _FEW:
        return np.unique(np.concatenate([np.empty(0, np.int32), *lists]))
    try:
        for items in lists:
            marks[items] = True
        hits = np.flatnonzero(marks[first:last])
    finally:
        marks[first:last] = False
    return (hits + first).astype(np.int32)


@dataclass(frozen=True, slots=True)
class _AsBytes(Sequence[bytes]):
    strings: StringArray

    def __len__(self) -> int:
        return len(self.strings)

    def __getitem__(self, row: int) -> bytes:  # type: ignore[override]
        offsets = self.strings.offsets
        return self.strings.data[offsets[row] : offsets[row + 1]].tobytes()
