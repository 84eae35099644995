"""``segue keys``: a key is shown once, and nothing else tells it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from segue.serve.keys import Keys

FILE = Path("segue-data/keys.json")


def test_a_key_is_made_listed_and_removed(segue: Any) -> None:
    made = segue("keys", "add", "phone")
    secret = made.stdout.strip()
    assert secret.startswith("segue_")
    assert secret not in made.stderr
    assert secret not in FILE.read_text()
    assert FILE.stat().st_mode & 0o777 == 0o600
    found = Keys.open(FILE.parent).find(secret)
    listed = json.loads(segue("keys", "list", "--json").stdout)["keys"]
    assert [(key["id"], key["name"]) for key in listed] == [(found, "phone")]
    assert "phone" in segue("keys", "list").stdout
    segue("keys", "remove", found)
    assert Keys.open(FILE.parent).find(secret) is None
    assert json.loads(segue("keys", "list", "--json").stdout) == {"keys": []}
    assert "no keys" in segue("keys", "list").stderr


def test_json_holds_the_key_once(segue: Any) -> None:
    made = json.loads(segue("keys", "add", "a", "--json").stdout)
    assert Keys.open(FILE.parent).find(made["key"]) == made["id"]


def test_the_data_folder_is_the_services(segue: Any, tmp_path: Path) -> None:
    segue("keys", "add", "a", "--data", tmp_path / "here")
    assert (tmp_path / "here" / "keys.json").is_file()
    Path("segue.toml").write_text('[serve]\ndata = "there"\n')
    segue("keys", "add", "a")
    assert Path("there/keys.json").is_file()
    assert not FILE.exists()


def test_what_cannot_be_done_is_said(segue: Any, refused: Any) -> None:
    segue("keys", "add", "Phone")
    assert "already" in refused("keys", "add", "phone")
    assert "a name" in refused("keys", "add", "  ")
    assert "segue keys list" in refused("keys", "remove", "nobody")
    FILE.chmod(0o666)
    assert "chmod 600" in refused("keys", "list")
    FILE.chmod(0o600)
    FILE.write_text("{}")
    assert "damaged" in refused("keys", "list")


def test_hostile_names_cannot_move_the_cursor(segue: Any) -> None:
    segue("keys", "add", "a\x1b[2Jb\nc")
    for command in (("keys", "list"), ("keys", "remove", "a\x1b[2Jb\nc")):
        result = segue(*command)
        assert "\x1b[2J" not in result.stdout + result.stderr
