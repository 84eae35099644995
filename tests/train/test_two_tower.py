"""Two towers find planted tastes, also of tracks that nobody has heard; what is cold stays unseen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from segue.encode.tower import TRACK_SLOTS, USER_SLOTS, Towers
from segue.encode.tower_inputs import TrackInputs, UserInputs, Vocabulary
from segue.errors import InputError, TrainingError
from segue.library import Interactions
from segue.split.users import UserSplit, split_users
from segue.train.negatives import all_candidates, edge_counts, mixed_candidates, parted, uniform_edges
from segue.train.two_tower import TowersTrained, new_towers, train_towers
from segue.train.two_tower_model import TowerModel
from segue.train.two_tower_settings import TowerSettings, tower_preset
from train.planted_listeners import planted_listeners, planted_text

SMALL: dict[str, Any] = {
    "embedding": 8, "output": 12, "hidden": (12,), "epochs": 12, "batch_size": 16, "lr": 0.01,
    "skip": False, "match": False, "bag_power": 1.0,
}  # fmt: skip


@dataclass(frozen=True)
class Planted:
    split: UserSplit
    user_group: NDArray[np.int64]
    track_group: NDArray[np.int64]
    text: NDArray[np.float32]
    vocabulary: Vocabulary

    @property
    def tracks(self) -> TrackInputs:
        return TrackInputs.of(self.split.library, self.vocabulary, self.text)

    @property
    def users(self) -> UserInputs:
        return UserInputs.of_library(self.split.library, self.split.train, self.vocabulary)

    def trained(self, settings: TowerSettings, tracks: TrackInputs | None = None, **more: Any) -> TowersTrained:
        tracks = self.tracks if tracks is None else tracks
        return train_towers(self.users, tracks, self.vocabulary, settings, **more)


@pytest.fixture(scope="module")
def planted() -> Planted:
    library, user_group, track_group = planted_listeners()
    split = split_users(library, k=3, cold=0.2)
    groups = track_group[split.track_rows]
    vocabulary = Vocabulary.of(split.library, split.train)
    return Planted(split, user_group[split.user_rows], groups, planted_text(groups), vocabulary)


def right(planted: Planted, towers: Towers, among: NDArray[np.bool_], n: int = 5) -> float:
    """Share of the first ``n`` of each user's list that are of the user's group."""
    scores = towers.scores(planted.users, towers.track_vectors(planted.tracks))
    train = planted.split.train
    scores[np.repeat(np.arange(train.n_rows), train.lengths), train.indices] = -np.inf
    scores[:, ~among] = -np.inf
    best = np.argsort(-scores, axis=1, kind="stable")[:, :n]
    return float((planted.track_group[best] == planted.user_group[:, None]).mean())


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"skip": True, "bag_power": 0.5, "full_softmax": 0, "negatives": 30},
        {"head": "mlp", "full_softmax": 0, "negatives": 30},
        {"loss": "logistic", "negatives": 4},
        {"loss": "logistic", "negatives": 4, "head": "mlp", "epochs": 40},
    ],
    ids=["softmax", "sampled", "sampled-mlp", "logistic", "logistic-mlp"],
)
def test_tastes_are_found_for_known_and_for_cold_tracks(planted: Planted, changed: dict[str, Any]) -> None:
    trained = planted.trained(TowerSettings(**{**SMALL, **changed}))
    cold = planted.split.cold > 0
    start = new_towers(trained.towers.shape, planted.vocabulary)
    assert cold.sum() >= 15 and right(planted, start, ~cold) < 0.6
    assert right(planted, trained.towers, ~cold) > 0.95
    assert right(planted, trained.towers, cold, n=3) > 0.9
    losses = [epoch.train_loss for epoch in trained.history if epoch.train_loss is not None]
    assert losses[-1] < losses[0] and trained.effect.largest_step > 0.1


def test_text_alone_finds_cold_tracks(planted: Planted) -> None:
    cold = planted.split.cold > 0
    settings = TowerSettings(**{**SMALL, "user": ("loved",), "epochs": 20})
    reading = planted.trained(settings.changed(track=("id", "text")))
    blind = planted.trained(settings.changed(track=("id",)))
    assert right(planted, reading.towers, cold, n=3) > 0.9
    assert right(planted, blind.towers, cold, n=3) < 0.5  # the same score for each of them


def test_what_matches_is_weighed_by_what_it_is_worth(planted: Planted) -> None:
    noise = np.random.default_rng(0).standard_normal(planted.text.shape).astype(np.float32) / 4
    tracks = replace(planted.tracks, text=noise)
    settings = TowerSettings(**{**SMALL, "match": True, "track": ("id",), "user": ("country",), "epochs": 20})
    artist, text = planted.trained(settings, tracks).towers.tensors["match"]
    assert artist > 1.2 and abs(text) < 0.6  # both began at 1


def test_nothing_of_a_cold_track_reaches_training(planted: Planted) -> None:
    settings = TowerSettings(**{**SMALL, "epochs": 2, "full_softmax": 0, "match": True})
    cold = np.flatnonzero(planted.split.cold > 0)
    tracks = planted.tracks
    ids = planted.split.library.tracks["track_id"].to_list()
    assert (tracks.ids[cold] == -1).all() and not {ids[row] for row in cold.tolist()} & set(planted.vocabulary.tracks)
    text = tracks.text.copy()
    text[cold] = np.random.default_rng(5).standard_normal(text[cold].shape)
    artists = tracks.artists.copy()
    artists[cold] = 0
    tags = [[0] if row in set(cold.tolist()) else tracks.tags.row(row) for row in range(len(tracks))]
    other = TrackInputs(tracks.ids, artists, Interactions.of(tags, n_columns=tracks.tags.n_columns), text)
    first, second = planted.trained(settings), planted.trained(settings, other)
    assert first.towers.fingerprint == second.towers.fingerprint
    warm = text.copy()
    warm[np.flatnonzero(planted.split.cold == 0)[0]] += 1
    third = planted.trained(settings, replace(other, text=warm))
    assert third.towers.fingerprint != first.towers.fingerprint  # the test can tell


def test_an_artist_of_cold_tracks_alone_is_unknown(planted: Planted) -> None:
    library = planted.split.library
    artists = library.tracks["artist"].to_list()
    for row in np.flatnonzero(planted.split.cold > 0).tolist():
        artists[row] = f"nobody {row}"
    renamed = library.with_track_columns(library.tracks.select("name").with_columns(artist=np.array(artists)))
    vocabulary = Vocabulary.of(renamed, planted.split.train)
    assert not any(artist.startswith("nobody") for artist in vocabulary.artists)
    assert (TrackInputs.of(renamed, vocabulary, planted.text).artists[planted.split.cold > 0] == -1).all()


@pytest.mark.parametrize("head", ["dot", "mlp"])
@pytest.mark.parametrize("hidden", [(), (12, 9)])
def test_numpy_gives_what_torch_gives(planted: Planted, head: Any, hidden: tuple[int, ...]) -> None:
    import torch

    settings = TowerSettings(
        **{**SMALL, "hidden": hidden, "skip": True, "match": True, "bag_power": 0.5},
        head=head,
        track=TRACK_SLOTS,
        user=USER_SLOTS,
    )
    towers = new_towers(settings.shape(planted.text.shape[1]), planted.vocabulary, spread=1.0)
    moved = {
        n: t + 0.1 * np.random.default_rng(1).standard_normal(t.shape).astype(np.float32)
        for n, t in towers.tensors.items()
    }
    towers = Towers(towers.shape, moved, towers.vocabulary)
    users, tracks = planted.users, planted.tracks
    nobody = UserInputs(
        users.ids[:1] * 0 - 1, users.countries[:1] * 0 - 1, Interactions.of([[]], n_columns=len(tracks))
    )
    model = TowerModel.of(towers, tracks, settings)
    model.training = False
    rows = np.arange(len(tracks))
    for people in (users, nobody):
        with torch.no_grad():
            there = model.scores(people, rows).numpy()
            of, which = np.divmod(np.arange(len(people) * len(tracks)), len(tracks))
            pairs = model.pair_scores(people, of, which).numpy().reshape(there.shape)
        here = towers.scores(people, towers.track_vectors(tracks))
        np.testing.assert_allclose(here, there, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(pairs, there, rtol=1e-4, atol=1e-4)
    alone = towers.scores(users.select(np.array([3])), towers.track_vectors(tracks))
    np.testing.assert_allclose(alone[0], towers.scores(users, towers.track_vectors(tracks))[3], rtol=1e-4, atol=1e-4)


def test_same_key_same_bits_and_another_key_others(planted: Planted) -> None:
    settings = TowerSettings(**{**SMALL, "epochs": 2})
    one, again = planted.trained(settings), planted.trained(settings)
    assert one.towers.fingerprint == again.towers.fingerprint
    assert planted.trained(settings.changed(rng_key=1)).towers.fingerprint != one.towers.fingerprint


def test_the_best_epoch_is_kept_and_training_stops(planted: Planted) -> None:
    wanted, seen = [0.1, 0.2, 0.9, 0.3, 0.4, 0.5, 0.6], []

    def validate(towers: Towers) -> float:
        seen.append(towers.fingerprint)
        return wanted[len(seen) - 1]

    settings = TowerSettings(**{**SMALL, "epochs": 6, "patience": 2})
    trained = planted.trained(settings, validate=validate, monitor=lambda towers: {"hr@10 all": 0.5})
    assert trained.best_epoch == 2 and len(seen) == len(trained.history) == 5
    assert trained.towers.fingerprint == seen[2]
    assert [epoch.score for epoch in trained.history] == wanted[:5]
    assert trained.history[1].metrics == {"hr@10 all": 0.5}


def test_averaged_weights_lie_on_the_way(planted: Planted) -> None:
    settings = TowerSettings(**{**SMALL, "epochs": 3})
    last, averaged = (planted.trained(settings.changed(average=a)).towers for a in (0.0, 0.9))
    start = new_towers(last.shape, planted.vocabulary, spread=settings.spread)
    there, here = (
        [float(np.abs(t.tensors[n] - start.tensors[n]).sum()) for n in start.tensors] for t in (last, averaged)
    )
    assert last.fingerprint != averaged.fingerprint and 0.2 * sum(there) < sum(here) < 0.95 * sum(there)


def test_a_training_without_effect_or_data_is_an_error(planted: Planted) -> None:
    still = TowerSettings(**{**SMALL, "lr": 0.0, "epochs": 1})
    with pytest.raises(TrainingError, match="no parameter"):
        planted.trained(still)
    with pytest.raises(TrainingError, match="the loss became"):
        planted.trained(TowerSettings(**{**SMALL, "lr": 1e30, "epochs": 3}))
    users = planted.users
    alone = UserInputs(
        users.ids[:2], users.countries[:2], Interactions.of([[0, 1], [2]], n_columns=len(planted.tracks))
    )
    with pytest.raises(TrainingError, match="at least two users"):
        train_towers(alone, planted.tracks, planted.vocabulary, still)


def test_given_and_asked_tracks_are_disjoint_and_as_often_as_expected() -> None:
    rng = np.random.default_rng(0)
    train = Interactions.of([rng.choice(12, m, replace=False) for m in (1, 2, 5, 9, 12)], n_columns=12)
    counts, n = np.zeros(12), 400
    for _ in range(n):
        chosen = rng.permutation(5)[:3]
        parts = parted(train, chosen, 0.3, rng)
        for place, user in enumerate(chosen.tolist()):
            given, asked = parts.given.row(place).tolist(), parts.targets.row(place).tolist()
            assert sorted(given + asked) == sorted(train.row(user).tolist())
            assert len(asked) == max(1, round(0.3 * len(train.row(user))))
        counts += np.bincount(parts.targets.indices, minlength=12)
    expected = edge_counts(train, 0.3, 3)
    assert np.abs(counts / n - expected).max() < 5 * np.sqrt(expected.max() / n)


def test_the_corrected_sample_estimates_the_whole_sum_without_bias() -> None:
    rng = np.random.default_rng(0)
    train = Interactions.of([rng.choice(30, m, replace=False) for m in rng.integers(2, 20, 40)], n_columns=40)
    known = np.flatnonzero(train.column_counts())
    scores = rng.standard_normal(40)
    expected = edge_counts(train, 0.3, 8)
    sums = []
    for _ in range(700):
        parts = parted(train, rng.permutation(40)[:8], 0.3, rng)
        among = mixed_candidates(parts.targets.indices, known, 10, expected, rng)
        assert set(parts.targets.indices.tolist()) <= set(among.rows.tolist()) <= set(known.tolist())
        sums.append(np.exp(scores[among.rows] + among.correction).sum())
    whole = np.exp(scores[known]).sum()
    assert abs(np.mean(sums) - whole) < 4 * np.std(sums) / np.sqrt(len(sums)) < 0.08 * whole
    exact = all_candidates(known)
    assert np.exp(scores[exact.rows] + exact.correction).sum() == pytest.approx(whole)


def test_negative_edges_are_none_that_the_user_loves() -> None:
    rng = np.random.default_rng(0)
    train = Interactions.of([[0, 1, 2, 3], [4, 5, 6]], n_columns=9)
    parts = parted(train, np.array([1, 0]), 0.5, rng)
    user, track, loved = uniform_edges(parts, np.arange(8), 50, rng)
    for u, t, there in zip(user.tolist(), track.tolist(), loved.tolist(), strict=True):
        assert (t in parts.targets.row(u).tolist()) == there and t < 8
        assert there or t not in train.row([1, 0][u]).tolist()
    assert loved.sum() == len(parts.targets.indices) and (~loved).sum() > 50


def test_the_preset_has_the_published_shape() -> None:
    shape = tower_preset("published").shape(384)
    assert (shape.embedding, shape.output, shape.head, shape.d_text) == (96, 192, "mlp", 384)
    assert "text" not in tower_preset("published").shape(0).track
    with pytest.raises(InputError, match="no preset"):
        tower_preset("fast")


@pytest.mark.parametrize(
    "wrong",
    [
        {"lr": float("nan")},
        {"embedding": 0},
        {"target_share": 1.0},
        {"loss": "hinge"},
        {"track": ("id", "id")},
        {"user": ("age",)},
        {"id_dropout": 1.0},
        {"hidden": (0,)},
        {"patience": 0},
        {"rng_key": -1},
        {"threads": 5_000},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        TowerSettings(**wrong)
