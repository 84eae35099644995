from __future__ import annotations

from pathlib import Path

import pytest

from segue.protocols.common import bundled_titles

ROOT = Path(__file__).parents[2]


def test_sixty_titles_to_judge_at_a_glance_and_twenty_two_to_select() -> None:
    assert len(bundled_titles()) == len(set(bundled_titles())) == 60
    assert len(bundled_titles("selected_titles")) == len(set(bundled_titles("selected_titles"))) == 22


def test_the_packaged_titles_are_those_of_the_docs() -> None:
    docs = ROOT / "docs" / "titles.txt"
    if not docs.exists():
        pytest.skip("the docs are not beside the tests")
    packaged = ROOT / "src" / "segue" / "protocols" / "data" / "titles.txt"
    assert docs.read_bytes() == packaged.read_bytes()
