"""``segue themes compare``: which encoder and which algorithm find themes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from segue.systems.theme_comparison_table import ComparedThemes

__all__ = ["compare"]


def compare(
    library: Annotated[Path, typer.Argument(metavar="LIBRARY", help="Library folder.", show_default=False)],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Folder for compare.json and compare.html.", show_default=False)
    ],
    encoders: Annotated[
        list[str] | None,
        typer.Option(
            "--encoders",
            help="Names, with commas or repeated: ngrams, fasttext (trained on the titles), minilm, or the folder of "
            "a sentence encoder or of any BERT, whose tokens are averaged.",
            show_default="ngrams,fasttext,minilm",
        ),
    ] = None,
    algorithms: Annotated[
        list[str] | None,
        typer.Option(
            "--algorithms",
            help="Names, with commas or repeated: kmeans, dbscan, hdbscan.",
            show_default="kmeans,dbscan,hdbscan",
        ),
    ] = None,
    on: Annotated[
        Literal["tracks", "titles"],
        typer.Option("--on", help="A playlist is the mean of its tracks' names, or its title."),
    ] = "tracks",
    sample: Annotated[
        int, typer.Option("--sample", metavar="N", help="Playlists of the training part, by the hash of their ids.")
    ] = 2_000,
    coverage: Annotated[
        float,
        typer.Option("--coverage", help="Read the most-played tracks that hold this share of all rows."),
    ] = 1.0,
    k: Annotated[int, typer.Option("-k", "--k", metavar="K", help="Clusters of K-Means.")] = 50,
    eps: Annotated[
        float | None,
        typer.Option("--eps", help="Distance of neighbours in DBSCAN.", show_default="chosen by the knee"),
    ] = None,
    min_samples: Annotated[
        int, typer.Option("--min-samples", metavar="N", help="Playlists that make a place dense.")
    ] = 5,
    min_cluster_size: Annotated[
        int, typer.Option("--min-cluster-size", metavar="N", help="Playlists that make a cluster in HDBSCAN.")
    ] = 10,
    min_match: Annotated[
        float, typer.Option("--min-match", metavar="PERCENT", help="Title match above which a cluster is kept.")
    ] = 2.0,
    rng_key: Annotated[int, typer.Option("--rng-key", metavar="N", help="Key of all random draws.")] = 0,
    cache: Annotated[
        Path | None,
        typer.Option("--cache", help="Folder of cached vectors.", show_default="~/.cache/segue/vectors"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON instead of a table.")] = False,
) -> None:
    """Compare encoders x algorithms: clusters, noise, title match, silhouette, stability, maps.

    Only playlists of the training part are looked at.

    [dim]segue themes compare library -o comparison[/]

    [dim]segue themes compare library -o comparison --encoders minilm,my-bert/ --algorithms kmeans -k 100[/]
    """
    import tempfile

    from segue.cli.terminal import progress, say
    from segue.library import Library
    from segue.systems.theme_comparison import compare_themes
    from segue.systems.theme_comparison_page import check_comparison_place, save_comparison
    from segue.systems.theme_comparison_table import ALGORITHMS, ENCODERS, ComparisonSettings
    from segue.systems.themes import cache_folder

    settings = ComparisonSettings(
        encoders=_names(encoders) or ENCODERS,
        algorithms=_names(algorithms) or ALGORITHMS,
        on=on,
        sample=sample,
        coverage=coverage,
        k=k,
        eps=eps,
        min_samples=min_samples,
        min_cluster_size=min_cluster_size,
        min_match=min_match,
        rng_key=rng_key,
    )
    check_comparison_place(out)
    read = Library.load(library)
    with tempfile.TemporaryDirectory(prefix="segue-") as folder, progress() as report:
        compared = compare_themes(
            read, settings, Path(folder), cache=cache if cache is not None else cache_folder(), progress=report
        )
        report(0, 1, "drawing the page")
        json_file, page = save_comparison(compared, out)
    if as_json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(compared.as_dict()), indent=2).decode())
    else:
        _print(compared)
    say(f"wrote {json_file} and {page}")


def _names(given: list[str] | None) -> tuple[str, ...]:
    """Names that are separated by commas or repeated, each once.

    >>> _names(["a,b", " a "]), _names(None)
    (('a', 'b'), ())
    """
    found = [name.strip() for names in given or () for name in names.split(",")]
    return tuple(dict.fromkeys(name for name in found if name))


def _print(compared: ComparedThemes) -> None:
    """The table in columns; one playlist's title or a folder's name cannot do anything in it."""
    from segue.cli.terminal import plain
    from segue.systems.theme_comparison_table import HEAD

    lines = [list(HEAD), *([plain(cell, 40) for cell in row] for row in compared.cells())]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    for line in lines:
        cells = [c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True))]
        print("  ".join(cells).rstrip())
