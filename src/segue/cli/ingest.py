"""``segue ingest``: files of playlists, and of music -> a library."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ingest"]


def ingest(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="SOURCE", help="Files, folders, zips of playlists; folders of music.", show_default=False
        ),
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
    """Read playlists, or your own music, into a library.

    Million Playlist Dataset JSON (also .gz, or a zip of slices), JSON lines (one playlist a line, with its
    description), CSV and Parquet (Exportify's headers and many more), M3U, XSPF and JSPF are recognised by what they
    are called and what they hold; folders are searched.

    [dim]segue ingest spotify_million_playlist_dataset.zip -o library[/]

    Music in a folder becomes tracks, by its tags or else by what files and folders are called; playlists beside it
    hold them. Done again with the same -o, only files that have changed are read, and tracks keep their ids.

    [dim]segue ingest ~/Music/playlists my_export.csv -o library --on-error skip[/]

    [dim]segue ingest ~/Music -o my-music[/]
    """
    from segue.cli.terminal import progress, say, size_of, two_arguments
    from segue.sources.ingest import ingest as read
    from segue.sources.report import lines

    with progress() as report:
        library = read(
            sources,
            on_error=on_error,
            progress=two_arguments(report, "reading"),
            public=public,
            known=_music_of(out),
        )
    library.save(out)
    if csv is not None:
        from segue.sources.tables_csv import write_tables

        write_tables(library, csv)
    for line in lines(library.notes["ingest"]):
        say(line)
    say(f"wrote {out} ({size_of(out)})" + (f" and the tables in {csv}" if csv is not None else ""))
    if library.notes["ingest"].get("music"):
        say(f'next: segue match {out} -m MODEL; segue recommend "a title" -m MODEL --from {out}')
    if library.n_playlists:
        say(f"next: segue train {out} -o model")


def _music_of(out: Path) -> pl.DataFrame | None:
    """The tracks of an earlier library of music at the same place; None where there is none that can be used."""
    from segue.errors import StoredDataError
    from segue.library import Library
    from segue.sources.local_files import READER

    if not (out / "manifest.json").is_file():
        return None
    try:
        library = Library.load(out)
    except StoredDataError:
        return None  # what is there is about to be replaced, or refused
    music = (library.notes.get("ingest") or {}).get("music") or {}
    return library.tracks if music.get("reader") == READER else None
