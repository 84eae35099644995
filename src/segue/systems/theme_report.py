"""What a person wants to know about themes: what is kept, what goes, and what is in them; JSON and a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.cluster.coherence import title_lift, top_titles
from segue.errors import MissingDependency
from segue.evaluate.drawing import COLOURS, REFERENCE_COLOUR, Plot, as_svg, log_scale, panels
from segue.evaluate.page import figures, page, safe, table
from segue.library import Library
from segue.library.themes import Themes
from segue.recommend.because import MIN_SHARING, may_show
from segue.split.holdout import holdout
from segue.split.stratified import PART_NAMES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["PUBLISHED", "largest", "summary", "theme_report", "to_html"]

PUBLISHED = "published, on its own data: 200 clusters, 158 of them kept, about 40 % of the playlists miscellaneous"
_TITLES, _TRACKS = 6, 5
_SHOWN = 25  # clusters of a kind in the page's first tables


def theme_report(
    library: Library,
    themes: Themes,
    titles: Sequence[str],
    words: Sequence[Sequence[str]],
    coherent: NDArray[np.bool_],
) -> dict[str, Any]:
    """Statistics and descriptions of all clusters, JSON-able.

    Titles that fewer than five playlists share are left out unless the library is public.

    Args:
        themes: their ``report`` is not looked at.
        titles: of all playlists, as they were compared.
        words: characteristic words of each cluster.
        coherent: clusters whose titles match; those of them that are not kept are too small to split.
    """
    clustered = themes.cluster >= 0
    sizes = np.bincount(themes.cluster[clustered], minlength=themes.k)
    n_clustered = int(sizes.sum())
    untitled = np.array([not title.strip() for title in library.titles])
    minimum = float(themes.settings.get("min_match", 0))
    miscellaneous = int(sizes[~themes.kept].sum())
    lift = title_lift(themes.cluster, titles)
    inside = clustered & themes.kept[np.maximum(themes.cluster, 0)]
    return {
        "settings": themes.settings,
        "library": themes.library,
        "public": library.public,
        "n_playlists": library.n_playlists,
        "n_clustered": n_clustered,
        "n_without_vector": _n_outside(library, themes) - n_clustered,
        "k": themes.k,
        "n_kept": themes.n_classes,
        "n_miscellaneous": int((~themes.kept).sum()),
        "n_too_small_to_split": int((coherent & ~themes.kept).sum()),
        "playlists_kept": int(sizes[themes.kept].sum()),
        "playlists_miscellaneous": miscellaneous,
        "miscellaneous_percent": _percent(miscellaneous, n_clustered),
        # by the share alone, as published: where clusters are small any title that occurs once passes
        "miscellaneous_percent_by_share": _percent(int(sizes[themes.match <= minimum].sum()), n_clustered),
        "title_lift": None if lift is None else round(lift, 2),
        "mean_match": _weighted_mean(themes.match, sizes),
        "untitled_in_kept": int((inside & untitled).sum()),
        "split": {name: int((themes.part == place).sum()) for place, name in enumerate(PART_NAMES)},
        "held_out": _held_out(library, themes),
        "published": PUBLISHED,
        "clusters": _clusters(library, themes, titles, words, coherent, sizes, minimum),
    }


def _n_outside(library: Library, themes: Themes) -> int:
    """Playlists that were to be clustered."""
    return library.n_playlists if themes.sees_everything else len(holdout(library).train)


def _held_out(library: Library, themes: Themes) -> dict[str, Any]:
    """Where held-out playlists would fall; nothing is learnt from it."""
    if themes.sees_everything:
        return {}
    split, found = holdout(library), {}
    assert themes.assigned is not None
    for name, rows in (("validation", split.validation), ("test", split.test)):
        near = themes.assigned[rows]
        near = near[near >= 0]
        gone = int((~themes.kept[near]).sum())
        found[name] = {
            "n_playlists": len(rows),
            "n_placed": len(near),
            "miscellaneous_percent": _percent(gone, len(near)),
        }
    return found


def _clusters(
    library: Library,
    themes: Themes,
    titles: Sequence[str],
    words: Sequence[Sequence[str]],
    coherent: NDArray[np.bool_],
    sizes: NDArray[np.integer],
    minimum: float,
) -> list[dict[str, Any]]:
    sharing = Counter(titles)
    best = top_titles(themes.cluster, titles, themes.k, 50)
    tracks = _top_tracks(library, themes)
    described = []
    for number in range(themes.k):
        shown = [[t, n] for t, n in best[number] if may_show(sharing[t], public=library.public)]
        why = ""
        if not themes.kept[number]:
            most = best[number][0][1] if best[number] else 0
            why = f"at most {minimum:g} % match" if most >= 2 else "no title occurs twice"
            if coherent[number]:
                why = "too small to split"
        described.append(
            {
                "cluster": number,
                "name": themes.names[number],
                "kept": bool(themes.kept[number]),
                "why_not": why,
                "playlists": int(sizes[number]),
                "match": round(float(themes.match[number]), 2),
                "words": list(words[number]),
                "titles": shown[:_TITLES],
                "tracks": tracks[number],
            }
        )
    return described


def _top_tracks(library: Library, themes: Themes) -> list[list[dict[str, Any]]]:
    """The tracks that most playlists of each cluster have; ties by row."""
    order = np.argsort(themes.cluster, kind="stable").astype(np.int64)
    ends = np.searchsorted(themes.cluster[order], np.arange(themes.k + 1))
    chosen: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    for number in range(themes.k):
        mine = library.playlist_tracks.select(order[ends[number] : ends[number + 1]]).distinct()
        rows, counts = np.unique(mine.indices, return_counts=True)
        first = np.argsort(-counts, kind="stable")[:_TRACKS]
        chosen.append((rows[first].astype(np.int64), counts[first]))
    wanted = np.concatenate([rows for rows, _ in chosen])
    names, artists = (library.tracks[c][wanted].fill_null("").to_list() for c in ("name", "artist"))
    found, place = [], 0
    for tracks, counts in chosen:
        until = place + len(tracks)
        told = zip(names[place:until], artists[place:until], counts.tolist(), strict=True)
        found.append([{"name": name, "artist": artist, "playlists": n} for name, artist, n in told])
        place = until
    return found


def summary(report: Mapping[str, Any]) -> list[str]:
    """The report's main figures as sentences."""
    by_share = report["miscellaneous_percent_by_share"]
    told = [
        f"{report['n_clustered']:,} playlists in {report['k']:,} clusters: {report['n_kept']:,} themes are kept, "
        f"{report['n_miscellaneous']:,} clusters with {report['playlists_miscellaneous']:,} playlists "
        f"({report['miscellaneous_percent']:.1f} %) are miscellaneous ({report['published']})",
        f"by the share of the most frequent title alone, as published, {by_share:.1f} % are; here a title must also "
        "occur twice in its cluster, as in a small one any title has a large share",
        "split inside the themes: " + ", ".join(f"{n:,} {name}" for name, n in report["split"].items()),
    ]
    if report["title_lift"] is not None:
        told.append(
            f"two playlists of one cluster carry the same title {report['title_lift']:.1f} times as often as any two"
        )
    if report["n_kept"] == 0:
        told.append(
            "no cluster is kept, so there is nothing to fine-tune on; ask for other clusters with -k or --vectors"
        )
    if report["k"] < report["settings"].get("k", report["k"]):
        told.append(
            f"{report['settings']['k']:,} clusters were asked for; the others had no member, as vectors coincide"
        )
    for count, what in (
        (report["n_without_vector"], "in no cluster, as none of their tracks says anything: {} playlists"),
        (report["untitled_in_kept"], "in a theme but in no part, as they have no title: {} playlists"),
        (report["n_too_small_to_split"], "counted as miscellaneous, as too small to split: {} clusters"),
    ):
        if count:
            told.append(what.format(f"{count:,}"))
    for name, about in report["held_out"].items():
        gone = about["miscellaneous_percent"]
        told.append(
            f"of {about['n_placed']:,} {name} playlists, which shaped nothing, {gone:.1f} % "
            "would fall into miscellaneous clusters; they stay in every evaluation"
        )
    return told


