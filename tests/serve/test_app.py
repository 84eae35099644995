"""The service answers as the commands do, byte for byte, and says what it cannot do."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.conftest import invoke
from segue.library import Library
from segue.serve.settings import ServeSettings
from serve.conftest import Served, Start


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, timeout=30) as found:
        yield found


@pytest.fixture(autouse=True)
def nobodys_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEGUE_MODEL", raising=False)


def printed(body: bytes) -> bytes:
    """An answer of the service as a command prints it."""
    return msgspec.json.format(body, indent=2) + b"\n"


def command(*arguments: object) -> bytes:
    result = invoke(*arguments)
    assert result.exit_code == 0, result.stderr
    return result.stdout_bytes


def answered(client: httpx.Client, path: str, body: dict[str, Any]) -> bytes:
    response = client.post(path, json=body)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    return response.content


def a_track(library: Library, row: int) -> tuple[str, str, str]:
    fields: tuple[str, str, str] = library.tracks.select("track_id", "name", "artist").row(row)
    return fields


ASKED: list[tuple[dict[str, Any], list[object]]] = [
    ({"title": "rainy sunday 🌧️"}, []),
    ({"title": 'say "hi"\n\tto\\me', "n": 5}, ["-n", 5]),
    ({"title": "90s rap, no eminem", "year_from": 1990, "year_to": 1999}, ["--year", "1990-1999"]),
    ({"title": "lady gaga", "artist_cap": 2, "artist_spacing": 1}, ["--artist-cap", 2, "--artist-spacing", 1]),
    ({"title": "summer", "minutes": 30.5, "no_explicit": True}, ["--minutes", 30.5, "--no-explicit"]),
    (
        {"title": "summer", "exclude_artists": ["lady GAGA", "nobody at all"], "all_versions": True},
        ["--exclude-artist", "lady GAGA", "--exclude-artist", "nobody at all", "--all-versions"],
    ),
    ({"title": "夏の歌", "max_track_minutes": 4.0, "n": 12}, ["--max-track-minutes", 4.0, "-n", 12]),
    ({"title": "", "n": 3}, ["-n", 3]),
]


@pytest.mark.parametrize(("body", "options"), ASKED)
def test_a_list_is_that_of_the_command(
    client: httpx.Client, served_folder: Path, body: dict[str, Any], options: list[object]
) -> None:
    said = command("recommend", body["title"], *options, "-m", served_folder / "model", "--json")
    assert printed(answered(client, "/v1/recommend", body)) == said


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(title=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40))
def test_any_title_is_answered_as_by_the_command(client: httpx.Client, served_folder: Path, title: str) -> None:
    said = command("recommend", "-m", served_folder / "model", "--json", "-n", 3, "--", title)
    assert printed(answered(client, "/v1/recommend", {"title": title, "n": 3})) == said


def test_given_tracks_and_playlists(client: httpx.Client, served_folder: Path, served_library: Library) -> None:
    first, name, artist = a_track(served_library, 3)
    other, _, _ = a_track(served_library, 40)
    model = served_folder / "model"
    for path in ("/v1/recommend", "/v1/continue"):
        body = {"title": "road trip", "tracks": [f"{name} - {artist}"], "track_ids": [other], "new_artists": True}
        options = ["--track", f"{name} - {artist}", "--track-id", other, "--new-artists"]
        assert printed(answered(client, path, body)) == command(
            "recommend", "road trip", *options, "-m", model, "--json"
        )
    for playlist_id in served_library.playlists["playlist_id"][:3]:
        said = command("recommend", "--like", playlist_id, "--track-id", first, "-m", model, "--json", "-n", 9)
        body = {"playlist_id": playlist_id, "track_ids": [first], "n": 9}
        assert printed(answered(client, "/v1/continue", body)) == said


@pytest.mark.parametrize(
    ("body", "options"),
    [
        ({"query": "songs for a rainy 🌧 sunday"}, []),
        (
            {"query": 'summer "party"', "n": 3, "min_tracks": 12, "max_tracks": 60},
            ["-n", 3, "--min-tracks", 12, "--max-tracks", 60],
        ),
        (
            {"query": "summer", "year_from": 1990, "year_to": 2010, "languages": ["EN", "unknown"]},
            ["--years", "1990-2010", "--language", "en,unknown"],
        ),
        ({"query": "pop", "artist": "Lady Gaga"}, ["--artist", "Lady Gaga"]),
        ({"query": "xqzvw jkqxz"}, []),
    ],
)
def test_a_search_is_that_of_the_command(
    client: httpx.Client, served_folder: Path, body: dict[str, Any], options: list[object]
) -> None:
    said = command("search", body["query"], *options, "-m", served_folder / "search", "--json")
    assert printed(answered(client, "/v1/search", body)) == said


def test_near_tracks_are_those_of_the_command(
    client: httpx.Client, served_folder: Path, served_library: Library
) -> None:
    (first, name, artist), (other, _, _) = a_track(served_library, 3), a_track(served_library, 40)
    model = served_folder / "tracks.model"
    for inside in (False, True):
        body = {
            "tracks": [f"{name}, {artist}"],
            "track_ids": [other],
            "n": 15,
            "artist_cap": 1,
            "inside_cluster": inside,
        }
        options = ["--length", 15, "--artist-cap", 1, *(["--inside-cluster"] if inside else [])]
        said = command("similar", other, f"{name}, {artist}", *options, "-m", model, "--json")
        assert printed(answered(client, "/v1/similar", body)) == said
    assert first in json.loads(said)["query"]["tracks"]


def test_lists_for_listeners_are_those_of_the_command(
    client: httpx.Client, served: Served, served_folder: Path
) -> None:
    towers = served.serving.current.engine.towers
    user = towers.user_ids[0]
    said = command("towers", "recommend", served_folder / "towers", "--user", user, "-n", 7, "--json")
    assert printed(answered(client, f"/v1/listeners/{user}/recommend", {"n": 7})) == said
    track = towers.catalogue.track(2)
    named = f"{track.name}, {track.artist}"
    said = command("towers", "recommend", served_folder / "towers", "--tracks", named, "-n", 20, "--json")
    assert printed(answered(client, "/v1/listeners/-/recommend", {"tracks": [named]})) == said
    by_id = answered(client, "/v1/listeners/-/recommend", {"track_ids": [track.track_id]})
    assert json.loads(by_id)["tracks"] == json.loads(said)["tracks"]


def test_an_m3u8_is_that_of_the_command(client: httpx.Client, served_folder: Path) -> None:
    ids = [
        t["track_id"] for t in json.loads(answered(client, "/v1/recommend", {"title": "summer", "n": 9}))["tracks"]
    ]
    said = command("recommend", "summer", "-n", 9, "-m", served_folder / "model", "--format", "m3u8")
    assert answered_file(client, {"format": "m3u8", "title": "summer", "track_ids": ids}) == said


def answered_file(client: httpx.Client, body: dict[str, Any]) -> bytes:
    response = client.post("/v1/export", json=body)
    assert response.status_code == 200, response.text
    return response.content


def test_what_a_person_says_acts_on_the_next_list(client: httpx.Client) -> None:
    body = {"title": "summer", "n": 10, "person": "somebody-in-test-app"}
    before = client.post("/v1/recommend", json=body)
    names = [track["track_id"] for track in before.json()["tracks"]]
    list_id = before.headers["segue-list-id"]
    said = {"action": "never", "track_id": names[0], "position": 1}
    events = {"person": body["person"], "list_id": list_id, "events": [said]}
    assert client.post("/v1/feedback", json=events).status_code == 200
    after = client.post("/v1/recommend", json=body)
    assert names[0] not in [track["track_id"] for track in after.json()["tracks"]]
    assert after.headers["segue-list-id"] != list_id
    # nobody else is meant
    others = client.post("/v1/recommend", json=body | {"person": "somebody-else-here"}).json()["tracks"]
    assert [track["track_id"] for track in others] == names
    client.delete(f"/v1/feedback/{body['person']}")
    assert [t["track_id"] for t in client.post("/v1/recommend", json=body).json()["tracks"]] == names


def test_playlists_of_people_are_shown_whole_and_private_titles_are_not(
    client: httpx.Client, served_library: Library
) -> None:
    titles = dict(zip(served_library.playlists["playlist_id"], served_library.titles, strict=True))
    withheld = 0
    for row, playlist_id in enumerate(list(titles)[:12]):
        found = client.get(f"/v1/corpus/{playlist_id}").json()
        ids = served_library.tracks["track_id"].gather(served_library.playlist_tracks.row(row).tolist()).to_list()
        assert [track["track_id"] for track in found["tracks"]] == ids and found["n_tracks"] == len(ids)
        same = sum(title.casefold() == titles[playlist_id].casefold() for title in titles.values())
        if same >= 5:
            assert found["title"] == titles[playlist_id] and not found["withheld"]
        elif found["withheld"]:
            withheld += 1
            assert found["title"] is None and found["description"] is None
            assert titles[playlist_id] not in json.dumps({**found, "tracks": [], "artists": []}, ensure_ascii=False)
    assert withheld
    assert client.get("/v1/corpus/no-such").status_code == 404


def test_what_is_typed_is_found(client: httpx.Client, served_library: Library) -> None:
    _, name, artist = a_track(served_library, 3)
    found = client.get("/v1/tracks", params={"query": f"{name[:6]} {artist}", "n": 5}).json()["tracks"]
    assert name in [track["name"] for track in found] and len(found) <= 5
    assert client.get("/v1/tracks", params={"query": "zzzzzzzz qqqqq"}).json() == {"tracks": []}


def test_abilities_and_counts(client: httpx.Client, served: Served, served_library: Library) -> None:
    about = client.get("/v1/model").json()
    engine = served.serving.current.engine
    assert about["fingerprint"] == engine.model.fingerprint and about["engine"] == engine.fingerprint
    assert about["counts"]["tracks"] == served_library.n_tracks
    assert about["counts"]["searchable"] == served_library.n_playlists
    assert about["counts"]["artists"] == len(set(served_library.artist_rows.tolist()))
    on = {name for name, there in about["abilities"].items() if there}
    assert on == {"search", "similar", "listeners", "years", "durations", "features", "feedback", "playlists"}


@pytest.fixture(scope="module")
def bare(served_folder: Path, tmp_path_factory: pytest.TempPathFactory, start: Start) -> Iterator[httpx.Client]:
    """A service with the title model alone and a map."""
    folder = tmp_path_factory.mktemp("bare")
    (folder / "map.json").write_text('{"points":[{"x":0.5,"y":0.5,"title":"a","n":9,"theme":0}],"themes":[]}')
    settings = ServeSettings(model=served_folder / "model", map=folder / "map.json", data=folder / "data")
    with start(settings) as found, httpx.Client(base_url=found.url) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "body", "option"),
    [
        ("/v1/search", {"query": "summer"}, "--search"),
        ("/v1/corpus/1", None, "--search"),
        ("/v1/similar", {"tracks": ["a - b"]}, "--tracks"),
        ("/v1/listeners/-/recommend", {"country": "x"}, "--towers"),
    ],
)
def test_what_it_was_started_without_is_said(
    bare: httpx.Client, path: str, body: dict[str, Any] | None, option: str
) -> None:
    response = bare.get(path) if body is None else bare.post(path, json=body)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert option in response.json()["detail"] and "segue " in response.json()["detail"]


def test_the_map(bare: httpx.Client, client: httpx.Client) -> None:
    assert bare.get("/v1/map").json()["points"][0]["title"] == "a"
    assert "--map" in client.get("/v1/map").json()["detail"]


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/v1/recommend", {}, "nothing was asked for"),
        ("/v1/recommend", {"title": "a", "n": 5, "minutes": 9}, "minutes"),
        ("/v1/recommend", {"title": "a", "year_from": 2000, "year_to": 1990}, "swap"),
        ("/v1/recommend", {"title": "a" * 2_001}, "2000"),
        ("/v1/recommend", {"title": "a", "n": 501}, "500"),
        ("/v1/recommend", {"title": "a", "no_such": 1}, "no_such"),
        ("/v1/recommend", {"title": "\ud800"}, "title"),
        ("/v1/continue", {"title": "a"}, "go on from"),
        ("/v1/search", {"query": "?!"}, "no word"),
        ("/v1/search", {"query": "pop", "artist": "Nobody At All"}, "Nobody At All"),
        ("/v1/similar", {}, "near to"),
        ("/v1/similar", {"tracks": ["No Such - Track"]}, "No Such"),
        ("/v1/similar", {"track_ids": ["x"], "tracks": []}, "'x'"),
        ("/v1/listeners/-/recommend", {}, "country"),
        ("/v1/listeners/-/recommend", {"tracks": ["No Such, Track"]}, "No Such"),
    ],
)
def test_what_cannot_be_answered_is_a_sentence(
    client: httpx.Client, path: str, body: dict[str, Any], said: str
) -> None:
    response = client.post(path, content=json.dumps(body), headers={"content-type": "application/json"})
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert said in response.json()["detail"]


def test_playlists_and_listeners_that_do_not_exist(client: httpx.Client) -> None:
    assert client.post("/v1/continue", json={"playlist_id": "no such"}).status_code == 404
    assert client.post("/v1/listeners/no-such/recommend", json={}).status_code == 404


def test_unknown_given_tracks_are_told_and_the_rest_is_answered(client: httpx.Client) -> None:
    answer = client.post("/v1/recommend", json={"title": "summer", "tracks": ["No Such - Track"], "n": 3}).json()
    assert any("No Such" in sentence for sentence in answer["ignored"]) and len(answer["tracks"]) == 3


def test_with_a_library_of_ones_own_nothing_else_is_listed(
    served_folder: Path, served_library: Library, tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the list is that of ``segue recommend --from``."""
    import polars as pl

    from segue.library import Interactions

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    mine = served_library.tracks[::7].with_columns(("my:" + pl.col("track_id")).alias("track_id"))
    none = pl.DataFrame(schema={"playlist_id": pl.String, "title": pl.String})
    Library(mine, none, Interactions.of([], n_columns=len(mine))).save(tmp_path / "mine")
    settings = ServeSettings(model=served_folder / "model", owned=tmp_path / "mine", data=tmp_path / "data")
    with start(settings) as found, httpx.Client(base_url=found.url, timeout=30) as client:
        body = {"title": "summer", "n": 12, "exclude_artists": ["Madonna"]}
        said = answered(client, "/v1/recommend", body)
        options = ["-n", 12, "--exclude-artist", "Madonna", "--from", tmp_path / "mine", "--json"]
        assert printed(said) == command("recommend", "summer", "-m", served_folder / "model", *options)
        tracks = json.loads(said)["tracks"]
        assert len(tracks) == 12 and all(track["track_id"].startswith("my:") for track in tracks)
        about = client.get("/v1/model").json()
        assert about["abilities"]["owned"] and about["counts"]["owned"] == len(mine)


