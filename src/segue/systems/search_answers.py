"""What a search answers: playlists, why each was found, and what of them may be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from segue.index.bm25 import words
from segue.library import Track
from segue.systems.search_channels import Bm25Channel, Channel
from segue.systems.search_corpus import SearchCorpus

__all__ = ["Found", "SearchAnswer", "Why", "found_playlist", "why"]

WhyKind = Literal["words", "artist", "meaning"]
_WORDS = 5  # matched words that are named
_ARTISTS = 5
_LOOKED_AT = 60  # tracks of a playlist whose names may vouch for a word
_TELLING = 0.1  # of all shared words, the part below which a word ("with") is not named
_LEAST = 0.02  # share below which a reason is noise
_PART_NAMES = {"labels": "themes", "lead": "artists", "tracks": "tracks", "names": "tracks", "written": "description"}


@dataclass(frozen=True, slots=True)
class Why:
    """One reason for a playlist.

    Args:
        kind: "words" (it holds words of the query), "artist" (the query names one of its artists), "meaning" (its
            text is near). text: the words, the artist, or what of it is near. share: of what speaks for it, 0 to 1.
        cosine: of "meaning"; None for the others.
    """

    kind: WhyKind
    text: str
    share: float
    cosine: float | None = None

    def sentence(self) -> str:
        """The reason in words.

        >>> Why("words", "rainy, day", 0.61).sentence(), Why("meaning", "title", 0.4, 0.532).sentence()
        ('has the words rainy, day (61 %)', 'title near in meaning, cosine 0.53 (40 %)')
        """
        said = {
            "words": f"has the words {self.text}" if self.text else "shares words of its maker's text",
            "artist": f"holds {self.text}, whom the query names",
            "meaning": f"{self.text} near in meaning, cosine {self.cosine or 0:.2f}",
        }
        return f"{said[self.kind]} ({self.share * 100:.0f} %)"

    def to_json(self) -> dict[str, Any]:
        """By field."""
        cosine = None if self.cosine is None else round(self.cosine, 4)
        return {"kind": self.kind, "text": self.text, "share": round(self.share, 4), "cosine": cosine}


@dataclass(frozen=True)
class Found:
    """A playlist that was found.

    Args:
        title, description: what its maker wrote; empty where that is withheld. written, written_by: what nobody wrote
            by hand, and what did. withheld: fewer than five playlists share the title and the library is not public.
        years: of the middle 80 % of its tracks, None if unknown. language: "unknown" where it cannot be told.
        artists: the most frequent ones. tracks: the first ones.
    """

    rank: int
    row: int
    playlist_id: str
    score: float
    title: str
    description: str
    written: str
    written_by: str
    withheld: bool
    n_tracks: int
    language: str
    years: tuple[int, int] | None
    artists: tuple[str, ...]
    tracks: tuple[Track, ...]
    why: tuple[Why, ...]

    def to_json(self) -> dict[str, Any]:
        """By field, without the row; scores rounded to six decimals."""
        return {
            "rank": self.rank,
            "playlist_id": self.playlist_id,
            "score": round(self.score, 6),
            "title": self.title or None,
            "description": self.description or None,
            "written": self.written or None,
            "written_by": self.written_by or None,
            "withheld": self.withheld,
            "n_tracks": self.n_tracks,
            "language": self.language,
            "years": None if self.years is None else list(self.years),
            "artists": list(self.artists),
            "tracks": [{"track_id": t.track_id, "name": t.name, "artist": t.artist} for t in self.tracks],
            "why": [reason.to_json() for reason in self.why],
        }


@dataclass(frozen=True)
class SearchAnswer:
    """Playlists for a query, what was asked, and sentences about what could not be used."""

    query: str
    filters: Mapping[str, Any]
    fingerprint: str
    ignored: tuple[str, ...]
    playlists: tuple[Found, ...]

    def to_json(self) -> dict[str, Any]:
        """The stable JSON shape of ``segue search --json``."""
        return {
            "query": {"text": self.query, "filters": dict(self.filters)},
            "model": {"fingerprint": self.fingerprint},
            "ignored": list(self.ignored),
            "playlists": [found.to_json() for found in self.playlists],
        }


def found_playlist(
    corpus: SearchCorpus, row: int, *, rank: int, score: float, reasons: tuple[Why, ...], first_tracks: int
) -> Found:
    """One answer, with what may be shown of it."""
    shown = corpus.may_show(row)
    tracks = corpus.playlist_tracks.row(row)
    first, last = (int(year) for year in corpus.years[row])

    def text(name: str) -> str:
        return corpus.texts[name][row] if shown else ""

    return Found(
        rank=rank,
        row=row,
        playlist_id=corpus.texts["playlist_id"][row],
        score=score,
        title=text("title"),
        description=text("description"),
        written=text("written"),
        written_by=text("written_by"),
        withheld=not shown,
        n_tracks=len(tracks),
        language=corpus.language_of(row),
        years=None if first < 0 else (first, last),
        artists=_artists(corpus, row)[:_ARTISTS],
        tracks=tuple(corpus.tracks.track(int(track)) for track in tracks[:first_tracks]),
        why=reasons,
    )


def _artists(corpus: SearchCorpus, row: int) -> tuple[str, ...]:
    """Artists of a playlist, the most frequent first, ties by who comes first."""
    tracks = corpus.playlist_tracks.row(row)
    _, first, counts = np.unique(corpus.tracks.artist_row[tracks], return_index=True, return_counts=True)
    names = corpus.tracks.texts["artist"]
    found = [names[int(tracks[at])] for at in first[np.lexsort((first, -counts))]]
    return tuple(name for name in found if name.strip())


def why(
    corpus: SearchCorpus,
    query: str,
    row: int,
    channels: Sequence[Channel],
    raw: NDArray[np.float32],
    parts: NDArray[np.float64],
) -> tuple[Why, ...]:
    """Why a playlist was found, the weightiest reason first.

    Of a playlist whose title is withheld, words are named only if its tracks hold them.

    Args:
        raw: score of each channel, ``(c,)``. parts: what each adds to the sum; negative ones say nothing for it.
    """
    positive = np.maximum(parts, 0)
    if not positive.any():  # below the mean of all candidates, or the only one
        positive = np.maximum(raw.astype(np.float64), 0) * np.array([c.spec.weight for c in channels])
    total = float(positive.sum())
    if total <= 0:
        return ()
    reasons: list[Why] = []
    artists = _artists(corpus, row)
    for channel, score, part in zip(channels, raw.tolist(), (positive / total).tolist(), strict=True):
        if part < _LEAST:
            continue
        if isinstance(channel, Bm25Channel):
            reasons += _shared_words(corpus, query, row, channel, part, artists)
        else:
            read = dict.fromkeys(_PART_NAMES.get(p, p) for p in channel.spec.view.parts)
            reasons.append(Why("meaning", _listed(list(read)), part, score))
    return _merged(reasons)


def _merged(reasons: Sequence[Why]) -> tuple[Why, ...]:
    """Reasons of one kind and text once, their shares added up; the weightiest first."""
    found: dict[tuple[str, str], Why] = {}
    for reason in reasons:
        known = found.get((reason.kind, reason.text))
        found[reason.kind, reason.text] = replace(reason, share=reason.share + known.share) if known else reason
    return tuple(sorted(found.values(), key=lambda reason: -reason.share))


def _shared_words(
    corpus: SearchCorpus, query: str, row: int, channel: Bm25Channel, part: float, artists: tuple[str, ...]
) -> list[Why]:
    matched = channel.index.matched(query, row)
    total = sum(matched.values())
    if total <= 0:
        return []
    asked = f" {' '.join(words(query))} "
    reasons: list[Why] = []
    for name in artists:
        spelled = words(name)
        if spelled and f" {' '.join(spelled)} " in asked:
            own = [word for word in dict.fromkeys(spelled) if word in matched]
            if own:
                reasons.append(Why("artist", name, part * sum(matched.pop(word) for word in own) / total))
    if matched and not corpus.may_show(row):
        rest = sum(matched.values())
        held = _held(corpus, row, set(matched), artists)
        matched = {word: value for word, value in matched.items() if word in held}
        if not matched:
            return [*reasons, Why("words", "", part * rest / total)]
    if matched:
        telling = [word for word, value in matched.items() if value >= _TELLING * total] or list(matched)
        reasons.append(Why("words", ", ".join(telling[:_WORDS]), part * sum(matched.values()) / total))
    return reasons


def _held(corpus: SearchCorpus, row: int, wanted: set[str], artists: tuple[str, ...]) -> set[str]:
    """Those of some words that the names of a playlist's artists and first tracks hold."""
    held = wanted.intersection(words(" ".join(artists)))
    names = corpus.tracks.texts["name"]
    for track in corpus.playlist_tracks.row(row)[:_LOOKED_AT].tolist():
        if held == wanted:
            break
        held |= wanted.intersection(words(names[track]))
    return held


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
