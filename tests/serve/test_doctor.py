"""What ``segue doctor`` says of serving; the rest of it is looked at in test_commands.py."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from segue.cli.doctor_service import service_findings


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], dict[str, Any]]:
    monkeypatch.chdir(tmp_path)
    return lambda: {each.what: each for each in service_findings()}


def on(port: int) -> None:
    Path("segue.toml").write_text(f"[serve]\nport = {port}\n")


def test_a_port_is_free_taken_or_ours(found: Callable[[], dict[str, Any]]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        on(port)
        told = found()["port"]
        assert told.ok and "--port" in told.advice
    assert found()["port"].found == f"127.0.0.1:{port} is free"


def test_a_service_that_answers_is_recognised(found: Callable[[], dict[str, Any]], served: Any) -> None:
    on(served.settings.port)
    told = found()["port"]
    assert "a segue service answers" in told.found and f":{served.settings.port}/" in told.advice


def test_missing_and_damaged_keys_are_said(found: Callable[[], dict[str, Any]]) -> None:
    assert "keys" not in found()
    Path("segue.toml").write_text("[serve]\nkeys = true\n")
    told = found()["keys"]
    assert not told.ok and "segue keys add" in told.advice
    Path("segue-data").mkdir()
    (Path("segue-data") / "keys.json").write_text("{")
    told = found()["keys"]
    assert not told.ok and "keys.json" in told.found


def test_settings_that_cannot_be_read_are_said(found: Callable[[], dict[str, Any]]) -> None:
    Path("segue.toml").write_text("[serve]\nprot = 1\n")
    assert not found()["settings"].ok


def test_of_secrets_only_that_they_are_set(
    found: Callable[[], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISTENBRAINZ_TOKEN", "very-secret-token")
    every = json.dumps([[e.what, e.found, e.advice] for e in found().values()])
    assert "LISTENBRAINZ_TOKEN" in every and "very-secret-token" not in every
