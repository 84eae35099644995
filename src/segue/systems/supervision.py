"""From a library's training playlists to what a title encoder is fine-tuned on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError, TrainingError
from segue.library import Interactions, Labels, Library, Overlaps, Votes
from segue.recommend.vote_table import idf_rows, neighbour_matrix, track_factors
from segue.train.settings import FinetuneSettings
from segue.views.titles import normalise

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from segue.library.themes import Themes

__all__ = [
    "TitledPlaylists",
    "artist_queries",
    "class_labels",
    "content_rows",
    "keys",
    "overlaps",
    "viewed",
    "votes",
]

_FACTORS = 128  # dimensions of what a playlist holds, for the contrastive loss
_ARTIST_TRACKS = 40


@dataclass(frozen=True, eq=False)
class TitledPlaylists:
    """Playlists with a title and a track, and each title once.

    Args:
        rows: of the library, int64 ``(n,)``. texts: distinct titles in the form that is encoded.
        text_rows: title of each playlist, int64 ``(n,)``.
    """

    rows: NDArray[np.int64]
    texts: tuple[str, ...]
    text_rows: NDArray[np.int64]

    @classmethod
    def of(cls, library: Library, rows: NDArray[np.integer], settings: FinetuneSettings) -> TitledPlaylists:
        """Collect the titles of some playlists; of more than ``settings.max_playlists`` a sample is taken."""
        lengths = library.playlist_tracks.lengths
        titles = library.titles
        text = {row: viewed(titles[row], settings) for row in np.asarray(rows).tolist() if lengths[row]}
        chosen = np.array([row for row, read in text.items() if read.strip()], np.int64)
        if len(chosen) > settings.max_playlists:
            drawn = np.random.default_rng(settings.rng_key).choice(chosen, settings.max_playlists, replace=False)
            chosen = np.sort(drawn)
        row_of: dict[str, int] = {}
        text_rows = [row_of.setdefault(text[row], len(row_of)) for row in chosen.tolist()]
        return cls(chosen, tuple(row_of), np.array(text_rows, np.int64))

    def __len__(self) -> int:
        return len(self.rows)


def viewed(title: str, settings: FinetuneSettings) -> str:
    """A title in the form that the encoder is trained on."""
    return normalise(title, "read") if settings.view == "read" else title


def keys(texts: tuple[str, ...]) -> list[int]:
    """Numbers that are equal for texts that count as the same title."""
    numbers: dict[str, int] = {}
    return [numbers.setdefault(normalise(text, "key"), len(numbers)) for text in texts]


def votes(library: Library, playlists: TitledPlaylists) -> Votes:
    """Playlists as voters."""
    tracks = library.playlist_tracks.select(playlists.rows).distinct()
    return Votes(playlists.texts, playlists.text_rows.astype(np.int32), tracks)


def artist_queries(library: Library, rows: NDArray[np.integer], settings: FinetuneSettings) -> Votes | None:
    """Names of artists as titles that nobody wrote, with the artist's tracks that the playlists hold most often.

    Listeners title playlists with names; what goes with a name is known from playlists, whatever their titles. None
    if no artist is in ``settings.artists`` playlists.
    """
    tracks = library.playlist_tracks.select(rows).distinct()
    counts = tracks.column_counts()
    artists = library.artist_rows
    playlist = np.repeat(np.arange(tracks.n_rows), tracks.lengths)
    pairs = np.unique(playlist * np.int64(len(library.artist_names)) + artists[tracks.indices])
    in_playlists = np.bincount(pairs % len(library.artist_names), minlength=len(library.artist_names))
    order = np.lexsort((-counts, artists))
    begins = np.searchsorted(artists[order], np.arange(len(library.artist_names) + 1))
    titles: list[str] = []
    chosen: list[NDArray[np.int32]] = []
    for artist in np.flatnonzero(in_playlists >= settings.artists).tolist():
        name = viewed(library.artist_names[artist], settings)
        own = order[begins[artist] : begins[artist + 1]][:_ARTIST_TRACKS]
        own = own[counts[own] >= 2]
        if name.strip() and len(own) >= 2:
            titles.append(name)
            chosen.append(own.astype(np.int32))
    if not titles:
        return None
    return Votes(
        tuple(titles), np.arange(len(titles), dtype=np.int32), Interactions.of(chosen, n_columns=library.n_tracks)
    )


def class_labels(library: Library, themes: Themes | None, settings: FinetuneSettings) -> tuple[Labels, Labels]:
    """Titles of the themes' training and validation parts with their clusters.

    Raises:
        InputError: no themes, themes of another library, or none that was kept.
    """
    if themes is None:
        raise InputError(
            f"the loss {settings.loss} learns from themes; make some with 'segue themes LIBRARY -o THEMES' and give "
            "them with --themes"
        )
    titles = [viewed(title, settings) for title in library.titles]
    train, validation = (themes.labels(library, part, titles) for part in ("train", "validation"))
    if not len(train.classes):
        raise InputError("no theme was kept, so there are no classes to learn; make themes with a lower --min-match")
    return train, validation


def overlaps(
    library: Library, train: TitledPlaylists, held: TitledPlaylists, settings: FinetuneSettings
) -> tuple[Overlaps, Overlaps | None]:
    """Each playlist's most similar training playlists by idf-cosine of tracks; weights and factors of training alone.

    Raises:
        TrainingError: fewer than two playlists.
    """
    if len(train) < 2:
        raise TrainingError(f"contrasting playlists needs at least 2 of them, there are {len(train)}")
    matrix = library.playlist_tracks.select(train.rows).matrix()
    unit = idf_rows(matrix)
    rng = np.random.default_rng(settings.rng_key)
    factors = track_factors(unit, _FACTORS, rng)
    found = _overlaps(train, unit, unit, factors, settings.neighbours, themselves=True)
    if not len(held):
        return found, None
    asked = library.playlist_tracks.select(held.rows).matrix()
    counts = np.asarray(matrix.sum(axis=0)).ravel()
    return found, _overlaps(held, _weighted(asked, counts, len(train)), unit, factors, settings.neighbours)


def content_rows(library: Library, rows: NDArray[np.integer], rng_key: int = 0) -> NDArray[np.float32]:
    """What each playlist of the library holds, as unit rows (or zero) in main directions of some playlists' tracks.

    Args:
        rows: playlists that the directions and weights are made of.

    Returns:
        float32 ``(n_playlists, d)``.
    """
    chosen = library.playlist_tracks.select(rows).matrix()
    factors = track_factors(idf_rows(chosen), _FACTORS, np.random.default_rng(rng_key))
    counts = np.asarray(chosen.sum(axis=0)).ravel()
    content = np.asarray(_weighted(library.playlist_tracks.matrix(), counts, len(rows)) @ factors, np.float32)
    unit: NDArray[np.float32] = content / np.maximum(np.linalg.norm(content, axis=1, keepdims=True), 1e-9)
    return unit.astype(np.float32, copy=False)


def _weighted(tracks: csr_matrix, counts: NDArray[Any], n: int) -> csr_matrix:
    """Rows under the idf of the training playlists, of unit length."""
    from scipy.sparse import csr_matrix, diags_array

    weighted = csr_matrix(tracks @ diags_array(np.where(counts > 0, np.log(n / np.maximum(counts, 1)), 0.0)))
    norms = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    return csr_matrix(diags_array(1 / np.maximum(norms, 1e-9)) @ weighted).astype(np.float32)


def _overlaps(
    playlists: TitledPlaylists,
    unit: csr_matrix,
    candidates: csr_matrix,
    factors: NDArray[np.float32],
    k: int,
    *,
    themselves: bool = False,
) -> Overlaps:
    """``k`` neighbours of each; of the training playlists one more is looked up, since the nearest is itself."""
    near = neighbour_matrix(unit, candidates, k + themselves)
    if themselves:
        near.setdiag(0)
        near.eliminate_zeros()
    near.sort_indices()
    n = np.diff(near.indptr)
    order = np.lexsort((near.indices, -near.data, np.repeat(np.arange(len(n)), n)))
    content = np.asarray(unit @ factors, np.float32)
    content /= np.maximum(np.linalg.norm(content, axis=1, keepdims=True), 1e-9)
    return Overlaps(
        titles=playlists.texts,
        title_rows=playlists.text_rows,
        neighbours=Interactions(
            near.indptr.astype(np.int64), near.indices[order].astype(np.int32), candidates.shape[0]
        ),
        similarity=near.data[order].astype(np.float32),
        content=content,
    )
