"""How many themes? Curves over k with a suggestion, written as a folder with a page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segue.cluster.choose import KPoint, curve, knee
from segue.cluster.vectors import TextEncoder
from segue.errors import InputError, MissingDependency
from segue.evaluate.drawing import COLOURS, REFERENCE_COLOUR, Plot, as_svg, panels
from segue.evaluate.page import figures, page, safe, table
from segue.library import Library
from segue.library.arrays import fingerprint, write_bytes, write_json
from segue.library.folders import check_place, new_folder
from segue.systems.themes import ThemeSettings, clustered_rows, compared_titles, playlist_vectors

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DEFAULT_KS", "KIND", "choose_k", "suggestion"]

Progress = Callable[[int, int, str], None]
KIND = "segue themes choice"
DEFAULT_KS = (5, 10, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 300)
_PUBLISHED = "the published elbow was at about 22 clusters, and the published system then used 200"


def choose_k(
    library: Library,
    out: Path,
    ks: Sequence[int],
    settings: ThemeSettings,
    encoder: TextEncoder | None,
    *,
    sample: int = 2_000,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Cluster for each k, and write curves and a suggestion.

    Args:
        settings: as for making themes; its ``k`` is not looked at.
        encoder: of the tracks' texts; the collaborative vectors need none.
        sample: playlists over which the silhouette is taken.

    Returns:
        What ``report.json`` holds.

    Raises:
        InputError: a k below 1 or above the number of playlists; too few playlists, or none with a title.
    """
    check_place(out, KIND)
    if not ks or min(ks) < 1:
        raise InputError("give numbers of clusters from 1 on, as in --ks 5,10,20,50")
    wanted = asdict(settings) | {"k": max(ks)}
    rows, others = clustered_rows(library, ThemeSettings(**wanted))
    vectors, _, made_of = playlist_vectors(library, rows, others[:0], settings, encoder, progress=progress)
    titles = compared_titles(library, settings)
    points = curve(
        vectors,
        [titles[row] for row in rows.tolist()],
        ks,
        n_init=settings.n_init,
        rng_key=settings.rng_key,
        min_match=settings.min_match,
        sample=sample,
        progress=progress,
    )
    report: dict[str, Any] = {
        "library": library.fingerprint,
        "settings": {name: value for name, value in asdict(settings).items() if name != "k"},
        "encoder": getattr(encoder, "fingerprint", None),
        "n_playlists": len(rows),
        "silhouette_sample": sample,
        "vectors": made_of,
        "points": [asdict(point) for point in points],
        **suggestion(points),
    }
    with new_folder(out, kind=KIND) as folder:
        write_json(folder / "report.json", report)
        write_bytes(folder / "report.html", to_html(report).encode("utf-8", "replace"))
        write_json(
            folder / "manifest.json",
            {"kind": KIND, "format_version": 1, "fingerprint": fingerprint(report["points"])},
        )
    return report


def suggestion(points: Sequence[KPoint]) -> dict[str, Any]:
    """The knee of the inertia and what speaks for it, as ``suggested_k`` and sentences in ``said``.

    ``suggested_k`` is None where the curve has no knee; it depends on the range of k.
    """
    place = knee([point.k for point in points], [point.inertia for point in points])
    said: list[str] = []
    if place is None:
        said.append("the inertia has no knee over these numbers of clusters; try a wider range with --ks")
    else:
        said.append(
            f"the knee of the inertia is at k = {points[place].k:,} (the point farthest below the chord; it moves "
            f"with the range of k), where {points[place].kept_percent:.1f} % of the playlists are in kept clusters"
        )
    measured = [point for point in points if point.silhouette is not None]
    if measured:
        best = max(measured, key=lambda point: (point.silhouette or 0.0, -point.k))
        said.append(f"the silhouette is best at k = {best.k:,} ({best.silhouette:.3f})")
    most = max(points, key=lambda point: (point.mean_match, -point.k))
    said.append(f"titles match best at k = {most.k:,} (mean match {most.mean_match:.1f} %)")
    said.append(f"{_PUBLISHED}: a knee says where clusters stop getting tighter, and fine-tuning wants finer classes")
    return {"suggested_k": None if place is None else points[place].k, "said": said}


def to_html(report: Mapping[str, Any]) -> str:
    """A self-contained page with the curves and all figures."""
    settings = ", ".join(f"{name} {value}" for name, value in report["settings"].items() if value is not None)
    about = f"Library {report['library']}, {report['n_playlists']:,} playlists clustered; {settings}."
    parts = ["<h1>How many themes?</h1>", f'<p class="quiet">{safe(about)}</p>']
    parts.append("<ul>" + "".join(f"<li>{safe(told)}</li>" for told in report["said"]) + "</ul>")
    try:
        parts += figures(_plots(report))
    except MissingDependency as error:
        parts.append(f'<p class="quiet">No plots: {safe(str(error))}.</p>')
    rows = [
        (
            f"{point['k']:,}" + (f" ({point['k_found']:,} found)" if point["k_found"] != point["k"] else ""),
            f"{point['inertia']:,.1f}",
            "-" if point["silhouette"] is None else f"{point['silhouette']:.3f}",
            f"{point['n_kept']:,}",
            f"{point['kept_percent']:.1f}",
            f"{point['mean_match']:.2f}",
        )
        for point in report["points"]
    ]
    head = ("k", "inertia", "silhouette", "kept clusters", "playlists kept, %", "mean match, %")
    return page("Segue: how many themes?", [*parts, f"<h2>All figures</h2>{table(head, rows)}"])


def _plots(report: Mapping[str, Any]) -> Iterator[Plot]:
    points, chosen = report["points"], report["suggested_k"]
    ks = [point["k"] for point in points]

    def draw(figure: Figure) -> None:
        shown = (("inertia", "inertia"), ("silhouette", "silhouette"), ("kept_percent", "playlists kept, %"))
        for axes, (name, heading), colour in zip(panels(figure, 3), shown, COLOURS, strict=False):
            values = [float("nan") if point[name] is None else point[name] for point in points]
            axes.plot(ks, values, marker="o", markersize=3, color=colour)
            if name == "kept_percent":
                axes.plot(ks, [point["mean_match"] for point in points], color=COLOURS[3], label="mean match, %")
                axes.legend(frameon=False)
                axes.set_ylim(bottom=0)
            elif name == "inertia":
                axes.plot([ks[0], ks[-1]], [values[0], values[-1]], color="#bbbbbb", linewidth=0.8)
            if chosen is not None:
                axes.axvline(chosen, color=REFERENCE_COLOUR, linewidth=0.8, linestyle=":")
            axes.set_title(heading)
            axes.set_xlabel("k")
            axes.grid(color="#e6e6e6")

    reading = (
        "Dotted: the knee of the inertia, the point farthest below the grey chord. Further up is better for the "
        "silhouette and for the titles; the inertia always falls."
    )
    yield "Over the number of clusters", reading, as_svg(draw, (9, 3.2), "over-k")