def largest(report: Mapping[str, Any], *, kept: bool, n: int) -> list[dict[str, Any]]:
    """The clusters of most playlists, kept or not."""
    mine = [about for about in report["clusters"] if about["kept"] == kept]
    return sorted(mine, key=lambda about: (-about["playlists"], about["cluster"]))[:n]


def to_html(report: Mapping[str, Any]) -> str:
    """A self-contained page; titles, names and words are escaped. Without matplotlib it has no plots and says so."""
    settings = ", ".join(f"{k} {v}" for k, v in report["settings"].items() if v is not None)
    parts = ["<h1>Themes</h1>", f'<p class="quiet">Library {safe(report["library"])}; {safe(settings)}.</p>']
    parts.append("<ul>" + "".join(f"<li>{safe(told)}</li>" for told in summary(report)) + "</ul>")
    if not report["public"]:
        rule = (
            f"Titles that fewer than {MIN_SHARING} playlists share are not shown: the library is not marked public."
        )
        parts.append(f'<p class="quiet">{rule}</p>')
    try:
        parts += figures(_plots(report))
    except MissingDependency as error:
        parts.append(f'<p class="quiet">No plots: {safe(str(error))}.</p>')
    for heading, kept in (("Largest themes", True), ("Largest miscellaneous clusters", False)):
        shown = largest(report, kept=kept, n=_SHOWN)
        if shown:
            parts.append(f"<h2>{heading}</h2>{_table(shown)}")
    everything = _table(report["clusters"])
    parts.append(f"<details><summary>All {report['k']:,} clusters</summary>{everything}</details>")
    return page("Segue: themes", parts)


