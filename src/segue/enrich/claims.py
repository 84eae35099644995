"""What a written text claims, and whether the tracks support it: artists, years and decades, genres."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from segue.enrich.word_lists import GENRES, era_of, sort_words
from segue.library import Library
from segue.library.names import fold
from segue.views.text import text_column
from segue.views.titles import normalise

__all__ = ["Claim", "Evidence", "Known", "Names", "claims"]

_MOST_WORDS = 6  # of an artist's name
_FREQUENT, _FREQUENT_SHARE = 5, 0.002  # playlists with an artist whose one-word name is known by itself
_SMALL = frozenset(["a", "and", "de", "del", "der", "la", "of", "the", "to", "y", "&"])
_POSSESSIVE = re.compile(r"['’]s$")
_TOKEN = re.compile(r"[^\s]+")
_EDGES = "\"'“”‘’«»()[]{}.,;:!?…–—-*_/"
_SENTENCE_END = (".", "!", "?", ":", "…", "\n")
_YEARS = re.compile(r"(?<![\w'’])(?:'|’)?((?:19|20)?[0-9]0)(?:'|’)?s\b|\b((?:19|20)\d\d)\b", re.IGNORECASE)
_SPELLED = {
    "fifties": "1950s", "sixties": "1960s", "seventies": "1970s", "eighties": "1980s", "nineties": "1990s",
    "noughties": "2000s",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that a text says of the music.

    Args:
        support: "yes" or "no" by what is known of the tracks, "unknown" where too little is known.
    """

    kind: Literal["artist", "era", "genre"]
    said: str
    support: Literal["yes", "no", "unknown"]


@dataclass(frozen=True)
class Names:
    """What texts about a library may claim: names of its artists, and genres.

    Args:
        artists: folded names. frequent: those that many playlists hold.
        genres: folded names of genres, those of the library and those that titles are made of.
        ordinary: words that texts use in small letters; alone and capitalised they are taken for nobody's name.
    """

    artists: frozenset[str]
    frequent: frozenset[str]
    genres: frozenset[str]
    ordinary: frozenset[str]

    @classmethod
    def of(cls, library: Library, texts: Iterable[str] = ()) -> Names:
        """Collect names; ``texts`` are those that are going to be judged."""
        labels = [fold(label) for label in library.tracks["genre"].drop_nulls().unique().to_list() if label]
        tracks = library.playlist_tracks.distinct()
        of = np.repeat(np.arange(tracks.n_rows, dtype=np.int64), tracks.lengths)
        pairs = np.unique(of * len(library.artist_names) + library.artist_rows[tracks.indices])
        held = np.bincount(pairs % max(len(library.artist_names), 1), minlength=len(library.artist_names))
        often = held >= max(_FREQUENT, library.n_playlists * _FREQUENT_SHARE)
        words = {word.strip(_EDGES) for text in texts for word in text.split()}
        return cls(
            artists=frozenset(fold(name) for name in library.artist_names if len(name) > 2),
            frequent=frozenset(fold(library.artist_names[row]) for row in np.flatnonzero(often).tolist()),
            genres=frozenset(label for label in (*labels, *(fold(name) for name in GENRES.values())) if label),
            ordinary=frozenset(word for word in words if word[:1].islower()),
        )


@dataclass(frozen=True)
class Evidence:
    """What is known of the music that a text is about.

    Args:
        names: folded names of tracks, artists and the title, each between spaces.
        years: known years of its tracks. n_tracks: distinct ones. eras: that the title names.
        labels: folded genres and tags. n_labelled: tracks that have any. genres: that the title names.
    """

    names: str
    years: frozenset[int]
    n_tracks: int
    n_dated: int
    eras: frozenset[str]
    labels: frozenset[str]
    n_labelled: int
    genres: frozenset[str]


@dataclass(frozen=True, eq=False)
class Known:
    """What a library knows of each track, ready to be looked up.

    Args:
        names: folded name and artist of each track. years: None where unknown. labels: folded genre and tags.
    """

    names: tuple[str, ...]
    years: tuple[int | None, ...]
    labels: tuple[frozenset[str], ...]

    @classmethod
    def of(cls, library: Library) -> Known:
        """Fold everything once."""
        cells = [library.tracks[name].to_list() for name in ("genre", "tags") if name in library.tracks.columns]
        folded: dict[str | None, frozenset[str]] = {None: frozenset()}
        for cell in {cell for column in cells for cell in column} - {None}:
            folded[cell] = frozenset(filter(None, (fold(part) for part in cell.split(";"))))
        texts = zip(text_column(library, "name"), text_column(library, "artist"), strict=True)
        return cls(
            names=tuple(f" {fold(name)} \n {fold(artist)} " for name, artist in texts),
            years=tuple(library.tracks["year"].to_list()),
            labels=tuple(frozenset().union(*(folded[cell] for cell in row)) for row in zip(*cells, strict=True)),
        )

    def evidence(self, tracks: NDArray[np.integer] | Sequence[int], title: str = "") -> Evidence:
        """Put together what is known of some tracks, a playlist's or a single one."""
        rows = sorted({int(row) for row in tracks})
        years = [year for row in rows if (year := self.years[row]) is not None and year > 0]
        labels = [self.labels[row] for row in rows]
        said = sort_words(normalise(title).split())
        return Evidence(
            names="\n".join([*(self.names[row] for row in rows), f" {fold(title)} "]),
            years=frozenset(years),
            n_tracks=len(rows),
            n_dated=len(years),
            eras=frozenset(said.eras),
            labels=frozenset().union(*labels),
            n_labelled=sum(map(bool, labels)),
            genres=frozenset(fold(genre) for genre in said.genres),
        )


