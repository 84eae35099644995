"""What ``segue model show`` says about a folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segue.protocols.stored_encoders import Stored

__all__ = ["described", "lines", "shown"]

_WHAT = {"model": "model", "bundle": "fine-tuned encoder", "encoder": "encoder folder, nothing fine-tuned by segue"}
_LONG = 160


def described(found: Stored) -> dict[str, Any]:
    """Everything about a folder, JSON-able."""
    from segue.encode.tensors import parameters, tensor_shapes
    from segue.errors import MissingDependency
    from segue.evaluate.encoder_table import about_of

    files = [file for file in found.path.rglob("*") if file.is_file()]
    sizes: dict[str, Any] = {"files": len(files), "bytes": sum(file.stat().st_size for file in files)}
    if found.folder is not None:
        try:
            shapes = tensor_shapes(found.folder)
            sizes |= {"tensors": len(shapes), "parameters": parameters(shapes)}
        except MissingDependency:
            pass  # sizes of files say enough
    manifest = found.manifest
    about = about_of("", found.fingerprint, 0, manifest, ()) if found.kind == "bundle" else None
    return {
        "path": str(found.path),
        "kind": found.kind,
        "fingerprint": found.fingerprint,
        "encoder": found.encoder,
        "settings": found.settings,
        "effect": manifest.get("effect"),
        "best_epoch": manifest.get("best_epoch"),
        "epochs": None if about is None else max((one.epoch for one in about.history), default=None),
        "metrics": found.metrics,
        "sizes": sizes,
        "versions": manifest.get("versions"),
        "created": manifest.get("created"),
        "warnings": list(found.warnings),
    }


def lines(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The same as pairs of a name and a text, for a table."""
    out = [("folder", found["path"]), ("is a", _WHAT[found["kind"]]), ("fingerprint", found["fingerprint"])]
    out += [("warning", warning) for warning in found["warnings"]]
    if found["encoder"] not in (None, found["fingerprint"]):
        out.append(("encoder", found["encoder"]))
    out += [(name, shown(value)) for name, value in found["settings"].items()]
    if found["effect"]:
        out.append(("effect of training", shown(found["effect"])))
    if found["best_epoch"] is not None:
        out.append(("kept epoch", f"{shown(found['best_epoch'])} of {shown(found['epochs'])}"))
    out += [(name, shown(value)) for name, value in found["metrics"].items()]
    sizes = found["sizes"]
    size = f"{sizes['bytes'] / 1e6:,.1f} MB in {sizes['files']:,} files"
    if "parameters" in sizes:
        size += f"; {sizes['parameters']:,} parameters in {sizes['tensors']:,} tensors"
    out.append(("size", size))
    if found["versions"]:
        out.append(("versions", shown(found["versions"])))
    if found["created"]:
        out.append(("created", shown(found["created"])))
    return out


def shown(value: Any) -> str:
    """A value of a manifest as people read it, cut off where it is long.

    >>> shown({"mean": 0.123456, "low": 0.1, "high": 0.15}), shown({"k": 50, "kept": 0.75}), shown(None)
    ('0.1235 [0.1, 0.15]', 'k 50, kept 0.75', '-')
    """
    if value is None:
        text = "-"
    elif isinstance(value, bool):
        text = "yes" if value else "no"
    elif isinstance(value, float):
        text = f"{value:.4g}"
    elif isinstance(value, Mapping) and "mean" in value:
        text = shown(value["mean"])
        if value.get("low") is not None:
            text += f" [{shown(value['low'])}, {shown(value.get('high'))}]"
    elif isinstance(value, Mapping):
        text = ", ".join(f"{name} {shown(one)}" for name, one in value.items())
    elif isinstance(value, list | tuple):
        text = ", ".join(shown(one) for one in value)
    else:
        text = str(value)
    return text if len(text) <= _LONG else text[: _LONG - 1] + "…"
