"""The vote: a title weighs the titles of the corpus, and their playlists vote for tracks.

Built once per distinct title, read by a query without scipy, polars or torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.errors import StoredDataError
from segue.library.arrays import load_array, save_array
from segue.library.vote_parameters import VoteParameters
from segue.recommend.scores import Scores, accumulate_pairs, positions
from segue.recommend.titles import TitleTable
from segue.views.titles import normalise

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Postings", "TitleVote", "TitleWeights", "nearest_playlists"]

MAX_TITLES = 200  # titles that vote in one query; more change no metric and cost time
_COVERED = 0.995
_BLOCK = 512  # title vectors that stay in the cache of a core
PLAIN_PLAYLISTS = 50


@dataclass(frozen=True, eq=False)
class Postings:
    """An inverted index: feature -> titles and values, CSR ``(n_features, n_titles)``, float32."""

    indptr: NDArray[np.int64]
    titles: NDArray[np.int32]
    values: NDArray[np.float32]
    n_titles: int

    @classmethod
    def of(cls, matrix: csr_matrix) -> Postings:
        """Invert a title x feature matrix."""
        turned = matrix.T.tocsr()
        turned.sort_indices()
        return cls(
            turned.indptr.astype(np.int64),
            turned.indices.astype(np.int32),
            turned.data.astype(np.float32),
            matrix.shape[0],
        )

    def products(self, features: NDArray[np.integer], values: NDArray[np.floating]) -> NDArray[np.float32]:
        """Dot products of one sparse vector with every title, float32 ``(n_titles,)``."""
        sums = np.zeros(self.n_titles, np.float32)
        take, lengths = positions(self.indptr, features)
        np.add.at(
            sums,
            self.titles[take].astype(np.int64),
            self.values[take] * np.repeat(values, lengths).astype(np.float32),
        )
        return sums

    def save(self, folder: Path, name: str) -> None:
        """Write three arrays."""
        save_array(folder / f"{name}.indptr.npy", self.indptr)
        save_array(folder / f"{name}.titles.npy", self.titles)
        save_array(folder / f"{name}.values.npy", self.values)

    @classmethod
    def load(cls, folder: Path, name: str, n_titles: int) -> Postings:
        """Map three arrays."""
        return cls(
            load_array(folder / f"{name}.indptr.npy"),
            load_array(folder / f"{name}.titles.npy"),
            load_array(folder / f"{name}.values.npy"),
            n_titles,
        )


@dataclass(frozen=True, eq=False)
class TitleWeights:
    """Titles that vote and the share of each, summing to 1, heaviest first; int32 and float32 ``(m,)``.

    ``cosine`` and ``overlap`` say how near the nearest title is, by its vector and by its letters.
    """

    titles: NDArray[np.int32]
    weights: NDArray[np.float32]
    cosine: float = 1.0
    overlap: float = 1.0


@dataclass(frozen=True, eq=False)
class TitleVote:
    """Title vectors and title x track votes.

    Args:
        titles: who votes.
        vectors: unit vectors as the encoder gives them, float32 ``(n_titles, d)``.
        norms: length of each vector after the adapter, float32 ``(n_titles,)``.
        parameters: how they weigh.
        ngrams: title x character n-grams (tf-idf, unit rows), inverted.
        indptr, tracks, votes: title x track CSR, float32: the mean over the title's playlists of
            ``x / length ** power``, smoothed over similar playlists.
    """

    titles: TitleTable
    vectors: NDArray[np.float32]
    norms: NDArray[np.float32]
    parameters: VoteParameters
    ngrams: Postings
    indptr: NDArray[np.int64]
    tracks: NDArray[np.int32]
    votes: NDArray[np.float32]
    n_tracks: int

    def weights(
        self, read: str, vector: NDArray[np.float32], ngrams: tuple[NDArray[np.integer], NDArray[np.floating]]
    ) -> TitleWeights:
        """Shares of the titles that matter for a query.

        Args:
            read: the query's title as the encoder reads it.
            vector: its unit vector ``(d,)``. ngrams: its n-gram columns and values.
        """
        p = self.parameters
        adapted = vector @ p.adapter
        # cos(q M, u M) without a second copy of the title vectors: (q M M') . u / (|q M| |u M|)
        turned = (p.adapter @ adapted) / max(float(np.linalg.norm(adapted)), 1e-12)
        products, plain = _twice(self.vectors, turned.astype(np.float32, copy=False), vector)
        cosines = products / self.norms
        logits = (p.cosine * cosines).astype(np.float32, copy=False)
        overlap = 0.0
        if p.ngram:
            products = self.ngrams.products(*ngrams)
            overlap = float(products.max())
            logits += p.ngram * products
        if p.same_title:
            logits[self.titles.keys.rows(normalise(read, "key"))] += p.same_title
        learned = self._tempered(logits)
        if not p.pretrained:
            return replace(learned, cosine=float(cosines.max()), overlap=overlap)
        mixed = _mixed(learned, self._nearest(plain), p.pretrained)
        return replace(mixed, cosine=float(plain.max()), overlap=overlap)

    def _tempered(self, logits: NDArray[np.float32]) -> TitleWeights:
        logs = self.parameters.temper * logits + self._log_counts
        rows = _largest(logs, MAX_TITLES)
        total = float(np.exp(logs - logs[rows[0]]).sum())
        weights = np.exp(logs[rows] - logs[rows[0]])
        kept = int(np.searchsorted(np.cumsum(weights), _COVERED * total)) + 1
        rows, weights = rows[:kept], weights[:kept]
        return TitleWeights(rows.astype(np.int32), (weights / weights.sum()).astype(np.float32))

    def _nearest(self, cosines: NDArray[np.float32]) -> TitleWeights:
        """The 50 playlists with the nearest titles, one vote each: what keeps the list close to the words."""
        rows = _largest(cosines, PLAIN_PLAYLISTS)
        before = np.cumsum(self.titles.counts[rows]) - self.titles.counts[rows]
        rows = rows[before < PLAIN_PLAYLISTS]
        votes = np.minimum(self.titles.counts[rows], PLAIN_PLAYLISTS - before[before < PLAIN_PLAYLISTS])
        return TitleWeights(rows.astype(np.int32), (votes / votes.sum()).astype(np.float32))

    @cached_property
    def _log_counts(self) -> NDArray[np.float32]:
        return np.log(self.titles.counts).astype(np.float32)

    def tally(self, weights: TitleWeights) -> Scores:
        """Sum the votes of the weighted titles."""
        take, lengths = positions(self.indptr, weights.titles)
        tracks = np.asarray(self.tracks[take], np.int32)
        values = np.asarray(self.votes[take]) * np.repeat(weights.weights, lengths)
        return accumulate_pairs(tracks, values, self.n_tracks)

    def save(self, folder: Path) -> None:
        """Write everything but the title table into an existing folder."""
        save_array(folder / "vectors.npy", self.vectors)
        save_array(folder / "norms.npy", self.norms)
        self.parameters.save(folder)
        self.ngrams.save(folder, "ngrams")
        save_array(folder / "votes.indptr.npy", self.indptr)
        save_array(folder / "votes.tracks.npy", self.tracks)
        save_array(folder / "votes.values.npy", self.votes)

    @classmethod
    def load(cls, folder: Path, titles: TitleTable, n_tracks: int) -> TitleVote:
        """Map what :meth:`save` wrote.

        Raises:
            StoredDataError: a file is missing, damaged, or belongs to other titles.
        """
        vote = cls(
            titles=titles,
            vectors=load_array(folder / "vectors.npy"),
            norms=load_array(folder / "norms.npy"),
            parameters=VoteParameters.load(folder),
            ngrams=Postings.load(folder, "ngrams", len(titles)),
            indptr=load_array(folder / "votes.indptr.npy"),
            tracks=load_array(folder / "votes.tracks.npy"),
            votes=load_array(folder / "votes.values.npy"),
            n_tracks=n_tracks,
        )
        n, d = len(titles), len(vote.parameters.adapter)
        fits = (
            vote.parameters.adapter.shape == (d, d)
            and vote.vectors.shape == (n, d)
            and vote.norms.shape == (n,)
            and len(vote.indptr) == n + 1
            and int(vote.indptr[-1]) == len(vote.tracks) == len(vote.votes)
        )
        if not fits:
            raise StoredDataError(f"{folder} belongs to other titles than {folder.parent / 'titles'}; train again")
        return vote


def _twice(
    vectors: NDArray[np.float32], one: NDArray[np.float32], other: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """``vectors @ one`` and ``vectors @ other``, bit for bit, with the vectors read from memory once."""
    first, second = np.empty(len(vectors), np.float32), np.empty(len(vectors), np.float32)
    for begin in range(0, len(vectors), _BLOCK):
        block = vectors[begin : begin + _BLOCK]
        np.dot(block, one, out=first[begin : begin + _BLOCK])
        np.dot(block, other, out=second[begin : begin + _BLOCK])
    return first, second


def _largest(scores: NDArray[np.float32], n: int) -> NDArray[np.int64]:
    """Rows of the ``n`` largest scores, largest first, ties by row."""
    n = min(n, len(scores))
    rows = np.argpartition(-scores, n - 1)[:n] if n < len(scores) else np.arange(n)
    return rows[np.lexsort((rows, -scores[rows]))]


def _mixed(first: TitleWeights, second: TitleWeights, share: float) -> TitleWeights:
    """``(1 - share)`` of the first and ``share`` of the second."""
    rows, inverse = np.unique(np.concatenate([first.titles, second.titles]), return_inverse=True)
    weights = np.zeros(len(rows))
    np.add.at(weights, inverse, np.concatenate([(1 - share) * first.weights, share * second.weights]))
    order = np.lexsort((rows, -weights))
    return TitleWeights(rows[order].astype(np.int32), weights[order].astype(np.float32))


def nearest_playlists(titles: TitleTable, weights: TitleWeights, k: int) -> Sequence[int]:
    """The ``k`` playlists with the heaviest titles, playlists of one title by row."""
    per_playlist = weights.weights / titles.counts[weights.titles]
    found: list[int] = []
    for title in weights.titles[np.argsort(-per_playlist, kind="stable")]:
        found.extend(titles.playlists.row(int(title))[: k - len(found)].tolist())
        if len(found) >= k:
            break
    return found
