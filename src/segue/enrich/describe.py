"""Descriptions of playlists from their titles and first tracks, by a language model or by the stand-in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import polars as pl
from pydantic import BaseModel, Field

from segue.enrich.extractive import clean, extractive
from segue.enrich.review import Rejections, rejections_of
from segue.library import Library
from segue.library.names import fold
from segue.library.tables import OPTIONAL_PLAYLIST_COLUMNS
from segue.lm.base import LanguageModel
from segue.lm.jobs import Failure, Job, Results, run
from segue.lm.prompts import Prompt
from segue.lm.quoting import Quotable, cleaned

__all__ = ["FIRST", "Ask", "Described", "Description", "describe", "description_jobs", "missing", "with_written"]

FIRST = 15
"""Tracks of a playlist that a model is shown."""
_MOST = 600  # characters of a description
_TOKENS = 512

Words = Annotated[list[Annotated[str, Field(max_length=80)]], Field(max_length=10)]


class Description(BaseModel):
    """What a model says of a playlist."""

    description: str = Field(min_length=1, max_length=_MOST)
    themes: Words = []
    genres: Words = []
    activities: Words = []
    eras: Words = []
    artists: Words = []


Ask = Callable[[LanguageModel, Sequence[Job], type[Description]], Results[Description]]
"""How jobs are run: :func:`segue.lm.jobs.run`, or the same with a cache, a budget and a bar."""


@dataclass(frozen=True)
class Described:
    """Descriptions of some playlists.

    Args:
        playlist_ids: whose they are. columns: a row for each, as in
            :data:`~segue.library.tables.OPTIONAL_PLAYLIST_COLUMNS`.
        asked: playlists that were to be described. rejected: texts that somebody had rejected before.
        unknown_artists: names that were dropped because no given track is theirs.
        failures: of the model, by playlist. results: of the model; None for the stand-in.
    """

    playlist_ids: tuple[str, ...]
    columns: pl.DataFrame
    asked: int
    rejected: int = 0
    unknown_artists: int = 0
    failures: list[Failure] = field(default_factory=list)
    results: Results[Description] | None = None

    def to_json(self) -> dict[str, Any]:
        """What became of it, in numbers."""
        told: dict[str, Any] = {
            "asked": self.asked,
            "written": len(self.playlist_ids),
            "rejected": self.rejected,
            "unknown_artists": self.unknown_artists,
            "failures": [{"playlist_id": failure.key, "reason": failure.reason} for failure in self.failures],
        }
        if self.results is not None:
            usage = self.results.usage
            told |= {
                "cached": self.results.cached,
                "prompt_tokens": usage.prompt_tokens,
                "completion_tokens": usage.completion_tokens,
                "cost": self.results.cost,
                "stopped": self.results.stopped,
            }
        return told


def describe(
    library: Library,
    model: LanguageModel | None = None,
    *,
    rows: Sequence[int] | None = None,
    ask: Ask | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Described:
    """Describe playlists; what their makers wrote about them is not read.

    Args:
        model: None for the stand-in, :func:`~segue.enrich.extractive.extractive`.
        rows: which playlists; without, those that have nothing ``written`` yet (:func:`missing`).
        ask: how a model's jobs are run. progress: of the stand-in.
    """
    asked = missing(library) if rows is None else [int(row) for row in rows]
    ids = [library.playlists["playlist_id"][row] for row in asked]
    if model is None:
        return _kept(ids, extractive(library, asked, progress=progress), rejections_of(library))
    results = (ask or run)(model, description_jobs(library, asked), Description)
    held, dropped, written = [], 0, []
    for row, id in zip(asked, ids, strict=True):
        completion = results.done.get(id)
        text = str(cleaned(completion.value.description, most=_MOST)).strip() if completion is not None else ""
        if completion is None or not text:
            continue
        value = completion.value
        artists, unknown = _given(value.artists, library, row)
        dropped += unknown
        lists = (value.themes, value.genres, value.activities, value.eras, artists)
        held.append((text, f"{model.name} {completion.prompt}", *(_cell(words) for words in lists)))
        written.append(id)
    columns = pl.DataFrame(held, schema=dict(OPTIONAL_PLAYLIST_COLUMNS), orient="row")
    return _kept(written, columns, rejections_of(library), asked=len(asked), unknown_artists=dropped, results=results)


def missing(library: Library, *, again: bool = False) -> list[int]:
    """Rows of playlists with tracks and without a written text.

    Args:
        again: also those with one.
    """
    empty = library.playlist_tracks.lengths == 0
    if "written" in library.playlists.columns and not again:
        empty = empty | library.playlists["written"].is_not_null().to_numpy()
    return [row for row, gone in enumerate(empty.tolist()) if not gone]


def description_jobs(library: Library, rows: Sequence[int]) -> list[Job]:
    """One question for each playlist, its key the playlist's id."""
    prompt = Prompt.read("segue.enrich", "describe")
    jobs = []
    for row in rows:
        messages = prompt.messages(title=library.titles[row], tracks=_first_tracks(library, row))
        jobs.append(Job(library.playlists["playlist_id"][row], messages, prompt.version, max_tokens=_TOKENS))
    return jobs


