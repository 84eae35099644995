"""Every promise of SECURITY.md names tests, and those are there."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@lru_cache
def _functions(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_every_promise_has_its_tests() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    promised = text.split("## What is promised")[1].split("## What is not promised")[0]
    rows = [line for line in promised.splitlines() if line.startswith("| ") and not line.startswith("| Promise")]
    assert len(rows) > 30
    missing = []
    for row in rows:
        named = TEST.findall(row)
        assert named, row
        missing += [
            f"{file}::{name}"
            for file, name in named
            if not (ROOT / file).is_file() or name not in _functions(ROOT / file)
        ]
    assert missing == []


def test_every_test_of_the_bank_is_promised_or_supports_one() -> None:
    """A test of safety that no promise names would be lost to readers."""
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for path in sorted((ROOT / "tests" / "safety").glob("test_*.py")):
        if path.name != Path(__file__).name:
            assert f"tests/safety/{path.name}::" in text, path.name
