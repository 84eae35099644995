"""The protocol of listeners on planted tastes."""

from __future__ import annotations

import builtins
import io
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from rich.console import Console

from protocols.planted_listeners import COUNTRIES, TASTES, planted_listeners, taste_of
from segue.errors import InputError, StoredDataError
from segue.evaluate.user_page import to_html
from segue.evaluate.user_table import EpochFigures, History, load_user_figures
from segue.evaluate.users import asked_of, user_values
from segue.library import Interactions, Library, Query, Ranking
from segue.protocols.user_rows import ALS, ARTISTS, EASE, ITEM_KNN, POPULARITY, TEXT, UserRows, baseline_rows
from segue.protocols.users import UsersReport, run_users, top_lists
from segue.recommend.user_scores import popularity_among
from segue.split.users import UserSplit, split_users

HOSTILE = '<img src=x onerror="alert(1)">&\x1b[31m\u202e[red]{}[/red]'


def tastes(library: Library) -> NDArray[np.float32]:
    """Texts that say the taste, and a little of the track."""
    rows = np.array([int(i[1:]) for i in library.tracks["track_id"]])
    vectors = np.zeros((len(rows), 40), np.float32)
    vectors[np.arange(len(rows)), taste_of(rows)] = 0.8
    vectors[np.arange(len(rows)), TASTES + rows % 36] = 0.6
    return vectors


@pytest.fixture(scope="module")
def split() -> UserSplit:
    return split_users(planted_listeners(), k=3, cold=0.3)


@pytest.fixture(scope="module")
def rows(split: UserSplit) -> UserRows:
    return baseline_rows(split, tastes(split.library), tune=False)


@pytest.fixture(scope="module")
def report(split: UserSplit, rows: UserRows) -> UsersReport:
    return run_users(split, rows.recommenders)


def test_each_row_knows_what_it_can_know(report: UsersReport) -> None:
    figures = report.figures

    def hit(method: str, question: str) -> float:
        return figures.mean(method, question, "hit_rate@10")

    assert figures.slices[0] == "all" and "strict cold, among cold" in figures.slices
    for method in (ITEM_KNN, ALS, EASE, TEXT, ARTISTS):
        assert hit(method, "warm") > hit(POPULARITY, "warm"), method
    # nobody who knows interactions alone can find unheard tracks better than by chance
    assert hit(ARTISTS, "strict cold, among cold") > hit(ITEM_KNN, "strict cold, among cold")
    assert hit(TEXT, "strict cold, among cold") > hit(ALS, "strict cold, among cold")
    # ten of some twenty cold tracks are listed: chance is high, but knowing is certain
    assert hit(TEXT, "strict cold, among cold") > 0.9
    assert hit(ITEM_KNN, "strict cold") == 0
    versus = figures.row(ITEM_KNN, "warm").versus["hit_rate@10"]
    assert versus.difference.low is not None and versus.difference.low > 0
    assert versus.p_holm is not None and versus.p_holm < 0.05
    assert any("synthetic" in note for note in figures.notes)


@dataclass(frozen=True)
class Knows:
    """Answers whatever it is told, then all others; ``asked`` remembers what was asked."""

    answers: dict[str, list[int]]
    n_tracks: int
    asked: list[Query]

    @property
    def fingerprint(self) -> str:
        return "knows"

    def recommend(self, query: Query, n: int) -> Ranking:
        self.asked.append(query)
        first = self.answers.get(query.user_id, [])
        rest = [row for row in range(self.n_tracks) if row not in first and row not in query.seed_tracks]
        rows = np.array([*first, *rest][:n], np.int32)
        return Ranking(rows, -np.arange(len(rows), dtype=np.float32))


def knowing(split: UserSplit, part: str = "test") -> Knows:
    truth = split.test if part == "test" else split.validation
    answers = {user: truth.row(row).tolist() for row, user in enumerate(split.user_ids)}
    return Knows(answers, split.n_tracks, [])


@pytest.mark.parametrize("part", ["test", "validation"])
def test_who_knows_the_truth_is_perfect_and_is_told_nothing(split: UserSplit, part: str) -> None:
    oracle = knowing(split, part)
    found = run_users(split, {"oracle": oracle}, part=part, reference=None)  # type: ignore[arg-type]
    assert found.figures.mean("oracle", "all", "hit_rate@10") == 1
    assert any("flatter" in note for note in found.figures.notes) == (part == "validation")
    assert found.figures.mean("oracle", "all", "ndcg@10") == pytest.approx(1)
    assert found.figures.mean("oracle", "strict cold, among cold", "ndcg@10") == pytest.approx(1)
    assert found.figures.mean("oracle", "tail, among tail", "ndcg@10") == pytest.approx(1)
    by_user = {query.user_id: query for query in oracle.asked}
    for row, user in enumerate(split.user_ids):
        if user in by_user:
            query = by_user[user]
            assert query.query_id == "" and query.seed_tracks == tuple(split.train.row(row).tolist())
            assert query.country == (COUNTRIES[int(user[1:]) % TASTES] or "")


