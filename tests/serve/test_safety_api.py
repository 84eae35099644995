"""The whole service, attacked: markup, paths, foreign pages, missing keys, too much of everything, what it tells."""

from __future__ import annotations

import logging
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from segue.serve.guard_answer import PROTECTION
from segue.serve.guard_rules import is_open
from segue.serve.key_file import FILE, add_key
from segue.serve.settings import ServeSettings
from serve.conftest import Served, Start

MARKUP = "<script>alert('x55')</script><img src=x onerror=alert('x55')>\"'&lt;${x}{{7*7}}"
PERSON = "attacker-0001"
JSON = {"Content-Type": "application/json"}
LIMITS: dict[str, dict[str, Any]] = {
    "/v1/recommend": {"title": MARKUP},
    "/v1/continue": {"title": MARKUP, "tracks": [MARKUP]},
    "/v1/search": {"query": MARKUP, "artist": MARKUP},
    "/v1/similar": {"tracks": [MARKUP], "track_ids": [MARKUP]},
    "/v1/listeners/-/recommend": {"tracks": [MARKUP], "country": MARKUP},
    "/v1/export": {"format": "csv", "title": MARKUP, "track_ids": [MARKUP]},
}
TOLD = [
    *("/{x}", "/v1/{x}", "/v1/tracks?query={x}&n=5", "/v1/tracks?query=a&n={x}", "/v1/corpus/{x}", "/v1/shared/{x}"),
    *("/static/{x}", "/v1/feedback/{x}", "/v1/playlists?person={x}", f"/v1/playlists/{{x}}?person={PERSON}"),
]
"""Paths with something of somebody's in them."""
UP = "../" * 20
ELSEWHERE = [
    *(
        f"{UP}etc/passwd",
        "....//....//etc/passwd",
        "..\\..\\secret",
        "index.html/../../app.py",
        "../app.py",
        "~/secret",
    ),
    *("../../serve/app.py", "C:/Windows/win.ini", "%2e%2e/app.py", "..%2fapp.py", "..%5capp.py", "%252e%252e/app.py"),
    *(".%00./app.py", "app.js%00.css", "..;/app.py", ""),
]


def _with(body: dict[str, Any], text: str) -> dict[str, Any]:
    """A body of the same form with another text in it."""
    return {
        name: value if name == "format" else [text] if isinstance(value, list) else text
        for name, value in body.items()
    }


@pytest.fixture
def api(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, timeout=30, trust_env=False) as client:
        yield client


def _routes(served: Served) -> list[tuple[str, str]]:
    """Method and path of everything in the API's description, and of the page."""
    described = served.app.openapi()["paths"]
    found = [(method.upper(), path) for path, methods in described.items() for method in methods]
    assert len(found) > 15
    return found


def _filled(path: str) -> str:
    return (
        path.replace("{person}", PERSON)
        .replace("{user_id}", "-")
        .replace("{playlist_id}", "a")
        .replace("{token}", "a")
    )


def _texts(value: Any) -> list[str]:
    """All texts in JSON."""
    if isinstance(value, str):
        return [value]
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inside for text in _texts(one)]


def _harmless(answer: httpx.Response) -> None:
    """A browser shows it as data or not at all."""
    kind = answer.headers.get("content-type", "")
    assert "html" not in kind
    assert "svg" not in kind
    for name, value in PROTECTION:
        assert answer.headers[name.decode()] == value.decode()


def test_what_is_asked_never_comes_back_as_markup(api: httpx.Client) -> None:
    for path, body in LIMITS.items():
        answer = api.post(path, json=body)
        assert answer.status_code < 500
        _harmless(answer)
    for path in TOLD:
        answer = api.get(path.replace("{x}", MARKUP))
        assert answer.status_code < 500
        _harmless(answer)


def test_what_is_stored_never_comes_back_as_markup(api: httpx.Client, served: Served) -> None:
    track = api.post("/v1/recommend", json={"title": "summer", "n": 1}).json()["tracks"][0]["track_id"]
    made = api.post("/v1/playlists", params={"person": PERSON}, json={"title": MARKUP, "track_ids": [track]})
    assert made.is_success, made.text
    saved = made.json()
    token = api.post(f"/v1/playlists/{saved['playlist_id']}/share", params={"person": PERSON}).json()["token"]
    shared = api.get(f"/v1/shared/{token}")
    for answer in (made, api.get("/v1/playlists", params={"person": PERSON}), shared):
        assert MARKUP in _texts(answer.json())  # as text it stays what it is
        _harmless(answer)
    page = api.get(f"/p/{token}")
    assert "html" in page.headers["content-type"]
    assert page.content == api.get("/").content  # one document for all: nothing of anybody is written into it
    for name, value in PROTECTION:
        assert page.headers[name.decode()] == value.decode()
    api.delete(f"/v1/feedback/{PERSON}")


def _raw(served: Served, target: str) -> bytes:
    parts = urlsplit(served.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode("latin-1"))
        found = b""
        while part := connection.recv(65536):
            found += part
    return found


