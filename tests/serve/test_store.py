from __future__ import annotations

import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.errors import InputError, OutputError, StoredDataError
from segue.library.feedback import FeedbackEvent
from segue.serve import store_playlists
from segue.serve.store import SavedTrack, Store
from segue.serve.store_file import FILE_NAME, connect
from segue.serve.store_playlists import Outdated


def said(person: str, action: str, track_id: str, title: str = "rain", list_id: str = "l") -> FeedbackEvent:
    return FeedbackEvent(1.0, person, list_id, action, "m", title, (), track_id, 1)  # type: ignore[arg-type]


def contents(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.iterdir()))


def test_events_come_back_as_they_were(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    events = [
        FeedbackEvent(1.5, "p", "l", "shown", "m", "a\x00b 🌧", ("x", "y"), shown=("a", "b", "a")),
        FeedbackEvent(2.0, "p", "l", "more", "m", "=1+1", (), "b", 2),
    ]
    store.add(events)
    store.add([said("q", "keep", "z")])
    assert list(store.events("p")) == events
    assert [event.person for event in store.events()] == ["p", "p", "q"]
    assert store.shown("p", "l") == events[0]
    assert store.shown("q", "l") is None  # a list belongs to its person


def test_what_no_file_can_hold_is_replaced(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.add([said("p", "keep", "\ud800", title="\udfff")])
    kept = store.create("p", "a\ud800", [SavedTrack("\ud800")])
    assert [event.title for event in store.events("p")] == ["\ufffd"]
    assert (kept.title, kept.tracks[0].track_id) == ("a\ufffd", "\ufffd")


def test_more_events_than_a_batch_come_in_order(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.add(said("p", "keep", str(i)) for i in range(2_500))
    assert [event.track_id for event in store.events("p")] == [str(i) for i in range(2_500)]


words = st.lists(
    st.tuples(st.sampled_from(["keep", "more", "never", "undo", "save"]), st.sampled_from("abc"), st.booleans()),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(words)
def test_the_last_word_on_a_track_counts(said_words: list[tuple[str, str, bool]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(folder)
        store.add(said("p", action, track, "Rain!" if rain else "sun") for action, track, rain in said_words)
        # the oracle: replay each track's words under each title alone
        never, liked = set(), {}
        for action, track, rain in said_words:
            title = "rain" if rain else "sun"
            if action == "save":
                continue
            if action in ("undo", "never"):
                liked = {key: value for key, value in liked.items() if key[0] != track}
            never.discard(track)
            if action == "never":
                never.add(track)
            elif action in ("keep", "more"):
                liked[track, title] = action
        for title in ("RAIN", "sun"):
            found = store.taste("p", title)
            expected = {t: word for (t, under), word in liked.items() if under == title.lower()}
            assert set(found.kept) == {t for t, word in expected.items() if word == "keep"}
            assert set(found.more) == {t for t, word in expected.items() if word == "more"}
            assert set(found.never) == never
        assert set(store.taste("p").kept) | set(store.taste("p").more) == {track for track, _ in liked}
        assert store.taste("somebody else") == ((), (), ())
        store.close()


def test_events_are_never_changed_or_deleted(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.add([said("p", "keep", "a")])
    connection = connect(store.file)
    for statement in ("UPDATE events SET action = 'never'", "DELETE FROM events", "DELETE FROM events WHERE 1"):
        with pytest.raises(sqlite3.IntegrityError, match="events are"):
            connection.execute(statement)
    connection.close()
    assert [event.action for event in store.events()] == ["keep"]


def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = Store.open(tmp_path / "data")
        store.add([said("p", "keep", "a")])
    finally:
        os.umask(before)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "data").iterdir()}
    assert len(modes) == 3, "the file, its log and the log's index"
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_a_playlist_lives_and_ends(tmp_path: Path) -> None:
    time = iter(range(100))
    store = Store.open(tmp_path, clock=lambda: float(next(time)))
    tracks = [SavedTrack("a", "A", "x", duration_ms=5), SavedTrack("b"), SavedTrack("a", "A", "x")]
    made = store.create("p", "<b>=1</b>", tracks)
    assert made.tracks == tuple(tracks), "order and repeats stay"
    assert store.get("p", made.playlist_id) == made
    assert store.get("q", made.playlist_id) is None
    changed = store.replace("p", made.playlist_id, 1, "b", tracks[:1])
    assert changed is not None
    assert (changed.version, changed.title, changed.created, changed.changed) == (2, "b", 0.0, 1.0)
    with pytest.raises(Outdated, match="version 2"):
        store.replace("p", made.playlist_id, 1, "c", [])
    assert store.get("p", made.playlist_id) == changed
    assert store.replace("q", made.playlist_id, 2, "c", []) is None
    assert store.replace("p", "none", 1, "c", []) is None
    later = store.create("p", "later", [])
    assert [playlist.playlist_id for playlist in store.listed("p")] == [made.playlist_id, later.playlist_id]
    assert not store.delete("q", made.playlist_id)
    assert store.delete("p", made.playlist_id)
    assert not store.delete("p", made.playlist_id)


def test_a_person_saves_so_many_playlists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_playlists, "MOST_PLAYLISTS", 2)
    store = Store.open(tmp_path)
    for title in "ab":
        store.create("p", title, [])
    with pytest.raises(InputError, match="delete one"):
        store.create("p", "c", [])
    store.create("q", "c", [])


def test_of_writers_with_one_version_one_wins(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    made = store.create("p", "a", [])
    results: list[str] = []

    def write(title: str) -> None:
        try:
            store.replace("p", made.playlist_id, 1, title, [])
            results.append(title)
        except Outdated:
            results.append("late")

    threads = [threading.Thread(target=write, args=(str(i),)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    won = [result for result in results if result != "late"]
    found = store.get("p", made.playlist_id)
    assert found is not None
    assert (len(results), won, found.version) == (8, [found.title], 2)


def test_a_link_leads_to_its_playlist_until_it_is_revoked(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    made = store.create("p", "a", [])
    assert store.share("q", made.playlist_id) is None
    tokens = [store.share("p", made.playlist_id) for _ in range(2)]
    assert len({*tokens}) == 2
    for token in tokens:
        assert token is not None and len(token) == 22, "128 bits"
        found = store.shared(token)
        assert found is not None and found.playlist_id == made.playlist_id and found.shared
        assert token.encode() not in contents(tmp_path), "only a digest is kept"
    assert store.shared("") is None
    assert store.unshare("q", made.playlist_id) is None
    assert store.unshare("p", made.playlist_id) is True
    assert store.unshare("p", made.playlist_id) is False
    assert [store.shared(str(token)) for token in tokens] == [None, None]
    token = store.share("p", made.playlist_id)
    assert store.delete("p", made.playlist_id)
    assert token is not None and store.shared(token) is None


def test_of_many_links_the_oldest_end(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    made = store.create("p", "a", [])
    tokens = [str(store.share("p", made.playlist_id)) for _ in range(store_playlists.MOST_SHARES + 2)]
    assert [store.shared(token) is None for token in tokens] == [True, True] + [False] * store_playlists.MOST_SHARES


@pytest.mark.parametrize("n", [1, 40, 400])
def test_what_is_forgotten_is_in_no_file(tmp_path: Path, n: int) -> None:
    store, other = Store.open(tmp_path), Store.open(tmp_path)
    for i in range(n):  # mixed with others, large and small, so that pages split and rows move
        for person in ("FORGET-ME", "stays"):
            event = said(person, "keep", f"{person}-track-{i}" + "x" * (i % 7) * 300, f"{person}-title-{i}")
            store.add([event])
            if i % 10 == 0:
                store.create(person, f"{person}-saved", [SavedTrack(f"{person}-{i}", "n" * 500)] * (i % 50))
    playlist = store.create("FORGET-ME", "FORGET-ME", [])
    token = store.share("FORGET-ME", playlist.playlist_id)
    changed = store.replace("FORGET-ME", playlist.playlist_id, 1, "FORGET-ME 2", [SavedTrack("FORGET-ME-3")])
    assert changed is not None and b"FORGET-ME" in contents(tmp_path)
    list(other.events("FORGET-ME"))  # another connection that has read
    kept = len(list(store.events("stays")))
    assert store.forget("FORGET-ME") == n + (n + 9) // 10 + 1
    assert b"FORGET-ME" not in contents(tmp_path)
    assert playlist.playlist_id.encode() not in contents(tmp_path)
    assert (list(store.events("FORGET-ME")), store.listed("FORGET-ME"), store.shared(str(token))) == ([], [], None)
    assert len(list(other.events("stays"))) == kept == n
    assert len(store.listed("stays")) == (n + 9) // 10
    assert store.forget("FORGET-ME") == 0


def test_copies_that_changes_left_in_pages_are_forgotten_too(tmp_path: Path) -> None:
    """Overwriting deleted rows alone leaves two names in this file: pages that were rebuilt hold old bytes."""
    rng, store, saved = random.Random(4), Store.open(tmp_path), []
    for i in range(400):
        person = rng.choice([f"FORGETME{rng.randrange(3)}", *(f"stay{k}" for k in range(3))])
        name = person.rstrip("012")
        sizes = [rng.randrange(600) for _ in range(rng.randrange(1, 6))]
        store.add(said(person, "keep", f"{name}{i}", name + "x" * size) for size in sizes)
        if rng.random() < 0.3:
            title = name + "y" * rng.randrange(100)
            tracks = [SavedTrack(name + "z" * rng.randrange(200))] * rng.randrange(20)
            saved.append(store.create(person, title, tracks))
        if saved and rng.random() < 0.3:
            one = rng.choice(saved)
            found = store.get(one.person, one.playlist_id)
            assert found is not None
            name = one.person.rstrip("012")
            store.replace(one.person, one.playlist_id, found.version, name, [SavedTrack(name)] * rng.randrange(30))
    for k in range(3):
        assert store.forget(f"FORGETME{k}") > 0
    assert b"FORGETME" not in contents(tmp_path) and b"stay0" in contents(tmp_path)


def test_another_reader_keeps_the_log_and_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segue.serve.store.time.sleep", lambda _: None)
    store = Store.open(tmp_path)
    store.add([said("p", "keep", "a")])
    reader = connect(store.file)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM events").fetchall()
    connection = store._own.connection
    connection.execute("PRAGMA busy_timeout = 20")
    with pytest.raises(OutputError, match="try again"):
        store.forget("p")
    assert list(store.events("p")) == []
    reader.close()
    store.add([said("q", "keep", "a")])
    store.forget("q")  # the next one empties the log


_WRITER = """
import sys
from pathlib import Path
from segue.library.feedback import FeedbackEvent
from segue.serve.store import SavedTrack, Store
store = Store.open(Path(sys.argv[1]))
for i in range(int(sys.argv[3])):
    event = FeedbackEvent(1.0, sys.argv[2], "l", "keep", "m", "t", (), f"t{i}", 1)
    store.add([event, event])
    print(i + 1, flush=True)
"""


def writer(folder: Path, person: str, n: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _WRITER, str(folder), person, str(n)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_killed_process_loses_nothing_that_it_had_said(tmp_path: Path) -> None:
    process = writer(tmp_path, "p", 1_000_000)
    assert process.stdout is not None
    for _ in range(50):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    printed = 50 + len(process.stdout.read().split())
    process.wait()
    process.stdout.close()
    assert process.stderr is not None
    process.stderr.close()
    store = Store.open(tmp_path)
    found = [event.track_id for event in store.events("p")]
    assert len(found) in (2 * printed, 2 * printed + 2), "pairs: whole or not at all"
    assert found == [f"t{i // 2}" for i in range(len(found))]
    assert connect(store.file).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_processes_write_at_once(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    processes = [writer(tmp_path, person, 100) for person in "pq"]
    for process in processes:
        assert process.communicate(timeout=60)[1] == "" and process.returncode == 0
    store = Store.open(tmp_path)
    assert [len(list(store.events(person))) for person in "pq"] == [200, 200]


def test_processes_make_the_file_at_once(tmp_path: Path) -> None:
    processes = [writer(tmp_path / "new", person, 1) for person in "pqr"]
    for process in processes:
        assert process.communicate(timeout=60)[1] == "" and process.returncode == 0
    assert len(list(Store.open(tmp_path / "new").events())) == 6


_FULL = """
import resource, sys
from pathlib import Path
from segue.errors import OutputError
from segue.library.feedback import FeedbackEvent
from segue.serve.store import Store
store = Store.open(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
done = 0
try:
    for i in range(10_000):
        store.add([FeedbackEvent(1.0, "p", "l", "keep", "m", "t" * 1_000, (), str(i), 1)])
        done += 1
except OutputError as error:
    print(done, str(error))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
store.add([FeedbackEvent(1.0, "p", "l", "keep", "m", "t", (), "after", 1)])
print(len(list(store.events("p"))))
"""


def test_a_file_that_cannot_grow_is_said_and_stays_whole(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FULL, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    first, after = done.stdout.splitlines()
    n, _, message = first.partition(" ")
    assert int(n) > 10 and "is the disk full" in message and FILE_NAME in message
    assert int(after) == int(n) + 1


def test_a_full_disk_is_said_and_nothing_is_half_written(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.add([said("p", "keep", "a")])
    store._own.connection.execute("PRAGMA max_page_count = 20")
    with pytest.raises(OutputError, match="full"):
        store.add([said("p", "keep", "b" * 3_000) for _ in range(200)])
    assert [event.track_id for event in store.events("p")] == ["a"]


@pytest.mark.parametrize("damage", ["garbage", "cut off", "overwritten"])
def test_a_damaged_file_is_said(tmp_path: Path, damage: str) -> None:
    store = Store.open(tmp_path)
    store.add([said("p", "keep", f"t{i}") for i in range(500)])
    store.close()
    file = tmp_path / FILE_NAME
    data = file.read_bytes()
    assert len(data) > 50_000
    if damage == "garbage":
        file.write_bytes(b"this is no database" * 100)
    elif damage == "cut off":
        file.write_bytes(data[:6_000])
    else:
        file.write_bytes(data[:4_096] + os.urandom(len(data) - 4_096))
    with pytest.raises(StoredDataError, match=FILE_NAME):
        list(Store.open(tmp_path).events("p"))


@pytest.mark.parametrize(
    ("statement", "match"),
    [("PRAGMA user_version = 99", "newer"), ("PRAGMA application_id = 7", "another program")],
)
def test_a_file_that_is_not_ours_to_read(tmp_path: Path, statement: str, match: str) -> None:
    store = Store.open(tmp_path)
    connection = connect(store.file)
    connection.execute(statement)
    connection.close()
    with pytest.raises(StoredDataError, match=match):
        Store.open(tmp_path)


def test_a_place_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(OutputError, match="--data"):
        Store.open(tmp_path / "data")


def test_a_stored_event_that_is_none_is_damage(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.add([said("p", "keep", "a")])
    connection = connect(store.file)
    connection.execute("INSERT INTO events SELECT 99, 1.0, 'p', '', 'dance', '', '', x'5b5d', '', 0, x'5b5d'")
    connection.close()
    with pytest.raises(StoredDataError, match="damaged"):
        list(store.events("p"))
