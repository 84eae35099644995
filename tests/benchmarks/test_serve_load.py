"""The load benchmark runs at a tiny size: real processes, swaps without an error, a flood that is survived."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "serve_load.py"


def run(out: Path, phases: str, *more: str) -> tuple[dict[str, Any], str]:
    command = [sys.executable, str(SCRIPT), "--quick", "--workers", "1", "--seconds", "1", "--phases", phases]
    command += ["--rate", "20", "--swap-rate", "20", "--clients", "4", "--out", str(out), *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(out.read_text())[-1], done.stdout


@pytest.mark.slow
def test_a_service_under_load_is_swapped_and_flooded(tmp_path: Path) -> None:
    """Four connections, a model renamed into place and one with SIGHUP, three times what it can do; and the other."""
    pytest.importorskip("sentence_transformers")
    found, table = run(tmp_path / "runs.json", "many,swap,overload,naive")
    many, flood, swap, *naive = found["phases"]
    assert many["statuses"].keys() == {"200"} and many["answers"] >= 4 and many["cpu_ms"] > 0
    assert many["memory_mb"]["own"] > 10 and many["p50_ms"] <= many["p99_ms"] <= many["max_ms"]
    assert flood["statuses"].keys() <= {"200", "503"} and flood["unexpected"] == 0
    assert flood["after_p50_ms"] > 0
    assert swap["statuses"].keys() == {"200"} and swap["mixed"] == 0 and len(swap["fingerprints"]) == 2
    assert not many["errors"] and not flood["errors"] and not swap["errors"]
    assert {phase["service"] for phase in naive} == {"naive"}
    assert all(phase["statuses"].keys() == {"200"} and phase["kb"] > 1 for phase in naive)
    assert "0 mixed, 2 generations" in table and found["hardware"]["cpu"]
