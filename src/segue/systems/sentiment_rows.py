"""Classifiers of moods side by side on the same texts, as figures that can be stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encode.sentiment import CLASSES
from segue.evaluate.classification import confusion, drop, paired_scores, recalls, scored
from segue.sources.labelled_texts import LabelledTexts

__all__ = ["Predictions", "evaluation", "predictions"]


@dataclass(frozen=True, eq=False)
class Predictions:
    """What one classifier said about labelled texts.

    Args:
        predicted: rows of :data:`CLASSES`, int64 ``(n,)``. table: confusion matrix, int64 ``(3, 3)``.
        chosen: what was tuned, and how.
    """

    name: str
    predicted: NDArray[np.int64]
    table: NDArray[np.int64]
    chosen: Mapping[str, Any] = field(default_factory=dict)


def predictions(
    name: str, held: LabelledTexts, probabilities: NDArray[np.floating], chosen: Mapping[str, Any] | None = None
) -> Predictions:
    """The likeliest class of each text, among those that the data know: where no text is neutral, none is said to be.

    Args:
        probabilities: ``(n, 3)``; a row of NaN (a text of no words) counts as the first class.
    """
    known = np.array(held.present, np.int64)
    shares = np.nan_to_num(np.asarray(probabilities, np.float64)[:, known])
    predicted: NDArray[np.int64] = known[shares.argmax(1)]
    return Predictions(name, predicted, confusion(held.classes, predicted, len(CLASSES)), dict(chosen or {}))


def evaluation(
    held: LabelledTexts,
    rows: Sequence[Predictions],
    *,
    reference: str,
    before: NDArray[np.int64] | None = None,
    before_label: str = "",
) -> dict[str, Any]:
    """Scores of all rows with intervals, and how the reference differs from each; JSON-ready.

    Args:
        before: confusion matrix of the reference on other texts, that it is expected to lose against.
    """
    ours = next(row for row in rows if row.name == reference)
    against = {}
    for row in rows:
        if row is not ours:
            found = paired_scores(held.classes, ours.predicted, row.predicted, len(CLASSES))
            against[row.name] = {k: {**one.difference.to_json(), "p": one.p} for k, one in found.items()}
    made: dict[str, Any] = {
        "data": {"label": held.label, "n": len(held), "counts": held.counts(), "notes": dict(held.notes)},
        "present": list(held.present),
        "reference": reference,
        "rows": [_row(row) for row in rows],
        "against": against,
        "drop": None,
    }
    if before is not None:
        lost = drop(before, ours.table)
        made["drop"] = {
            "from": before_label,
            "before": {name: one.to_json() for name, one in scored(before).items()},
            "scores": {name: {**one.drop.to_json(), "share": one.share.to_json()} for name, one in lost.items()},
        }
    return made


def _row(row: Predictions) -> dict[str, Any]:
    found = recalls(row.table).tolist()
    return {
        "name": row.name,
        "scores": {name: one.to_json() for name, one in scored(row.table).items()},
        "recalls": {c: None if np.isnan(r) else r for c, r in zip(CLASSES, found, strict=True)},
        "confusion": row.table.tolist(),
        "chosen": dict(row.chosen),
    }
