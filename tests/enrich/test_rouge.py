from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from segue.enrich.rouge import longest_common, rouge_l

few_words = st.lists(st.sampled_from("abcd"), max_size=7)


def slowly(a: list[str], b: list[str]) -> int:
    """Every subsequence of one, looked for in the other."""
    ours = {pick for n in range(len(a) + 1) for pick in combinations(a, n)}
    return max(n for n in range(len(b) + 1) if any(pick in ours for pick in combinations(b, n)))


@given(few_words, few_words)
def test_the_longest_common_subsequence_is_that_of_all_subsequences(a: list[str], b: list[str]) -> None:
    assert longest_common(a, b) == slowly(a, b) == longest_common(b, a)


@given(st.text(), st.text())
def test_rouge_lies_between_0_and_1_and_is_even(a: str, b: str) -> None:
    assert 0 <= rouge_l(a, b) <= 1
    assert rouge_l(a, b) == rouge_l(b, a)


def test_a_case_worked_by_hand() -> None:
    # police the gunman / police kill the gunman: 3 common, 3 and 4 words
    assert rouge_l("police the gunman", "police kill the gunman") == 2 * 3 / 7
    assert rouge_l("same words", "Same words!") == 1
    assert rouge_l("", "something") == rouge_l("else", "something") == 0
