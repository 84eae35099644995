"""The comparison of themes on disk: figures as JSON, table and maps as a page."""

from __future__ import annotations

import colorsys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from segue.evaluate.drawing import Plot, as_svg, label, need_matplotlib, panels
from segue.evaluate.page import figures, page, safe, table
from segue.library.arrays import write_bytes, write_json
from segue.library.folders import check_place, new_folder
from segue.systems.theme_comparison_table import HEAD, KIND, ComparedThemes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["check_comparison_place", "colours", "draw_maps", "save_comparison", "to_html"]

_NOISE = "#c8c8c8"
_GOLDEN = 0.6180339887498949  # steps around the circle of hues that come near none of the earlier ones for long
_ON = {"tracks": "the mean of its tracks' names", "titles": "its title"}
_READING = (
    ("clusters, noise", "what was found; DBSCAN and HDBSCAN leave playlists that lie alone in no cluster."),
    ("kept", "clusters whose most frequent title is carried by more than the least share, and by two playlists."),
    (
        "title match, by chance",
        "playlists that carry their cluster's most frequent title, and the same with the playlists dealt out at "
        "random into clusters of these sizes: small clusters match by themselves, so only the difference says "
        "something.",
    ),
    ("silhouette", "whether playlists lie nearer to their own cluster than to the next; noise is left out."),
    (
        "stable",
        "mean adjusted Rand index between runs: from other random starts (1 where nothing is random), and on samples "
        "of 80 % of the playlists; 0 is chance.",
    ),
)


def check_comparison_place(path: Path) -> None:
    """Refuse a place that cannot be written to, and a missing matplotlib, before any work.

    Raises:
        OutputError, MissingDependency
    """
    check_place(path, KIND)
    need_matplotlib()


def save_comparison(compared: ComparedThemes, path: Path) -> tuple[Path, Path]:
    """Write ``compare.json`` and ``compare.html`` into a folder, atomically.

    Raises:
        OutputError: the place cannot be written to.
        MissingDependency: matplotlib is not installed.
    """
    figures_of_it = compared.as_dict()
    written = to_html(compared).encode("utf-8", "replace")
    with new_folder(path, kind=KIND) as folder:
        write_json(folder / "compare.json", figures_of_it)
        write_bytes(folder / "compare.html", written)
        about = {name: figures_of_it[name] for name in ("kind", "format_version", "library", "n_playlists")}
        write_json(folder / "manifest.json", about)
    return path / "compare.json", path / "compare.html"


def to_html(compared: ComparedThemes) -> str:
    """The page: table, how to read it, encoders, a map for each encoder with each algorithm's colours."""
    settings = compared.settings
    said = (
        f"{len(compared.rows):,} playlists of the training part; a playlist is {_ON[settings.on]}. K-Means with "
        f"k = {settings.k:,}; clusters are kept above {settings.min_match:g} % title match."
    )
    encoders = [
        [name, about["d"], f"{about['n_texts']:,}", f"{about['cpu_s']:.1f}", about["fingerprint"]]
        for name, about in compared.encoders.items()
    ]
    reading = "".join(f"<li><b>{safe(what)}</b>: {safe(how)}</li>" for what, how in _READING)
    return page(
        "Themes compared",
        [
            "<h1>Themes compared</h1>",
            f'<p class="quiet">{safe(said)}</p>',
            table(HEAD, compared.cells()),
            f"<details open><summary>How to read it</summary><ul>{reading}</ul></details>",
            "<h2>Encoders</h2>",
            table(("encoder", "d", "texts read", "CPU-s (cached vectors cost none)", "fingerprint"), encoders),
            *figures(_plots(compared)),
        ],
    )


def _plots(compared: ComparedThemes) -> list[Plot]:
    algorithms = list(dict.fromkeys(row.algorithm for row in compared.table))
    return [
        (
            f"Map: {name}",
            "t-SNE of the playlists' vectors, coloured by cluster; noise is grey. Near playlists are alike, "
            "distances between islands mean little, and colours come again where there are many clusters.",
            as_svg(
                lambda figure, name=name: draw_maps(figure, compared, name),  # type: ignore[misc]
                (4.2 * len(algorithms), 4.4),
                f"map{number}",
            ),
        )
        for number, name in enumerate(compared.maps)
    ]


def draw_maps(figure: Figure, compared: ComparedThemes, encoder: str) -> None:
    """Draw one encoder's map once for each algorithm, side by side."""
    shown = compared.maps[encoder]
    mine = [row for row in compared.table if row.encoder == encoder]
    for axes, row in zip(panels(figure, len(mine)), mine, strict=True):
        cluster = compared.clusters[encoder, row.algorithm][shown.rows]
        for number in np.unique(cluster).tolist():  # noise first, so that it lies below
            x, y = shown.places[cluster == number].T
            colour = _NOISE if number < 0 else colours(number + 1)[-1]
            axes.plot(x, y, linestyle="none", marker=".", markersize=3.5, markeredgewidth=0, color=colour)
        axes.set_title(label(f"{row.algorithm}: {row.n_clusters:,} clusters, {row.noise:.0f} % noise"), fontsize=9)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_aspect("equal", "datalim")
        for side in ("left", "bottom"):
            axes.spines[side].set_visible(False)


def colours(n: int) -> list[str]:
    """``n`` colours as ``#rrggbb``, any few of them in a row far apart.

    >>> colours(2)
    ['#2569d0', '#749c1c']
    """
    found = []
    for i in range(n):
        red, green, blue = colorsys.hls_to_rgb((0.6 + i * _GOLDEN) % 1, (0.48, 0.36, 0.6)[i % 3], 0.7)
        found.append(f"#{round(255 * red):02x}{round(255 * green):02x}{round(255 * blue):02x}")
    return found
