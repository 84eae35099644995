"""Judged systems: planted judges, known truth, what people choose."""

from __future__ import annotations

from itertools import product

import msgspec
import numpy as np
import polars as pl
import pytest

from contracts.judge import JudgeContract
from segue.errors import InputError
from segue.evaluate.agreement import weighted_kappa
from segue.evaluate.pooling import Pair
from segue.library import Interactions, Library
from segue.library.searching import Graded, SearchQuery
from segue.systems.judge_page import findings, judge_page
from segue.systems.judge_report import NOT_VALIDATED, JudgeReport, judge_report, save_judge_report
from segue.systems.judge_tuning import MEDIAN, SAME, choose, halves, is_tuning, recoded
from segue.systems.judging import Judge, by_pair, gold_of, gold_result, judge_pairs, judge_pool, median_grades
from segue.systems.stand_in_judge import STAND_IN, EvidenceJudge
from systems.planted_judges import PlantedJudge, planted_pool

POOL, TRUTH = planted_pool()


def test_a_perfect_judge_repeats_the_truth() -> None:
    judged = judge_pool(POOL, PlantedJudge(TRUTH, (0.0, 0.0)))
    report = judge_report(POOL, judged, people=TRUTH)
    assert judged.grades == (TRUTH, TRUTH) and judged.failed == 0
    by_name = {row.name: row for row in report.systems}
    means = {name: np.mean([TRUTH[q, one] for q, ids in POOL.lists[name].items() for one in ids]) for name in "abc"}
    assert {name: row.grade[0] for name, row in by_name.items()} == pytest.approx(means)
    assert means["a"] > means["b"] > means["c"] and by_name["a"].ndcg[0] > by_name["c"].ndcg[0]
    assert report.changed == 0 and by_name["a"].sd == 0 and report.tau_of_wordings == 1
    assert report.validation is not None and report.validation.kappa == (1, 1, 1) and report.validation.tau[0] == 1
    assert sum(report.distribution) == report.pairs == len(TRUTH)


def test_the_kappa_of_a_planted_judge_and_its_spread() -> None:
    judge = PlantedJudge(TRUTH, (0.3, 0.3, 0.3))
    judged = judge_pool(POOL, judge)
    report = judge_report(POOL, judged, people=TRUTH)
    median = median_grades(judged.grades)
    expected = weighted_kappa([TRUTH[pair] for pair in TRUTH], [median[pair] for pair in TRUTH])
    assert report.validation is not None and report.validation.kappa[0] == pytest.approx(expected)
    # each wording is wrong in 30 %, towards one of at most two neighbours: by hand at least 1 - .7^3 - .3^3 differ
    assert report.changed is not None and 1 - 0.7**3 - 0.3**3 - 0.06 < report.changed < 1 - 0.7**3 + 0.06
    changed = np.mean([len({one[pair] for one in judged.grades}) > 1 for pair in TRUTH])
    assert report.changed == pytest.approx(changed)
    table = [[np.mean([one[q, x] for x in POOL.lists["b"][q]]) for q in POOL.queries] for one in judged.grades]
    (row,) = [row for row in report.systems if row.name == "b"]
    assert row.sd == pytest.approx(np.std(table, axis=0, ddof=1).mean())
    assert row.by_wording == pytest.approx(np.mean(table, axis=1))


def test_what_failed_is_counted_and_counts_for_no_system() -> None:
    lost = POOL.pairs[0]
    judged = judge_pool(POOL, PlantedJudge(TRUTH, (0.0, 0.0), fails=frozenset([lost])))
    report = judge_report(POOL, judged)
    assert report.failed == 2 and report.queries_counted == report.queries - 1
    assert len(judged.lines) == 2 * len(TRUTH) - 2 and lost not in {(x.query, x.playlist_id) for x in judged.lines}
    assert "2 gradings failed or were not asked" in " ".join(findings(report))


def test_a_judge_may_not_invent_pairs() -> None:
    class Inventive(PlantedJudge):
        def grade(self, pairs: object, wording: int, progress: object = None) -> list[Graded]:
            return [Graded("query 0", "nowhere", 3, "", self.wordings[wording])]

    with pytest.raises(ValueError, match="was not asked"):
        judge_pairs(POOL.pairs, Inventive(TRUTH, (0.0,)))


def test_halves_are_apart_by_query_and_about_equal() -> None:
    choosing, measuring = halves(TRUTH)
    assert {q for q, _ in choosing} & {q for q, _ in measuring} == set()
    assert choosing | measuring == TRUTH and 0.3 < len(choosing) / len(TRUTH) < 0.7
    assert is_tuning("Rainy  SUNDAY!") == is_tuning("rainy sunday")


