"""Making a playlist: what is typed, chosen and said changes the list, and every step can be taken back."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path

import httpx

from segue.serve.settings import Limits, ServeSettings
from serve.conftest import Served, Start
from serve.page.conftest import Visiting


def wanted(served: Served, **body: object) -> list[str]:
    """What the API answers itself."""
    answer = httpx.post(f"{served.url}/v1/recommend", json={"n": 25, **body})
    assert answer.status_code == 200, answer.text
    return [track["track_id"] for track in answer.json()["tracks"]]


def test_a_title_gets_the_list_that_the_api_gives(visiting: Visiting, served: Served) -> None:
    visit = visiting().go()
    assert visit.page.get_by_text("What should it sound like?").is_visible()
    assert visit.rows.count() == 0
    visit.make("summer party")
    assert visit.ids() == wanted(served, title="summer party")
    assert visit.page.locator(".many").text_content().startswith("25 songs · 1 h ")
    row = visit.rows.first
    assert row.locator(".place").text_content() == "1"
    assert row.locator(".year").text_content().isdigit() and ":" in row.locator(".time").text_content()
    assert "25 songs" in visit.said()
    visit.page.locator(".example, #clear").first.click()
    assert visit.page.get_by_text("What should it sound like?").is_visible()
    visit.page.get_by_role("button", name="rainy sunday").click()
    visit.rows.first.wait_for()
    visit.quiet()
    assert (
        visit.ids() == wanted(served, title="rainy sunday")
        and visit.page.locator("#title").input_value() == "rainy sunday"
    )


def test_while_somebody_types_the_last_title_counts(visiting: Visiting, served: Served) -> None:
    visit = visiting().go()
    visit.page.locator("#title").press_sequentially("christmas morning", delay=15)
    visit.quiet()
    assert visit.ids() == wanted(served, title="christmas morning")
    asked = [body["title"] for body in visit.bodies("/v1/recommend")]
    assert asked[-1] == "christmas morning" and len(asked) < len("christmas morning") / 2


def test_given_songs_are_chips(visiting: Visiting, served: Served) -> None:
    visit = visiting().go()
    field = visit.page.get_by_role("combobox", name="Start from a song")
    field.fill("shake it")
    option = visit.page.get_by_role("option").first
    option.wait_for()
    assert field.get_attribute("aria-expanded") == "true" and field.get_attribute(
        "aria-activedescendant"
    ) == option.get_attribute("id")
    found = httpx.get(f"{served.url}/v1/tracks", params={"query": "shake it", "n": 8}).json()["tracks"]
    assert visit.page.locator(".option-name").all_text_contents() == [track["name"] for track in found]
    field.press("ArrowDown")
    assert field.get_attribute("aria-activedescendant").endswith("-1" if len(found) > 1 else "-0")
    field.press("ArrowUp")
    field.press("Enter")
    visit.rows.first.wait_for()
    visit.quiet()
    given = found[0]["track_id"]
    assert visit.ids() == wanted(served, track_ids=[given]) and given not in visit.ids()
    assert field.get_attribute("aria-expanded") == "false"
    visit.make("country roads")
    assert visit.ids() == wanted(served, title="country roads", track_ids=[given])
    visit.page.get_by_role("button", name="Put them first in the list").click()
    assert visit.ids()[0] == given and visit.page.get_by_role("button", name="Put them first in the list").is_hidden()
    visit.page.keyboard.press("Control+z")
    assert given not in visit.ids()
    visit.page.get_by_role("button", name=f"Remove {found[0]['name']}").click()
    visit.quiet()
    assert visit.ids() == wanted(served, title="country roads")
    assert visit.page.locator("#chips").is_hidden()
    field.fill("zzzzqqqq no such song")
    visit.page.locator(".combo-said").get_by_text("No such song in the catalogue.").wait_for()


def test_controls_change_what_is_asked(visiting: Visiting, served: Served) -> None:
    visit = visiting().go()
    visit.make("party")
    page, panel = visit.page, visit.panel
    panel.get_by_label("Length", exact=True).fill("8")
    panel.get_by_label("Length", exact=True).press("Enter")
    page.get_by_role("button", name="1980s").click()
    page.get_by_role("button", name="1990s").click()
    page.get_by_label("Songs of one artist").select_option(label="1 song each")
    visit.quiet()
    assert visit.ids() == wanted(served, title="party", n=8, year_from=1980, year_to=1999, artist_cap=1)
    years = [int(text) for text in visit.rows.locator(".year").all_text_contents()]
    assert len(years) == 8 and all(1980 <= year <= 1999 for year in years)
    artists = visit.rows.locator(".artist").all_text_contents()
    assert len(set(artists)) == 8
    page.get_by_label("How well known").fill("0.8")
    page.get_by_role("radio", name="Smooth").check()
    visit.quiet()
    body = visit.bodies("/v1/recommend")[-1]
    assert (body["adventure"], body["order"]) == (0.8, "smooth")
    assert page.locator(".range-said").text_content() == "Deep cuts"
    page.get_by_role("radio", name="Minutes").check()
    panel.get_by_label("Length", exact=True).fill("20")
    panel.get_by_label("Length", exact=True).press("Enter")
    visit.quiet()
    assert visit.bodies("/v1/recommend")[-1]["minutes"] == 20 and "n" not in visit.bodies("/v1/recommend")[-1]
    minutes = [text.split(":") for text in visit.rows.locator(".time").all_text_contents()]
    assert 14 * 60 < sum(int(m) * 60 + int(s) for m, s in minutes) <= 20 * 60
    assert page.get_by_role("checkbox", name="No explicit songs").is_disabled()  # the demo does not say
    assert "does not say what is explicit" in page.locator("#said-clean").text_content()


def test_wishes_that_cannot_be_met_say_so_where_they_are_made(visiting: Visiting) -> None:
    visit = visiting().go()
    visit.make("party")
    visit.panel.get_by_label("From year").fill("1925")
    visit.panel.get_by_label("To year").fill("1930")
    visit.panel.get_by_label("To year").press("Tab")
    visit.page.get_by_text("No song fits all of this", exact=True).wait_for()
    assert "No song fits" in visit.page.locator("#said-length").text_content()
    visit.page.get_by_role("button", name="Loosen everything").click()
    visit.rows.first.wait_for()
    visit.quiet()
    assert visit.rows.count() == 25
    visit.panel.get_by_label("Length", exact=True).fill("500")
    visit.page.get_by_role("button", name="1960s").click()
    visit.quiet()
    assert 0 < visit.rows.count() < 500
    assert (
        visit.page.locator("#said-length").text_content()
        == f"Only {visit.rows.count()} of 500 songs fit what you ask for."
    )


def test_why_is_told_on_demand(visiting: Visiting) -> None:
    visit = visiting().go()
    visit.make("country roads")
    row = visit.rows.nth(1)
    opener = row.get_by_role("button", name="Why, and more")
    assert opener.get_attribute("aria-expanded") == "false" and row.locator(".why").count() == 0
    opener.click()
    assert row.locator(".why li").count() >= 1
    assert "playlist" in row.locator(".why").text_content()
    visit.rows.nth(2).get_by_role("button", name="Why, and more").click()
    assert visit.page.locator(".why:visible").count() == 1


def test_feedback_changes_the_next_list(visiting: Visiting, served: Served) -> None:
    visit = visiting().go()
    visit.make("gym workout")
    assert visit.page.evaluate("localStorage.getItem('segue.person')") is None  # nobody yet
    before = visit.ids()
    visit.rows.nth(3).get_by_role("button", name="Never again").click()
    visit.quiet()
    after = visit.ids()
    assert before[3] not in after and len(after) == 25
    assert after[:24] == before[:3] + before[4:]  # the others stay where they are, one comes behind
    visit.rows.nth(1).get_by_role("button", name="Keep").click()
    assert visit.rows.nth(1).get_by_role("button", name="Keep").get_attribute("aria-pressed") == "true"
    visit.rows.nth(5).get_by_role("button", name="More like this").click()
    visit.quiet()
    assert visit.ids()[1] == before[1] and visit.ids()[5] == after[5]  # what is kept stays
    person = visit.page.evaluate("localStorage.getItem('segue.person')")
    until(visit, lambda: httpx.get(f"{served.url}/v1/feedback/{person}").json()["events"] >= 5)
    said = httpx.get(f"{served.url}/v1/feedback/{person}").json()
    assert [track["track_id"] for track in said["never"]] == [before[3]]
    assert [track["track_id"] for track in said["kept"]] == [before[1]]
    assert [track["track_id"] for track in said["more"]] == [after[5]]
    visit.panel.get_by_label("Start over").click()
    visit.make("gym workout")
    assert before[3] not in visit.ids() and visit.bodies("/v1/recommend")[-1]["person"] == person
    assert visit.ids() == wanted(served, title="gym workout", person=person)


def test_undo_takes_back_what_was_said_too(visiting: Visiting, served: Served) -> None:
    visit = visiting().go()
    visit.make("gym workout")
    before = visit.ids()
    visit.rows.nth(0).get_by_role("button", name="Never again").click()
    visit.quiet()
    visit.page.get_by_role("button", name="Undo", exact=True).last.click()  # that of the message
    visit.quiet()
    assert visit.ids() == before
    person = visit.page.evaluate("localStorage.getItem('segue.person')")
    until(visit, lambda: httpx.get(f"{served.url}/v1/feedback/{person}").json()["never"] == [])
    visit.page.keyboard.press("Control+Shift+z")
    visit.quiet()
    assert before[0] not in visit.ids()
    until(visit, lambda: len(httpx.get(f"{served.url}/v1/feedback/{person}").json()["never"]) == 1)
    visit.page.get_by_role("button", name="Settings and help").click()  # and much later, from there
    visit.page.get_by_text("1 song never again").click()
    visit.page.get_by_role("button", name="Allow again").click()
    until(visit, lambda: httpx.get(f"{served.url}/v1/feedback/{person}").json()["never"] == [])
    visit.page.get_by_role("button", name="Close").click()
    visit.page.get_by_role("button", name="Ask again").click()
    visit.quiet()
    assert before[0] in visit.ids()


def until(visit: object, true: object) -> None:
    """What is sent behind the page's back arrives soon."""
    for _ in range(40):
        if true():  # type: ignore[operator]
            return
        visit.page.wait_for_timeout(50)  # type: ignore[attr-defined]
    raise AssertionError("it did not arrive")


