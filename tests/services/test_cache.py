from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.errors import OutputError, StoredDataError
from segue.services.cache import AnswerCache, cache_file
from services.server import Clock

WRITER = """
import sys
from pathlib import Path
from segue.services.cache import AnswerCache
with AnswerCache(Path(sys.argv[1])) as cache:
    print("open", flush=True)
    for i in range(int(sys.argv[3])):
        cache.put(f"{sys.argv[2]}{i}", "echo", f"{sys.argv[2]}{i}".encode() * 50, 1e6)
        print(i, flush=True)
    sys.stdin.read()
"""


def writer(file: Path, name: str, n: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(file), name, str(n)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@given(st.lists(st.tuples(st.sampled_from("abc"), st.binary(max_size=20), st.floats(0.5, 5)), max_size=20))
def test_it_is_a_mapping_that_forgets(writes: list[tuple[str, bytes, float]]) -> None:
    clock, expected = Clock(), dict[str, tuple[bytes, float]]()
    with TemporaryDirectory() as folder, AnswerCache(Path(folder) / "answers.sqlite", now=clock.now) as cache:
        for key, body, seconds in writes:
            cache.put(key, "echo", body, seconds)
            expected[key] = (body, clock.time + seconds)
            clock.time += 1.0
            for each in "abc":
                body_then, until = expected.get(each, (b"", 0.0))
                assert cache.get(each) == (body_then if clock.time < until else None)


def test_two_processes_share_a_file_and_a_killed_one_leaves_what_it_wrote(tmp_path: Path) -> None:
    file = tmp_path / "answers.sqlite"
    both = [writer(file, name, 200) for name in "ab"]
    with AnswerCache(file) as cache:
        for process, name in zip(both, "ab", strict=True):
            assert process.stdout is not None
            while process.stdout.readline().strip() != "199":
                pass
            process.kill()
            process.wait()
            process.stdout.close()
            assert process.stdin is not None
            process.stdin.close()
            assert all(cache.get(f"{name}{i}") == f"{name}{i}".encode() * 50 for i in range(200))
    with AnswerCache(file) as cache:
        assert cache.get("a199") is not None and cache.get("b199") is not None


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    file = tmp_path / "new" / "answers.sqlite"
    with AnswerCache(file) as cache:
        cache.put("k", "echo", b"v", 1.0)
        for each in file.parent.iterdir():
            assert stat.S_IMODE(each.stat().st_mode) == 0o600, each


@pytest.mark.parametrize("at", [0, 16, 18, 100, 4096])
def test_damage_is_named(tmp_path: Path, at: int) -> None:
    file = tmp_path / "answers.sqlite"
    with AnswerCache(file) as cache:
        for i in range(200):
            cache.put(f"k{i:03}", "echo", bytes(200), 1e6)
    data = bytearray(file.read_bytes())
    data[at : at + 60] = b"\xff" * 60
    file.write_bytes(data)
    with pytest.raises((StoredDataError, OutputError), match=r"answers\.sqlite") as raised:
        with AnswerCache(file) as cache:
            for i in range(200):
                assert cache.get(f"k{i:03}") == bytes(200)
        raise AssertionError("the damage was not met")
    assert "delete it" in str(raised.value) or "SEGUE_CACHE" in str(raised.value)


def test_other_files_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "answers.sqlite"
    file.write_text("this is a text that is no data base at all" * 30)
    with pytest.raises(StoredDataError, match=r"answers\.sqlite is damaged .*delete it"):
        AnswerCache(file)
    assert file.read_text().startswith("this is a text"), "nothing of somebody else's is overwritten"
    file.unlink()
    other = sqlite3.connect(file)
    other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(StoredDataError, match="is of version 99"):
        AnswerCache(file)
    file.unlink()
    other = sqlite3.connect(file)
    other.execute("PRAGMA user_version = 1")
    other.close()
    with AnswerCache(file) as cache, pytest.raises(StoredDataError, match="no cache of segue"):
        cache.get("k")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="folder"):
        AnswerCache(tmp_path / "folder")
    with pytest.raises(OutputError, match="x"):
        AnswerCache(file / "x" / "answers.sqlite")


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEGUE_CACHE", str(tmp_path))
    assert cache_file() == tmp_path / "answers.sqlite"
    monkeypatch.delenv("SEGUE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_file() == tmp_path / "xdg" / "segue" / "services" / "answers.sqlite"
