"""How a recommended list is shown or written."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from segue.cli.terminal import plain, say
from segue.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from segue.systems.model import Answer, AnsweredTrack

__all__ = ["FORMATS", "ListFormat", "chosen_format", "deliver", "table_of"]

ListFormat = Literal["table", "json", "m3u8", "xspf", "jspf", "csv"]
FORMATS: tuple[ListFormat, ...] = get_args(ListFormat)


def chosen_format(given: ListFormat | None, as_json: bool, out: Path | None) -> ListFormat:
    """The format that was asked for, else the one that the file's name says, else a table.

    Raises:
        InputError: ``--json`` beside another format.

    >>> chosen_format(None, False, Path("a.m3u8")), chosen_format(None, True, None)
    ('m3u8', 'json')
    """
    if as_json:
        if given not in (None, "json"):
            raise InputError(f"--json is short for --format json, and --format says {given}; give one of them")
        return "json"
    if given is not None:
        return given
    suffix = out.suffix.lower().removeprefix(".") if out is not None else ""
    return next((name for name in FORMATS if name == suffix), "table")


def deliver(answer: Answer, format: ListFormat, out: Path | None, *, explain: bool) -> None:
    """Print an answer, or write it to a file; what was ignored is said on stderr, JSON also carries it.

    Raises:
        OutputError: the file cannot be written.
    """
    data = _as_bytes(answer, format, explain=explain)
    if out is not None:
        from segue.library.arrays import write_bytes

        write_bytes(out, data if data is not None else _as_text(answer, explain=explain))
        say(f"wrote {out}: {len(answer.tracks)} tracks, {format}")
    elif data is not None:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
    elif sys.stdout.isatty():
        from rich.console import Console

        Console().print(table_of(answer, explain=explain))
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(_as_text(answer, explain=explain))
    for sentence in answer.ignored:
        say(sentence)


def _as_bytes(answer: Answer, format: ListFormat, *, explain: bool) -> bytes | None:
    """The answer in a format of files; None for a table."""
    if format == "table":
        return None
    if format == "json":
        import msgspec

        return msgspec.json.format(msgspec.json.encode(answer.to_json()), indent=2) + b"\n"
    from segue.sources.playlist_files import write_playlist

    return write_playlist(
        format,
        str(answer.query["title"]) or "Segue",
        [line.track for line in answer.tracks],
        description=f"Recommended by Segue, model {answer.fingerprint}.",
        scores=[line.score for line in answer.tracks] if format == "csv" else None,
    )


def _as_text(answer: Answer, *, explain: bool) -> bytes:
    """One line a track, fields apart by tabs: what a pipe gets."""
    rows = []
    for line in answer.tracks:
        fields = [str(line.rank), plain(line.track.name), plain(line.track.artist)]
        rows.append("\t".join([*fields, *([reasons(line)] if explain else [])]))
    return "".join(f"{row}\n" for row in rows).encode("utf-8", "replace")


def reasons(line: AnsweredTrack, most: int | None = None) -> str:
    """The reasons of one track in one line, the weightiest first."""
    from segue.recommend.because import sentence

    return plain("; ".join(sentence(reason) for reason in line.because[:most]))


def table_of(answer: Answer, *, explain: bool, title: str | None = None, n_reasons: int | None = None) -> Table:
    """An answer for a terminal: every name is plain text, never markup.

    Args:
        title: heading; the query's title where None. n_reasons: most reasons a track; all where None.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    heading = plain(title if title is not None else str(answer.query["title"]), 100)
    table = Table(title=Text(heading, style="bold"), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", justify="right", style="dim")
    table.add_column("track", overflow="fold", max_width=44)
    table.add_column("artist", overflow="fold", max_width=30)
    years = any(line.track.year is not None for line in answer.tracks)
    if years:
        table.add_column("year", justify="right", style="dim")
    if explain:
        table.add_column("because", style="dim", overflow="fold")
    for line in answer.tracks:
        cells = [Text(str(line.rank)), Text(plain(line.track.name, 120)), Text(plain(line.track.artist, 80))]
        if years:
            cells.append(Text("" if line.track.year is None else str(line.track.year)))
        if explain:
            cells.append(Text(reasons(line, n_reasons)))
        table.add_row(*cells)
    return table
