"""``segue serve``: what it refuses before anything starts, and where it takes its settings from."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from segue.cli.serve import _check_reach, _settings, _what_is_on
from segue.errors import InputError
from segue.serve.run import listening
from segue.serve.settings import Limits

Refused = Callable[..., str]


def test_no_model_a_damaged_one_and_one_of_another_kind(model: Path, library: Path, refused: Refused) -> None:
    assert "segue train" in refused("serve")
    assert "nowhere" in refused("serve", "-m", "nowhere", "--port", 0)
    assert "segue model" in refused("serve", "-m", library, "--port", 0)
    assert "segue index" in refused("serve", "-m", model, "--search", "nowhere", "--port", 0)
    assert "segue map" in refused("serve", "-m", model, "--map", "nowhere.json", "--port", 0)


def test_a_port_that_is_taken(model: Path, refused: Refused) -> None:
    with listening("127.0.0.1", 0) as opened:
        port = opened.getsockname()[1]
        assert f"port {port}" in refused("serve", "-m", model, "--port", port)


def test_other_machines_are_let_in_on_purpose_alone(model: Path, refused: Refused) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1"):
        said = refused("serve", "-m", model, "--host", host)
        assert "--keys" in said and "--open-to-all" in said
    settings = _settings({"model": model, "host": "0.0.0.0"}, None, None)
    _check_reach(settings, open_to_all=True)
    _check_reach(_settings({"model": model, "host": "0.0.0.0", "keys": True}, None, None), open_to_all=False)
    with pytest.raises(InputError):
        _check_reach(settings, open_to_all=False)


def test_settings_come_from_options_then_variables_then_the_file_then_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("model", "search", "towers"):
        (tmp_path / name).mkdir()
    found = _settings({}, None, None)
    assert (found.model, found.search, found.tracks, found.towers) == (
        Path("model"), Path("search"), None, Path("towers"),
    )  # fmt: skip
    (tmp_path / "segue.toml").write_text(
        '[serve]\nmodel = "other"\nport = 9000\nworkers = 3\norigins = ["https://a.example"]\n'
        "[serve.limits]\nper_minute = 60\nthreads = 4\n"
    )
    found = _settings({"port": 9001}, None, None)
    assert (found.model, found.port, found.workers) == (Path("other"), 9001, 3)
    assert found.origins == ("https://a.example",) and found.limits == Limits(per_minute=60, threads=4)
    monkeypatch.setenv("SEGUE_SERVE__WORKERS", "2")
    monkeypatch.setenv("SEGUE_SEARCH", "elsewhere")
    found = _settings({"model": Path("mine")}, 7, None)
    assert (found.model, found.workers, found.search) == (Path("mine"), 2, Path("elsewhere"))
    assert found.limits == Limits(per_minute=7, threads=4)


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("[serve]\nprot = 1\n", "serve.prot"),
        ('[serve]\nport = "x"\n', "serve.port"),
        ("[serve.limits]\nthreads = 0\n", "limits"),
    ],
)
def test_settings_that_make_no_sense(tmp_path: Path, model: Path, refused: Refused, toml: str, said: str) -> None:
    (tmp_path / "segue.toml").write_text(toml)
    assert said in refused("serve", "-m", model)


def test_what_is_off_is_said_with_the_way_to_turn_it_on(model: Path, tmp_path: Path) -> None:
    (tmp_path / "search").mkdir()
    lines = _what_is_on(_settings({"model": model}, None, None))
    assert str(model) in lines[0] and "(search)" in lines[0]
    off = "\n".join(line for line in lines if line.startswith("off"))
    assert {"--tracks", "--towers", "--map", "--from"} <= set(off.replace("'", " ").split())
    assert "--search" not in off and off.count("segue ") == 4


def test_without_the_extra_it_says_which_one(model: Path, tmp_path: Path) -> None:
    """In a process of its own, where uvicorn cannot be imported."""
    code = (
        "import sys; sys.modules['uvicorn'] = None; from segue.cli import main; "
        f"sys.argv = ['segue', 'serve', '-m', {str(model)!r}]; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 2 and "segue-playlists[serve]" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr and done.stdout == ""


def test_config_names_the_table(tmp_path: Path, model: Path, refused: Refused) -> None:
    (tmp_path / "mine.toml").write_text(f"[serve]\nmodel = {json.dumps(str(model))}\nport = 70000\n")
    assert "port" in refused("serve", "--config", "mine.toml")
