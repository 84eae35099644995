"""A blind rating sheet: lists of several systems, shuffled and without names, to be rated from 0 to 10 by people."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segue.errors import InputError, SourceError, StoredDataError
from segue.evaluate.significance import Interval, interval
from segue.library.arrays import fingerprint, read_json
from segue.library.names import one_line

__all__ = ["PUBLISHED_RATINGS", "RatedList", "Ratings", "guarded_cell", "make_sheet", "read_ratings"]

PUBLISHED_RATINGS = (7.49, 6.06, 5.87)
"""Mean ratings of the three systems of the published survey, best first."""

_KIND = "segue rating key"
_HEAD = ("list", "given track", "rank", "track", "rating")
_MOST_BYTES = 20_000_000


@dataclass(frozen=True)
class RatedList:
    """A list to be rated: what was given, and the tracks, best first; ``system`` is kept from the raters."""

    system: str
    given: str
    tracks: tuple[str, ...]


@dataclass(frozen=True)
class Ratings:
    """What the raters said.

    Args:
        systems: system -> mean rating with a 95 % interval over its rated lists.
        n: system -> rated lists. unrated: lists without a rating.
    """

    systems: dict[str, Interval]
    n: dict[str, int]
    unrated: int


def make_sheet(lists: Sequence[RatedList], *, rng_key: int = 0) -> tuple[str, dict[str, Any]]:
    """Write a sheet as CSV and the key that says which list is whose.

    Lists stand in random order under numbers that say nothing; each has one cell for a rating, in its first line.
    Cells that a spreadsheet would run are guarded.

    Returns:
        the CSV, and the key as JSON has it.

    Raises:
        InputError: there is no list.
    """
    if not lists:
        raise InputError("there is no list to rate; give a larger library")
    order = np.random.default_rng(rng_key).permutation(len(lists))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_HEAD)
    owners: dict[str, str] = {}
    for number, place in enumerate(order.tolist(), 1):
        shown = lists[place]
        owners[str(number)] = shown.system
        for rank, track in enumerate(shown.tracks, 1):
            writer.writerow((number, guarded_cell(shown.given), rank, guarded_cell(track), ""))
    text = out.getvalue()
    key = {"kind": _KIND, "format_version": 1, "sheet": _identity(csv.reader(io.StringIO(text))), "lists": owners}
    return text, key


def read_ratings(sheets: Sequence[Path], key: Path) -> Ratings:
    """Mean rating of each system over the sheets that raters sent back.

    Only the ratings may have been changed. A rating is a number from 0 to 10 in any line of its list; empty lists are
    counted as unrated. Intervals are over lists, those of several raters together.

    Raises:
        SourceError: a sheet is none, belongs to another key, or a rating is no number from 0 to 10.
        StoredDataError: the key is damaged.
        InputError: nothing was rated.
    """
    owners, identity = _key(key)
    given: dict[str, list[float]] = {system: [] for system in sorted(set(owners.values()))}
    unrated = 0
    for path in sheets:
        found = _read(path, identity)
        for number, system in owners.items():
            if number in found:
                given[system].append(found[number])
            else:
                unrated += 1
    if not any(given.values()):
        raise InputError("no list was rated; write numbers from 0 to 10 into the column 'rating'")
    return Ratings(
        systems={system: interval(np.array(values)) for system, values in given.items()},
        n={system: len(values) for system, values in given.items()},
        unrated=unrated,
    )


def _key(path: Path) -> tuple[dict[str, str], str]:
    about = read_json(path)
    if not isinstance(about, dict) or about.get("kind") != _KIND or not isinstance(about.get("lists"), dict):
        raise StoredDataError(
            f"{path} is no key of a rating sheet; give the key.json that was written with the sheet"
        )
    if about.get("format_version") != 1:
        raise StoredDataError(f"{path} was written by a newer version; upgrade segue")
    return {str(number): str(system) for number, system in about["lists"].items()}, str(about.get("sheet"))


def _read(path: Path, identity: str) -> dict[str, float]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SourceError("is too large for a rating sheet", path=path)
        text = path.read_text("utf-8-sig")
        sample = text.split("\n", 1)[0]
        lines = list(csv.reader(io.StringIO(text), delimiter=";" if sample.count(";") > sample.count(",") else ","))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"cannot be read as CSV ({error})", path=path) from error
    lines = [line for line in lines if any(cell.strip() for cell in line)]
    if not lines or tuple(cell.strip() for cell in lines[0]) != _HEAD or any(len(line) != 5 for line in lines):
        raise SourceError(f"is no rating sheet; its columns should be {', '.join(_HEAD)}", path=path)
    if _identity(iter(lines)) != identity:
        raise SourceError("belongs to another key, or more than its ratings was changed", path=path)
    found: dict[str, float] = {}
    for place, (number, _, _, _, rating) in enumerate(lines[1:], 2):
        if not rating.strip():
            continue
        try:
            value = float(rating.strip().replace(",", "."))
        except ValueError:
            value = float("nan")
        if not 0 <= value <= 10:
            raise SourceError(
                f"has the rating {one_line(rating, 40)!r}; write a number from 0 to 10",
                path=path,
                position=f"line {place}",
            )
        if found.setdefault(number, value) != value:
            raise SourceError(f"rates list {number} twice; give one number", path=path, position=f"line {place}")
    return found


def _identity(lines: Iterator[list[str]]) -> str:
    """Digest of everything but the ratings."""
    return fingerprint([[cell.strip() for cell in line[:4]] for line in lines])


def guarded_cell(text: str) -> str:
    """One line that no spreadsheet runs."""
    plain = one_line(text).strip()
    return "'" + plain if plain[:1] in ("=", "+", "-", "@") else plain