def test_a_key_is_described_where_one_is_needed(served_folder: Path, tmp_path: Path) -> None:
    from segue.serve.app import create_app

    for needed in (False, True):
        app = create_app(ServeSettings(model=served_folder / "model", data=tmp_path / "data", keys=needed))
        described = app.openapi()
        assert described["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
        wants = {path for path, of in described["paths"].items() for o in of.values() if o.get("security")}
        assert ("/v1/recommend" in wants) == needed and not {"/healthz", "/v1/shared/{token}"} & wants
        assert app.openapi() is described


def test_a_method_that_a_path_does_not_know(client: httpx.Client) -> None:
    for path, allowed in (("/v1/playlists", "GET, POST"), ("/v1/feedback/somebody1", "DELETE, GET"), ("/", "GET")):
        refused = client.request("PATCH", path)
        assert refused.status_code == 405 and refused.headers["allow"].startswith(allowed), path
        assert refused.headers["content-type"] == "application/problem+json"


def test_openapi_describes_every_path(client: httpx.Client) -> None:
    described = client.get("/openapi.json").json()
    assert described["info"]["version"] == "v1" and described["openapi"].startswith("3.1")
    paths = {path for path in described["paths"] if path.startswith("/v1")}
    assert paths >= {
        "/v1/recommend",
        "/v1/continue",
        "/v1/search",
        "/v1/corpus/{playlist_id}",
        "/v1/similar",
        "/v1/listeners/{user_id}/recommend",
        "/v1/tracks",
        "/v1/model",
        "/v1/map",
        "/v1/playlists",
        "/v1/playlists/{playlist_id}",
        "/v1/playlists/{playlist_id}/share",
        "/v1/shared/{token}",
        "/v1/feedback",
        "/v1/feedback/{person}",
        "/v1/export",
    }
    for path in paths:
        for method, operation in described["paths"][path].items():
            assert operation["summary"] and operation["tags"] and operation["description"], (method, path)
            answers = operation["responses"]
            assert {"422", "429", "503", "504"} <= answers.keys(), (method, path)
            for status in (status for status in answers if status >= "4"):
                assert "application/problem+json" in answers[status]["content"], (method, path, status)
    assert client.get("/docs").status_code == client.get("/redoc").status_code == 404


def test_no_page_or_description_names_another_machine(client: httpx.Client) -> None:
    for path in ("/", "/openapi.json"):
        named = set(re.findall(r"https?://[^\s\"'<>)]+", client.get(path).text))
        assert not {name for name in named if "127.0.0.1" not in name and "localhost" not in name}, path


def test_the_page_is_served_and_shared_playlists_have_an_address_of_their_own(client: httpx.Client) -> None:
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html") and page.headers["cache-control"] == "no-cache"
    assert client.get("/p/some-token").content == page.content
    script = re.search(r'src="(/static/[^"]+\.js)"', page.text)
    assert script is not None
    first = client.get(script[1])
    assert first.status_code == 200 and "javascript" in first.headers["content-type"]
    again = client.get(script[1], headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    for path in ("/static/../settings.py", "/static/%2e%2e/settings.py", "/static//etc/passwd"):
        assert client.get(path).status_code == 404


def test_damage_found_while_answering_names_no_folder(served_folder: Path, tmp_path: Path, start: Start) -> None:
    """Arrays that hold what cannot be: the answer says so and no more, the service goes on."""
    import shutil

    model = tmp_path / "model"
    shutil.copytree(served_folder / "model", model)
    with (
        start(ServeSettings(model=model, data=tmp_path / "data")) as found,
        httpx.Client(base_url=found.url) as client,
    ):
        engine = found.serving.current.engine
        texts = engine.model.catalogue.texts["name"]
        broken = dataclasses.replace(texts, offsets=texts.offsets[:2])
        engine.model.catalogue.texts["name"] = broken
        response = client.post("/v1/recommend", json={"title": "summer"})
        assert response.status_code == 503, response.text
        assert str(tmp_path) not in response.text and "Traceback" not in response.text
        assert client.get("/healthz").status_code == 200


_IMPORTS = """
import sys
from pathlib import Path
from segue.serve.app import create_app
from segue.serve.settings import ServeSettings
folder, data = Path(sys.argv[1]), Path(sys.argv[2])
app = create_app(ServeSettings(model=folder / "model", search=folder / "search", tracks=folder / "tracks.model",
                               towers=folder / "towers", data=data))
engine = app.state.serving.current.engine
from segue.systems.listener_answers import listener_answer, loved_query
from segue.systems.requests import Request
from segue.systems.track_answers import GivenTracks, similar
track_id = engine.model.catalogue.track(5).track_id
engine.answer(Request(title="summer", track_ids=(track_id,)))
engine.search.answer("summer")
similar(engine.tracks, GivenTracks((5,), ("x",)), 10)
listener_answer(engine.towers, loved_query(engine.towers, [], [engine.towers.catalogue.track(5).track_id]), 10)
engine.suggestions.find("su", 5)
heavy = {"torch", "sklearn", "sentence_transformers", "transformers", "matplotlib", "polars", "httpx"}
print(sorted(heavy & set(sys.modules)))
"""


def test_every_model_is_served_without_torch_or_polars(served_folder: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTS, str(served_folder), str(tmp_path / "data")],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
