"""Low-rank changes of a transformer's weights (LoRA): put in, and saved apart."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from segue.errors import InputError, MissingDependency
from segue.library.arrays import write_bytes

__all__ = ["save_lora", "with_lora"]

_TARGETS = ("query", "key", "value", "dense", "q_lin", "k_lin", "v_lin", "out_lin", "q", "k", "v", "o")


def with_lora(transformer: Any, rank: int, alpha: int, targets: Sequence[str] = ()) -> Any:
    """The transformer with a change of rank ``rank`` beside chosen linear layers; nothing else may move.

    The layers are changed in place, as peft does it; their own weights stay bit for bit.

    Args:
        alpha: the change counts ``alpha / rank`` times.
        targets: last parts of the layers' names; empty for those of the attention and the dense layers behind it.

    Raises:
        InputError: there is no such layer. MissingDependency: peft is not installed.

    Source: Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models".
    """
    import torch

    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise MissingDependency("fine-tuning with LoRA", extra="train") from error
    linear = [n for n, m in transformer.named_modules() if isinstance(m, torch.nn.Linear) and "pooler" not in n]
    unknown = sorted(set(targets) - {name.rsplit(".", 1)[-1] for name in linear})
    if unknown:
        there = ", ".join(sorted({name.rsplit(".", 1)[-1] for name in linear}))
        raise InputError(f"this transformer has no linear layer called {unknown[0][:40]!r}; there are {there}")
    chosen = [name for name in linear if name.rsplit(".", 1)[-1] in (targets or _TARGETS)]
    if not chosen:
        raise InputError("LoRA finds no attention in this transformer; choose --method full or adapter")
    config = LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=0.0, target_modules=chosen, bias="none")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r".*gradient_checkpointing", FutureWarning)  # peft asks for an old name
        return get_peft_model(transformer, config)


def save_lora(lora: Any, folder: Path, base: str) -> None:
    """Write ``adapter_model.safetensors`` and ``adapter_config.json`` into a folder, as peft reads them.

    Args:
        base: name of the model that the change belongs to.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Could not find a config file")  # it looks for the base's, to see its words
        lora.save_pretrained(str(folder), safe_serialization=True)
    (folder / "README.md").unlink(missing_ok=True)  # a model card of placeholders
    file = folder / "adapter_config.json"
    config = json.loads(file.read_text("utf-8"))
    config["base_model_name_or_path"] = base  # peft writes the path of this machine
    config["target_modules"] = sorted(config["target_modules"])  # a set: its order changes from run to run
    write_bytes(file, json.dumps(config, indent=2, sort_keys=True).encode())
