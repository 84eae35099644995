from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import polars as pl
import pytest

from segue.library import Interactions, Library
from segue.serve.settings import ServeSettings
from segue.sources.playlist_files import read_playlist
from serve.conftest import Served, Start

PERSON = "somebody-0001"


@pytest.fixture
def api(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def ids(served: Served) -> list[str]:
    texts = served.serving.current.engine.model.catalogue.texts["track_id"]
    return [texts[row] for row in range(20)]


def listed(api: httpx.Client, person: str, title: str = "summer", **more: Any) -> tuple[str, list[str]]:
    answer = api.post("/v1/recommend", json={"title": title, "person": person, "n": 20, "explain": False} | more)
    assert answer.status_code == 200, answer.text
    return answer.headers["Segue-List-Id"], [track["track_id"] for track in answer.json()["tracks"]]


def say(api: httpx.Client, person: str, list_id: str, *events: tuple[str, str]) -> httpx.Response:
    said = [{"action": action, "track_id": track_id} for action, track_id in events]
    return api.post("/v1/feedback", json={"person": person, "list_id": list_id, "events": said})


def test_what_is_said_acts_on_the_next_list_and_can_be_taken_back(api: httpx.Client) -> None:
    list_id, first = listed(api, "acts-at-once")
    assert say(api, "acts-at-once", list_id, ("never", first[0]), ("keep", first[4])).json() == {"stored": 2}
    _, second = listed(api, "acts-at-once")
    assert first[0] not in second
    assert second.index(first[4]) < 4, "what was kept moves up"
    assert first[0] not in listed(api, "acts-at-once", "another title")[1], "never again is said of the track"
    said = api.get("/v1/feedback/acts-at-once").json()
    assert [track["track_id"] for track in said["never"]] == [first[0]] and said["never"][0]["name"]
    assert ([track["track_id"] for track in said["kept"]], said["events"]) == ([first[4]], 5)
    say(api, "acts-at-once", list_id, ("undo", first[0]), ("undo", first[4]))
    assert listed(api, "acts-at-once")[1] == first == listed(api, "somebody-else")[1]


def test_kept_tracks_say_nothing_about_other_titles(api: httpx.Client) -> None:
    list_id, first = listed(api, "two-moods", "summer")
    _, other = listed(api, "two-moods", "christmas")
    say(api, "two-moods", list_id, ("keep", first[3]), ("more", first[5]))
    assert listed(api, "two-moods", "christmas")[1] == other
    assert listed(api, "two-moods", "Summer!")[1] != first


def test_events_are_stored_with_what_was_asked(api: httpx.Client, served: Served) -> None:
    list_id, first = listed(api, "well-known", "summer", track_ids=[])
    say(api, "well-known", list_id, ("more", first[6]), ("save", "not in the list"))
    shown, more, save = served.serving.store.events(":well-known")
    assert (shown.action, shown.shown, shown.list_id) == ("shown", tuple(first), list_id)
    assert (more.position, more.title, more.model) == (7, "summer", shown.model)
    assert save.position == 0


def test_feedback_on_a_list_that_somebody_else_was_shown(api: httpx.Client) -> None:
    list_id, first = listed(api, "the-owner-1")
    answer = say(api, "the-thief-1", list_id, ("keep", first[0]))
    assert answer.status_code == 404 and "Segue-List-Id" in answer.json()["detail"]
    assert say(api, "the-owner-1", "", ("keep", first[0])).json() == {"stored": 1}, "a track of no list"


@pytest.mark.parametrize(
    "body",
    [
        {"person": "short", "list_id": "", "events": [{"action": "keep", "track_id": "a"}]},
        {"person": PERSON, "list_id": "", "events": []},
        {"person": PERSON, "list_id": "", "events": [{"action": "shown", "track_id": "a"}]},
        {"person": PERSON, "list_id": "", "events": [{"action": "keep", "track_id": "a"}] * 501},
        {"person": PERSON, "list_id": "", "events": [{"action": "keep", "track_id": "a", "time": 0}]},
    ],
)
def test_feedback_outside_its_limits(api: httpx.Client, body: dict[str, Any]) -> None:
    assert api.post("/v1/feedback", json=body).status_code == 422
    assert api.get(f"/v1/feedback/{PERSON}").json()["events"] == 0


def test_a_forgotten_person_was_never_there(api: httpx.Client, served: Served, ids: list[str]) -> None:
    list_id, first = listed(api, "forget-me-now", "a-title-of-mine")
    say(api, "forget-me-now", list_id, ("never", first[0]))
    saved = api.post("/v1/playlists?person=forget-me-now", json={"title": "mine", "track_ids": ids[:2]}).json()
    token = api.post(f"/v1/playlists/{saved['playlist_id']}/share?person=forget-me-now").json()["token"]
    assert api.delete("/v1/feedback/forget-me-now").json() == {"forgotten": 3}
    assert api.get("/v1/playlists?person=forget-me-now").json() == {"playlists": []}
    assert api.get(f"/v1/shared/{token}").status_code == 404
    assert api.get("/v1/feedback/forget-me-now").json()["events"] == 0
    files = served.settings.data.glob("segue.sqlite*")
    data = b"".join(file.read_bytes() for file in files)
    assert b"forget-me-now" not in data and b"a-title-of-mine" not in data


def test_a_saved_playlist_from_birth_to_death(api: httpx.Client, ids: list[str]) -> None:
    query = f"?person={PERSON}"
    title = "<img src=x onerror=alert(1)>\u202e=1+1"
    wanted = [ids[3], ids[1], ids[3]]
    answer = api.post(f"/v1/playlists{query}", json={"title": title, "track_ids": wanted})
    made = answer.json()
    assert answer.status_code == 201
    assert (made["title"], made["version"], made["shared"]) == (title, 1, False)
    assert [track["track_id"] for track in made["tracks"]] == wanted, "order and repeats stay"
    assert all(track["name"] for track in made["tracks"])
    path = f"/v1/playlists/{made['playlist_id']}"
    assert api.get(path + query).json() == made
    assert api.get(f"{path}?person=another-person").status_code == 404
    changed = api.put(path + query, json={"title": "b", "track_ids": ids[:1], "version": 1}).json()
    assert (changed["version"], changed["n_tracks"]) == (2, 1)
    late = api.put(path + query, json={"title": "c", "track_ids": [], "version": 1})
    assert late.status_code == 409 and "version 2" in late.json()["detail"]
    assert late.headers["content-type"] == "application/problem+json"
    unknown = api.put(path + query, json={"title": "c", "track_ids": ["nothing:1"], "version": 2})
    assert unknown.status_code == 422 and "nothing:1" in unknown.json()["detail"]
    heads = api.get(f"/v1/playlists{query}").json()["playlists"]
    assert [head for head in heads if head["playlist_id"] == made["playlist_id"]] == [
        {name: value for name, value in changed.items() if name != "tracks"}
    ]
    assert api.delete(f"{path}?person=another-person").status_code == 404
    assert api.delete(path + query).status_code == 204
    for verb, further in [("GET", ""), ("DELETE", ""), ("POST", "/share"), ("DELETE", "/share")]:
        assert api.request(verb, path + further + query).status_code == 404


def test_a_shared_playlist_tells_nothing_of_its_person(api: httpx.Client, ids: list[str]) -> None:
    query = f"?person={PERSON}"
    made = api.post(f"/v1/playlists{query}", json={"title": "ours", "track_ids": ids[:2]}).json()
    path = f"/v1/playlists/{made['playlist_id']}"
    token = api.post(f"{path}/share{query}").json()["token"]
    found = api.get(f"/v1/shared/{token}")
    assert (found.json()["title"], found.json()["tracks"]) == ("ours", made["tracks"])
    assert PERSON not in found.text and made["playlist_id"] not in found.text
    assert api.get(path + query).json()["shared"]
    assert api.delete(f"{path}/share{query}").status_code == 204
    assert api.get(f"/v1/shared/{token}").status_code == 404
    assert not api.get(path + query).json()["shared"]


def test_tracks_that_the_catalogue_lost_stay_in_saved_playlists(api: httpx.Client, served: Served) -> None:
    from segue.serve.store import SavedTrack

    gone = SavedTrack("gone:1", "Gone", "Nobody", year=1999)
    made = served.serving.store.create(f":{PERSON}", "old", [gone])
    path, query = f"/v1/playlists/{made.playlist_id}", f"?person={PERSON}"
    found = api.get(path + query).json()
    assert [(track["track_id"], track["name"], track["year"]) for track in found["tracks"]] == [
        ("gone:1", "Gone", 1999)
    ]
    changed = api.put(path + query, json={"title": "new", "track_ids": ["gone:1"] * 2, "version": 1}).json()
    assert [track["name"] for track in changed["tracks"]] == ["Gone", "Gone"]


def test_people_of_two_keys_are_two(start: Start, serving_settings: ServeSettings) -> None:
    from segue.serve.key_file import FILE, add_key

    serving_settings.data.mkdir()
    secrets = [add_key(serving_settings.data / FILE, name)[1] for name in ("one", "two")]
    alone = replace(serving_settings, search=None, tracks=None, towers=None, keys=True)
    with start(alone) as served, httpx.Client(base_url=served.url, timeout=30) as api:
        one, two = ({"Authorization": f"Bearer {secret}"} for secret in secrets)
        made = api.post(f"/v1/playlists?person={PERSON}", json={"title": "a", "track_ids": []}, headers=one)
        assert made.status_code == 201
        assert len(api.get(f"/v1/playlists?person={PERSON}", headers=one).json()["playlists"]) == 1
        assert api.get(f"/v1/playlists?person={PERSON}", headers=two).json()["playlists"] == []
        assert api.get(f"/v1/playlists?person={PERSON}").status_code == 401
        token = api.post(f"/v1/playlists/{made.json()['playlist_id']}/share?person={PERSON}", headers=one).json()[
            "token"
        ]
        assert api.get(f"/v1/shared/{token}").status_code == 200, "a link needs no key"


def exported(api: httpx.Client, format: str, track_ids: list[str], title: str = "Café/../x") -> httpx.Response:
    return api.post("/v1/export", json={"format": format, "title": title, "track_ids": track_ids})


@pytest.mark.parametrize("format", ["m3u8", "xspf", "jspf"])
def test_an_exported_file_is_read_again(api: httpx.Client, ids: list[str], format: str, tmp_path: Path) -> None:
    answer = exported(api, format, [ids[2], ids[0], ids[2]])
    assert answer.status_code == 200 and "Segue-Left-Out" not in answer.headers
    file = tmp_path / f"list.{format}"
    file.write_bytes(answer.content)
    read = read_playlist(file)
    assert read.title == "Café/../x"
    assert [track.track_id for track in read.tracks] == [ids[2], ids[0], ids[2]]


def test_an_exported_table_has_no_formula(api: httpx.Client, ids: list[str]) -> None:
    answer = exported(api, "csv", ids[:2], title="=HYPERLINK(1)")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["track_id"].lstrip("'") for row in rows] == ids[:2]
    assert not rows[0]["playlist_title"].startswith("=")


