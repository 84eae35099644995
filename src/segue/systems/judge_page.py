"""The page on judged systems: grades with intervals, the spread over wordings, the confusion with people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from segue.evaluate.drawing import COLOURS, REFERENCE_COLOUR, Plot, as_svg, label, panels
from segue.evaluate.page import figures, page, safe, table
from segue.systems.judge_tuning import SAME

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from segue.systems.judge_report import JudgeReport, Score

__all__ = ["confusion_plot", "findings", "judge_page", "shown"]


def shown(score: Score, digits: int = 2) -> str:
    """A mean with its interval, for people."""
    mean, low, high = score
    if mean is None:
        return "-"
    bounds = "" if low is None or high is None else f" [{low:.{digits}f}, {high:.{digits}f}]"
    return f"{mean:.{digits}f}{bounds}"


def findings(report: JudgeReport) -> list[str]:
    """What to know before the figures are believed, as sentences."""
    said = [f"{report.validated[:1].upper()}{report.validated[1:]}."]
    if report.wordings[0].startswith("stand-in:"):
        said.append("A stand-in without a language model judged: it rewards shared words, as word search does.")
    if report.validation is not None and report.validation.tau[0] is not None:
        said.append(f"Order of the systems by people and by the judge: tau {shown(report.validation.tau)}.")
    if report.gold is not None:
        said.append(
            f"Mechanical gold: a description's own playlist has a higher grade than a random other in "
            f"{shown(report.gold.within)} of cases (ties half); AUC over all {shown(report.gold.auc)}, "
            f"{report.gold.descriptions:,} descriptions by {report.gold.wrote}, {report.gold.others} others each."
        )
    if report.changed is not None:
        least = "" if report.tau_of_wordings is None else f"; least tau of two wordings {report.tau_of_wordings:.2f}"
        said.append(f"{report.changed:.0%} of the grades depend on the judge's wording{least}.")
    if report.scale != SAME:
        said.append(f"Grades 0, 1, 2, 3 are taken for {', '.join(map(str, report.scale))}, as people chose.")
    if report.failed:
        lost = report.queries - report.queries_counted
        said.append(f"{report.failed:,} gradings failed or were not asked; {lost:,} queries count for no system.")
    never = "a description" if report.evidence.startswith("its title") else "its title or a description"
    said.append(f"The judge saw of each playlist: {report.evidence}; never {never}.")
    return said


def judge_page(report: JudgeReport) -> str:
    """The whole page.

    Raises:
        MissingDependency: nothing can be drawn.
    """
    body = [
        "<h1>Judged search</h1>",
        f"<p class='quiet'>{safe(', '.join(report.wordings))}; figures by {safe(report.grades_by)}; "
        f"{report.queries:,} queries, {report.pairs:,} pairs, first {report.depth} places.</p>",
        "<ul>" + "".join(f"<li>{safe(told)}</li>" for told in findings(report)) + "</ul>",
        table(
            ["system", f"mean grade@{report.depth}", f"NDCG@{report.depth} on grades", "sd over wordings"]
            + [f"wording {n}" for n in range(1, len(report.wordings) + 1)],
            [
                (row.name, shown(row.grade), shown(row.ndcg, 3), _plain(row.sd, 3), *map(_plain, row.by_wording))
                for row in report.systems
            ],
        ),
        *figures(_plots(report)),
    ]
    if report.tried:
        body += ["<h2>What chose the judge</h2>", table(["wording", "kappa, choosing half"], [
            (name, _plain(kappa, 3)) for name, kappa in report.tried])]  # fmt: skip
    return page("Judged search", body)


def confusion_plot(confusion: Sequence[Sequence[int]], first: str, second: str, name: str) -> str:
    """A table of counts as tiles, darker the more; SVG."""
    most = max((n for row in confusion for n in row), default=0) or 1

    def draw(figure: Figure) -> None:
        from matplotlib.patches import Rectangle  # imported late: only a page needs it

        (axes,) = panels(figure, 1)
        size = len(confusion)
        for i, row in enumerate(confusion):
            for j, n in enumerate(row):
                axes.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, color=COLOURS[0], alpha=0.85 * n / most, lw=0))
                axes.text(j, i, str(n), ha="center", va="center", color="white" if n > 0.6 * most else "#222222")
        axes.set(xlim=(-0.5, size - 0.5), ylim=(-0.5, size - 0.5), xticks=range(size), yticks=range(size))
        axes.set_xlabel(label(f"grade by {second}"))
        axes.set_ylabel(label(f"grade by {first}"))
        axes.set_aspect("equal")

    return as_svg(draw, (8, 3), name)


def _plots(report: JudgeReport) -> list[Plot]:
    plots = [
        (
            "Systems",
            "Mean grade with its 95 % interval over queries; small marks are the judge's single wordings.",
            as_svg(lambda figure: _systems(figure, report), (7, 0.9 + 0.42 * len(report.systems)), "systems"),
        ),
        (
            "Grades",
            "How often the judge gave each grade.",
            as_svg(lambda figure: _grades(figure, report), (8, 2.2), "grades"),
        ),
    ]
    if report.validation is not None and report.validation.n:
        svg = confusion_plot(report.validation.confusion, "people", "judge", "confusion")
        plots.append(("People and judge", "Pairs by both grades; on the diagonal they agree.", svg))
    return plots


def _systems(figure: Figure, report: JudgeReport) -> None:
    (axes,) = panels(figure, 1)
    for place, row in enumerate(reversed(report.systems)):
        mean, low, high = row.grade
        if mean is not None and low is not None and high is not None:
            axes.plot([low, high], [place, place], color=COLOURS[0], lw=2)
            axes.plot([mean], [place], "o", color=COLOURS[0])
        each = [value for value in row.by_wording if value is not None]
        axes.plot(each, [place + 0.2] * len(each), "|", color=REFERENCE_COLOUR)
    axes.set_yticks(range(len(report.systems)), [label(row.name) for row in reversed(report.systems)])
    axes.set_ylim(-0.6, len(report.systems) - 0.4)
    axes.set_xlabel(f"mean grade of the first {report.depth}, 0 to 3")


def _grades(figure: Figure, report: JudgeReport) -> None:
    (axes,) = panels(figure, 1)
    axes.bar(range(len(report.distribution)), report.distribution, color=COLOURS[0])
    axes.set_xticks(range(len(report.distribution)))
    axes.set_xlabel("grade")
    axes.set_ylabel("pairs")


def _plain(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
