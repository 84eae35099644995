"""Sources -> library, with a report of everything that did not come in as it was."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import polars as pl

from segue.errors import SourceError
from segue.library import Library
from segue.sources.assemble import Assembly
from segue.sources.files import SourceFile, find
from segue.sources.local_files import LocalPath, read_local
from segue.sources.local_pieces import local_piece, owned_piece, with_local_columns
from segue.sources.piece import Piece
from segue.sources.report import IngestReport, Skipped

__all__ = ["ingest", "read_piece"]

_JSPF = re.compile(rb'\s*\{\s*"playlist"\s*:')


def ingest(
    sources: Sequence[Path | str],
    *,
    on_error: Literal["fail", "skip"] = "fail",
    progress: Callable[[int, int], None] | None = None,
    public: bool = False,
    known: pl.DataFrame | None = None,
) -> Library:
    """Read playlists from files, folders and zips into one library; ``library.notes["ingest"]`` holds the report.

    Music in the folders becomes tracks, and playlists beside it hold those tracks; what such a playlist names and is
    not there is left out.

    Args:
        sources: MPD JSON (also .gz and .zip), JSON lines of playlists, CSV, Parquet, M3U, XSPF, JSPF, or folders of
            them.
        on_error: "fail" stops at the first damaged file; "skip" leaves damaged files out whole and names them.
        progress: is called with files done and files in all.
        public: marks the library as one whose titles anybody may see.
        known: tracks of an earlier library of the same music; files that have not changed are not read again.

    Raises:
        SourceError: a missing path, an empty folder, a damaged file ("fail"), or nothing usable at all.
    """
    if not sources:
        raise SourceError("no source was given", path=".")
    skipped: list[Skipped] = []

    def damaged(error: SourceError) -> None:
        if on_error == "fail":
            raise error
        skipped.append(Skipped(str(error.path), error.reason, error.position))

    found = find(sources, damaged=damaged)
    assembly = Assembly()
    music = None
    if found.audio:
        paths = [LocalPath(path, root) for path, root in found.audio]
        music = read_local(paths, known=known, progress=progress)
        assembly.add(local_piece(music))
        del assembly.formats["audio"]  # it is many files, of which the report has an own line
    for done, file in enumerate(found.files):
        if progress is not None:
            progress(done, len(found.files))
        try:
            piece = read_piece(file)
        except SourceError as error:
            damaged(error)
        else:
            assembly.add(piece if music is None else owned_piece(piece, music))
    if progress is not None:
        progress(len(found.files), len(found.files))
    where = ", ".join(map(str, sources[:3])) + (" ..." if len(sources) > 3 else "")
    if not assembly.n_rows and (music is None or not music.tracks.height):
        left_out = "1 damaged file was" if len(skipped) == 1 else f"{len(skipped)} damaged files were"
        why = f"; {left_out} left out, the first: {skipped[0].reason}" if skipped else ""
        if music is not None and music.failed:
            files = "1 file" if len(music.failed) == 1 else f"{len(music.failed)} files"
            why += f"; {files} of music cannot be read, the first: {music.failed[0][1]}"
        raise SourceError(f"no playlist with a track was found{why}", path=where)
    report = IngestReport(
        files=sum(assembly.formats.values()),
        playlists=assembly.n_playlists,
        tracks=assembly.n_tracks,
        rows=assembly.n_rows,
        formats=dict(assembly.formats),
        skipped=skipped,
        duplicates={**{path: path for path in found.repeated}, **assembly.duplicates},
        renamed=len(assembly.renamed),
        renamed_examples=assembly.renamed,
        ignored=len(found.ignored),
        ignored_examples=found.ignored,
        notes=dict(assembly.notes),
        music=None if music is None else music.as_notes(),
        closed=found.closed,
    )
    library = assembly.library(public=public, notes={"ingest": report.as_notes()})
    return library if music is None else with_local_columns(library, music)


def read_piece(file: SourceFile) -> Piece:
    """Read one file into columns: a pure function of its content, so that a pool can map it.

    Raises:
        SourceError: the file is damaged; names it with its whole path.
    """
    try:
        return _read(file)
    except SourceError as error:
        if str(error.path) == file.where:
            raise
        raise SourceError(error.reason, path=file.where, position=error.position) from error


def _read(file: SourceFile) -> Piece:
    if file.format == "tables":
        from segue.sources.tables_csv import read_tables

        return read_tables(file.path, label=file.label)
    data = file.read()
    if file.format == "mpd" and not _JSPF.match(data):
        from segue.sources.mpd import read_mpd_bytes

        return read_mpd_bytes(data, label=file.label)
    if file.format == "jsonl":
        from segue.sources.playlists_jsonl import read_playlists_jsonl

        return read_playlists_jsonl(data, label=file.label)
    if file.format in ("csv", "parquet"):
        from segue.sources.tabular import read_csv_bytes, read_parquet_bytes

        return (read_csv_bytes if file.format == "csv" else read_parquet_bytes)(data, label=file.label)
    from segue.sources.playlist_files import read_playlist_bytes

    base = None if file.member is not None else file.path.parent
    return read_playlist_bytes(data, "jspf" if file.format == "mpd" else file.format, label=file.label, base=base)
