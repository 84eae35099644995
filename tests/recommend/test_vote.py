"""The vote of a query against a softmax over all playlists, on dense arrays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from recommend.corpora import random_csr, random_library
from segue.encode.ngrams import NgramEncoder
from segue.errors import StoredDataError
from segue.library import Library
from segue.library.arrays import is_mapped
from segue.library.vote_parameters import VoteParameters
from segue.recommend import vote as module
from segue.recommend.titles import TitleTable
from segue.recommend.vote import Postings, TitleVote, TitleWeights, nearest_playlists
from segue.recommend.vote_table import vote_table
from segue.views.titles import normalise

D = 6


def random_parameters(rng_key: int) -> VoteParameters:
    rng = np.random.default_rng(rng_key)
    adapter = (np.eye(D) + 0.3 * rng.standard_normal((D, D))).astype(np.float32)
    return VoteParameters(adapter, cosine=5.0, ngram=2.0, same_title=1.3, pretrained=0.0, temper=0.8)


def built(library: Library, p: VoteParameters) -> tuple[TitleVote, NgramEncoder]:
    titles = TitleTable.of(library)
    vectors = np.random.default_rng(1).standard_normal((len(titles), D)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ngrams = NgramEncoder.fitted(titles.read.to_list(), buckets=512)
    table = vote_table(titles, library.playlist_tracks.matrix(), smoothing=0.3, length_power=0.1, max_tracks=1000)
    vote = TitleVote(
        titles,
        vectors,
        np.linalg.norm(vectors @ p.adapter, axis=1).astype(np.float32),
        p,
        Postings.of(ngrams.sparse(titles.read.to_list())),
        table.indptr.astype(np.int64),
        table.indices.astype(np.int32),
        table.data,
        library.n_tracks,
    )
    return vote, ngrams


def query(rng_key: int = 3) -> NDArray[np.float32]:
    vector = np.random.default_rng(rng_key).standard_normal(D).astype(np.float32)
    return vector / np.float32(np.linalg.norm(vector))


def dense_weights(vote: TitleVote, ngrams: NgramEncoder, read: str, vector: NDArray[np.float32]) -> np.ndarray:
    """Share of each title: playlist by playlist, a softmax of its title's logit."""
    p, texts = vote.parameters, vote.titles.read.to_list()
    a, b = vector @ p.adapter, vote.vectors @ p.adapter
    logits = p.cosine * (b @ a) / np.linalg.norm(a) / np.linalg.norm(b, axis=1)
    logits = logits + p.ngram * (ngrams.sparse(texts) @ ngrams.sparse([read]).T).toarray().ravel()
    logits = logits + p.same_title * np.array([normalise(t, "key") == normalise(read, "key") for t in texts])
    rows = vote.titles.title_rows[vote.titles.title_rows >= 0]
    playlists = np.exp(p.temper * logits[rows].astype(np.float64))
    return np.bincount(rows, playlists / playlists.sum(), minlength=len(texts))


def as_dense(weights: TitleWeights, n: int) -> np.ndarray:
    assert weights.titles.dtype == np.int32 and weights.weights.dtype == np.float32
    assert len(np.unique(weights.titles)) == len(weights.titles)
    assert (np.diff(weights.weights) <= 0).all()
    found = np.zeros(n)
    found[weights.titles] = weights.weights
    return found


@pytest.mark.parametrize("rng_key", range(3))
def test_weights_are_a_softmax_over_playlists(rng_key: int) -> None:
    vote, ngrams = built(random_library(rng_key), random_parameters(rng_key))
    for read in (vote.titles.read[2], vote.titles.read[4] + " x", "nothing known"):
        wanted = dense_weights(vote, ngrams, read, query())
        found = as_dense(vote.weights(read, query(), ngrams.sparse_one(read)), len(vote.titles))
        kept = found > 0
        assert wanted[kept].sum() >= 0.995 - 1e-6
        assert wanted[kept].min() >= wanted[~kept].max(initial=0)
        np.testing.assert_allclose(found[kept], wanted[kept] / wanted[kept].sum(), rtol=2e-5)
        assert found.sum() == pytest.approx(1, abs=1e-5)


def test_the_heaviest_titles_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_TITLES", 5)
    vote, ngrams = built(random_library(0), random_parameters(0))
    read = vote.titles.read[2]
    wanted = dense_weights(vote, ngrams, read, query())
    found = vote.weights(read, query(), ngrams.sparse_one(read))
    assert found.titles.tolist() == np.argsort(-wanted, kind="stable")[:5].tolist()


