from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommend.corpora import library_of, random_library
from segue.encode.ngrams import NgramEncoder
from segue.library import Catalogue, Library, Query, Ranking
from segue.library.vote_parameters import VoteParameters
from segue.recommend.continuation import Continuation
from segue.recommend.explain import Explainer
from segue.recommend.mention_table import uninformed
from segue.recommend.same_title import SameTitle
from segue.recommend.taste import LEAN, NO_TASTE, Taste, leaned, reasons
from segue.recommend.title_build import Learned, TitleCorpus, build_title_model
from segue.views.titles import normalise

# "summer" means one of two things: tracks 0-9 or 10-19; two tracks of each hundred playlists wander
SIDES = 10


def planted(rng_key: int = 0) -> Library:
    rng = np.random.default_rng(rng_key)
    playlists = []
    for i in range(80):
        side = i % 2
        rows = (side * SIDES + rng.permutation(SIDES)[:5]).tolist()
        if i % 10 == 0:
            rows.append((1 - side) * SIDES + int(rng.integers(SIDES)))
        playlists.append(("summer", rows))
    playlists += [("rain", (20 + rng.permutation(10)[:5]).tolist()) for _ in range(40)]
    return library_of(playlists, n_tracks=40)


@pytest.fixture(scope="module")
def model() -> Continuation:
    library = planted()
    return Continuation.fitted(library, SameTitle.fitted(library))


def asked(model: Continuation, taste: Taste, query: Query | None = None, n: int = 40) -> Ranking:
    query = query or Query("summer")
    return leaned(model.recommend(query, n), query, taste, model, n)


def mean_place(ranking: Ranking, rows: range | list[int], without: int = -1) -> float:
    place = {row: i for i, row in enumerate(ranking.rows.tolist())}
    return float(np.mean([place[row] for row in rows if row != without]))


def test_no_taste_is_the_same_object(model: Continuation) -> None:
    ranking = model.recommend(Query("summer"), 20)
    assert leaned(ranking, Query("summer"), NO_TASTE, model, 20) is ranking


@settings(max_examples=20)
@given(st.data())
def test_what_always_holds(data: st.DataObject) -> None:
    library = random_library(data.draw(st.integers(0, 3)))
    model = Continuation.fitted(library, SameTitle.fitted(library))
    rows = st.lists(st.integers(-2, library.n_tracks + 2), max_size=6).map(tuple)
    taste = Taste(data.draw(rows), data.draw(rows), data.draw(rows))
    query = Query(library.titles[data.draw(st.integers(0, 20))], data.draw(rows))
    n = data.draw(st.sampled_from([1, 10, 60]))
    plain = model.recommend(query, n)
    ranking = leaned(plain, query, taste, model, n)
    again = leaned(plain, query, taste, model, n)
    assert ranking.rows.tobytes() == again.rows.tobytes() and ranking.scores.tobytes() == again.scores.tobytes()
    assert len(np.unique(ranking.rows)) == len(ranking) <= max(n, len(plain))
    assert not set(ranking.rows.tolist()) & set(taste.never)
    assert not set(ranking.rows.tolist()) & set(query.seed_tracks)
    assert (np.diff(ranking.scores) <= 0).all() and np.isfinite(ranking.scores).all()
    assert ranking.ignored == plain.ignored
    if taste:
        left = library.n_tracks - len({r for r in (*taste.never, *query.seed_tracks) if 0 <= r < library.n_tracks})
        assert len(ranking) == min(n, left), "leaning takes no place away"


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("word", ["kept", "more"])
def test_what_is_kept_pulls_its_companions_up(model: Continuation, side: int, word: str) -> None:
    own, other = range(side * SIDES, (side + 1) * SIDES), range((1 - side) * SIDES, (2 - side) * SIDES)
    before = asked(model, NO_TASTE)
    after = asked(model, Taste(**{word: (own[3],)}))
    assert abs(mean_place(before, own) - mean_place(before, other)) < 8, "the title alone does not tell them apart"
    assert mean_place(after, own, own[3]) < mean_place(before, own, own[3])
    assert mean_place(after, own, own[3]) + 3 < mean_place(after, other)


