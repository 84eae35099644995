"""``segue themes``: clusters of playlists that mean the same; how many of them; which encoder and algorithm."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from segue.cli.themes_compare import compare

if TYPE_CHECKING:
    from typer._click.core import Context

    from segue.systems.themes import ThemeSettings

__all__ = ["app"]

_DEFAULT = "make"


class _OrMake(TyperGroup):
    """A first argument that is no subcommand is the LIBRARY of ``make``."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: Context) -> list[str]:
        return list(self.commands)


app = typer.Typer(
    name="themes", cls=_OrMake, no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False
)

LibraryArgument = Annotated[Path, typer.Argument(metavar="LIBRARY", help="Library folder.", show_default=False)]
OutOption = Annotated[Path, typer.Option("-o", "--out", help="Folder to write.", show_default=False)]
VectorsOption = Annotated[
    Literal["content", "collaborative", "joint"],
    typer.Option(
        "--vectors",
        help="What places a playlist: its tracks' texts (published), who holds the same tracks, or both.",
    ),
]
TextOption = Annotated[
    Literal["name", "name_artist"], typer.Option("--text", help="What is read of a track.", show_default=True)
]
CoverageOption = Annotated[
    float,
    typer.Option(
        "--coverage",
        help="Encode the most-played tracks only, until this share of all (playlist, track) rows has one.",
    ),
]
DirectionsOption = Annotated[int, typer.Option("--directions", help="Dimension of collaborative vectors.")]
WeightOption = Annotated[
    float, typer.Option("--joint-weight", help="What 'collaborative' counts in 'joint', 0 to 1.")
]
MinMatchOption = Annotated[
    float,
    typer.Option(
        "--min-match",
        help="Percent of a cluster's playlists that must carry its most frequent title; at or below it the cluster "
        "is miscellaneous.",
    ),
]
TitlesOption = Annotated[
    Literal["raw", "normalised"],
    typer.Option("--titles", help="Compare titles as they are, or without case and marks."),
]
AllOption = Annotated[
    bool,
    typer.Option(
        "--train/--all",
        help="Cluster the training part of the hash split, so that held-out playlists shape nothing; or everything "
        "(the published protocol), which leaves nothing to evaluate on.",
        show_default="--train",
    ),
]
StartsOption = Annotated[int, typer.Option("--starts", help="Starts of K-Means; the best one counts.")]
KeyOption = Annotated[int, typer.Option("--rng-key", help="Key of the random draws.")]
BaseModelOption = Annotated[
    str | None,
    typer.Option(
        "--base-model",
        help="Encoder of the tracks' texts: a folder, a Hugging Face name that is in the cache, or 'ngrams'.",
        show_default="all-MiniLM-L6-v2",
    ),
]
CacheOption = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        help="Folder where vectors of texts are kept, so that a stopped run goes on and a second one is fast.",
        show_default="~/.cache/segue/vectors",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]


@app.callback()
def themes() -> None:
    """Cluster playlists into themes: by what is in them, kept where their titles say the same.

    [dim]segue themes LIBRARY -o THEMES[/] clusters, cleans and splits; it is short for [bold]segue themes make[/].

    [dim]segue themes choose LIBRARY -o FOLDER[/] draws what speaks for which number of clusters.

    [dim]segue themes compare LIBRARY -o FOLDER[/] compares encoders and ways to cluster.

    Themes are the classes of [bold]segue finetune LIBRARY --themes THEMES[/].
    """


@app.command()
def make(
    library: LibraryArgument,
    out: OutOption,
    k: Annotated[int, typer.Option("-k", "--clusters", help="Number of clusters.")] = 200,
    vectors: VectorsOption = "content",
    text: TextOption = "name",
    coverage: CoverageOption = 1.0,
    directions: DirectionsOption = 64,
    joint_weight: WeightOption = 0.5,
    min_match: MinMatchOption = 2.0,
    titles: TitlesOption = "raw",
    train: AllOption = True,
    starts: StartsOption = 3,
    rng_key: KeyOption = 0,
    base_model: BaseModelOption = None,
    cache: CacheOption = None,
    json: JsonOption = False,
) -> None:
    """Cluster, clean and split the playlists of a library; report.html in the folder shows what came out.

    The first run encodes every distinct track text, some hundred a second and core; --coverage 0.95 leaves the rarest
    tracks out.

    [dim]segue themes library -o themes[/]

    [dim]segue themes library -o themes -k 100 --vectors collaborative[/]

    [dim]segue themes library -o themes --coverage 0.95 --text name_artist[/]
    """
    import tempfile

    from segue.cli.terminal import progress, say, size_of
    from segue.library import Library
    from segue.library.folders import check_place
    from segue.library.themes import KIND
    from segue.systems.theme_report import summary
    from segue.systems.themes import cache_folder, clustered_rows, make_themes, track_encoder

    settings = _settings(
        k=k,
        vectors=vectors,
        text=text,
        coverage=coverage,
        d=directions,
        joint_weight=joint_weight,
        min_match=min_match,
        titles=titles,
        part="train" if train else "all",
        n_init=starts,
        rng_key=rng_key,
    )
    check_place(out, KIND)
    read = Library.load(library)
    clustered_rows(read, settings)  # what cannot work is said before a model is opened
    with progress() as report, tempfile.TemporaryDirectory(prefix="segue-") as scratch:
        encoder = track_encoder(read, Path(scratch), settings, base_model, cache or cache_folder(), progress=report)
        found = make_themes(read, out, settings, encoder, progress=report)
    for told in summary(found.report):
        say(told)
    _print(found.report, as_json=json)
    say(f"wrote {out} ({size_of(out)}, fingerprint {found.fingerprint}); see {out / 'report.html'}")