@pytest.mark.parametrize("title", ["a\r\nX-Evil: 1", '"; rm -rf /', "../../etc/passwd", "nul", "🌧" * 300, ""])
def test_a_title_is_a_harmless_name_of_a_file(api: httpx.Client, ids: list[str], title: str) -> None:
    answer = exported(api, "m3u8", ids[:1], title=title)
    said = answer.headers["Content-Disposition"]
    assert "x-evil" not in answer.headers
    name = unquote(said.partition("filename*=UTF-8''")[2])
    assert said.startswith("attachment; ") and name.endswith(".m3u8") and "/" not in name
    assert not name.startswith(".") and name.lower() != "nul.m3u8"


def test_unknown_tracks_are_named_and_not_silently_dropped(api: httpx.Client, ids: list[str]) -> None:
    answer = exported(api, "jspf", ["né:1\r\n", ids[0], "b c"])
    count, *named = answer.headers["Segue-Left-Out"].split(" ")
    assert (count, [unquote(one) for one in named]) == ("2", ["né:1\r\n", "b c"])
    assert len(json.loads(answer.content)["playlist"]["track"]) == 1
    nothing = exported(api, "jspf", ["nothing:1"])
    assert nothing.status_code == 422 and "nothing:1" in nothing.json()["detail"]


def test_owned_tracks_are_exported_with_their_own_places(
    start: Start, serving_settings: ServeSettings, served_library: Library, tmp_path: Path
) -> None:
    mine = served_library.tracks.head(3).with_columns(
        track_id=pl.Series([f"own:{i}" for i in range(3)]),
        location=pl.Series([f"/music/é {i}.flac" for i in range(3)]),
    )
    playlists = served_library.playlists.head(0)
    Library(mine, playlists, Interactions.of([], n_columns=3)).save(tmp_path / "mine")
    alone = replace(serving_settings, search=None, tracks=None, towers=None, owned=tmp_path / "mine")
    with start(alone) as served, httpx.Client(base_url=served.url, timeout=30) as api:
        found = exported(api, "m3u8", ["own:2", "own:0"])
        assert [line for line in found.text.splitlines() if line and not line.startswith("#")] == [
            "/music/é 2.flac",
            "/music/é 0.flac",
        ]
        saved = api.post(f"/v1/playlists?person={PERSON}", json={"title": "mine", "track_ids": ["own:1"]}).json()
        assert saved["tracks"][0]["name"] == served_library.tracks["name"][1]
        assert "/music" not in json.dumps(saved), "where files lie on the server is nobody's business"
