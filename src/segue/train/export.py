"""A sentence encoder as ONNX: exported once, checked against torch, opened by queries without torch."""

from __future__ import annotations

import contextlib
import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from segue.encode.folder import SentenceFolder, digest_file
from segue.encode.onnx import OnnxEncoder
from segue.encode.sentence import SentenceEncoder
from segue.errors import InputError, MissingDependency, OutputError, TrainingError
from segue.train.sentence_folder import write_sentence_folder

__all__ = ["TOLERANCE", "export_onnx"]

TOLERANCE = 1e-4
_OPSET = 20  # the first with an operator for GELU, which onnxruntime fuses with its bias
# SkipLayerNormalization is slower on processors than the sum and the norm that it replaces (measured: 20 % of bulk).
_SLOW_FUSIONS = ["SkipLayerNormFusion"]

# Short and long, scripts, emoji, nothing, hostile: what torch and onnxruntime must agree on.
_CHECKS = (
    "",
    "road trip",
    "summer 2017",
    "rnb",
    "rainy sunday cloud with rain",
    "🌧",
    "sad songs for people who lie awake at three in the morning and think about everything they ever said",
    "música para estudiar",
    "новый год",
    "東京 シティポップ",
    "हिंदी गाने",
    "\u202ertl \x00 control \ud800 surrogate",
    "x" * 300,
    "lorem ipsum dolor sit amet " * 60,
)


def export_onnx(source: Path, out: Path) -> Path:
    """Copy an encoder's folder to ``out`` and add ``out/onnx/model.onnx`` (float32, graph optimised).

    The weights lie beside the graph as ``model.*.data``. ``out`` is a sentence-transformers folder with the
    fingerprint of ``source``; of a plain transformers folder only the base model and the tokenizer go into it, never
    a head, an optimiser's state or anything else that lies there.

    The graph takes ``input_ids`` and ``attention_mask``, int64 ``(n, length)``, and gives ``vectors``, float32
    ``(n, d)`` of unit length: pooling and scaling are part of it. Its metadata hold the digests of weights and
    tokenizer, so that vectors can never be taken for those of other weights.

    Args:
        source: the folder; ``out`` may be the same, then only the graph is added. (Not so for a plain transformers
            folder.)

    Returns:
        ``out``.

    Raises:
        StoredDataError: ``source`` is damaged or of a kind that is not supported.
        MissingDependency: torch or onnx are not installed.
        InputError: a plain transformers folder should be exported into itself.
        OutputError: ``out`` cannot be written to.
        TrainingError: the exported graph differs from torch by more than :data:`TOLERANCE`.
    """
    source, out = Path(source), Path(out)
    described = SentenceFolder.read(source)
    encoder = SentenceEncoder.open(source)
    try:
        same = out.exists() and out.samefile(source)
        if described.prefix is not None:
            if same:
                raise InputError(f"{source} is a plain transformers folder; export it to another place")
            write_sentence_folder(described, out)
        elif not same:
            shutil.copytree(
                source, out, dirs_exist_ok=True, ignore=shutil.ignore_patterns("onnx", ".git*", "openvino")
            )
        (out / "onnx").mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out, prefix=".export-") as folder:
            work = Path(folder)
            (work / "onnx").mkdir()
            shutil.copy(source / "tokenizer.json", work)
            _export(encoder, described, work / "raw.onnx")
            _optimise(work / "raw.onnx", work / "optimised.onnx")
            weights = _finish(work / "optimised.onnx", work / "onnx", described)
            _check(encoder, OnnxEncoder.open(work), source)
            # The graph names its weights, so whoever opens it meets the old pair or the new one.
            (work / "onnx" / weights).replace(out / "onnx" / weights)
            (work / "onnx" / "model.onnx").replace(out / "onnx" / "model.onnx")
            for old in (out / "onnx").glob("model.*.data"):
                if old.name != weights:
                    old.unlink()
    except OSError as error:
        raise OutputError(f"cannot write {out}: {error.strerror or error}") from error
    return out


