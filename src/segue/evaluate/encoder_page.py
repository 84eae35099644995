"""A comparison of title encoders as one self-contained page: no script, no request, all text escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from segue.errors import MissingDependency
from segue.evaluate.encoder_plots import encoder_plots
from segue.evaluate.encoder_table import Block, EncoderAbout, EncoderFigures
from segue.evaluate.html import SIGNIFICANT, figure
from segue.evaluate.metrics import is_lower_better
from segue.evaluate.page import figures as drawn_figures
from segue.evaluate.page import page, safe, table
from segue.evaluate.table import Row, TitleList

__all__ = ["to_html"]

_UNJUDGED = ("popularity_overlap", "coverage")
_LESS_IS_MORE = ("list_diversity",)


def to_html(figures: EncoderFigures) -> str:
    """Write the page; without matplotlib it has no plots and says so."""
    about = (
        f"{figures.n_queries:,} playlists of the {figures.part} part asked, {figures.n_training:,} vote; library "
        f"{figures.library}. Means with 95 % bootstrap intervals; compared with {figures.reference} by paired "
        "bootstrap, p-values corrected by Holm over the methods."
    )
    body = [
        "<h1>Title encoders</h1>",
        f'<p class="quiet">{safe(about)} <a href="report.html">All other figures</a> of the same lists are in '
        "report.html.</p>",
        _notes(figures.notes),
        _encoders(figures.encoders),
        *_block(figures.ours, figures.reference),
        *_plots(figures),
        *_accuracy(figures),
        *_block(figures.published, figures.reference),
        _lists(figures.lists),
        f'<p class="quiet">Every metric is defined in docs/metrics.md. * and colour: p at most {SIGNIFICANT} after '
        "Holm.</p>",
    ]
    return page("Segue: title encoders", body)


def _notes(notes: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{safe(note)}</li>" for note in notes) + "</ul>" if notes else ""


def _encoders(encoders: Sequence[EncoderAbout]) -> str:
    rows = [
        (
            one.name,
            one.fingerprint + (f" (the same as {one.same_as})" if one.same_as else ""),
            one.d,
            one.base or "-",
            one.loss or "-",
            one.method or "-",
            one.preset or "-",
            "-"
            if one.best_epoch is None
            else f"{one.best_epoch} of {max((e.epoch for e in one.history), default=0)}",
        )
        for one in encoders
    ]
    head = ("encoder", "fingerprint", "d", "base", "loss", "method", "preset", "best epoch")
    return "<h2>The encoders</h2>" + table(head, rows)


def _block(block: Block, reference: str | None) -> Iterable[str]:
    yield f"<h2>{safe(block.title.capitalize())}</h2><p>{safe(block.explains)}</p>"
    for place, name in enumerate(block.slices):
        rows = [row for row in block.rows if row.slice == name]
        if rows:
            state = " open" if place == 0 else ""
            summary = f"{safe(name)} (n = {rows[0].n_queries:,})"
            yield f"<details{state}><summary>{summary}</summary>{_table(block, rows, reference)}</details>"


def _table(block: Block, rows: Sequence[Row], reference: str | None) -> str:
    metrics = [m for m in block.metrics if any(m in row.scores for row in rows)]
    head = "".join(f"<th>{safe(m)}{' (lower is better)' if _falls(m) else ''}</th>" for m in metrics)
    lines = []
    for row in rows:
        mark = ' class="reference"' if row.method == reference else ""
        cells = "".join(_cell(row, metric) for metric in metrics)
        lines.append(f"<tr{mark}><td>{safe(row.method)}</td>{cells}</tr>")
    return (
        f'<div class="wide"><table><thead><tr><th>encoder</th>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _falls(metric: str) -> bool:
    return is_lower_better(metric) or metric.startswith(_LESS_IS_MORE)


def _cell(row: Row, metric: str) -> str:
    found, versus = row.scores.get(metric), row.versus.get(metric)
    if found is None or found.mean is None:
        return "<td>-</td>"
    text, mark = figure(metric, found.mean), ""
    if found.low is not None:
        text += f"<br><small>{figure(metric, found.low)} to {figure(metric, found.high)}</small>"
    if versus is not None:
        significant = versus.p_holm is not None and versus.p_holm <= SIGNIFICANT
        star = " *" if significant else ""
        if versus.ratio.mean is not None:
            text += f"<br><small>× {versus.ratio.mean:.3f}{star}</small>"
        elif versus.difference.mean is not None:
            text += f"<br><small>{versus.difference.mean:+.2f}{star}</small>"
        if significant and versus.difference.mean and not metric.startswith(_UNJUDGED):
            mark = f' class="{"better" if (versus.difference.mean > 0) != _falls(metric) else "worse"}"'
    return f"<td{mark}>{text}</td>"


def _plots(figures: EncoderFigures) -> Iterable[str]:
    try:
        return drawn_figures(encoder_plots(figures))
    except MissingDependency as error:
        return [f'<p class="quiet">No plots: {safe(str(error))}.</p>']


def _accuracy(figures: EncoderFigures) -> Iterable[str]:
    if not figures.accuracy:
        return
    names = list(figures.accuracy_overall)
    reading = "Share of a theme's held-out titles whose nearest mean title vector is its own."
    yield f"<h2>Accuracy by theme</h2><p>{reading}</p>"
    total = sum(one.n for one in figures.accuracy)
    lines = [["all themes", total, *(f"{figures.accuracy_overall[name]:.3f}" for name in names)]]
    lines += [[one.theme, one.n, *(f"{one.accuracy[name]:.3f}" for name in names)] for one in figures.accuracy]
    summary = f"{len(figures.accuracy):,} themes"
    yield f"<details><summary>{summary}</summary>{table(['theme', 'n', *names], lines)}</details>"


def _lists(lists: Sequence[TitleList]) -> str:
    if not lists:
        return ""
    methods = list(dict.fromkeys(one.method for one in lists))
    by_title: dict[str, dict[str, TitleList]] = {}
    for one in lists:
        by_title.setdefault(one.title, {})[one.method] = one
    boxes = []
    for title, answers in by_title.items():
        parts = [f"<h3>{safe(title)}</h3>"]
        for method in methods:
            if method in answers:
                tracks = "".join(f"<li>{safe(t.name)} – {safe(t.artist)}</li>" for t in answers[method].tracks)
                parts.append(f"<h4>{safe(method)}</h4><ol>{tracks}</ol>")
        boxes.append(f'<div class="list">{"".join(parts)}</div>')
    return (
        "<h2>Lists to judge at a glance</h2><p>By the reference and the best of the others; the titles are nobody's "
        f'playlists.</p><div class="lists">{"".join(boxes)}</div>'
    )
