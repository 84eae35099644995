"""The published puzzle: which explanations give identical rows, and which do not, on a planted corpus."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.tiny import tiny_folder
from segue.library.themes import Themes
from segue.split.holdout import holdout
from segue.split.stratified import stratified
from segue.train.settings import preset
from train.planted_titles import planted_library, theme_of

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def lines() -> dict[str, dict[str, Any]]:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import puzzle  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(BENCHMARKS))
    library = planted_library()
    cluster = np.full(library.n_playlists, -1, np.int32)
    train = holdout(library).train
    cluster[train] = [theme_of(library, row) for row in train.tolist()]
    part = stratified(cluster, library.playlists["playlist_id"].to_list())
    k = int(cluster.max()) + 1
    names = tuple(f"theme {i}" for i in range(k))
    themes = Themes(cluster, part, np.ones(k, bool), names, np.ones(k, np.float32), library.fingerprint)
    settings = preset("fast", "cross_entropy").changed(epochs=4, lr=3e-3, lr_own=3e-2, batch_size=16, patience=None)
    found = puzzle.run(library, themes, tiny_folder(), settings, 30)
    assert puzzle.table(found).count("\n") == len(found["lines"]) + 1
    return {line["line"]: line for line in found["lines"]}


def test_the_loss_falls_in_all(lines: dict[str, dict[str, Any]]) -> None:
    trained = [line["losses"] for line in lines.values() if line["losses"] is not None]
    assert len(trained) == len(lines) - 1
    assert all(last < first for first, last in trained)


def test_four_explanations_give_identical_rows_and_three_trainings_do_not(lines: dict[str, dict[str, Any]]) -> None:
    identical = {name for name, line in lines.items() if line["identical"]}
    assert identical == {
        "pretrained",
        "frozen encoder, trained head",
        "only the pooler moves, titles are mean-pooled",
        "trained, but all title vectors are from before",
        "trained, but the path leads to the old weights",
    }
    for name, line in lines.items():
        assert (line["mean_cosine"] > 0.99999) == (name in identical), name
