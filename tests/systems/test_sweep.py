from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from protocols.planted import THEMES, planted
from recommend.corpora import dense, random_library
from segue.encode.ngrams import NgramEncoder
from segue.errors import InputError, OutputError, StoredDataError
from segue.library import Interactions, Library, Query
from segue.library.themes import Themes
from segue.recommend.nearest import PublishedRecipe
from segue.recommend.vote_table import idf_rows, neighbour_matrix
from segue.split.holdout import holdout, part_of
from segue.systems.sweep import Outcome, Sweep, run_sweep
from segue.systems.sweep_model import ModelSubject
from segue.systems.sweep_report import importance, save_sweep, sweep_report, verdicts
from segue.systems.sweep_spaces import Parameter, Setting, Space
from segue.systems.sweep_themes import ThemesSubject
from segue.systems.sweep_vote import VoteSubject
from segue.train.votes import VoteTraining
from segue.views.titles import normalise

SPACE = Space(
    (
        Parameter("a", "a", 1, 100, 50, (10, 50, 90), log=True, whole=True),
        Parameter("b", "b", 0.01, 1.0, None, (None, 0.1, 0.5), log=True),
        Parameter("c", "c", 0.0, 1.0, 0.5, (0.0, 0.5, 1.0), step=0.1),
    )
)


@dataclass
class Hill:
    """Best at a = 10, b = 0.1, c = 0."""

    stop_at: int = -1
    asked: list[Setting] = field(default_factory=list)
    encoder: str = "e"
    space: Space = SPACE
    what: str = "hill"
    objective: str = "height"

    @property
    def conditions(self) -> dict[str, Any]:
        return {"library": "l", "encoder": self.encoder}

    @property
    def notes(self) -> list[str]:
        return ["<b>note</b>"]

    def evaluate(self, setting: Setting, progress: object = None) -> Outcome:
        if len(self.asked) == self.stop_at:
            raise KeyboardInterrupt
        self.asked.append(setting)
        a, b, c = setting["a"], setting["b"], setting["c"]
        assert a is not None and c is not None
        height = 2 - abs(np.log10(a) - 1) / 3 - c / 3 - (0.5 if b is None else abs(np.log10(b) + 1) / 3)
        per_query = (height + np.linspace(-0.3, 0.3, 40)).tolist()
        return Outcome(float(np.mean(per_query)), {"height": height, "none": float("nan")}, per_query)

    def details(self, best: Setting, progress: object = None) -> dict[str, Any]:
        return {}


def encoder_of(library: Library) -> NgramEncoder:
    training = library.select_playlists(holdout(library).train)
    return NgramEncoder.fitted([normalise(title) for title in training.titles])


# ---- the log


def test_a_killed_search_goes_on_to_the_same_trials(tmp_path: Path) -> None:
    whole = run_sweep(Hill(), tmp_path / "whole", trials=24)
    with pytest.raises(KeyboardInterrupt):
        run_sweep(Hill(stop_at=14), tmp_path / "cut", trials=24)
    log = tmp_path / "cut" / "trials.jsonl"
    log.write_bytes(log.read_bytes()[:-9])  # killed in the middle of a line
    whole_lines = log.read_bytes().count(b"\n")
    after = Hill()
    found = run_sweep(after, tmp_path / "cut", trials=24)
    assert 0 < len(after.asked) <= found.new == 24 - whole_lines < 24  # a setting that comes again is not tried again
    assert log.read_bytes() == (tmp_path / "whole" / "trials.jsonl").read_bytes()
    assert found.trials == whole.trials and found.best == whole.best
    again = Hill()
    assert run_sweep(again, tmp_path / "whole", trials=24).new == 0 and not again.asked


def test_the_search_finds_the_hill_and_begins_with_what_is_shipped(tmp_path: Path) -> None:
    found = run_sweep(Hill(), tmp_path, trials=40)
    assert found.trials[0].setting == SPACE.default == found.default.setting
    assert found.best.objective > found.default.objective + 0.5
    assert len({tuple(trial.setting.values()) for trial in found.trials}) > 35
    assert found.best.objective == max(trial.objective for trial in found.trials)
    for trial in found.trials:
        a, b, c = (trial.setting[name] for name in "abc")
        assert isinstance(a, int) and 1 <= a <= 100 and (b is None or 0.01 <= b <= 1)
        assert c is not None and round(c * 10, 6) in range(11)
    assert {trial.setting["b"] is None for trial in found.trials} == {True, False}
    other = run_sweep(Hill(), tmp_path / "other", trials=40, rng_key=1)
    assert other.trials[1:] != found.trials[1:]


