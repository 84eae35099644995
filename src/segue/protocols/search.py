"""Search protocol: does a query find the playlist that it was written about? Rows from BM25 to everything fused."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder
from segue.errors import InputError
from segue.evaluate.search import Grades, own_ranks, search_metrics
from segue.evaluate.search_page import to_html
from segue.evaluate.search_table import Example, SearchFigures, SearchSet, best_of, rows_of
from segue.evaluate.search_terminal import print_search
from segue.library import Library
from segue.library.arrays import write_bytes
from segue.library.search_runs import RankedQuery, SearchRun
from segue.protocols.search_rows import (
    BM25,
    POPULARITY,
    Answered,
    Pool,
    Row,
    answer,
    popular,
    rows_for,
    rows_of_model,
    tuned_bm25,
)
from segue.protocols.search_sets import QuerySet, check_unseen, folds_of, query_id, sampled, without_descriptions
from segue.systems.search_model import SearchModel

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["BEST_UNTRAINED", "SearchReport", "run_search"]

Progress = Callable[[int, int, str], None]
BEST_UNTRAINED = "best untrained fusion"
_ROLES = {"tuned BM25": BM25, "untuned encoder": "untuned encoder"}
_EXAMPLES = 12
_NAMED = 3


@dataclass(frozen=True, eq=False)
class SearchReport:
    """A finished report.

    Args:
        runs: what every row answered, in the order of sets and rows. values: set -> row -> metric -> value of each
            query.
    """

    figures: SearchFigures
    runs: tuple[SearchRun, ...]
    values: Mapping[str, Mapping[str, Mapping[str, NDArray[np.float64]]]]

    def print(self, console: Console | None = None) -> None:
        """Print one table for each set of queries."""
        print_search(self.figures, console)

    def save(self, folder: Path | str) -> tuple[Path, Path]:
        """Write ``report.json``, ``report.html`` and ``runs/NAME.jsonl``; the first two paths.

        Raises:
            OutputError: the place cannot be written to.
        """
        as_json, as_html = Path(folder) / "report.json", Path(folder) / "report.html"
        for run in self.runs:
            run.write(Path(folder) / "runs")
        write_bytes(as_json, msgspec.json.format(msgspec.json.encode(self.figures), indent=1) + b"\n")
        write_bytes(as_html, to_html(self.figures, self.values).encode())
        return as_json, as_html


def run_search(
    library: Library,
    sets: Sequence[QuerySet],
    base: Encoder | None,
    tuned: Mapping[str, Encoder] | None = None,
    *,
    models: Mapping[str, SearchModel] | None = None,
    saw: Mapping[str, str] | None = None,
    grades: Grades | None = None,
    folds: int = 5,
    most: int = 1_000,
    written: Library | None = None,
    progress: Progress | None = None,
) -> SearchReport:
    """Ask every row every query, each fitted on the other folds, and judge.

    What makers wrote about their playlists is in no index but for the titles.

    Args:
        base: the untuned encoder; None leaves words alone. tuned: name -> encoder. saw: name -> what it learnt from.
        models: name -> search model of this library, that no maker's description went into.
        grades: query id -> playlist id -> grade; see :func:`~segue.evaluate.search.search_metrics`.
        folds: at least 2. most: queries of a set; of more a sample is asked.
        written: the library whose ``written`` texts are indexed, if not ``library``.

    Raises:
        InputError: no queries, too few folds, or an indexed text that holds a query.
    """
    if folds < 2:
        raise InputError("a query is answered with what other folds taught; give at least 2 folds")
    if not sets:
        raise InputError("there are no queries; give some with --queries")
    indexed = without_descriptions(written or library)
    sets = [sampled(queries, most) for queries in sets]
    check_unseen(indexed, sets)
    author = _author(indexed)
    encoders = {**({} if base is None else {"base": base}), **(tuned or {})}
    _check_models(models or {}, library)
    pool = Pool.build(indexed, encoders, models, written=author is not None, progress=progress)
    told = saw or {}
    rows = rows_for(
        None if base is None else "base", [(n, told.get(n, "unknown")) for n in tuned or {}], written=author
    )
    for name, model in (models or {}).items():
        rows += rows_of_model(name, model, told.get(name, "unknown"))
    found, runs, values = [], [], {}
    for queries in sets:
        one, its_runs, its_values = _asked(indexed, library.titles, queries, rows, pool, grades, folds, progress)
        found.append(one)
        runs += its_runs
        values[queries.name] = its_values
    figures = SearchFigures(
        library=library.fingerprint,
        n_playlists=library.n_playlists,
        folds=folds,
        encoders={
            name: f"{told.get(name, 'not tuned' if name == 'base' else 'unknown')}; fingerprint {digest}"
            for name, digest in (
                *((name, encoder.fingerprint) for name, encoder in encoders.items()),
                *((name, model.fingerprint) for name, model in (models or {}).items()),
            )
        },
        sets=found,
        notes=_notes(author, base, {*(tuned or {}), *(models or {})}),
    )
    return SearchReport(figures, tuple(runs), values)


def _asked(
    library: Library,
    titles: Sequence[str],
    queries: QuerySet,
    rows: Sequence[Row],
    pool: Pool,
    grades: Grades | None,
    folds: int,
    progress: Progress | None,
) -> tuple[SearchSet, list[SearchRun], dict[str, dict[str, NDArray[np.float64]]]]:
    ids = library.playlists["playlist_id"].to_list()
    row_of = {playlist: row for row, playlist in enumerate(ids)}
    truth = np.array([row_of[query.playlist_id] for query in queries.queries], np.int64)
    texts = [query.query for query in queries.queries]
    fold = folds_of(queries, folds)
    answered: dict[str, Answered] = {POPULARITY: popular(library, len(texts))}
    answered[BM25] = tuned_bm25(library, texts, truth, fold, progress)
    for done, row in enumerate(rows):
        if progress is not None:
            progress(done, len(rows), f"asking {row.name}")
        answered[row.name] = answer(row, pool, texts, truth, fold)
    runs = {
        name: SearchRun(
            name if queries.name == "benchmark" else f"{queries.name}, {name}",
            tuple(
                RankedQuery(query_id(query), query.query, query.playlist_id, tuple(ids[i] for i in hits.tolist()))
                for query, hits in zip(queries.queries, one.hits, strict=True)
            ),
        )
        for name, one in answered.items()
    }
    values = {name: search_metrics(run, grades) for name, run in runs.items()}
    kinds = {POPULARITY: ("simple", ""), BM25: ("simple", "")} | {row.name: (row.kind, row.learnt) for row in rows}
    references = {role: name for role, name in _ROLES.items() if name in values}
    untrained = best_of(values, [name for name, (kind, _) in kinds.items() if kind == "untrained"])
    if untrained is not None:
        references[BEST_UNTRAINED] = untrained
    if "+ similar playlists" in values:
        references["untuned, with similar playlists"] = "+ similar playlists"
    best = best_of(values, [name for name, (kind, _) in kinds.items() if kind not in ("simple", "untrained")])
    compared = [name for name in (untrained or BM25, best) if name is not None]
    figures = SearchSet(
        name=queries.name,
        synthetic=queries.synthetic,
        n_queries=len(texts),
        by=queries.by,
        left_out=queries.left_out,
        references=references,
        rows=rows_of(
            values,
            references,
            kinds=kinds,
            weights={name: one.weights for name, one in answered.items()},
            runs={name: f"runs/{run.file_name}" for name, run in runs.items()},
        ),
        examples=_examples([runs[name] for name in compared], compared, dict(zip(ids, titles, strict=True))),
        notes=[],
    )
    return figures, list(runs.values()), values


def _examples(runs: Sequence[SearchRun], names: Sequence[str], titles: Mapping[str, str]) -> list[Example]:
    """Queries on which two rows differ most and some on which they do not, by title; each row's first three."""
    ranks = [own_ranks(run) for run in runs]
    gain = [np.where(rank > 0, 1 / np.maximum(rank, 1), 0.0) for rank in ranks]
    order = np.argsort(-np.abs(gain[-1] - gain[0]), kind="stable")
    n = min(_EXAMPLES, len(order))
    chosen = order[np.unique(np.linspace(0, len(order) - 1, n).astype(int))] if n else order
    out = []
    for i in chosen.tolist():
        line = runs[0].queries[i]
        first = {
            name: [
                titles.get(p, p) + (" *" if p == line.playlist_id else "") for p in run.queries[i].ranking[:_NAMED]
            ]
            for name, run in zip(names, runs, strict=True)
        }
        out.append(Example(line.query, titles.get(line.playlist_id or "", ""), first))
    return out


