"""Texts whose mood one word decides, among words that say nothing."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from segue.sources.labelled_texts import LabelledTexts

WORDS = (("sad", "rain"), ("road", "sunday"), ("happy", "party"))
NOISE = ("trip", "summer", "chill", "rap", "metal", "jazz", "songs", "music", "2017", "80s", "the", "of")


def planted_moods(n: int = 400, rng_key: int = 0, *, classes: tuple[int, ...] = (0, 1, 2)) -> LabelledTexts:
    """Each class has two words of its own; a text holds one of them among four others, in any order."""
    rng = np.random.default_rng(rng_key)
    moods = np.array(classes)[rng.integers(len(classes), size=n)]
    texts = []
    for mood in moods.tolist():
        words = [WORDS[mood][int(rng.integers(2))], *rng.choice(NOISE, 4, replace=False).tolist()]
        texts.append(" ".join(rng.permutation(words).tolist()))
    return LabelledTexts(tuple(texts), moods.astype(np.int64), "planted")


def write_csv(data: LabelledTexts, path: Path) -> Path:
    """The texts as a CSV with names of classes."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "sentiment"])
        names = ("negative", "neutral", "positive")
        writer.writerows((t, names[c]) for t, c in zip(data.texts, data.classes.tolist(), strict=True))
    return path
