"""Logs of searches: ``query, playlist_id, clicked, time`` as JSON lines or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from segue.errors import SourceError
from segue.library.searching import Click, read_lines

__all__ = ["read_search_logs"]

_COLUMNS = ("query", "playlist_id", "clicked", "time")
_YES, _NO = ("1", "true", "yes", "y", "t"), ("0", "false", "no", "n", "f", "")
_MOST_BYTES = 2_000_000_000


def read_search_logs(files: Sequence[Path | str]) -> list[Click]:
    """Read logs, file by file; what is not ``.csv`` or ``.tsv`` is read as JSON lines.

    In CSV, ``clicked`` is 1, true or yes, or 0, false, no or nothing; ``time`` is unix seconds or an ISO date.

    Raises:
        SourceError: a file cannot be read, lacks a column, or has a line that is no click, which the message
            names.
    """
    found: list[Click] = []
    for file in files:
        path = Path(file)
        found += _csv(path) if path.suffix.lower() in (".csv", ".tsv") else read_lines(path, Click)
    return found


def _csv(path: Path) -> list[Click]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SourceError("is too large; cut it into several logs", path=path)
        text = path.read_bytes().decode("utf-8-sig")  # line breaks inside cells stay as they are
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"cannot be read as UTF-8 text ({error})", path=path) from error
    head = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    clicks: list[Click] = []
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        missing = [name for name in _COLUMNS if name not in names]
        if missing:
            raise SourceError(f"lacks the column {missing[0]!r}; it needs {', '.join(_COLUMNS)}", path=path)
        places = [names.index(name) for name in _COLUMNS]
        for line in reader:
            if not any(cell.strip() for cell in line):
                continue
            where = f"line {reader.line_num}"
            if len(line) != len(names):
                raise SourceError(f"has {len(line)} cells where {len(names)} are wanted", path=path, position=where)
            query, playlist_id, clicked, time = (line[place] for place in places)
            clicks.append(Click(query, playlist_id, _flag(clicked, path, where), _time(time, path, where)))
    except csv.Error as error:
        raise SourceError(f"is no CSV ({error})", path=path, position=f"line {reader.line_num}") from error
    return clicks


def _flag(cell: str, path: Path, where: str) -> bool:
    said = cell.strip().lower()
    if said not in _YES + _NO:
        raise SourceError(f"says {cell[:40]!r} for clicked; write 1 or 0", path=path, position=where)
    return said in _YES


def _time(cell: str, path: Path, where: str) -> float:
    said = cell.strip()
    try:
        return float(said)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(said)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        reason = f"says {cell[:40]!r} for time; write unix seconds or an ISO date"
        raise SourceError(reason, path=path, position=where) from error
