"""The cells of a CSV or a Parquet table as strings: which columns are read is the caller's business."""

from __future__ import annotations

import contextlib
import csv
import io
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import polars as pl

from segue.errors import SourceError
from segue.sources.cells import Column
from segue.sources.spreadsheet import unguarded
from segue.sources.text import decode

__all__ = ["Cells", "Choose", "csv_cells", "parquet_cells"]

Choose: TypeAlias = Callable[[Sequence[str], str], dict[str, int]]
"""Headers and the file's label -> column number of each field that is to be read; may raise SourceError."""
Cells: TypeAlias = tuple[list[str], dict[str, Column], dict[str, int]]
"""All headers, the cells of the chosen columns (empty ones are None), and which columns were chosen."""

_limit_lock = threading.Lock()


def csv_cells(data: bytes, choose: Choose, label: str, notes: Counter[str]) -> Cells:
    """Read the chosen columns of a CSV: separator ',' ';' '|' or tab, any usual encoding, spreadsheet guards undone.

    Raises:
        SourceError: empty, a row longer than the header, quotes that never end.
    """
    text = decode(data, notes)
    if not text.strip():
        raise SourceError("the file is empty", path=label, position="byte 0")
    lines = io.StringIO(text, newline="")
    separator = _separator(text)
    if text.startswith("sep=") and len(text.split("\n", 1)[0].strip()) == 5:  # Excel's own hint
        separator = text[4]
        lines.readline()
    with _long_cells():
        return _read_rows(lines, separator, choose, label)


def _read_rows(lines: io.StringIO, separator: str, choose: Choose, label: str) -> Cells:
    reader = csv.reader(lines, delimiter=separator, strict=True)
    try:
        headers = next(row for row in reader if row)
        chosen = choose(headers, label)
        columns: dict[str, Column] = {name: [] for name in chosen}
        appends = [(columns[name].append, i) for name, i in chosen.items()]
        for row in reader:
            if len(row) != len(headers):
                if not any(cell.strip() for cell in row):
                    continue
                if any(row[len(headers) :]):
                    reason = f"a row has {len(row)} cells, the header {len(headers)}"
                    raise SourceError(reason, path=label, position=f"line {reader.line_num}")
                row = row[: len(headers)] + [""] * (len(headers) - len(row))
            for append, i in appends:
                append(unguarded(row[i]) or None)
    except csv.Error as error:
        reason = "a quoted cell never ends" if "end of data" in str(error) else f"broken CSV ({error})"
        raise SourceError(reason, path=label, position=f"line {reader.line_num}") from error
    return headers, columns, chosen


@contextlib.contextmanager
def _long_cells() -> Iterator[None]:
    """Let cells be of any length: a 10 MB cell is cut later, with a note; the csv module would refuse it."""
    with _limit_lock:  # the limit belongs to the process
        before = csv.field_size_limit(2**31 - 1)
        try:
            yield
        finally:
            csv.field_size_limit(before)


def _separator(text: str) -> str:
    """The separator that the header uses most, quoted parts not counted; ',' where there is none."""
    header = re.sub(r'"[^"]*"', "", text[:100_000].lstrip("\r\n").split("\n", 1)[0])
    return max(",;\t|", key=lambda c: header.count(c))


def parquet_cells(data: bytes, choose: Choose, label: str, *, nested: bool = False) -> Cells:
    """Read the chosen columns of a Parquet table as strings, so that both kinds of table are read by the same rules.

    Args:
        nested: whether fields of structs are columns too, named "outer.inner".

    Raises:
        SourceError: damaged, or a chosen column that is no text, number, date or list.
    """
    if len(data) < 12 or data[:4] != b"PAR1":
        raise SourceError("not a Parquet file", path=label, position="byte 0")
    if data[-4:] != b"PAR1":
        raise SourceError("the Parquet file was cut off", path=label, position=f"byte {len(data)}")
    try:
        schema = pl.read_parquet_schema(io.BytesIO(data))
        places = _places(schema) if nested else [(name,) for name in schema]
        headers = [".".join(place) for place in places]
        chosen = choose(headers, label)
        wanted = {name: places[i] for name, i in chosen.items()}
        table = pl.read_parquet(io.BytesIO(data), columns=sorted({place[0] for place in wanted.values()}))
        columns = {name: _texts(_series(table, place), label) for name, place in wanted.items()}
    except SourceError:
        raise
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise SourceError(f"the Parquet file is damaged ({_first_line(error)})", path=label) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # polars' own, on some damaged files; not an Exception
            raise
        raise SourceError("the Parquet file is damaged", path=label) from error
    return headers, columns, chosen


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _places(schema: dict[str, pl.DataType]) -> list[tuple[str, ...]]:
    """Where each column is; fields of structs (and of structs in them) count as columns."""
    found: list[tuple[str, ...]] = []
    waiting: list[tuple[tuple[str, ...], pl.DataType]] = [
        ((name,), dtype) for name, dtype in reversed(schema.items())
    ]
    while waiting:
        place, dtype = waiting.pop()
        if isinstance(dtype, pl.Struct) and len(place) < 8:
            waiting += [((*place, field.name), field.dtype) for field in reversed(dtype.fields)]  # type: ignore[misc]
        else:
            found.append(place)
    return found


def _series(table: pl.DataFrame, place: tuple[str, ...]) -> pl.Series:
    column = table[place[0]]
    for name in place[1:]:
        column = column.struct.field(name)
    return column


def _texts(column: pl.Series, label: str) -> Column:
    if isinstance(column.dtype, pl.List):
        column = column.cast(pl.List(pl.String)).list.join("; ", ignore_nulls=True)
    elif column.dtype.is_temporal():
        column = column.dt.to_string("iso")
    elif column.dtype == pl.Binary or isinstance(column.dtype, (pl.Struct, pl.Array, pl.Object)):
        raise SourceError(f"wrong schema: column {column.name!r} is {column.dtype}, not text", path=label)
    elif column.dtype.is_float():
        column = column.fill_nan(None)
        if bool((column == column.round()).fill_null(True).all()):
            column = column.cast(pl.Int64)
    return column.cast(pl.String).to_list()