def test_grid_and_star(tmp_path: Path) -> None:
    grid = run_sweep(Hill(), tmp_path / "grid", method="grid")
    assert len(grid.trials) == 27 and len({tuple(t.setting.values()) for t in grid.trials}) == 27
    assert grid.best.setting == {"a": 10, "b": 0.1, "c": 0.0}
    star = run_sweep(Hill(), tmp_path / "star", method="defaults")
    assert len(star.trials) == 7
    part = run_sweep(Hill(), tmp_path / "part", method="grid", trials=5)
    assert part.trials == grid.trials[:5]
    assert run_sweep(Hill(), tmp_path / "part", method="grid").trials == grid.trials


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="0 trials"):
        run_sweep(Hill(), tmp_path / "s", trials=0)
    assert not (tmp_path / "s").exists()
    run_sweep(Hill(), tmp_path / "s", trials=2)
    for other, name in ((Hill(encoder="f"), "encoder"), (Hill(what="dale"), "what"), (Hill(space=SPACE_2), "space")):
        with pytest.raises(InputError, match=f"another {name}"):
            run_sweep(other, tmp_path / "s", trials=2)
        assert not other.asked
    with pytest.raises(InputError, match="another method"):
        run_sweep(Hill(), tmp_path / "s", method="grid")
    with pytest.raises(InputError, match="another rng_key"):
        run_sweep(Hill(), tmp_path / "s", rng_key=5)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("dear diary")
    with pytest.raises(OutputError, match="mine"):
        run_sweep(Hill(), tmp_path / "mine")


SPACE_2 = Space((*SPACE.parameters[:2], Parameter("c", "c", 0.0, 2.0, 0.5, (0.0, 0.5, 1.0), step=0.1)))


@pytest.mark.parametrize("damage", [b"{}", b"not json", b'{"number":7,"setting":{},"objective":1,"values":{}}'])
def test_a_damaged_log_is_named(tmp_path: Path, damage: bytes) -> None:
    run_sweep(Hill(), tmp_path / "s", trials=3)
    log = tmp_path / "s" / "trials.jsonl"
    lines = log.read_bytes().splitlines()
    log.write_bytes(b"\n".join([lines[0], damage, lines[2]]) + b"\n")
    with pytest.raises(StoredDataError, match=r"trials\.jsonl is damaged \(line 2"):
        run_sweep(Hill(), tmp_path / "s", trials=3)


def test_nothing_but_json_is_written(tmp_path: Path) -> None:
    found = run_sweep(Hill(), tmp_path / "s", trials=12)
    save_sweep(found, sweep_report(found, {}, []), tmp_path / "s")
    assert {path.name for path in (tmp_path / "s").iterdir()} == {
        "manifest.json",
        "trials.jsonl",
        "sweep.json",
        "sweep.html",
    }


# ---- what a sweep says


def test_a_shipped_value_is_within_the_interval_of_the_best_or_not(tmp_path: Path) -> None:
    found = run_sweep(Hill(), tmp_path, method="defaults")
    told = {v["parameter"]: v for v in verdicts(found)}
    # each query gains alike, so the smallest gain can be told from nothing
    assert [told[name]["best"] for name in "abc"] == [10, 0.1, 0.0]
    assert not any(v["within"] for v in told.values())
    flat = Sweep(found.header, found.space, tuple(t for t in found.trials if t.setting["a"] != 10), 0)
    a = verdicts(flat)[0]
    assert a["best"] == a["shipped"] == 50 and a["within"] and a["difference"]["mean"] == 0


def test_main_effects_of_a_sum_are_the_shares_of_its_terms(tmp_path: Path) -> None:
    found = run_sweep(Hill(), tmp_path, method="grid")
    shares = importance(found)
    assert sum(shares.values()) == pytest.approx(1)  # the hill is a sum and the grid is whole
    assert all(share > 0.05 for share in shares.values())


def test_the_page_escapes_and_two_runs_differ_in_the_date_alone(tmp_path: Path) -> None:
    pages, reports = [], []
    for name in "xy":
        found = run_sweep(Hill(), tmp_path / name, method="grid")
        report = sweep_report(found, {}, ["<script>alert(1)</script>"])
        save_sweep(found, report | {"created": "now"}, tmp_path / name)
        pages.append((tmp_path / name / "sweep.html").read_bytes())
        reports.append((tmp_path / name / "sweep.json").read_bytes())
    assert pages[0] == pages[1] and reports[0] == reports[1]
    assert b"<script" not in pages[0] and b"&lt;script" in pages[0]
    assert pages[0].count(b"<svg") == 3
    told = json.loads(reports[0])
    assert len(told["trials"]) == told["n_trials"] == 27 and told["part"] == "validation"


# ---- the vote


def ids_of(training: bool) -> Iterator[str]:
    return (f"p{i}" for i in count() if (part_of(f"p{i}") > 1) == training)


