"""The order of a list whose tracks are chosen: as ranked, each beside what goes with it, or along an arc of energy.

How near two tracks are is what the model knows of them: who is in playlists with whom, and how they sound where the
library says. On real playlists the first tells neighbours from other tracks of the same playlist far better than the
second, and key does not tell them at all (docs/log.md), so the sound counts little and the key nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from segue.library.catalogue import Catalogue
from segue.library.interactions import Interactions
from segue.library.ranking import Ranking
from segue.recommend.tour import placed, tour

__all__ = ["arc_of", "company", "list_distances", "ordered"]

_PEAK = 2 / 3  # of the list, where the energy is highest
_END = 0.35  # of the way from the lowest energy to the highest, where it ends
_SOUND = 0.5  # what the sound counts beside the company
_SCALES: Mapping[str, float] = {  # of one feature's difference, so that they can be added; tempo in octaves
    "energy": 1.0, "valence": 1.0, "danceability": 1.0, "acousticness": 1.0, "loudness": 1 / 20, "tempo": 2.0,
}  # fmt: skip
_LOOKED_AT = 4_000_000  # interactions that are looked at where tracks have no vectors
_CELLS = 1 << 20  # of the table of list tracks and their playlists
_DECIMALS = 5  # of a distance; what lies behind them is rounding


def ordered(
    ranking: Ranking,
    how: str,
    catalogue: Catalogue,
    playlist_tracks: Interactions,
    *,
    vectors: NDArray[np.floating] | None = None,
    spacing: int = 0,
    model_rows: NDArray[np.integer] | None = None,
) -> Ranking:
    """Put a finished list into another order; ``ranked`` leaves it. Scores stay with their tracks: they may rise.

    Args:
        how: ``ranked``; ``smooth``: begins with the best ranked track, consecutive ones go together, and none is
            followed by one of the same artist if that can be; ``arc``: the energy rises to two thirds, then falls.
        playlist_tracks: distinct tracks of the playlists that vote. vectors: of each track, by its company in
            playlists, ``(n_tracks, r)``, zero rows for none; without them the playlists are looked through.
        spacing: other tracks between two of one artist; no more of them come closer than in the given order.
        model_rows: where the catalogue is another than that of the playlists: the row there of each listed track, -1
            for none.
    """
    n = len(ranking)
    if how == "ranked" or n < 3:
        return ranking
    rows = ranking.rows
    of_model = rows if model_rows is None else np.asarray(model_rows, np.int32)
    artists = np.asarray(catalogue.artist_row[rows])
    if how == "smooth":
        distances = list_distances(company(of_model, playlist_tracks, vectors), rows, catalogue)
        return _in(ranking, tour(distances, artists, max(spacing, 1)))
    if how == "arc":
        energy = catalogue.features.get("energy")
        known = np.full(n, np.nan, np.float32) if energy is None else np.asarray(energy[rows])
        count = int((~np.isnan(known)).sum())
        if count < 2:
            of = "no track" if energy is None else "almost none of these tracks"
            return _in(ranking, None, f"the model knows the energy of {of}, so the list stays as ranked")
        said = ""
        if count < n:
            known = _guessed(known, company(of_model, playlist_tracks, vectors))
        if 2 * count < n:
            said = f"the energy of only {count} of {n} tracks is known; the others stand beside those they go with"
        return _in(ranking, arc_of(known, artists, spacing), said)
    raise ValueError(f"there is no order {how!r}")


def _in(ranking: Ranking, order: NDArray[np.int64] | None, said: str = "") -> Ranking:
    ignored = (*ranking.ignored, said) if said else ranking.ignored
    if order is None:
        return Ranking(ranking.rows, ranking.scores, ignored)
    return Ranking(ranking.rows[order], ranking.scores[order], ignored)


def arc_of(energy: NDArray[np.floating], artists: NDArray[np.integer], spacing: int = 0) -> NDArray[np.int64]:
    """Positions in the order in which the energy rises to two thirds of the list and then falls, int64 ``(n,)``.

    >>> energy = np.array([0.1, 0.9, 0.5, 0.3, 0.7, 0.2], np.float32)
    >>> energy[arc_of(energy, np.arange(6))].tolist() == np.float32([0.1, 0.2, 0.5, 0.9, 0.7, 0.3]).tolist()
    True
    """
    n = len(energy)
    at = (np.arange(n) + 0.5) / n
    height = np.where(at <= _PEAK, at / _PEAK, 1 - (at - _PEAK) / (1 - _PEAK) * (1 - _END))
    place_of = np.argsort(height, kind="stable")
    from_low = np.argsort(energy, kind="stable")
    best = np.empty(n, np.int64)
    best[place_of] = from_low
    wanted = np.empty(n, np.float64)  # energy at each place
    wanted[place_of] = energy[from_low]
    return placed(np.abs(energy[:, None].astype(np.float64) - wanted), artists, spacing, best)


def list_distances(near: NDArray[np.float32], rows: NDArray[np.int32], catalogue: Catalogue) -> NDArray[np.float32]:
    """How little each two tracks of a list go together, float32 ``(n, n)``, 0 or more, symmetric.

    One minus their :func:`company`, and half the mean difference of what is known of both tracks' sound. Where
    nothing is known of a pair's sound it counts as the mean pair.
    """
    distances = np.float32(1) - near
    sound = _sound(rows, catalogue)
    if sound is not None:
        distances += np.float32(_SOUND) * sound
    rounded: NDArray[np.float32] = np.round(np.maximum(distances, 0), _DECIMALS)
    np.fill_diagonal(rounded, 0)
    return rounded


def company(
    rows: NDArray[np.int32], playlist_tracks: Interactions, vectors: NDArray[np.floating] | None = None
) -> NDArray[np.float32]:
    """Cosine of each two tracks: of their vectors, else of the playlists that hold them; float32 ``(n, n)``.

    A track without a vector, or with a row of -1, is to each other what they are to each other in the mean.
    """
    known = rows >= 0
    found = rows[known]
    part = _incidence(found, playlist_tracks) if vectors is None else np.asarray(vectors[found], np.float32)
    features = np.zeros((len(rows), part.shape[1]), np.float32)
    features[known] = part
    return _cosines(features)


def _cosines(features: NDArray[np.float32]) -> NDArray[np.float32]:
    n = len(features)
    norms = np.sqrt((features * features).sum(axis=1))
    there = norms > 0
    unit = features / np.maximum(norms, np.float32(1e-12))[:, None]
    cosines = np.asarray(unit @ unit.T, np.float32)
    if not there.all():
        pair = np.outer(there, there) & ~np.eye(n, dtype=bool)
        cosines[~np.outer(there, there)] = cosines[pair].mean() if pair.any() else 0
    return np.asarray((cosines + cosines.T) / 2, np.float32)


def _incidence(rows: NDArray[np.int32], playlist_tracks: Interactions) -> NDArray[np.float32]:
    """Which playlists hold which tracks, those with most of them; of a large corpus only a part is looked through."""
    n, n_playlists = len(rows), playlist_tracks.n_rows
    end = int(np.searchsorted(playlist_tracks.indptr, _LOOKED_AT, "right")) - 1
    end = max(min(end, n_playlists), min(1, n_playlists))
    place = np.full(playlist_tracks.n_columns, -1, np.int32)
    place[rows] = np.arange(n, dtype=np.int32)
    found = place[playlist_tracks.indices[: playlist_tracks.indptr[end]]]
    at = np.flatnonzero(found >= 0)
    playlist = np.searchsorted(playlist_tracks.indptr, at, "right") - 1
    held = np.bincount(playlist, minlength=end)
    most = np.argsort(-held, kind="stable")[: max(1, _CELLS // max(n, 1))]
    column = np.full(max(end, 1), -1, np.int64)
    column[most] = np.arange(len(most))
    kept = column[playlist] >= 0
    table = np.zeros((n, len(most)), np.float32)
    table[found[at[kept]], column[playlist[kept]]] = 1
    return table


def _sound(rows: NDArray[np.int32], catalogue: Catalogue) -> NDArray[np.float32] | None:
    """Mean difference of what is known of both tracks of a pair; None where nothing is known of any."""
    n = len(rows)
    total, counted = np.zeros((n, n), np.float32), np.zeros((n, n), np.float32)
    for name, scale in _SCALES.items():
        if name not in catalogue.features:
            continue
        values = np.asarray(catalogue.features[name][rows])
        if name == "tempo":  # half and double time are one
            values = np.log2(np.where(values > 0, values, np.nan))
        apart = np.abs(values[:, None] - values)
        apart = np.minimum(apart % 1, 1 - apart % 1) if name == "tempo" else np.minimum(apart, 1 / np.float32(scale))
        both = ~np.isnan(apart)
        total[both] += np.float32(scale) * apart[both]
        counted += both
    pair = (counted > 0) & ~np.eye(n, dtype=bool)
    if not pair.any():
        return None
    mean = total / np.maximum(counted, 1)
    return np.where(counted > 0, mean, mean[pair].mean()).astype(np.float32)


def _guessed(known: NDArray[np.float32], near: NDArray[np.float32]) -> NDArray[np.float32]:
    """What is not known, as the mean of what is, weighed by how much the tracks go together."""
    there = ~np.isnan(known)
    weights = np.maximum(near[:, there], 0) ** 2 + np.float32(1e-6)
    guess = (weights @ known[there]) / weights.sum(axis=1)
    return np.where(there, known, guess).astype(np.float32)
