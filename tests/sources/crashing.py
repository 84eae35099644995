"""Stand-ins for the analysis of a file that a process of its own can import."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def work(path: Path) -> tuple[dict[str, Any] | None, str]:
    """Die as a decoder would on one file, refuse another, and do the rest."""
    if path.name.startswith("crash"):
        os._exit(139)
    return (None, "bad") if path.name.startswith("bad") else ({"location": str(path)}, "")
