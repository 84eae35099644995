"""Synthetic queries: what people could type to find a playlist, by a language model or by templates."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from segue.enrich.query_templates import RULES, TEMPLATES, Facts, facts_of, rephrased, templated
from segue.errors import InputError
from segue.library import Library
from segue.library.names import fold
from segue.library.searching import Click, SearchQuery
from segue.lm.base import LanguageModel
from segue.lm.jobs import Failure, Job, Results, run
from segue.lm.prompts import Prompt
from segue.lm.quoting import cleaned
from segue.split.holdout import holdout

__all__ = [
    "WRITTEN_STYLES", "Ask", "LowQuery", "Variants", "Written", "WrittenQueries", "low_queries", "rows_of_part",
    "vary_queries", "write_queries",
]  # fmt: skip

WRITTEN_STYLES = ("keyword", "natural", "paraphrase", "activity", "mood")
_TRACKS = 10
_MOST = 200  # characters of a query
_TOKENS_EACH, _TOKENS_MORE = 40, 60


class WrittenQuery(BaseModel):
    """A query in a style."""

    style: str
    query: Annotated[str, Field(min_length=1, max_length=500)]


class WrittenQueries(BaseModel):
    """What a model writes for a playlist."""

    queries: Annotated[list[WrittenQuery], Field(max_length=100)]


class Variants(BaseModel):
    """Other ways to ask for the same."""

    variants: Annotated[list[Annotated[str, Field(min_length=1, max_length=500)]], Field(max_length=50)]


Ask = Callable[[LanguageModel, Sequence[Job], type[Any], Callable[[Job, Any], str | None]], Results[Any]]
"""How a model's jobs are run: :func:`segue.lm.jobs.run` with a check, or the same with a cache and a bar."""


@dataclass(frozen=True)
class Written:
    """Queries, and what came to nothing.

    Args:
        queries: in the order of the playlists. asked: playlists. empty: those about which nothing could be written.
        failures: of the model.
    """

    queries: list[SearchQuery]
    asked: int
    empty: int = 0
    failures: list[Failure] = field(default_factory=list)
    results: Results[Any] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class LowQuery:
    """A logged query that people rarely clicked on.

    Args:
        shown: times that a playlist was shown for it. clicks: of these.
        playlist_id: the one clicked most; empty for none.
    """

    query: str
    shown: int
    clicks: int
    playlist_id: str = ""


def rows_of_part(library: Library, part: str) -> NDArray[np.int64]:
    """Rows of playlists with a title and tracks, of the training, validation or test part, or of all.

    Raises:
        InputError: there is no such part.
    """
    split = holdout(library)
    every = np.arange(library.n_playlists)
    parts = {"train": split.train, "validation": split.validation, "test": split.test, "all": every}
    if part not in parts:
        raise InputError(f"there is no part {part!r}; there are {', '.join(parts)}")
    rows = np.asarray(parts[part], np.int64)
    kept = [row for row in rows.tolist() if library.titles[row].strip() and len(library.playlist_tracks.row(row))]
    return np.array(kept, np.int64)


def write_queries(
    library: Library,
    model: LanguageModel | None = None,
    *,
    rows: Sequence[int] | NDArray[np.integer] | None = None,
    styles: Sequence[str] = WRITTEN_STYLES,
    each: int = 1,
    ask: Ask | None = None,
    rng_key: int = 0,
) -> Written:
    """Write queries for playlists.

    Args:
        model: None for the stand-ins, templates and rules.
        rows: playlists; None is the training part, so that no query is about a playlist that measures.
        styles: of :data:`WRITTEN_STYLES`. each: queries of each style, at most.
        ask: how a model's jobs are run.

    Raises:
        InputError: an unknown style, or none.
    """
    unknown = [style for style in styles if style not in WRITTEN_STYLES]
    if unknown or not styles:
        what = f"there is no style {unknown[0]!r}" if unknown else "no style was named"
        raise InputError(f"{what}; there are {', '.join(WRITTEN_STYLES)}")
    if each < 1:
        raise InputError(f"each is {each}; it must be at least 1")
    wanted = [int(row) for row in (rows_of_part(library, "train") if rows is None else rows)]
    ids = library.playlists["playlist_id"].gather(wanted).to_list() if wanted else []
    facts = facts_of(library, wanted)
    if model is None:
        return _by_templates(ids, facts, styles, each, rng_key)
    return _by_model(library, wanted, ids, facts, model, styles, each, ask)


def _by_templates(ids: Sequence[str], facts: Sequence[Facts], styles: Sequence[str], each: int, key: int) -> Written:
    made: list[SearchQuery] = []
    empty = 0
    for playlist_id, known in zip(ids, facts, strict=True):
        rng = np.random.default_rng([key, *playlist_id.encode("utf-8", "replace")])
        before = len(made)
        for style in styles:
            by = RULES if style == "paraphrase" else TEMPLATES
            made += [SearchQuery(query, playlist_id, style, by) for query in templated(known, style, each, rng)]
        empty += len(made) == before
    return Written(made, len(ids), empty)


