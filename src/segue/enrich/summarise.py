"""Summaries of tracks in 25 words, from lyrics or from name and artist, by a language model or by the stand-in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import log
from typing import Any

import numpy as np
import polars as pl
from pydantic import BaseModel, Field

from segue.enrich.extractive import clean, joined, sound_words
from segue.enrich.review import rejections_of
from segue.library import Library
from segue.library.tables import AUDIO_FEATURES
from segue.lm.base import LanguageModel
from segue.lm.jobs import Failure, Job, Results, run
from segue.lm.prompts import Prompt
from segue.lm.quoting import cleaned
from segue.views.specs import excerpt
from segue.views.text import text_column

__all__ = [
    "TEMPLATE", "WORDS", "Sample", "Summarised", "Summary", "samples", "summarise", "summary_jobs", "template",
    "unsummarised", "with_summaries",
]  # fmt: skip

TEMPLATE = "template-1"
"""What ``summary_by`` says of summaries that no model wrote."""
WORDS = 25
_LYRICS_WORDS = 220  # of a song are shown to a model
_MOST_LYRICS = 6_000  # characters of a song that words are counted in
_TOKENS = 128
_COLUMNS = {"summary": pl.String, "summary_by": pl.String}
_WORD = re.compile(r"[^\W\d_]{3,}(?:['’][^\W\d_]+)?")


class Summary(BaseModel):
    """What a model says of a track."""

    summary: str = Field(min_length=1, max_length=400)


Ask = Callable[[LanguageModel, Sequence[Job], type[Summary]], Results[Summary]]


@dataclass(frozen=True)
class Summarised:
    """Summaries of some tracks.

    Args:
        track_ids: whose they are. columns: a row for each: ``summary``, ``summary_by``.
        asked: tracks that were to be summarised. from_lyrics: of the written ones, those with lyrics.
        rejected: summaries that somebody had rejected before. failures: of the model, by track.
        results: of the model; None for the stand-in.
    """

    track_ids: tuple[str, ...]
    columns: pl.DataFrame
    asked: int
    from_lyrics: int = 0
    rejected: int = 0
    failures: list[Failure] = field(default_factory=list)
    results: Results[Summary] | None = None

    def to_json(self) -> dict[str, Any]:
        """What became of it, in numbers."""
        told: dict[str, Any] = {
            "asked": self.asked,
            "written": len(self.track_ids),
            "from_lyrics": self.from_lyrics,
            "rejected": self.rejected,
            "failures": [{"track_id": failure.key, "reason": failure.reason} for failure in self.failures],
        }
        if self.results is not None:
            told |= {"cached": self.results.cached, "cost": self.results.cost, "stopped": self.results.stopped}
        return told


@dataclass(frozen=True, slots=True)
class Sample:
    """A summary beside what it was made of."""

    name: str
    artist: str
    summary: str
    excerpt: str


def summarise(
    library: Library,
    model: LanguageModel | None = None,
    *,
    rows: Sequence[int] | None = None,
    ask: Ask | None = None,
) -> Summarised:
    """Summarise tracks in at most 25 words.

    Args:
        model: None for the stand-in, :func:`template`.
        rows: which tracks; without, those that have no summary (:func:`unsummarised`).
        ask: how a model's jobs are run.
    """
    asked = unsummarised(library) if rows is None else [int(row) for row in rows]
    results = None
    if model is None:
        texts = template(library, asked)
        by = [TEMPLATE] * len(asked)
    else:
        results = (ask or run)(model, summary_jobs(library, asked), Summary)
        ids = [library.tracks["track_id"][row] for row in asked]
        found = [results.done.get(id) for id in ids]
        texts = [None if one is None else excerpt(str(cleaned(one.value.summary)), WORDS) for one in found]
        by = ["" if one is None else f"{model.name} {one.prompt}" for one in found]
    rejections = rejections_of(library)
    lyrics = text_column(library, "lyrics", asked)
    held, ids_kept, rejected, from_lyrics = [], [], 0, 0
    for row, text, who, words in zip(asked, texts, by, lyrics, strict=True):
        id = library.tracks["track_id"][row]
        if not text:
            continue
        if rejections.rejects("track", id, text):
            rejected += 1
            continue
        held.append((text, who))
        ids_kept.append(id)
        from_lyrics += bool(words)
    columns = pl.DataFrame(held, schema=_COLUMNS, orient="row")
    failures = [] if results is None else results.failures
    return Summarised(tuple(ids_kept), columns, len(asked), from_lyrics, rejected, failures, results)


def unsummarised(library: Library, *, again: bool = False) -> list[int]:
    """Rows of tracks with a name and an artist and without a summary; those in most playlists first.

    Args:
        again: also those whose summary a program wrote; what came with the tracks stays in any case.
    """
    known = library.tracks["name"].is_not_null() & library.tracks["artist"].is_not_null()
    order = np.argsort(-library.playlist_tracks.column_counts(), kind="stable")
    return [int(row) for row in order[(known & _free(library, over=again)).to_numpy()[order]]]


def summary_jobs(library: Library, rows: Sequence[int]) -> list[Job]:
    """One question for each track, its key the track's id."""
    prompt = Prompt.read("segue.enrich", "summarise")
    table = library.tracks[np.asarray(rows, np.int64)].select("track_id", "name", "artist")
    lyrics = text_column(library, "lyrics", rows)
    return [
        Job(
            id,
            prompt.messages(name=name, artist=artist, lyrics=excerpt(words, _LYRICS_WORDS) or None),
            prompt.version,
            max_tokens=_TOKENS,
        )
        for (id, name, artist), words in zip(table.iter_rows(), lyrics, strict=True)
    ]


