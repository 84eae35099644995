"""A report on listeners as one self-contained page: no script, no request, all text escaped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from segue.errors import MissingDependency
from segue.evaluate.drawing import Plot
from segue.evaluate.html import SIGNIFICANT
from segue.evaluate.page import figures as drawn_figures
from segue.evaluate.page import page, safe, table
from segue.evaluate.table import Row, Score
from segue.evaluate.user_plots import MOST_HISTORIES, epoch_plots, score_plots
from segue.evaluate.user_table import Fairness, Group, UserFigures, ViewRow
from segue.evaluate.user_terminal import percent, verdict

__all__ = ["to_html"]


def to_html(figures: UserFigures) -> str:
    """Write the page; without matplotlib it has no plots and says so."""
    versus = (
        f"Compared with {figures.reference} by paired bootstrap, p-values corrected by Holm over the methods."
        if figures.reference
        else "No method is the reference, so nothing is compared."
    )
    about = (
        f"{figures.n_users:,} users of the {figures.part} part asked for {figures.n_held_out:,} held-out tracks; "
        f"{figures.n_training:,} training interactions; {figures.n_tracks:,} tracks are ranked, those of training "
        f"masked. Split {figures.library}. Means over users with 95 % bootstrap intervals. {versus}"
    )
    regimes = ", ".join(f"{name}: {n:,}" for name, n in figures.regimes.items())
    body = [
        "<h1>Listeners</h1>",
        f'<p class="quiet">{safe(about)}</p>',
        f'<p class="quiet">Tracks asked about by regime: {safe(regimes)}.</p>',
        "<ul>" + "".join(f"<li>{safe(note)}</li>" for note in figures.notes) + "</ul>" if figures.notes else "",
        *_views(figures.views, figures.metrics),
        *_plots(figures, score_plots),
        *(_block(figures, metric) for metric in figures.metrics),
        *_verdicts(figures),
        *_fairness(figures),
        *_epochs(figures),
        _methods(figures),
        f'<p class="quiet">Every metric is defined in docs/metrics.md. * and colour: p at most {SIGNIFICANT} after '
        "Holm.</p>",
    ]
    return page("Segue: listeners", body)


def _block(figures: UserFigures, metric: str) -> str:
    head = ["<th>method</th>"]
    for name in figures.slices:
        n = next(row.n_queries for row in figures.rows if row.slice == name)
        head.append(f"<th>{safe(name)}<br><small>n = {n:,}</small></th>")
    lines = []
    for method in figures.methods:
        mark = ' class="reference"' if method == figures.reference else ""
        cells = "".join(_cell(figures.row(method, name), metric) for name in figures.slices)
        lines.append(f"<tr{mark}><td>{safe(method)}</td>{cells}</tr>")
    return f"<h2>{safe(metric)}, percent</h2>" + _grid("".join(head), lines)


def _grid(head: str, lines: Sequence[str]) -> str:
    """A table of cells that are HTML already."""
    body = "".join(lines)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(row: Row, metric: str) -> str:
    found, versus = row.scores.get(metric), row.versus.get(metric)
    if found is None or found.mean is None:
        return "<td>-</td>"
    text, mark = _bounded(found), ""
    if versus is not None and versus.difference.mean is not None:
        significant = versus.p_holm is not None and versus.p_holm <= SIGNIFICANT
        ratio = "" if versus.ratio.mean is None else f"× {versus.ratio.mean:.2f}"
        text += f"<br><small>{ratio}{' *' if significant else ''}</small>"
        if significant:
            mark = f' class="{"better" if versus.difference.mean > 0 else "worse"}"'
    return f"<td{mark}>{text}</td>"


def _bounded(found: Score | None) -> str:
    if found is None or found.mean is None:
        return "-"
    if found.low is None:
        return percent(found.mean)
    return f"{percent(found.mean)}<br><small>{percent(found.low)} to {percent(found.high)}</small>"


def _plots(figures: UserFigures, draw: Callable[[UserFigures], list[Plot]]) -> Iterable[str]:
    try:
        return drawn_figures(draw(figures))
    except MissingDependency as error:
        return [f'<p class="quiet">No plots: {safe(str(error))}.</p>']


def _epochs(figures: UserFigures) -> Iterable[str]:
    if figures.histories:
        yield from _plots(figures, epoch_plots)
    if len(figures.histories) > MOST_HISTORIES:
        said = f"Only {MOST_HISTORIES} of {len(figures.histories)} trainings are drawn; users.json has all."
        yield f'<p class="quiet">{safe(said)}</p>'


def _verdicts(figures: UserFigures) -> Iterable[str]:
    if figures.not_below:
        said = (
            verdict(row.slice, row.method, row.other, row.metric, holds=row.holds, above=row.above)
            + f"; difference in percent {_signed(row.difference)}"
            for row in figures.not_below
        )
        yield "<h2>Not below the best of the others</h2><ul>" + "".join(f"<li>{safe(s)}</li>" for s in said) + "</ul>"


def _signed(found: Score) -> str:
    if found.mean is None or found.low is None or found.high is None:
        return "-"
    return f"{100 * found.mean:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f})"


def _views(views: Sequence[ViewRow], metrics: Sequence[str]) -> Iterable[str]:
    if not views:
        return
    slices = list(dict.fromkeys(name for row in views for name in row.scores))
    head = ["catalogue", "share", "view", "users", "tracks", "with text", "likeness", "best epoch"]
    yield (
        "<h2>Views</h2><p>Two towers that differ in the text alone that they read of a track. Likeness: mean cosine "
        "of the texts of two different tracks; near 1 they all sound alike. * differs from the first view of the "
        "same catalogue and share, p-values corrected by Holm over its views.</p>"
    )
    for metric in metrics:
        top = "".join(f"<th>{safe(name)}</th>" for name in [*head[:3], *slices, *head[3:]])
        lines = []
        for row in views:
            best = "-" if row.best_epoch is None else f"{row.best_epoch} of {row.epochs}"
            like = "-" if row.likeness.mean is None else f"{row.likeness.mean:.3f}"
            if row.likeness.low is not None and row.likeness.high is not None:
                like += f"<br><small>{row.likeness.low:.3f} to {row.likeness.high:.3f}</small>"
            said = [safe(row.library), f"{row.share} %", safe(row.view)]
            said += [_viewed(row, name, metric, first=metric == metrics[0]) for name in slices]
            said += [f"{row.n_users:,}", f"{row.n_tracks:,}", f"{percent(row.with_text)} %", like, best]
            lines.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in said) + "</tr>")
        yield f"<h3>{safe(metric)}, percent</h3>" + _grid(top, lines)


def _viewed(row: ViewRow, slice_name: str, metric: str, *, first: bool) -> str:
    versus = row.versus.get(slice_name)
    star = first and versus is not None and versus.p_holm is not None and versus.p_holm <= SIGNIFICANT
    return _bounded(row.scores.get(slice_name, {}).get(metric)) + (" *" if star else "")


def _fairness(figures: UserFigures) -> Iterable[str]:
    if not figures.fairness:
        return
    yield "<h2>Whom the lists serve</h2><p>Hit rate of the first ten, percent, full catalogue.</p>"
    first = figures.fairness[0]
    yield "<h3>By country of the listener</h3>" + _groups(
        figures.fairness, [one.countries for one in figures.fairness]
    )
    if any(group.n for group in first.quintiles):
        yield (
            "<h3>By popularity of the held-out tracks' artists</h3><p>Each fifth holds a fifth of the artists, by "
            "their training interactions.</p>"
        )
        yield _groups(figures.fairness, [one.quintiles for one in figures.fairness])
    if figures.catalogue is None:
        return
    yield (
        "<h2>Whom the lists show</h2><p>Share of the places in the first ten, percent, beside the share of the "
        "catalogue. Popularity lift: mean popularity of the lists over that of what people love. Gini: 0 if all "
        "tracks are shown alike.</p>"
    )
    regimes, quintiles = list(figures.catalogue.regimes), list(figures.catalogue.quintiles)
    head = ["method", *regimes, *(f"artists: {name}" for name in quintiles), "lift", "Gini", "tracks shown"]
    shares = figures.catalogue
    rows: list[list[str]] = [["(catalogue)", *_percents(shares.regimes), *_percents(shares.quintiles), "", "", ""]]
    for one in figures.fairness:
        lift, shown = one.lift, one.shares
        said = "-" if lift.mean is None else f"{lift.mean:.2f}"
        if lift.low is not None and lift.high is not None:
            said += f" ({lift.low:.2f} to {lift.high:.2f})"
        gini = "-" if one.gini is None else f"{one.gini:.3f}"
        cells = [*_percents(shown.regimes), *_percents(shown.quintiles), said, gini, percent(one.shown)]
        rows.append([one.method, *cells])
    yield table(head, rows)


def _percents(shares: dict[str, float | None]) -> list[str]:
    return [percent(share) for share in shares.values()]


def _groups(fairness: Sequence[Fairness], of_methods: Sequence[Sequence[Group]]) -> str:
    names = [f"{group.name} (n = {group.n:,})" for group in of_methods[0]]
    rows = [[one.method, *(_plain(g.hit_rate) for g in of)] for one, of in zip(fairness, of_methods, strict=True)]
    return table(["method", *names], rows)


def _plain(found: Score) -> str:
    if found.low is None:
        return percent(found.mean)
    return f"{percent(found.mean)} ({percent(found.low)} to {percent(found.high)})"


def _methods(figures: UserFigures) -> str:
    return "<h2>Methods</h2>" + table(["method", "fingerprint"], list(figures.methods.items()), texts=(1,))
