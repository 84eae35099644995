"""What leaves the page: saved playlists, files, texts, links; and being forgotten."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import httpx

from segue.sources.playlist_files import read_playlist
from serve.conftest import Served
from serve.page.conftest import Visit, Visiting


def saved(visiting: Visiting, title: str = "summer party", **context: object) -> Visit:
    """A page on which a list of five songs was saved."""
    visit = visiting(**context).go("#make?n=5")
    visit.make(title)
    visit.page.get_by_role("button", name="Save").click()
    field = visit.page.get_by_role("textbox", name="Its name")
    assert field.input_value() == title
    field.press("Enter")
    visit.page.locator(".many").get_by_text(f"saved as “{title}”").wait_for()
    return visit


def test_a_list_is_edited_saved_again_renamed_and_deleted(visiting: Visiting, served: Served) -> None:
    visit = saved(visiting)
    page = visit.page
    visit.rows.nth(0).locator(".handle").focus()
    page.keyboard.press("Alt+ArrowDown")
    names = visit.names()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved as “summer party”").first.wait_for()
    page.get_by_role("tab", name="Saved").click()
    card = page.locator("#panel-saved .card")
    card.wait_for()
    assert card.count() == 1 and "5 songs" in card.locator(".facts").text_content()
    card.get_by_role("button", name="Rename").click()
    page.get_by_role("textbox", name="Its name").fill("Summer, the best of")
    page.get_by_role("button", name="Rename", exact=True).last.click()
    page.locator(".card-title").get_by_text("Summer, the best of").wait_for()
    card.get_by_role("button", name="Edit").click()
    visit.rows.first.wait_for()
    visit.quiet()
    assert visit.names() == names and page.locator("#title").input_value() == "Summer, the best of"
    person = page.evaluate("localStorage.getItem('segue.person')")
    assert re.fullmatch("[0-9a-f]{32}", person)
    kept = httpx.get(f"{served.url}/v1/playlists", params={"person": person}).json()["playlists"]
    assert [(one["title"], one["version"]) for one in kept] == [("Summer, the best of", 3)]
    page.get_by_role("tab", name="Saved").click()
    card.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_text("Nothing saved yet").wait_for()
    assert httpx.get(f"{served.url}/v1/playlists", params={"person": person}).json()["playlists"] == []


def test_a_list_that_was_changed_elsewhere_is_not_overwritten(visiting: Visiting, served: Served) -> None:
    visit = saved(visiting)
    person = visit.page.evaluate("localStorage.getItem('segue.person')")
    one = httpx.get(f"{served.url}/v1/playlists", params={"person": person}).json()["playlists"][0]
    whole = httpx.get(f"{served.url}/v1/playlists/{one['playlist_id']}", params={"person": person}).json()
    ids = [track["track_id"] for track in whole["tracks"]]
    other = {"title": "from elsewhere", "track_ids": ids[:2], "version": 1}
    assert (
        httpx.put(
            f"{served.url}/v1/playlists/{one['playlist_id']}", params={"person": person}, json=other
        ).status_code
        == 200
    )
    visit.page.get_by_role("button", name="Save").click()
    visit.page.get_by_role("button", name="Save beside it").click()
    visit.page.locator(".many").get_by_text("saved as “summer party (2)”").wait_for()
    titles = [
        p["title"] for p in httpx.get(f"{served.url}/v1/playlists", params={"person": person}).json()["playlists"]
    ]
    assert titles == ["from elsewhere", "summer party (2)"]


def test_downloads_are_files_that_can_be_read(visiting: Visiting, tmp_path: Path) -> None:
    visit = visiting().go("#make?n=5")
    visit.make("café = /road/ trip")
    for format in ("m3u8", "xspf", "jspf", "csv"):
        visit.page.get_by_role("button", name="Download").click()
        with visit.page.expect_download() as download:
            visit.page.get_by_role("menuitem", name=format.upper()).click()
        name = download.value.suggested_filename
        assert name.endswith(f".{format}") and "/" not in name and "café" in name
        download.value.save_as(tmp_path / name)
        if format == "csv":
            lines = list(csv.DictReader((tmp_path / name).read_text("utf-8-sig").splitlines()))
            read = [(line["track_id"], line["name"]) for line in lines]
        else:
            read = [(track.track_id, track.name) for track in read_playlist(tmp_path / name).tracks]
        assert read == list(zip(visit.ids(), visit.names(), strict=True)), format


def test_the_list_is_copied_as_text(visiting: Visiting, served: Served) -> None:
    visit = visiting(permissions=["clipboard-read", "clipboard-write"]).go("#make?n=3")
    visit.make("road trip")
    visit.page.get_by_role("button", name="Copy the list as text").click()
    visit.page.get_by_text("The list is in the clipboard").first.wait_for()
    artists = visit.rows.locator(".artist").all_text_contents()
    lines = [
        f"{i}. {name} – {artist}" for i, (name, artist) in enumerate(zip(visit.names(), artists, strict=True), 1)
    ]
    assert visit.page.evaluate("navigator.clipboard.readText()").splitlines() == ["road trip", "", *lines]


def test_a_shared_link_opens_for_somebody_else_and_ends(visiting: Visiting, served: Served) -> None:
    visit = saved(visiting, "for a friend")
    visit.page.get_by_role("button", name="Share").click()
    link = visit.page.get_by_label("Link to the playlist").input_value()
    assert re.fullmatch(re.escape(served.url) + r"/p/[A-Za-z0-9_-]{20,}", link)
    friend = visiting()
    friend.go(path=link.removeprefix(served.url))
    friend.rows.first.wait_for()
    assert friend.names() == visit.names()
    assert friend.page.get_by_role("heading", name="for a friend").is_visible()
    assert friend.page.evaluate("localStorage.length") == 0
    friend.page.get_by_role("link", name="Make one like it").click()
    friend.page.locator("#result .row").first.wait_for()
    assert friend.page.locator(".chip").count() == 5
    visit.page.get_by_role("button", name="Stop sharing").click()
    visit.page.get_by_text("The links do not work any more").first.wait_for()
    friend.go(path=link.removeprefix(served.url))
    friend.page.get_by_text("This link leads nowhere").wait_for()


def test_whoever_wants_to_be_forgotten_is(visiting: Visiting, served: Served) -> None:
    visit = saved(visiting)
    visit.rows.nth(0).get_by_role("button", name="Keep").click()
    person = visit.page.evaluate("localStorage.getItem('segue.person')")
    visit.page.get_by_role("button", name="Settings and help").click()
    visit.page.get_by_role("button", name="Forget me").click()
    visit.page.get_by_role("button", name="Cancel").click()
    assert visit.page.evaluate("localStorage.getItem('segue.person')") == person
    visit.page.get_by_role("button", name="Settings and help").click()
    visit.page.get_by_role("button", name="Forget me").click()
    visit.page.get_by_role("button", name="Forget everything").click()
    visit.page.get_by_text("Forgotten").first.wait_for()
    assert visit.page.evaluate("localStorage.getItem('segue.person')") is None
    assert httpx.get(f"{served.url}/v1/playlists", params={"person": person}).json()["playlists"] == []
    assert httpx.get(f"{served.url}/v1/feedback/{person}").json()["events"] == 0
    assert visit.rows.first.get_by_role("button", name="Keep").get_attribute("aria-pressed") == "false"