def by_size(per_theme: int) -> Library:
    """Each theme has just so many training playlists, all of one title; their tracks are its own."""
    rng = np.random.default_rng(0)
    ids = {training: ids_of(training) for training in (True, False)}
    names, titles, playlists = [], [], []
    for theme, word in enumerate(THEMES):
        for i in range(per_theme + 25):
            names.append(next(ids[i < per_theme]))
            titles.append(word)
            playlists.append(theme * 120 + rng.choice(120, 12, replace=False))
    n = 120 * len(THEMES)
    tracks = pl.DataFrame({"track_id": [f"t{i}" for i in range(n)], "name": ["x"] * n, "artist": ["y"] * n})
    order = rng.permutation(len(names))
    table = pl.DataFrame({"playlist_id": [names[i] for i in order], "title": [titles[i] for i in order]})
    return Library(tracks, table, Interactions.of([playlists[i] for i in order], n_columns=n))


def test_the_planted_number_of_neighbours_is_found(tmp_path: Path) -> None:
    library = by_size(25)
    found = run_sweep(VoteSubject(library, encoder_of(library)), tmp_path, method="defaults")
    k = next(v for v in verdicts(found) if v["parameter"] == "k")
    assert k["best"] == 25 and k["shipped"] == 50 and k["within"] is False
    # a sharp softmax among 50 takes no notice of the other themes either
    tau = next(v for v in verdicts(found) if v["parameter"] == "tau")
    assert tau["best"] is not None and tau["objective"]["best"] == pytest.approx(k["objective"]["best"], rel=0.02)


def test_the_default_is_the_published_recipe() -> None:
    library = random_library(5, n_playlists=400, n_tracks=700, n_titles=30)
    subject = VoteSubject(library, encoder_of(library))
    recipe = PublishedRecipe.fitted(subject.questions.training, subject.encoder)
    rankings = subject.rankings(subject.space.default)
    assert len(rankings) > 10
    for title, rows in rankings.items():
        np.testing.assert_array_equal(rows, recipe.recommend(Query(title), 500).rows)


@pytest.mark.parametrize(
    "setting",
    [
        {"k": 7, "tau": 0.3, "smoothing": 0.0, "length_power": 0.5},
        {"k": 40, "tau": None, "smoothing": 0.4, "length_power": 0.2},
        {"k": 10_000, "tau": 0.1, "smoothing": 0.7, "length_power": 0.0},
    ],
)
def test_rankings_are_those_of_dense_algebra(setting: Setting) -> None:
    library = random_library(6, n_playlists=300, n_tracks=620, n_titles=30)
    subject = VoteSubject(library, encoder_of(library))
    training = subject.questions.training
    x = dense(training)
    unit = idf_rows(training.playlist_tracks.matrix())
    similar = neighbour_matrix(unit, unit).toarray()
    profiles = x / np.maximum(x.sum(axis=1, keepdims=True), 1) ** setting["length_power"]
    vectors = subject.encoder.encode(training.titles).astype(float)
    for title, rows in subject.rankings(setting).items():
        cosines = np.round(vectors @ subject.encoder.encode([title])[0], 6)
        near = np.argsort(-cosines, kind="stable")[: setting["k"]]
        weights = np.zeros(len(x))
        weights[near] = 1 if setting["tau"] is None else np.exp((cosines[near] - cosines.max()) / setting["tau"])
        g = setting["smoothing"]
        scores = ((1 - g) * weights + g * weights @ similar) @ profiles
        assert len(set(rows.tolist())) == len(rows) == 500
        scored = rows[: min(int((scores > 0).sum()), 500)]
        np.testing.assert_allclose(scores[scored], np.sort(scores)[::-1][: len(scored)], rtol=1e-4, atol=1e-7)


def test_how_many_playlists_fill_a_list() -> None:
    library = random_library(8, n_playlists=400, n_tracks=400, lengths=(1, 4))  # short: 66 and 65 tracks lie apart
    subject = VoteSubject(library, encoder_of(library))
    training = subject.questions.training
    found = subject.details(subject.space.default)
    needed = []
    recipe = PublishedRecipe.fitted(training, subject.encoder, k=training.n_playlists)
    for query in subject.questions.queries:
        near, _ = recipe.neighbours(query)
        tracks: set[int] = set()
        for nth, row in enumerate(near.tolist(), 1):
            tracks |= set(training.playlist_tracks.row(row).tolist())
            if len(tracks) >= 66:
                needed.append(nth)
                break
    for row in found["by_k"]:
        assert row["fills"] == pytest.approx(np.mean(np.array(needed) <= row["k"]))
    assert found["playlists_needed"]["1.0"] == max(needed)
    cosines = [row["similarity"]["mean"] for row in found["by_k"]]
    assert cosines == sorted(cosines, reverse=True)


