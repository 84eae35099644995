"""Titles, names and replies that strangers wrote are text, wherever the page shows them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest

from segue.library import Interactions, Library
from segue.serve.settings import ServeSettings
from segue.sources.demo import songs_library
from segue.systems.builds import NGRAMS, train_model
from segue.systems.playlist_search import index_library
from serve.conftest import Served, Start
from serve.page.conftest import Visit, Visiting

IMAGE = "<img src=x onerror=alert(1)>"
HOSTILE = (
    IMAGE,
    "\"'><script>alert(2)</script>",
    "\u202egnirts desrever\u202c &amp; {{7*7}} ${alert(3)}",
    "javascript:alert(4)",
    "long " * 2_000,
    "</textarea><svg onload=alert(5)>",
    "line\nbreak\x00\x1b[31m\u2028",
)


@pytest.fixture(scope="module")
def hostile_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models whose tracks, artists, albums and playlists are all called such things."""
    folder = tmp_path_factory.mktemp("hostile")
    library, n = songs_library(60, 0), 70
    names = pl.Series([f"{HOSTILE[i % len(HOSTILE)]} {i}" for i in range(n)])
    tracks = library.tracks.head(n).with_columns(name=names, artist=names.reverse(), album=names)
    titles = pl.Series([f"party {HOSTILE[i % len(HOSTILE)]}" for i in range(len(library.playlists))])
    playlists = library.playlists.with_columns(title=titles, description=titles)
    lists = Interactions.of([np.arange(i, i + 30, dtype=np.int32) % n for i in range(len(playlists))], n_columns=n)
    planted = Library(tracks=tracks, playlists=playlists, playlist_tracks=lists, public=True)
    train_model(planted, folder / "model", recipe="ngrams")
    index_library(planted, folder / "search", encoder=NGRAMS)
    title = {"x": 0.5, "y": 0.5, "title": IMAGE, "n": 9, "theme": 0}
    (folder / "map.json").write_bytes(
        msgspec.json.encode({"points": [title], "themes": [{"name": IMAGE, "x": 0.5, "y": 0.5, "n": 1}]})
    )
    return folder


@pytest.fixture
def hostile(start: Start, serving_settings: ServeSettings, hostile_folder: Path) -> Iterator[Served]:
    settings = dataclasses.replace(
        serving_settings,
        model=hostile_folder / "model",
        search=hostile_folder / "search",
        map=hostile_folder / "map.json",
    )
    with start(settings) as served:
        yield served


def unharmed(visit: Visit) -> None:
    """No element came out of a text, nothing is wider than the window, and no text reaches over others."""
    made: list[Any] = visit.page.evaluate(
        "() => [...document.querySelectorAll(`img, script:not([src^='/static/']), iframe, object, [onerror],"
        " [onload], a[href^=javascript]`)].map(e => e.outerHTML)"
    )
    assert made == []
    assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert visit.page.evaluate(
        "[...document.querySelectorAll('.name, .artist, .card-text, .chip')].every(e => e.clientHeight < 120)"
    )
    assert not any("\u202e" in text or "\x00" in text for text in visit.page.locator("main").all_inner_texts())


def test_names_and_titles_stay_text(visiting: Visiting, hostile: Served) -> None:
    visit = visiting(hostile.url, viewport={"width": 360, "height": 800})
    visit.go()
    visit.make(f"party {IMAGE}")
    assert any(IMAGE in name for name in visit.names())
    visit.rows.first.get_by_role("button", name="Why, and more").click()
    assert (
        "“party img src x onerror alert 1”" in visit.rows.first.locator(".why").text_content()
    )  # titles are told normalised
    unharmed(visit)
    field = visit.page.get_by_role("combobox", name="Start from a song")
    field.fill("img src")
    visit.page.get_by_role("option").first.wait_for()
    field.press("Enter")
    visit.quiet()
    assert visit.page.locator(".chip").count() == 1
    unharmed(visit)
    visit.page.get_by_role("button", name="Save").click()
    visit.page.get_by_role("textbox", name="Its name").press("Enter")
    visit.page.locator(".many").get_by_text("saved as").wait_for()
    visit.page.get_by_role("tab", name="Saved").click()
    visit.page.locator("#panel-saved .card").wait_for()
    assert IMAGE in visit.page.locator("#panel-saved .card-title").text_content()
    unharmed(visit)
    visit.go("#find?q=" + "party img onerror")
    visit.page.locator("#panel-find .card").first.wait_for()
    assert visit.page.locator("#panel-find mark").count() > 0
    unharmed(visit)
    visit.go("#map")
    visit.page.get_by_role("button", name=IMAGE).wait_for()
    unharmed(visit)
    visit.page.get_by_role("button", name=IMAGE).click()
    assert visit.page.locator("#title").input_value() == IMAGE


def test_an_address_can_only_say_text(visiting: Visiting, hostile: Served) -> None:
    from urllib.parse import quote

    visit = visiting(hostile.url)
    given = quote(msgspec.json.encode([IMAGE, IMAGE, IMAGE]).decode())
    visit.go(f"#make?title={quote(IMAGE)}&with={given}&after={quote(msgspec.json.encode([IMAGE, IMAGE]).decode())}")
    visit.page.locator(".chip").nth(1).wait_for()
    visit.quiet()
    unharmed(visit)
    visit.go(f"#similar?with={given}")
    visit.quiet()
    unharmed(visit)
    visit.go(f"#listener?user={quote(IMAGE)}")
    visit.page.get_by_role("heading", name="Not there").wait_for()
    unharmed(visit)
