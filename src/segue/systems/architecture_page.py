"""A comparison of architectures as a page, and as lines of a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from segue.errors import MissingDependency
from segue.evaluate.drawing import COLOURS, REFERENCE_COLOUR, Plot, as_svg, label, log_scale, panels
from segue.evaluate.page import figures, page, safe, table
from segue.evaluate.rating_sheet import PUBLISHED_RATINGS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["HEAD", "cells", "findings", "to_html"]

HEAD = (
    "row", "network", "MSE train", "MSE validation", "MSE test", "1 - MSE/Var", "recall@10", "recall@50",
    "against reference", "recall@50 rebuilt", "rebuilt against reference", "recall@50 by distance", "triplets",
)  # fmt: skip
PUBLISHED_MSE = 0.0180
_WHY = (
    f"Published: an MSE of {PUBLISHED_MSE:.4f} at d = 10, on 26 mixed variables of about 700 songs. It does not "
    "compare with an error on other variables: an MSE on min-max-scaled input follows the spread of the columns, "
    "which 1 - MSE/Var takes out. What can be compared are the rows of one table."
)


def cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """One row as texts, under :data:`HEAD`."""
    mse, explained = row.get("mse", {}), row.get("explained", {})
    return (
        row["name"],
        row.get("network", ""),
        *(_number(mse.get(part), 5) for part in ("train", "validation", "test")),
        _number(explained.get("validation"), 3),
        _bounds(row.get("recall@10 by cosine")),
        _bounds(row.get("recall@50 by cosine")),
        _difference(row.get("against reference")),
        _bounds(row.get("rebuilt", {}).get("recall@50 by cosine")),
        _difference(row.get("rebuilt against reference")),
        _bounds(row.get("recall@50 by distance")),
        _bounds(row.get("triplet accuracy"), 3),
    )


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _bounds(value: Sequence[float] | None, digits: int = 4) -> str:
    return "" if value is None else f"{value[0]:.{digits}f} [{value[1]:.{digits}f}, {value[2]:.{digits}f}]"


def _difference(value: Sequence[float] | None) -> str:
    return "" if value is None else f"{value[0]:+.4f} [{value[1]:+.4f}, {value[2]:+.4f}]"


def findings(report: Mapping[str, Any]) -> list[str]:
    """What the figures say, as sentences."""
    said = []
    for read, section in report["inputs"].items():
        rho, low, high, n = section["correlation"]
        if rho == rho:
            said.append(
                f"{read}: rank correlation of validation MSE and same-playlist recall@50 over {n} networks "
                f"{rho:+.2f} [{low:+.2f}, {high:+.2f}]; negative where less error goes with better neighbours"
            )
        else:
            said.append(f"{read}: {n} networks are too few, or too alike, for a rank correlation")
        trained = [row for row in section["rows"] if "network" in row and row["kind"] != "variant"]
        for d in sorted({row["d"] for row in trained}):
            best = min((r for r in trained if r["d"] == d), key=lambda r: (r["mse"]["validation"], r["name"]))
            pca = next((r for r in section["rows"] if r["name"] == f"PCA, d = {d}"), None)
            if pca is not None and pca["mse"]["validation"] > 0:
                share = best["mse"]["validation"] / pca["mse"]["validation"] - 1
                said.append(
                    f"{read}, d = {d}: {best['name']} leaves {best['mse']['validation']:.5f}, PCA "
                    f"{pca['mse']['validation']:.5f} ({100 * share:+.0f} %)"
                )
        said += [f"{read}, {row['name']}: {text}" for row in section["rows"] for text in row.get("warnings", ())]
    return said


def to_html(report: Mapping[str, Any]) -> str:
    """A self-contained page with tables, curves and the error against the recall."""
    about = f"Library {report['library']}; the {report['part']} playlists ask."
    parts = ["<h1>Auto-encoders</h1>", f'<p class="quiet">{safe(about)}</p>']
    if report.get("synthetic"):
        parts.append("<p><strong>The library is synthetic: its figures are no results.</strong></p>")
    parts.append("<ul>" + "".join(f"<li>{safe(told)}</li>" for told in findings(report)) + "</ul>")
    for read, section in report["inputs"].items():
        parts.append(f"<h2>{safe(read)}</h2>")
        n = section["n_of_parts"]
        parts.append(
            f'<p class="quiet">{section["n_tracks"]:,} tracks: {n[0]:,} training, {n[1]:,} validation, {n[2]:,} '
            f"test; {section['n_queries']:,} share one of {section['n_playlists']:,} held-out playlists with "
            f"another. Intervals are over playlists. Reference: {safe(section['reference'])}.</p>"
        )
        parts.append(
            '<p class="quiet">"Rebuilt": neighbours by the columns that the decoder makes of a code, standardised; a '
            "code has axes of its own, and what it says does not depend on them.</p>"
        )
        parts.append(table(HEAD, [cells(row) for row in section["rows"]], texts=(1,)))
        folded = [row for row in section["rows"] if row.get("folds")]
        if folded:
            rows = [(row["name"], *(f"{error:.5f}" for error in row["folds"])) for row in folded]
            head = ("validation MSE", *(f"fold {i + 1}" for i in range(len(folded[0]["folds"]))))
            parts.append(table(head, rows))
        try:
            parts += figures(_plots(read, section))
        except MissingDependency as error:
            parts.append(f'<p class="quiet">No plots: {safe(str(error))}.</p>')
        if section["trials"]:
            rows = [(t["network"], t["d"], f"{t['setting']['learning_rate']:g}", f"{t['validation']:.5f}")
                    for t in section["trials"]]  # fmt: skip
            parts.append("<details><summary>All trials of the search</summary>")
            parts.append(table(("network", "d", "learning rate", "validation MSE"), rows) + "</details>")
    if report["pairs"]:
        parts.append("<h2>Audio and lyrics together</h2>" + table(HEAD, [cells(row) for row in report["pairs"]]))
    parts.append(f'<p class="quiet">{safe(_WHY)}</p>')
    ratings = ", ".join(f"{value:.2f}" for value in PUBLISHED_RATINGS)
    parts.append(
        '<p class="quiet">rating_sheet.csv holds the lists of the best three, shuffled and without names, to be '
        f"rated from 0 to 10; 'segue ratings' reads them. The published survey gave {ratings}.</p>"
    )
    return page("Segue: auto-encoders", parts)


def _plots(read: str, section: Mapping[str, Any]) -> Iterator[Plot]:
    trained = [row for row in section["rows"] if "history" in row and row["kind"] != "variant"]

    def curves(figure: Figure) -> None:
        for axes, column, heading in zip(
            panels(figure, 2, share_y=True), (1, 2), ("train", "validation"), strict=True
        ):
            for place, row in enumerate(trained):
                points = [(entry[0], entry[column]) for entry in row["history"] if entry[0]]
                style = "-" if place < len(COLOURS) else "--"
                axes.plot(*zip(*points, strict=True), style, color=COLOURS[place % len(COLOURS)],
                          label=label(row["name"]))  # fmt: skip
            log_scale(axes, "y")
            axes.set_title(f"MSE, {heading}")
            axes.set_xlabel("epoch")
            axes.grid(color="#e6e6e6")
        if trained:
            figure.axes[0].legend(frameon=False, fontsize=7)

    yield (
        f"Curves, {read}",
        "Mean squared error after each epoch; lower is better. A gap between the two is overfitting.",
        as_svg(curves, (9, 3.4), f"curves-{read}"),
    )

    def scatter(figure: Figure) -> None:
        (axes,) = panels(figure, 1)
        shown = [
            row for row in section["rows"] if row.get("mse", {}).get("validation") and "recall@50 by cosine" in row
        ]
        for row in shown:
            linear = row["kind"] == "linear"
            colour = REFERENCE_COLOUR if linear else COLOURS[0]
            mean, low, high = row["recall@50 by cosine"]
            at = row["mse"]["validation"]
            axes.plot([at, at], [low, high], color=colour, linewidth=0.6)
            axes.plot(at, mean, "s" if linear else "o", markersize=3, color=colour)
            axes.annotate(label(row["name"]), (at, mean), fontsize=5, xytext=(3, 1), textcoords="offset points")
        for row in section["rows"]:
            if row["kind"] == "reference":
                axes.axhline(row["recall@50 by cosine"][0], color="#bbbbbb", linewidth=0.8, linestyle=":")
        log_scale(axes, "x")
        axes.set_xlabel("validation MSE")
        axes.set_ylabel("same-playlist recall@50")
        axes.grid(color="#e6e6e6")

    yield (
        f"Error against neighbours, {read}",
        "Left is less error, up is better neighbours; squares are linear codes, dotted lines the untouched input and "
        "random neighbours.",
        as_svg(scatter, (7, 4), f"scatter-{read}"),
    )
