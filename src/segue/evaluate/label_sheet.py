"""Blind sheets on which people grade what systems found; and what comes back from a spreadsheet, mangled or not."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from segue.errors import InputError, SourceError, StoredDataError
from segue.evaluate.pooling import Pair, Pool
from segue.evaluate.rating_sheet import guarded_cell
from segue.library.arrays import fingerprint
from segue.library.names import one_line

__all__ = [
    "COLUMNS",
    "MOST_GRADE",
    "SHEET_ENCODING",
    "Key",
    "KeyItem",
    "Labels",
    "SheetKind",
    "Table",
    "make_sheets",
    "read_key",
]

SheetKind = Literal["grade", "fit"]
COLUMNS: Mapping[SheetKind, tuple[str, str, str, str]] = {
    "grade": ("item", "query", "playlist", "grade"),
    "fit": ("item", "title", "track", "fits"),
}
"""Number, what was asked, what is to be judged, and the answer."""
MOST_GRADE: Mapping[SheetKind, int] = {"grade": 3, "fit": 1}
SHEET_ENCODING = "utf-8-sig"
"""With a mark in front, without which some spreadsheets take UTF-8 for something else."""
_KIND, _VERSION = "segue label key", 1
_MOST_BYTES = 50_000_000
_NOT_PLAIN = re.compile(r"[^a-z0-9]+")


class KeyItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands behind a number of a sheet; ``asked`` and ``shown`` are digests of its words."""

    query: str
    target: str
    asked: str
    shown: str


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a sheet does not say: whose lists hold what stands on it.

    Args:
        items: number on the sheet -> pair. lists: system -> query -> ids, best first.
        evidence: what of a playlist is shown, in words.
    """

    kind: str
    format_version: int
    sheet: SheetKind
    depth: int
    items: dict[str, KeyItem]
    lists: dict[str, dict[str, tuple[str, ...]]]
    evidence: str = ""

    @property
    def pool(self) -> Pool:
        """The lists as they were pooled."""
        queries = tuple(dict.fromkeys(item.query for item in self.items.values()))
        return Pool(queries, self.lists, self.depth, {})


@dataclass(frozen=True)
class Labels:
    """What one person said.

    Args:
        rater: the name of the sheet's file. grades: pair -> grade. empty: items without one. missing: items of the
            key that the sheet does not have.
    """

    rater: str
    grades: dict[Pair, int]
    empty: int
    missing: int


def make_sheets(
    pool: Pool,
    shown: Mapping[Pair, str],
    *,
    sheet: SheetKind = "grade",
    raters: int = 1,
    overlap: int | None = None,
    evidence: str = "",
    rng_key: int = 0,
) -> tuple[list[str], Key]:
    """Write blind sheets as CSV, and the key to them.

    Queries stand in random order, what was found for each below it, also in random order, each once however many
    systems found it. Cells that a spreadsheet would run are guarded.

    Args:
        shown: pair -> the words on the sheet. raters: sheets to write; each holds the items of all, or its share.
        overlap: items that all raters get, at least, in whole queries; the rest is dealt out. None: all get all.

    Raises:
        InputError: there is nothing to grade.
    """
    if not pool.pairs:
        raise InputError("there is nothing to grade; all of the lists are empty")
    rng = np.random.default_rng(rng_key)
    by_query: dict[str, list[Pair]] = {}
    for pair in pool.pairs:
        by_query.setdefault(pair[0], []).append(pair)
    queries = list(by_query)
    queries = [queries[place] for place in rng.permutation(len(queries))]
    ordered = {
        query: [by_query[query][place] for place in rng.permutation(len(by_query[query]))] for query in queries
    }
    numbers = {pair: str(n) for n, pair in enumerate((pair for query in queries for pair in ordered[query]), 1)}
    texts: list[str] = []
    for mine in _dealt(ordered, raters, overlap):
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS[sheet])
        order = [mine[place] for place in rng.permutation(len(mine))] if texts else mine
        for query in order:
            for pair in ordered[query]:
                writer.writerow((numbers[pair], guarded_cell(query), guarded_cell(shown[pair]), ""))
        texts.append(out.getvalue())
    items = {
        number: KeyItem(pair[0], pair[1], _words(pair[0]), _words(shown[pair])) for pair, number in numbers.items()
    }
    return texts, Key(_KIND, _VERSION, sheet, pool.depth, items, pool.lists, evidence)


def _dealt(ordered: Mapping[str, Sequence[Pair]], raters: int, overlap: int | None) -> list[list[str]]:
    """The queries of each rater."""
    if overlap is None or raters == 1:
        return [list(ordered) for _ in range(raters)]
    dealt: list[list[str]] = [[] for _ in range(raters)]
    shared = 0
    for place, query in enumerate(ordered):
        if shared < overlap:
            shared += len(ordered[query])
            for mine in dealt:
                mine.append(query)
        else:
            dealt[place % raters].append(query)
    return dealt


def read_key(path: Path) -> Key:
    """Read a key.

    Raises:
        StoredDataError: it is missing, damaged, no key, or of a newer version.
    """
    try:
        key = msgspec.json.decode(path.read_bytes(), type=Key)
    except OSError as error:
        raise StoredDataError(
            f"{path} cannot be read ({error.strerror or error}); give the key of the sheet"
        ) from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise StoredDataError(
            f"{path} is no key of a sheet ({error}); give the one written with the sheet"
        ) from error
    if key.kind != _KIND:
        raise StoredDataError(f"{path} is no key of a sheet; give the one written with the sheet")
    if key.format_version != _VERSION:
        raise StoredDataError(f"{path} was written by a newer version; upgrade segue")
    return key


@dataclass(frozen=True)
class Table:
    """A sheet as its rows, whatever a spreadsheet did to it.

    Args:
        sheet: its kind. rows: number, what was asked, what is shown, answer; as text.
        lines: line of each in the file.
    """

    path: Path
    sheet: SheetKind
    rows: tuple[tuple[str, str, str, str], ...]
    lines: tuple[int, ...]

    @classmethod
    def read(cls, path: Path) -> Table:
        """Read a sheet: commas, semicolons or tabs; UTF-8, UTF-16 or Windows-1252; further columns are passed over.

        Raises:
            SourceError: it cannot be read, or is no sheet.
        """
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise SourceError("is too large for a sheet", path=path)
            text = _decoded(path.read_bytes())
        except (OSError, UnicodeDecodeError) as error:
            raise SourceError(f"cannot be read as CSV ({error})", path=path) from error
        before = 0
        if text[:4].lower() == "sep=":  # what some spreadsheets put before everything
            text, before = text.partition("\n")[2], 1
        first = text.partition("\n")[0]
        delimiter = max(",;\t", key=first.count)
        try:
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
            found = [(before + reader.line_num, line) for line in reader if any(cell.strip() for cell in line)]
        except csv.Error as error:
            raise SourceError(f"cannot be read as CSV ({error})", path=path) from error
        head = [cell.strip().lower() for cell in found[0][1]] if found else []
        for sheet, columns in COLUMNS.items():
            if all(head.count(name) == 1 for name in columns):
                places = [head.index(name) for name in columns]
                rows = [_row([line[p].strip() if p < len(line) else "" for p in places]) for _, line in found[1:]]
                return cls(path, sheet, tuple(rows), tuple(number for number, _ in found[1:]))
        wanted = " or ".join(", ".join(columns) for columns in COLUMNS.values())
        raise SourceError(f"is no sheet to grade on; its columns should be {wanted}", path=path)

    def text(self, answers: Sequence[str] | None = None) -> str:
        """The sheet as CSV again, with other answers where they are given."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS[self.sheet])
        for row, answer in zip(self.rows, answers or [row[3] for row in self.rows], strict=True):
            writer.writerow((row[0], guarded_cell(row[1]), guarded_cell(row[2]), answer))
        return out.getvalue()

    def answer(self, place: int) -> int | None:
        """The grade in a row; None where it is empty.

        Raises:
            SourceError: it is none; the message names the line.
        """
        told = self.rows[place][3]
        if not told:
            return None
        most = MOST_GRADE[self.sheet]
        try:
            value = float(told.replace(",", "."))
        except ValueError:
            value = float("nan")
        if value not in range(most + 1):
            name, whole = COLUMNS[self.sheet][3], "0 or 1" if most == 1 else f"0 to {most}"
            raise SourceError(
                f"has {one_line(told, 40)!r} under {name!r}; write {whole}",
                path=self.path,
                position=f"line {self.lines[place]}",
            )
        return int(value)

    def labels(self, key: Key, rater: str | None = None) -> Labels:
        """What the rater said, in any order of rows; rows that are missing are counted.

        Raises:
            SourceError: a row is of another sheet, its words were changed, it is graded twice differently, or its
                grade is none.
        """
        if self.sheet != key.sheet:
            raise SourceError("is a sheet of another kind than the key's; give its own key", path=self.path)
        grades: dict[Pair, int] = {}
        seen = Counter[str]()
        for place, (number, asked, shown, _) in enumerate(self.rows):
            where = f"line {self.lines[place]}"
            number = number.removesuffix(".0").removesuffix(",0")
            item = key.items.get(number)
            if item is None:
                reason = f"has the item {one_line(number, 40)!r}, which the key does not know; give its own key"
                raise SourceError(reason, path=self.path, position=where)
            # one of the two may have been taken for a date or a number by a spreadsheet
            if item.asked != _words(asked) and item.shown != _words(shown):
                reason = "belongs to another key, or more than its answers was changed"
                raise SourceError(reason, path=self.path, position=where)
            seen[number] += 1
            grade = self.answer(place)
            if grade is not None and grades.setdefault((item.query, item.target), grade) != grade:
                reason = f"grades item {number} twice, differently; leave one"
                raise SourceError(reason, path=self.path, position=where)
        name = self.path.stem if rater is None else rater
        return Labels(name, grades, len(seen) - len(grades), len(key.items) - len(seen))


def _row(cells: Sequence[str]) -> tuple[str, str, str, str]:
    number, asked, shown, answer = cells
    return number, _unguarded(asked), _unguarded(shown), answer


def _unguarded(cell: str) -> str:
    return cell[1:] if cell[:2] in ("'=", "'+", "'-", "'@") else cell


def _decoded(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252")


def _words(text: str) -> str:
    """Digest of the plain letters and digits: what survives spreadsheets of any encoding."""
    return fingerprint(_NOT_PLAIN.sub("", one_line(text).lower()))