@app.command()
def choose(
    library: LibraryArgument,
    out: OutOption,
    ks: Annotated[
        str | None,
        typer.Option(
            "--ks", metavar="K,K,...", help="Numbers of clusters.", show_default="5,10,15,20,25,30,40,50,75 ... 300"
        ),
    ] = None,
    sample: Annotated[
        int, typer.Option("--sample", min=2, help="Playlists over which the silhouette is taken.")
    ] = 2_000,
    vectors: VectorsOption = "content",
    text: TextOption = "name",
    coverage: CoverageOption = 1.0,
    directions: DirectionsOption = 64,
    joint_weight: WeightOption = 0.5,
    min_match: MinMatchOption = 2.0,
    titles: TitlesOption = "raw",
    train: AllOption = True,
    starts: StartsOption = 3,
    rng_key: KeyOption = 0,
    base_model: BaseModelOption = None,
    cache: CacheOption = None,
    json: JsonOption = False,
) -> None:
    """Cluster for several k and draw inertia, silhouette and title match; the knee of the inertia is suggested.

    [dim]segue themes choose library -o choice --ks 5,10,20,50,100,200[/]
    """
    import tempfile

    from segue.cli.terminal import progress, say
    from segue.library import Library
    from segue.library.folders import check_place
    from segue.systems.theme_choice import DEFAULT_KS, KIND, choose_k
    from segue.systems.themes import cache_folder, clustered_rows, track_encoder

    check_place(out, KIND)
    read = Library.load(library)
    numbers = _numbers(ks) if ks is not None else _below(DEFAULT_KS, read.n_playlists // 2)
    settings = _settings(
        k=max(numbers),
        vectors=vectors,
        text=text,
        coverage=coverage,
        d=directions,
        joint_weight=joint_weight,
        min_match=min_match,
        titles=titles,
        part="train" if train else "all",
        n_init=starts,
        rng_key=rng_key,
    )
    clustered_rows(read, settings)
    with progress() as report, tempfile.TemporaryDirectory(prefix="segue-") as scratch:
        encoder = track_encoder(read, Path(scratch), settings, base_model, cache or cache_folder(), progress=report)
        found = choose_k(read, out, numbers, settings, encoder, sample=sample, progress=report)
    for told in found["said"]:
        say(told)
    if json:
        _print(found, as_json=True)
    else:
        print(f"{'k':>6} {'inertia':>12} {'silhouette':>10} {'kept':>6} {'kept %':>7} {'match %':>8}")
        for point in found["points"]:
            near = "-" if point["silhouette"] is None else f"{point['silhouette']:.3f}"
            print(
                f"{point['k']:>6,} {point['inertia']:>12,.1f} {near:>10} {point['n_kept']:>6,} "
                f"{point['kept_percent']:>7.1f} {point['mean_match']:>8.2f}"
            )
    say(f"wrote {out}; see {out / 'report.html'}")


app.command()(compare)


def _settings(**values: Any) -> ThemeSettings:
    from segue.systems.themes import ThemeSettings

    return ThemeSettings(**values)


def _numbers(text: str) -> list[int]:
    """The numbers of a list with commas.

    Raises:
        InputError: it is none.

    >>> _numbers("5, 10,20")
    [5, 10, 20]
    """
    from segue.errors import InputError

    try:
        found = [int(part) for part in text.split(",")]
    except ValueError as error:
        raise InputError(f"--ks is {text[:80]!r}; give numbers of clusters, as in --ks 5,10,20,50") from error
    if min(found) < 1:
        raise InputError(f"--ks holds {min(found)}; clusters are counted from 1 on")
    return found


def _below(ks: tuple[int, ...], most: int) -> list[int]:
    """Those of the usual numbers that a small library can have; at least one."""
    return [k for k in ks if k <= most] or [min(2, max(most, 1))]


def _print(report: Mapping[str, Any], *, as_json: bool) -> None:
    """The report on stdout: all of it as JSON, or its largest clusters as a table."""
    if as_json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())
        return
    from segue.cli.terminal import plain
    from segue.systems.theme_report import largest

    for heading, kept in (("largest themes", True), ("largest miscellaneous clusters", False)):
        shown = largest(report, kept=kept, n=8)
        if shown:
            print(f"{heading:<34} playlists  match %  most frequent titles")
        for about in shown:
            titles = ", ".join(f"{title} ({n})" for title, n in about["titles"][:3]) or "-"
            line = f"  {plain(about['name'], 31):<32} {about['playlists']:>9,} {about['match']:>8.1f}  {titles}"
            print(plain(line, 160))
