"""Cells that a spreadsheet would run as a formula, made harmless and back."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["DANGEROUS", "csv_bytes", "guarded", "unguarded"]

# OWASP, "CSV Injection": the signs that start a formula and their full-width forms, also behind what readers trim
# or not show: spaces, control characters, soft hyphens, zero-width characters, direction marks, byte order marks.
_UNSEEN = (
    r"\x00-\x08\x0b\x0c\x0e-\x20\x7f-\xa0\xad\u034f\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800"
    r"\u3000\u3164\ufe00-\ufe0f\ufeff"
)
DANGEROUS = rf"^'*[{_UNSEEN}]*[=+\-@\t\r\n＝＋－＠]"
"""A regular expression, for Python's and for Rust's engine."""
_DANGEROUS = re.compile(DANGEROUS)


def guarded(cell: str) -> str:
    """Put an apostrophe before a cell that a spreadsheet could take for a formula.

    >>> guarded("=1+1"), guarded("'=1+1"), guarded("Hey Jude")
    ("'=1+1", "''=1+1", 'Hey Jude')
    """
    return f"'{cell}" if _DANGEROUS.match(cell) else cell


def unguarded(cell: str) -> str:
    """Take that apostrophe away again.

    >>> unguarded(guarded("'=1+1")), unguarded("'cause")
    ("'=1+1", "'cause")
    """
    return cell[1:] if cell[:1] == "'" and _DANGEROUS.match(cell) else cell


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """A CSV in UTF-8 with guarded cells; None is an empty cell, booleans are "true" and "false"."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")  # RFC 4180; also makes the writer quote both
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return file.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return guarded(value)
    return str(value).lower() if isinstance(value, bool) else value
