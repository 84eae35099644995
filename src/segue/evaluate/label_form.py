"""A sheet answered key by key: one thing at a time, saved after each answer, to go on where one stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from segue.evaluate.label_sheet import COLUMNS, MOST_GRADE, SHEET_ENCODING, Table
from segue.library.arrays import write_bytes
from segue.library.names import one_line

__all__ = ["SEPARATOR", "Filled", "fill"]

SEPARATOR = " | "
"""Between the lines of what is shown, which is one cell of a sheet."""
_MEANINGS = {
    "grade": "0 does not fit, 1 a little, 2 well, 3 exactly",
    "fit": "1 fits, 0 does not",
}


@dataclass(frozen=True)
class Filled:
    """How far a sheet is: answered items, items without an answer, answers given now."""

    answered: int
    left: int
    now: int


def fill(path: Path, ask: Callable[[], str | None], show: Callable[[str], None]) -> Filled:
    """Ask for the answers that a sheet lacks, in its order, and write each into it at once.

    Keys: a grade; ``s`` leaves one without an answer; ``b`` goes back to the one before; ``q``, or the end of what
    can be read, stops. Anything else is asked again.

    Args:
        ask: gives a key, or a line; None at the end. show: shows a line.

    Raises:
        SourceError: the file is no sheet, or an answer in it is none.
        OutputError: it cannot be written.
    """
    table = Table.read(path)
    answers = ["" if (value := table.answer(place)) is None else str(value) for place in range(len(table.rows))]
    todo = [place for place, answer in enumerate(answers) if not answer]
    keys = [str(grade) for grade in range(MOST_GRADE[table.sheet] + 1)]
    said = f"{_MEANINGS[table.sheet]}; s skip, b back, q save and quit"
    at, now, before = 0, 0, ""
    show(f"{len(todo)} of {len(answers)} to answer. {said}")
    while at < len(todo):
        place = todo[at]
        _, asked, shown, _ = table.rows[place]
        if asked != before:
            show("")
            show(f"{COLUMNS[table.sheet][1]}: {one_line(asked)}")
            before = asked
        show(f"[{at + 1}/{len(todo)}]" + (f" (answered {answers[place]})" if answers[place] else ""))
        for line in one_line(shown).split(SEPARATOR):
            show(f"  {line}")
        key = _key(ask, show, (*keys, "s", "b", "q"), said)
        if key is None or key == "q":
            break
        if key == "b":
            at = max(at - 1, 0)
            continue
        if key != "s":
            now += not answers[place]
            answers[place] = key
            write_bytes(path, table.text(answers).encode(SHEET_ENCODING))
        at += 1
    answered = sum(bool(answer) for answer in answers)
    return Filled(answered, len(answers) - answered, now)


def _key(ask: Callable[[], str | None], show: Callable[[str], None], keys: tuple[str, ...], said: str) -> str | None:
    while True:
        got = ask()
        if got is None:
            return None
        if got.strip().lower() in keys:
            return got.strip().lower()
        show(said)