def _check_models(models: Mapping[str, SearchModel], library: Library) -> None:
    """Raises: InputError: a model is of another library, or read what makers wrote."""
    for name, model in models.items():
        if model.about.get("library") != library.fingerprint:
            raise InputError(f"the search model {name!r} is of another library; index this one")
        if any("description" in channel.view.parts for channel in model.settings.channels):
            raise InputError(
                f"the search model {name!r} read makers' descriptions, which are asked here; index with "
                "--parts title,written,tags,artists,lead,tracks"
            )


def _author(library: Library) -> str | None:
    if (
        "written" not in library.playlists.columns
        or not library.playlists["written"].null_count() < library.n_playlists
    ):
        return None
    if "written_by" not in library.playlists.columns:
        return "unknown"
    names = library.playlists["written_by"].drop_nulls().unique().sort().to_list()
    return ", ".join(names[:3]) or "unknown"


def _notes(author: str | None, base: Encoder | None, tuned: Collection[str]) -> list[str]:
    notes = [
        "A query knows one right playlist; others that would please count as misses, unless grades say otherwise.",
        "The best untrained fusion is chosen in hindsight, by its recall@10 on these very queries, which favours it.",
    ]
    if author is None:
        notes.append(
            "No descriptions were written for these playlists, so the rows with written descriptions are missing."
        )
    elif author.startswith("extractive"):
        notes.append("The written descriptions are the stand-in's: no language model was asked.")
    if base is None:
        notes.append("There is no sentence encoder, so all rows compare words alone.")
    elif not tuned:
        notes.append("No tuned encoder was given (--encoder NAME=FOLDER), so the tuned rows are missing.")
    return notes
