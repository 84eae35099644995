"""Short texts with a mood: tweet data sets and labelled lyrics as they are published -> texts and classes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segue.errors import SourceError
from segue.sources.delimited import csv_cells
from segue.sources.files import SourceFile
from segue.sources.headers import fold_header
from segue.sources.text import decode

__all__ = ["CLASSES", "LabelledTexts", "read_labelled_texts"]

CLASSES = ("negative", "neutral", "positive")

_MAPPING = "mapping.txt"
_TEXT_FILE = re.compile(r"(?P<part>.*?)_?text\.txt(?:\.gz)?", re.IGNORECASE)
_MAX_CHARACTERS = 20_000  # of a text: three times the longest song
_NAMES = {
    "negative": 0, "neg": 0, "sad": 0, "neutral": 1, "neu": 1, "positive": 2, "pos": 2, "happy": 2,
}  # fmt: skip
# What numbers mean depends on which there are.
_SCALES: tuple[tuple[str, ...], ...] = (("0", "1", "2"), ("-1", "0", "1"), ("0", "2", "4"))
_TWO: dict[tuple[str, ...], tuple[int, int]] = {
    ("0", "1"): (0, 2), ("-1", "1"): (0, 2), ("0", "4"): (0, 2), ("0", "2"): (0, 2), ("1", "2"): (1, 2),
    ("-1", "0"): (0, 1),
}  # fmt: skip
_TEXTS = ("text", "lyrics", "lyric", "tweet", "sentence", "content", "comment", "review", "selected text")
_LABELS = ("airline sentiment", "sentiment", "label", "class", "target", "polarity", "mood", "category", "valence")
_SENTIMENT140 = 6  # target, id, date, flag, user, text; the file has no header
_POLARITY = {"0": 0, "2": 1, "4": 2}


@dataclass(frozen=True, eq=False)
class LabelledTexts:
    """Texts with their class: a row of :data:`CLASSES`.

    Args:
        classes: int64 ``(n,)``; data may know two classes only.
        notes: what was left out or assumed, with counts.
    """

    texts: tuple[str, ...]
    classes: NDArray[np.int64]
    label: str = ""
    notes: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def present(self) -> tuple[int, ...]:
        """The classes that occur, ascending."""
        return tuple(np.unique(self.classes).tolist())

    def counts(self) -> dict[str, int]:
        """Texts of each class, by name."""
        found = np.bincount(self.classes, minlength=len(CLASSES)).tolist()
        return dict(zip(CLASSES, found, strict=True))

    def select(self, rows: NDArray[np.integer]) -> LabelledTexts:
        """Some of the texts."""
        texts = tuple(self.texts[row] for row in rows.tolist())
        return LabelledTexts(texts, self.classes[rows], self.label, self.notes)

    def sample(self, n: int, *, rng_key: int = 0) -> LabelledTexts:
        """At most ``n`` of the texts, drawn at random, in their order; what was left out is noted."""
        if len(self) <= n:
            return self
        rows = np.sort(np.random.default_rng(rng_key).choice(len(self), n, replace=False))
        notes = {**self.notes, "texts beyond those that are used, left out": len(self) - n}
        return replace(self.select(rows), notes=notes)


def read_labelled_texts(path: Path | str) -> LabelledTexts:
    """Read a data set of texts labelled negative, neutral or positive; each file may be gzip'd.

    - TweetEval: ``NAME_text.txt`` with one text a line, ``NAME_labels.txt`` beside it, and ``mapping.txt`` (without
      it 0, 1, 2 are negative, neutral, positive). A folder stands for its ``train_`` files, or for its only ones.
    - Sentiment140: no header; target (0, 2, 4), id, date, flag, user, text.
    - Any CSV or TSV with a header that names a text (``text``, ``tweet``, ``lyrics`` ...) and a label (``sentiment``,
      ``airline_sentiment``, ``label``, ``target``, ``valence`` ...). Labels are names (negative, pos, happy ...) or
      numbers: 0 1 2; -1 0 1; 0 2 4; of two numbers the smaller is negative. A column ``valence`` with fractions
      between 0 and 1 is cut at a third and two thirds.

    Rows without a text or a label are left out and counted.

    Raises:
        SourceError: missing, damaged, of no known layout, or with labels that are none of these; names the row.
    """
    path = Path(path)
    try:
        exists, folder = path.exists(), path.is_dir()
    except (OSError, ValueError) as error:  # a null character in a path is a ValueError
        raise SourceError(f"cannot be read ({error})", path=path) from error
    if not exists:
        raise SourceError("there is no such file or folder", path=path)
    if folder:
        return _folder(path)
    if _TEXT_FILE.fullmatch(path.name):
        return _tweeteval(path)
    return _table(path)


def _folder(path: Path) -> LabelledTexts:
    found = sorted(p for p in path.iterdir() if p.is_file() and _TEXT_FILE.fullmatch(p.name))
    train = [p for p in found if p.name.lower().startswith("train")]
    if len(train) == 1 or len(found) == 1:
        return _tweeteval((train or found)[0])
    tables = sorted(p for p in path.iterdir() if p.name.lower().removesuffix(".gz").endswith((".csv", ".tsv")))
    if not found and len(tables) == 1:
        return _table(tables[0])
    names = ", ".join(p.name for p in (found or tables)[:6])
    reason = f"holds several data sets; name one of {names}" if names else "holds no texts (*_text.txt, *.csv)"
    raise SourceError(reason, path=path)


def _tweeteval(path: Path) -> LabelledTexts:
    notes: Counter[str] = Counter()
    texts = _lines(path, notes)
    labels_file = _beside(path, re.sub("text", "labels", path.name, flags=re.IGNORECASE))
    labels = [line.strip() for line in _lines(labels_file, notes)]
    if len(labels) != len(texts):
        reason = f"has {len(labels):,} labels for the {len(texts):,} texts of {path.name}"
        raise SourceError(reason, path=labels_file)
    names = _mapping(path.parent)
    classes = []
    for i, label in enumerate(labels):
        if label not in names:
            reason = f"the label {label[:40]!r} is none of {', '.join(names)}"
            raise SourceError(reason, path=labels_file, position=f"line {i + 1}")
        classes.append(names[label])
    return _made(texts, classes, path, notes)


def _beside(path: Path, name: str) -> Path:
    bare = name[:-3] if name.lower().endswith(".gz") else name
    for candidate in (bare, f"{bare}.gz"):
        if (path.parent / candidate).is_file():
            return path.parent / candidate
    raise SourceError(f"its labels, {bare}, are not beside it", path=path)


def _mapping(folder: Path) -> dict[str, int]:
    """Label -> class, of ``mapping.txt``; the usual one where there is none."""
    file = next((folder / name for name in (_MAPPING, f"{_MAPPING}.gz") if (folder / name).is_file()), None)
    if file is None:
        return {str(i): i for i in range(len(CLASSES))}
    names: dict[str, int] = {}
    for i, line in enumerate(_lines(file, Counter())):
        number, _, name = line.strip().partition("\t")
        if not line.strip():
            continue
        if name.strip().casefold() not in _NAMES:
            reason = f"{name[:40]!r} is none of {', '.join(CLASSES)}"
            raise SourceError(reason, path=file, position=f"line {i + 1}")
        names[number.strip()] = _NAMES[name.strip().casefold()]
    return names


def _lines(path: Path, notes: Counter[str]) -> list[str]:
    # only line feeds end a line: a tweet may hold other line breaks, and splitting at them would shift the labels
    lines = decode(SourceFile(path, "text").read(), notes).split("\n")
    return lines[:-1] if lines and not lines[-1] else lines


def _table(path: Path) -> LabelledTexts:
    notes: Counter[str] = Counter()
    data = SourceFile(path, "csv").read()
    headers, columns, chosen = csv_cells(data, _chosen, str(path), notes)
    texts, labels = (columns[name] for name in ("text", "label"))
    if _headless(headers):
        texts, labels = [headers[-1], *texts], [headers[0], *labels]
        return _made(texts, _polarities(labels, path), path, notes)
    fractions = fold_header(headers[chosen["label"]]) == "valence"
    return _made(texts, _classes([label or "" for label in labels], path, fractions=fractions), path, notes)


def _headless(row: Sequence[str]) -> bool:
    """Whether what should be a header is the first row of Sentiment140, whose file has none."""
    return len(row) == _SENTIMENT140 and row[0].strip() in _POLARITY


def _chosen(headers: Sequence[str], label: str) -> dict[str, int]:
    if _headless(headers):
        return {"text": _SENTIMENT140 - 1, "label": 0}
    folded: dict[str, int] = {}
    for i, name in enumerate(headers):
        folded.setdefault(fold_header(name), i)
    text = next((folded[name] for name in _TEXTS if name in folded), None)
    mood = next((folded[name] for name in _LABELS if name in folded), None)
    if text is None or mood is None:
        lacking = "a text (text, tweet, lyrics)" if text is None else "a label (sentiment, label, target, valence)"
        shown = ", ".join(h[:40] for h in headers[:8])
        raise SourceError(f"no column holds {lacking}; the header is: {shown}", path=label, position="header")
    return {"text": text, "label": mood}


def _polarities(labels: Sequence[str | None], path: Path) -> list[int]:
    for i, label in enumerate(labels):
        if (label or "").strip() not in _POLARITY:
            reason = f"the target {(label or '')[:40]!r} is none of 0, 2, 4"
            raise SourceError(reason, path=path, position=f"row {i + 1}")
    return [_POLARITY[(label or "").strip()] for label in labels]


def _classes(labels: list[str], path: Path, *, fractions: bool) -> list[int | None]:
    """The class of each label; None for an empty one.

    Raises:
        SourceError: a label that is neither a name nor a number of a known scale.
    """
    labels = [label.strip().casefold() for label in labels]
    known = {label for label in labels if label}
    if known <= set(_NAMES):
        return [_NAMES.get(label) for label in labels]
    numbers = {label: _whole(label) for label in known}
    scale = _scale({n for n in numbers.values() if n is not None}) if all(numbers.values()) else None
    if scale is not None:
        return [scale[str(numbers[label])] if label else None for label in labels]
    if fractions:
        return [_third(label, path, i) if label else None for i, label in enumerate(labels)]
    odd = next(i for i, label in enumerate(labels) if label and label not in _NAMES)
    reason = (
        f"the label {labels[odd][:40]!r} is none of negative, neutral, positive, and the numbers are none of 0 1 2, "
        "-1 0 1, 0 2 4"
    )
    raise SourceError(reason, path=path, position=f"row {odd + 1}")


def _whole(label: str) -> str | None:
    """A whole number as it is written in short; None for anything else.

    >>> _whole("2.0"), _whole("-1"), _whole("x")
    ('2', '-1', None)
    """
    try:
        value = float(label)
    except ValueError:
        return None
    return str(int(value)) if value.is_integer() and abs(value) < 100 else None


def _scale(numbers: set[str]) -> dict[str, int] | None:
    """Which number is which class; None for numbers that mean nothing here."""
    two = _TWO.get(tuple(sorted(numbers, key=int)))
    if two is not None:
        return dict(zip(sorted(numbers, key=int), two, strict=True))
    for scale in _SCALES:
        if numbers and numbers <= set(scale):
            return {number: i for i, number in enumerate(scale)}
    return None


def _third(label: str, path: Path, row: int) -> int:
    try:
        value = float(label)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise SourceError(
            f"the valence {label[:40]!r} is no number from 0 to 1", path=path, position=f"row {row + 1}"
        )
    return 0 if value < 1 / 3 else 1 if value < 2 / 3 else 2


def _made(
    texts: Sequence[str | None], classes: Sequence[int | None], path: Path, notes: Counter[str]
) -> LabelledTexts:
    kept_texts, kept = [], []
    for text, mood in zip(texts, classes, strict=True):
        if mood is None:
            notes["rows without a label, left out"] += 1
        elif text is None or not text.strip():
            notes["rows without a text, left out"] += 1
        else:
            kept_texts.append(text.strip()[:_MAX_CHARACTERS])
            kept.append(mood)
    if not kept:
        raise SourceError("holds no text with a label", path=path)
    return LabelledTexts(tuple(kept_texts), np.array(kept, np.int64), path.name, dict(notes))
