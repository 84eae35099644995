"""Keys of a running service: who gets in, how they are kept, and what changes while it runs."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from segue.errors import InputError, StoredDataError
from segue.serve import key_file
from segue.serve.guard_rules import is_open
from segue.serve.key_file import FILE, add_key, note_use, read_keys, remove_key
from segue.serve.keys import Keys
from serve.small_service import Running, running, until, whole


@pytest.fixture
def locked_up(tmp_path: Path) -> Iterator[tuple[Running, str]]:
    _, secret = add_key(tmp_path / FILE, "page")
    with running(tmp_path, keys=True) as served:
        yield served, secret


def _status(served: Running, authorization: str | None, path: str = "/v1/text/1") -> int:
    headers = {} if authorization is None else {"Authorization": authorization}
    return served.client.get(path, headers=headers).status_code


def test_only_a_key_gets_in(locked_up: tuple[Running, str]) -> None:
    served, secret = locked_up
    assert _status(served, f"Bearer {secret}") == 200
    assert _status(served, f"bearer  {secret}") == 200
    wrong = (None, "", "Bearer", secret, f"Basic {secret}", f"Bearer {secret[:-1]}", f"Bearer {secret}x",
             f"Bearer {secret.upper()}", f"Bearer {hashlib.sha256(secret.encode()).hexdigest()}")  # fmt: skip
    for authorization in wrong:
        assert _status(served, authorization) == 401, authorization
    answer = served.client.get("/v1/text/1")
    assert answer.headers["www-authenticate"] == 'Bearer realm="segue"'
    assert answer.headers["content-type"] == "application/problem+json"
    answer = served.client.get("/v1/text/1", headers={"Authorization": "Bearer no"})
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert served.client.get(f"/v1/text/1?access_token={secret}").status_code == 401  # addresses end up in logs


def test_who_asked_is_known_by_the_keys_id(locked_up: tuple[Running, str]) -> None:
    served, secret = locked_up
    answer = served.client.post("/v1/echo/a", json={}, headers={"Authorization": f"Bearer {secret}"})
    assert answer.json()["key_id"] == read_keys(served.settings.data / FILE)[0].id


def test_everything_needs_a_key_but_the_page_what_was_shared_and_signs_of_life(
    locked_up: tuple[Running, str],
) -> None:
    served, secret = locked_up
    assert _status(served, None, "/") == 200
    assert _status(served, None, "/v1/shared/abc") == 200
    for path in (
        "/metrics",
        "/v1/shared",
        "/v1/nowhere",
        "/V1/text/1",
        "/v1//text/1",
        "/static",
        "/p",
    ):
        assert _status(served, None, path) == 401, path
    with served.raw(
        b"GET /v1/shared/../text/1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    ) as connection:
        assert whole(connection).startswith(b"HTTP/1.1 404 ")  # a path is what it says
    assert _status(served, f"Bearer {secret}", "/metrics") == 200
    for path in ("/healthz", "/readyz", "/static/app.js", "/p/abc", "/openapi.json"):
        assert is_open(path)


def test_a_key_added_or_removed_counts_from_the_next_request_on(locked_up: tuple[Running, str]) -> None:
    served, secret = locked_up
    file = served.settings.data / FILE
    key, second = add_key(file, "second")
    assert _status(served, f"Bearer {second}") == 200
    remove_key(file, key.id)
    assert _status(served, f"Bearer {second}") == 401
    assert _status(served, f"Bearer {secret}") == 200
    file.write_text("{")  # damaged: nobody gets in, and the service goes on
    assert _status(served, f"Bearer {secret}") == 401
    file.unlink()
    assert _status(served, f"Bearer {secret}") == 401
    _, third = add_key(file, "third")
    assert _status(served, f"Bearer {third}") == 200


def test_keys_are_random_and_kept_as_hashes_for_nobody_else(tmp_path: Path) -> None:
    file = tmp_path / "data" / FILE
    made = [add_key(file, f"key {i}") for i in range(20)]
    secrets = {secret for _, secret in made}
    assert len(secrets) == len({key.id for key, _ in made}) == 20
    assert all(len(secret) >= 43 for secret in secrets)
    stored = file.read_text()
    for key, secret in made:
        assert secret not in stored
        assert secret.removeprefix("segue_") not in stored
        assert key.id not in secret
        assert hashlib.sha256(secret.encode()).hexdigest() in stored
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in file.parent.iterdir()] == [FILE]


def test_every_key_is_compared_whichever_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hmac

    secrets = [add_key(tmp_path / FILE, f"key {i}")[1] for i in range(5)]
    keys = Keys.open(tmp_path)
    compared: list[int] = []
    real = hmac.compare_digest
    monkeypatch.setattr("hmac.compare_digest", lambda a, b: (compared.append(1), real(a, b))[1])
    for secret in (secrets[0], secrets[4], "segue_wrong"):
        compared.clear()
        keys.find(secret)
        assert len(compared) == 5


def test_the_day_of_the_last_use_is_kept_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, secret = add_key(tmp_path / FILE, "a")
    keys = Keys.open(tmp_path)
    written: list[str] = []
    monkeypatch.setattr("segue.serve.keys.note_use", lambda *a: (written.append(a[2]), note_use(*a)))
    for _ in range(5):
        assert keys.find(secret) == key.id
    until(lambda: read_keys(tmp_path / FILE)[0].last_used == key_file.today())
    for _ in range(5):
        assert keys.find(secret) == key.id  # the file has changed, and is read again
    assert written == [key_file.today()]


def test_a_folder_that_cannot_be_written_lets_keys_in_all_the_same(tmp_path: Path) -> None:
    _, secret = add_key(tmp_path / FILE, "a")
    keys = Keys.open(tmp_path)
    before = set(threading.enumerate())
    (tmp_path / f".{FILE}.lock").mkdir()  # so that nobody can write there
    assert keys.find(secret) is not None
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
    assert read_keys(tmp_path / FILE)[0].last_used == ""


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{", '{"kind": "segue keys"}', '{"kind": "other", "keys": []}', '{"kind": "segue keys", "keys": [1]}',
     '{"kind": "segue keys", "keys": [{"id": "a"}]}', "\x00" * 100, "[" * 5000],
)  # fmt: skip
def test_a_damaged_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(StoredDataError, match=r"keys\.json"):
        Keys.open(tmp_path)
    with pytest.raises(StoredDataError):
        add_key(tmp_path / FILE, "a")
    assert (tmp_path / FILE).read_text() == content


def test_a_file_that_others_can_write_is_not_believed(tmp_path: Path) -> None:
    _, secret = add_key(tmp_path / FILE, "a")
    keys = Keys.open(tmp_path)
    os.chmod(tmp_path / FILE, 0o620)
    os.utime(tmp_path / FILE)
    assert keys.find(secret) is None
    with pytest.raises(StoredDataError, match="chmod 600"):
        Keys.open(tmp_path)


def _add(file: Path, names: list[str]) -> None:
    for name in names:
        add_key(file, name)


def test_two_processes_that_add_keys_lose_none(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_add, args=(tmp_path / FILE, [f"{p}-{i}" for i in range(10)])) for p in "ab"]
    for process in processes:
        process.start()
    for process in processes:
        process.join(20)
        assert process.exitcode == 0
    assert len(read_keys(tmp_path / FILE)) == 20


def test_there_is_an_end_to_keys(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(key_file, "_MOST_KEYS", 2)
    _add(tmp_path / FILE, ["a", "b"])
    with pytest.raises(InputError, match="remove those"):
        add_key(tmp_path / FILE, "c")