def test_people_choose_the_best_wording_and_mend_a_kind_judge() -> None:
    choosing, measuring = halves(TRUTH)
    judged = judge_pool(POOL, PlantedJudge(TRUTH, (0.9, 0.1, 0.8), scale=(1, 2, 3, 3)))
    chosen = choose(judged.by, judged.grades, choosing)
    assert chosen.wording == "planted-1" and chosen.scale != SAME and chosen.n == len(choosing)
    assert dict(chosen.tried)["planted-1"] == max(kappa for _, kappa in chosen.tried if kappa is not None)
    mended = judge_report(POOL, judged, chosen=chosen, people=measuring).validation
    as_given = judge_report(POOL, judged, people=measuring).validation
    assert mended is not None and as_given is not None and mended.n == len(measuring)
    assert mended.kind == "people who chose nothing" and as_given.kind == "all people"
    assert (mended.kappa[0] or 0) > (as_given.kappa[0] or 0) + 0.1


def test_choosing_reads_nothing_of_the_half_that_measures() -> None:
    judged = judge_pool(POOL, PlantedJudge(TRUTH, (0.5, 0.2)))
    choosing, measuring = halves(TRUTH)
    turned = tuple(
        one | {pair: 3 - one[pair] for pair in measuring} for one in judged.grades
    )  # the judge may be anything there
    assert choose(judged.by, judged.grades, choosing) == choose(judged.by, turned, choosing)


def test_a_scale_is_changed_for_a_gain_only() -> None:
    judged = judge_pool(POOL, PlantedJudge(TRUTH, (0.2, 0.2, 0.2)))
    chosen = choose(judged.by, judged.grades, halves(TRUTH)[0])
    assert chosen.scale == SAME and chosen.wording in (MEDIAN, *judged.by)
    best = max(
        weighted_kappa(list(recoded(chosen.apply(judged.by, judged.grades), s).values()), list(TRUTH.values()))
        for s in product(range(4), repeat=4)
        if sorted(s) == list(s) and len(set(s)) > 1
    )
    assert best < 1


def test_too_few_people_choose_nothing() -> None:
    judged = judge_pool(POOL, PlantedJudge(TRUTH, (0.2,)))
    with pytest.raises(InputError, match="are needed to choose"):
        choose(judged.by, judged.grades, dict(list(TRUTH.items())[:10]))


def planted_library(n: int = 60) -> Library:
    """Playlist i has ten tracks by artist i % 6."""
    tracks = pl.DataFrame(
        {
            "track_id": [f"t{i}" for i in range(n * 10)],
            "name": [f"tune {i}" for i in range(n * 10)],
            "artist": [f"{'abcdef'[(i // 10) % 6]}band" for i in range(n * 10)],
        }
    )
    playlists = pl.DataFrame({"playlist_id": [f"p{i}" for i in range(n)]})
    return Library(
        tracks, playlists, Interactions.of([range(10 * i, 10 * i + 10) for i in range(n)], n_columns=n * 10)
    )


def test_mechanical_gold() -> None:
    library = planted_library()
    queries = [SearchQuery(f"description {i}", f"p{i}", "benchmark", "people") for i in range(40)]
    pairs, own = gold_of(library, queries, others=4)
    assert len(pairs) == len(set(pairs)) == 200 and own == {(q.query, q.playlist_id) for q in queries}
    assert (
        len({[p for p in pairs if p[0] == pair[0]].index(pair) for pair in own}) == 5
    )  # the own one stands anywhere
    perfect = gold_result(pairs, own, {pair: 3 if pair in own else 0 for pair in pairs})
    assert perfect.auc.mean == perfect.within.mean == 1 and (perfect.own.mean, perfect.other.mean) == (3, 0)
    blind = gold_result(pairs, own, dict.fromkeys(pairs, 2))
    assert blind.auc.mean == blind.within.mean == 0.5
    half = gold_result(pairs, own, {pair: 3 if pair in own and int(pair[1][1:]) < 20 else 0 for pair in pairs})
    assert half.within.mean == half.auc.mean == 0.75 and half.within.low < 0.75 < half.within.high
    lost = {pair: 0 for pair in pairs if pair != pairs[0]}
    assert gold_result(pairs, own, lost).n == 39
    assert gold_of(library, queries, others=4) == (pairs, own)
    with pytest.raises(InputError, match="no playlist 'q'"):
        gold_of(library, [SearchQuery("x", "q", "benchmark", "people")])
    with pytest.raises(InputError, match="too few"):
        gold_of(planted_library(3), queries[:2])


def stand_in(texts: dict[str, str]) -> EvidenceJudge:
    drawn = tuple(f"{'ghijkl'[i % 6]}band - tune {i}" for i in range(200))
    return EvidenceJudge(lambda ids: [texts[one] for one in ids], drawn)


