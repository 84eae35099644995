"""The title model as a recommender: the contract, degenerate titles, negation, and what is kept on disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from contracts.recommender import RecommenderContract, check
from recommend.corpora import library_of
from segue.encode.ngrams import NgramEncoder
from segue.errors import StoredDataError, TrainingError
from segue.library import Library, Query, Recommender
from segue.library.vote_parameters import ShareModel, VoteParameters
from segue.recommend.continuation import Continuation
from segue.recommend.mention_table import uninformed
from segue.recommend.title_build import Learned, TitleCorpus, build_title_model
from segue.recommend.title_model import MAX_TITLE, TitleModel
from segue.views.titles import normalise

INFORMED = replace(uninformed(), bias=1.0)


def built(library: Library, *, shares: ShareModel | None = INFORMED, ridge: float = 0.3) -> TitleModel:
    encoder = NgramEncoder.fitted(sorted({normalise(t, "read") for t in library.titles}), dimension=64)
    parameters = VoteParameters.untrained(encoder.d)
    return build_title_model(TitleCorpus.of(library, encoder), Learned(parameters, shares, ridge))


class TestTitleModel(RecommenderContract):
    @pytest.fixture
    def recommender(self, library: Library) -> Recommender:
        return built(library)


class TestTitleModelWithoutChannels(RecommenderContract):
    @pytest.fixture
    def recommender(self, library: Library) -> Recommender:
        return built(library, shares=None, ridge=0.0)


class TestContinuationOfTitleModel(RecommenderContract):
    @pytest.fixture
    def recommender(self, library: Library) -> Recommender:
        return Continuation.fitted(library, built(library))


# fmt: off
ARTISTS = ["Queen"] * 4 + ["Eminem"] * 4 + ["Enya"] * 4 + ["Metallica"] * 4 + ["Rare One"] + ["Queen"]
QUEEN = {0, 1, 2, 3, 17}
PLAYLISTS = [
    ("rock", [0, 1, 12, 13]), ("rock", [0, 2, 12, 14]), ("classic rock", [1, 2, 3, 13]), ("rock hits", [0, 3, 15]),
    ("workout", [4, 5, 12]), ("workout", [4, 6, 13]), ("gym workout", [5, 7, 0]),
    ("sleep", [8, 9]), ("sleep well", [8, 10, 11]), ("calm", [9, 10]), ("calm sleep", [8, 9, 11]),
    ("queen", [0, 1, 2]), ("eminem", [4, 5, 6, 7]), ("enya", [8, 9, 10, 11]), ("party", [0, 4, 12, 8]),
]
# fmt: on


@pytest.fixture(scope="module")
def bands() -> Library:
    return library_of(PLAYLISTS, artists=ARTISTS)


@pytest.fixture(scope="module")
def model(bands: Library) -> TitleModel:
    return built(bands)


@pytest.mark.parametrize(
    ("title", "own"),
    [("rock", {0, 1, 2, 3, 12, 13, 14, 15}), ("sleep", {8, 9, 10, 11}), ("wrkout", {0, *range(4, 8), 12, 13})],
)
def test_planted_themes_come_first(model: TitleModel, title: str, own: set[int]) -> None:
    assert set(model.recommend(Query(title), 3).rows.tolist()) <= own


@pytest.mark.parametrize("title", ["queen", "best of Queen", "QUEEN 👑", "queens"])
def test_a_named_artist_leads(model: TitleModel, title: str) -> None:
    assert set(model.recommend(Query(title), 3).rows.tolist()) <= QUEEN


DEGENERATE = {
    "": "nothing was asked for",
    "  \t\n": "nothing was asked for",
    "\x00": "says nothing",
    "\u200f\u200e": "says nothing",
}


@pytest.mark.parametrize("title", DEGENERATE)
def test_what_says_nothing_gets_popular_tracks_and_is_told(model: TitleModel, title: str) -> None:
    ranking = model.recommend(Query(title), 10)
    assert ranking.rows.tolist() == model.popularity.order[:10].tolist()
    assert any(DEGENERATE[title] in sentence for sentence in ranking.ignored), ranking.ignored


@pytest.mark.parametrize(
    "title",
    [
        "🌧️☀️",
        "🏳️‍🌈👩‍👩‍👧",
        "zxqv wqzx",
        "نوم هادئ",
        "\u202eevisrever",
        "睡眠 用",
        "sleep\x00well",
        "\ud83d",
        "a" * 500,
        "%s %d {0} \\n",
        "<script>alert(1)</script>",
        "-1",
        "NaN",
        "...!?",
    ],
)
def test_any_title_gets_a_whole_list(model: TitleModel, title: str) -> None:
    for n in (5, 100):
        check(model.recommend(Query(title), n), n, len(ARTISTS), ())


def test_a_long_title_is_read_in_part_and_is_told(model: TitleModel) -> None:
    ranking = model.recommend(Query("sleep " * 2000), 4)
    assert set(ranking.rows.tolist()) == {8, 9, 10, 11}
    assert any(f"longer than {MAX_TITLE}" in sentence for sentence in ranking.ignored)
    assert not model.recommend(Query("sleep"), 4).ignored


NEGATED = ["no queen", "not queen", "rock, no queen", "rock without queen", "workout (no Queen!)", "sans queen"]


@pytest.mark.parametrize("n", [3, 10, 100])
@pytest.mark.parametrize("title", NEGATED)
def test_a_negated_artist_never_appears(model: TitleModel, bands: Library, title: str, n: int) -> None:
    assert model.read(title).unwanted
    with_tracks = Continuation.fitted(bands, model)
    for recommender in (model, with_tracks):
        for given in ((), (12,), (0, 13)):
            ranking = recommender.recommend(Query(title, given), n)
            assert not QUEEN & set(recommender.score(Query(title, given)).rows.tolist())
            assert not QUEEN & set(ranking.rows.tolist())
            assert len(ranking) == min(n, len(ARTISTS) - len(QUEEN | set(given)))
    # while the same list without the negation is full of them
    assert QUEEN & set(model.recommend(Query("rock"), 10).rows.tolist())


def test_two_negated_artists_never_appear(model: TitleModel) -> None:
    rows = set(model.recommend(Query("workout, no queen or eminem"), 100).rows.tolist())
    assert rows == {*range(8, 17)}


def test_a_title_that_only_negates_gets_popular_tracks_and_is_told(model: TitleModel) -> None:
    ranking = model.recommend(Query("no queen"), 5)
    wanted = [row for row in model.popularity.order.tolist() if row not in QUEEN][:5]
    assert ranking.rows.tolist() == wanted
    assert any("only says what is not wanted" in sentence for sentence in ranking.ignored)


def test_an_unwanted_word_counts_against_its_tracks(model: TitleModel) -> None:
    wanted, against = (model.recommend(Query(t), 18).rows.tolist() for t in ("party", "party, nothing calm"))

    def mean_rank(rows: list[int]) -> float:
        return float(np.mean([rows.index(row) for row in (8, 9, 10, 11)]))

    assert model.read("party, nothing calm").unwanted == ("calm",)
    assert mean_rank(against) > mean_rank(wanted)


@pytest.mark.parametrize("title", ["sleep without ***", "sleep, nothing loud", "rock, no queen, nothing calm"])
def test_what_can_only_be_avoided_in_part_is_told(model: TitleModel, title: str) -> None:
    reading = model.read(title)
    vague = [text for text in reading.unwanted if text != "queen"]
    assert len(vague) == 1
    assert [vague[0] in sentence for sentence in reading.ignored] == [True]


def test_given_tracks_are_left_out_and_this_is_told(model: TitleModel) -> None:
    ranking = model.recommend(Query("rock", (0, 12)), 18)
    check(ranking, 18, len(ARTISTS), (0, 12))
    assert any("not otherwise used" in sentence for sentence in ranking.ignored)


def test_the_channels_change_the_answer_and_the_fingerprint(bands: Library, model: TitleModel) -> None:
    others = [built(bands, shares=None), built(bands, ridge=0.0), built(bands, ridge=0.6)]
    assert len({model.fingerprint, *(m.fingerprint for m in others)}) == 4
    scores = [m.score(Query("queen rock")) for m in (model, *others)]
    assert len({s.values.tobytes() for s in scores}) == 4
    assert built(bands).fingerprint == model.fingerprint


def test_what_was_saved_answers_alike(bands: Library, model: TitleModel, tmp_path: Path) -> None:
    notes = model.save(tmp_path)
    again = TitleModel.load(tmp_path, notes, model.encoder, bands.playlist_tracks.distinct())
    third = TitleModel.load(tmp_path, notes, model.encoder, bands.playlist_tracks.distinct())
    assert again.fingerprint == model.fingerprint == notes["fingerprint"]
    for title in ("rock", "queen", "rock, no queen", "", "zxqv", "no eminem"):
        a, b, c = (m.recommend(Query(title), 18) for m in (model, again, third))
        # mapped arrays lie elsewhere in memory, so that sums of products may differ in the last bit
        np.testing.assert_allclose(a.scores, b.scores, rtol=1e-5)
        assert a.ignored == b.ignored and set(a.rows.tolist()) == set(b.rows.tolist())
        assert b.rows.tobytes() == c.rows.tobytes() and b.scores.tobytes() == c.scores.tobytes()


def test_channels_that_are_off_stay_off(bands: Library, tmp_path: Path) -> None:
    model = built(bands, shares=None, ridge=0.0)
    again = TitleModel.load(tmp_path, model.save(tmp_path), model.encoder, bands.playlist_tracks)
    assert again.mentions is None and again.ridge is None and again.fingerprint == model.fingerprint


def test_a_missing_file_is_named(bands: Library, model: TitleModel, tmp_path: Path) -> None:
    notes = model.save(tmp_path)
    files = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    assert len(files) > 30
    for file in files:
        data = (tmp_path / file).read_bytes()
        (tmp_path / file).unlink()
        with pytest.raises(StoredDataError, match=file.name.replace(".", r"\.")):
            TitleModel.load(tmp_path, notes, model.encoder, bands.playlist_tracks.distinct())
        (tmp_path / file).write_bytes(data)


def test_a_library_without_titles_is_an_error() -> None:
    with pytest.raises(TrainingError, match="no playlist"):
        built(library_of([("", [0]), ("rain", [])], n_tracks=2))


def test_a_title_like_no_other_is_said_to_be_a_guess(model: TitleModel) -> None:
    assert any("guesses" in sentence for sentence in model.read("xqzvbnm").ignored)
    for title in ("rock", "wrkout", "sleep well", "best of Queen"):
        assert not any("guesses" in sentence for sentence in model.read(title).ignored)
