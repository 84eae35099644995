"""What a fine-tuned classifier of moods has to beat: the most frequent class, TF-IDF and frozen vectors, each with a
logistic regression that is tuned on the same held-out texts.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder
from segue.errors import MissingDependency
from segue.train.sentiment import Examples

__all__ = ["TFIDF", "Baseline", "frozen_logistic", "majority", "tfidf_logistic"]

Shares = NDArray[np.float64]
TFIDF = "tfidf + logistic"
"""The row that a fine-tuned model is compared with."""
_BALANCED: tuple[str | None, ...] = (None, "balanced")


@dataclass(frozen=True, eq=False)
class Baseline:
    """A classifier of texts.

    Args:
        probabilities: texts -> float64 ``(n, n_classes)``, columns in the order of ``Examples.present``. Texts are
            those that :func:`~segue.encode.sentiment.read_text` gives.
        chosen: what the held-out texts chose. held_out: its macro-recall there.
    """

    name: str
    probabilities: Callable[[Sequence[str]], Shares] = field(repr=False)
    chosen: dict[str, Any] = field(default_factory=dict)
    held_out: float = float("nan")


def majority(found: Examples) -> Baseline:
    """The most frequent class of the training texts, whatever is said."""
    counts = np.bincount(found.train[1], minlength=len(found.present))
    shares = counts / counts.sum()
    recall = _recall(found, np.full(len(found.held[1]), counts.argmax()))
    return Baseline("majority", lambda texts: np.tile(shares, (len(texts), 1)), held_out=recall)


def tfidf_logistic(found: Examples) -> Baseline:
    """Words, or words and pairs of words, with marks or without, by TF-IDF; multinomial logistic regression.

    Features, strength and whether classes are balanced: those of the best macro-recall on the held-out texts. These
    are not added to the training afterwards, as they are not for the fine-tuned model.

    Raises:
        MissingDependency: scikit-learn is not installed.
    """
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
    except ImportError as error:
        raise MissingDependency("the TF-IDF row", extra="train") from error

    best: Baseline | None = None
    for n_words, marks in ((1, False), (2, False), (2, True)):
        vectorizer: Any = TfidfVectorizer
        pattern = r"\S+" if marks else r"(?u)\b\w\w+\b"
        features = vectorizer(ngram_range=(1, n_words), sublinear_tf=marks, token_pattern=pattern)
        try:
            train = features.fit_transform(map(_spaced, found.train[0]))
        except ValueError:  # nothing but marks and single letters, which only the last pattern takes for words
            continue
        held = features.transform(map(_spaced, found.held[0]))
        model, chosen, recall = _best_logistic(found, train, held, (0.3, 1.0, 3.0, 10.0))
        if best is None or recall > best.held_out:
            read = _reader(features, model)
            best = Baseline(TFIDF, read, {"n_words": n_words, "marks": marks, **chosen}, recall)
    assert best is not None
    return best


def frozen_logistic(
    found: Examples, encoder: Encoder, *, progress: Callable[[int, int], None] | None = None
) -> Baseline:
    """Vectors of the encoder as it came; logistic regression, tuned like that of :func:`tfidf_logistic`."""
    train = _scaled(encoder.encode(found.train[0], progress=progress))
    model, chosen, recall = _best_logistic(
        found, train, _scaled(encoder.encode(found.held[0])), (0.1, 1.0, 10.0, 100.0)
    )

    def read(texts: Sequence[str]) -> Shares:
        made: Shares = np.asarray(model.predict_proba(_scaled(encoder.encode(texts))), np.float64)
        return made

    return Baseline("frozen encoder + logistic", read, chosen, recall)


def _scaled(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Entries of the size of 1, where strengths around 1 mean something."""
    made: NDArray[np.float64] = vectors.astype(np.float64) * vectors.shape[1] ** 0.5
    return made


def _reader(features: Any, model: Any) -> Callable[[Sequence[str]], Shares]:
    def read(texts: Sequence[str]) -> Shares:
        made: Shares = np.asarray(model.predict_proba(features.transform(map(_spaced, texts))), np.float64)
        return made

    return read


def _spaced(text: str) -> str:
    """Marks as words of their own: "great!" must not be another word than "great"."""
    return "".join(c if c.isalnum() or c in " @#'_\n" else f" {c} " for c in text)


def _best_logistic(
    found: Examples, train: Any, held: Any, strengths: Sequence[float]
) -> tuple[Any, dict[str, Any], float]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    logistic: Any = LogisticRegression
    best: tuple[Any, dict[str, Any], float] | None = None
    for strength, balanced in itertools.product(strengths, _BALANCED):
        model = logistic(C=strength, class_weight=balanced, max_iter=200)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # nearly there is near enough to be compared
            model.fit(train, found.train[1])
        recall = _recall(found, model.predict(held))
        if best is None or recall > best[2]:
            best = model, {"C": strength, "balanced": balanced is not None}, recall
    assert best is not None
    return best


def _recall(found: Examples, predicted: NDArray[np.integer]) -> float:
    """Macro-recall on the held-out texts."""
    wanted = found.held[1]
    right = predicted == wanted
    return float(np.mean([right[wanted == c].mean() for c in np.unique(wanted)]))