@pytest.mark.parametrize("part", ["test", "validation"])
def test_cold_lists_are_ranked_among_the_cold_tracks_of_the_part(split: UserSplit, rows: UserRows, part: str) -> None:
    for name, recommender in rows.recommenders.items():
        lists = top_lists(name, recommender, split, part)  # type: ignore[arg-type]
        own = np.flatnonzero(split.cold == (2 if part == "test" else 1))
        cold = lists["strict cold, among cold"]
        asked = np.flatnonzero(split.part(part).lengths > 0)  # type: ignore[arg-type]
        assert set(np.unique(cold[asked])) <= {*own.tolist(), -1}
        assert ((cold[asked] >= 0).sum(axis=1) == min(10, len(own))).all()
        assert (lists["strict cold"] == lists["all"]).all()
        tail = np.unique(lists["tail, among tail"][asked])
        assert set(tail) <= {*np.flatnonzero(split.regime == 1).tolist(), -1}
        for user in asked.tolist():
            assert not set(lists["all"][user]) & set(split.train.row(user).tolist())


def test_asking_by_blocks_changes_nothing(split: UserSplit, rows: UserRows) -> None:
    @dataclass(frozen=True)
    class OneByOne:
        behind: object
        fingerprint: str = "one"

        def recommend(self, query: Query, n: int) -> Ranking:
            found: Ranking = self.behind.recommend(query, n)  # type: ignore[attr-defined]
            return found

    for name in (ITEM_KNN, ARTISTS):
        by_block = top_lists(name, rows.recommenders[name], split, "test")
        singly = top_lists(name, OneByOne(rows.recommenders[name]), split, "test")
        for question, lists in by_block.items():
            assert (lists == singly[question]).all(), (name, question)


def test_the_rows_of_the_table_decide_nothing_about_unheard_tracks() -> None:
    """Where the first rows are the best loved tracks, knowing nothing must not look like knowing something."""
    rng = np.random.default_rng(1)
    chances = np.linspace(0.4, 0.02, 300)
    loved = [np.flatnonzero(rng.random(300) < chances) for _ in range(150)]
    library = replace(
        planted_listeners(150),
        tracks=pl.DataFrame({"track_id": [f"x{i}" for i in range(300)], "artist": ["a"] * 300}),
        playlist_tracks=Interactions.of([], n_columns=300),
        user_tracks=Interactions.of(loved, n_columns=300),
    )
    split = split_users(library, cold=0.3)
    popularity = popularity_among(split.train, split.library.tracks["track_id"].to_list())
    found = run_users(split, {POPULARITY: popularity})
    ours = found.figures.mean(POPULARITY, "strict cold, among cold", "ndcg@10")
    cold = np.flatnonzero(split.cold == 2)
    truth = asked_of(split.test, split.cold == 2)

    def ndcg(order: NDArray[np.integer]) -> float:
        lists = np.tile(order[:10].astype(np.int32), (split.n_users, 1))
        return float(np.nanmean(user_values(lists, truth)["ndcg@10"]))

    by_chance = [ndcg(rng.permutation(cold)) for _ in range(40)]
    assert min(by_chance) <= ours <= max(by_chance)
    assert ndcg(cold) > max(by_chance), "by row it would look like knowledge"


def test_faulty_recommenders_are_named(split: UserSplit) -> None:
    @dataclass(frozen=True)
    class Faulty:
        kind: str
        fingerprint: str = "faulty"

        def recommend(self, query: Query, n: int) -> Ranking:
            rows = query.seed_tracks[:1] if self.kind == "given" else (_other(query), _other(query))
            return Ranking(np.array(rows, np.int32), np.zeros(len(rows), np.float32))

    def _other(query: Query) -> int:
        return next(row for row in range(split.n_tracks) if row not in query.seed_tracks)

    with pytest.raises(ValueError, match="faulty recommended a track of training"):
        run_users(split, {"faulty": Faulty("given")})
    with pytest.raises(ValueError, match="faulty recommended a track twice"):
        run_users(split, {"faulty": Faulty("twice")})


def test_what_makes_no_sense_is_refused(split: UserSplit, rows: UserRows) -> None:
    with pytest.raises(InputError, match="no method"):
        run_users(split, {})
    with pytest.raises(InputError, match="there is no method 'towers'"):
        run_users(split, rows.recommenders, judged="towers", others={"all": [ALS]})
    without = split_users(planted_listeners(), k=3, test=0, cold=0)
    with pytest.raises(InputError, match="held out for test"):
        run_users(without, rows.recommenders)


def test_not_below_is_tested_against_the_best(split: UserSplit, rows: UserRows) -> None:
    methods = {**rows.recommenders, "oracle": knowing(split)}
    others = {"all": [ALS, ITEM_KNN], "strict cold, among cold": [ARTISTS]}
    good = run_users(split, methods, judged="oracle", others=others).figures.not_below
    assert [row.slice for row in good] == list(others) and all(row.holds for row in good) and good[0].above
    best = max((ALS, ITEM_KNN), key=lambda m: run_users(split, methods).figures.mean(m, "all", "hit_rate@10"))
    assert good[0].other == best
    bad = run_users(split, methods, judged=POPULARITY, others=others).figures.not_below
    assert not any(row.holds or row.above for row in bad[:1])