def test_rows_are_dragged_moved_by_keys_and_removed(visiting: Visiting) -> None:
    visit = visiting().go()
    visit.make("road trip")
    page, before = visit.page, visit.ids()
    handle, target = visit.rows.nth(0).locator(".handle"), visit.rows.nth(3).locator(".handle")
    start, end = handle.bounding_box(), target.bounding_box()
    assert start and end
    page.mouse.move(start["x"] + 20, start["y"] + 20)
    page.mouse.down()
    page.mouse.move(start["x"] + 20, start["y"] + 60, steps=3)
    page.mouse.move(end["x"] + 20, end["y"] + 24, steps=5)
    page.mouse.up()
    dragged = [*before[1:4], before[0], *before[4:]]
    assert visit.ids() == dragged
    assert "now 4 of 25" in visit.said()
    visit.rows.nth(3).locator(".handle").focus()
    page.keyboard.press("Alt+ArrowUp")
    page.keyboard.press("Alt+ArrowUp")
    assert visit.ids()[1] == before[0] and "now 2 of 25" in visit.said()
    assert page.evaluate("document.activeElement.closest('.row').dataset.key") == before[0]
    page.keyboard.press("Delete")
    assert visit.ids() == [key for key in dragged if key != before[0]]
    page.keyboard.press("Control+z")
    assert visit.ids()[1] == before[0]
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    assert visit.ids() == before
    page.keyboard.press("Control+y")
    assert visit.ids() == dragged
    visit.make("road trip 2")  # what was moved stays where it was put
    assert visit.ids()[3] == before[0]


