from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from contracts.encoder import HOSTILE, TEXTS, EncoderContract
from segue.encode.ngrams import NgramEncoder
from segue.errors import StoredDataError

FITTED_ON = [
    "road trip",
    "road trip songs",
    "roadtrip",
    "a",
    "rap rap rap",
    "chill sunday music",
    "música",
    "",
    "東京",
    "sad",
]


class TestNgramContract(EncoderContract):
    zero_for = ("", " ")

    @pytest.fixture
    def encoder(self) -> NgramEncoder:
        return NgramEncoder.fitted(FITTED_ON, buckets=2**14)

    @pytest.fixture
    def same(self, tmp_path: Path, encoder: NgramEncoder) -> NgramEncoder:
        encoder.save(tmp_path)
        return NgramEncoder.load(tmp_path)


def test_is_hashed_scikit_learn() -> None:
    """With more buckets than n-grams nothing collides, and cosines equal those of scikit-learn."""
    model = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, lowercase=False)
    expected = model.fit_transform(FITTED_ON)
    found = NgramEncoder.fitted(FITTED_ON, buckets=2**24).sparse(FITTED_ON)
    assert found.nnz == expected.nnz
    np.testing.assert_allclose((found @ found.T).toarray(), (expected @ expected.T).toarray(), atol=1e-6)


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(st.text(st.characters(exclude_categories=()), max_size=20), max_size=6))
def test_one_text_equals_many(texts: list[str]) -> None:
    encoder = NgramEncoder.fitted(FITTED_ON, buckets=512)
    matrix = encoder.sparse(texts)
    assert matrix.shape == (len(texts), 512) and matrix.dtype == np.float32 and matrix.has_sorted_indices
    for row, text in enumerate(texts):
        columns, weights = encoder.sparse_one(text)
        assert columns.dtype == np.int32 and weights.dtype == np.float32
        np.testing.assert_array_equal(matrix[[row]].indices, columns)
        np.testing.assert_allclose(matrix[[row]].data, weights, atol=1e-6)


def test_rows_have_unit_length_or_are_empty() -> None:
    norms = np.sqrt(NgramEncoder.fitted(FITTED_ON).sparse(TEXTS + HOSTILE).power(2).sum(axis=1))
    for text, norm in zip(TEXTS + HOSTILE, np.asarray(norms).ravel(), strict=True):
        assert norm == pytest.approx(1 if text.strip() else 0, abs=1e-5)


def test_dense_cosines_follow_the_sparse_ones() -> None:
    encoder = NgramEncoder.fitted(FITTED_ON)
    dense, sparse = encoder.encode(FITTED_ON), encoder.sparse(FITTED_ON)
    np.testing.assert_allclose(dense @ dense.T, (sparse @ sparse.T).toarray(), atol=0.2)


def test_a_typo_is_near() -> None:
    right, typo, other = NgramEncoder.fitted(FITTED_ON).encode(["road trip", "raod trip", "sad rap"])
    assert right @ typo > 0.3 > right @ other


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = NgramEncoder.fitted(FITTED_ON)
    rows = whole.sparse(FITTED_ON)
    monkeypatch.setattr("segue.encode.ngrams._CHUNK", 3)
    again = NgramEncoder.fitted(FITTED_ON)
    np.testing.assert_array_equal(whole.idf, again.idf)
    assert (rows != again.sparse(FITTED_ON)).nnz == 0


def test_no_texts() -> None:
    encoder = NgramEncoder.fitted([])
    assert encoder.sparse([]).shape == (0, 2**18)
    assert np.isfinite(encoder.encode(["a"])).all()


def test_sizes_are_part_of_the_fingerprint() -> None:
    base = NgramEncoder.fitted(FITTED_ON, buckets=64)
    others = [
        NgramEncoder.fitted(FITTED_ON[1:], buckets=64),
        NgramEncoder.fitted(FITTED_ON, buckets=64, dimension=32),
        NgramEncoder.fitted(FITTED_ON, buckets=64, max_n=4),
    ]
    assert len({base.fingerprint, *(e.fingerprint for e in others)}) == 4


def test_a_query_needs_no_scipy(tmp_path: Path) -> None:
    NgramEncoder.fitted(FITTED_ON).save(tmp_path)
    code = (
        "import sys; from pathlib import Path; from segue.encode.ngrams import NgramEncoder\n"
        f"e = NgramEncoder.load(Path({str(tmp_path)!r})); e.sparse_one('road trip'); e.encode(['road trip'])\n"
        "assert not {'scipy', 'sklearn', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_damage_is_named(tmp_path: Path) -> None:
    NgramEncoder.fitted(FITTED_ON, buckets=64).save(tmp_path)
    (tmp_path / "ngrams.json").write_text("{}")
    with pytest.raises(StoredDataError, match=r"ngrams\.json"):
        NgramEncoder.load(tmp_path)
    NgramEncoder.fitted(FITTED_ON, buckets=64).save(tmp_path)
    (tmp_path / "ngrams.idf.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(StoredDataError, match=r"ngrams\.idf\.npy"):
        NgramEncoder.load(tmp_path)


def test_impossible_sizes() -> None:
    with pytest.raises(ValueError, match="min_n"):
        NgramEncoder.fitted([], min_n=3, max_n=2)
