from __future__ import annotations

from collections import Counter
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.cluster.words import characteristic_words, theme_names

words = st.sampled_from(["gym", "run", "rap", "chill", "zen", "folk"])
rows = st.lists(st.tuples(st.integers(-1, 3), st.lists(words, max_size=3).map(" ".join)), min_size=1, max_size=30)


@given(rows)
def test_weights_are_those_of_the_formula(playlists: list[tuple[int, str]]) -> None:
    cluster, titles = np.array([c for c, _ in playlists], np.int32), [t for _, t in playlists]
    found = characteristic_words(cluster, titles, 4, n=10)
    inside = [Counter(w for c, t in playlists if c == number for w in set(t.split())) for number in range(4)]
    everywhere = sum(inside, Counter())
    mean = sum(everywhere.values()) / 4
    for mine, said in zip(inside, found, strict=True):
        weight = {w: n / sum(mine.values()) * log(1 + mean / everywhere[w]) for w, n in mine.items()}
        assert sorted(said) == sorted(mine)
        order = [(mine[w] < 2, -round(weight[w], 9)) for w in said]
        assert order == sorted(order)


def test_a_theme_is_named_by_what_sets_it_apart() -> None:
    titles = ["Worship!", "worship songs", "my worship mix", "Summer", "summer 2017", "the summer", "", "of the"]
    cluster = np.array([0, 0, 0, 1, 1, 1, 2, 2], np.int32)
    assert theme_names(characteristic_words(cluster, titles, 3)) == ("worship", "summer, 2017", "cluster 2")


def test_rare_words_of_a_private_library_are_not_shown() -> None:
    titles = ["gym"] * 5 + ["gym bobby"]
    assert characteristic_words(np.zeros(6, np.int32), titles, 1, least=5) == [["gym"]]
    assert characteristic_words(np.zeros(6, np.int32), titles, 1) == [["gym", "bobby"]]


@pytest.mark.parametrize("title", ["\x1b[2J", "a" * 10_000, "\ud800", "🔥🔥🔥", "<script>"])
def test_any_title_is_survived(title: str) -> None:
    (found,) = characteristic_words(np.zeros(2, np.int32), [title, title], 1)
    assert all(word.isprintable() and len(word) <= 200 for word in found)
