"""What commands say: plain text made harmless, progress, tables."""

from __future__ import annotations

import contextlib
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from rich.progress import Progress as Bar

__all__ = ["Progress", "counted", "plain", "print_facts", "progress", "say", "size_of", "two_arguments"]

Progress = Callable[[int, int, str], None]
"""Called with (done, total, what is being done)."""

_PATIENCE = 1.0  # seconds before a bar or a line appears: anything longer than two has one
_EVERY = 10.0  # seconds between plain lines


def plain(text: str, most: int = 2_000) -> str:
    r"""Make any text one line that cannot move the cursor, colour, hide or reverse anything.

    >>> plain("a\x1b[2Jb\nc")
    'a\ufffd[2Jb c'
    """
    from segue.library.names import one_line  # imported late: --help needs no numpy

    return one_line(text, most)


def print_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Print names and values in two columns, as plain text whatever is in them."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(Text(plain(name)), Text(plain(value)))
    Console().print(table)


def say(sentence: str) -> None:
    """Print one line about what is going on, on stderr, so that stdout holds results alone."""
    print(plain(sentence), file=sys.stderr, flush=True)


def counted(n: int, one: str, many: str | None = None) -> str:
    """A number with its noun.

    >>> counted(1, "track"), counted(2_000, "track")
    ('1 track', '2,000 tracks')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


@contextlib.contextmanager
def progress() -> Iterator[Progress]:
    """Give a callback that draws a bar on a terminal, or says a line now and then elsewhere; both on stderr.

    Nothing appears for work that is done within a second.
    """
    shown = _Bar() if sys.stderr.isatty() else _Lines()
    try:
        yield shown.update
    finally:
        shown.close()


class _Bar:
    def __init__(self) -> None:
        self.started, self.bar = time.monotonic(), None

    bar: Bar | None

    def update(self, done: int, total: int, what: str) -> None:
        if self.bar is None:
            if time.monotonic() - self.started < _PATIENCE:
                return
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (
                BarColumn(bar_width=30),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.description}", markup=False),
            )
            self.bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self.bar.add_task("")
            self.bar.start()
        self.bar.update(self.bar.task_ids[0], completed=done, total=max(total, 1), description=plain(what, 100))

    def close(self) -> None:
        if self.bar is not None:
            self.bar.stop()


class _Lines:
    def __init__(self) -> None:
        self.last = time.monotonic()
        self.phase = ""

    def update(self, done: int, total: int, what: str) -> None:
        now = time.monotonic()
        phase = re.split(r"[\d,:]", what, maxsplit=1)[0]
        if now - self.last >= (_PATIENCE if phase != self.phase else _EVERY):
            self.last, self.phase = now, phase
            say(f"{what}: {done:,} of {total:,}")

    def close(self) -> None:
        pass


def two_arguments(report: Progress, what: str) -> Callable[[int, int], None]:
    """Fit a progress callback to work that has only one thing to say."""
    return lambda done, total: report(done, total, what)


def size_of(path: Path) -> str:
    """Bytes of a file or a folder, for people."""
    files = [path] if path.is_file() else [f for f in path.rglob("*") if f.is_file()]
    size = float(sum(f.stat().st_size for f in files))
    for unit in ("B", "KB", "MB"):
        if size < 1_000:
            return f"{size:.0f} {unit}"
        size /= 1_000
    return f"{size:.1f} GB"