def with_written(
    library: Library, playlist_ids: Sequence[str], columns: pl.DataFrame, *, over: bool = False
) -> Library:
    """The library with texts for some playlists; ids that it does not have are passed over.

    Args:
        over: whether playlists that have a text by now get the new one.
    """
    there = {id: row for row, id in enumerate(library.playlists["playlist_id"].to_list())}
    held = library.playlists["written"].is_null().to_list() if "written" in library.playlists.columns else None
    pairs = [
        (there[id], place)
        for place, id in enumerate(playlist_ids)
        if id in there and (over or held is None or held[there[id]])
    ]
    rows, places = [row for row, _ in pairs], [place for _, place in pairs]
    changed = []
    for name, dtype in OPTIONAL_PLAYLIST_COLUMNS.items():
        column = (
            library.playlists[name].clone()
            if name in library.playlists.columns
            else pl.Series(name, [None] * library.n_playlists, dtype)
        )
        changed.append(column.scatter(rows, columns[name][places]) if rows else column)
    return library.with_playlist_columns(pl.DataFrame(changed))


def _kept(
    ids: Sequence[str], columns: pl.DataFrame, rejections: Rejections, *, asked: int | None = None, **more: Any
) -> Described:
    """Without texts that are null or were rejected."""
    texts = columns["written"].to_list()
    said = [place for place, text in enumerate(texts) if text]
    kept = [place for place in said if not rejections.rejects("playlist", ids[place], texts[place])]
    results: Results[Description] | None = more.get("results")
    return Described(
        playlist_ids=tuple(ids[place] for place in kept),
        columns=columns[kept],
        asked=len(ids) if asked is None else asked,
        rejected=len(said) - len(kept),
        failures=[] if results is None else results.failures,
        **more,
    )


def _first_tracks(library: Library, row: int) -> list[Mapping[str, Quotable]]:
    columns = ("name", "artist", "album", "year", "genre")
    given = library.playlist_tracks.row(row)[:FIRST]
    return [
        {name: value for name, value in zip(columns, values, strict=True) if value is not None and value != ""}
        for values in library.tracks[given].select(columns).iter_rows()
    ]


def _given(artists: Sequence[str], library: Library, row: int) -> tuple[list[str], int]:
    """Artists of the given tracks, spelled as there, and how many other names there were."""
    tracks = library.playlist_tracks.row(row)[:FIRST]
    names = {fold(name): name for name in reversed(library.tracks["artist"][tracks].to_list()) if name}
    known = [names[fold(artist)] for artist in artists if fold(artist) in names]
    return list(dict.fromkeys(known)), sum(fold(artist) not in names for artist in artists)


def _cell(words: Sequence[str]) -> str | None:
    return "; ".join(dict.fromkeys(filter(None, (clean(word) for word in words)))) or None
