"""How ``segue label`` reads keys and shows what people said."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segue.evaluate.label_agreement import PeopleReport
    from segue.evaluate.significance import Interval

__all__ = ["key_reader", "line", "print_people"]


def line() -> str | None:
    """A line of standard input; None at its end."""
    import sys

    return sys.stdin.readline() or None


def key_reader() -> Callable[[], str | None]:
    """Give single keys of a terminal; where it cannot give them, lines."""
    import sys

    try:
        import termios
        import tty
    except ImportError:
        return line

    def read() -> str | None:
        handle = sys.stdin.fileno()
        before = termios.tcgetattr(handle)
        try:
            tty.setcbreak(handle, termios.TCSADRAIN)  # keys typed ahead are kept
            found = sys.stdin.read(1)
        finally:
            termios.tcsetattr(handle, termios.TCSADRAIN, before)
        return None if found in ("", "\x04") else found

    return read


def print_people(report: PeopleReport) -> None:
    """What people said: results on stdout, remarks on stderr."""
    from segue.cli.terminal import counted, plain, say

    for one in report.raters:
        on_it = "" if not one.missing else f", {one.missing:,} not on the sheet"
        say(f"{one.rater}: {len(one.grades):,} graded, {one.empty:,} without a grade{on_it}")
    for compared in (*report.people, *report.judge):
        found = compared.agreement
        print(plain(f"{compared.first} / {compared.second}: weighted kappa {_shown(found.kappa)}, "
                    f"equal {_shown(found.exact)}, rank correlation {_shown(found.spearman)}, "
                    f"{counted(found.n, 'item')}"))  # fmt: skip
        if found.note:
            print(plain(f"  {found.note}"))
        for grade, row in enumerate(found.confusion):
            print(f"  {grade}: " + " ".join(f"{n:>6,}" for n in row))
    fit = report.sheet == "fit"
    order = sorted(report.systems, key=lambda name: (-_sortable(report.systems[name]), name))
    for name in order:
        parts = [f"{'fits' if fit else 'grade'} {_shown(report.systems[name])}"]
        if not fit:
            parts.append(f"NDCG {_shown(report.ndcg[name])}")
        if name in report.by_judge:
            parts.append(f"by the judge {_shown(report.by_judge[name])}")
        print(f"{plain(name, 60):<30} {', '.join(parts)}")
    if report.tau is not None:
        print(f"order of the systems, people and judge: tau {_shown(report.tau)}")
    whole = "titles" if fit else "queries"
    say(f"systems by {report.n_queries:,} {whole} of which everything was {'marked' if fit else 'graded'}")


def _shown(value: Interval) -> str:
    import math

    return "-" if math.isnan(value.mean) else f"{value:.2f}"


def _sortable(value: Interval) -> float:
    import math

    return -1.0 if math.isnan(value.mean) else value.mean
