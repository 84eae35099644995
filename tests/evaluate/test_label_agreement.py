"""What people say together: planted people, a planted judge, planted systems."""

import csv
import io
import math

import msgspec
import numpy as np
import pytest

from segue.errors import InputError
from segue.evaluate.agreement import weighted_kappa
from segue.evaluate.label_agreement import people_report, read_sheets, together
from segue.evaluate.label_sheet import Labels, make_sheets
from segue.evaluate.pooling import pooled
from segue.library.search_runs import RankedQuery, SearchRun

N_QUERIES = 60
SYSTEMS = {"bad": 0.2, "middling": 0.5, "good": 0.8}


@pytest.fixture(scope="module")
def planted():
    """Each query has 40 playlists of known grade; a better system finds more of the good ones."""
    rng = np.random.default_rng(7)
    truth, runs = {}, {name: [] for name in SYSTEMS}
    for q in range(N_QUERIES):
        query = f"query {q}"
        grades = rng.integers(0, 4, 40)
        truth.update({(query, f"{q}-{i}"): int(grade) for i, grade in enumerate(grades)})
        for name, quality in SYSTEMS.items():
            order = np.argsort(-(quality * grades + (1 - quality) * rng.normal(0, 2, 40)), kind="stable")[:5]
            runs[name].append(RankedQuery(str(q), query, None, tuple(f"{q}-{i}" for i in order)))
    pool = pooled([SearchRun(name, tuple(lines)) for name, lines in runs.items()], depth=5)
    _, key = make_sheets(pool, dict.fromkeys(pool.pairs, "shown"))
    return key, {pair: truth[pair] for pair in pool.pairs}


def rater(name, truth, wrong, rng_key):
    """Who gives the true grade, or a neighbouring one with probability ``wrong``."""
    rng = np.random.default_rng(rng_key)
    out = {}
    for pair, grade in truth.items():
        step = rng.choice([-1, 1]) if rng.random() < wrong else 0
        out[pair] = int(np.clip(grade + step, 0, 3))
    return Labels(name, out, 0, 0)


def test_kappa_of_planted_people_and_judge(planted):
    key, truth = planted
    anna, ben = rater("anna", truth, 0.2, 1), rater("ben", truth, 0.5, 2)
    judge = rater("", truth, 0.1, 3).grades
    found = people_report([anna, ben], key, judge)
    (people,) = found.people
    both = list(truth)
    assert people.agreement.kappa.mean == pytest.approx(
        weighted_kappa([anna.grades[p] for p in both], [ben.grades[p] for p in both])
    )
    by_name = {one.first: one.agreement for one in found.judge}
    assert by_name["anna"].kappa.mean > by_name["ben"].kappa.mean  # she is more careful
    assert by_name["anna"].exact.mean == pytest.approx(np.mean([anna.grades[p] == judge[p] for p in both]))
    assert set(by_name) == {"anna", "ben", "people together"} and by_name["anna"].n == len(truth)


def test_planted_systems_keep_their_order(planted):
    key, truth = planted
    judge = rater("", truth, 0.3, 3).grades
    found = people_report([Labels("anna", truth, 0, 0)], key, judge)
    means = {name: value.mean for name, value in found.systems.items()}
    assert means["bad"] < means["middling"] < means["good"]
    by_hand = [np.mean([truth[q, one] for one in ids]) for q, ids in key.lists["good"].items()]
    assert means["good"] == pytest.approx(np.mean(by_hand))
    assert found.tau is not None and found.tau.mean == 1 and found.n_queries == N_QUERIES
    upside_down = people_report(
        [Labels("anna", truth, 0, 0)], key, {pair: 3 - grade for pair, grade in truth.items()}
    )
    assert upside_down.tau is not None and upside_down.tau.mean == -1
    assert upside_down.judge[0].agreement.spearman.mean == pytest.approx(-1)


def test_what_nobody_graded_does_not_count(planted):
    key, truth = planted
    some = {pair: grade for pair, grade in truth.items() if pair[0] != "query 3"}
    found = people_report([Labels("anna", some, 5, 0)], key)
    assert found.n_queries == N_QUERIES - 1 and found.tau is None and not found.judge and not found.people
    nobody = people_report([Labels("anna", dict(list(truth.items())[:1]), 0, 0)], key)
    assert nobody.n_queries == 0 and all(math.isnan(value.mean) for value in nobody.systems.values())


def test_people_who_share_nothing(planted):
    key, truth = planted
    half = len(truth) // 2
    first, second = dict(list(truth.items())[:half]), dict(list(truth.items())[half:])
    found = people_report([Labels("anna", first, 0, 0), Labels("ben", second, 0, 0)], key)
    assert found.people[0].agreement.n == 0 and "by both" in found.people[0].agreement.note
    assert found.n_queries == N_QUERIES
    msgspec.json.encode(found.to_json())


def test_the_people_together():
    pair = ("q", "x")
    labels = [Labels(str(i), {pair: grade}, 0, 0) for i, grade in enumerate((3, 0, 2, 2, 1, 3))]
    assert together(labels[:3]) == {pair: 2} and together(labels[:2]) == {pair: 0} and together(labels) == {pair: 2}


def test_the_report_is_json_without_nan(planted):
    key, truth = planted
    report = people_report([Labels("anna", dict.fromkeys(truth, 2), 0, 0)], key, truth).to_json()
    assert msgspec.json.decode(msgspec.json.encode(report)) == report
    assert report["judge"][0]["kappa"] == [None, None, None] and "one grade only" in report["judge"][0]["note"]
    assert report["systems"]["good"]["grade"][0] == 2


def test_shares_of_tracks_that_fit(tmp_path):
    """Model a: 3 of 4 and 1 of 2 fit. A list that ends early is not filled up."""
    lists = {"a": {"rainy": "wxyz", "gym": "pq"}, "b": {"rainy": "wv", "gym": "p"}}
    pool = pooled(
        [SearchRun(m, tuple(RankedQuery(t, t, None, tuple(ids)) for t, ids in by.items())) for m, by in lists.items()]
    )
    (text,), key = make_sheets(pool, {pair: f"track {pair[1]}" for pair in pool.pairs}, sheet="fit")
    fits = set("wxyp")
    paths = []
    for name in ("anna", "ben"):
        rows = list(csv.reader(io.StringIO(text)))
        for row in rows[1:]:
            row[3] = str(int(key.items[row[0]].target in fits))
        out = io.StringIO()
        csv.writer(out).writerows(rows)
        paths.append(tmp_path / f"{name}.csv")
        paths[-1].write_text(out.getvalue())
    found = people_report(read_sheets(paths, key), key)
    assert found.systems["a"].mean == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert found.systems["b"].mean == pytest.approx((1 / 2 + 1) / 2)
    assert found.people[0].agreement.kappa.mean == 1 and found.people[0].first == "anna"
    assert "share" in found.to_json()["systems"]["a"]


def test_empty_sheets_and_equal_names(tmp_path):
    pool = pooled([SearchRun("a", (RankedQuery("1", "q", None, ("x",)),))])
    (text,), key = make_sheets(pool, {pool.pairs[0]: "shown"})
    paths = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / "sheet.csv")
        paths[-1].write_text(text)
    with pytest.raises(InputError, match="nothing was graded"):
        read_sheets(paths, key)
    paths[0].write_text(text.rstrip("\n") + "3\n")
    assert len({one.rater for one in read_sheets(paths, key)}) == 2
