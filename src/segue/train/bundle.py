"""A fine-tuned encoder as a folder that anyone can take away: weights, graph, model card, and where it came from."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any

from segue.encode.bundle import FORMAT_VERSION, KIND
from segue.library.arrays import write_bytes
from segue.train.loop import Epoch

__all__ = ["card", "described", "history_of"]

_PACKAGES = ("torch", "sentence-transformers", "transformers", "onnxruntime", "numpy")


def described(
    *,
    fingerprint: str,
    base: Mapping[str, Any],
    settings: Mapping[str, Any],
    data: Mapping[str, Any],
    effect: Mapping[str, Any],
    history: Sequence[Epoch],
    best_epoch: int,
    metrics: Mapping[str, Any],
    licence: str,
) -> dict[str, Any]:
    """The manifest of a bundle, without its list of files."""
    return {
        "kind": KIND,
        "format_version": FORMAT_VERSION,
        "fingerprint": fingerprint,
        "base": dict(base),
        "loss": settings["loss"],
        "method": settings["method"],
        "preset": settings["preset"],
        "settings": dict(settings),
        "data": dict(data),
        "effect": dict(effect),
        "history": history_of(history),
        "best_epoch": best_epoch,
        "metrics": dict(metrics),
        "licence": licence,
        "versions": {
            "segue": version("segue-playlists"),
            "python": platform.python_version(),
            **{name: version(name) for name in _PACKAGES},
        },
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def history_of(epochs: Sequence[Epoch]) -> list[dict[str, Any]]:
    """Epochs as they are stored."""
    return [
        {
            "epoch": e.epoch,
            "train_loss": e.train_loss,
            "validation_loss": e.validation_loss,
            "train_metric": e.train_metric,
            "validation_metric": e.validation_metric,
            "train_accuracy": None,
            "validation_accuracy": e.validation_accuracy,
            "cpu_s": round(e.cpu_s, 3),
            "seconds": round(e.seconds, 3),
            "titles": e.titles,
            "titles_per_cpu_s": None if e.titles_per_cpu_s is None else round(e.titles_per_cpu_s, 2),
        }
        for e in epochs
    ]


def card(
    folder: Path, manifest: Mapping[str, Any], template: str = "model_card.md", words: Mapping[str, str] | None = None
) -> None:
    """Write the model card, ``README.md``: data, losses, metrics, what it is for and what not, licence.

    No title and no name of a track stands in it.

    Args:
        template: name of the file in this package that is filled in. words: what more its blanks are filled with.
    """
    data, settings = manifest["data"], manifest["settings"]
    best = next(e for e in manifest["history"] if e["epoch"] == manifest["best_epoch"])
    themes = f"themes `{data['themes']}`" if data.get("themes") else "no themes (the loss needs none)"
    rows = "\n".join(
        f"| {name} | {_figure(one.get('mean'))} | {_figure(one.get('low'))} to {_figure(one.get('high'))} |"
        for name, one in manifest["metrics"].items()
    )
    epochs = "\n".join(
        f"| {e['epoch']} | {_figure(e['train_loss'])} | {_figure(e['validation_loss'])} | "
        f"{_figure(e['validation_accuracy'])} | {_figure(e['validation_metric'])} |"
        for e in manifest["history"]
    )
    chosen = {k: v for k, v in settings.items() if k not in ("loss", "method", "preset")}
    listed = "\n".join(f"- `{name}`: {value}" for name, value in chosen.items())
    part = "the training part of the hash split" if data["part"] == "train" else "all playlists, held-out ones too"
    blank = (resources.files("segue.train") / template).read_text("utf-8")
    values = {
        f"{name}_{key}": v for name in ("base", "data", "settings", "effect") for key, v in manifest[name].items()
    }
    text = blank.format(
        **values,
        **(words or {}),
        licence=manifest["licence"],
        fingerprint=manifest["fingerprint"],
        best_epoch=manifest["best_epoch"],
        part=part,
        themes=themes,
        epochs=epochs,
        rate=_figure(best["titles_per_cpu_s"]),
        rows=rows,
        listed=listed,
    )
    write_bytes(folder / "README.md", text.encode())


def _figure(value: Any) -> str:
    return "-" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)
