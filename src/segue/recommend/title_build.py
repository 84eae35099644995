"""Build a title model from playlists and learnt parameters: the same input gives the same model, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder
from segue.encode.ngrams import NgramEncoder
from segue.errors import TrainingError
from segue.library import Library, Votes
from segue.library.vote_parameters import ShareModel, VoteParameters
from segue.recommend.mention_table import build_mentions
from segue.recommend.mentions import Mentions
from segue.recommend.popularity import Popularity
from segue.recommend.ridge import TitleRidge, fit_ridge
from segue.recommend.title_model import TitleModel
from segue.recommend.titles import TitleTable
from segue.recommend.track_mentions import TrackMentions, build_track_mentions
from segue.recommend.vote import Postings, TitleVote
from segue.recommend.vote_table import vote_table

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Learned", "TitleCorpus", "build_title_model"]

Progress = Callable[[int, int, str], None]

LARGE = 100_000  # playlists beyond which the ridge makes do with fewer factors and leaves rare tracks out
TRACKS_PER_TITLE = 1_000  # heaviest tracks that a title votes for; 4,000 gave the same metrics at six times the time


@dataclass(frozen=True, eq=False)
class Learned:
    """What training learnt and a rebuild keeps: everything else is counted anew from the playlists.

    Args:
        vote: weights of the vote. shares: what named artists are due; None leaves them out.
        ridge: what the ridge counts beside the vote; 0 leaves it out.
        track_rates: how often titles that are a track's name mean it, by number of words; None leaves tracks out.
    """

    vote: VoteParameters
    shares: ShareModel | None = None
    ridge: float = 0.0
    track_rates: tuple[float, ...] | None = None


@dataclass(frozen=True, eq=False)
class TitleCorpus:
    """The parts that depend on playlists and encoder, but on no learnt parameter; computed once, used by every build.

    Args:
        vectors: unit title vectors, float32 ``(n_titles, d)``.
    """

    library: Library
    encoder: Encoder
    titles: TitleTable
    vectors: NDArray[np.float32]
    ngram_encoder: NgramEncoder

    @classmethod
    def of(cls, library: Library, encoder: Encoder, *, progress: Progress | None = None) -> TitleCorpus:
        """Collect and encode the distinct titles.

        Raises:
            TrainingError: no playlist has both a title and a track.
        """
        titles = TitleTable.of(library)
        if len(titles) == 0:
            raise TrainingError("no playlist of the library has both a title that can be read and a track")
        read = titles.read.to_list()

        def report(done: int, total: int) -> None:
            if progress:
                progress(done, total, "encoding titles")

        vectors = encoder.encode(read, progress=report)
        return cls(library, encoder, titles, np.ascontiguousarray(vectors, np.float32), NgramEncoder.fitted(read))

    @cached_property
    def tracks(self) -> csr_matrix:
        """Binary playlist x track matrix, CSR float32."""
        return self.library.playlist_tracks.matrix()

    @cached_property
    def ngrams(self) -> csr_matrix:
        """Title x n-gram matrix, unit rows, CSR float32."""
        return self.ngram_encoder.sparse(self.titles.read.to_list())

    @cached_property
    def popularity(self) -> Popularity:
        """Training playlists per track."""
        return Popularity.fitted(self.library.playlist_tracks)

    @cached_property
    def votes(self) -> Votes:
        """The playlists that have a title, as supervision."""
        rows = self.titles.title_rows
        chosen = np.flatnonzero(rows >= 0)
        return Votes(
            tuple(self.titles.read.to_list()),
            rows[chosen],
            self.library.playlist_tracks.select(chosen).distinct(),
        )

    def mentions(self, model: ShareModel) -> Mentions:
        """Artist statistics under a share model; the statistics are counted once."""
        return replace(self._mentions, model=model)

    @cached_property
    def _mentions(self) -> Mentions:
        from segue.recommend.mention_table import uninformed

        return build_mentions(self.library, self.titles, self.popularity.counts, uninformed())

    def track_mentions(self, rates: tuple[float, ...] | None) -> TrackMentions:
        """Names of tracks, with given rates or with those of this corpus."""
        if rates is None:
            return self._track_mentions
        return replace(self._track_mentions, rates=rates)

    @cached_property
    def _track_mentions(self) -> TrackMentions:
        interactions = self._mentions.playlist_tracks
        return build_track_mentions(self.library, self.titles, self.popularity.counts, interactions)

    def ridge(self, weight: float) -> TitleRidge:
        """The ridge with a given weight; it is fitted once."""
        return replace(self._ridge, blend_weight=float(weight))

    @cached_property
    def _ridge(self) -> TitleRidge:
        large = self.library.n_playlists > LARGE
        return fit_ridge(
            self.titles,
            self.vectors,
            self.ngram_encoder,
            self.tracks,
            blend_weight=0.0,
            r=128 if large else 300,
            min_playlists=5 if large else 1,
        )

    def vote_table(self, parameters: VoteParameters, *, progress: Progress | None = None) -> csr_matrix:
        """Title x track votes under the parameters' smoothing."""
        return vote_table(
            self.titles,
            self.tracks,
            smoothing=parameters.smoothing,
            length_power=parameters.length_power,
            max_tracks=TRACKS_PER_TITLE,
            progress=progress,
        )


def build_title_model(
    corpus: TitleCorpus, learned: Learned, *, votes: csr_matrix | None = None, progress: Progress | None = None
) -> TitleModel:
    """Put a model together.

    Args:
        votes: a vote table of the same corpus and smoothing, if there is one already.
    """
    parameters = learned.vote
    if votes is None:
        votes = corpus.vote_table(parameters, progress=progress)
    norms = np.linalg.norm(corpus.vectors @ parameters.adapter, axis=1)
    vote = TitleVote(
        titles=corpus.titles,
        vectors=corpus.vectors,
        norms=np.maximum(norms, 1e-9).astype(np.float32),
        parameters=parameters,
        ngrams=Postings.of(corpus.ngrams),
        indptr=votes.indptr.astype(np.int64),
        tracks=votes.indices.astype(np.int32),
        votes=votes.data.astype(np.float32),
        n_tracks=corpus.library.n_tracks,
    )
    return TitleModel(
        titles=corpus.titles,
        vote=vote,
        mentions=corpus.mentions(learned.shares) if learned.shares else None,
        track_mentions=corpus.track_mentions(learned.track_rates) if learned.track_rates else None,
        ridge=corpus.ridge(learned.ridge) if learned.ridge else None,
        encoder=corpus.encoder,
        ngram_encoder=corpus.ngram_encoder,
        popularity=corpus.popularity,
    )
