from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Segue = Callable[..., Result]
Refused = Callable[..., str]

QUICK = ("--encoder", "ngrams", "--queries", 15)


def test_a_sweep_of_the_vote_is_printed_written_and_goes_on(segue: Segue, library: Path, tmp_path: Path) -> None:
    done = segue("sweep", library, "-o", "s", *QUICK, "--trials", 2)
    assert "shipped" in done.stdout and "k-th cosine" in done.stdout and "best / shipped" in done.stdout
    assert "2 new trials of 2" in done.stderr and "sweep.html" in done.stderr
    page = Path("s/sweep.html").read_text()
    assert "By number of neighbours" in page and page.count("<svg") == 5
    told = json.loads(segue("sweep", library, "-o", "s", *QUICK, "--trials", 3, "--json").stdout)
    assert told == json.loads(Path("s/sweep.json").read_text())
    assert told["n_trials"] == 3 and told["default"]["setting"]["k"] == 50
    assert [t["number"] for t in told["trials"]] == [0, 1, 2]


def test_themes_are_swept(segue: Segue, library: Path) -> None:
    told = json.loads(
        segue("sweep", library, "-o", "s", *QUICK[:2], "--what", "themes", "--grid", "--trials", 3, "--json").stdout
    )
    assert told["sweep"]["what"] == "themes" and told["sweep"]["method"] == "grid"
    assert {"kept share", "accuracy", "title bits"} <= told["best"]["values"].keys()
    assert "clusters" in Path("s/sweep.html").read_text()


def test_defaults_are_checked_one_by_one(segue: Segue, library: Path) -> None:
    done = segue("sweep", library, "-o", "s", *QUICK, "--what", "vote", "--defaults", "--trials", 6)
    assert "k: shipped 50, best" in done.stdout
    verdict = json.loads(Path("s/sweep.json").read_text())["verdicts"][0]
    assert verdict["parameter"] == "k" and verdict["within"] in (True, False)


def test_both_recipes_have_a_folder_each(segue: Segue, library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import segue.cli.sweep as command
    from segue.systems.sweep_vote import VoteSubject

    asked: list[str] = []
    made = command._subject

    def subject(what: str, *rest: object) -> object:
        asked.append(what)  # the model's own trials are in tests/systems
        return made("vote", *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(command, "_subject", subject)
    assert VoteSubject.what == "vote"
    segue("sweep", library, "-o", "s", *QUICK, "--defaults", "--trials", 1)
    assert asked == ["vote", "model"]
    assert Path("s/vote/sweep.json").exists() and Path("s/model/sweep.json").exists()


def test_themes_are_judged_by_a_fine_tuning(segue: Segue, library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import segue.systems.title_encoder as title_encoder

    given: list[object] = []

    def finetune_encoder(library: object, out: Path, **said: object) -> dict[str, object]:
        given.append((said["settings"].epochs, said["themes"].k, out.parent.exists()))  # type: ignore[attr-defined]
        return {"history": [{"validation_metric": 0.1}, {"validation_metric": 0.3}, {"validation_metric": 0.2}]}

    monkeypatch.setattr(title_encoder, "finetune_encoder", finetune_encoder)
    options = ("--what", "themes", "--vectors", "collaborative", "--finetune", 2, "--trials", 1, "--json")
    told = json.loads(segue("sweep", library, "-o", "s", *QUICK[:2], *options).stdout)
    assert told["best"]["objective"] == 0.3 and "2 epochs" in told["sweep"]["objective"]
    assert given == [(2, told["best"]["setting"]["clusters"], True)]


def test_what_is_refused(segue: Segue, refused: Refused, library: Path, hostile: Path, tmp_path: Path) -> None:
    assert "0 trials" in refused("sweep", library, "-o", "s", *QUICK, "--trials", 0)
    assert "--defaults" in refused("sweep", library, "-o", "s", "--grid", "--defaults")
    assert "--what themes" in refused("sweep", library, "-o", "s", "--finetune", 2)
    assert "nowhere" in refused("sweep", tmp_path / "nowhere", "-o", "s")
    assert "no-model" in refused("sweep", library, "-o", "s", "--encoder", tmp_path / "no-model")
    segue("sweep", library, "-o", "s", *QUICK, "--trials", 1)
    assert "another what" in refused("sweep", library, "-o", "s", *QUICK[:2], "--what", "themes", "--trials", 1)
    assert "another queries (15 instead of 9)" in refused(
        "sweep", library, "-o", "s", "--encoder", "ngrams", "--queries", 9, "--trials", 1
    )
    assert "validation" in refused("sweep", hostile / "library", "-o", "h", *QUICK)
    assert "library" in refused("sweep", library, "-o", library, *QUICK)
