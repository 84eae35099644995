"""Today's search against a stored run: the same queries, paired, and whether anything fell."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from segue.evaluate.search import Grades, common, search_metrics
from segue.evaluate.search_table import Score
from segue.evaluate.significance import holm, interval, paired
from segue.library.arrays import fingerprint
from segue.library.search_runs import RankedQuery, SearchRun
from segue.library.searching import Click
from segue.views.titles import normalise

__all__ = ["Monitored", "MonitoredMetric", "fresh_queries", "judged_pairs", "mean_grades", "monitor", "rerun"]

_SIGNIFICANT = 0.05
_DEPTH = 100
_GRADED = 5  # first places of a list that a judge looks at


class MonitoredMetric(msgspec.Struct, frozen=True):
    """One metric, then and now. ``p`` is corrected by Holm over the metrics; null where nothing can be compared."""

    metric: str
    stored: Score
    today: Score
    difference: Score
    p: float | None

    @property
    def dropped(self) -> bool:
        """Whether it fell, significantly."""
        return self.p is not None and self.p <= _SIGNIFICANT and (self.difference.mean or 0.0) < 0


class Monitored(msgspec.Struct, frozen=True, kw_only=True):
    """What ``segue monitor --json`` prints.

    Args:
        n: queries that both runs answered. changed: of them, those whose first ten differ.
    """

    stored: str
    today: str
    n: int
    changed: int
    metrics: list[MonitoredMetric]

    @property
    def dropped(self) -> list[str]:
        """Metrics that fell, significantly."""
        return [one.metric for one in self.metrics if one.dropped]


def monitor(today: SearchRun, stored: SearchRun, grades: Grades | None = None) -> Monitored:
    """Compare two runs by the metrics of their common queries.

    Queries that are about no playlist need grades; a query about which nothing is known counts for no metric.

    Raises:
        InputError: they have no query in common, or mean different queries by one id.
    """
    now, then = common(today, stored)
    values_now, values_then = search_metrics(now, grades), search_metrics(then, grades)
    if grades is not None:
        values_now["grade@5"], values_then["grade@5"] = mean_grades(now, grades), mean_grades(then, grades)
    compared = {metric: paired(values_now[metric], values_then[metric]) for metric in values_now}
    corrected = holm([one.p for one in compared.values()])
    return Monitored(
        stored=stored.name,
        today=today.name,
        n=len(now),
        changed=sum(a.ranking[:10] != b.ranking[:10] for a, b in zip(now, then, strict=True)),
        metrics=[
            MonitoredMetric(
                metric,
                Score.of(interval(values_then[metric])),
                Score.of(interval(values_now[metric])),
                Score.of(one.difference),
                float(p) if np.isfinite(p) else None,
            )
            for (metric, one), p in zip(compared.items(), corrected.tolist(), strict=True)
        ],
    )


def rerun(stored: SearchRun, rank: Callable[[str], Sequence[str]], name: str) -> SearchRun:
    """Ask the queries of a stored run again.

    Args:
        rank: query -> ids of playlists, best first.
    """
    lines = [
        RankedQuery(line.query_id, line.query, line.playlist_id, tuple(rank(line.query))[:_DEPTH]) for line in stored
    ]
    return SearchRun(name, tuple(lines))


def mean_grades(run: SearchRun, grades: Grades) -> NDArray[np.float64]:
    """Mean grade of each query's first five playlists that were graded, float64 ``(n,)``; nan where none was."""
    means = []
    for line in run:
        known = grades.get(line.query_id, {})
        found = [known[playlist] for playlist in line.ranking[:_GRADED] if playlist in known]
        means.append(float(np.mean(found)) if found else float("nan"))
    return np.array(means, np.float64)


def fresh_queries(clicks: Iterable[Click], n: int) -> SearchRun:
    """Logged queries to look at: the ``n`` of lowest hash among the distinct ones; not answered yet.

    The same log gives the same sample, and a log that grew gives mostly the same.
    """
    spelled: dict[str, str] = {}
    for click in clicks:
        key = normalise(click.query, "key")
        if key:
            spelled.setdefault(key, click.query)
    chosen = sorted(spelled, key=lambda key: hashlib.sha256(key.encode("utf-8", "replace")).digest())[:n]
    lines = [RankedQuery(f"logged/{fingerprint(key)}", spelled[key], None, ()) for key in sorted(chosen)]
    return SearchRun("logged", tuple(lines))


def judged_pairs(runs: Iterable[SearchRun]) -> tuple[tuple[str, str], ...]:
    """What a judge must grade: logged queries with the first five playlists of each run, once each."""
    pairs = (
        (line.query, playlist)
        for run in runs
        for line in run
        if line.playlist_id is None
        for playlist in line.ranking[:_GRADED]
    )
    return tuple(dict.fromkeys(pairs))