def test_the_address_holds_what_is_asked(visiting: Visiting, served: Served) -> None:
    visit = visiting().go()
    visit.make("christmas")
    christmas = visit.ids()
    visit.page.wait_for_timeout(1600)  # what comes later is another step
    visit.make("summer")
    visit.page.get_by_role("tab", name="Find").click()
    visit.page.go_back()
    assert visit.page.locator("#title").input_value() == "summer"
    visit.page.go_back()
    visit.quiet()
    assert visit.page.locator("#title").input_value() == "christmas" and visit.ids() == christmas
    visit.page.go_forward()
    visit.quiet()
    assert visit.page.locator("#title").input_value() == "summer"
    other = visiting()
    other.go("#make?title=gym&n=5&from=1990&to=1999&adventure=-0.5&order=smooth&cap=2")
    other.rows.first.wait_for()
    other.quiet()
    assert other.ids() == wanted(
        served, title="gym", n=5, year_from=1990, year_to=1999, adventure=-0.5, order="smooth", artist_cap=2
    )


def test_addresses_that_say_nothing_are_ignored(visiting: Visiting) -> None:
    visit = visiting()
    for hash in (
        "#make?n=-5&from=x&order=evil&with=%5B1%5D&with=zz&after=%7B",
        "#nonsense?%FF%00",
        "#make?cap=1e9&adventure=9&minutes=NaN",
    ):
        visit.go(hash)
        visit.page.get_by_text("What should it sound like?").wait_for()
    assert not visit.bodies("/v1/recommend")


def test_a_busy_server_is_asked_again_by_itself(
    visiting: Visiting, start: Start, serving_settings: ServeSettings
) -> None:
    settings = dataclasses.replace(serving_settings, limits=Limits(threads=1, waiting=0))
    done = threading.Event()
    with start(settings) as served:

        @served.app.get("/hold")
        async def hold() -> bool:
            return await served.serving.gate.run(lambda: done.wait(20))

        holding = threading.Thread(target=lambda: httpx.get(f"{served.url}/hold", timeout=30))
        holding.start()
        try:
            visit = visiting(served.url).go()
            visit.page.locator("#title").fill("rainy day")
            visit.page.get_by_text("Many people are asking right now").wait_for()
        finally:
            done.set()
            holding.join()
        visit.rows.first.wait_for()
        assert visit.rows.count() == 25


def test_a_server_that_is_gone_is_told_and_comes_back(
    visiting: Visiting, start: Start, serving_settings: ServeSettings, tmp_path: Path
) -> None:
    visit = visiting(wrong=True)
    visit.go()
    before = visit.make("rainy day").count()
    visit.page.context.set_offline(True)
    visit.page.locator("#banner").get_by_text("You are offline").wait_for()
    visit.page.locator("#title").fill("sunny day")
    visit.page.get_by_role("button", name="Try again").wait_for()
    assert visit.rows.count() == before  # what was there stays
    visit.page.context.set_offline(False)
    visit.page.wait_for_function("() => document.querySelector('#banner').hidden")
    visit.quiet()
    assert (
        visit.bodies("/v1/recommend")[-1]["title"] == "sunny day" and visit.page.locator(".ready > .said").is_hidden()
    )
    assert all("ERR_INTERNET_DISCONNECTED" in text for text in visit.wrong)
