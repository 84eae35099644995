"""What all protocols share: asking recommenders, the baselines that are always rows, the finished report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError
from segue.evaluate.report import SHORT_METRICS, print_report, save_report
from segue.evaluate.table import Listed, Report, TitleList
from segue.library import Library, Qrels, Query, Ranking, Recommender, Run

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "DEPTH",
    "POPULARITY",
    "REFERENCE",
    "SAME_TITLE",
    "Progress",
    "Reported",
    "ask",
    "bundled_titles",
    "leak_notes",
    "read_titles",
    "title_lists",
    "with_baselines",
]

Progress = Callable[[int, int, str], None]
"""Called with (done, total, what is being done)."""

DEPTH = 500
POPULARITY, SAME_TITLE, REFERENCE = "popularity", "same_title", "published"
_LIST_LENGTH = 10
_MOST_TITLES = 1_000


@dataclass(frozen=True, eq=False)
class Reported:
    """A finished report: to be printed, to be saved."""

    report: Report

    def print(self, console: Console | None = None, *, metrics: Sequence[str] = SHORT_METRICS) -> None:
        """Print the short tables."""
        print_report(self.report, console, metrics=metrics)

    def save(self, folder: Path | str) -> tuple[Path, Path]:
        """Write ``report.json`` and ``report.html``.

        Raises:
            OutputError: the place cannot be written to.
        """
        return save_report(self.report, folder)


def with_baselines(recommenders: Mapping[str, Recommender], training: Library) -> dict[str, Recommender]:
    """Popularity and same-title vote, fitted on the training part, before the given recommenders."""
    from segue.recommend.popularity import Popularity  # imported late: their arrays are built here
    from segue.recommend.same_title import SameTitle

    rows: dict[str, Recommender] = {}
    if POPULARITY not in recommenders:
        rows[POPULARITY] = Popularity.fitted(training.playlist_tracks)
    if SAME_TITLE not in recommenders:
        rows[SAME_TITLE] = SameTitle.fitted(training)
    return rows | dict(recommenders)


def ask(
    name: str, recommender: Recommender, queries: Sequence[Query], n: int = DEPTH, progress: Progress | None = None
) -> Run:
    """Ask a recommender all queries; a question that was asked before is not asked again. It never sees the truth.

    Raises:
        ValueError: a ranking repeats a track, is too long, or has a given track: a fault of the recommender.
    """
    answered: dict[Query, NDArray[np.int32]] = {}
    rankings: dict[str, NDArray[np.int32]] = {}
    for done, query in enumerate(queries):
        if progress is not None:
            progress(done, len(queries), name)
        # the id stays here: it would be a way to look the truth up
        question = replace(query, query_id="")
        if question not in answered:
            ranking = recommender.recommend(question, n)
            answered[question] = _checked(name, ranking, query, n)
        rankings[query.query_id] = answered[question]
    if progress is not None:
        progress(len(queries), len(queries), name)
    return Run(name, rankings)


def _checked(name: str, ranking: Ranking, query: Query, n: int) -> NDArray[np.int32]:
    rows = np.asarray(ranking.rows, np.int32)
    if len(rows) > n:
        raise ValueError(f"{name} answered {len(rows)} tracks where {n} were asked for")
    if np.isin(rows, np.array(query.seed_tracks, np.int32)).any():
        raise ValueError(f"{name} recommended a track that was given")
    return rows


def leak_notes(runs: Mapping[str, Run], qrels: Qrels) -> list[str]:
    """Sentences about methods that hit tracks of no training playlist, which playlists alone cannot teach."""
    notes = []
    for name, run in runs.items():
        hits = 0
        for query_id, relevant in qrels.relevant.items():
            found = np.intersect1d(run.rankings[query_id], relevant)
            hits += 0 if qrels.popularity is None else int((qrels.popularity[found] == 0).sum())
        if hits:
            notes.append(
                f"{name} hit {hits} tracks that are in no training playlist: possible where it reads track texts or "
                "fills its lists with them, a leak otherwise."
            )
    return notes


def title_lists(
    titles: Sequence[str], recommenders: Mapping[str, Recommender], library: Library, n: int = _LIST_LENGTH
) -> list[TitleList]:
    """The first ``n`` tracks of each recommender for each title, title by title; names are the catalogue's."""
    asked = [
        (title, name, recommender.recommend(Query(title), n))
        for title in titles
        for name, recommender in recommenders.items()
    ]
    rows = np.unique(np.concatenate([np.zeros(0, np.int32), *(ranking.rows for _, _, ranking in asked)]))
    table = library.tracks[rows.tolist()].select("name", "artist").fill_null("")
    listed = {row: Listed(name, artist) for row, (name, artist) in zip(rows.tolist(), table.iter_rows(), strict=True)}
    return [
        TitleList(title, name, [listed[row] for row in ranking.rows.tolist()], list(ranking.ignored))
        for title, name, ranking in asked
    ]


def bundled_titles(name: str = "titles") -> list[str]:
    """Titles that come with the package: ``titles`` (60 to judge at a glance) or ``selected_titles`` (22)."""
    return _lines((resources.files("segue.protocols") / "data" / f"{name}.txt").read_text("utf-8"))


def read_titles(path: Path | str) -> list[str]:
    """Read a file of titles, one a line; empty lines and lines that begin with "# " are passed over.

    Raises:
        InputError: it cannot be read, or holds none or too many.
    """
    try:
        lines = _lines(Path(path).read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as a list of titles ({error}); give a UTF-8 text file") from error
    if not 0 < len(lines) <= _MOST_TITLES:
        raise InputError(f"{path} holds {len(lines)} titles; give 1 to {_MOST_TITLES}, one a line")
    return lines


def _lines(text: str) -> list[str]:
    # "#tbt" is a title, "# a remark" is not
    stripped = (line.strip() for line in text.splitlines())
    return [line for line in stripped if line and line != "#" and not line.startswith("# ")]