@pytest.mark.parametrize("query_key", range(8, 14))
def test_the_pretrained_part_goes_to_the_fifty_playlists_with_the_nearest_titles(query_key: int) -> None:
    vote, ngrams = built(random_library(1), random_parameters(1))
    read, vector = vote.titles.read[3], query(query_key)
    learned = as_dense(vote.weights(read, vector, ngrams.sparse_one(read)), len(vote.titles))
    mixed = replace(vote, parameters=replace(vote.parameters, pretrained=0.3))
    found = as_dense(mixed.weights(read, vector, ngrams.sparse_one(read)), len(vote.titles))
    playlists = np.flatnonzero(vote.titles.title_rows >= 0)
    cosines = (vote.vectors @ vector)[vote.titles.title_rows[playlists]]
    nearest = vote.titles.title_rows[playlists][np.argsort(-cosines, kind="stable")[:50]]
    plain = np.bincount(nearest, minlength=len(vote.titles)) / 50
    assert plain.sum() == 1 and (plain > 0).sum() > 5
    np.testing.assert_allclose(found, 0.7 * learned + 0.3 * plain, atol=1e-6)


def test_fewer_playlists_than_fifty_all_vote() -> None:
    vote, ngrams = built(random_library(2, n_playlists=20, n_titles=6), random_parameters(2))
    alone = replace(vote, parameters=replace(vote.parameters, pretrained=1.0))
    read = vote.titles.read[0]
    found = as_dense(alone.weights(read, query(), ngrams.sparse_one(read)), len(vote.titles))
    np.testing.assert_allclose(found, vote.titles.counts / vote.titles.counts.sum(), atol=1e-6)


def test_the_tally_is_the_weighted_sum_of_the_table() -> None:
    library = random_library(0)
    vote, ngrams = built(library, random_parameters(0))
    weights = vote.weights("abc", query(), ngrams.sparse_one("abc"))
    table = np.zeros((len(vote.titles), library.n_tracks))
    for u in range(len(vote.titles)):
        a, b = vote.indptr[u], vote.indptr[u + 1]
        table[u, vote.tracks[a:b]] = vote.votes[a:b]
    scores = vote.tally(weights)
    found = np.zeros(library.n_tracks)
    found[scores.rows] = scores.values
    np.testing.assert_allclose(found, as_dense(weights, len(table)) @ table, rtol=1e-5, atol=1e-7)
    assert len(np.unique(scores.rows)) == len(scores.rows)


def test_nearest_playlists_are_those_with_the_heaviest_titles() -> None:
    vote, ngrams = built(random_library(3), random_parameters(3))
    weights = vote.weights("abc", query(), ngrams.sparse_one("abc"))
    share = as_dense(weights, len(vote.titles)) / vote.titles.counts
    rows = vote.titles.title_rows
    found = nearest_playlists(vote.titles, weights, 12)
    assert len(found) == len(set(found)) == 12
    of_found = [share[rows[j]] for j in found]
    assert of_found == sorted(of_found, reverse=True)
    best = np.sort(share[rows[rows >= 0]])[::-1][:12]
    np.testing.assert_allclose(of_found, best)
    assert len(nearest_playlists(vote.titles, weights, 10_000)) == vote.titles.counts[weights.titles].sum()


@pytest.mark.parametrize("rng_key", range(3))
def test_products_are_dot_products(rng_key: int) -> None:
    rng = np.random.default_rng(rng_key)
    matrix = random_csr(rng, (17, 11))
    asked = random_csr(rng, (1, 11), 0.6)
    found = Postings.of(matrix).products(asked.indices, asked.data)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, (matrix @ asked.T).toarray().ravel(), rtol=1e-5)
    none = np.zeros(0, np.int32)
    assert Postings.of(matrix).products(none, none.astype(np.float32)).tolist() == [0.0] * 17


def test_what_was_saved_is_mapped_and_answers_alike(tmp_path: Path) -> None:
    p = replace(random_parameters(0), pretrained=0.2)
    vote, ngrams = built(random_library(0), p)
    vote.save(tmp_path)
    again = TitleVote.load(tmp_path, vote.titles, vote.n_tracks)
    for array in (again.vectors, again.votes, again.tracks, again.indptr, again.ngrams.values, again.ngrams.titles):
        assert is_mapped(array)
    assert again.parameters.fingerprint == p.fingerprint
    for read in (vote.titles.read[1], "unknown"):
        first, second = (v.weights(read, query(), ngrams.sparse_one(read)) for v in (vote, again))
        assert first.weights.tobytes() == second.weights.tobytes()
        a, b = vote.tally(first), again.tally(second)
        assert a.rows.tobytes() == b.rows.tobytes() and a.values.tobytes() == b.values.tobytes()


@pytest.mark.parametrize("name", ["vectors.npy", "ngrams.values.npy", "votes.values.npy", "vote.json", "adapter.npy"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    vote, _ = built(random_library(0), random_parameters(0))
    vote.save(tmp_path)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:20])
    with pytest.raises(StoredDataError, match=name):
        TitleVote.load(tmp_path, vote.titles, vote.n_tracks)
    (tmp_path / name).unlink()
    with pytest.raises(StoredDataError, match=name):
        TitleVote.load(tmp_path, vote.titles, vote.n_tracks)