def _export(encoder: SentenceEncoder, described: SentenceFolder, path: Path) -> None:
    import torch

    transformer = encoder.model[0].auto_model
    pooling = described.pooling
    linear = None if described.dense is None else encoder.model[2].linear

    class Graph(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.transformer = transformer
            self.linear = linear

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            hidden = self.transformer(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
            if pooling == "cls":
                pooled = hidden[:, 0]
            elif pooling == "max":
                pooled = hidden.masked_fill(mask == 0, -1e9).max(1).values
            elif pooling == "mean":
                pooled = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
            else:
                pooled = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9).sqrt()
            if self.linear is not None:
                pooled = self.linear(pooled)
            return torch.nn.functional.normalize(pooled, dim=-1)

    # Two rows of unlike length, so that no size is taken for a constant.
    ids = torch.full((2, 7), 5, dtype=torch.int64)
    mask = torch.ones_like(ids)
    mask[1, 5:] = 0
    axes = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    with _plain_attention(transformer), _quiet(), torch.no_grad():
        torch.onnx.export(
            Graph().eval(),
            (ids, mask),
            str(path),
            input_names=["input_ids", "attention_mask"],
            output_names=["vectors"],
            dynamic_shapes={"input_ids": axes, "attention_mask": axes},
            opset_version=_OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )


@contextlib.contextmanager
def _plain_attention(transformer: Any) -> Iterator[None]:
    """Attention spelled out, whose pieces onnxruntime can fuse."""
    before = transformer.config._attn_implementation
    transformer.set_attn_implementation("eager")
    try:
        yield
    finally:
        transformer.set_attn_implementation(before)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence what the exporter says about itself; it concerns nobody who exports."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)  # "torchvision is not installed"
    try:
        with warnings.catch_warnings():
            # torch 2.9 and later, about its own use of copyreg
            warnings.filterwarnings("ignore", r".*LeafSpec", FutureWarning)
            # the exporter, about two inputs that share their sizes
            warnings.filterwarnings("ignore", r".*axis name", UserWarning)
            yield
    finally:
        logger.setLevel(level)


def _optimise(raw: Path, out: Path) -> None:
    """Let onnxruntime fuse what is the same on all processors, so that opening need not."""
    from onnxruntime.capi import onnxruntime_pybind11_state as states
    from onnxruntime.capi.onnxruntime_inference_collection import InferenceSession

    options = states.SessionOptions()
    options.graph_optimization_level = states.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(out)
    options.log_severity_level = 4
    InferenceSession(str(raw), options, providers=["CPUExecutionProvider"], disabled_optimizers=_SLOW_FUSIONS)


def _finish(optimised: Path, folder: Path, described: SentenceFolder) -> str:
    """Write the graph with its origin, the weights beside it, and return the name of the weights' file."""
    try:
        import onnx
    except ImportError as error:
        raise MissingDependency("exporting an encoder", extra="train") from error

    model = onnx.load(str(optimised))
    tokenizer = digest_file(described.path / "tokenizer.json")
    notes = {
        "segue.weights": described.weights,
        "segue.tokenizer": tokenizer,
        "segue.max_length": str(described.max_length),
        "segue.pooling": described.pooling,
    }
    onnx.helper.set_model_props(model, notes)
    # Weights of their own are mapped, not read: a cold start takes a third of the time.
    name = f"model.{digest_file(optimised)[:16]}.data"
    onnx.save(model, str(folder / "model.onnx"), save_as_external_data=True, location=name, convert_attribute=False)
    (folder / name).chmod(0o644)
    return name


def _check(torch_encoder: SentenceEncoder, onnx_encoder: OnnxEncoder, source: Path) -> None:
    if torch_encoder.fingerprint != onnx_encoder.fingerprint:
        raise TrainingError(f"the export of {source} has another fingerprint than its source; export again")
    difference = float(np.abs(torch_encoder.encode(_CHECKS) - onnx_encoder.encode(_CHECKS)).max())
    if not difference <= TOLERANCE:
        raise TrainingError(
            f"the export of {source} differs from torch by {difference:.1e}, more than {TOLERANCE:.0e}, and was "
            "dropped; use another encoder or another version of onnxruntime"
        )
