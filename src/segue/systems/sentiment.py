"""Labelled texts -> a model of moods with its report; labelled lyrics -> what it loses against tweets."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder
from segue.encode.folder import SentenceFolder
from segue.encode.locate import base_model_folder
from segue.encode.onnx import OnnxEncoder
from segue.encode.sentence import SentenceEncoder
from segue.encode.sentiment import CLASSES, FORMAT_VERSION, KIND, SentimentModel, read_text
from segue.errors import InputError, TrainingError
from segue.library.arrays import save_array, write_bytes, write_json
from segue.library.folders import check_place, locked, new_folder
from segue.sources.labelled_texts import LabelledTexts
from segue.systems.manifest import describe_files
from segue.systems.sentiment_report import report_page
from segue.systems.sentiment_rows import Predictions, evaluation, predictions
from segue.train.effect import Effect, measured
from segue.train.export import TOLERANCE, export_onnx
from segue.train.sentiment import Examples, SentimentSettings, TrainedHead, examples, train_head
from segue.train.sentiment_baselines import frozen_logistic, majority, tfidf_logistic

__all__ = ["checkpoints_of", "evaluate_sentiment", "train_sentiment"]

Progress = Callable[[int, int, str], None]
_EFFECT_TEXTS = 1_000
_CHECKED = 64  # held-out texts whose probabilities torch and onnxruntime must agree on
_EXPORT_PAYS = 2_000  # texts that torch encodes in the time that an export takes


def checkpoints_of(out: Path) -> Path:
    """Where a training into ``out`` keeps its checkpoints until it is done."""
    return out.with_name(f"{out.name}.training")


def train_sentiment(
    data: LabelledTexts,
    out: Path,
    *,
    settings: SentimentSettings | None = None,
    held: LabelledTexts | None = None,
    base_model: str | None = None,
    restart: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Fine-tune an encoder with a head of moods and write it as a model folder, atomically.

    The epoch, and everything about the rows beside it, is chosen on a tenth of ``data`` that is held out by hash;
    ``held`` is looked at once, when all is done. Texts of ``data`` that occur in ``held`` are not trained on. A
    training that was killed goes on when the same call is made again.

    Args:
        held: other labelled texts to report on; the rows majority, TF-IDF and frozen encoder are made then.

    Returns:
        The manifest; its ``evaluation`` is the report on ``held``, None without.

    Raises:
        TrainingError: too little to learn from, a loss that is not finite, or a training without effect.
        StoredDataError: damaged checkpoints or encoder. MissingDependency: torch or the base model is missing.
        OutputError: cannot write.
    """
    settings = settings or SentimentSettings()
    check_place(out, KIND)
    base = base_model_folder(base_model)
    data, n_dropped = _without(data, held)
    found = examples(data.texts, data.classes, hold_out=settings.hold_out)
    with locked(out, lambda: progress(0, 1, "waiting for another training of this model") if progress else None):
        checkpoints = checkpoints_of(out)
        if restart:
            shutil.rmtree(checkpoints, ignore_errors=True)
        tuned = train_head(found, base, settings, checkpoints=checkpoints, progress=progress)
        about = {"label": data.label, "n": len(data), "counts": data.counts(), "notes": dict(data.notes)}
        about |= {"n_held_out": len(found.held[0]), "n_in_evaluation": n_dropped}
        manifest = _write(out, tuned, settings, about, held, progress)
        shutil.rmtree(checkpoints, ignore_errors=True)
    return manifest


def _without(data: LabelledTexts, held: LabelledTexts | None) -> tuple[LabelledTexts, int]:
    """The data without the texts that are evaluated on, and how many those were."""
    if held is None:
        return data, 0
    seen = {read_text(text).casefold() for text in held.texts}
    kept = np.array([read_text(text).casefold() not in seen for text in data.texts], bool)
    return data.select(np.flatnonzero(kept)), int((~kept).sum())


