"""The mood of a text: how it is read, a linear head over the encoder, probabilities. No torch."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder, Progress
from segue.encode.onnx import OnnxEncoder
from segue.errors import StoredDataError
from segue.library.arrays import fingerprint, load_array
from segue.library.folders import put_back
from segue.library.manifests import checked_manifest

__all__ = ["CLASSES", "FORMAT_VERSION", "KIND", "Probabilities", "SentimentModel", "pieces", "read_text"]

CLASSES = ("negative", "neutral", "positive")
KIND = "segue sentiment model"
FORMAT_VERSION = 1

_READS = 1  # version of read_text and pieces: part of a model's fingerprint
_WORDS, _CHARACTERS = 48, 320  # of a piece: what fits into the encoder's 64 tokens, and no tweet is longer
_MOST_PIECES = 60  # of a text; the longest songs have about 2,000 words
_CAP = 20_000

_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_USER = re.compile(r"(?<![\w@])@\w{1,40}")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# Skin tones, variation selectors, joiners and direction marks change how text looks, not what it says.
_INKLESS = re.compile("[\U0001f3fb-\U0001f3ff\ufe00-\ufe0f\u20e3\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_REPEATED = re.compile(r"([^\w\s\x00-\u203b])(?:\s?\1)+")
_SPACES = re.compile(r"[^\S\n]+")
_TIME = re.compile(r"^\s*(?:\[\d{1,3}:\d{2}(?:[.:]\d{1,3})?\]\s*)+", re.MULTILINE)
_HEADING = re.compile(r"^\s*\[[^\]\n]{1,60}\]\s*$", re.MULTILINE)


class Probabilities(Protocol):
    """Texts -> float32 ``(n, 3)``, rows of probabilities of :data:`CLASSES`; NaN where there is nothing to read."""

    def __call__(self, texts: Sequence[str], *, progress: Progress | None = None) -> NDArray[np.float32]:
        """Score texts."""
        ...


def read_text(text: str) -> str:
    r"""What is read of a tweet or of lyrics: names of users as @user, addresses as http, emoji as words.

    HTML entities and ``\u2019`` written out are undone; hashtags, case and punctuation stay; line ends stay, because
    lyrics are cut at them; times of ``.lrc`` files and headings such as "[Chorus]" go.

    >>> read_text("@bob look &amp; love 😍😍 #happy https://t.co/x")
    '@user look & love smiling face with heart-eyes #happy http'
    >>> read_text("[Verse 1]\n[00:12.50] rain on me")
    'rain on me'
    """
    text = text[:_CAP]
    if "\\u" in text:
        # an emoji is written as two halves, which are one character only as UTF-16
        text = _ESCAPE.sub(lambda m: chr(int(m[1], 16)), text)
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if "&" in text:
        text = html.unescape(text)
    text = _UNPRINTABLE.sub(" ", text)
    if "[" in text:
        text = _HEADING.sub("", _TIME.sub("", text))
    text = _USER.sub("@user", _URL.sub("http", text))
    if not text.isascii():
        text = _INKLESS.sub("", unicodedata.normalize("NFKC", text))
        # 35 ms of import, paid by the first text that may hold an emoji
        if any(c > "\u203b" for c in text):
            import emoji

            text = emoji.demojize(_REPEATED.sub(r"\1", text), delimiters=(" ", " "), language="en").replace("_", " ")
    lines = (_SPACES.sub(" ", line).strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def pieces(text: str) -> list[str]:
    """Cut what :func:`read_text` gave into pieces as long as a tweet, at line ends where there are any.

    At most :data:`_MOST_PIECES`, evenly spaced ones of more.

    >>> pieces("a b\\nc"), len(pieces("la la la la\\n" * 30))
    (['a b c'], 3)
    """
    found: list[str] = []
    words: list[str] = []
    size = 0
    for line in text.split("\n"):
        of_line = [part for word in line.split() for part in _cut(word)]
        long = sum(map(len, of_line)) + len(of_line)
        if words and (len(words) + len(of_line) > _WORDS or size + long > _CHARACTERS):
            found.append(" ".join(words))
            words, size = [], 0
        for word in of_line:
            if words and (len(words) == _WORDS or size + len(word) + 1 > _CHARACTERS):
                found.append(" ".join(words))
                words, size = [], 0
            words.append(word)
            size += len(word) + 1
    if words:
        found.append(" ".join(words))
    if len(found) <= _MOST_PIECES:
        return found
    return [found[row] for row in np.linspace(0, len(found) - 1, _MOST_PIECES).astype(int).tolist()]


def _cut(word: str) -> list[str]:
    return [word] if len(word) < _CHARACTERS else [word[i : i + 80] for i in range(0, len(word), 80)]


@dataclass(frozen=True, eq=False)
class SentimentModel:
    """A sentence encoder and a linear head over its unit vectors.

    The probabilities of a text longer than a tweet are the mean over its pieces, each weighted by its words: a song
    that is sad throughout and one that is sad in half of its lines are told apart.

    Args:
        weight: float32 ``(n_classes, d)``. bias: float32 ``(n_classes,)``.
        present: rows of :data:`CLASSES` that were in the training data; the others have probability 0.
    """

    encoder: Encoder = field(repr=False)
    weight: NDArray[np.float32] = field(repr=False)
    bias: NDArray[np.float32] = field(repr=False)
    present: tuple[int, ...] = (0, 1, 2)
    manifest: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        n = len(self.present)
        if self.weight.shape != (n, self.encoder.d) or self.bias.shape != (n,):
            raise ValueError(f"the head is {self.weight.shape} for {n} classes and {self.encoder.d} dimensions")
        if n < 2 or sorted(set(self.present)) != list(self.present) or not set(self.present) <= set(range(3)):
            raise ValueError(f"classes {self.present} are not two or three of {len(CLASSES)}")
        if not (np.isfinite(self.weight).all() and np.isfinite(self.bias).all()):
            raise ValueError("the head holds numbers that are not finite")

    @property
    def fingerprint(self) -> str:
        """Digest of everything that the probabilities depend on."""
        return fingerprint("sentiment", _READS, self.encoder.fingerprint, self.weight, self.bias, list(self.present))

    def probabilities(self, texts: Sequence[str], *, progress: Progress | None = None) -> NDArray[np.float32]:
        """Probabilities of :data:`CLASSES`, float32 ``(n, 3)``; rows add up to 1; NaN for texts of no words."""
        cut = [pieces(read_text(text)) for text in texts]
        flat = [piece for each in cut for piece in each]
        of_piece = _softmax(self.encoder.encode(flat, progress=progress) @ self.weight.T + self.bias)
        words = np.array([len(piece.split()) for piece in flat], np.float64)
        owner = np.repeat(np.arange(len(cut)), [len(each) for each in cut])
        total = np.bincount(owner, words, minlength=len(cut))
        found = np.zeros((len(cut), len(CLASSES)))
        for column, place in enumerate(self.present):
            found[:, place] = np.bincount(owner, of_piece[:, column] * words, minlength=len(cut))
        with np.errstate(invalid="ignore"):
            return (found / total[:, None]).astype(np.float32)

    @classmethod
    def open(cls, folder: Path | str) -> SentimentModel:
        """Open a model folder written by :func:`segue.systems.sentiment.train_sentiment`.

        Raises:
            StoredDataError: it is missing, damaged or of a newer format; the message names the file.
        """
        folder = Path(folder)
        put_back(folder)
        manifest = _manifest(folder)
        for name, about in manifest["files"].items():
            file = folder / name
            if not file.is_file() or file.stat().st_size != about["bytes"]:
                raise StoredDataError(f"{file} is missing or of another size; train the model again or fetch a copy")
        encoder = OnnxEncoder.open(folder / "encoder")
        weight = load_array(folder / "weight.npy", mmap=False, dtype=np.float32)
        bias = load_array(folder / "bias.npy", mmap=False, dtype=np.float32)
        try:
            model = cls(encoder, weight, bias, tuple(map(int, manifest["present"])), manifest)
        except (KeyError, TypeError, ValueError) as error:
            raise StoredDataError(f"{folder} is damaged ({error}); train the model again") from error
        if model.fingerprint != manifest.get("fingerprint"):
            raise StoredDataError(f"{folder} is damaged (its files do not fit manifest.json); train the model again")
        return model


def _manifest(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise StoredDataError(f"{folder} is not a folder; make a model with 'segue sentiment train'")
    file = folder / "manifest.json"
    stranger = f"does not describe a {KIND}; make one with 'segue sentiment train'"
    manifest = checked_manifest(folder, KIND, FORMAT_VERSION, stranger=stranger, again="train the model again")
    files = manifest.get("files")
    fine = (
        isinstance(files, dict)
        and files
        and all(isinstance(a, dict) and isinstance(a.get("bytes"), int) for a in files.values())
    )
    if not fine:
        raise StoredDataError(f"{file} is damaged ('files' is no list of files); train the model again")
    return manifest


def _softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    shifted = logits.astype(np.float64) - logits.max(1, keepdims=True, initial=-np.inf)
    powers = np.exp(shifted)
    made: NDArray[np.float64] = powers / powers.sum(1, keepdims=True)
    return made
