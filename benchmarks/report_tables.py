"""Markdown rows of a report: ``python benchmarks/report_tables.py REPORT.json``.

The tables of README and docs/papers.md are its output, so that every figure there comes from a command.
"""

from __future__ import annotations

import sys
from pathlib import Path

from segue.evaluate.report import load_report
from segue.evaluate.table import Report, Row, Score

_RATIOS = (("all", "ndcg@500"), ("all", "r_precision"), ("all", "precision@10"))
_SLICES = (("seen titles", "ndcg@500"), ("unseen titles", "ndcg@500"))


def main(path: Path) -> None:
    """Print the rows that fit the report's protocol."""
    report = load_report(path)
    for line in title_rows(report) if report.protocol == "title" else scenario_rows(report):
        print(line)


def title_rows(report: Report) -> list[str]:
    """One row a method: ratios to the reference with intervals, content lift in bits, title lift as a share."""
    rows = {(row.method, row.slice): row for row in report.rows}
    lines = []
    for method in report.methods:
        cells = [_ratio(rows[method, name], metric) for name, metric in (*_RATIOS, *_SLICES)]
        lift = rows[method, "unseen titles"].versus.get("content_lift@66")
        cells.append("" if lift is None else f"{lift.difference.mean:+.2f} {_range(lift.difference, '+.2f')}")
        own = rows[method, "names no artist"].scores["title_lift@66"].mean
        whole = rows[report.reference or method, "names no artist"].scores["title_lift@66"].mean
        cells.append(f"{own:.2f} bits, {own / whole:.2f}" if own is not None and whole else "")
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return lines


def scenario_rows(report: Report) -> list[str]:
    """One row a scenario: the judged method against the best of the others."""
    rows = {(row.method, row.slice): row for row in report.rows}
    lines = []
    for test in report.not_below:
        other = rows[test.other, test.slice].scores[test.metric].mean or 1.0
        own = rows[test.method, test.slice].scores[test.metric].mean or 0.0
        low, high = (1 + (bound or 0.0) / other for bound in (test.difference.low, test.difference.high))
        n = rows[test.method, test.slice].n_queries
        lines.append(
            f"| {test.slice} | {n} | {test.other} | {own / other:.3f} | {low:.3f} to {high:.3f} | "
            f"{'yes' if test.holds else 'NO'} | {'yes' if test.above else 'no'} |"
        )
    return lines


def _ratio(row: Row, metric: str) -> str:
    versus = row.versus.get(metric)
    return "1" if versus is None else f"{versus.ratio.mean:.2f} {_range(versus.ratio, '.2f')}"


def _range(score: Score, form: str) -> str:
    return f"[{score.low:{form}}, {score.high:{form}}]"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
