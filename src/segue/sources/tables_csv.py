"""The tables of the published pipeline: playlists, items, tracks and playlist descriptions as CSV, written and read.

The columns carry the names of the Million Playlist Dataset; what a library knows beyond it (year, explicit, genre,
location) stands behind them. Cells that a spreadsheet would run as a formula are guarded by an apostrophe.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl

from segue.errors import SourceError
from segue.library import Library
from segue.library.arrays import write_json
from segue.library.folders import new_folder
from segue.sources.files import read_regular
from segue.sources.piece import Piece, piece_of
from segue.sources.spreadsheet import DANGEROUS

__all__ = ["TABLES", "read_tables", "write_tables"]

TABLES = ("playlists.csv", "items.csv", "tracks.csv", "playlist_descriptions.csv")
_TRACKS = {
    "track_uri": "track_id",
    "track_name": "name",
    "artist_uri": "artist_id",
    "artist_name": "artist",
    "album_uri": "album_id",
    "album_name": "album",
    "duration_ms": "duration_ms",
    "year": "year",
    "explicit": "explicit",
    "genre": "genre",
    "location": "location",
}
_BLOCK = 20_000  # playlists whose items are in memory at once


def write_tables(library: Library, folder: Path | str) -> list[Path]:
    """Write ``playlists``, ``items``, ``tracks`` and ``playlist_descriptions`` as CSV into a folder, atomically.

    Playlists without a description have no row in ``playlist_descriptions``.

    Raises:
        OutputError: the place cannot be written to, or holds other things.
    """
    folder = Path(folder)
    with new_folder(folder, kind="segue export") as temporary:
        write_json(temporary / "manifest.json", {"kind": "segue export", "format": "csv tables", "files": TABLES})
        with (temporary / "playlists.csv").open("wb") as file:
            _write(_playlists(library), file)
        with (temporary / "tracks.csv").open("wb") as file:
            _write(library.tracks.select(pl.col(of).alias(to) for to, of in _TRACKS.items()), file)
        with (temporary / "playlist_descriptions.csv").open("wb") as file:
            described = library.playlists.filter(pl.col("description").is_not_null())
            _write(described.select(pid="playlist_id", name="title", description="description"), file)
        with (temporary / "items.csv").open("wb") as file:
            for start in range(0, max(library.n_playlists, 1), _BLOCK):
                _write(_items(library, start, min(start + _BLOCK, library.n_playlists)), file, header=start == 0)
    return [folder / name for name in TABLES]


def _write(table: pl.DataFrame, file: BinaryIO, *, header: bool = True) -> None:
    texts = [name for name, dtype in table.schema.items() if dtype == pl.String]
    guarded = table.with_columns(
        pl.when(pl.col(name).str.contains(DANGEROUS)).then("'" + pl.col(name)).otherwise(pl.col(name)).alias(name)
        for name in texts
    )
    guarded.write_csv(file, include_header=header, line_terminator="\r\n")


def _playlists(library: Library) -> pl.DataFrame:
    interactions, tracks = library.playlist_tracks, library.tracks
    playlist_of = np.repeat(np.arange(interactions.n_rows), interactions.lengths)
    albums = tracks["album_id"].fill_null(tracks["album"]).fill_null("").rank("dense").to_numpy().astype(np.int64)
    durations = tracks["duration_ms"].fill_null(0).to_numpy().astype(np.float64)[interactions.indices]
    n = interactions.n_rows
    return library.playlists.select(
        pid="playlist_id",
        name="title",
        collaborative="collaborative",
        modified_at="modified_at",
        num_tracks=pl.Series(interactions.lengths),
        num_albums=pl.Series(_distinct(playlist_of, albums[interactions.indices], n)),
        num_artists=pl.Series(_distinct(playlist_of, library.artist_rows[interactions.indices], n)),
        num_followers="num_followers",
        duration_ms=pl.Series(np.bincount(playlist_of, durations, minlength=n).astype(np.int64)),
        source="source",
    )


def _distinct(
    playlists: np.ndarray[tuple[int], np.dtype[np.int64]],
    values: np.ndarray[tuple[int], np.dtype[np.integer]],
    n: int,
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """How many distinct values each playlist has; int64 ``(n,)``."""
    if not len(values):
        return np.zeros(n, np.int64)
    width = int(values.max()) + 1
    pairs = np.unique(playlists * width + values)
    return np.bincount(pairs // width, minlength=n).astype(np.int64)


def _items(library: Library, start: int, end: int) -> pl.DataFrame:
    interactions = library.playlist_tracks
    lengths = interactions.lengths[start:end]
    first, last = int(interactions.indptr[start]), int(interactions.indptr[end])
    within = np.arange(first, last) - np.repeat(interactions.indptr[start:end], lengths)
    return pl.DataFrame(
        {
            "pid": library.playlists["playlist_id"][np.repeat(np.arange(start, end), lengths)],
            "pos": within,
            "track_uri": library.tracks["track_id"][interactions.indices[first:last].astype(np.int64)],
        }
    )


def read_tables(folder: Path, *, label: str) -> Piece:
    """Read what :func:`write_tables` wrote; ``playlist_descriptions.csv`` may be missing.

    Raises:
        SourceError: a table is damaged, lacks a column, or names a playlist or track that the others do not know.
    """
    notes: Counter[str] = Counter()
    playlists = _read(folder / "playlists.csv", {"pid", "name"}).unique("pid", keep="first", maintain_order=True)
    tracks = _read(folder / "tracks.csv", {"track_uri"}).unique("track_uri", keep="first", maintain_order=True)
    items = _read(folder / "items.csv", {"pid", "pos", "track_uri"}).with_columns(
        pl.col("pos").cast(pl.Int64, strict=False)
    )
    if (folder / "playlist_descriptions.csv").exists():
        described = _read(folder / "playlist_descriptions.csv", {"pid", "description"}).select("pid", "description")
        playlists = playlists.join(described.unique("pid"), on="pid", how="left", maintain_order="left")
    numbered = items.join(playlists.select("pid").with_row_index("playlist"), on="pid", how="left").join(
        tracks.select("track_uri").with_row_index("track"), on="track_uri", how="left", maintain_order="left"
    )
    for key, table in (("pid", "playlist"), ("track_uri", "track")):
        unknown = numbered.filter(pl.col(table).is_null())
        if unknown.height:
            reason = f"names {unknown.height} times a {key} that {table}s.csv lacks, first {unknown[key][0]!r}"
            raise SourceError(reason, path=folder / "items.csv")
    numbered = numbered.sort("playlist", "pos", maintain_order=True)
    return piece_of(
        label,
        "tables",
        track_ids=tracks["track_uri"].to_list(),
        tracks=_typed(
            tracks, {of: to for to, of in _TRACKS.items() if to in tracks.columns and of != "track_id"}, folder
        ),
        playlists=_typed(
            playlists,
            {
                "playlist_id": "pid",
                "title": "name",
                **{
                    name: name
                    for name in ("description", "collaborative", "modified_at", "num_followers")
                    if name in playlists.columns
                },
            },
            folder,
        ),
        lengths=np.bincount(numbered["playlist"].to_numpy(), minlength=playlists.height),
        indices=numbered["track"].to_numpy().astype(np.int32),
        notes=notes,
    )


def _read(path: Path, needed: set[str]) -> pl.DataFrame:
    try:
        data = read_regular(path)
        table = pl.read_csv(data, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(f"damaged ({str(error).splitlines()[0]})", path=path) from error
    lacking = sorted(needed - set(table.columns))
    if lacking:
        raise SourceError(f"wrong schema: no column {lacking[0]!r}", path=path, position="header")
    return table.with_columns(
        pl.when(pl.col(name).str.contains(DANGEROUS) & pl.col(name).str.starts_with("'"))
        .then(pl.col(name).str.slice(1))
        .otherwise(pl.col(name))
        .alias(name)
        for name in table.columns
    )


def _typed(table: pl.DataFrame, columns: dict[str, str], folder: Path) -> dict[str, pl.Series]:
    made = {}
    for name, column in columns.items():
        values = table[column]
        if name in ("explicit", "collaborative"):
            values = values.str.to_lowercase() == "true"
        elif name in ("duration_ms", "year", "modified_at", "num_followers"):
            try:
                values = values.cast(pl.Int64)
            except pl.exceptions.PolarsError as error:
                raise SourceError(f"wrong schema: {column} holds something that is no number", path=folder) from error
        made[name] = values
    return made
