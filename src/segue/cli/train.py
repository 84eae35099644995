"""``segue train``: a library -> a model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from segue.cli.options import ConfigOption

__all__ = ["train"]


def train(
    library: Annotated[Path, typer.Argument(metavar="LIBRARY", help="Library folder.", show_default=False)],
    out: Annotated[Path, typer.Option("-o", "--out", help="Model folder to write.", show_default=False)],
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe",
            help="title_vote (the shipped model), published, ngrams, same_title or popularity.",
            show_default="title_vote",
        ),
    ] = None,
    base_model: Annotated[
        str | None,
        typer.Option(
            "--base-model",
            help="Sentence encoder: a folder, a Hugging Face name that is in the cache (a multilingual one, say), "
            "or 'ngrams' for none.",
            show_default="all-MiniLM-L6-v2",
        ),
    ] = None,
    config: ConfigOption = None,
    hold_out: Annotated[
        bool | None,
        typer.Option(
            "--hold-out/--all",
            help="Leave the test playlists out, so that 'segue evaluate MODEL' is honest.",
            show_default="--all",
        ),
    ] = None,
) -> None:
    """Learn from a library and write a model.

    [dim]segue train library -o model[/]

    [dim]segue train library -o model --hold-out --config segue.toml[/]

    [dim]segue train library -o baseline --recipe published[/]
    """
    from segue.cli.library_of_model import remember_library
    from segue.cli.settings import read_settings
    from segue.cli.terminal import progress, say, size_of
    from segue.library import Library
    from segue.systems.builds import train_model

    wanted = read_settings(config).train
    read = remember_library(Library.load(library), library, out)
    with progress() as report:
        manifest = train_model(
            read,
            out,
            recipe=recipe or wanted.recipe,
            base_model=base_model or wanted.base_model,
            settings=wanted.settings(),
            hold_out=wanted.hold_out if hold_out is None else hold_out,
            progress=report,
        )
    for line in learnt(manifest):
        say(line)
    say(f"wrote {out} ({size_of(out)}, fingerprint {manifest['fingerprint']})")
    say(f'next: segue recommend "rainy sunday" -m {out}')


def learnt(manifest: Mapping[str, Any]) -> list[str]:
    """What a model learnt, as sentences.

    >>> learnt({"recipe": "popularity", "n_playlists": 2, "n_tracks": 3000})
    ['popularity over 2 playlists and 3,000 tracks']
    """
    said = [f"{manifest['recipe']} over {manifest['n_playlists']:,} playlists and {manifest['n_tracks']:,} tracks"]
    found = manifest.get("learned")
    if isinstance(found, dict):
        scalars = {k: v for k, v in (found.get("vote") or {}).items() if isinstance(v, float)}
        said.append("the vote: " + ", ".join(f"{name} {value:.3g}" for name, value in scalars.items()))
        said.append(
            f"artists named in titles: {'learnt' if found.get('shares') else 'too few examples, left out'}; "
            f"ridge: {found.get('ridge', 0):g}"
        )
    log = (manifest.get("training") or {}).get("validation") or {}
    if log:
        best = max(log.values())
        said.append(
            f"on validation playlists, which chose these values: ndcg@500 {next(iter(log.values())):.4f} with "
            f"the defaults, {best:.4f} at best (a log, no result)"
        )
    return said
