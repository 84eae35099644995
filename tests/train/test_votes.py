"""The loss against a playlist-by-playlist implementation in numpy, and what training does with planted themes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from segue.errors import TrainingError
from segue.library import Interactions, Votes
from segue.library.vote_parameters import VoteParameters
from segue.train.votes import SparseChannel, VoteTraining, _Data, _Parts, train_votes

QUICK = VoteTraining(epochs=2, batch_size=8)
NOTHING = np.zeros((2, 1), np.float32)  # titles without anything in the sparse channel


@dataclass(frozen=True)
class Corpus:
    votes: Votes
    vectors: NDArray[np.float32]
    keys: NDArray[np.int32]
    asked: NDArray[np.float32]  # (n_titles, f), what a title asks in the sparse channel
    voting: NDArray[np.float32]  # (n_titles, f), what it votes with; not the same, to catch a transposition

    @property
    def channels(self) -> list[SparseChannel]:
        return [SparseChannel("ngram", csr_matrix(self.asked), csr_matrix(self.voting))]

    def train(self, start: VoteParameters, settings: VoteTraining = QUICK, **more: object) -> VoteParameters:
        return train_votes(
            start,
            self.votes,
            self.vectors,
            self.keys,
            self.channels,
            settings=settings,
            **more,  # type: ignore[arg-type]
        )


def unit(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def random_corpus(rng_key: int = 0, *, n_titles: int = 9, n_playlists: int = 23, n_tracks: int = 15) -> Corpus:
    rng = np.random.default_rng(rng_key)
    title_rows = rng.integers(0, n_titles, n_playlists).astype(np.int32)
    title_rows[0] = n_titles - 1
    title_rows[1:][title_rows[1:] == n_titles - 1] = 0  # the last title belongs to the first playlist alone
    rows = [rng.choice(n_tracks, rng.integers(1, 8), replace=False) for _ in range(n_playlists)]
    rows[5] = np.zeros(0, int)  # a playlist without tracks neither asks nor votes
    features = rng.random((2, n_titles, 6)) * (rng.random((2, n_titles, 6)) < 0.5)
    return Corpus(
        Votes(tuple(map(str, range(n_titles))), title_rows, Interactions.of(rows, n_columns=n_tracks)),
        unit(rng.standard_normal((n_titles, 4))),
        np.array([0, 1, 1, *range(2, n_titles - 1)], np.int32),
        features[0].astype(np.float32),
        features[1].astype(np.float32),
    )


def random_parameters(rng_key: int = 1, d: int = 4) -> VoteParameters:
    rng = np.random.default_rng(rng_key)
    adapter = (np.eye(d) + 0.3 * rng.standard_normal((d, d))).astype(np.float32)
    return VoteParameters(adapter, cosine=3.0, ngram=1.5, same_title=0.7, popularity=0.3)


def naive_losses(
    p: VoteParameters, corpus: Corpus, playlists: NDArray[np.integer], asked: NDArray[np.integer] | None = None
) -> NDArray[np.float64]:
    """Negative log-likelihood of each playlist asked under the vote of all *other* given playlists, by loops."""
    x = corpus.votes.playlist_tracks
    adapted = corpus.vectors.astype(np.float64) @ p.adapter.astype(np.float64)
    adapted /= np.linalg.norm(adapted, axis=1, keepdims=True)
    counts = np.zeros(x.n_columns)
    for j in playlists:
        counts[x.row(j)] += 1
    losses = []
    for i in playlists if asked is None else asked:
        q = corpus.votes.title_rows[i]
        weights = {}
        for j in playlists:
            if i == j:
                continue
            u = corpus.votes.title_rows[j]
            logit = p.cosine * adapted[q] @ adapted[u] + p.ngram * float(corpus.asked[q] @ corpus.voting[u])
            weights[j] = np.exp(logit + p.same_title * (corpus.keys[q] == corpus.keys[u]))
        # each voter spreads its weight over its tracks; longer ones have more to give, by the root of the length
        whole = sum(w * np.sqrt(len(x.row(j))) for j, w in weights.items())
        logs = []
        for t in x.row(i):
            voted = sum(w / np.sqrt(len(x.row(j))) for j, w in weights.items() if t in x.row(j)) / whole
            logs.append(np.log((1 - p.popularity) * voted + p.popularity * counts[t] / counts.sum() + 1e-9))
        losses.append(-np.mean(logs))
    return np.array(losses)


def with_tracks(corpus: Corpus) -> NDArray[np.intp]:
    return np.flatnonzero(corpus.votes.playlist_tracks.lengths > 0)


def data_and_parts(corpus: Corpus, p: VoteParameters, **settings: int) -> tuple[_Data, _Parts]:
    data = _Data.of(
        corpus.votes,
        corpus.vectors,
        corpus.keys,
        corpus.channels,
        VoteTraining(**settings),
        np.random.default_rng(0),
    )
    return data, _Parts.of(p, ["ngram"])


@pytest.mark.parametrize("rng_key", range(4))
def test_the_loss_is_that_of_a_loop_over_playlists(rng_key: int) -> None:
    corpus, p = random_corpus(rng_key), random_parameters(rng_key + 10)
    data, parts = data_and_parts(corpus, p)
    wanted = naive_losses(p, corpus, with_tracks(corpus))
    each = [float(data.loss(parts, np.array([i])).detach()) for i in range(len(wanted))]
    np.testing.assert_allclose(each, wanted, atol=1e-4)
    whole = float(data.loss(parts, np.arange(len(wanted))).detach())
    assert whole == pytest.approx(wanted.mean(), abs=1e-4)


def test_a_sample_of_the_playlists_is_a_corpus_of_its_own() -> None:
    corpus, p = random_corpus(), random_parameters()
    data, parts = data_and_parts(corpus, p, max_playlists=9)
    chosen = np.sort(np.random.default_rng(0).choice(with_tracks(corpus), 9, replace=False))
    wanted = naive_losses(p, corpus, chosen)
    assert float(data.loss(parts, np.arange(9)).detach()) == pytest.approx(wanted.mean(), abs=1e-4)


def test_a_playlist_never_votes_for_itself() -> None:
    # two playlists that share no track: with itself left out, only popularity speaks for either
    votes = Votes(("a", "b"), np.array([0, 1], np.int32), Interactions.of([[0, 1, 2], [3]], n_columns=4))
    corpus = Corpus(votes, np.eye(2, 4, dtype=np.float32), np.arange(2), NOTHING, NOTHING)
    p = random_parameters()
    data, parts = data_and_parts(corpus, p)
    for i in range(2):
        loss = float(data.loss(parts, np.array([i])).detach())
        assert loss == pytest.approx(-np.log(p.popularity * 0.25), abs=1e-4)


def test_a_copy_under_the_same_title_does_vote() -> None:
    votes = Votes(("a", "b"), np.array([0, 0, 1], np.int32), Interactions.of([[0, 1], [0, 1], [2]], n_columns=3))
    corpus = Corpus(votes, np.eye(2, 4, dtype=np.float32), np.arange(2), NOTHING, NOTHING)
    p = replace(random_parameters(), popularity=0.01, cosine=30.0)
    data, parts = data_and_parts(corpus, p)
    loss = float(data.loss(parts, np.array([0])).detach())
    assert loss == pytest.approx(-np.log(0.99 * 0.5 + 0.01 * 0.4), abs=1e-3)


def test_the_gradient_is_the_slope_of_the_loop() -> None:
    corpus, p = random_corpus(3), random_parameters(4)
    data, parts = data_and_parts(corpus, p)
    rows = with_tracks(corpus)
    data.loss(parts, np.arange(len(rows))).backward()  # type: ignore[no-untyped-call]
    step = 1e-4

    def slope(more: VoteParameters, less: VoteParameters, width: float) -> float:
        return float((naive_losses(more, corpus, rows).mean() - naive_losses(less, corpus, rows).mean()) / width)

    for at in ((0, 0), (1, 3), (3, 2)):
        bumps = []
        for sign in (1, -1):
            adapter = p.adapter.astype(np.float64)
            adapter[at] += sign * step
            bumps.append(replace(p, adapter=adapter))
        assert float(parts.adapter.grad[at]) == pytest.approx(slope(*bumps, 2 * step), abs=2e-4)  # type: ignore[index]
    for name, tensor in (("ngram", parts.channels[0]), ("same_title", parts.same_title)):
        more, less = (p.with_scalar(name, getattr(p, name) + sign * step) for sign in (1, -1))
        assert float(tensor.grad) == pytest.approx(slope(more, less, 2 * step), abs=2e-4)  # type: ignore[arg-type]
    # scales that stay positive are moved in their logarithm
    more, less = (p.with_scalar("cosine", p.cosine * np.exp(sign * step)) for sign in (1, -1))
    assert float(parts.cosine.grad) == pytest.approx(slope(more, less, 2 * step), abs=2e-4)  # type: ignore[arg-type]


def themed_corpus(n_playlists: int, rng: np.random.Generator, *, n_themes: int = 4, d: int = 12) -> Corpus:
    """Each playlist has its own title; the theme is in the first dimensions of its vector, weak beside noise."""
    theme = np.arange(n_playlists) % n_themes
    vectors = rng.standard_normal((n_playlists, d))
    vectors[:, :n_themes] = 1.0 * np.eye(n_themes)[theme]
    rows = [8 * t + rng.choice(8, 4, replace=False) for t in theme]
    titles = tuple(map(str, range(n_playlists)))
    votes = Votes(titles, np.arange(n_playlists, dtype=np.int32), Interactions.of(rows, n_columns=8 * n_themes))
    nothing = np.zeros((n_playlists, 1), np.float32)
    return Corpus(votes, unit(vectors), np.arange(n_playlists, dtype=np.int32), nothing, nothing)


def test_planted_themes_are_learnt_and_carry_over_to_new_titles() -> None:
    whole = themed_corpus(160, np.random.default_rng(5))
    first = np.arange(120)
    train = Corpus(
        Votes(whole.votes.titles[:120], first.astype(np.int32), whole.votes.playlist_tracks.select(first)),
        whole.vectors[:120],
        whole.keys[:120],
        whole.asked[:120],
        whole.voting[:120],
    )
    start = VoteParameters.untrained(12)
    learnt = train.train(start, VoteTraining(epochs=12, batch_size=30, lr_adapter=3e-2))

    def new_titles(p: VoteParameters) -> float:
        return float(naive_losses(p, whole, np.arange(120), np.arange(120, 160)).mean())

    def own_theme(p: VoteParameters) -> float:
        """Share of a new title's vote that goes to training playlists of its theme."""
        adapted = unit(whole.vectors @ p.adapter)
        weights = np.exp(p.cosine * adapted[120:] @ adapted[:120].T)
        same = (np.arange(120, 160) % 4)[:, None] == (np.arange(120) % 4)[None]
        return float(((weights * same).sum(axis=1) / weights.sum(axis=1)).mean())

    assert new_titles(learnt) < new_titles(start) - 0.2
    assert own_theme(start) < 0.5 < 0.75 < own_theme(learnt)
    assert learnt.epochs_seen == 12 and learnt.fingerprint != start.fingerprint


