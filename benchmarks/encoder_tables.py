"""Markdown tables of a comparison: ``python benchmarks/encoder_tables.py REPORT/encoders.json [BUNDLE ...]``.

The first table has ratios to the pretrained encoder under our definitions, the second the published definitions as
ratios to the pretrained encoder without self-votes, the third (with bundles) what each training did.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

_OURS = ("ndcg@500", "r_precision@500", "precision@10", "mrr@10", "recall@66")
_PUBLISHED = ("hit@10", "hit@66", "hit@500", "ndcg_retrieved@500", "r_precision_literal@500")


def main(report: Path, bundles: list[Path]) -> None:
    """Print the tables."""
    found = json.loads(report.read_text("utf-8"))
    for line in [*ours(found), "", *published(found), "", *(trained(bundles) if bundles else [])]:
        print(line)


def ours(found: dict[str, Any]) -> list[str]:
    """A row for each method: metrics over all titles; NDCG@500 by seen and unseen; content lift of unseen ones."""
    rows = {(row["method"], row["slice"]): row for row in found["ours"]["rows"]}
    lines = [f"| encoder | {' | '.join(_OURS)} | NDCG@500 seen | unseen | content lift, unseen (bits) |"]
    lines.append("|---" * (len(_OURS) + 4) + "|")
    for method in dict.fromkeys(row["method"] for row in found["ours"]["rows"]):
        cells = [_ratio(rows[method, "all"], metric) for metric in _OURS]
        cells += [_ratio(rows[method, name], "ndcg@500") for name in ("seen titles", "unseen titles")]
        versus = rows[method, "unseen titles"]["versus"].get("content_lift@66")
        cells.append("" if versus is None else _span(versus["difference"], "+.2f"))
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return lines


def published(found: dict[str, Any]) -> list[str]:
    """The published definitions, each cell a ratio to the pretrained encoder on the whole set without self-votes."""
    block = found["published"]
    rows = {(row["method"], row["slice"]): row for row in block["rows"]}
    base = rows[found["reference"], block["slices"][0]]["scores"]
    lines = [f"| encoder, set | {' | '.join(_PUBLISHED)} |", "|---" * (len(_PUBLISHED) + 1) + "|"]
    for (method, name), row in rows.items():
        cells = [f"{row['scores'][metric]['mean'] / base[metric]['mean']:.2f}" for metric in _PUBLISHED]
        lines.append(f"| {method}, {name} | {' | '.join(cells)} |")
    return lines


def trained(bundles: list[Path]) -> list[str]:
    """What the manifests say: validation ratio, kept epoch, effect, speed."""
    lines = ["| encoder | NDCG@500, validation | kept epoch | mean cosine | neighbours kept | titles / CPU-s |"]
    lines.append("|---" * 6 + "|")
    for bundle in bundles:
        about = json.loads((bundle / "manifest.json").read_text("utf-8"))
        history = [epoch for epoch in about["history"] if epoch["epoch"]]
        speed = sum(e["titles"] for e in history) / sum(e["cpu_s"] for e in history)
        ratio = about["metrics"].get("ndcg@500, ratio to the base")
        cells = [
            "-" if ratio is None else _span(ratio, ".3f"),
            f"{about['best_epoch']} of {history[-1]['epoch']}",
            f"{about['effect']['mean_cosine']:.2f}",
            f"{about['effect']['neighbours_kept']:.0%}",
            f"{speed:.0f}",
        ]
        lines.append(f"| {bundle.name} | {' | '.join(cells)} |")
    return lines


def _ratio(row: dict[str, Any], metric: str) -> str:
    versus = row["versus"].get(metric)
    return "1" if versus is None else _span(versus["ratio"], ".2f")


def _span(found: dict[str, Any], digits: str) -> str:
    mean, low, high = (found[key] for key in ("mean", "low", "high"))
    return "-" if mean is None else f"{mean:{digits}} [{low:{digits}}, {high:{digits}}]"


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(one) for one in sys.argv[2:]])