def _table(clusters: Sequence[Mapping[str, Any]]) -> str:
    head = ("theme", "cluster", "playlists", "match %", "kept", "most frequent titles", "most frequent tracks")
    rows = [
        (
            about["name"],
            about["cluster"],
            f"{about['playlists']:,}",
            f"{about['match']:.1f}",
            "yes" if about["kept"] else f"no: {about['why_not']}",
            " · ".join(f"{title} ({n})" for title, n in about["titles"]) or "-",
            " · ".join(f"{t['name']} – {t['artist']} ({t['playlists']})" for t in about["tracks"]) or "-",
        )
        for about in clusters
    ]
    return table(head, rows, texts=(5, 6))


def _plots(report: Mapping[str, Any]) -> Iterator[Plot]:
    clusters = report["clusters"]
    both = (("kept", COLOURS[0], True), ("miscellaneous", COLOURS[1], False))

    def sizes(figure: Figure) -> None:
        axes = next(panels(figure, 1))
        parted = [[about["playlists"] for about in clusters if about["kept"] == kept] for _, _, kept in both]
        axes.hist(parted, bins=30, stacked=True, color=[c for _, c, _ in both], label=[name for name, _, _ in both])
        axes.set_xlabel("playlists in the cluster")
        axes.set_ylabel("clusters")
        axes.legend(frameon=False)

    yield "Sizes of the clusters", "Stacked: kept and miscellaneous clusters.", as_svg(sizes, (9, 3), "sizes")

    def match(figure: Figure) -> None:
        axes = next(panels(figure, 1))
        for name, colour, kept in both:
            mine = [about for about in clusters if about["kept"] == kept]
            x, y = [about["playlists"] for about in mine], [max(about["match"], 0.1) for about in mine]
            axes.scatter(x, y, s=16, color=colour, label=name, alpha=0.8, linewidths=0)
        axes.axhline(max(report["settings"].get("min_match", 0), 0.1), color=REFERENCE_COLOUR, linewidth=0.8)
        log_scale(axes, "x", "y")
        axes.set_xlabel("playlists in the cluster")
        axes.set_ylabel("share of the most frequent title, %")
        axes.grid(color="#e6e6e6")
        axes.legend(frameon=False)

    reading = "A dot is a cluster. Below the line, or where no title occurs twice, it is miscellaneous."
    yield "Title match", reading, as_svg(match, (9, 3.6), "match")


def _percent(part: int, whole: int) -> float:
    return round(100 * part / max(whole, 1), 2)


def _weighted_mean(values: NDArray[np.floating], weights: NDArray[np.integer]) -> float:
    return round(float((values * weights).sum() / max(int(weights.sum()), 1)), 3)
