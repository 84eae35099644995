from __future__ import annotations

import builtins
import math
import re
import xml.etree.ElementTree as ElementTree

import pytest

from segue.errors import MissingDependency
from segue.evaluate.surfaces import Axis, Point, _cells, by_neighbours, profiles, surface

HOSTILE = '<img src=x onerror="alert(1)">&$\\frac{a}{b}$ \U0001f525 \u202e'
K = Axis("k", 5, 800, log=True)
TAU = Axis("tau", 0.02, 1.0, log=True)


def points(n: int = 40) -> list[Point]:
    """Values of k and tau all over their ranges, every fourth without tau; nearer to k = 100 is better."""
    found = []
    for i in range(n):
        k = round(5 * 160 ** (i / (n - 1)))
        tau = None if i % 4 == 0 else 0.02 * 50 ** ((i * 7 % n) / (n - 1))
        found.append(Point({"k": k, "tau": tau}, 1 / (1 + abs(math.log(k / 100)))))
    return found


def test_every_value_lies_in_its_cell() -> None:
    given = points()
    for axis in (K, TAU):
        cells = _cells(given, axis)
        for point, number, place in zip(given, cells.numbers.tolist(), cells.places.tolist(), strict=True):
            value, name = point.at[axis.name], cells.names[number]
            assert number <= place <= number + 1
            if value is None:
                assert name == "without"
            else:
                low, high = (float(end) for end in name.split(" - "))
                assert low * 0.95 <= value <= high * 1.05  # ends are shown with two figures


def test_few_values_have_a_cell_each_in_order() -> None:
    given = [Point({"k": k, "tau": tau}, 0.0) for k in (400, 5, 50) for tau in (0.4, None, 0.1)]
    assert _cells(given, K).names == ["5", "50", "400"]
    assert _cells(given, TAU).names == ["without", "0.1", "0.4"]
    assert _cells(given, TAU).places.tolist() == [2.5, 0.5, 1.5] * 3


def drawings() -> list[str]:
    given = points()
    best = max(range(len(given)), key=lambda i: given[i].value)
    ks = [5, 50, 800]
    lines = {"plain": [0.1, 0.2, None], "plain unseen": [0.1, None, 0.2], HOSTILE: [0.3, 0.2, 0.1]}
    drawn = [
        surface(given, K, TAU, "ndcg@500", best=best, default=3),
        profiles(given, [K, TAU], "ndcg@500", 3),
        by_neighbours(ks, lines, [0.1, 0.9, 1.0], [(0.9, 0.8), (0.7, 0.5), (0.3, 0.0)], "ndcg@500", 66),
    ]
    return [svg for _, _, svg in drawn]


def test_the_same_trials_draw_the_same_bytes_and_ids_do_not_meet() -> None:
    first = drawings()
    assert first == drawings()
    ids = [found for svg in first for found in set(re.findall(r' id="([^"]+)"', svg))]
    assert len(ids) == len(set(ids))
    for svg in first:
        assert ElementTree.fromstring(svg).tag.endswith("svg")


def test_no_text_of_others_gets_into_a_drawing() -> None:
    hostile = Axis(HOSTILE, 0, 1)
    given = [Point({HOSTILE: v, "k": 5}, v) for v in (0.0, 0.5, 1.0)]
    for svg in (surface(given, hostile, K, HOSTILE)[2], profiles(given, [hostile, K], HOSTILE)[2], *drawings()):
        assert "<img" not in svg
        ElementTree.fromstring(svg)


@pytest.mark.parametrize("n", [1, 2])
def test_a_single_trial_and_equal_values_are_drawn(n: int) -> None:
    given = [Point({"k": 50, "tau": None}, 0.1)] * n
    assert "<svg" in surface(given, K, TAU, "ndcg@500", best=0, default=0)[2]
    assert "<svg" in profiles(given, [K, TAU], "ndcg@500")[2]


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: object, **kwargs: object) -> object:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependency, match="train"):
        surface(points(), K, TAU, "ndcg@500")