def test_more_like_this_pulls_further_than_keeping(model: Continuation) -> None:
    def share(ranking: Ranking) -> float:
        own = np.isin(ranking.rows, np.arange(SIDES)) & (ranking.rows != 3)
        return float(ranking.scores[own].sum() / ranking.scores.sum())

    plain, kept, more = (share(asked(model, t)) for t in (NO_TASTE, Taste(kept=(3,)), Taste(more=(3,))))
    assert plain < kept < more


@pytest.mark.parametrize("side", [0, 1])
def test_what_is_rejected_pushes_its_companions_down(model: Continuation, side: int) -> None:
    own, other = range(side * SIDES, (side + 1) * SIDES), range((1 - side) * SIDES, (2 - side) * SIDES)
    never = tuple(own[:4])
    before, after = asked(model, NO_TASTE), asked(model, Taste(never=never))
    assert set(before.rows[:10].tolist()) != set(other)
    assert set(after.rows[:10].tolist()) == set(other), "what is left of this side comes behind the other"
    assert set(after.rows[10:16].tolist()) == set(own[4:]), "and before what nobody calls summer"


@given(st.integers(0, 19))
def test_one_rejection_ends_no_genre(row: int) -> None:
    model = _MODEL
    plain = model.recommend(Query("summer"), 40)
    after = asked(model, Taste(never=(row,)))
    scale = float(plain.scores[:100].mean())
    before = dict(zip(plain.rows.tolist(), (plain.scores / scale).tolist(), strict=True))
    now = dict(zip(after.rows.tolist(), after.scores.tolist(), strict=True))
    most = LEAN.away / (1 + LEAN.half)
    kept = [now[r] / before[r] for r in before if before[r] > 0 and r != row]
    # the scale is the mean over positive scores, so ratios are known up to one factor
    assert min(kept) / max(kept) >= 1 - most - 1e-4
    assert set(after.rows[:19].tolist()) == set(range(20)) - {row}, "the others stay before all of another genre"


_MODEL = Continuation.fitted(planted(1), SameTitle.fitted(planted(1)))


def test_rejections_add_up_but_never_to_all(model: Continuation) -> None:
    def scores(never: int) -> dict[int, float]:
        found = asked(model, Taste(never=tuple(range(never))))
        return dict(zip(found.rows.tolist(), found.scores.tolist(), strict=True))

    rest = [scores(n)[9] for n in (0, 1, 3, 6)][1:]
    assert rest == sorted(rest, reverse=True) and rest[-1] > 0


def test_an_artist_that_is_rejected_goes_down_with_the_track() -> None:
    artists = [f"Artist {i}" for i in range(40)]
    artists[7] = artists[30] = "The Same"  # 30 shares no playlist with 7
    library = planted()
    named = replace(library, tracks=library_of([("", [0])], artists=artists).tracks)
    playlists = [library.playlist_tracks.row(i).tolist() for i in range(library.n_playlists)]
    apart = library_of([*zip(library.titles, playlists, strict=True), ("summer", [30, 31])], artists=artists)
    assert named.n_tracks == apart.n_tracks
    model = Continuation.fitted(apart, SameTitle.fitted(apart))
    before, after = asked(model, NO_TASTE), asked(model, Taste(never=(7,)))

    def ratio(ranking: Ranking) -> float:
        scores = dict(zip(ranking.rows.tolist(), ranking.scores.tolist(), strict=True))
        return scores[30] / scores[31]

    assert ratio(after) < ratio(before) - 1e-3