def test_the_stand_in_grades_by_evidence_alone() -> None:
    texts = {"x": "aband - one | aband - two", "y": "gband - tune 7", "z": "aband - one | aband - two", "e": ""}
    judge = stand_in(texts)
    assert len(judge.wordings) == 3 and all(by.startswith(STAND_IN) for by in judge.wordings)
    pairs: list[Pair] = [("songs by aband", one) for one in texts]
    for wording in range(3):
        grades = {line.playlist_id: line.grade for line in judge.grade(pairs, wording)}
        assert grades["x"] == grades["z"] == 3 and grades["y"] < 3 and grades["e"] == 0, wording
        assert judge.grade(pairs, wording) == judge.grade(pairs, wording)
    assert len(judge.grade([("???", "x"), ("", "y"), ("\ud800", "z")], 0)) == 3


def test_the_stand_in_tells_gold_from_others() -> None:
    library = planted_library()
    texts = {f"p{i}": " | ".join(f"{'abcdef'[i % 6]}band - tune {10 * i + j}" for j in range(10)) for i in range(60)}
    judge = EvidenceJudge(lambda ids: [texts[one] for one in ids], tuple(texts.values()))
    queries = [
        SearchQuery(f"the best of {'abcdef'[i % 6]}band, {i}", f"p{i}", "benchmark", "people") for i in range(30)
    ]
    pairs, own = gold_of(library, queries)
    gold = gold_result(pairs, own, median_grades(judge_pairs(pairs, judge).grades))
    assert gold.within.low > 0.7


def test_the_report_and_its_page(tmp_path: object) -> None:
    judged = judge_pool(POOL, PlantedJudge(TRUTH, (0.1, 0.2, 0.3)))
    report = judge_report(POOL, judged)
    assert report.validated == NOT_VALIDATED and report.validation is None and report.gold is None
    page = judge_page(report)
    assert "Not validated against people" in page and "People and judge" not in page and "<script" not in page
    people = judge_report(POOL, judged, people=TRUTH)
    assert "weighted kappa" in people.validated and "People and judge" in judge_page(people)
    assert msgspec.json.decode(msgspec.json.encode(people), type=JudgeReport) == people
    constant = judge_report(POOL, judged, people=dict.fromkeys(TRUTH, 2))
    assert constant.validated.startswith(NOT_VALIDATED) and "one grade only" in constant.validated


def test_what_the_judge_saw_and_who_it_was_is_said() -> None:
    judged = judge_pool(POOL, PlantedJudge(TRUTH, (0.1,), evidence="its title and tracks"))
    told = " ".join(findings(judge_report(POOL, judged)))
    assert "its title and tracks; never a description" in told and "stand-in" not in told
    named = type(judged)(judged.pairs, (f"{STAND_IN} (words)",), judged.grades, {}, "tracks")
    told = " ".join(findings(judge_report(POOL, named)))
    assert "A stand-in without a language model judged" in told and "tracks; never its title" in told


def test_hostile_names_stay_text(tmp_path_factory: pytest.TempPathFactory) -> None:
    name = "<script>alert(1)</script>\x1b[2J"
    pool = type(POOL)(POOL.queries, {name: POOL.lists["a"], "b": POOL.lists["b"]}, POOL.depth, {})
    judged = judge_pool(pool, PlantedJudge(TRUTH, (0.1,)))
    report = judge_report(pool, judged)
    page = judge_page(report)
    assert "<script" not in page and "\x1b" not in page and report.changed is None and report.grades_by == "planted-0"
    folder = tmp_path_factory.mktemp("judged")
    first = [path.read_bytes() for path in save_judge_report(report, judged, folder)]
    assert first == [path.read_bytes() for path in save_judge_report(report, judged, folder)]


def test_grades_of_a_file_by_who_gave_them() -> None:
    lines = [Graded("q", "x", 1, "", "a"), Graded("q", "x", 2, "", "b"), Graded("q", "x", 1, "why", "a")]
    assert by_pair(lines) == {"a": {("q", "x"): 1}, "b": {("q", "x"): 2}}
    with pytest.raises(InputError, match="twice"):
        by_pair([*lines, Graded("q", "x", 3, "", "a")])


class TestEvidenceJudge(JudgeContract):
    def made(self) -> tuple[Judge, list[Pair]]:
        texts = {f"p{i}": f"{'abcghi'[i % 6]}band - tune {i} | rain {i}" for i in range(12)}
        return stand_in(texts), [(query, one) for query in ("aband rain", "tune 7", "") for one in texts]


class TestPlantedJudge(JudgeContract):
    def made(self) -> tuple[Judge, list[Pair]]:
        return PlantedJudge(TRUTH, (0.5, 0.5)), list(TRUTH)[:50]