def test_the_same_input_gives_the_same_parameters_bit_for_bit() -> None:
    corpus, start = random_corpus(), random_parameters()
    before = start.fingerprint, start.adapter.tobytes()
    torch.manual_seed(99)  # what else happened in the process must not matter
    first = corpus.train(start)
    second = corpus.train(start)
    assert first.fingerprint == second.fingerprint != start.fingerprint
    assert (start.fingerprint, start.adapter.tobytes()) == before
    assert not np.shares_memory(first.adapter, start.adapter)
    assert first.fingerprint != corpus.train(start, replace(QUICK, rng_key=1)).fingerprint


def test_what_is_not_trained_is_kept() -> None:
    corpus = random_corpus()
    start = replace(random_parameters(), temper=0.6, smoothing=0.4, pretrained=0.1, length_power=0.2)
    learnt = corpus.train(start)
    kept = ("temper", "smoothing", "pretrained", "length_power")
    assert {n: learnt.scalars[n] for n in kept} == {n: start.scalars[n] for n in kept}
    without = train_votes(start, corpus.votes, corpus.vectors, corpus.keys, settings=QUICK)
    assert without.ngram == start.ngram != learnt.ngram
    assert 0 < learnt.popularity < 1 and learnt.cosine > 0
    assert learnt.adapter.dtype == np.float32 and learnt.adapter.shape == start.adapter.shape


