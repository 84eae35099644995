"""What every encoder keeps. Subclass, give the fixture ``encoder`` (and ``same``), and let pytest run it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segue.encode.base import Encoder

HOSTILE = [
    "",
    " ",
    "\x00",
    "\ud800",
    "🌧",
    "\u202eabc",
    "x" * 10_240,
    "a " * 5000,
    "🎉" * 3000,
    "\u0301",
    "東京",
    "a\nb",
]
TEXTS = ["road trip", "rap", "sad songs", "road trip", "chill sunday music in the rain", "metal", "80s"]


class EncoderContract:
    """Shapes, unit rows, determinism, independence of the batch, and a planted answer."""

    zero_for: tuple[str, ...] = ()
    """Texts of ``HOSTILE`` that may have a zero row."""

    @pytest.fixture
    def encoder(self) -> Encoder:
        raise NotImplementedError

    @pytest.fixture
    def same(self, encoder: Encoder) -> Encoder:
        """The encoder opened or made once more."""
        return encoder

    def test_is_an_encoder(self, encoder: Encoder) -> None:
        assert isinstance(encoder, Encoder)
        assert encoder.d > 0
        assert len(encoder.fingerprint) == 16 and int(encoder.fingerprint, 16) >= 0

    def test_shape_dtype_and_length(self, encoder: Encoder) -> None:
        vectors = encoder.encode(TEXTS)
        assert vectors.shape == (len(TEXTS), encoder.d) and vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)

    def test_nothing(self, encoder: Encoder) -> None:
        vectors = encoder.encode([])
        assert vectors.shape == (0, encoder.d) and vectors.dtype == np.float32

    def test_same_call_same_bits(self, encoder: Encoder, same: Encoder) -> None:
        assert encoder.fingerprint == same.fingerprint
        np.testing.assert_array_equal(encoder.encode(TEXTS), encoder.encode(TEXTS))
        np.testing.assert_array_equal(encoder.encode(TEXTS), same.encode(TEXTS))

    def test_equal_texts_have_equal_rows_in_their_places(self, encoder: Encoder) -> None:
        vectors = encoder.encode(TEXTS)
        np.testing.assert_array_equal(vectors[0], vectors[3])
        np.testing.assert_allclose(encoder.encode(TEXTS[::-1]), vectors[::-1], atol=1e-5)

    def test_a_text_does_not_depend_on_its_neighbours(self, encoder: Encoder) -> None:
        together = encoder.encode(TEXTS + HOSTILE)
        alone = np.concatenate([encoder.encode([text]) for text in TEXTS + HOSTILE])
        np.testing.assert_allclose(together, alone, atol=1e-5)

    def test_hostile_texts(self, encoder: Encoder) -> None:
        lengths = np.linalg.norm(encoder.encode(HOSTILE), axis=1)
        for text, length in zip(HOSTILE, lengths, strict=True):
            assert abs(length - 1) < 1e-5 or (text in self.zero_for and length == 0), repr(text[:20])

    def test_planted_answer(self, encoder: Encoder) -> None:
        """A text is nearest to itself, and nearer to one that shares its words than to one that shares none."""
        query, near, far, itself = encoder.encode(
            ["chill sunday music", "chill sunday songs", "metal", "chill sunday music"]
        )
        assert query @ itself > query @ near > query @ far

    def test_progress_ends_at_the_total(self, encoder: Encoder) -> None:
        seen: list[tuple[int, int]] = []
        encoder.encode(TEXTS, progress=lambda done, total: seen.append((done, total)))
        assert all(done <= total for done, total in seen)
        assert not seen or seen[-1][0] == seen[-1][1]

    # An encoder is frozen, so examples may share it; and each subclass runs this with its own.
    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(texts=st.lists(st.text(st.characters(exclude_categories=()), max_size=30), max_size=5))
    def test_any_text(self, encoder: Encoder, texts: list[str]) -> None:
        vectors = encoder.encode(texts)
        assert vectors.shape == (len(texts), encoder.d) and np.isfinite(vectors).all()