def _by_model(
    library: Library,
    rows: Sequence[int],
    ids: Sequence[str],
    facts: Sequence[Facts],
    model: LanguageModel,
    styles: Sequence[str],
    each: int,
    ask: Ask | None,
) -> Written:
    prompt = Prompt.read("segue.enrich", "queries")
    names, artists = (library.tracks[column].fill_null("") for column in ("name", "artist"))
    jobs = []
    for row, playlist_id, known in zip(rows, ids, facts, strict=True):
        first = library.playlist_tracks.row(row)[:_TRACKS].tolist()
        tracks = [f"{artist} - {name}" for name, artist in zip(names[first], artists[first], strict=True)]
        messages = prompt.messages(
            title=known.title, about=known.about, tracks=tracks, styles=list(styles), each=each
        )
        tokens = _TOKENS_MORE + _TOKENS_EACH * len(styles) * each
        jobs.append(Job(playlist_id, messages, prompt.version, max_tokens=tokens))

    def check(job: Job, value: WrittenQueries) -> str | None:
        strange = [one.style for one in value.queries if one.style not in styles]
        return f"it writes in the style {strange[0][:40]!r}, which was not asked for" if strange else None

    results = (ask or _run)(model, jobs, WrittenQueries, check)
    titles = {playlist_id: fold(known.title) for playlist_id, known in zip(ids, facts, strict=True)}
    made: list[SearchQuery] = []
    empty = 0
    for playlist_id, completion in results.done.items():
        by = f"{model.name} {completion.prompt}"
        count: dict[str, int] = {}
        before = len(made)
        for one in completion.value.queries:
            query = " ".join(str(cleaned(one.query, most=_MOST)).split())
            if query and fold(query) != titles[playlist_id] and count.get(one.style, 0) < each:
                count[one.style] = count.get(one.style, 0) + 1
                made.append(SearchQuery(query, playlist_id, one.style, by))
        empty += len(made) == before
    return Written(list(dict.fromkeys(made)), len(jobs), empty, results.failures, results)


def low_queries(
    clicks: Sequence[Click],
    playlist_ids: Collection[str] | None = None,
    *,
    least_shown: int = 20,
    most_rate: float = 0.05,
) -> list[LowQuery]:
    """Logged queries that were shown often and clicked rarely, the most shown first.

    Args:
        playlist_ids: that a query may be about, those of the training part say; None for any.
        least_shown: results that a query must have been shown. most_rate: clicks for each of them, at most.
    """
    known = None if playlist_ids is None else set(playlist_ids)
    shown: dict[str, int] = {}
    clicked: dict[str, dict[str, int]] = {}
    for one in clicks:
        query = " ".join(one.query.split())
        shown[query] = shown.get(query, 0) + 1
        if one.clicked:
            mine = clicked.setdefault(query, {})
            mine[one.playlist_id] = mine.get(one.playlist_id, 0) + 1
    low = []
    for query, n in shown.items():
        mine = clicked.get(query, {})
        total = sum(mine.values())
        if query and n >= least_shown and total <= most_rate * n:
            told = [one for one in mine if known is None or one in known]
            best = min(told, key=lambda one: (-mine[one], one), default="")
            low.append(LowQuery(query, n, total, best))
    return sorted(low, key=lambda one: (-one.shown, one.query))


def vary_queries(
    low: Sequence[LowQuery],
    model: LanguageModel | None = None,
    *,
    n: int = 3,
    ask: Ask | None = None,
    rng_key: int = 0,
) -> Written:
    """Other ways to ask what people asked in vain; those without any click are about nothing and left out.

    Args:
        model: None for rules that replace, move and drop words. n: variants of each query, at most.
    """
    told = [one for one in low if one.playlist_id]
    empty = len(low) - len(told)
    if model is None:
        made = []
        for one in told:
            rng = np.random.default_rng([rng_key, *one.query.encode("utf-8", "replace")])
            made += [SearchQuery(q, one.playlist_id, "logged", RULES) for q in rephrased(one.query, n, rng)]
        return Written(made, len(low), empty)
    prompt = Prompt.read("segue.enrich", "variants")
    jobs = [
        Job(
            str(place),
            prompt.messages(query=one.query, n=n),
            prompt.version,
            max_tokens=_TOKENS_MORE + n * _TOKENS_EACH,
        )
        for place, one in enumerate(told)
    ]
    results = (ask or _run)(model, jobs, Variants, lambda job, value: None)
    made = []
    for key, completion in results.done.items():
        one = told[int(key)]
        texts = [" ".join(str(cleaned(text, most=_MOST)).split()) for text in completion.value.variants]
        kept = [text for text in dict.fromkeys(texts) if text and fold(text) != fold(one.query)][:n]
        by = f"{model.name} {completion.prompt}"
        made += [SearchQuery(text, one.playlist_id, "logged", by) for text in kept]
    return Written(made, len(low), empty, results.failures, results)


def _run(
    model: LanguageModel, jobs: Sequence[Job], schema: type[Any], check: Callable[[Job, Any], str | None]
) -> Results[Any]:
    return run(model, jobs, schema, check=check)
