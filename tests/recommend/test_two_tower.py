"""Two towers as a recommender."""

from __future__ import annotations

import numpy as np
import pytest

from contracts.recommender import RecommenderContract
from segue.encode.tower import USER_SLOTS, Towers, TowerShape, tensor_shapes
from segue.encode.tower_inputs import TrackInputs, Vocabulary
from segue.library import Interactions, Query
from segue.recommend.popularity import Popularity
from segue.recommend.two_tower import TwoTower

N = 30
WORDS = Vocabulary(
    tuple(f"t{i}" for i in range(25)), tuple(f"a{i}" for i in range(6)), ("x", "y"), ("FR",), ("user:1", "user:2")
)
SIZES = {"tracks": 25, "artists": 6, "tags": 2, "countries": 1, "users": 2}


def two_tower(shape: TowerShape) -> TwoTower:
    rng = np.random.default_rng(0)
    tensors = {n: rng.standard_normal(s).astype(np.float32) for n, s in tensor_shapes(shape, SIZES).items()}
    ids = np.where(np.arange(N) < 25, np.arange(N), -1).astype(np.int32)
    text = rng.standard_normal((N, shape.d_text)).astype(np.float32)
    tags = Interactions.of([[i % 2] if i % 3 else [] for i in range(N)], n_columns=2)
    inputs = TrackInputs(ids, (np.arange(N) % 7 - 1).astype(np.int32), tags, text)
    popularity = Popularity.fitted(Interactions.of([[3, 9], [9]], n_columns=N))
    return TwoTower.of(Towers(shape, tensors, WORDS.fingerprint), WORDS, inputs, popularity)


class TestDot(RecommenderContract):
    @pytest.fixture
    def recommender(self) -> TwoTower:
        return two_tower(TowerShape(embedding=4, output=5, hidden=(6,), match=True, d_text=3))

    @pytest.fixture
    def n_tracks(self) -> int:
        return N


class TestPairs(TestDot):
    @pytest.fixture
    def recommender(self) -> TwoTower:
        return two_tower(
            TowerShape(embedding=4, output=5, hidden=(), skip=True, head="mlp", d_text=0, user=USER_SLOTS[:3])
        )


def test_the_list_is_the_order_of_the_scores() -> None:
    model = two_tower(TowerShape(embedding=4, output=5, hidden=(6,), match=True, d_text=3))
    queries = [Query(seed_tracks=(1, 28)), Query(country="FR"), Query()]
    scores = model.score_block(queries)
    for row, query in enumerate(queries):
        wanted = [t for t in np.argsort(-scores[row], kind="stable").tolist() if t not in query.seed_tracks]
        assert model.recommend(query, 5).rows.tolist() == wanted[:5] or row == 2


def test_who_says_nothing_gets_popular_tracks_and_is_told() -> None:
    model = two_tower(TowerShape(embedding=4, output=5, hidden=(6,), d_text=3))
    for query in (Query(), Query(country="XX"), Query(user_id="user:1"), Query("rain"), Query(seed_tracks=(99,))):
        found = model.recommend(query, 2)
        assert found.rows.tolist() == [9, 3]
        assert any("most popular" in sentence for sentence in found.ignored) or query.title


def test_country_and_id_are_enough_where_there_is_a_slot_for_them() -> None:
    model = two_tower(TowerShape(embedding=4, output=5, hidden=(6,), user=USER_SLOTS, d_text=3))
    lists = [
        model.recommend(q, N).rows.tolist()
        for q in (Query(country="FR"), Query(user_id="user:1"), Query(user_id="user:2"))
    ]
    assert len({tuple(rows) for rows in lists}) == 3
    assert all(not model.recommend(q, 3).ignored for q in (Query(country="FR"), Query(user_id="user:1")))
    assert "most popular" in model.recommend(Query(user_id="user:3"), 3).ignored[-1]


def test_a_fingerprint_tells_towers_texts_and_words_apart() -> None:
    shape = TowerShape(embedding=4, output=5, hidden=(6,), d_text=3)
    model = two_tower(shape)
    assert model.fingerprint == two_tower(shape).fingerprint
    inputs = model.tracks.inputs
    other = TrackInputs(inputs.ids, inputs.artists, inputs.tags, inputs.text + 1)
    assert TwoTower.of(model.towers, WORDS, other, model.popularity).fingerprint != model.fingerprint
    with pytest.raises(ValueError, match="vocabulary"):
        TwoTower.of(model.towers, Vocabulary((), (), (), (), ()), inputs, model.popularity)
