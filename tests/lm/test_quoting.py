from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm.bank import HARMLESS, TITLES
from segue.lm.quoting import cleaned, quoted

ANY_TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates as well
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(ANY_TEXT, inner, max_size=5),
    max_leaves=20,
)


def strings_in(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [s for item in value.items() for part in item for s in strings_in(part)]
    return [s for part in value for s in strings_in(part)] if isinstance(value, list) else []


def depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return 1 + max(map(depth, inner), default=0) if isinstance(value, dict | list) else 0


@given(DATA.filter(lambda value: depth(value) <= 6))
def test_what_is_quoted_is_the_cleaned_value_on_one_line(value: Any) -> None:
    text = quoted(value, most=20, most_items=3)
    assert json.loads(text) == cleaned(value, most=20, most_items=3)
    assert text.isprintable() or all(
        unicodedata.category(c)[0] != "C" or c in "\u200c\u200d" or unicodedata.category(c) == "Co" for c in text
    )
    assert len(text.splitlines()) <= 1
    assert not set("<>`") & set(text)


@given(DATA.filter(lambda value: depth(value) <= 6))
def test_cleaned_keeps_within_its_caps_and_cleaning_again_changes_nothing(value: Any) -> None:
    made = cleaned(value, most=20, most_items=3)
    assert all(len(text) <= 20 for text in strings_in(made))
    assert cleaned(made, most=20, most_items=3) == made


@given(ANY_TEXT, ANY_TEXT)
def test_no_data_ends_its_quotes(one: str, other: str) -> None:
    """Two strings beside each other stay two strings: a decoder that reads the first ends where the second begins."""
    first = quoted(one)
    found, end = json.JSONDecoder().raw_decode(f"{first} {quoted(other)}")
    assert end == len(first) and found == cleaned(one)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_people_write_stays(text: str) -> None:
    assert json.loads(quoted(text)) == text


@pytest.mark.parametrize("title", TITLES, ids=range(len(TITLES)))
def test_titles_that_mean_harm(title: str) -> None:
    text = quoted([title, "next"])
    assert json.loads(text)[1:] == ["next"]
    for sign in ("<|", "</", "[INST]", "[/INST]", "```", "\u202e", "\x1b", "\x00"):
        assert sign not in text
    assert not any(0xE0000 <= ord(c) <= 0xE0FFF for c in text)


def test_long_texts_and_lists_are_cut() -> None:
    assert json.loads(quoted("x" * 11, most=10)) == "x" * 9 + "…"
    assert json.loads(quoted("x" * 10, most=10)) == "x" * 10
    assert json.loads(quoted("\u202e" * 100 + "x", most=10)).endswith("…")
    assert json.loads(quoted(list(range(10)), most_items=3)) == [0, 1, 2]
    assert json.loads(quoted({str(i): i for i in range(10)}, most_items=3)) == {"0": 0, "1": 1, "2": 2}


def test_numbers_that_are_none_and_kinds_that_are_none() -> None:
    assert quoted([float("nan"), float("-inf"), 10**30, 2.5, True]) == "[null, null, null, 2.5, true]"
    for wrong in (b"bytes", {1, 2}, object()):
        with pytest.raises(TypeError, match="cannot be put into a prompt"):
            quoted(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="nested too deeply"):
        quoted([[[[[[[["deep"]]]]]]]])
