from __future__ import annotations

import json
from enum import Enum

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from contracts.encoder import HOSTILE
from segue.encode.locate import base_model_folder
from segue.lm.base import InvalidReply, Message
from segue.lm.counting import guessed_tokens
from segue.lm.reading import MOST_CHARACTERS, clean, validated
from segue.sources.demo.catalogue import catalogue


class Mood(Enum):
    SAD = "sad"
    GLAD = "glad"


class Item(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: str
    grade: int = Field(ge=0, le=3)


class Reply(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str
    years: list[int]
    mood: Mood
    items: list[Item]
    score: float | None


class Loose(BaseModel):
    """Anything fits: the easiest to be fooled."""

    id: str = ""


TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=20)
REPLIES = st.builds(
    Reply,
    title=TEXT,
    years=st.lists(st.integers(-(10**6), 10**6), max_size=3),
    mood=st.sampled_from(Mood),
    items=st.lists(st.builds(Item, id=TEXT, grade=st.integers(0, 3)), max_size=3),
    score=st.none() | st.floats(allow_nan=False, allow_infinity=False),
)
# words may be anything but braces; an opening bracket says that the object is a part of a list
PROSE = st.text(st.characters(exclude_categories=("Cs",), exclude_characters='{}[]"`\x00'), max_size=30)


@given(
    reply=REPLIES,
    before=PROSE,
    after=PROSE,
    indent=st.none() | st.integers(0, 4),
    escaped=st.booleans(),
    fence=st.sampled_from(["", "```", "```json", "  ```JSON"]),
    mark=st.sampled_from(["", "\ufeff"]),
    thoughts=st.sampled_from(["", "<think>{not yet}</think>", "\n<thinking>\nhm\n</thinking>\n"]),
)
def test_an_object_comes_out_of_its_noise_as_it_went_in(
    reply: Reply, before: str, after: str, indent: int | None, escaped: bool, fence: str, mark: str, thoughts: str
) -> None:
    text = json.dumps(reply.model_dump(mode="json"), indent=indent, ensure_ascii=escaped)
    if fence:
        text = f"\n{fence}\n{text}\n{fence.split('`')[0]}```\n"
    assert validated(f"{mark}{thoughts}{before}{text}{after}", Reply) == reply


@given(text=st.text(st.characters(exclude_categories=()), max_size=200))
def test_any_text_is_an_object_or_an_invalid_reply(text: str) -> None:
    try:
        made = validated(text, Loose)
    except InvalidReply as error:
        assert error.raw == text and "\n" not in str(error)
    else:
        assert isinstance(made, Loose) and "{" in text


@given(reply=REPLIES, data=st.data(), before=PROSE)
def test_a_reply_that_breaks_off_is_never_completed_or_taken_in_parts(
    reply: Reply, data: st.DataObject, before: str
) -> None:
    text = json.dumps(reply.model_dump(mode="json"))
    broken = text[: data.draw(st.integers(0, len(text) - 1))]
    for schema in (Reply, Item, Loose):
        with pytest.raises(InvalidReply):
            validated(before + broken, schema)


@given(items=st.lists(st.builds(Item, id=TEXT, grade=st.integers(0, 3)), min_size=1, max_size=3), data=st.data())
def test_no_item_of_a_list_is_taken_for_the_answer(items: list[Item], data: st.DataObject) -> None:
    text = json.dumps([item.model_dump() for item in items])
    for end in (len(text), data.draw(st.integers(1, len(text)))):
        with pytest.raises(InvalidReply):
            validated(text[:end], Loose)
        with pytest.raises(InvalidReply):
            validated(f"Here you are: {text[:end]}", Item)


@given(first=REPLIES, second=REPLIES)
def test_of_two_objects_none_is_chosen(first: Reply, second: Reply) -> None:
    with pytest.raises(InvalidReply, match=r"more than one"):
        validated(f"{first.model_dump_json()}\nor\n{second.model_dump_json()}", Reply)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "empty"),
        ("I would rather not.", "no JSON object"),
        ('{"id": "a", "grade": 1,}', "no JSON that can be read"),
        ("{'id': 'a', 'grade': 1}", "no JSON that can be read"),
        ('{"id": "a", "grade": 1, "grade": 3}', "one name twice"),
        ('{"id": "a", "grade": NaN}', "no JSON that can be read|no number"),
        ('{"id": "a", "grade": 4}', "grade: Input should be less"),
        ('{"id": "a", "grade": 1, "extra": 1}', "extra: Extra inputs"),
        ('{"id": "a"}', "grade: Field required"),
        ('{"id": "\\ud800", "grade": 1}', "does not fit"),
        ("[]", "does not fit"),
        ('Item: {"items": [{"id": "a", "grade": 1}, {"id"', "no JSON that can be read"),
        ('", "b": 1}, {"id": "a", "grade": 1}', "not whole"),
        ('"items": {"id": "a", "grade": 1}', "not whole"),
        ("{" * 100_000, "no JSON that can be read"),
        ("[" * 100_000, "no JSON object"),
        ('{"id": "a", "grade": 1' + "0" * 6_000 + "}", "no JSON that can be read"),
        ("```a\n" * 150_000, "no JSON object"),
        ("<think>" * 100_000, "no JSON object"),
        ("x" * (MOST_CHARACTERS + 1), "longer than"),
    ],
)
def test_what_is_no_answer(raw: str, reason: str) -> None:
    with pytest.raises(InvalidReply, match=reason) as raised:
        validated(raw, Item)
    assert len(str(raised.value)) < 500 and str(raised.value).isprintable()


def test_a_reason_quotes_names_in_one_printable_line_and_no_values() -> None:
    raw = json.dumps({"id": "a", "grade": "SECRET VALUE", "\x1b[31m\nname": 1} | {f"x{i}": i for i in range(50)})
    with pytest.raises(InvalidReply) as raised:
        validated(raw, Item)
    assert str(raised.value).isprintable() and "SECRET" not in str(raised.value) and "more" in str(raised.value)


@given(text=st.text(st.characters(exclude_categories=())))
def test_clean_text_can_be_sent(text: str) -> None:
    assert "\0" not in clean(text)
    assert clean(text).encode().decode() == clean(clean(text))


def test_tokens_are_guessed_from_above() -> None:
    """Never fewer than the vocabulary of the bundled encoder takes, on what prompts hold, and not many times more."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(base_model_folder() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    texts = [json.dumps({"name": track.name, "artist": track.artist}) for track in catalogue()[:300]]
    texts += [
        "4uLU6hMCjMI75M1A2tKUQC 0VjIjW4GlUZAMYd2vXMi3b",
        "1979, 80s & '90s; 12:30",
        "Sigur Rós — Hoppípolla 東京 🌧",
    ]
    for text in [*texts, "\n".join(texts)]:
        real = len(tokenizer.encode(text, add_special_tokens=False).ids)
        assert real <= guessed_tokens([Message("user", text)]) - 8 <= 3 * real + 8, text


@given(text=TEXT, more=TEXT)
def test_more_text_is_never_fewer_tokens(text: str, more: str) -> None:
    assume(text)
    alone, together = guessed_tokens([Message("user", text)]), guessed_tokens([Message("user", text + more)])
    assert 8 <= alone <= together + 2  # pieces may join: "r" and "oad" are two, "road" is two as well


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_not_latin_counts_by_its_bytes(text: str) -> None:
    strange = "".join(c for c in text if ord(c) > 127)
    assert guessed_tokens([Message("user", text)]) >= len(strange.encode("utf-8", "replace"))