def template(library: Library, rows: Sequence[int]) -> list[str | None]:
    """Compose summaries of what the library knows: genre, year, tags, sound, most typical words of the lyrics.

    Nothing is invented; None where neither name nor artist is known. At most 25 words each.
    """
    asked = np.asarray(rows, np.int64)
    table = library.tracks[asked]
    tags, lyrics = text_column(library, "tags", rows), _typical_words(text_column(library, "lyrics"), rows)
    features = [name for name in AUDIO_FEATURES if name in library.tracks.columns]
    sound = sound_words({name: library.tracks[name].to_numpy().astype(np.float64) for name in features}, asked)
    columns = table.select("name", "artist", "year", "genre").iter_rows()
    return [
        _composed(*fields, tags=tags[place], sound=sound[place], words=lyrics[place])
        for place, fields in enumerate(columns)
    ]


def samples(library: Library, summarised: Summarised, n: int = 5) -> list[Sample]:
    """The first written summaries, each with what it was made of: the beginning of the lyrics, or name and artist."""
    there = {id: row for row, id in enumerate(library.tracks["track_id"].to_list())}
    shown = []
    for id, text in zip(summarised.track_ids[:n], summarised.columns["summary"][:n], strict=True):
        row = there[id]
        name, artist = (str(library.tracks[column][row] or "") for column in ("name", "artist"))
        words = text_column(library, "lyrics", [row])[0]
        shown.append(Sample(name, artist, text, excerpt(words, 12) or f"{name}, {artist}"))
    return shown


def with_summaries(library: Library, summarised: Summarised, *, over: bool = False) -> Library:
    """The library with summaries; tracks that it does not have are passed over.

    Args:
        over: whether tracks that have a summary by now get the new one; not where it came with the track.
    """
    there = {id: row for row, id in enumerate(library.tracks["track_id"].to_list())}
    free = _free(library, over=over).to_list()
    pairs = [(there[id], place) for place, id in enumerate(summarised.track_ids) if id in there and free[there[id]]]
    rows, places = [row for row, _ in pairs], [place for _, place in pairs]
    changed = []
    for name, dtype in _COLUMNS.items():
        column = (
            library.tracks[name].clone()
            if name in library.tracks.columns
            else pl.Series(name, [None] * library.n_tracks, dtype)
        )
        changed.append(column.scatter(rows, summarised.columns[name][places]) if rows else column)
    return library.with_track_columns(pl.DataFrame(changed))


def _free(library: Library, *, over: bool) -> pl.Series:
    """Which tracks may get a summary."""
    if "summary" not in library.tracks.columns:
        return pl.Series([True] * library.n_tracks, dtype=pl.Boolean)
    free = library.tracks["summary"].is_null()
    return (
        free | library.tracks["summary_by"].is_not_null() if over and "summary_by" in library.tracks.columns else free
    )


def _composed(
    name: str | None, artist: str | None, year: int | None, genre: str | None, *, tags: str, sound: Sequence[str],
    words: Sequence[str],
) -> str | None:  # fmt: skip
    """Sentences of one track, the surest first, as they fit into 25 words.

    >>> _composed("Halo", "Ann", 1999, "rock", tags="rock; live", sound=["fast"], words=["sun", "moon"])
    'Halo by Ann. Rock from 1999. Fast. Tagged live. Sings of sun and moon.'
    """
    if not (name or artist):
        return None
    kind = clean(genre or "")
    labels = [label for label in (clean(part) for part in tags.split(";")[:4]) if label and label != kind]
    sentences = [
        " by ".join(filter(None, (clean(name or ""), clean(artist or "")))),
        f"{kind or 'released'} {'from' if kind else 'in'} {year}" if year is not None else kind,
        joined(sound),
        f"tagged {', '.join(labels)}" if labels else "",
        f"sings of {joined(words)}" if words else "",
    ]
    text = " ".join(f"{sentence[0].upper()}{sentence[1:]}." for sentence in sentences if sentence)
    return excerpt(text, WORDS) or None


def _typical_words(lyrics: Sequence[str], rows: Sequence[int], n: int = 4) -> list[list[str]]:
    """Words of some lyrics that occur twice or more and are rare in the others, by tf-idf, ties alphabetical."""
    held: Counter[str] = Counter()
    counted = [Counter(_WORD.findall(text[:_MOST_LYRICS].lower())) if text else Counter[str]() for text in lyrics]
    for words in counted:
        held.update(words.keys())
    total = sum(map(bool, counted))
    found = []
    for row in rows:
        weights = {
            word: count * log(total / held[word])
            for word, count in counted[row].items()
            if count > 1 and 2 * held[word] <= max(total, 2)
        }
        found.append(sorted(weights, key=lambda word: (-weights[word], word))[:n])
    return found
