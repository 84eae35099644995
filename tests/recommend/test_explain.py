from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from segue.encode.ngrams import NgramEncoder
from segue.library import Catalogue, Library, Query, Recommender
from segue.library.vote_parameters import VoteParameters
from segue.recommend.because import Because, may_show, merged, playlists_reason, sentence
from segue.recommend.continuation import Continuation
from segue.recommend.explain import Explainer
from segue.recommend.nearest import NgramNearest
from segue.recommend.popularity import Popularity
from segue.recommend.same_title import SameTitle
from segue.recommend.title_build import Learned, TitleCorpus, build_title_model
from segue.views.titles import normalise


def explainer(recommender: Recommender, library: Library, *, public: bool = True) -> Explainer:
    return Explainer(recommender, Catalogue.of(library), library.playlist_tracks.distinct(), public)


@pytest.fixture(scope="module")
def title_model(library: Library) -> Recommender:
    encoder = NgramEncoder.fitted(sorted({normalise(title) for title in library.titles}))
    learned = Learned(VoteParameters(adapter=np.eye(encoder.d, dtype=np.float32)))
    return build_title_model(TitleCorpus.of(library, encoder), learned)


@pytest.mark.parametrize(
    "query", [Query("summer"), Query("rock", (13,)), Query("", (13, 15)), Query("x" * 300), Query()]
)
def test_every_track_has_reasons_whose_shares_are_shares(
    library: Library, title_model: Recommender, query: Query
) -> None:
    recommenders: list[Recommender] = [
        title_model,
        Continuation.fitted(library, title_model),
        Continuation.fitted(library, SameTitle.fitted(library)),
        SameTitle.fitted(library),
        NgramNearest.fitted(library),
        Popularity.fitted(library.playlist_tracks),
    ]
    for recommender in recommenders:
        ranking = recommender.recommend(query, 24)
        reasons = explainer(recommender, library).explain(query, ranking)
        assert len(reasons) == len(ranking)
        for found in reasons:
            assert 1 <= len(found) <= 3
            assert all(0 < reason.share <= 1.001 for reason in found)
            assert sum(reason.share for reason in found) <= 1.01
            assert all(sentence(reason) for reason in found)


def test_titles_and_given_tracks_are_named(library: Library, title_model: Recommender) -> None:
    by_title = explainer(title_model, library).explain(Query("summer"), title_model.recommend(Query("summer"), 2))
    assert any(r.kind == "playlists" and "summer" in r.text.lower() and r.count > 0 for r in by_title[0])
    model = Continuation.fitted(library, title_model)
    query = Query("", (13, 15))
    reasons = explainer(model, library).explain(query, model.recommend(query, 2))
    assert {r.text for r in reasons[0] if r.kind == "given"} <= {"Song 13", "Song 15"}
    assert any(r.kind == "given" and r.text for r in reasons[0])


def test_tracks_that_fill_up_are_called_popular(library: Library) -> None:
    model = SameTitle.fitted(library)
    ranking = model.recommend(Query("polka"), 3)
    found = explainer(model, library).explain(Query("polka"), ranking)
    assert all([reason.kind for reason in one] == ["popularity"] for one in found)


def test_rare_titles_of_a_private_library_are_not_shown(library: Library, title_model: Recommender) -> None:
    for recommender in (title_model, SameTitle.fitted(library), NgramNearest.fitted(library)):
        query = Query("summer")
        ranking = recommender.recommend(query, 10)
        shown = explainer(recommender, library, public=False).explain(query, ranking)
        assert not any(reason.text for one in shown for reason in one if reason.kind == "playlists")
        assert any(reason.kind == "playlists" for one in shown for reason in one)
    assert not may_show(4, public=False) and may_show(5, public=False)
    assert playlists_reason("for Anna", 0.5, 1, 1, public=False).text == ""


def test_reasons_of_one_kind_and_text_add_up() -> None:
    one = Because("playlists", "rain", 0.2, 2)
    assert merged([one, replace(one, share=0.3)], most=1) == (Because("playlists", "rain", 0.5, 4),)


def test_wording_keeps_hostile_titles_on_one_line() -> None:
    reason = Because("playlists", "a\nb\x1b[31m" + "x" * 500, 0.5, 3)
    assert "\n" not in sentence(reason) and "\x1b" not in sentence(reason) and len(sentence(reason)) < 140
    assert sentence(Because("given", "Hey Jude", 0.25)) == 'goes with "Hey Jude" (25 %)'
    assert reason.to_json()["share"] == 0.5