def test_no_more_neighbours_than_playlists(tmp_path: Path) -> None:
    library = random_library(7, n_playlists=60, n_tracks=80)
    subject = VoteSubject(library, encoder_of(library))
    n = len(holdout(library).train)
    assert subject.space["k"].high == n < 60 and subject.space["k"].default == min(50, n)
    assert any(f"k ends at {n}" in note for note in subject.notes)
    found = run_sweep(subject, tmp_path, trials=3)
    assert all(trial.setting["k"] <= n for trial in found.trials)  # type: ignore[operator]


def test_a_library_without_validation_playlists_is_refused(tmp_path: Path) -> None:
    library = planted(300)
    training = library.select_playlists(holdout(library).train)
    with pytest.raises(InputError, match="validation"):
        run_sweep(VoteSubject(training, encoder_of(library)), tmp_path / "a", trials=1)
    with pytest.raises(InputError, match="too few"):
        run_sweep(VoteSubject(training.select_playlists([0]), encoder_of(library)), tmp_path / "b", trials=1)
    with pytest.raises(InputError, match="too few"):
        run_sweep(ThemesSubject(training.select_playlists([0, 1]), encoder_of(library)), tmp_path / "c", trials=1)


# ---- themes


def test_titles_tell_as_many_bits_as_the_planted_themes_have() -> None:
    library = planted(360)
    subject = ThemesSubject(library, encoder_of(library), "collaborative")
    right = subject.evaluate({"clusters": 6, "min_match": 2.0}).values
    assert right["kept share"] == 1 and right["themes"] == 6 and right["accuracy"] > 0.95
    assert right["title bits"] == pytest.approx(np.log2(6), abs=0.1)
    merged = subject.evaluate({"clusters": 3, "min_match": 2.0}).values
    assert merged["title bits"] < right["title bits"] - 0.7
    themes = subject.themes({"clusters": 6, "min_match": 2.0})
    split = holdout(library)
    assert (themes.cluster[split.validation] == -1).all() and (themes.cluster[split.test] == -1).all()
    nothing = subject.evaluate({"clusters": 6, "min_match": 100.0})
    assert nothing.objective == 0 and nothing.values["kept share"] == 0


def test_titles_that_say_nothing_tell_no_bits() -> None:
    library = planted(360)
    shuffled = np.random.default_rng(0).permutation(library.titles).tolist()
    playlists = library.playlists.with_columns(title=pl.Series(shuffled))
    said = Library(library.tracks, playlists, library.playlist_tracks)
    found = ThemesSubject(said, encoder_of(said), "collaborative").evaluate({"clusters": 6, "min_match": 2.0})
    assert 0 <= found.values["title bits"] < 0.15


def test_a_fine_tuning_can_be_the_objective(tmp_path: Path) -> None:
    library = planted(300)
    seen: list[Themes] = []

    def tune(themes: Themes) -> float:
        seen.append(themes)
        return float(themes.n_classes)

    subject = ThemesSubject(library, encoder_of(library), "collaborative", tune=tune, tune_name="classes")
    found = run_sweep(subject, tmp_path, trials=2)
    assert found.header["objective"] == "classes"
    assert [t.objective for t in found.trials] == [themes.n_classes for themes in seen]
    assert "kept share x title bits" in found.best.values


# ---- the test part


def with_other_test_playlists(library: Library) -> Library:
    """The same library, but for titles and tracks of its test playlists."""
    test = set(holdout(library).test.tolist())
    assert test
    titles = [f"other {i}" if i in test else title for i, title in enumerate(library.titles)]
    tracks = library.playlist_tracks
    rows = [np.arange(20) if i in test else tracks.row(i) for i in range(library.n_playlists)]
    return Library(
        library.tracks,
        library.playlists.with_columns(title=pl.Series(titles)),
        Interactions.of(rows, n_columns=library.n_tracks),
    )


SUBJECTS: dict[str, Callable[[Library], Any]] = {
    "vote": lambda library: VoteSubject(library, encoder_of(library)),
    "themes": lambda library: ThemesSubject(library, encoder_of(library)),
    "model": lambda library: ModelSubject(library, encoder_of(library), 20, VoteTraining(epochs=1)),
}


@pytest.mark.parametrize("what", SUBJECTS)
def test_test_playlists_change_nothing(what: str, tmp_path: Path) -> None:
    library = planted(240, 25)
    told = []
    for name, used in (("a", library), ("b", with_other_test_playlists(library))):
        subject = SUBJECTS[what](used)
        found = run_sweep(subject, tmp_path / name, method="defaults", trials=2)
        report = sweep_report(found, subject.details(found.best.setting), subject.notes)
        assert report["sweep"]["library"] == used.fingerprint
        told.append({key: report[key] for key in report if key not in ("created", "sweep")})
    assert told[0] == told[1]
    with pytest.raises(InputError, match="another library"):
        run_sweep(SUBJECTS[what](library), tmp_path / "b", method="defaults", trials=2)
