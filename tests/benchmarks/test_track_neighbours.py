"""The benchmark of track neighbours runs at a tiny size."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "track_neighbours.py"


def test_it_measures_and_writes_what_it_says(tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    command = [sys.executable, str(SCRIPT), "3000", "--queries", "3", "--json", str(out)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    figures = json.loads(out.read_text())
    assert json.loads(said) == figures
    assert figures["tracks"] == 3_000 and figures["d"] == [10, 30] and figures["hardware"]["cores"] >= 1
    assert figures["one_given_cpu_ms"] > 0 and figures["batch_cpu_ms_each"] > 0
