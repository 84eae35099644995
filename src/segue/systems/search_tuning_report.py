"""What tuning an encoder for search did and cost, in sentences and side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from segue.train.effect import Effect

__all__ = ["compared", "said"]


def said(manifest: Mapping[str, Any]) -> list[str]:
    """What one tuning did: parameters, epochs, cost, metrics, what it forgot."""
    counts = manifest["parameters"]
    lines = [f"{counts['moving']:,} of {counts['all']:,} parameters moved ({counts['moving'] / counts['all']:.2%})"]
    for epoch in manifest["history"]:
        keys = (
            ("loss", "train_loss"),
            ("validation loss", "validation_loss"),
            ("recall and MRR", "validation_metric"),
        )
        parts = [f"{name} {epoch[key]:.4f}" for name, key in keys if epoch[key] is not None]
        kept = ", kept" if epoch["epoch"] == manifest["best_epoch"] else ""
        if parts:
            lines.append(f"epoch {epoch['epoch'] or '0 (before tuning)'}: {', '.join(parts)}{kept}")
    lines.append(f"{cpu_s(manifest):,.0f} CPU-seconds of steps")
    for name, one in manifest["metrics"].items():
        lines.append(f"validation {name}: {one['mean']:.3f} [{one['low']:.3f}, {one['high']:.3f}]")
    return [*lines, *Effect(**manifest["effect"]).sentences, _forgot(manifest["drift"])]


def cpu_s(manifest: Mapping[str, Any]) -> float:
    """CPU-seconds of all steps."""
    return float(sum(epoch["cpu_s"] for epoch in manifest["history"]))


def _forgot(drift: Mapping[str, Any]) -> str:
    text = (
        f"{drift['n']:,} {drift['about']}: cosines before and after correlate by "
        f"{drift['spearman_before_after']:.3f} (Spearman), mean change {drift['mean_change']:+.3f}"
    )
    if drift["spearman_before"] is not None:
        text += f"; with the scores by {drift['spearman_before']:.3f} before, {drift['spearman_after']:.3f} after"
    return text


def compared(manifests: Sequence[Mapping[str, Any]]) -> str:
    """A plain table with a column for each tuning."""
    rows = [
        ("method", [m["method"] for m in manifests]),
        ("parameters moved", [f"{m['parameters']['moving']:,}" for m in manifests]),
        ("share of all", [f"{m['parameters']['moving'] / m['parameters']['all']:.2%}" for m in manifests]),
        ("CPU-seconds", [f"{cpu_s(m):,.0f}" for m in manifests]),
        ("validation loss", [_number(_best(m)["validation_loss"]) for m in manifests]),
        ("validation recall@10", [_interval(m, "recall@10") for m in manifests]),
        ("validation MRR@10", [_interval(m, "mrr@10") for m in manifests]),
        ("recall@10 of the base", [_interval(m, "recall@10 of the base") for m in manifests]),
        ("cosines kept (Spearman)", [f"{m['drift']['spearman_before_after']:.3f}" for m in manifests]),
        ("loss on similarity, before", [_number(m["drift"]["loss_before"]) for m in manifests]),
        ("loss on similarity, after", [_number(m["drift"]["loss_after"]) for m in manifests]),
    ]
    first = max(len(name) for name, _ in rows)
    widths = [max(len(cells[column]) for _, cells in rows) for column in range(len(manifests))]
    return "\n".join(
        "  ".join([name.ljust(first), *(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))])
        for name, cells in rows
    )


def _best(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(e for e in manifest["history"] if e["epoch"] == manifest["best_epoch"])
    return found


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _interval(manifest: Mapping[str, Any], name: str) -> str:
    one = manifest["metrics"].get(name)
    return "-" if one is None else f"{one['mean']:.3f} [{one['low']:.3f}, {one['high']:.3f}]"
