"""``segue analyse``: audio files of one's own -> a table of what they sound like."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["analyse"]

_NAMED = 10  # unreadable files named one by one; the rest is counted


def analyse(
    sources: Annotated[
        list[Path], typer.Argument(metavar="SOURCE", help="Audio files, or folders of them.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Parquet table to write, or to bring up to date.")] = Path(
        "features.parquet"
    ),
    jobs: Annotated[int, typer.Option("--jobs", min=1, max=256, help="Processes.")] = 1,
    seconds: Annotated[
        float, typer.Option("--seconds", min=1, max=600, help="How much of each file's middle is analysed.")
    ] = 120.0,
    json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Analyse audio files of your own: tempo, key, mode, loudness and spectral descriptors.

    The table goes into a library with [bold]segue annotate[/]; its tracks are recognised by file, or by name and
    artist as the tags have them. Files that have not changed are not read again, so an interrupted run goes on where
    it was. It takes about half a second a file and process, and needs the extra 'audio'.

    Tempo, key, mode and loudness mean what Spotify's columns mean, and are estimates as those are (loudness within
    some dB); everything else is a column of its own (audio_spectral_centroid, say).

    [dim]segue analyse ~/Music -o features.parquet --jobs 4[/]

    [dim]segue annotate library features.parquet[/]
    """
    from segue.cli.terminal import counted, plain, progress, say
    from segue.sources.audio_files import analyse as run

    with progress() as report:
        found = run(sources, out, jobs=jobs, seconds=seconds, progress=report)
    if json:
        import msgspec

        told = {
            "analysed": found.analysed,
            "reused": found.reused,
            "gone": found.gone,
            "failed": [{"file": plain(path), "reason": plain(reason)} for path, reason in found.failed],
            "rows": found.table.height,
        }
        print(msgspec.json.format(msgspec.json.encode(told), indent=2).decode())
    for path, reason in found.failed[:_NAMED]:
        say(f"left out {path}: {reason}")
    if len(found.failed) > _NAMED:
        say(f"and {len(found.failed) - _NAMED:,} more that cannot be read; --json names them all")
    say(
        f"{counted(found.analysed, 'file')} analysed, {found.reused:,} unchanged, {len(found.failed):,} unreadable"
        + (f", {found.gone:,} gone" if found.gone else "")
    )
    say(f"wrote {out} ({counted(found.table.height, 'row')}); next: segue annotate LIBRARY {out}")
