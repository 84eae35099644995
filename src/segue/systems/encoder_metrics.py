"""Figures and curves that a fine-tuned encoder carries with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from segue.encode.base import Encoder
from segue.errors import MissingDependency
from segue.evaluate.drawing import COLOURS, REFERENCE_COLOUR, as_svg, panels
from segue.evaluate.significance import interval, paired
from segue.systems.recipe_score import RecipeScore

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["loss_curves", "validated"]

_METRICS = ("ndcg@500", "precision@10", "r_precision_track")


def validated(score: RecipeScore, base: Encoder, tuned: Encoder) -> dict[str, dict[str, float]]:
    """Metrics of the tuned encoder under the plain recipe on validation playlists, and their ratios to the base's."""
    ours, theirs = score.per_query(tuned, _METRICS), score.per_query(base, _METRICS)
    found: dict[str, dict[str, float]] = {}
    for name in _METRICS:
        found[name] = interval(ours[name]).to_json()
        if theirs[name].mean() > 0:
            found[f"{name}, ratio to the base"] = paired(ours[name], theirs[name]).ratio.to_json()
    return found


def loss_curves(manifest: Mapping[str, Any], metric: str = "NDCG@500 of the recipe") -> str | None:
    """Losses and the validation metric over the epochs as SVG; None without matplotlib."""
    history = manifest["history"]

    def draw(figure: Figure) -> None:
        axes = list(panels(figure, 2))
        pairs = (("train_loss", "validation_loss"), ("train_metric", "validation_metric"))
        for place, (keys, title) in enumerate(zip(pairs, ("loss", metric), strict=True)):
            for key, colour, name in zip(keys, COLOURS, ("training", "validation"), strict=False):
                points = [(e["epoch"], e[key]) for e in history if e[key] is not None]
                if points:
                    x, y = zip(*points, strict=True)
                    axes[place].plot(x, y, color=colour, marker="o", markersize=3, label=name)
            axes[place].axvline(manifest["best_epoch"], color=REFERENCE_COLOUR, linestyle="--", label="kept")
            axes[place].set_title(title)
            axes[place].set_xlabel("epoch")
            axes[place].legend(frameon=False)

    try:
        return as_svg(draw, (9, 3), "losses")
    except MissingDependency:
        return None
