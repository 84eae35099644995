"""A report as one self-contained page: no script, no font, no request to anywhere, all text escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from segue.errors import MissingDependency
from segue.evaluate.metrics import is_lower_better
from segue.evaluate.page import figures, page, safe
from segue.evaluate.plots import plots
from segue.evaluate.table import Report, Row, Score, TitleList, Versus

__all__ = ["SIGNIFICANT", "figure", "to_html"]

SIGNIFICANT = 0.05


def to_html(report: Report) -> str:
    """Write the page; without matplotlib it has no plots and says so.

    Every text that comes from data (method names, titles, tracks, notes) is escaped.
    """
    versus = (
        f"compared with {report.reference} by paired bootstrap, p-values corrected by Holm over the methods"
        if report.reference
        else "no method is the reference, so nothing is compared"
    )
    about = (
        f"{report.n_queries:,} playlists of the {report.part} part asked, {report.n_training:,} in training; "
        f"library {report.library}. Means with 95 % bootstrap intervals; {versus}."
    )
    body = [
        f"<h1>{safe(report.protocol)} report</h1>",
        f'<p class="quiet">{safe(about)}</p>',
        _notes([*_left_out(report), *report.notes]),
        *_plots(report),
        *_tables(report),
        _not_below(report),
        _lists(report.lists),
        _methods(report),
    ]
    return page(f"Segue: {report.protocol} report", body)


def figure(metric: str, value: float | None) -> str:
    """A value as people read it: shares with four digits, counts with two.

    >>> figure("ndcg@500", 0.123456), figure("clicks", 3.14159), figure("ndcg@500", None)
    ('0.1235', '3.14', '-')
    """
    if value is None:
        return "-"
    digits = (
        2 if is_lower_better(metric) or metric.startswith(("mean_popularity", "content_lift", "title_lift")) else 4
    )
    return f"{value:.{digits}f}"


def _left_out(report: Report) -> list[str]:
    return [f"Left out: {n} ({reason})." for reason, n in report.left_out.items() if n]


def _notes(notes: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{safe(note)}</li>" for note in notes) + "</ul>" if notes else ""


def _plots(report: Report) -> Iterable[str]:
    try:
        return figures(plots(report))
    except MissingDependency as error:
        return [f'<p class="quiet">No plots: {safe(str(error))}.</p>']


def _tables(report: Report) -> Iterable[str]:
    yield "<h2>All figures</h2>"
    for place, name in enumerate(report.slices):
        rows = [row for row in report.rows if row.slice == name]
        if rows:
            state = " open" if place == 0 else ""
            table = _table(report, rows)
            yield f"<details{state}><summary>{safe(name)} (n = {rows[0].n_queries:,})</summary>{table}</details>"


def _table(report: Report, rows: Sequence[Row]) -> str:
    metrics = [m for m in report.metrics if any(m in row.scores for row in rows)]
    head = "".join(f"<th>{safe(m)}{' (lower is better)' if is_lower_better(m) else ''}</th>" for m in metrics)
    lines = []
    for row in rows:
        cells = "".join(_cell(m, row.scores.get(m), row.versus.get(m)) for m in metrics)
        mark = ' class="reference"' if row.method == report.reference else ""
        lines.append(f"<tr{mark}><td>{safe(row.method)}</td>{cells}</tr>")
    return (
        f'<div class="wide"><table><thead><tr><th>method</th>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _cell(metric: str, score: Score | None, versus: Versus | None) -> str:
    if score is None or score.mean is None:
        return "<td>-</td>"
    text = figure(metric, score.mean)
    if score.low is not None:
        text += f"<br><small>{figure(metric, score.low)} to {figure(metric, score.high)}</small>"
    mark = ""
    if versus is not None:
        if versus.ratio.mean is not None:
            text += f"<br><small>× {versus.ratio.mean:.2f}{_stars(versus)}</small>"
        elif versus.difference.mean is not None:
            text += f"<br><small>{versus.difference.mean:+.2f}{_stars(versus)}</small>"
        if versus.p_holm is not None and versus.p_holm <= SIGNIFICANT and versus.difference.mean:
            gained = (versus.difference.mean > 0) != is_lower_better(metric)
            judged = not metric.startswith(("mean_popularity", "popularity_overlap"))
            mark = f' class="{"better" if gained else "worse"}"' if judged else ""
    return f"<td{mark}>{text}</td>"


def _stars(versus: Versus) -> str:
    return " *" if versus.p_holm is not None and versus.p_holm <= SIGNIFICANT else ""


def _not_below(report: Report) -> str:
    if not report.not_below:
        return ""
    lines = []
    for row in report.not_below:
        low, high = figure(row.metric, row.difference.low), figure(row.metric, row.difference.high)
        cells = [
            safe(row.slice),
            safe(row.method),
            safe(row.other),
            f"{figure(row.metric, row.difference.mean)}<br><small>{low} to {high}</small>",
            figure(row.metric, row.bound),
            f"{row.p_holm:.4f}" if row.p_holm is not None else "-",
            ("above" if row.above else "not below") if row.holds else "not shown",
        ]
        lines.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    head = "".join(
        f"<th>{h}</th>" for h in ("scenario", "method", "best other", "difference", "bound", "p", "verdict")
    )
    return (
        "<h2>Not below the best single method</h2><p>Not below: the lower 95 % bound of the paired difference "
        "reaches -1 % of the other, Holm over the scenarios.</p>"
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'
    )


def _lists(lists: Sequence[TitleList]) -> str:
    if not lists:
        return ""
    by_title: dict[str, list[TitleList]] = {}
    for one in lists:
        by_title.setdefault(one.title, []).append(one)
    boxes = []
    for title, answers in by_title.items():
        parts = [f"<h3>{safe(title)}</h3>"]
        for answer in answers:
            tracks = "".join(f"<li>{safe(t.name)} – {safe(t.artist)}</li>" for t in answer.tracks)
            ignored = "".join(f'<p class="quiet">{safe(text)}</p>' for text in answer.ignored)
            parts.append(f"<h4>{safe(answer.method)}</h4><ol>{tracks}</ol>{ignored}")
        boxes.append(f'<div class="list">{"".join(parts)}</div>')
    return (
        "<h2>Lists to judge at a glance</h2><p>Titles of docs/titles.txt; nobody's playlists.</p>"
        f'<div class="lists">{"".join(boxes)}</div>'
    )


def _methods(report: Report) -> str:
    methods: Mapping[str, str] = report.methods
    lines = "".join(f"<tr><td>{safe(name)}</td><td>{safe(mark)}</td></tr>" for name, mark in methods.items())
    return (
        "<details><summary>Fingerprints of the methods</summary><table><tbody>" + lines + "</tbody></table></details>"
        '<p class="quiet">Every metric is defined in docs/metrics.md. * and colour: p at most 0.05 after Holm.</p>'
    )
