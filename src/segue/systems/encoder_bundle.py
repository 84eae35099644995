"""A trained encoder -> its bundle: weights, graph, what training did to it, how good it is, and its card."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder
from segue.encode.bundle import KIND
from segue.encode.folder import SentenceFolder
from segue.encode.locate import base_model_folder
from segue.encode.remembered import RememberedEncoder
from segue.encode.sentence import SentenceEncoder
from segue.errors import MissingDependency
from segue.library.arrays import write_bytes, write_json
from segue.library.folders import new_folder
from segue.library.names import one_line
from segue.systems.encoder_metrics import loss_curves
from segue.systems.manifest import describe_files
from segue.train.bundle import card, described
from segue.train.effect import measured
from segue.train.export import export_onnx
from segue.train.loop import Trained
from segue.train.settings import FinetuneSettings
from segue.train.text_model import TextModel

__all__ = ["ADAPTER", "name_of", "write_encoder"]

ADAPTER = "adapter"
"""Folder of a bundle with the change of LoRA alone."""
_EFFECT_TEXTS = 5_000


def write_encoder(
    out: Path,
    model: TextModel,
    trained: Trained,
    base: Path,
    settings: FinetuneSettings,
    *,
    texts: Sequence[str],
    data: Mapping[str, Any],
    metrics: Callable[[Encoder, Encoder], Mapping[str, Any]],
    adapter: bool = False,
    card_template: str = "model_card.md",
    card_words: Callable[[Mapping[str, Any]], Mapping[str, str]] | None = None,
    metric: str = "NDCG@500 of the recipe",
    more: Callable[[Encoder, Encoder], Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Write a bundle, atomically; the model is done for afterwards.

    Args:
        texts: what the effect of the training is measured on, evenly spaced ones of many.
        data: what it was trained on, for the manifest.
        metrics: (base encoder, tuned encoder) -> figures by name, each with mean, low and high.
        adapter: save the change of LoRA apart too, in :data:`ADAPTER`.
        card_template: the model card's blank. card_words: manifest -> what more its blanks are filled with.
        metric: what the validation metric of the epochs is called.
        more: (base encoder, tuned encoder) -> more parts of the manifest.

    Returns:
        The manifest.

    Raises:
        TrainingError: nothing changed. OutputError: cannot write.
    """
    described_base = SentenceFolder.read(base)
    with tempfile.TemporaryDirectory(prefix="segue-") as scratch, new_folder(out, kind=KIND) as folder:
        tuned = Path(scratch) / "tuned"
        if adapter:
            model.save_adapter(Path(scratch) / ADAPTER, name_of(base))  # saving merges it into the weights
        model.save(tuned)
        after = SentenceEncoder.open(tuned)
        old, new = RememberedEncoder(SentenceEncoder.open(base)), RememberedEncoder(after)
        chosen = np.linspace(0, len(texts) - 1, min(len(texts), _EFFECT_TEXTS)).astype(int)
        sample = [texts[row] for row in chosen.tolist()]
        vectors: list[NDArray[np.float32]] = [encoder.encode(sample) for encoder in (old, new)]
        effect = measured(base, tuned, *vectors)
        effect.check()
        export_onnx(tuned, folder)
        if adapter:
            (folder / ADAPTER).mkdir()
            for file in sorted((Path(scratch) / ADAPTER).iterdir()):
                write_bytes(folder / ADAPTER / file.name, file.read_bytes())
        manifest = described(
            fingerprint=after.fingerprint,
            base={"name": name_of(base), "fingerprint": described_base.fingerprint()},
            settings=settings.to_json(),
            data=data,
            effect=effect.to_json(),
            history=trained.history,
            best_epoch=trained.best,
            metrics=metrics(old, new),
            licence=_licence(base),
        )
        manifest["scales"] = trained.scales
        if more is not None:
            manifest.update(more(old, new))
        if (curves := loss_curves(manifest, metric)) is not None:
            write_bytes(folder / "losses.svg", curves.encode())
        card(folder, manifest, card_template, None if card_words is None else card_words(manifest))
        for file in folder.rglob("*"):
            file.chmod(0o755 if file.is_dir() else 0o644)  # safetensors writes for its owner alone
        manifest["files"] = describe_files(folder)
        write_json(folder / "manifest.json", manifest)
    return manifest


def name_of(base: Path) -> str:
    """How the base is called: a bundled model by its own name, another folder by its last part."""
    return "all-MiniLM-L6-v2" if base == _bundled() else one_line(base.name, 80)


def _bundled() -> Path | None:
    try:
        return base_model_folder()
    except MissingDependency:
        return None


def _licence(base: Path) -> str:
    """The licence that the base model's card names; the bundled model's is Apache-2.0."""
    card_file = base / "README.md"
    if card_file.is_file():
        for line in card_file.read_text("utf-8", "replace").splitlines()[:60]:
            if line.startswith("license:"):
                return one_line(line.removeprefix("license:").strip(), 60) or "unknown"
    return "apache-2.0" if base == _bundled() else "unknown"
