"""``segue update``: more playlists for a model, without training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["update"]


def update(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Model folder.", show_default=False)],
    new: Annotated[
        list[Path],
        typer.Argument(
            metavar="NEW", help="A library folder, or files of playlists as for 'segue ingest'.", show_default=False
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Where to write the new model; without it, in place.", show_default=False),
    ] = None,
) -> None:
    """Add playlists to a model; what it has learnt stays as it is.

    The result is the same as a rebuild over all playlists with the same parameters. A reader sees the old model or
    the new one, never a mixture.

    [dim]segue update model new_playlists/[/]

    [dim]segue update model week.zip -o model-next[/]
    """
    from segue.cli.options import kind_of_folder
    from segue.cli.terminal import counted, progress, say, size_of, two_arguments
    from segue.errors import StoredDataError
    from segue.library import Library
    from segue.sources.ingest import ingest
    from segue.sources.report import lines
    from segue.systems.builds import update_model

    if kind_of_folder(model) != "model":
        raise StoredDataError(f"{model} is a library; 'segue update' adds to a model, 'segue train' makes one")
    with progress() as report:
        if len(new) == 1 and (new[0] / "playlists.parquet").exists():
            library = Library.load(new[0])
        else:
            library = ingest(new, progress=two_arguments(report, "reading"))
            for line in lines(library.notes["ingest"]):
                say(line)
        manifest = update_model(model, library, out=out, progress=report)
    where = out or model
    say(
        f"wrote {where} ({size_of(where)}): {counted(manifest['n_playlists'], 'playlist')}, "
        f"{counted(manifest['n_tracks'], 'track')}, fingerprint {manifest['fingerprint']}"
    )
