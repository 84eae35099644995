"""Checkpoints of a fine-tuning: tensors as safetensors, everything else as JSON, no pickle; whole or not at all."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segue.errors import OutputError, StoredDataError
from segue.library.arrays import read_json, write_json

if TYPE_CHECKING:
    import torch

__all__ = ["Checkpoints", "load_adam", "stored_adam"]

_STATE = "state.json"
_FORMAT = 1


@dataclass(frozen=True)
class Checkpoints:
    """A folder with the last state of a training and the weights of its best epoch.

    ``state.json`` names the tensor file that it belongs to and is replaced last, so a reader, and a training that was
    killed while it saved, meets the last whole checkpoint.

    Args:
        run: digest of data and settings; a checkpoint of another run is refused.
    """

    folder: Path
    run: str

    def save(self, name: str, tensors: dict[str, torch.Tensor], state: dict[str, Any]) -> None:
        """Replace the last state.

        Raises:
            OutputError: the folder cannot be written to.
        """
        file = self._write(name, tensors)
        write_json(self.folder / _STATE, {"format_version": _FORMAT, "run": self.run, "tensors": file, **state})
        self._sweep({file, str(state.get("best_file") or "")})

    def save_best(self, epoch: int, tensors: dict[str, torch.Tensor]) -> str:
        """Write the weights of the best epoch; the state that is saved next has to name the file as ``best_file``."""
        return self._write(f"best-{epoch:03d}", tensors)

    def _write(self, name: str, tensors: dict[str, torch.Tensor]) -> str:
        from safetensors import SafetensorError
        from safetensors.torch import save_file

        file = self.folder / f"{name}.safetensors"
        part = file.with_name(f".{file.name}.part")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            save_file({n: t.detach().cpu().contiguous() for n, t in tensors.items()}, part)
            part.replace(file)
        except (OSError, SafetensorError) as error:
            raise OutputError(
                f"cannot write {file}: {error}; free some space and run the same command again"
            ) from error
        return file.name

    def _sweep(self, kept: set[str]) -> None:
        for old in [*self.folder.glob("*.safetensors"), *self.folder.glob(".*.part")]:
            if old.name not in kept:
                with contextlib.suppress(OSError):
                    old.unlink()

    def state(self) -> dict[str, Any] | None:
        """The last state; None if there is none.

        Raises:
            StoredDataError: it is damaged, or of another run or a newer format.
        """
        file = self.folder / _STATE
        if not file.exists():
            return None
        state = read_json(file)
        if not isinstance(state, dict) or not isinstance(state.get("tensors"), str):
            raise StoredDataError(f"{file} is damaged; remove {self.folder} to start again")
        if state.get("format_version") != _FORMAT:
            raise StoredDataError(f"{file} is of another version of segue; remove {self.folder} to start again")
        if state.get("run") != self.run:
            raise StoredDataError(
                f"{self.folder} holds a training with other data or settings; go on with those, choose another "
                "place, or start again with --restart"
            )
        return state

    def tensors(self, file: str) -> dict[str, torch.Tensor]:
        """Tensors of a file that a state names.

        Raises:
            StoredDataError: it is missing or damaged.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        path = self.folder / Path(file).name
        try:
            return load_file(path)
        except (OSError, SafetensorError) as error:
            raise StoredDataError(f"{path} is damaged ({error}); remove {self.folder} to start again") from error


def stored_adam(optimizer: torch.optim.Optimizer, names: list[str]) -> dict[str, torch.Tensor]:
    """Adam's moments and steps as named tensors; ``names`` in the order of the optimizer's parameters."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    found: dict[str, torch.Tensor] = {}
    for name, parameter in zip(names, parameters, strict=True):
        for key, value in optimizer.state.get(parameter, {}).items():
            found[f"adam.{key}.{name}"] = value
    return found


def load_adam(optimizer: torch.optim.Optimizer, names: list[str], tensors: dict[str, torch.Tensor]) -> None:
    """Put back what :func:`stored_adam` gave."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for name, parameter in zip(names, parameters, strict=True):
        state = {
            key: tensors[f"adam.{key}.{name}"].to(parameter.device if key != "step" else "cpu")
            for key in ("step", "exp_avg", "exp_avg_sq")
            if f"adam.{key}.{name}" in tensors
        }
        if state:
            optimizer.state[parameter] = state
