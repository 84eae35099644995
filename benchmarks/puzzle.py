"""Why would a fine-tuned and a pretrained encoder have identical rows? Each explanation, tested apart.

``python benchmarks/puzzle.py LIBRARY THEMES [-o puzzle.json] [--base-model FOLDER] [--epochs N] [--playlists N]``

Every line trains cross-entropy over the themes and then measures the plain recipe on validation playlists with title
vectors as that explanation would have made them. What is looked for: lines whose loss falls and whose figures are
those of the pretrained encoder to the last digit.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder
from segue.encode.locate import base_model_folder
from segue.encode.remembered import RememberedEncoder
from segue.library import Library
from segue.library.themes import Themes
from segue.split.holdout import held_out, holdout
from segue.systems.recipe_score import RecipeScore
from segue.systems.supervision import class_labels
from segue.train.classify import Classification
from segue.train.loop import train_encoder
from segue.train.settings import FinetuneSettings, preset
from segue.train.text_model import TextModel

METRICS = ("ndcg@500", "precision@10", "mrr@10", "r_precision_track")


class HeadOnly(TextModel):
    """A frozen encoder under a trained head."""

    def trainable(self) -> dict[str, Any]:
        """Nothing of the encoder."""
        return {}


class PoolerOnly(TextModel):
    """Only tensors move that mean pooling does not read."""

    def trainable(self) -> dict[str, Any]:
        """The pooler alone."""
        return {n: p for n, p in super().trainable().items() if "pooler" in n}


@dataclass(frozen=True, eq=False)
class Halves:
    """Titles that vote by one encoder, titles that are asked by another: vectors of two ages under one recipe."""

    voting: Encoder
    asking: Encoder
    voters: frozenset[str]

    @property
    def d(self) -> int:
        """Dimension of both."""
        return self.voting.d

    fingerprint = "halves"

    def encode(self, texts: Sequence[str], *, progress: Any = None) -> NDArray[np.float32]:
        """Each title by the encoder of its side."""
        rows = [(self.voting if t in self.voters else self.asking).encode([t])[0] for t in texts]
        return np.stack(rows) if rows else np.zeros((0, self.d), np.float32)


def trained(
    kind: type[TextModel], base: Path, library: Library, themes: Themes, settings: FinetuneSettings
) -> tuple[TextModel, float, float]:
    """A model trained in one way, and its loss over the first and the last epoch."""
    import torch

    train, validation = class_labels(library, themes, settings)
    model = kind.open(base)
    torch.manual_seed(settings.rng_key)
    objective = Classification.of(train, validation, model.d, settings)
    found = train_encoder(model, objective, settings)
    first, last = found.history[1].train_loss, found.history[-1].train_loss
    assert first is not None and last is not None
    return model, first, last


def run(library: Library, themes: Themes, base: Path, settings: FinetuneSettings, asked: int) -> dict[str, Any]:
    """All lines."""
    split = holdout(library)
    score = RecipeScore.of(library, split.train, held_out(library, split, "validation").rows[:asked])
    voters = frozenset(score.voters.titles)
    old = RememberedEncoder(TextModel.open(base))
    titles = list(dict.fromkeys([*score.voters.titles, *score.titles]))
    before = old.encode(titles)
    reference = score.per_query(old, METRICS)
    lines: list[dict[str, Any]] = []

    def add(name: str, encoder: Encoder, losses: tuple[float, float] | None, refused: str) -> None:
        found = score.per_query(encoder, METRICS)
        after = encoder.encode(titles)
        lines.append(
            {
                "line": name,
                "losses": losses,
                **{metric: round(float(found[metric].mean()), 6) for metric in METRICS},
                "identical": all(np.array_equal(found[m], reference[m]) for m in METRICS),
                "same_to_four_digits": all(f"{found[m].mean():.4f}" == f"{reference[m].mean():.4f}" for m in METRICS),
                "mean_cosine": float(np.einsum("ij,ij->i", before, after, dtype=np.float64).mean()),
                "refused_by": refused,
            }
        )

    add("pretrained", old, None, "")
    model, first, last = trained(HeadOnly, base, library, themes, settings)
    add("frozen encoder, trained head", model, (first, last), "training: every parameter of the encoder is frozen")
    pooler = settings.changed(head_on="pooler")
    model, first, last = trained(PoolerOnly, base, library, themes, pooler)
    add("only the pooler moves, titles are mean-pooled", model, (first, last), "bundle: no title's vector moved")
    model, first, last = trained(TextModel, base, library, themes, settings)
    tuned, losses = RememberedEncoder(model), (first, last)
    tuned.encode(titles)
    add("trained, but all title vectors are from before", old, losses, "model folder: another encoder's vectors")
    add("trained, but the path leads to the old weights", TextModel.open(base), losses, "manifest: the fingerprint")
    add(
        "trained, voting titles from before",
        Halves(old, tuned, voters),
        losses,
        "model folder: another encoder's vectors",
    )
    add("trained, and used", tuned, losses, "")
    model, first, last = trained(TextModel, base, library, themes, pooler)
    add("trained through the pooler (as released), and used", model, (first, last), "")
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "library": library.fingerprint,
        "themes": themes.fingerprint,
        "settings": settings.to_json(),
        "queries": len(score.titles),
        "lines": lines,
    }


def table(found: dict[str, Any]) -> str:
    """The lines as Markdown; figures are ratios to the pretrained encoder, as everywhere."""
    reference = found["lines"][0]
    rows = [
        "| what happened | training loss | NDCG@500 | P@10 | every query identical | same to four digits | cosine |"
    ]
    rows.append("|---|---|---|---|---|---|---|")
    for line in found["lines"]:
        losses = "-" if line["losses"] is None else f"{line['losses'][0]:.3f} → {line['losses'][1]:.3f}"
        ratios = [line[m] / reference[m] if reference[m] else float("nan") for m in ("ndcg@500", "precision@10")]
        cells = [line["line"], losses, *(f"{r:.4f}" for r in ratios)]
        cells += ["yes" if line[k] else "no" for k in ("identical", "same_to_four_digits")]
        rows.append("| " + " | ".join([*cells, f"{line['mean_cosine']:.4f}"]) + " |")
    return "\n".join(rows)


def main(argv: Sequence[str]) -> None:
    """Run everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", type=Path)
    parser.add_argument("themes", type=Path)
    parser.add_argument("-o", "--out", type=Path)
    parser.add_argument("--base-model")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--queries", type=int, default=300)
    given = parser.parse_args(argv)
    settings = preset("fast", "cross_entropy").changed(epochs=given.epochs, patience=None)
    base = base_model_folder(given.base_model)
    found = run(Library.load(given.library), Themes.load(given.themes), base, settings, given.queries)
    if given.out is not None:
        given.out.write_text(json.dumps(found, indent=1) + "\n")
    print(table(found))


if __name__ == "__main__":
    main(sys.argv[1:])
