"""The other tabs: finding playlists, similar songs, a listener's songs, the map, and what is not turned on."""

from __future__ import annotations

import dataclasses
from typing import Any

import httpx

from segue.serve.key_file import FILE, add_key
from segue.serve.settings import ServeSettings
from serve.conftest import Served, Start
from serve.page.conftest import Visiting


def test_playlists_are_found_opened_and_gone_on_from(visiting: Visiting, served: Served) -> None:
    visit = visiting().go()
    page = visit.page
    page.get_by_role("tab", name="Find").click()
    page.get_by_role("searchbox", name="Search for playlists").fill("taylor swift")
    page.locator(".card").first.wait_for()
    visit.quiet()
    found = httpx.post(f"{served.url}/v1/search", json={"query": "taylor swift", "n": 20}).json()["playlists"]
    assert page.locator("#panel-find .card").count() == len(found)
    marked = {text.lower() for text in page.locator("#panel-find mark").all_text_contents()}
    assert marked and marked <= {"taylor", "swift"}
    visit.panel.get_by_label("Length", exact=True).select_option(label="Up to 25 songs")
    visit.quiet()
    few = httpx.post(f"{served.url}/v1/search", json={"query": "taylor swift", "n": 20, "max_tracks": 25}).json()[
        "playlists"
    ]
    assert len(few) and page.locator("#panel-find .card").count() == len(few)
    page.locator("#panel-find .card").first.get_by_role("button", name="Open").click()
    visit.rows.first.wait_for()
    whole = httpx.get(f"{served.url}/v1/corpus/{few[0]['playlist_id']}").json()
    assert visit.names() == [track["name"] for track in whole["tracks"]]
    page.go_back()
    page.locator("#panel-find .card").first.wait_for()
    page.go_forward()
    visit.rows.first.wait_for()
    page.get_by_role("button", name="Go on from").click()
    page.locator("#result .row").first.wait_for()
    visit.quiet()
    body = visit.bodies("/v1/continue")[-1]
    assert body["playlist_id"] == few[0]["playlist_id"]
    there = {track["track_id"] for track in whole["tracks"]}
    assert len(visit.ids()) == 25 and not there & set(visit.ids())
    assert page.locator(".chip").count() == 1
    page.get_by_role("tab", name="Find").click()
    page.get_by_role("button", name="All results").click()
    page.get_by_role("button", name="Make one like").first.click()
    page.locator("#result .row").first.wait_for()
    assert page.locator(".chip").count() == min(5, few[0]["n_tracks"])


def test_similar_songs_go_into_the_list(visiting: Visiting, served: Served) -> None:
    visit = visiting().go("#similar")
    field = visit.page.get_by_role("combobox", name="Songs to find similar ones to")
    field.fill("love story")
    visit.page.get_by_role("option").first.wait_for()
    field.press("Enter")
    visit.rows.first.wait_for()
    visit.quiet()
    given = httpx.get(f"{served.url}/v1/tracks", params={"query": "love story", "n": 1}).json()["tracks"][0]
    near = httpx.post(f"{served.url}/v1/similar", json={"track_ids": [given["track_id"]], "n": 30}).json()["tracks"]
    assert visit.ids() == [track["track_id"] for track in near]
    visit.rows.nth(2).get_by_role("button", name="Add to the list in Make").click()
    visit.rows.nth(1).get_by_role("button", name="Similar songs").click()
    visit.quiet()
    assert visit.page.locator("#panel-similar .chip").count() == 1
    assert near[1]["track_id"] not in visit.ids()
    visit.page.get_by_role("tab", name="Make").click()
    assert visit.ids() == [near[2]["track_id"]]
    visit.page.get_by_role("tab", name="Similar").click()
    visit.quiet()
    names = visit.names()
    visit.page.get_by_role("button", name="Edit as a playlist").click()
    visit.quiet()
    assert visit.names() == names and not visit.bodies(
        "/v1/recommend"
    )  # nothing is asked until something is wished for


