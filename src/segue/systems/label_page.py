"""The page on what people said: whose lists they like, how far they agree, the counts behind it."""

from __future__ import annotations

import math

from segue.evaluate.drawing import Plot
from segue.evaluate.label_agreement import PeopleReport
from segue.evaluate.page import figures, page, table
from segue.evaluate.significance import Interval
from segue.systems.judge_page import confusion_plot

__all__ = ["label_page"]


def label_page(report: PeopleReport) -> str:
    """The whole page.

    Raises:
        MissingDependency: nothing can be drawn.
    """
    fit = report.sheet == "fit"
    order = sorted(report.systems, key=lambda name: (-_order(report.systems[name]), name))
    head = ["system", "share of tracks that fit" if fit else f"mean grade@{report.depth}"]
    columns = [report.systems] if fit else [report.systems, report.ndcg]
    if not fit:
        head.append(f"NDCG@{report.depth} on grades")
    if report.by_judge:
        head.append("mean grade by the judge")
        columns.append(report.by_judge)
    compared = [*report.people, *report.judge]
    whole = f"{report.n_queries:,} {'titles' if fit else 'queries'} of which everything was graded"
    tau = (
        [] if report.tau is None else [f"Order of the systems by people and by the judge: tau {_shown(report.tau)}."]
    )
    body = [
        "<h1>What people said</h1>",
        f"<p class='quiet'>{whole}.</p>",
        table(head, [(name, *(_shown(column[name]) for column in columns)) for name in order]),
        *(f"<p>{told}</p>" for told in tau),
        "<h2>Agreement</h2>",
        table(
            ["first", "second", "items", "weighted kappa", "equal", "rank correlation", ""],
            [
                (
                    one.first,
                    one.second,
                    f"{one.agreement.n:,}",
                    *map(_shown, (one.agreement.kappa, one.agreement.exact, one.agreement.spearman)),
                    one.agreement.note,
                )
                for one in compared
            ],
            texts=(1, 6),
        )
        if compared
        else "<p>One person and no judge: there is nobody to agree with.</p>",
        *figures(_plots(report)),
    ]
    return page("What people said", body)


def _plots(report: PeopleReport) -> list[Plot]:
    plots = []
    for place, one in enumerate([*report.people, *report.judge]):
        if one.agreement.n:
            svg = confusion_plot(one.agreement.confusion, one.first, one.second, f"confusion{place}")
            plots.append((f"{one.first} and {one.second}", "Items by both grades; on the diagonal they agree.", svg))
    return plots


def _shown(value: Interval) -> str:
    return "-" if math.isnan(value.mean) else f"{value:.2f}"


def _order(value: Interval) -> float:
    return -1.0 if math.isnan(value.mean) else value.mean
