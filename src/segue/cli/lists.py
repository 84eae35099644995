"""How a recommended list is shown or written."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from segue.cli.terminal import counted, plain, say
from segue.errors import InputError, OutputError

if TYPE_CHECKING:
    from rich.table import Table

    from segue.systems.requests import Answer, AnsweredTrack

__all__ = ["FORMATS", "ListFormat", "base_of", "chosen_format", "deliver", "table_of"]

ListFormat = Literal["table", "json", "m3u8", "xspf", "jspf", "csv"]
FORMATS: tuple[ListFormat, ...] = get_args(ListFormat)


def chosen_format(given: ListFormat | None, as_json: bool, out: Path | None) -> ListFormat:
    """The format that was asked for, else the one that the file's name says, else a table.

    Raises:
        InputError: ``--json`` beside another format, or a file whose name says none or another.

    >>> chosen_format(None, False, Path("a.m3u8")), chosen_format(None, True, None)
    ('m3u8', 'json')
    """
    if as_json:
        if given not in (None, "json"):
            raise InputError(f"--json is short for --format json, and --format says {given}; give one of them")
        given = "json"
    if out is None:
        return given or "table"
    named = next((name for name in FORMATS if out.suffix.lower() == f".{name}"), None)
    if given is None:
        if named is None:
            known = ", ".join(f".{name}" for name in FORMATS if name != "table")
            raise InputError(f"the name {out.name!r} says no format; end it in one of {known}, or give --format")
        return named
    if named not in (None, given):
        raise InputError(f"{out.name!r} is named like {named}, and the format asked for is {given}; give one of them")
    return given


def deliver(answer: Answer, format: ListFormat, out: Path | None, *, explain: bool, base: Path | None = None) -> None:
    """Print an answer, or write it to a file; what was ignored is said on stderr, JSON also carries it.

    Args:
        base: folder from which an M3U8 finds its files; None names them whole.

    Raises:
        OutputError: the file or the standard output cannot be written to.
    """
    data = _as_bytes(answer, format, base)
    if out is not None:
        from segue.library.arrays import write_bytes

        write_bytes(out, data if data is not None else _as_text(answer, explain=explain))
        say(f"wrote {out}: {counted(len(answer.tracks), 'track')}, {format}")
    elif data is None and sys.stdout.isatty():
        from rich.console import Console

        Console().print(table_of(answer, explain=explain))
    else:
        _print(data if data is not None else _as_text(answer, explain=explain))
    for sentence in (*answer.ignored, *_unreadable(answer, format)):
        say(sentence)


def _unreadable(answer: Answer, format: ListFormat) -> list[str]:
    """What a player will not find."""
    if format != "m3u8":
        return []
    from segue.sources.m3u import is_plain

    odd = [line.track.location for line in answer.tracks if line.track.location and not is_plain(line.track.location)]
    if not odd:
        return []
    files = counted(len(odd), "file has a name", "files have names")
    return [f"{files} that M3U cannot hold ({odd[0]!r:.120}); written as addresses, which not every player opens"]


def base_of(paths: str | None, out: Path | None, root: Path | None) -> Path | None:
    """The folder from which a list names its files: its own if it lies in or beside the music, unless told otherwise.

    Args:
        paths: "relative", "absolute", or None for what fits. root: the folder of the music, if it is known.

    Raises:
        InputError: relative paths of a list that is not written to a file.
    """
    if paths == "relative" and out is None:
        raise InputError("paths are relative to the list, so it must be written to a file; give -o")
    if paths == "absolute" or out is None:
        return None
    here = out.absolute().parent
    tree = None if root is None else root.parent if root.parent != root.parent.parent else root
    inside = tree is not None and here.is_relative_to(tree)
    return here if paths == "relative" or inside else None


def _print(data: bytes) -> None:
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    except BrokenPipeError:
        raise  # the reader has gone, which is no mistake
    except OSError as error:
        raise OutputError(f"cannot write the output: {error.strerror or error}") from error


def _as_bytes(answer: Answer, format: ListFormat, base: Path | None) -> bytes | None:
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
        base=base,
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


def table_of(
    answer: Answer, *, explain: bool, title: str | None = None, n_reasons: int | None = None, width: int | None = None
) -> Table:
    """An answer for a terminal: every name is plain text, never markup.

    Args:
        title: heading; the query's title where None. n_reasons: most reasons a track; all where None.
        width: characters that every line must fit; texts are cut for it. None wraps them instead.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    heading = plain(title if title is not None else str(answer.query["title"]), 100)
    table = Table(title=Text(heading, style="bold"), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    names = [plain(line.track.name, 120 if width is None else width // 4) for line in answer.tracks]
    artists = [plain(line.track.artist, 80 if width is None else width // 6) for line in answer.tracks]
    table.add_column("", justify="right", style="dim")
    table.add_column("track", overflow="fold", max_width=44)
    table.add_column("artist", overflow="fold", max_width=30)
    years = any(line.track.year is not None for line in answer.tracks)
    room = _room(width, names, artists, years=years)
    if years:
        table.add_column("year", justify="right", style="dim")
    if explain:
        table.add_column("because", style="dim", overflow="fold")
    for line, name, artist in zip(answer.tracks, names, artists, strict=True):
        cells = [Text(str(line.rank)), Text(name), Text(artist)]
        if years:
            cells.append(Text("" if line.track.year is None else str(line.track.year)))
        if explain:
            cells.append(Text(plain(reasons(line, n_reasons), room)))
        table.add_row(*cells)
    return table


def _room(width: int | None, names: list[str], artists: list[str], *, years: bool) -> int:
    """Characters left for the reasons beside rank, names, artists, years and what is between columns."""
    if width is None:
        return 100_000
    between = 13 + (7 if years else 0)
    return max(width - between - max(map(len, names), default=0) - max(map(len, artists), default=0), 10)
