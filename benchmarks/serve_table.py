"""The table of the load benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["table"]

_HEAD = ("service", "load", "answers/s", "p50", "p99 ms", "CPU ms", "client CPU ms", "not 200", "own MB", "remarks")


def table(phases: Sequence[dict[str, Any]]) -> str:
    """Phases as Markdown; latencies and CPU are milliseconds an answer."""
    rows = [_HEAD, *map(_row, phases)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEAD))]
    lines = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)


def _row(found: dict[str, Any]) -> tuple[str, ...]:
    other = {status: n for status, n in found["statuses"].items() if status != "200"}
    remarks = []
    if "mixed" in found:
        remarks.append(f"{found['mixed']} mixed, {len(found['fingerprints'])} generations")
    if "after_p99_ms" in found:
        remarks.append(f"afterwards p50 {found['after_p50_ms']:.1f}, p99 {found['after_p99_ms']:.1f}")
    if found["errors"]:
        remarks.append(f"errors: {found['errors'][0]}")
    return (
        found["service"],
        found["phase"],
        f"{found['per_s']:.1f}",
        f"{found['p50_ms']:.1f}",
        f"{found['p99_ms']:.1f}",
        f"{found['cpu_ms']:.2f}",
        f"{found['client_cpu_ms']:.2f}",
        ", ".join(f"{n} x {status}" for status, n in sorted(other.items())) or "0",
        f"{found['memory_mb']['own']:.0f}",
        "; ".join(remarks),
    )
