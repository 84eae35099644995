from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.conftest import Segue
from segue.library import Library
from segue.library.feedback import FeedbackEvent
from segue.serve.store import SavedTrack, Store


@pytest.fixture
def data(tmp_path: Path, model: Path) -> Path:
    """What a service has stored: two people, a list each time; one of them saved a playlist."""
    from segue.systems.model import Model

    ids = [Model.load(model).catalogue.texts["track_id"][row] for row in range(6)]
    store = Store.open(tmp_path / "data")
    for i, person in enumerate((":first-person", "k1:second-person")):
        store.add([FeedbackEvent(1.0, person, f"l{i}", "shown", "m", "\x1b[2Jrain", shown=tuple(ids))])
        store.add(
            FeedbackEvent(2.0, person, f"l{i}", action, "m", "\x1b[2Jrain", (), ids[at], at + 1)  # type: ignore[arg-type]
            for at, action in enumerate(("keep", "more", "never"))
        )
    store.create(":first-person", "mine", [SavedTrack(ids[0])])
    store.close()
    return tmp_path / "data"


def test_everybody_and_one_person_are_shown(segue: Segue, data: Path) -> None:
    found = json.loads(segue("feedback", "show", "--data", data, "--json").stdout)
    assert (found["events"], found["people"]) == (8, {"first-person": 4, "k1:second-person": 4})
    assert found["actions"] == {"shown": 2, "keep": 2, "more": 2, "never": 2}
    assert found["places"]["known"] is False
    one = json.loads(segue("feedback", "show", "first-person", "--data", data, "--json").stdout)
    assert [len(one[kind]) for kind in ("kept", "more", "never", "events", "playlists")] == [1, 1, 1, 4, 1]
    shown = segue("feedback", "show", "k1:second-person", "--data", data).stdout
    assert "never" in shown and "\x1b[2J" not in shown
    assert "not known yet" in segue("feedback", "show", "--data", data).stdout


def test_feedback_goes_to_training(segue: Segue, data: Path, library: Path) -> None:
    result = segue("feedback", "export", "-o", "out", "--data", data, "--library", library)
    assert (
        result.stdout == "" and "2 playlists of kept tracks" in result.stderr and "all count alike" in result.stderr
    )
    grown, before = Library.load("out/library"), Library.load(library)
    assert grown.n_playlists == before.n_playlists + 2
    assert segue("ingest", "out/playlists.jsonl", "-o", "ingested").exit_code == 0
    assert Library.load("ingested").n_playlists == 2
    segue("feedback", "export", "-o", "out", "--data", data)  # once more, over the old one
    assert not Path("out/library").exists()


def test_a_forgotten_person_is_gone(segue: Segue, refused: Callable[..., str], data: Path) -> None:
    assert "5 events and playlists" in segue("feedback", "forget", "first-person", "--data", data).stderr
    assert b"first-person" not in b"".join(file.read_bytes() for file in data.iterdir())
    assert "nothing is stored" in refused("feedback", "forget", "first-person", "--data", data)
    assert "nothing is stored" in refused("feedback", "show", "first-person", "--data", data)
    found = json.loads(segue("feedback", "show", "--data", data, "--json").stdout)
    assert found["people"] == {"k1:second-person": 4}


def test_where_no_service_has_been(refused: Callable[..., str], tmp_path: Path) -> None:
    for command in (["show"], ["export", "-o", "out"], ["forget", "x"]):
        assert "--data" in refused("feedback", *command)
    assert not (tmp_path / "segue-data").exists(), "looking makes no file"


def test_the_protocol_of_a_model_and_replayed_events(
    segue: Segue, refused: Callable[..., str], model: Path, data: Path
) -> None:
    ask = ("evaluate", model, "--protocol", "feedback")
    result = segue(*ask, "--wrong", "0,25", "--turns", 2, "-o", "report", "--json")
    found = json.loads(result.stdout)
    assert {row["wrong"] for row in found["rows"]} == {0.0, 0.25} and not found["learning"]
    assert json.loads(Path("report/feedback.json").read_text()) == found and Path("report/feedback.html").is_file()
    segue("feedback", "export", "-o", "out", "--data", data)
    assert "nothing to compare" in refused(*ask, "--events", "out/events.jsonl", "-o", "replayed")
    assert "a place" in refused(*ask)
    assert "--learn" in refused(*ask, "--learn", "-o", "x")
    assert "--playlist" in refused(*ask, "--playlist", "1", "-o", "x")
    assert "percent" in refused(*ask, "--wrong", "most", "-o", "x")
