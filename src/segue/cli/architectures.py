"""``segue architectures``: auto-encoders compared; ``segue ratings``: what people said of their lists."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["architectures", "ratings"]


def architectures(
    library: Annotated[Path, typer.Argument(metavar="LIBRARY", help="Library folder.", show_default=False)],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the report.", show_default=False)],
    read: Annotated[
        str, typer.Option("--input", metavar="audio|lyrics|both", help="What the networks read.")
    ] = "audio",
    grid: Annotated[
        list[str] | None,
        typer.Option(
            "--grid",
            help="'published' (six networks for each input), 'wide' (larger ones), or a TOML file; can be repeated.",
            show_default="published",
        ),
    ] = None,
    search: Annotated[
        int, typer.Option("--search", min=0, help="Trials of a search for each code length of the grid.")
    ] = 0,
    folds: Annotated[
        int, typer.Option("--folds", min=0, help="Train each network again with each fold of the tracks left out.")
    ] = 0,
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="Passes over the training tracks, at most.")] = 40,
    test: Annotated[
        bool, typer.Option("--test", help="Ask the test playlists, once all is decided, instead of validation.")
    ] = False,
    variants: Annotated[
        bool,
        typer.Option("--variants/--no-variants", help="Best network with artist, without sentiment, circular key."),
    ] = True,
    base_model: Annotated[
        str | None,
        typer.Option(
            "--base-model",
            help="Text encoder of lyrics: a folder, a name, or 'ngrams'.",
            show_default="all-MiniLM-L6-v2",
        ),
    ] = None,
    rng_key: Annotated[int, typer.Option("--rng-key", help="Key of all random draws.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Train auto-encoders of audio features or lyrics, and ask whether near codes share playlists.

    Beside each network stand the mean, PCA and a random projection, and the neighbours by the untouched input. The
    folder gets report.html, report.json, and a blind rating sheet.

    [dim]segue architectures library -o report[/]

    [dim]segue architectures library -o report --grid published --grid wide --search 10[/]

    [dim]segue architectures library -o report --input both --base-model ngrams[/]
    """
    import tempfile

    from segue.cli.terminal import progress, say
    from segue.errors import InputError, MissingDependency
    from segue.library import Library
    from segue.library.folders import check_place
    from segue.systems.architecture_comparison import KIND, compare_architectures
    from segue.systems.architecture_runs import RunSettings
    from segue.systems.architectures import INPUTS, wanted
    from segue.train.autoencoder import AutoencoderSettings

    inputs = INPUTS if read == "both" else tuple(name for name in INPUTS if name == read)
    if not inputs:
        raise InputError(f"--input is {read[:60]!r}; choose audio, lyrics or both")
    if folds == 1:
        raise InputError("--folds 1 leaves nothing to train on; give 2 or more, or 0 for none")
    configurations = wanted(grid or ["published"], inputs)
    check_place(out, KIND)
    from importlib.util import find_spec

    if find_spec("torch") is None:
        raise MissingDependency("training auto-encoders", extra="train")
    settings = RunSettings(
        training=AutoencoderSettings(epochs=epochs, rng_key=rng_key),
        part="test" if test else "validation",
        folds=folds,
        search=search,
        variants=variants,
        rng_key=rng_key,
    )
    read_library = Library.load(library)
    with progress() as report, tempfile.TemporaryDirectory(prefix="segue-") as scratch:
        encoder = None
        if "lyrics" in inputs:
            from segue.systems.architecture_inputs import lyrics_encoder

            encoder = lyrics_encoder(read_library, Path(scratch) / "encoder", base_model, progress=report)
        found = compare_architectures(read_library, out, configurations, settings, encoder=encoder, progress=report)
    if json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        _print(found)
    say(f"wrote {out}; see {out / 'report.html'}, and {out / 'rating_sheet.csv'} for people to rate")


def _print(report: Mapping[str, Any]) -> None:
    from segue.cli.terminal import plain
    from segue.systems.architecture_page import findings

    for read, section in report["inputs"].items():
        print(f"{read + ', ' + format(section['n_tracks'], ',') + ' tracks':<44} {'MSE val.':>9} {'1-MSE/Var':>9} "
              f"{'rec@10':>7} {'rec@50':>7} {'triplets':>8}")  # fmt: skip
        for row in section["rows"]:
            known = row.get("mse", {}).get("validation")
            explained = row.get("explained", {}).get("validation")
            numbers = [
                f"{'-' if known is None else format(known, '.5f'):>9}",
                f"{'-' if explained is None else format(explained, '.3f'):>9}",
                *(_mean(row.get(f"recall@{k} by cosine"), 4, 7) for k in (10, 50)),
                _mean(row.get("triplet accuracy"), 3, 8),
            ]
            network = f" ({row['network']})" if "network" in row else ""
            print(f"{plain(row['name'] + network, 44):<44} {' '.join(numbers)}")
        print()
    for told in findings(report):
        print(plain(told))


def _mean(value: list[float] | None, digits: int, width: int) -> str:
    return f"{'-' if value is None else format(value[0], f'.{digits}f'):>{width}}"


def ratings(
    sheets: Annotated[list[Path], typer.Argument(metavar="SHEET...", help="Rated sheets, CSV.", show_default=False)],
    key: Annotated[Path, typer.Option("--key", help="rating_key.json beside the sheet.", show_default=False)],
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Say whose lists people liked: mean ratings with intervals, from sheets of 'segue architectures'.

    [dim]segue ratings anna.csv ben.csv --key report/rating_key.json[/]
    """
    from segue.cli.terminal import counted, plain, say
    from segue.evaluate.rating_sheet import PUBLISHED_RATINGS, read_ratings

    found = read_ratings(sheets, key)
    order = sorted(found.systems, key=lambda name: (-(found.systems[name].mean if found.n[name] else -1), name))
    if json:
        import msgspec

        shown = [
            {"system": name, "n": found.n[name], "rating": None if not found.n[name] else [
                found.systems[name].mean, found.systems[name].low, found.systems[name].high]}
            for name in order
        ]  # fmt: skip
        print(
            msgspec.json.format(msgspec.json.encode({"systems": shown, "unrated": found.unrated}), indent=2).decode()
        )
        return
    for name in order:
        rating = f"{found.systems[name]:.2f}" if found.n[name] else "-"
        print(f"{rating:<20} {counted(found.n[name], 'list'):>10}  {plain(name, 100)}")
    published = ", ".join(f"{value:.2f}" for value in PUBLISHED_RATINGS)
    say(f"{counted(found.unrated, 'list')} not rated; the published survey gave {published}, to other people")
