"""Playlists with the nearest titles vote: the published recipe, and character n-grams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.library.arrays import fingerprint, load_array, read_json, save_array, write_json
from segue.library.interactions import Interactions
from segue.library.query import Query
from segue.library.ranking import Ranking
from segue.library.strings import StringArray
from segue.recommend.popularity import Popularity
from segue.recommend.remarks import remarks
from segue.recommend.scores import Scores, accumulate, gather, vote
from segue.recommend.title_playlists import TitlePlaylists
from segue.views.titles import normalise

if TYPE_CHECKING:
    from segue.encode.base import Encoder
    from segue.encode.ngrams import NgramEncoder
    from segue.library.library import Library

__all__ = ["NgramNearest", "PublishedRecipe"]

_DECIMALS = 6  # two encodings of the same words differ by rounding in the seventh decimal; that must not order ties
_UNREAD = "the title holds nothing that can be compared, so these are the most popular tracks"


@dataclass(frozen=True, eq=False)
class PublishedRecipe:
    """The published title system: the ``k`` nearest *playlists* by title each give one vote to each of their tracks.

    Raw titles, cosine; playlists at equal cosine by row, tracks with equal votes by first occurrence among the
    neighbours in their order; filled up with popular tracks.

    Args:
        titles: distinct titles as the encoder tells them apart.
        vectors: unit vector of each, float32 ``(n_titles, d)``.
    """

    playlists: Interactions
    titles: TitlePlaylists
    vectors: NDArray[np.float32]
    encoder: Encoder
    popularity: Popularity
    k: int
    fingerprint: str

    @classmethod
    def fitted(
        cls, library: Library, encoder: Encoder, *, k: int = 50, popularity: Popularity | None = None
    ) -> PublishedRecipe:
        """Encode the distinct titles of the training playlists."""
        playlists = library.playlist_tracks.distinct()
        titles, vectors = _by_vector(library.titles, encoder)
        return cls(
            playlists=playlists,
            titles=titles,
            vectors=vectors,
            encoder=encoder,
            popularity=popularity or Popularity.fitted(playlists),
            k=k,
            fingerprint=fingerprint("published", library.fingerprint, encoder.fingerprint, k),
        )

    def save(self, folder: Path) -> None:
        """Write titles, vectors and popularity; encoder and playlists are their owners' to keep."""
        folder.mkdir(parents=True, exist_ok=True)
        StringArray.of(self.titles.titles).save(folder, "titles")
        save_array(folder / "titles.indptr.npy", self.titles.indptr)
        save_array(folder / "titles.playlists.npy", self.titles.playlists)
        save_array(folder / "vectors.npy", self.vectors)
        self.popularity.save(folder / "popularity")
        write_json(folder / "published.json", {"k": self.k, "fingerprint": self.fingerprint})

    @classmethod
    def load(cls, folder: Path, encoder: Encoder, playlist_tracks: Interactions) -> PublishedRecipe:
        """Map what :meth:`save` wrote.

        Raises:
            StoredDataError: a file is missing or damaged; the message names it.
        """
        about = read_json(folder / "published.json")
        return cls(
            playlists=playlist_tracks,
            titles=TitlePlaylists(
                tuple(StringArray.load(folder, "titles").to_list()),
                load_array(folder / "titles.indptr.npy"),
                load_array(folder / "titles.playlists.npy"),
            ),
            vectors=load_array(folder / "vectors.npy"),
            encoder=encoder,
            popularity=Popularity.load(folder / "popularity"),
            k=int(about["k"]),
            fingerprint=str(about["fingerprint"]),
        )

    def neighbours(self, query: Query) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The nearest playlists, nearest first, and their cosines; none for an empty title."""
        none = np.zeros(0, np.int32), np.zeros(0, np.float32)
        if not query.title.strip():
            return none
        vector = self.encoder.encode([query.title])[0]
        if not vector.any():
            return none
        cosines = np.round(self.vectors @ vector, _DECIMALS).astype(np.float32)
        return self.titles.nearest(Scores(np.arange(len(cosines), dtype=np.int32), cosines), self.k)

    def score(self, query: Query) -> Scores:
        """Votes of the nearest playlists, whole numbers in ``[1, k]``; rows in order of first occurrence."""
        neighbours, _ = self.neighbours(query)
        tracks, _ = gather(self.playlists.indptr, self.playlists.indices, neighbours)
        rows, first, counts = np.unique(tracks, return_index=True, return_counts=True)
        order = np.argsort(first)
        return Scores(rows[order].astype(np.int32), counts[order].astype(np.float32))

    def recommend(self, query: Query, n: int) -> Ranking:
        """The tracks with most votes, ties by first occurrence, then popular ones."""
        said = remarks(query, self.popularity.n_tracks, uses_title=True, uses_seeds=False)
        scores = self.score(query)
        if not len(scores) and query.title.strip():
            said = (*said, _UNREAD)
        order = np.argsort(-scores.values, kind="stable")
        order = order[~np.isin(scores.rows[order], np.asarray(query.seed_tracks, np.int32))][:n]
        rows, values = scores.rows[order], scores.values[order]
        taken = Query(seed_tracks=(*query.seed_tracks, *rows.tolist()))
        filled = self.popularity.fill(Scores.none(), taken, n - len(rows))
        return Ranking(np.concatenate([rows, filled.rows]), np.concatenate([values, filled.scores]), said)


def _by_vector(titles: Sequence[str], encoder: Encoder) -> tuple[TitlePlaylists, NDArray[np.float32]]:
    """Group playlists by title vector: what the encoder reads alike ("Rock", "rock") is compared once."""
    distinct = list(dict.fromkeys(titles))
    vectors = np.ascontiguousarray(encoder.encode(distinct), np.float32)
    first: dict[bytes, int] = {}
    # adding zero turns -0.0 into 0.0, which compares equal but has other bytes
    same = [first.setdefault(row.tobytes(), i) for i, row in enumerate(np.round(vectors, _DECIMALS) + np.float32(0))]
    spelled = {title: distinct[i] for title, i in zip(distinct, same, strict=True)}
    return TitlePlaylists.of([spelled[title] for title in titles]), vectors[sorted(first.values())]


@dataclass(frozen=True, eq=False)
class NgramNearest:
    """The ``k`` playlists with the nearest titles by character n-grams vote, each by its cosine.

    Args:
        indptr, title_rows, values: for each n-gram bucket the distinct titles that hold it and their weights (CSC).
    """

    playlists: Interactions
    titles: TitlePlaylists
    encoder: NgramEncoder
    indptr: NDArray[np.int64]
    title_rows: NDArray[np.int32]
    values: NDArray[np.float32]
    popularity: Popularity
    k: int
    fingerprint: str

    @classmethod
    def fitted(
        cls,
        library: Library,
        encoder: NgramEncoder | None = None,
        *,
        k: int = 200,
        popularity: Popularity | None = None,
    ) -> NgramNearest:
        """Index the n-grams of the training playlists' normalised titles."""
        from segue.encode.ngrams import NgramEncoder

        playlists = library.playlist_tracks.distinct()
        read = [normalise(title) for title in library.titles]
        titles = TitlePlaylists.of(read)
        encoder = encoder or NgramEncoder.fitted(read)
        matrix = encoder.sparse(titles.titles).tocsc()
        matrix.sort_indices()
        return cls(
            playlists=playlists,
            titles=titles,
            encoder=encoder,
            indptr=matrix.indptr.astype(np.int64),
            title_rows=matrix.indices.astype(np.int32),
            values=matrix.data.astype(np.float32),
            popularity=popularity or Popularity.fitted(playlists),
            k=k,
            fingerprint=fingerprint("ngram-nearest", library.fingerprint, encoder.fingerprint, k),
        )

    def neighbours(self, query: Query) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The nearest playlists that share an n-gram, nearest first, and their cosines."""
        columns, weights = self.encoder.sparse_one(normalise(query.title))
        found, lengths = gather(self.indptr, self.title_rows, columns)
        starts = np.repeat(self.indptr[columns] - (np.cumsum(lengths) - lengths), lengths)
        cosines = self.values[np.arange(len(found)) + starts] * np.repeat(weights, lengths)
        return self.titles.nearest(accumulate([found], [cosines], len(self.titles)), self.k)

    def score(self, query: Query) -> Scores:
        """Summed cosines of the nearest playlists."""
        neighbours, cosines = self.neighbours(query)
        return vote(self.playlists, neighbours, cosines)

    def recommend(self, query: Query, n: int) -> Ranking:
        """The tracks with the highest sums, then popular ones."""
        said = remarks(query, self.popularity.n_tracks, uses_title=True, uses_seeds=False)
        scores = self.score(query)
        if not len(scores) and query.title.strip():
            said = (*said, _UNREAD)
        return self.popularity.fill(scores, query, n, said)
