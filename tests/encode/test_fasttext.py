from __future__ import annotations

import builtins
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts.encoder import HOSTILE, TEXTS, EncoderContract
from segue.encode.fasttext import FastTextEncoder, _grams, _hash
from segue.errors import InputError, MissingDependency, StoredDataError

TITLES = [
    *TEXTS,
    *["beach summer sun", "summer beach"] * 8,
    *["winter snow ice", "ice winter"] * 8,
    "Música",
    "東京 pop",
    "🌧",
    "",
    "it's",
]


def _fit(titles: list[str] = TITLES, **changed: Any) -> FastTextEncoder:
    return FastTextEncoder.fitted(titles, **({"d": 24, "epochs": 30, "buckets": 512} | changed))


@pytest.fixture(scope="module")
def fitted() -> FastTextEncoder:
    return _fit()


class TestFastTextContract(EncoderContract):
    zero_for = ("", " ")

    @pytest.fixture
    def encoder(self, fitted: FastTextEncoder) -> FastTextEncoder:
        return fitted

    @pytest.fixture
    def same(self, tmp_path: Path, fitted: FastTextEncoder) -> FastTextEncoder:
        fitted.save(tmp_path)
        return FastTextEncoder.load(tmp_path)


def test_words_of_one_company_are_near() -> None:
    """Planted: no title holds both a word of summer and one of winter, and their letters differ."""
    summer = ["beach", "summer", "sun", "sand", "palm", "surf", "island", "heat", "pool", "wave"]
    winter = ["winter", "snow", "ice", "frost", "cold", "fir", "sledge", "glove", "stove", "dark"]
    rng = np.random.default_rng(0)
    titles = [" ".join(rng.choice(words, 3, replace=False)) for _ in range(150) for words in (summer, winter)]
    found = FastTextEncoder.fitted(titles, d=16, epochs=30, buckets=512)
    hot, cold = found.encode(summer), found.encode(winter)
    within = min((hot @ hot.T).min(), (cold @ cold.T).min())
    assert within > (hot @ cold.T).max() + 0.2


def test_a_typo_is_near_though_nobody_wrote_it(fitted: FastTextEncoder) -> None:
    assert "summmer" not in fitted.words
    right, typo, other = fitted.encode(["summer", "summmer", "jazz"])
    assert right @ typo > right @ other


def test_the_vectors_are_those_of_gensim() -> None:
    """Known and unknown words, of any script: our n-grams and their hash are FastText's."""
    from gensim.models import FastText
    from gensim.models.fasttext_inner import compute_ngrams_bytes, ft_hash_bytes

    words = ["road", "a", "ab", "música", "東京シティ", "🌧🌧", "naïveté", "\u0301x", "x" * 64]
    for word in words:
        assert _grams(word) == compute_ngrams_bytes(word, 3, 6)
        assert [_hash(gram) for gram in _grams(word)] == [ft_hash_bytes(gram) for gram in _grams(word)]

    sentences = [["road", "trip"], ["música", "triste"]] * 5
    model = FastText(sentences=sentences, vector_size=8, bucket=64, min_n=3, max_n=6, min_count=1, workers=1)
    ours = FastTextEncoder(tuple(model.wv.index_to_key), model.wv.vectors, model.wv.vectors_ngrams)
    for word in ["road", "música", *words]:
        vector = model.wv[word.lower()]
        np.testing.assert_allclose(ours.encode([word])[0], vector / np.linalg.norm(vector), atol=1e-5)


def test_the_vector_of_a_text_is_the_mean_of_its_words(fitted: FastTextEncoder) -> None:
    rows = [fitted.words.index(word) for word in ("road", "trip", "trip")]
    expected = fitted.vectors[rows].mean(axis=0)
    found = fitted.encode(["Road-Trip, TRIP!"])[0]
    np.testing.assert_allclose(found, expected / np.linalg.norm(expected), atol=1e-6)


def test_another_process_finds_the_same_bits(fitted: FastTextEncoder) -> None:
    """Whatever PYTHONHASHSEED says; another rng_key finds others."""
    code = (
        "from test_fasttext import _fit, HOSTILE, TEXTS\n"
        "e = _fit(); print(e.fingerprint, e.encode(TEXTS + HOSTILE).tobytes().hex())"
    )
    expected = f"{fitted.fingerprint} {fitted.encode(TEXTS + HOSTILE).tobytes().hex()}"
    here = Path(__file__).parent
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONHASHSEED": "1", "PYTHONPATH": f"{here}:{here.parent}", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == expected and run.stderr == ""
    assert _fit(rng_key=1).fingerprint != fitted.fingerprint


def test_encoding_what_was_saved_needs_no_gensim(fitted: FastTextEncoder, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    assert not {p.suffix for p in tmp_path.iterdir()} - {".npy", ".json"}
    code = (
        "import sys; from pathlib import Path; from segue.encode.fasttext import FastTextEncoder\n"
        f"FastTextEncoder.load(Path({str(tmp_path)!r})).encode(['road trip', 'unheard'])\n"
        "assert not {'gensim', 'scipy', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_damage_is_named(fitted: FastTextEncoder, tmp_path: Path) -> None:
    for name in ("fasttext.json", "fasttext.words.utf8.npy", "fasttext.vectors.npy", "fasttext.grams.npy"):
        fitted.save(tmp_path)
        data = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(data[: len(data) // 2])
        with pytest.raises(StoredDataError, match=r"fasttext\."):
            FastTextEncoder.load(tmp_path)
    fitted.save(tmp_path)
    np.save(tmp_path / "fasttext.grams.npy", fitted.grams + np.float32(1))
    with pytest.raises(StoredDataError, match="does not belong"):
        FastTextEncoder.load(tmp_path)


@pytest.mark.parametrize("titles", [[], ["", "  "]])
def test_nothing_to_learn_from(titles: list[str]) -> None:
    with pytest.raises(InputError, match="no title holds a word"):
        FastTextEncoder.fitted(titles)


@pytest.mark.parametrize("titles", [["one"], ["same same"] * 3, ["🌧"], ["x" * 10_000], ["\ud800"]])
def test_little_to_learn_from(titles: list[str]) -> None:
    vectors = _fit(titles).encode([*titles, "another"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_impossible_sizes() -> None:
    for changed in ({"d": 0}, {"epochs": 0}, {"buckets": 0}, {"rng_key": -1}):
        with pytest.raises(ValueError, match="at least 1"):
            _fit(**changed)


def test_without_gensim(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *others: Any, **more: Any) -> Any:
        if name.startswith("gensim"):
            raise ImportError(name)
        return real(name, *others, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependency, match="extra 'compare'"):
        _fit()