def claims(
    text: str,
    evidence: Evidence,
    names: Names,
    *,
    artists: Sequence[str] = (),
    genres: Sequence[str] = (),
    eras: Sequence[str] = (),
) -> tuple[Claim, ...]:
    """What a text and its lists claim, each claim once.

    An artist counts as named where a text has a name of the library's artists in capitals; one word alone counts only
    inside a sentence, if many playlists hold that artist and no text uses it as an ordinary word. So names that the
    library does not have, and names that are ordinary words, are not seen in running text; in the list of artists
    everything is a claim.

    Years and genres are unknown where fewer than half of the tracks have any.
    """
    made: dict[tuple[str, str], Claim] = {}
    for name in (*artists, *_names_in(text, names)):
        if fold(name):
            supported = f" {fold(name)} " in evidence.names
            made.setdefault(("artist", fold(name)), Claim("artist", name, "yes" if supported else "no"))
    for era in (*(e for given in eras for e in _eras_in(given)), *_eras_in(text)):
        made.setdefault(("era", era), Claim("era", era, _era_support(era, evidence)))
    for genre in (*(fold(genre) for genre in genres), *_genres_in(text, names)):
        if genre:
            made.setdefault(("genre", genre), Claim("genre", genre, _genre_support(genre, evidence)))
    return tuple(made.values())


def _names_in(text: str, names: Names) -> Iterator[str]:
    tokens = [(found[0], found.start()) for found in _TOKEN.finditer(text)]
    begin = 0
    while begin < len(tokens):
        length = next((n for n in range(_MOST_WORDS, 0, -1) if _is_name(tokens, begin, n, names)), 0)
        if length:
            said = " ".join(token for token, _ in tokens[begin : begin + length]).strip(_EDGES)
            yield _POSSESSIVE.sub("", said)
        begin += max(length, 1)


def _is_name(tokens: Sequence[tuple[str, int]], begin: int, n: int, names: Names) -> bool:
    words = [token for token, _ in tokens[begin : begin + n]]
    if len(words) < n or any(word[-1] in ".,;:!?" for word in words[:-1]):
        return False
    bare = [word.strip(_EDGES) for word in words]
    if not (_capital(bare[0]) and _capital(bare[-1])):
        return False
    if not all(_capital(word) or word in _SMALL for word in bare):
        return False
    name = fold(_POSSESSIVE.sub("", " ".join(bare)))
    if name not in names.artists:
        return False
    first = begin == 0 or tokens[begin - 1][0].endswith(_SENTENCE_END)
    return n > 1 or (name in names.frequent and not (first or bare[0].lower() in names.ordinary))


def _capital(word: str) -> bool:
    return word[:1].isupper() or word[:1].isdigit() or word[:1] in "$"


def _eras_in(text: str) -> Iterator[str]:
    for found in _YEARS.finditer(text):
        if found[1]:
            decade = found[1] if len(found[1]) == 4 else ("20" if found[1] < "20" else "19") + found[1]
            yield f"{decade}s"
        else:
            yield found[2]
    for word in text.lower().split():
        if word.strip(_EDGES) in _SPELLED:
            yield _SPELLED[word.strip(_EDGES)]


def _era_support(era: str, evidence: Evidence) -> Literal["yes", "no", "unknown"]:
    year, decade = int(era[:4]), era.endswith("s")
    known = any(y // 10 == year // 10 for y in evidence.years) if decade else year in evidence.years
    titled = era in evidence.eras or (decade and any(era_of(e) and e[:3] == era[:3] for e in evidence.eras))
    if known or titled:
        return "yes"
    return "no" if evidence.n_dated and 2 * evidence.n_dated >= evidence.n_tracks else "unknown"


def _genres_in(text: str, names: Names) -> Iterator[str]:
    words = fold(text).split()
    begin = 0
    while begin < len(words):
        length = next((n for n in (3, 2, 1) if " ".join(words[begin : begin + n]) in names.genres), 0)
        if length:
            yield " ".join(words[begin : begin + length])
        begin += max(length, 1)


def _genre_support(genre: str, evidence: Evidence) -> Literal["yes", "no", "unknown"]:
    wanted = f" {genre} "
    alike = any(wanted in f" {label} " or f" {label} " in wanted for label in (*evidence.labels, *evidence.genres))
    if alike or wanted in evidence.names:
        return "yes"
    return "no" if evidence.n_labelled and 2 * evidence.n_labelled >= evidence.n_tracks else "unknown"