def test_fairness_adds_up(split: UserSplit, report: UsersReport) -> None:
    figures = report.figures
    assert figures.catalogue is not None
    assert sum(v or 0 for v in figures.catalogue.regimes.values()) == pytest.approx(1)
    assert figures.catalogue.regimes["strict cold"] == pytest.approx(float((split.cold > 0).mean()))
    for one in figures.fairness:
        lists = report.lists[one.method]
        shown = lists[lists >= 0]
        for at, name in enumerate(("warm", "tail", "strict cold")):
            assert one.shares.regimes[name] == pytest.approx(float((split.regime[shown] == at).mean()))
        assert one.shown == pytest.approx(len(np.unique(shown)) / split.n_tracks)
        assert {g.name for g in one.countries} == {"DE", "FR", "FI", "unknown"}
        assert sum(g.n for g in one.countries) == figures.n_users
        # the mean over countries, weighted by users, is the mean over users
        mean = sum(g.n * (g.hit_rate.mean or 0) for g in one.countries) / figures.n_users
        assert mean == pytest.approx(figures.mean(one.method, "all", "hit_rate@10"))
    popular = next(one for one in figures.fairness if one.method == POPULARITY)
    fair = next(one for one in figures.fairness if one.method == ARTISTS)
    assert popular.lift.mean is not None and popular.lift.mean > 1.2
    assert popular.gini is not None and fair.gini is not None and popular.gini > fair.gini


def test_reports_are_saved_printed_and_read_again(report: UsersReport, tmp_path: Path) -> None:
    as_json, as_html = report.save(tmp_path / "report")
    assert load_user_figures(as_json) == report.figures
    first = as_html.read_bytes()
    report.save(tmp_path / "report")
    assert as_html.read_bytes() == first and b"<svg" in first
    out = io.StringIO()
    report.print(Console(file=out, width=200))
    assert "hit_rate@10" in out.getvalue() and "popularity lift" in out.getvalue()
    as_json.write_bytes(as_json.read_bytes()[:-50])
    with pytest.raises(StoredDataError, match="damaged"):
        load_user_figures(as_json)
    with pytest.raises(StoredDataError, match="missing"):
        load_user_figures(tmp_path / "nothing.json")
    as_json.write_text('{"kind": "segue report"}')
    with pytest.raises(StoredDataError):
        load_user_figures(as_json)


def test_hostile_names_stay_names(rows: UserRows, split: UserSplit, monkeypatch: pytest.MonkeyPatch) -> None:
    users = split.library.users
    assert users is not None
    import polars as pl

    hostile = replace(
        split, library=replace(split.library, users=users.with_columns(pl.lit(HOSTILE).alias("country")))
    )
    history = History(HOSTILE, 1, [EpochFigures(0, {"hit_rate@10 all": 0.1}), EpochFigures(1, {"ndcg@10 all": 0.2})])
    found = run_users(
        hostile,
        {HOSTILE: rows.recommenders[POPULARITY], ALS: rows.recommenders[ALS]},
        reference=HOSTILE,
        judged=ALS,
        others={"all": [HOSTILE]},
        histories=[history],
        notes=[HOSTILE],
    )
    page = to_html(found.figures)
    assert "<img" not in page and "\x1b" not in page and "\u202e" not in page and "<script" not in page
    out = io.StringIO()
    found.print(Console(file=out, width=160, force_terminal=False))
    assert "\x1b" not in out.getvalue() and "\u202e" not in out.getvalue()
    real = builtins.__import__

    def without(name: str, *args: object, **more: object) -> object:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    assert "No plots" in to_html(found.figures)


def test_tuning_looks_at_validation_alone(split: UserSplit) -> None:
    found = baseline_rows(split, tune=True)
    assert set(found.recommenders) == {POPULARITY, ITEM_KNN, ALS, EASE, ARTISTS}
    assert any("text_knn" in note for note in found.notes)
    nothing = Interactions.of([[] for _ in range(split.n_users)], n_columns=split.n_tracks)
    again = baseline_rows(replace(split, test=nothing), tune=True)
    assert again.settings == found.settings != baseline_rows(split, tune=False).settings
    for name, row in found.recommenders.items():
        assert again.recommenders[name].fingerprint == row.fingerprint


def test_a_row_that_is_not_installed_is_left_out_by_name(split: UserSplit, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: object, **more: object) -> object:
        if name.startswith("implicit"):
            raise ImportError(name)
        return real(name, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    found = baseline_rows(split, tune=False)
    assert ALS not in found.recommenders and ITEM_KNN in found.recommenders
    assert any("'als'" in note and "compare" in note for note in found.notes)
