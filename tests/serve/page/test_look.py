"""How it looks and feels: accessible, on a narrow screen, by keys alone; and the pictures of the docs."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import pytest

from segue.serve.settings import ServeSettings
from serve.conftest import Served, Start
from serve.page.conftest import Visit, Visiting

ALL_BUT_MORE_OF_THE_SAME = "{exclude: [['.row:nth-child(n+4)'], ['.card:nth-child(n+3)']]}"
TABS = ("Make", "Find", "Similar", "Listener", "Map", "Saved")
WRITE = os.environ.get("SEGUE_SCREENSHOTS")  # a folder: pictures for the docs, of better models than the tests need


def filled(visit: Visit, tab: str) -> None:
    """Something to look at in a tab."""
    page = visit.page
    page.get_by_role("tab", name=tab).click()
    if tab == "Make":
        visit.make("rainy sunday")
        visit.rows.nth(0).get_by_role("button", name="Keep").click()
        visit.rows.nth(1).get_by_role("button", name="Why, and more").click()
    elif tab == "Find":
        page.get_by_role("searchbox", name="Search for playlists").fill("road trip with friends")
        page.locator("#panel-find .card").first.wait_for()
    elif tab == "Similar":
        field = page.get_by_role("combobox", name="Songs to find similar ones to")
        field.fill("someone like")
        page.get_by_role("option").first.wait_for()
        field.press("Enter")
        visit.rows.first.wait_for()
    elif tab == "Listener":
        page.get_by_label("Country").fill("France")
        visit.rows.first.wait_for()
    elif tab == "Map":
        page.locator("canvas").wait_for()
    elif tab == "Saved":
        page.get_by_role("tab", name="Make").click()
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_role("textbox", name="Its name").press("Enter")
        page.locator(".many").get_by_text("saved as").wait_for()
        page.get_by_role("tab", name="Saved").click()
        page.locator("#panel-saved .card").wait_for()
    visit.quiet()


def violations(visit: Visit, rules: str) -> list[str]:
    """What axe finds, of any weight."""
    if not visit.page.evaluate("typeof axe === 'object'"):
        visit.page.evaluate((files("axe_core_python") / "axe.min.js").read_text("utf-8"))
    found: dict[str, Any] = visit.page.evaluate(f"async () => axe.run({ALL_BUT_MORE_OF_THE_SAME}, {rules})")
    return [
        f"{one['impact']}: {one['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


def test_axe_finds_nothing_in_any_tab(visiting: Visiting, mapped: Served) -> None:
    """All of its rules in the light; in the dark what can differ, contrast."""
    pytest.importorskip("axe_core_python")
    visit = visiting(mapped.url).go()

    def check(where: str) -> None:
        visit.page.emulate_media(color_scheme="light")
        assert violations(visit, "{resultTypes: ['violations']}") == [], where
        visit.page.emulate_media(color_scheme="dark")
        contrast = "{resultTypes: ['violations'], runOnly: ['color-contrast']}"
        assert violations(visit, contrast) == [], f"{where}, dark"

    check("empty")
    for tab in TABS:
        filled(visit, tab)
        check(tab)
    visit.page.get_by_role("button", name="Settings and help").click()
    check("settings")


def test_a_switch_overrules_the_systems_theme(visiting: Visiting) -> None:
    visit = visiting(color_scheme="light").go()
    paper = "getComputedStyle(document.body).backgroundColor"
    light = visit.page.evaluate(paper)
    switch = visit.page.get_by_role("button", name="Theme")
    switch.click()
    assert visit.page.evaluate(paper) == light and switch.get_attribute("aria-label") == "Theme: light"
    switch.click()
    assert visit.page.evaluate(paper) != light and switch.get_attribute("aria-label") == "Theme: dark"
    dark = visit.page.evaluate(paper)
    visit.page.reload()
    assert visit.page.evaluate(paper) == dark
    switch.click()
    assert visit.page.evaluate(paper) == light


def test_a_narrow_screen_shows_everything(visiting: Visiting, mapped: Served) -> None:
    width = 360
    visit = visiting(mapped.url, viewport={"width": width, "height": 740}, has_touch=True).go()
    for tab in TABS:
        filled(visit, tab)
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width, tab
        small = visit.page.evaluate(
            "() => [...document.querySelectorAll('button, select, input, a, textarea')]"
            ".filter(e => e.checkVisibility() && !e.closest('.hidden, label, .skip') && e.id !== 'title')"
            ".map(e => [e.getBoundingClientRect(), e]).filter(([b]) => b.width && (b.height < 39.5 || b.width < 36))"
            ".map(([b, e]) => `${e.outerHTML.slice(0, 90)} ${b.width} x ${b.height}`)"
        )
        assert small == [], tab
    visit.page.get_by_role("tab", name="Make").click()
    visit.page.get_by_role("button", name="Tune").click()
    visit.page.get_by_label("From year").first.fill("1990")
    visit.page.get_by_role("button", name="Tune").click()
    assert "since 1990" in visit.page.get_by_role("button", name="Tune").text_content()
    assert visit.page.get_by_role("radio", name="Smooth").is_hidden()


def test_keys_alone_are_enough(visiting: Visiting, served: Served) -> None:
    visit = visiting().go()
    keyboard, focused = (
        visit.page.keyboard,
        "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent.trim()",
    )
    keyboard.press("Tab")
    assert visit.page.evaluate(focused) == "Skip to the page"
    keyboard.press("/")
    keyboard.type("summer party")
    visit.rows.first.wait_for()
    visit.quiet()
    keyboard.press("Tab")
    keyboard.press("Tab")
    assert "Start from a song" in visit.page.evaluate(focused)
    keyboard.type("dancing queen")
    visit.page.get_by_role("option").first.wait_for()
    keyboard.press("Enter")
    visit.quiet()
    assert visit.page.locator(".chip").count() == 1
    keyboard.press("Backspace")
    visit.quiet()
    assert visit.page.locator(".chip").count() == 0
    for _ in range(60):
        keyboard.press("Tab")
        if visit.page.evaluate("document.activeElement.dataset.part") == "place":
            break
    before = visit.ids()
    keyboard.press("ArrowDown")
    keyboard.press("ArrowDown")
    keyboard.press("Alt+ArrowUp")
    assert visit.ids()[:3] == [before[0], before[2], before[1]]
    keyboard.press("Tab")
    assert "Keep" in visit.page.evaluate(focused)
    keyboard.press("Space")
    assert visit.rows.nth(1).get_by_role("button", name="Keep").get_attribute("aria-pressed") == "true"
    keyboard.press("End")
    assert visit.page.evaluate("document.activeElement.closest('.row').dataset.key") == before[-1]
    keyboard.press("Shift+Tab")
    keyboard.press("Shift+Tab")  # out of the list in one step, however long it is
    assert visit.page.evaluate("document.activeElement.closest('.row')") is None
    for _ in range(60):
        keyboard.press("Shift+Tab")
        if visit.page.evaluate("document.activeElement.getAttribute('role')") == "tab":
            break
    keyboard.press("ArrowRight")
    assert visit.page.evaluate(focused) == "Find" and visit.page.locator("#panel-find").is_visible()
    keyboard.press("End")
    assert visit.page.evaluate(focused) == "Saved"
    shown = visit.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert shown == "solid"  # where the focus is can be seen


@pytest.fixture
def pictured(start: Start, serving_settings: ServeSettings, tmp_path: Path) -> Iterator[Served]:
    with start(models_for_pictures(serving_settings, tmp_path)) as served:
        yield served


def models_for_pictures(settings: ServeSettings, folder: Path) -> ServeSettings:
    """The bundled catalogue, its playlists' titles shown."""
    from segue.sources.demo import songs_library
    from segue.systems.builds import NGRAMS, TrainSettings, train_model
    from segue.systems.model import Model
    from segue.systems.playlist_search import index_library
    from segue.systems.space import playlist_space
    from segue.systems.title_vote import Grid

    library = songs_library(1_000, 0)
    quick = TrainSettings(grid=Grid(temper=(0.8,), pretrained=(0.2,), smoothing=(0.5,), ridge=(0.3,), queries=30))
    train_model(library, folder / "model", base_model=NGRAMS, settings=quick)
    index_library(library, folder / "search", encoder=NGRAMS)
    space = playlist_space(Model.load(folder / "model"), most=1_000)
    (folder / "map.json").write_bytes(msgspec.json.encode(space.to_json()))
    return dataclasses.replace(settings, model=folder / "model", search=folder / "search", map=folder / "map.json")


@pytest.mark.skipif(WRITE is None, reason="pictures for the docs are made with SEGUE_SCREENSHOTS=docs/screenshots")
def test_pictures(visiting: Visiting, pictured: Served) -> None:
    folder = Path(str(WRITE))
    shots = (
        ("make", "light", 1200, "Make"),
        ("find", "dark", 1200, "Find"),
        ("phone", "light", 390, "Make"),
        ("map", "dark", 1200, "Map"),
    )
    for name, scheme, width, tab in shots:
        visit = visiting(
            pictured.url, color_scheme=scheme, viewport={"width": width, "height": 800}, is_mobile=width < 400
        ).go()
        filled(visit, tab)
        visit.page.mouse.move(2, 2)
        visit.page.evaluate("document.activeElement.blur()")
        visit.page.screenshot(path=folder / f"{name}.png")
        assert (folder / f"{name}.png").stat().st_size > 10_000
