"""The page's files, as files: nothing from elsewhere, nothing inline, no markup made of text."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from segue.serve.routes.page import PAGE
from serve.conftest import Served

SCRIPTS = sorted(PAGE.rglob("*.js"))
STYLES = sorted(PAGE.glob("*.css"))
IMPORT = re.compile(r'^(?:import|export) .*? from "([^"]+)";|^import "([^"]+)";', re.MULTILINE)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_make_no_markup_of_text(script: Path) -> None:
    text = script.read_text("utf-8")
    for forbidden in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        'setAttribute("style"',
        "srcdoc",
        "DOMParser",
        "createContextualFragment",
    ):
        assert forbidden not in text, forbidden
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
    assert len(text.splitlines()) <= 250


def test_every_script_is_reached_and_every_import_is_there() -> None:
    reached, waiting = set(), [PAGE / "app.js"]
    while waiting:
        script = waiting.pop()
        if script in reached:
            continue
        reached.add(script)
        for first, second in IMPORT.findall(script.read_text("utf-8")):
            found = (script.parent / (first or second)).resolve()
            assert found.is_file(), f"{script.name} imports {first or second}"
            waiting.append(found)
    assert {*SCRIPTS} - reached == {PAGE / "theme.js"}


def test_the_document_has_nothing_inline_and_nothing_from_elsewhere() -> None:
    text = (PAGE / "index.html").read_text("utf-8")
    assert not re.search(r"<style|style=|\son\w+=|https?:", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))
    for address in re.findall(r'(?:src|href)="(/[^"]*)"', text):
        assert (PAGE / address.removeprefix("/static/")).is_file(), address
    assert {path.name for path in STYLES} == set(re.findall(r"/static/(\w+\.css)", text))


@pytest.mark.parametrize("style", STYLES, ids=lambda path: path.name)
def test_styles_load_nothing(style: Path) -> None:
    assert not re.search(r"url\(|@import|https?:", style.read_text("utf-8"))


def test_the_page_is_small(served: Served) -> None:
    """Everything that the first view loads, packed: less than one photograph."""
    files = [*SCRIPTS, *STYLES, PAGE / "index.html", PAGE / "icon.svg"]
    with httpx.Client(base_url=served.url, headers={"Accept-Encoding": "gzip"}) as client:
        sizes = []
        for path in files:
            address = "/" if path.name == "index.html" else f"/static/{path.relative_to(PAGE).as_posix()}"
            with client.stream("GET", address) as answer:
                assert answer.status_code == 200, address
                sizes.append(sum(len(piece) for piece in answer.iter_raw()))
    assert sum(sizes) < 80_000, sum(sizes)
