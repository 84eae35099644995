"""Metrics against an independent implementation (ir-measures over pytrec_eval) and against what must not matter."""

from __future__ import annotations

import warnings

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.evaluate import per_query
from segue.library import Qrels, Run

with warnings.catch_warnings():
    # third-party imports that warn of their own future are none of our business; ours would still fail the tests
    warnings.simplefilter("ignore")
    import ir_measures
    import pytrec_eval
    from ir_measures import RR, P, R, Rprec, Success, nDCG

N_TRACKS = 40

OURS = {
    "ndcg@500": nDCG @ 500,
    "ndcg@10": nDCG @ 10,
    "precision@10": P @ 10,
    "precision@3": P @ 3,
    "recall@10": R @ 10,
    "recall@66": R @ 66,
    "mrr@10": RR @ 10,
    "hit_rate@10": Success @ 10,
    "r_precision_track": Rprec,
}

tracks = st.integers(0, N_TRACKS - 1)
cases = st.lists(
    st.tuples(
        st.lists(tracks, max_size=N_TRACKS, unique=True),
        st.lists(tracks, min_size=1, max_size=N_TRACKS, unique=True),
    ),
    min_size=1,
    max_size=6,
)


def built(case: list[tuple[list[int], list[int]]]) -> tuple[Run, Qrels]:
    rng = np.random.default_rng(len(case))
    return (
        Run("r", {f"q{i}": np.array(ranked, np.int32) for i, (ranked, _) in enumerate(case)}),
        Qrels(
            {f"q{i}": np.array(truth, np.int32) for i, (_, truth) in enumerate(case)},
            rng.integers(0, 8, N_TRACKS).astype(np.int32),
            rng.integers(0, 9, N_TRACKS),
        ),
    )


@given(cases)
@settings(max_examples=60, deadline=None)
def test_ir_measures_agrees(case: list[tuple[list[int], list[int]]]) -> None:
    run, qrels = built(case)
    ours = per_query(run, qrels, list(OURS))
    theirs_run = [
        ir_measures.ScoredDoc(q, str(row), float(-place))
        for q, ranked in run.rankings.items()
        for place, row in enumerate(ranked.tolist())
    ]
    theirs_truth = [ir_measures.Qrel(q, str(r), 1) for q, truth in qrels.relevant.items() for r in truth.tolist()]
    measures = {measure: name for name, measure in OURS.items()}
    order = {query_id: i for i, query_id in enumerate(qrels)}
    seen = set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as above
        results = list(ir_measures.iter_calc(list(measures), theirs_truth, theirs_run))
    for result in results:
        name = measures[result.measure]
        seen.add(name)
        np.testing.assert_allclose(ours[name][order[result.query_id]], result.value, atol=1e-9, err_msg=name)
    assert seen == set(OURS)


@given(cases)
@settings(max_examples=60, deadline=None)
def test_hit_is_what_trec_eval_calls_relative_precision(case: list[tuple[list[int], list[int]]]) -> None:
    run, qrels = built(case)
    cuts = (1, 3, 10, 66)
    ours = per_query(run, qrels, [f"hit@{k}" for k in cuts])
    judge = pytrec_eval.RelevanceEvaluator(
        {q: {str(row): 1 for row in truth.tolist()} for q, truth in qrels.relevant.items()},
        {"relative_P." + ",".join(map(str, cuts))},
    )
    ranked = {q: {str(row): float(-place) for place, row in enumerate(r.tolist())} for q, r in run.rankings.items()}
    theirs = judge.evaluate(ranked)
    for place, query_id in enumerate(qrels):
        for k in cuts:
            expected = theirs[query_id][f"relative_P_{k}"] if len(run.rankings[query_id]) else 0.0
            np.testing.assert_allclose(ours[f"hit@{k}"][place], expected, atol=1e-6, err_msg=f"hit@{k}")


@given(cases)
@settings(max_examples=60, deadline=None)
def test_r_precision_at_k_is_that_of_the_list_cut_off_there(case: list[tuple[list[int], list[int]]]) -> None:
    run, qrels = built(case)
    for k in (1, 3, 10):
        cut = Run("cut", {q: rows[:k] for q, rows in run.rankings.items()})
        for name in ("r_precision", "r_precision_track", "r_precision_literal"):
            at_k = per_query(run, qrels, [f"{name}@{k}"])[f"{name}@{k}"]
            np.testing.assert_array_equal(at_k, per_query(cut, qrels, [name])[name])


ALL = [
    "ndcg_exp@10",
    *OURS,
    "r_precision",
    "r_precision_literal",
    "clicks",
    "ndcg_retrieved@10",
    "mean_popularity@5",
    "hit@3",
    "hit@66",
    "r_precision@3",
    "r_precision_literal@3",
]


@given(cases, st.randoms())
@settings(max_examples=60, deadline=None)
def test_the_order_of_queries_does_not_matter(case: list[tuple[list[int], list[int]]], random: object) -> None:
    run, qrels = built(case)
    order = list(qrels)
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = Qrels({q: qrels.relevant[q] for q in order}, qrels.artist_rows, qrels.popularity)
    before, after = per_query(run, qrels, ALL), per_query(run, shuffled, ALL)
    place = {q: i for i, q in enumerate(qrels)}
    for name in ALL:
        np.testing.assert_array_equal(before[name][[place[q] for q in order]], after[name])


@given(cases, st.data())
@settings(max_examples=80, deadline=None)
def test_a_hit_that_moves_up_never_hurts(case: list[tuple[list[int], list[int]]], data: st.DataObject) -> None:
    run, qrels = built(case[:1])
    ranked, truth = case[0]
    movable = [i for i, row in enumerate(ranked) if i and row in truth and ranked[i - 1] not in truth]
    if not movable:
        return
    i = data.draw(st.sampled_from(movable))
    better = [*ranked[: i - 1], ranked[i], ranked[i - 1], *ranked[i + 1 :]]
    moved = Run("r", {"q0": np.array(better, np.int32)})
    # a hit that enters the first |G| brings 1, what it pushes out took 0.25 along at most: both artist forms rise too
    rising = [n for n in ALL if n not in ("clicks", "mean_popularity@5", "ndcg_retrieved@10")]
    before, after = per_query(run, qrels, [*rising, "clicks"]), per_query(moved, qrels, [*rising, "clicks"])
    for name in rising:
        assert after[name][0] >= before[name][0] - 1e-12, name
    assert after["clicks"][0] <= before["clicks"][0]


@given(cases)
@settings(max_examples=60, deadline=None)
def test_ranges(case: list[tuple[list[int], list[int]]]) -> None:
    values = per_query(*built(case), ALL)
    for name in ALL:
        high = {
            "clicks": 51,
            "mean_popularity@5": 9,
            "r_precision_literal": 1.25,
            "r_precision_literal@3": 1.25,
        }.get(name, 1)
        assert (values[name] >= 0).all(), name
        assert (values[name] <= high + 1e-12).all(), name
    assert (values["r_precision"] >= values["r_precision_track"]).all()
    assert (values["r_precision_literal"] >= values["r_precision_track"]).all()