def _write(
    out: Path,
    tuned: TrainedHead,
    settings: SentimentSettings,
    about: dict[str, Any],
    held: LabelledTexts | None,
    progress: Progress | None,
) -> dict[str, Any]:
    def say(what: str) -> None:
        if progress:
            progress(0, 1, what)

    found, trained = tuned.examples, tuned.trained
    rows = np.arange(tuned.head.n_train, tuned.head.n_train + _CHECKED)[: len(found.held[0])]
    torch_logits = tuned.head.logits(tuned.model)[: len(rows)]
    weight, bias = tuned.head.weights(tuned.model.d)
    with tempfile.TemporaryDirectory(prefix="segue-") as scratch, new_folder(out, kind=KIND) as folder:
        say("writing the encoder and checking its export")
        saved = Path(scratch) / "tuned"
        tuned.model.save(saved)
        effect = _effect(tuned.base, saved, found)
        effect.check()
        export_onnx(saved, folder / "encoder")
        model = SentimentModel(OnnxEncoder.open(folder / "encoder"), weight, bias, found.present)
        _check(model, [tuned.head.texts[row] for row in rows.tolist()], torch_logits)
        save_array(folder / "weight.npy", weight)
        save_array(folder / "bias.npy", bias)
        evaluated = None
        if held is not None:
            say("comparing with TF-IDF and with the encoder as it came")
            many = _rows(model, found, held, tuned.base, Path(scratch), progress)
            evaluated = evaluation(held, many, reference="fine-tuned")
        manifest = {
            "kind": KIND,
            "format_version": FORMAT_VERSION,
            "fingerprint": model.fingerprint,
            "present": list(found.present),
            "classes": [CLASSES[c] for c in found.present],
            "base": {"name": tuned.base.name, "fingerprint": SentenceFolder.read(tuned.base).fingerprint()},
            "settings": settings.to_json(),
            "data": about,
            "history": [
                {
                    "epoch": e.epoch,
                    "train_loss": e.train_loss,
                    "validation_loss": e.validation_loss,
                    "validation_accuracy": e.validation_accuracy,
                    "validation_macro_recall": e.validation_metric,
                    "cpu_s": round(e.cpu_s, 2),
                    "texts": e.titles,
                }
                for e in trained.history
            ],
            "best_epoch": trained.best,
            "effect": effect.to_json(),
            "evaluation": evaluated,
            "versions": {name: version(name) for name in ("torch", "onnxruntime", "numpy")},
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        write_bytes(folder / "report.html", report_page(manifest).encode())
        for file in folder.rglob("*"):
            file.chmod(0o755 if file.is_dir() else 0o644)  # safetensors writes for its owner alone
        manifest["files"] = describe_files(folder)
        write_json(folder / "manifest.json", manifest)
    return manifest


def _effect(base: Path, tuned: Path, found: Examples) -> Effect:
    """Measured on training texts, evenly spaced ones of many."""
    texts = found.train[0]
    rows = np.linspace(0, len(texts) - 1, min(len(texts), _EFFECT_TEXTS)).astype(int)
    sample = [texts[row] for row in rows.tolist()]
    before, after = (SentenceEncoder.open(folder).encode(sample) for folder in (base, tuned))
    return measured(base, tuned, before, after)


def _check(model: SentimentModel, texts: Sequence[str], logits: NDArray[np.float32]) -> None:
    """Refuse a model whose graph gives other probabilities than torch gave."""
    ours = model.encoder.encode(texts) @ model.weight.T + model.bias
    difference = float(np.abs(ours - logits).max(initial=0))
    # the head makes a difference between two vectors as many times larger as its rows are long
    allowed = TOLERANCE * max(1.0, float(np.abs(model.weight).sum(1).max()))
    if not difference <= allowed:
        raise TrainingError(
            f"the export of the model differs from torch by {difference:.1e} in its scores, and was dropped; train "
            "again with another version of onnxruntime"
        )


def _rows(
    model: SentimentModel,
    found: Examples,
    held: LabelledTexts,
    base: Path,
    scratch: Path,
    progress: Progress | None,
) -> list[Predictions]:
    """What each classifier says about the texts that are reported on."""
    n_texts = len(found.train[0]) + len(found.held[0])
    frozen: Encoder = SentenceEncoder.open(base)
    if n_texts > _EXPORT_PAYS:
        frozen = OnnxEncoder.open(export_onnx(base, scratch / "base"))

    def told(done: int, total: int) -> None:
        if progress:
            progress(done, total, "encoding with the encoder as it came")

    made = [predictions("fine-tuned", held, model.probabilities(held.texts))]
    read = [read_text(text) for text in held.texts]
    for baseline in (tfidf_logistic(found), frozen_logistic(found, frozen, progress=told), majority(found)):
        shares = np.zeros((len(read), len(CLASSES)))
        shares[:, list(found.present)] = baseline.probabilities(read)
        made.append(predictions(baseline.name, held, shares, {**baseline.chosen, "held_out": baseline.held_out}))
    return made


def evaluate_sentiment(
    model: SentimentModel,
    held: LabelledTexts,
    *,
    tweets: LabelledTexts | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """How well a model tells the moods of other texts, lyrics say, and how much it loses against tweets.

    Args:
        tweets: texts like those that were trained on, but others; None takes what the model's own report says.

    Returns:
        Like ``evaluation`` of a manifest, with ``drop``: score -> how much lower it is than on tweets, with the 95 %
        interval; None where there is nothing to compare with.

    Raises:
        InputError: the tweets know other classes than the texts, so that scores do not compare.
    """
    most = int(np.bincount(held.classes, minlength=len(CLASSES)).argmax())
    constant = np.tile(np.eye(len(CLASSES))[most], (len(held), 1))
    many = [
        predictions("model", held, model.probabilities(held.texts, progress=progress)),
        predictions("majority of these texts", held, constant),
    ]
    before: NDArray[np.int64] | None = None
    label = ""
    if tweets is not None:
        if tweets.present != held.present:
            names = [", ".join(CLASSES[c] for c in data.present) for data in (tweets, held)]
            raise InputError(
                f"the tweets are labelled {names[0]}, the texts {names[1]}; scores of different classes do not "
                "compare, give tweets with the same classes"
            )
        before = predictions("model", tweets, model.probabilities(tweets.texts)).table
        label = tweets.label
    elif (stored := model.manifest.get("evaluation")) is not None and stored["present"] == list(held.present):
        before, label = np.array(stored["rows"][0]["confusion"], np.int64), str(stored["data"]["label"])
    return evaluation(held, many, reference="model", before=before, before_label=label)
