"""``segue export``: a library's playlists as files for players and other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from segue.library import Library
    from segue.sources.playlist_files import PlaylistFormat

__all__ = ["export"]


def export(
    source: Annotated[
        Path, typer.Argument(metavar="LIBRARY|MODEL", help="Library folder, or a model's.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to write.", show_default=False)],
    format: Annotated[
        Literal["m3u8", "xspf", "jspf", "csv", "mpd"],
        typer.Option("--format", help="m3u8, xspf, jspf (a file a playlist), csv (tables) or mpd (JSON slices)."),
    ] = "m3u8",
    playlists: Annotated[
        list[str] | None,
        typer.Option("--playlist", metavar="ID", help="Only this playlist; may be repeated.", show_default=False),
    ] = None,
) -> None:
    """Write the playlists of a library as files.

    Recommended lists are written by [bold]segue recommend --format[/]; this is for the playlists that people made.

    [dim]segue export library -o files --format xspf[/]

    [dim]segue export library -o slices --format mpd[/]
    """
    from segue.cli.options import kind_of_folder
    from segue.cli.terminal import counted, say, size_of
    from segue.library import Library

    library = Library.load(source / "library" if kind_of_folder(source) == "model" else source)
    if playlists:
        library = _only(library, playlists, source)
    match format:
        case "mpd":
            from segue.sources.mpd_export import to_mpd_slices

            n_files = len(to_mpd_slices(library, out))
        case "csv":
            from segue.sources.tables_csv import write_tables

            n_files = len(write_tables(library, out))
        case _:
            n_files = _write_files(library, out, format)
    say(f"wrote {counted(n_files, 'file')} of {counted(library.n_playlists, 'playlist')} into {out} ({size_of(out)})")


def _only(library: Library, wanted: list[str], source: Path) -> Library:
    from segue.errors import InputError

    row_of = {playlist_id: row for row, playlist_id in enumerate(library.playlists["playlist_id"].to_list())}
    unknown = [playlist_id for playlist_id in wanted if playlist_id not in row_of]
    if unknown:
        raise InputError(f"{source} has no playlist {unknown[0]!r}; 'segue export {source} --format csv' lists them")
    return library.select_playlists(sorted({row_of[playlist_id] for playlist_id in wanted}))


def _write_files(library: Library, out: Path, format: PlaylistFormat) -> int:
    from segue.cli.terminal import progress
    from segue.library import Catalogue
    from segue.library.arrays import write_json
    from segue.library.folders import new_folder
    from segue.sources.playlist_files import write_playlist

    catalogue = Catalogue.of(library)
    descriptions = library.playlists["description"].to_list()
    ids = library.playlists["playlist_id"].to_list()
    width = len(str(library.n_playlists))
    with new_folder(out, kind="segue export") as folder, progress() as report:
        for row, title in enumerate(library.titles):
            if row % 100 == 0:
                report(row, library.n_playlists, "writing")
            tracks = [catalogue.track(int(t)) for t in library.playlist_tracks.row(row)]
            # the number keeps playlists of one title apart
            name = f"{row + 1:0{width}} {slug(title) or slug(ids[row])}".rstrip()
            path = folder / f"{name}.{format}"
            path.write_bytes(write_playlist(format, title, tracks, description=descriptions[row]))
        write_json(folder / "manifest.json", {"kind": "segue export", "format": format})
    return library.n_playlists


def slug(title: str, most: int = 60) -> str:
    """A title as a part of a file name: letters, digits and single spaces of any script; nothing that a shell minds.

    >>> slug("../AC/DC: 'live'  🤘"), slug("Café del Mar")
    ('AC DC live', 'Café del Mar')
    """
    words = "".join(c if c.isalnum() else " " for c in title).split()
    cut = " ".join(words).encode("utf-8", "ignore")[: most * 2].decode("utf-8", "ignore")
    return cut[:most].strip()
