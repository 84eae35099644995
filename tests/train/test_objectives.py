"""Losses against slow implementations, and what their batches promise."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.tiny import tiny_folder
from segue.errors import InputError, TrainingError
from segue.library import Interactions, Labels, Overlaps, Votes
from segue.train.classify import Classification
from segue.train.contrast import ContrastiveLoss
from segue.train.settings import PRESETS, FinetuneSettings, preset
from segue.train.text_model import TextModel
from segue.train.triplets import TripletLoss, batch_all
from segue.train.vote_objective import VoteObjective

TITLES = ("road trip", "sad songs", "metal", "rap", "jazz", "party", "chill", "summer 2017")


def labels(texts: tuple[str, ...], classes: list[int]) -> Labels:
    return Labels(texts, np.array(classes, np.int32))


def _opened(texts: tuple[str, ...]) -> TextModel:
    model = TextModel.open(tiny_folder(), dropout=0.0).with_texts(texts)
    model.sentence.eval()
    return model


@given(st.lists(st.integers(0, 3), min_size=1, max_size=8), st.integers(0, 99))
def test_batch_all_is_a_loop_over_triplets(classes: list[int], rng_key: int) -> None:
    rng = np.random.default_rng(rng_key)
    x = rng.standard_normal((len(classes), 3))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    found = float(batch_all(torch.from_numpy(x), torch.tensor(classes), 0.5))
    losses = [
        max(0.0, (1 - x[a] @ x[p]) - (1 - x[a] @ x[n]) + 0.5)
        for a, p, n in product(range(len(classes)), repeat=3)
        if a != p and classes[a] == classes[p] and classes[a] != classes[n]
    ]
    positive = [loss for loss in losses if loss > 1e-12]
    assert found == pytest.approx(np.mean(positive) if positive else 0.0, abs=1e-6)


def test_one_batch_in_six_of_the_published_size_holds_two_of_a_class() -> None:
    """The reason for balanced batches: 158 equal classes, random batches of 8."""
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, 158, (20_000, 8))
    share = np.mean([len(set(row)) < 8 for row in drawn.tolist()])
    assert 0.15 < share < 0.18


def test_balanced_batches_show_every_title_once_and_pairs_of_a_class() -> None:
    classes = np.repeat(np.arange(10), 8)
    train = labels(tuple(str(i) for i in range(80)), np.random.default_rng(0).permutation(classes).tolist())
    loss = TripletLoss.of(train, labels((), []), FinetuneSettings(loss="triplet", batch_size=16, per_class=4))
    batches = loss.batches(np.random.default_rng(1))
    assert sorted(np.concatenate(batches).tolist()) == list(range(80))
    for batch in batches:
        _, counts = np.unique(loss.classes[batch], return_counts=True)
        assert counts.max() >= 4 and len(counts) > 1


def test_a_batch_without_a_triplet_costs_nothing_and_moves_nothing() -> None:
    vectors = torch.eye(3, requires_grad=True)
    loss = batch_all(vectors, torch.tensor([0, 1, 2]), 0.5)
    loss.backward()  # type: ignore[no-untyped-call]
    assert float(loss.detach()) == 0
    assert vectors.grad is not None and not vectors.grad.any()


@pytest.mark.parametrize("distinct", [True, False])
def test_distinct_titles_with_counts_have_the_same_loss_as_every_playlist_s(distinct: bool) -> None:
    train = labels(("metal", "rap", "metal", "metal", "rap"), [0, 1, 0, 1, 1])
    torch.manual_seed(0)
    settings = FinetuneSettings(loss="cross_entropy", distinct=distinct, dropout=0.0)
    loss = Classification.of(train, labels(("jazz",), [1]), 32, settings)
    model = _opened(loss.texts)
    found = float(loss.loss(model, np.arange(len(loss.counts))).detach())
    logits = loss.head(model.unpooled(np.array([loss.texts.index(t) for t in train.texts]))).detach()
    wanted = torch.nn.functional.cross_entropy(logits, torch.from_numpy(train.classes.astype(np.int64)))
    assert found == pytest.approx(float(wanted), abs=1e-5)
    assert sum(loss.size(batch) for batch in loss.batches(np.random.default_rng(0))) == 5
    assert set(loss.held_out(model)) == {"loss", "accuracy"}


def test_the_pooler_is_another_head() -> None:
    train = labels(TITLES, [0, 1] * 4)
    settings = FinetuneSettings(loss="cross_entropy", head_on="pooler")
    loss = Classification.of(train, labels((), []), 32, settings)
    model = _opened(loss.texts)
    loss.loss(model, np.arange(4)).backward()  # type: ignore[no-untyped-call]
    moved = {name for name, p in model.trainable().items() if p.grad is not None and p.grad.abs().sum() > 0}
    assert any("pooler" in name for name in moved)
    assert loss.held_out(model) == {}


def test_the_vote_is_that_of_the_adapter_training() -> None:
    """With the identity as adapter both trainings have one loss."""
    from segue.library.vote_parameters import VoteParameters
    from segue.train.votes import VoteTraining, _Data, _Parts

    rng = np.random.default_rng(0)
    rows = [rng.choice(12, 4, replace=False) for _ in range(10)]
    votes = Votes(TITLES, rng.integers(0, 8, 10).astype(np.int32), Interactions.of(rows, n_columns=12))
    settings = FinetuneSettings(cosine=7.0)
    nobody = Votes((), np.zeros(0, np.int32), Interactions.of([], n_columns=12))
    loss = VoteObjective.of(votes, nobody, list(range(8)), settings)
    model = _opened(loss.texts)
    loss.begin(model)
    batch = np.arange(10)
    vectors = model.still(np.arange(8)).numpy()
    parts = _Parts.of(VoteParameters.untrained(32), [])
    with torch.no_grad():
        for name, tensor in loss.parameters().items():
            getattr(parts, name).copy_(tensor)
    data = _Data.of(votes, vectors, np.arange(8), [], VoteTraining(), rng)
    assert float(loss.loss(model, batch).detach()) == pytest.approx(float(data.loss(parts, batch).detach()), abs=1e-4)


def test_further_queries_are_asked_and_do_not_vote() -> None:
    rng = np.random.default_rng(0)
    tracks = Interactions.of([rng.choice(12, 4, replace=False) for _ in range(8)], n_columns=12)
    votes = Votes(TITLES, np.arange(8, dtype=np.int32), tracks)
    more = Votes(("an artist",), np.zeros(1, np.int32), Interactions.of([[0, 1]], n_columns=12))
    held = Votes(("love",), np.zeros(1, np.int32), Interactions.of([[2, 3]], n_columns=12))
    loss = VoteObjective.of(votes, held, list(range(10)), FinetuneSettings(), more=more)
    assert sorted(np.concatenate(loss.batches(rng)).tolist()) == list(range(9))
    model = _opened(loss.texts)
    loss.begin(model)
    assert loss.buffers()["bank"].shape == (8, 32)
    assert np.isfinite(float(loss.loss(model, np.array([0, 8, 3])).detach()))
    assert np.isfinite(loss.held_out(model)["loss"])


def _near() -> Overlaps:
    content = np.eye(8, dtype=np.float32)
    content[1] = content[0] * 0.9 + content[1] * 0.1
    content /= np.linalg.norm(content, axis=1, keepdims=True)
    neighbours = Interactions.of([[1], [0], [3], [2], [5], [4], [7], []], n_columns=8)
    return Overlaps(TITLES, np.arange(8), neighbours, np.ones(7, np.float32), content)


def test_like_playlists_and_equal_titles_are_no_negatives() -> None:
    near = _near()
    keys = np.array([0, 1, 2, 3, 4, 2, 6, 7])
    loss = ContrastiveLoss.of(near, None, keys, keys, 32, FinetuneSettings(loss="contrastive"))
    masked = loss._false_negatives(near, np.array([0, 1, 2, 5]), keys, np.array([0, 1, 2, 5]), keys)
    wanted = np.zeros((4, 4), bool)
    wanted[0, 1] = wanted[1, 0] = True  # one content
    wanted[2, 3] = wanted[3, 2] = True  # one title
    np.testing.assert_array_equal(masked, wanted)


def test_playlists_without_a_neighbour_are_not_contrasted() -> None:
    near = _near()
    loss = ContrastiveLoss.of(near, near, np.arange(8), np.arange(8), 32, FinetuneSettings(loss="contrastive"))
    batches = loss.batches(np.random.default_rng(0))
    assert sorted(np.concatenate([b[0] for b in batches]).tolist()) == list(range(7))
    for anchors, positives in batches:
        assert all(p in near.neighbours.row(a) for a, p in zip(anchors, positives, strict=True))
    model = _opened(loss.texts)
    assert np.isfinite(float(loss.loss(model, batches[0]).detach()))
    assert np.isfinite(loss.held_out(model)["loss"])


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=6), st.integers(0, 50))
def test_neighbours_are_drawn_by_their_similarity(weights: list[float], rng_key: int) -> None:
    n = len(weights)
    near = Overlaps(
        ("x",),
        np.zeros(1, int),
        Interactions.of([range(n)], n_columns=n),
        np.array(weights, np.float32),
        np.ones((1, 1)),
    )
    drawn = near.drawn(np.zeros(2000, int), np.random.default_rng(rng_key))
    shares = np.bincount(drawn, minlength=n) / 2000
    np.testing.assert_allclose(shares, np.array(weights) / sum(weights), atol=0.06)


@pytest.mark.parametrize(
    ("train", "what"),
    [
        (labels((), []), "two kept"),
        (labels(("a", "b"), [0, 0]), "two kept"),
        (labels(("a", "b"), [0, 1]), "two titles"),
    ],
)
def test_too_little_for_triplets(train: Labels, what: str) -> None:
    with pytest.raises(TrainingError, match=what):
        TripletLoss.of(train, labels((), []), FinetuneSettings(loss="triplet"))


def test_too_little_for_classes() -> None:
    with pytest.raises(TrainingError, match="two kept clusters"):
        Classification.of(labels(("a", "b"), [0, 0]), labels((), []), 4, FinetuneSettings(loss="cross_entropy"))


def test_no_two_playlists_share_a_track() -> None:
    nobody = Overlaps(("x",), np.zeros(1, int), Interactions.of([[]], n_columns=1), np.zeros(0), np.zeros((1, 1)))
    with pytest.raises(TrainingError, match="share a track"):
        ContrastiveLoss.of(nobody, None, np.zeros(1, int), np.zeros(0, int), 4, FinetuneSettings(loss="contrastive"))


def test_presets_are_what_was_published() -> None:
    for loss in ("cross_entropy", "triplet"):
        published, released = preset("published", loss), preset("published-code", loss)
        assert (published.batch_size, published.lr, published.epochs) == (8, 2e-5, 5)
        assert released.epochs == (100 if loss == "cross_entropy" else 50)
        assert (released.warmup, released.weight_decay, released.best_by) == (100, 0.01, "accuracy")
    assert preset("published-code", "cross_entropy").head_on == "pooler"
    assert PRESETS[0] == "fast"


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 0},
        {"lr": -1.0},
        {"temperature": 0.0},
        {"dropout": 1.0},
        {"loss": "nonsense"},
        {"method": "nonsense"},
        {"patience": 0},
        {"best_by": "accuracy"},
        {"lr": float("nan")},
        {"lr": float("inf")},
        {"lr_own": -1.0},
        {"encoder_dropout": 1.0},
        {"rng_key": -1},
        {"rng_key": 2**63},
        {"threads": 100_000},
    ],
)
def test_settings_that_make_no_sense(change: dict[str, object]) -> None:
    with pytest.raises(InputError):
        FinetuneSettings().changed(**change)


def test_presets_that_do_not_exist() -> None:
    with pytest.raises(InputError, match="not published"):
        preset("published", "votes")
    with pytest.raises(InputError, match="no preset"):
        preset("slow", "votes")
    with pytest.raises(InputError, match="no loss"):
        preset("fast", "nothing")  # type: ignore[arg-type]
