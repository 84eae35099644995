"""``segue ingest``: files of playlists -> a library."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = ["ingest"]


def ingest(
    sources: Annotated[
        list[Path], typer.Argument(metavar="SOURCE", help="Files, folders or zips of playlists.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Library folder to write.", show_default=False)],
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Also write the tables as CSV into this folder.", show_default=False)
    ] = None,
    on_error: Annotated[
        Literal["fail", "skip"],
        typer.Option("--on-error", help="Stop at a damaged file, or leave it out whole and name it."),
    ] = "fail",
    public: Annotated[
        bool, typer.Option("--public", help="Titles of these playlists may be shown to anybody.")
    ] = False,
) -> None:
    """Read playlists into a library.

    Million Playlist Dataset JSON (also .gz, or a zip of slices), JSON lines (one playlist a line, with its
    description), CSV and Parquet (Exportify's headers and many more), M3U, XSPF and JSPF are recognised by what they
    are called and what they hold; folders are searched.

    [dim]segue ingest spotify_million_playlist_dataset.zip -o library[/]

    [dim]segue ingest ~/Music/playlists my_export.csv -o library --on-error skip[/]
    """
    from segue.cli.terminal import progress, say, size_of, two_arguments
    from segue.sources.ingest import ingest as read
    from segue.sources.report import lines

    with progress() as report:
        library = read(sources, on_error=on_error, progress=two_arguments(report, "reading"), public=public)
    library.save(out)
    if csv is not None:
        from segue.sources.tables_csv import write_tables

        write_tables(library, csv)
    for line in lines(library.notes["ingest"]):
        say(line)
    say(f"wrote {out} ({size_of(out)})" + (f" and the tables in {csv}" if csv is not None else ""))
    say(f"next: segue train {out} -o model")
