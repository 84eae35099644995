"""Libraries gain what other sources say about their tracks: audio features, genres, lyrics, summaries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from segue.errors import SourceError
from segue.library import Library
from segue.library.tables import ANALYSIS_FEATURES, AUDIO_FEATURES
from segue.sources.annotation_files import read_sources
from segue.sources.annotation_report import AnnotationReport, SourceReport
from segue.sources.match import OTHER_VERSION, VERSION, Match, match
from segue.sources.outside import ANNOTATED, Outside, is_descriptor, type_of
from segue.sources.report import Skipped
from segue.sources.spreadsheet import csv_bytes

__all__ = ["annotate", "missing_csv"]

_EXAMPLES = 20
_LYRICS = ("lyrics", "lyrics_status", "lyrics_source")
_IDENTITY = frozenset({"name", "artist"})  # what other tables join by: never overwritten
# Another version of a recording has another length, another release and another ISRC.
_OF_THE_RELEASE = frozenset({"album", "album_id", "year", "duration_ms", "explicit", "isrc"})
_OF_THE_SOUND = frozenset({*AUDIO_FEATURES, *ANALYSIS_FEATURES})
_RANK = {"found": 3, "instrumental": 2}  # any other answer says nothing about the track


def annotate(
    library: Library,
    sources: Sequence[Path | str],
    *,
    overwrite: bool = False,
    versions: bool = True,
    on_error: Literal["fail", "skip"] = "fail",
    progress: Callable[[int, int, str], None] = lambda done, total, what: None,
) -> tuple[Library, AnnotationReport]:
    """Fill columns of the track table from files, folders, zips, tars or other libraries.

    Only null values are filled; of two sources the first one counts. ``library.notes["annotations"]`` gains the
    report, unless nothing was filled, so that doing it twice changes nothing. What comes from another version of the
    recording fills no column that belongs to a release (album, year, duration, ISRC, explicit), and never says
    "instrumental"; one that sounds otherwise (live, a remix) fills no audio features either. A status of lyrics moves
    up only: found and instrumental replace "not_found", "blocked" and "error", never the other way round.

    Args:
        overwrite: sources count more than what is there; names and artists stay as they are.
        versions: whether tracks may be recognised by another version of the recording.
        on_error: "fail" stops at the first damaged file; "skip" leaves damaged files out whole and names them.
        progress: is called with sources done, sources in all, and what is done.

    Raises:
        SourceError: a missing path, a damaged file ("fail"), or nothing that could be used at all.
    """
    if not sources:
        raise SourceError("no source was given", path=".")
    skipped: list[Skipped] = []
    ignored: list[str] = []

    def damaged(error: SourceError) -> None:
        if on_error == "fail":
            raise error
        skipped.append(Skipped(str(error.path), error.reason, error.position))

    tracks, reports = library.tracks, []
    met = np.zeros(library.n_tracks, bool)
    paths = [Path(source) for source in sources]
    for outside in read_sources(paths, damaged=damaged, ignored=ignored.append, progress=progress):
        progress(0, len(paths), f"matching {outside.label}")
        found = match(tracks, outside, versions=versions)
        met |= found.rows >= 0
        tracks, filled = _filled(tracks, outside, found, overwrite=overwrite)
        reports.append(SourceReport(outside.label, outside.format, found.as_notes(), filled, dict(outside.notes)))
    if not reports:
        why = f"; {len(skipped)} damaged files were left out, the first: {skipped[0].reason}" if skipped else ""
        raise SourceError(f"nothing to annotate with was found{why}", path=", ".join(map(str, paths[:3])))
    weights = _weights(library)
    report = AnnotationReport(
        tracks=library.n_tracks,
        rows=int(weights.sum()),
        sources=tuple(reports),
        coverage=_coverage(library.tracks, tracks, [r.filled for r in reports], weights),
        missing=np.flatnonzero(~met).astype(np.int32),
        skipped=tuple(skipped),
        ignored=len(ignored),
        ignored_examples=tuple(ignored[:_EXAMPLES]),
    )
    if not report.filled:
        return library, report
    earlier = library.notes.get("annotations")
    notes = [*earlier, report.as_notes()] if isinstance(earlier, list) else [report.as_notes()]
    return replace(library, tracks=tracks, notes={**library.notes, "annotations": notes}), report


def _filled(
    tracks: pl.DataFrame, outside: Outside, found: Match, *, overwrite: bool
) -> tuple[pl.DataFrame, dict[str, int]]:
    """The table with what a source says, and how many values of each column are new."""
    if not outside.values.width or not (found.rows >= 0).any():
        return tracks, {}
    matched = pl.Series(np.where(found.rows >= 0, found.rows, 0), dtype=pl.UInt32)
    known, same = pl.Series(found.rows >= 0), pl.Series((found.by != VERSION) & (found.by != OTHER_VERSION))
    sounds_alike = pl.Series(found.by != OTHER_VERSION)
    given = outside.values[matched]
    columns: dict[str, pl.Series] = {}
    for name in outside.values.columns:
        if name in _LYRICS:
            continue
        usable = known
        if name in _OF_THE_RELEASE:
            usable = known & same
        elif name in _OF_THE_SOUND or is_descriptor(name):
            usable = known & sounds_alike
        columns[name] = _merged(
            _column(tracks, name), _where(usable, given[name]), overwrite=overwrite and name not in _IDENTITY
        )
    if "lyrics_status" in given.columns:
        columns.update(_lyrics(tracks, given, known, same, overwrite=overwrite))
    filled = {}
    for name, column in columns.items():
        n = int(column.ne_missing(_column(tracks, name)).sum())
        if n:
            filled[name] = n
    return tracks.with_columns(columns[name] for name in filled), filled


def _column(tracks: pl.DataFrame, name: str) -> pl.Series:
    if name in tracks.columns:
        return tracks[name]
    return pl.Series(name, [], type_of(name)).extend_constant(None, tracks.height)


def _where(usable: pl.Series, values: pl.Series) -> pl.Series:
    frame = pl.DataFrame({"usable": usable, "value": values})
    return frame.select(pl.when("usable").then("value")).to_series().alias(values.name)


def _merged(old: pl.Series, new: pl.Series, *, overwrite: bool) -> pl.Series:
    frame = pl.DataFrame({"old": old, "new": new})
    first, second = ("new", "old") if overwrite else ("old", "new")
    return frame.select(pl.coalesce(first, second)).to_series().cast(old.dtype).alias(old.name)


def _lyrics(
    tracks: pl.DataFrame, given: pl.DataFrame, known: pl.Series, same: pl.Series, *, overwrite: bool
) -> dict[str, pl.Series]:
    """The three columns of lyrics, which change together or not at all."""
    old = pl.DataFrame([_column(tracks, name) for name in _LYRICS])
    # lyrics without a status were there before statuses were; "found" without lyrics is what somebody emptied
    old_status = old.select(
        pl.when(pl.col("lyrics").is_not_null())
        .then(pl.lit("found"))
        .when(pl.col("lyrics_status").ne_missing("found"))
        .then("lyrics_status")
    )
    new_status = _where(known & (same | (given["lyrics_status"] == "found").fill_null(False)), given["lyrics_status"])
    ranks = pl.DataFrame({"old": old_status.to_series(), "new": new_status}).select(
        pl.col(name).replace_strict(_RANK, default=1, return_dtype=pl.Int8).fill_null(1)
        * pl.col(name).is_not_null().cast(pl.Int8)
        for name in ("old", "new")
    )
    better = ranks["new"] > ranks["old"]
    if overwrite:
        better |= ranks["new"] >= 2
    made = {}
    for name in _LYRICS:
        new = given[name] if name in given.columns else _column(given, name)
        frame = pl.DataFrame({"better": better, "old": old[name], "new": new})
        made[name] = frame.select(pl.when("better").then("new").otherwise("old")).to_series().alias(name)
    return made


def _weights(library: Library) -> NDArray[np.int64]:
    """In how many rows of playlists and users each track is; int64 ``(n_tracks,)``."""
    counts = np.bincount(library.playlist_tracks.indices, minlength=library.n_tracks)
    if library.user_tracks is not None:
        counts = counts + np.bincount(library.user_tracks.indices, minlength=library.n_tracks)
    return counts.astype(np.int64)


def _coverage(
    before: pl.DataFrame, after: pl.DataFrame, filled: Sequence[Mapping[str, int]], weights: NDArray[np.int64]
) -> dict[str, tuple[int, int, float, float]]:
    total = max(int(weights.sum()), 1)
    made = {}
    names = {name: None for each in filled for name in each}
    for name in [*(name for name in ANNOTATED if name in names), *(name for name in names if name not in ANNOTATED)]:
        old, new = (_column(table, name).is_not_null().to_numpy() for table in (before, after))
        a, b = (float(weights[here].sum() / total) for here in (old, new))
        made[name] = (int(old.sum()), int(new.sum()), a, b)
    return made


def missing_csv(library: Library, report: AnnotationReport) -> bytes:
    """The tracks that no source knew as CSV with guarded cells, those in most playlists first."""
    weights = _weights(library)[report.missing]
    order = report.missing[np.lexsort((report.missing, -weights))].astype(np.int64)
    chosen = library.tracks[order].select("track_id", "name", "artist")
    rows = ((*row, int(n)) for row, n in zip(chosen.iter_rows(), np.sort(weights)[::-1], strict=True))
    return csv_bytes(("track_id", "name", "artist", "rows"), rows)
