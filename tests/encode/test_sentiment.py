"""How texts are read and cut, and what a model makes of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.encode.base import Encoder, Progress
from segue.encode.sentiment import SentimentModel, pieces, read_text


class Words:
    """An encoder whose vector says how many of a text's words are "sad" and "happy"."""

    d = 3
    fingerprint = "words"

    def encode(self, texts: list[str], *, progress: Progress | None = None) -> np.ndarray:
        counts = [[t.split().count("sad"), t.split().count("happy"), 0.5] for t in texts]
        made = np.array(counts, np.float32).reshape(len(texts), 3)
        return made / np.linalg.norm(made, axis=1, keepdims=True)


def model(present: tuple[int, ...] = (0, 1, 2)) -> SentimentModel:
    weight = 4 * np.array([[1, 0, 0], [0, 0, 1], [0, 1, 0]], np.float32)[list(present)]
    encoder: Encoder = Words()  # type: ignore[assignment]
    return SentimentModel(encoder, weight, np.zeros(len(present), np.float32), present)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("@user thanks @Bob_1! mail me@home.org", "@user thanks @user! mail me@home.org"),
        ("see HTTPS://t.co/Abc?x=1 and www.x.org now", "see http and http now"),
        ("#NeverAgain is #1", "#NeverAgain is #1"),
        ("\\u2019tis good\\u002c really", "'tis good, really".replace("'", "\u2019")),
        ("cry \\ud83d\\ude02 \\ud83d", "cry face with tears of joy \ufffd"),
        ("a &amp; b &lt;3", "a & b <3"),
        ("\U0001f602\U0001f602\U0001f602 ok", "face with tears of joy ok"),
        ("thumbs \U0001f44d\U0001f3fd", "thumbs thumbs up"),
        ("[ti:x]\n[00:01.00][00:09.99] la la\n[Chorus]\n[01:02]na", "la la\nna"),
        ("\u202eevil\u202c \x1b[2J", "evil [2J"),
        ("  many \t blanks \r\n\n here ", "many blanks\nhere"),
    ],
)
def test_what_is_read(text: str, read: str) -> None:
    assert read_text(text) == read


@given(st.text(max_size=300))
def test_any_text_is_read_into_pieces_that_fit(text: str) -> None:
    read = read_text(text)
    assert not any("\ud800" <= c <= "\udfff" for c in read)
    found = pieces(read)
    assert "".join("".join(found).split()) == "".join(read.split())
    assert all(piece and len(piece.split()) <= 48 and len(piece) <= 400 for piece in found)


def test_huge_texts_take_no_time_and_few_pieces() -> None:
    for text in ("la " * 1_000_000, "x" * 1_000_000, "\U0001f602" * 100_000, "\n" * 1_000_000, "@" * 100_000):
        assert len(pieces(read_text(text))) <= 60


def test_lines_stay_whole_where_they_can() -> None:
    lines = [" ".join(f"w{i}" for _ in range(10)) for i in range(12)]
    found = pieces("\n".join(lines))
    assert [len(piece.split()) for piece in found] == [40, 40, 40]
    assert found[1].startswith("w4 ") and found[1].endswith(" w7")


def test_probabilities_add_up_and_mean_the_pieces() -> None:
    sad, happy = " ".join(["sad"] * 40), " ".join(["happy"] * 40)
    found = model().probabilities([sad, happy, f"{sad}\n{happy}", f"{sad}\n{sad}\n{happy}", "", "\u200b \n"])
    assert found.dtype == np.float32 and found.shape == (6, 3)
    assert found[:4].sum(1) == pytest.approx(np.ones(4), abs=1e-6)
    assert found[0].argmax() == 0 and found[1].argmax() == 2
    assert found[2] == pytest.approx((found[0] + found[1]) / 2, abs=1e-6)
    assert found[3] == pytest.approx((2 * found[0] + found[1]) / 3, abs=1e-6)
    assert np.isnan(found[4:]).all()
    assert model().probabilities([]).shape == (0, 3)


def test_a_class_that_was_never_seen_has_no_probability() -> None:
    found = model((0, 2)).probabilities(["sad sad", "of the"])
    assert found[:, 1].tolist() == [0, 0] and found.sum(1) == pytest.approx(np.ones(2))


def test_the_fingerprint_follows_the_head() -> None:
    first, other = model(), model((0, 2))
    assert first.fingerprint == model().fingerprint != other.fingerprint


def test_a_head_of_another_size_is_refused() -> None:
    encoder: Encoder = Words()  # type: ignore[assignment]
    with pytest.raises(ValueError, match="for 3 classes and 3 dimensions"):
        SentimentModel(encoder, np.zeros((3, 4), np.float32), np.zeros(3, np.float32))
    with pytest.raises(ValueError, match="not two or three"):
        SentimentModel(encoder, np.zeros((2, 3), np.float32), np.zeros(2, np.float32), (0, 5))
    with pytest.raises(ValueError, match="not finite"):
        SentimentModel(encoder, np.full((3, 3), np.nan, np.float32), np.zeros(3, np.float32))
