"""``segue annotate``: audio features, genres, lyrics and summaries for the tracks of a library."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from segue.sources.annotation_report import AnnotationReport

__all__ = ["annotate"]


def annotate(
    library: Annotated[Path, typer.Argument(metavar="LIBRARY", help="Library folder.", show_default=False)],
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="SOURCE", help="Files, folders, zips or tars; or another library.", show_default=False
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Library folder to write; without it LIBRARY itself.", show_default=False),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Sources count more than what is there already.")
    ] = False,
    versions: Annotated[
        bool,
        typer.Option(
            "--versions/--no-versions",
            help="Also match other versions of a recording: remastered ones and edits; for words and genres also "
            "live ones and remixes.",
        ),
    ] = True,
    missing: Annotated[
        Path | None,
        typer.Option("--missing", metavar="CSV", help="Write the tracks that no source knew.", show_default=False),
    ] = None,
    on_error: Annotated[
        Literal["fail", "skip"],
        typer.Option("--on-error", help="Stop at a damaged file, or leave it out whole and name it."),
    ] = "fail",
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Add what other sources know about the tracks of a library; values that are there stay.

    (To have people grade what a search found, see 'segue label'.)

    Recognised by their content: CSV and Parquet with audio features, genres, lyrics or summaries (Kaggle's Spotify
    tables, the Apple Music table, and any with usual headers), AcousticBrainz JSON dumps, .lrc and .txt files and
    tags of audio files, Genius JSON as lyricsgenius saves it. Tracks are recognised by id, ISRC, file, name and
    artist, and last by another version of the recording.

    [dim]segue annotate library tracks.csv.gz[/]

    [dim]segue annotate library ~/Music acousticbrainz-highlevel.tar --missing missing.csv --on-error skip[/]
    """
    from segue.cli.terminal import counted, progress, say, size_of
    from segue.library import Library
    from segue.library.arrays import write_bytes
    from segue.library.folders import check_place, locked
    from segue.sources.annotations import annotate as add
    from segue.sources.annotations import missing_csv

    place = out if out is not None else library
    check_place(place, "segue library")
    # two at once would each write what it read before the other one wrote
    with locked(place, lambda: say(f"waiting for another process that changes {place}")):
        read = Library.load(library)
        with progress() as bar:
            annotated, report = add(
                read, sources, overwrite=overwrite, versions=versions, on_error=on_error, progress=bar
            )
        if report.filled or out is not None:
            annotated.save(place)
    if missing is not None:
        write_bytes(missing, missing_csv(read, report))
    _print(report, as_json=json)
    if report.filled or out is not None:
        say(f"wrote {place} ({size_of(place)})")
    if missing is not None:
        say(f"wrote {missing} ({counted(len(report.missing), 'track')})")


def _print(report: AnnotationReport, *, as_json: bool) -> None:
    from segue.cli.terminal import plain

    if as_json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(report.as_notes()), indent=2).decode())
        return
    from segue.sources.annotation_report import lines

    for line in lines(report):
        print(plain(line))
    if report.coverage:
        print(f"{'column':<26} {'tracks before':>14} {'after':>10} {'rows before':>12} {'after':>8}")
    for name, (before, after, rows_before, rows_after) in report.coverage.items():
        print(f"{name:<26} {before:>14,} {after:>10,} {rows_before:>11.1%} {rows_after:>8.1%}")