def test_files_outside_of_the_page_are_not_served(served: Served) -> None:
    (served.settings.data / "secret.txt").write_text("s3cret")
    data = str(served.settings.data / "secret.txt")
    for place in (*ELSEWHERE, f"{UP}{data.lstrip('/')}", data, f"/{data}"):
        for target in (f"/static/{place}", f"/p/{place}", f"/{place}"):
            answer = _raw(served, target.replace(" ", "%20").replace("\\", "%5c"))
            assert b"s3cret" not in answer, target
            assert b"root:" not in answer, target
            assert b"create_app" not in answer, target
            assert not answer.startswith(b"HTTP/1.1 5"), target


def test_every_path_wants_the_key(start: Start, serving_settings: ServeSettings) -> None:
    _, secret = add_key(serving_settings.data / FILE, "one")
    settings = replace(serving_settings, search=None, tracks=None, towers=None, keys=True)
    with start(settings) as served, httpx.Client(base_url=served.url, trust_env=False) as api:
        closed = 0
        for method, path in _routes(served):
            answer = api.request(method, _filled(path), json={} if method in ("POST", "PUT") else None)
            if is_open(_filled(path)):
                assert answer.status_code != 401, path
                assert method == "GET"  # without a key nothing can be changed
                continue
            closed += 1
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"].startswith("Bearer")
            with_key = api.request(
                method,
                _filled(path),
                json={} if method in ("POST", "PUT") else None,
                headers={"Authorization": f"Bearer {secret}"},
            )
            assert with_key.status_code != 401, (method, path)
        assert closed > 12


def test_no_path_lets_a_foreign_page_write_and_none_takes_too_much(served: Served, api: httpx.Client) -> None:
    large, deep = b'{"title": "' + b"x" * (1 << 20) + b'"}', b"[" * 10_000
    n_writing = 0
    for method, path in _routes(served):
        if method == "GET":
            continue
        n_writing += 1
        foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        assert api.request(method, _filled(path), headers=foreign).status_code == 403, path
        assert api.request(method, _filled(path), content=large, headers=JSON).status_code == 413, path
        assert api.request(method, _filled(path), content=deep, headers=JSON).status_code == 400, path
        assert (
            api.request(method, _filled(path), content=b"title=a", headers={"Content-Type": "text/plain"}).status_code
            == 415
        )
    assert n_writing > 10
    assert api.get("/healthz").is_success


_watched: list[Any] | None = None


def _watch(event: str, arguments: Any) -> None:
    if _watched is not None and event in (
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "subprocess.Popen",
        "os.system",
    ):
        _watched.append((event, arguments))


def test_the_service_asks_nobody_and_starts_nothing(served: Served) -> None:
    """No request makes it connect, look a name up or start a program, whatever addresses are in it."""
    global _watched
    parts = urlsplit(served.url)
    url = "http://169.254.169.254/latest/meta-data/"
    with httpx.Client(base_url=served.url, timeout=30, trust_env=False) as api:
        api.get("/healthz")  # from here on the connection is kept
        sys.addaudithook(_watch)  # stays for this process; quiet outside of this test
        _watched = []
        try:
            for path, body in LIMITS.items():
                asked = {
                    name: url if isinstance(value, str) and name != "format" else value
                    for name, value in body.items()
                }
                asked |= {name: [url] for name, value in body.items() if isinstance(value, list)}
                assert api.post(path, json=asked).status_code < 500
            api.get("/v1/tracks", params={"query": url, "n": 3})
            api.get(f"/v1/corpus/{url}")
            api.get("/v1/model")
            found = list(_watched)
        finally:
            _watched = None
    ours = [one for one in found if one[0] == "socket.connect" and one[1][1] == (parts.hostname, parts.port)]
    lookups = [one for one in found if one[0] == "socket.getaddrinfo" and one[1][0] in (parts.hostname, "127.0.0.1")]
    assert [one for one in found if one not in ours and one not in lookups] == []


def test_nothing_of_what_people_ask_and_say_is_logged(api: httpx.Client, caplog: Any) -> None:
    secret = "s3cret-wish"
    for name in ("segue.serve", "segue.serve.access", "uvicorn.error"):
        logging.getLogger(name).propagate = True
    with caplog.at_level(logging.DEBUG):
        for path, body in LIMITS.items():
            api.post(path, json=_with(body, secret), headers={"Authorization": f"Bearer {secret}"})
        api.post("/v1/recommend", json={"title": "a", "person": secret})
        api.post("/v1/feedback", json={"person": secret, "list_id": "a", "events": []})
        for path in (*TOLD, "/p/{x}"):
            api.get(path.replace("{x}", secret))
        api.delete(f"/v1/feedback/{secret}")
        time.sleep(0.1)  # the last line is written after the answer has left
    ours = [record for record in caplog.records if record.name.startswith(("segue", "uvicorn"))]
    assert len(ours) >= 15
    for record in ours:
        assert secret not in record.getMessage() + str(record.__dict__)