def test_a_listener_gets_songs(visiting: Visiting, served: Served) -> None:
    visit = visiting().go("#listener")
    visit.page.get_by_label("Country").fill("France")
    visit.rows.first.wait_for()
    visit.quiet()
    listed = httpx.post(f"{served.url}/v1/listeners/-/recommend", json={"country": "France", "n": 30}).json()[
        "tracks"
    ]
    assert visit.ids() == [track["track_id"] for track in listed]
    user = served.serving.current.engine.towers.user_ids[0]
    visit.page.get_by_label("Or the id of a listener").fill(user)
    visit.quiet()
    own = httpx.post(f"{served.url}/v1/listeners/{user}/recommend", json={"country": "France", "n": 30}).json()[
        "tracks"
    ]
    assert visit.ids() == [track["track_id"] for track in own]
    visit.page.get_by_label("Or the id of a listener").fill("nobody of that name")
    visit.page.get_by_role("heading", name="Not there").wait_for()


def test_the_map_fills_the_box(visiting: Visiting, mapped: Served, planted_map: dict[str, Any]) -> None:
    visit = visiting(mapped.url).go("#map")
    page = visit.page
    canvas = page.locator("canvas")
    canvas.wait_for()
    assert page.get_by_role("list", name="Themes").get_by_role("button").all_text_contents() == [
        "rainy days",
        "summer hits",
        "gym",
    ]
    visit.quiet()
    box = canvas.bounding_box()
    assert box
    x = box["x"] + box["width"] * (0.5 + (0.2 - 0.5) * 0.92)  # where the first point was planted
    y = box["y"] + box["height"] * (0.5 + (0.3 - 0.5) * 0.92)
    page.mouse.move(x, y)
    page.locator(".map-said").get_by_text("“rainy days 0” · 40 playlists").wait_for()
    page.mouse.wheel(0, -300)
    visit.quiet()
    page.locator(".map-said").get_by_text("“rainy days 0”").wait_for()  # the map grows around the pointer
    page.mouse.down()
    page.mouse.move(x + 80, y + 30, steps=4)
    page.mouse.up()
    assert page.url.endswith("#map")  # dragging is no click
    page.mouse.click(x + 80, y + 30)
    page.locator("#result .row").first.wait_for()
    assert page.locator("#title").input_value() == "rainy days 0"
    page.go_back()
    page.get_by_label("Find a title on the map").fill("gym 2")
    page.get_by_label("Find a title on the map").press("Enter")
    assert page.locator("#title").input_value().startswith("gym 2")
    page.get_by_role("tab", name="Map").click()
    canvas.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("+")
    page.keyboard.press("Enter")
    assert page.locator("#title").input_value().startswith("gym ")  # the middle of the map moved down, to the gym
    page.get_by_role("tab", name="Map").click()
    page.get_by_role("button", name="summer hits").click()
    assert page.locator("#title").input_value() == "summer hits"


def test_what_is_not_turned_on_says_how(visiting: Visiting, start: Start, serving_settings: ServeSettings) -> None:
    settings = dataclasses.replace(serving_settings, search=None, tracks=None, towers=None)
    with start(settings) as served:
        visit = visiting(served.url).go()
        for tab, command in (
            ("Find", "--search"),
            ("Similar", "--tracks"),
            ("Listener", "--towers"),
            ("Map", "--map"),
        ):
            visit.page.get_by_role("tab", name=tab).click()
            assert command in visit.panel.locator("code").text_content(), tab
            assert "is-off" in visit.page.get_by_role("tab", name=tab).get_attribute("class")
        visit.page.get_by_role("tab", name="Make").click()
        assert visit.make("rainy").count() == 25


def test_a_key_is_asked_for_and_kept_for_this_tab(
    visiting: Visiting, start: Start, serving_settings: ServeSettings
) -> None:
    _, key = add_key(serving_settings.data / FILE, "me")
    with start(dataclasses.replace(serving_settings, keys=True)) as served:
        visit = visiting(served.url).go()
        visit.page.get_by_text("This server wants a key").wait_for()
        visit.page.get_by_role("button", name="Settings and help").click()
        visit.page.get_by_label("Key of this server").fill("wrong")
        visit.page.get_by_role("button", name="Use it").click()
        visit.page.get_by_text("The server does not take this key").wait_for(state="attached")
        visit.page.get_by_label("Key of this server").fill(key)
        visit.page.get_by_role("button", name="Use it").click()
        visit.page.get_by_text("The server takes it.").wait_for()
        visit.page.get_by_role("button", name="Close").click()
        assert visit.make("rainy").count() == 25
        assert visit.page.evaluate("Object.values(localStorage)") == []
        assert visit.page.evaluate("Object.values(sessionStorage)") == [key]
        assert key not in visit.page.url
