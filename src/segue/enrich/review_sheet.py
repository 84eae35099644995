"""The review queue as a sheet for people: the worst texts first, a column for verdicts, read back as verdicts."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from segue.enrich.quality import TextQuality, problems
from segue.enrich.review import KINDS, Rejections, Verdict, key_of
from segue.errors import InputError, SourceError
from segue.library.names import one_line

__all__ = ["HEAD", "queue", "read_sheet", "review_sheet", "text_key"]

HEAD = ("kind", "id", "key", "about", "text", "by", "problems", "verdict", "reason")
_MOST_BYTES = 50_000_000
_MOST_TEXT = 2_000
_VERDICTS = {
    "accept": "accept", "a": "accept", "yes": "accept", "y": "accept", "ok": "accept", "good": "accept",
    "reject": "reject", "r": "reject", "no": "reject", "n": "reject", "bad": "reject",
}  # fmt: skip
_KEY = re.compile(r"[0-9a-f]{16}")


def text_key(text: TextQuality) -> str:
    """:func:`~segue.enrich.review.key_of` a text, a query or a grade."""
    if text.kind == "grade":
        grade = text.about.removeprefix("grade ").split(":", 1)[0]
        return key_of("grade", text.id, f"{grade} {text.text}")
    return key_of(text.kind, text.id, text.text)


def queue(texts: Sequence[TextQuality], rejections: Rejections, n: int) -> list[TextQuality]:
    """The ``n`` worst texts that nobody has looked at, the worst first, as they came among equals."""
    waiting = [text for text in texts if text_key(text) not in rejections.verdicts]
    return sorted(waiting, key=lambda text: -text.badness)[:n]


def review_sheet(texts: Sequence[TextQuality]) -> str:
    """A sheet as CSV, ``verdict`` and ``reason`` empty; cells that a spreadsheet would run are guarded.

    Raises:
        InputError: there is nothing to look at.
    """
    if not texts:
        raise InputError("nothing waits for review; write something first ('segue describe'), or all is looked at")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEAD)
    for text in texts:
        cells = (text.kind, text.id, text_key(text), text.about, text.text, text.by, problems(text), "", "")
        writer.writerow([_guarded(cell) for cell in cells])
    return out.getvalue()


def read_sheet(path: Path) -> list[Verdict]:
    """Verdicts from a sheet that came back; lines without one are passed over.

    A verdict is accept or reject (or a, r, yes, no). It is about the text that was written into the sheet: the column
    ``key`` says which, and changing the text in the sheet changes nothing.

    Raises:
        SourceError: it is no such sheet, or a verdict is none; the message names the line.
    """
    lines = _lines(path)
    head = [cell.strip().lower() for cell in lines[0]] if lines else []
    missing = [name for name in ("kind", "id", "key", "verdict") if name not in head]
    if missing:
        raise SourceError(f"is no review sheet; it lacks the column {missing[0]!r}", path=path)
    found: dict[str, Verdict] = {}
    for number, line in enumerate(lines[1:], 2):
        cells = {name: cell.strip() for name, cell in zip(head, line, strict=False)}
        said = cells.get("verdict", "")
        if not said:
            continue
        verdict = _verdict(cells, said, path, number)
        other = found.setdefault(verdict.key, verdict)
        if other.verdict != verdict.verdict:
            raise SourceError("has two verdicts on one text; leave one", path=path, position=f"line {number}")
    return list(found.values())


def _verdict(cells: dict[str, str], said: str, path: Path, number: int) -> Verdict:
    position = f"line {number}"
    chosen: Any = _VERDICTS.get(said.lower())
    if chosen is None:
        reason = f"has the verdict {one_line(said, 40)!r}; write accept or reject"
        raise SourceError(reason, path=path, position=position)
    kind: Any = cells["kind"]
    if kind not in KINDS or not _KEY.fullmatch(cells["key"]) or not cells["id"]:
        reason = "is no line of a review sheet; kind, id and key must stay as they were"
        raise SourceError(reason, path=path, position=position)
    return Verdict(kind, _bare(cells["id"]), cells["key"], chosen, one_line(_bare(cells.get("reason", "")), 300))


def _lines(path: Path) -> list[list[str]]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SourceError("is too large for a review sheet", path=path)
        text = path.read_text("utf-8-sig")
        head = text.split("\n", 1)[0]
        read = list(csv.reader(io.StringIO(text), delimiter=";" if head.count(";") > head.count(",") else ","))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"cannot be read as CSV ({error})", path=path) from error
    return [line for line in read if any(cell.strip() for cell in line)]


def _guarded(text: str) -> str:
    """One line that no spreadsheet runs."""
    plain = one_line(text, _MOST_TEXT).strip()
    return "'" + plain if plain[:1] in ("=", "+", "-", "@") else plain


def _bare(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and cell[1:2] in ("=", "+", "-", "@") else cell