def test_kept_and_given_tracks_go_together(model: Continuation) -> None:
    query = Query("summer", (0, 1))
    ranking = asked(model, Taste(kept=(22,)), query)
    assert not {0, 1} & set(ranking.rows.tolist())
    assert mean_place(ranking, range(20, 30), 22) < mean_place(asked(model, NO_TASTE, query), range(20, 30), 22)


def test_a_rejected_track_that_was_kept_is_rejected(model: Continuation) -> None:
    after = asked(model, Taste(kept=(3,), never=(3,)))
    assert after.rows.tolist() == asked(model, Taste(never=(3,))).rows.tolist()


def test_a_recommender_without_playlists_leaves_out_what_is_rejected() -> None:
    title = SameTitle.fitted(planted())
    ranking = title.recommend(Query("summer"), 20)
    never, kept = int(ranking.rows[0]), int(ranking.rows[5])
    found = leaned(ranking, Query("summer"), Taste(kept=(kept,), never=(never,)), title, 20)
    assert found.rows.tolist() == ranking.rows.tolist()[1:]


def test_an_excluded_artist_does_not_come_back_with_what_is_kept(served_title: Continuation) -> None:
    catalogue = served_title.index
    query = Query("summer, no queen")
    theirs = [row for row in range(catalogue.n_tracks) if row % 8 == 3]
    kept = Taste(kept=(theirs[0], 0, 1))
    plain = served_title.recommend(query, 24)
    assert not set(plain.rows.tolist()) & set(theirs), "the title model understood the exclusion"
    assert not set(leaned(plain, query, kept, served_title, 24).rows.tolist()) & set(theirs)


@pytest.fixture(scope="module")
def served_title(library: Library) -> Continuation:
    """A continuation over a real title model, in which each artist has enough playlists to be known."""
    bands = ["Abba", "Blur", "Cream", "Queen", "Eagles", "Foals", "Genesis", "Heart"]
    named = library.tracks.with_columns(artist=pl.Series([bands[i % 8] for i in range(library.n_tracks)]))
    library = replace(library, tracks=named)
    encoder = NgramEncoder.fitted(sorted({normalise(title) for title in library.titles}))
    learned = Learned(VoteParameters.untrained(encoder.d), replace(uninformed(), bias=1.0))
    return Continuation.fitted(library, build_title_model(TitleCorpus.of(library, encoder), learned))


def test_kept_tracks_are_reasons_but_not_for_themselves(served_title: Continuation, library: Library) -> None:
    explain = Explainer(served_title, Catalogue.of(library), library.playlist_tracks.distinct(), True).explain
    query, taste = Query("summer"), Taste(kept=(7, 2))
    ranking = leaned(served_title.recommend(query, 24), query, taste, served_title, 24)
    found = dict(zip(ranking.rows.tolist(), reasons(explain, query, ranking, taste), strict=True))
    assert any(why.kind == "given" and why.text == "Song 7" for why in found[8])
    assert not any(why.kind == "given" for row in (2, 7) for why in found[row])
    plain = served_title.recommend(query, 24)
    assert reasons(explain, query, plain, Taste(never=(1,))) == explain(query, plain)


def test_leaning_costs_less_than_the_question(model: Continuation) -> None:
    rng = np.random.default_rng(0)
    library = library_of(
        [(f"title {i % 50}", rng.choice(4_000, 60, replace=False).tolist()) for i in range(1_500)], n_tracks=4_000
    )
    large = Continuation.fitted(library, SameTitle.fitted(library))
    query, taste = Query("title 3", tuple(range(10))), Taste(tuple(range(20, 25)), (30,), tuple(range(40, 46)))
    plain = large.recommend(query, 500)

    def seconds(work: object) -> float:
        taken = []
        for _ in range(5):
            start = time.process_time()
            work()  # type: ignore[operator]
            taken.append(time.process_time() - start)
        return min(taken)

    asking = seconds(lambda: large.recommend(query, 500))
    leaning = seconds(lambda: leaned(plain, query, taste, large, 500))
    assert leaning < 2 * asking + 0.002
