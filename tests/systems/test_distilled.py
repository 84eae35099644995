from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from enrich.test_distil import described
from segue.encode.ngrams import NgramEncoder
from segue.enrich.distil import DescriptionPairs, description_pairs
from segue.errors import InputError
from segue.library import Library
from segue.systems.distilled import measure_distilled


@dataclass
class Planted:
    """Writes what it is told, in place of a trained model."""

    says: Callable[[Library, int], str]
    manifest: dict[str, object]

    def describe(self, library: Library, rows: Sequence[int], progress: object = None) -> list[str]:
        return [self.says(library, row) for row in rows]


ABOUT: dict[str, object] = {"history": [], "best_epoch": 0}


def measured(says: Callable[[Library, int], str], pairs: DescriptionPairs | None = None) -> object:
    library = described()
    encoder = NgramEncoder.fitted(library.playlists["description"].to_list())
    return measure_distilled(
        Planted(says, ABOUT),  # type: ignore[arg-type]
        library,
        description_pairs(library) if pairs is None else pairs,
        encoder,
        texts=lambda of, rows: ["nothing"] * len(rows),
        distractors=20,
    )


def test_whoever_writes_what_people_wrote_is_perfect() -> None:
    found = measured(lambda library, row: library.playlists["description"][row])
    assert found.rouge.mean == 1 and found.similarity.mean > 0.999 > found.chance  # type: ignore[attr-defined]
    without, with_, difference = found.recall[3]  # type: ignore[attr-defined]
    assert with_.mean == 1.0 > without.mean + 0.5
    assert difference.difference.mean == pytest.approx(with_.mean - without.mean)


def test_whoever_writes_nothing_changes_nothing() -> None:
    found = measured(lambda library, row: "")
    assert found.rouge.mean == 0  # type: ignore[attr-defined]
    for without, with_, difference in found.recall.values():  # type: ignore[attr-defined]
        assert without == with_ and difference.difference.mean == 0


def test_without_people_there_is_nothing_to_measure_with(tmp_path: object) -> None:
    nobody = DescriptionPairs((), (), (), (), ())
    with pytest.raises(InputError, match="no playlist of the test part"):
        measured(lambda library, row: "", nobody)
    assert np.isfinite(measured(lambda library, row: "x").chance)  # type: ignore[attr-defined]