def test_the_best_epoch_by_validation_is_returned() -> None:
    corpus, start = random_corpus(), random_parameters()
    seen: list[VoteParameters] = []

    def validate(p: VoteParameters) -> float:
        seen.append(p)
        return -abs(p.epochs_seen - 2)

    best = corpus.train(start, replace(QUICK, epochs=4), validate=validate)
    assert [p.epochs_seen for p in seen] == [1, 2, 3, 4]
    assert best.fingerprint == seen[1].fingerprint


def test_progress_counts_every_step() -> None:
    corpus = random_corpus()
    said: list[tuple[int, int, str]] = []
    corpus.train(random_parameters(), progress=lambda *step: said.append(step))
    assert [step for step, _, _ in said] == list(range(1, 2 * 3 + 1))
    assert {steps for _, steps, _ in said} == {6} and "loss" in said[-1][2]


def test_a_training_that_moves_nothing_is_an_error() -> None:
    with pytest.raises(TrainingError, match="no parameter moved"):
        random_corpus().train(random_parameters(), replace(QUICK, lr_adapter=0.0, lr_scalars=0.0))


def test_a_training_that_never_validates_is_an_error() -> None:
    with pytest.raises(TrainingError, match="no parameter moved"):
        random_corpus().train(random_parameters(), validate=lambda p: float("nan"))


@pytest.mark.parametrize("rows", [[], [[0, 1]], [[0, 1], []], [[], []]])
def test_fewer_than_two_playlists_with_tracks_are_an_error(rows: list[list[int]]) -> None:
    votes = Votes(("a",), np.zeros(len(rows), np.int32), Interactions.of(rows, n_columns=3))
    with pytest.raises(TrainingError, match="at least 2 playlists"):
        train_votes(VoteParameters.untrained(4), votes, np.eye(1, 4, dtype=np.float32), np.zeros(1, np.int32))


def test_vectors_that_are_no_numbers_are_an_error() -> None:
    corpus = random_corpus()
    corpus.vectors[2] = np.nan
    with pytest.raises(TrainingError, match="the loss became nan"):
        corpus.train(random_parameters())


@pytest.mark.parametrize("name", ["epochs", "batch_size", "max_playlists"])
def test_settings_below_one_are_an_error(name: str) -> None:
    with pytest.raises(TrainingError, match="at least 1"):
        VoteTraining(**{name: 0})
