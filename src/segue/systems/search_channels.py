"""The channels of a search model: shared words, and cosines of vectors; built, kept in folders, asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder, unit_rows
from segue.errors import StoredDataError
from segue.index.ann import AnnIndex, chosen_kind, recall_against_exact
from segue.index.bm25 import Bm25Index
from segue.library.arrays import fingerprint, load_array, save_array
from segue.library.ranking import top
from segue.systems.search_settings import ChannelSpec

if TYPE_CHECKING:
    from segue.library import Library

__all__ = ["Asked", "Bm25Channel", "Channel", "DenseChannel", "build_channels", "open_channel"]

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A query as the channels take it.

    Args:
        text: as read by ``plain_text``. vector: of the encoder, float32 ``(d,)``; None without one.
    """

    text: str
    vector: NDArray[np.float32] | None


@dataclass(frozen=True, eq=False)
class Bm25Channel:
    """Words that query and playlist share."""

    spec: ChannelSpec
    index: Bm25Index

    @property
    def fingerprint(self) -> str:
        """Digest of what it is and what it holds."""
        return fingerprint(self.spec.to_json(), self.index.starts, self.index.rows, self.index.scores)

    def look(self, asked: Asked) -> NDArray[np.float32]:
        """Score of every playlist, float32 ``(n,)``; 0 where no word is shared."""
        return self.index.scores_of(asked.text)

    def best(self, look: NDArray[np.float32], n: int, allowed: NDArray[np.bool_] | None) -> NDArray[np.int32]:
        """Rows of the ``n`` highest scores, among those allowed, that share a word with the query."""
        found = np.flatnonzero(look if allowed is None else look * allowed)
        return found[top(look[found], n).rows].astype(np.int32)

    def scores(self, look: NDArray[np.float32], rows: NDArray[np.int32]) -> NDArray[np.float32]:
        """Scores of some rows, float32 ``(m,)``; 0 where no word is shared."""
        return look[rows]

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the arrays into an existing folder; returns what :func:`open_channel` needs."""
        self.index.save(folder)
        return {"spec": self.spec.to_json(), "fingerprint": self.fingerprint}


@dataclass(frozen=True, eq=False)
class DenseChannel:
    """Inner products of the query's vector, mapped where there is a map, with a vector of each playlist.

    Args:
        vectors: float32 ``(n, d)``, may be memory-mapped; rows of unit length, or shorter where they were smoothed.
        map: float32 ``(d of the encoder, d)``; the mapped query is scaled to unit length. None for none.
        ann: proposes rows; None looks at all of them. recall: of it, at 10, against all.
        floor: what a query of no meaning reaches as its highest score, in half of all tries.
    """

    spec: ChannelSpec
    vectors: NDArray[np.float32]
    map: NDArray[np.float32] | None = None
    ann: AnnIndex | None = field(default=None, repr=False)
    recall: float | None = None
    floor: float = 0.0

    @property
    def fingerprint(self) -> str:
        """Digest of what it is and what it holds."""
        mapped = "" if self.map is None else fingerprint(self.map)
        return fingerprint(self.spec.to_json(), self.vectors, mapped, self.floor)

    def look(self, asked: Asked) -> NDArray[np.float32]:
        """The query's vector in the space of this channel, float32 ``(d,)``; zeros without an encoder."""
        if asked.vector is None:
            return np.zeros(self.vectors.shape[1], np.float32)
        return asked.vector if self.map is None else unit_rows(asked.vector[None] @ self.map)[0]

    def best(self, look: NDArray[np.float32], n: int, allowed: NDArray[np.bool_] | None) -> NDArray[np.int32]:
        """Rows of the ``n`` highest scores among those allowed; under filters every allowed row is looked at."""
        if not look.any():
            return np.zeros(0, np.int32)
        if allowed is not None:
            rows = np.flatnonzero(allowed)
            return rows[top(self.vectors[rows] @ look, n).rows].astype(np.int32)
        if self.ann is not None:
            return self.ann.search(look[None], n)[0].rows
        return top(self.vectors @ look, n).rows

    def scores(self, look: NDArray[np.float32], rows: NDArray[np.int32]) -> NDArray[np.float32]:
        """Scores of some rows, float32 ``(m,)``."""
        found: NDArray[np.float32] = self.vectors[rows] @ look
        return found

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the arrays into an existing folder; returns what :func:`open_channel` needs."""
        save_array(folder / "vectors.npy", self.vectors)
        if self.map is not None:
            save_array(folder / "map.npy", self.map)
        return {
            "spec": self.spec.to_json(),
            "fingerprint": self.fingerprint,
            "d": int(self.vectors.shape[1]),
            "mapped": self.map is not None,
            "ann": None if self.ann is None else self.ann.save(folder),
            "recall": self.recall,
            "floor": self.floor,
        }


Channel = Bm25Channel | DenseChannel


def build_channels(
    library: Library,
    specs: Sequence[ChannelSpec],
    encoder: Encoder | None,
    *,
    index: str = "auto",
    progress: Progress | None = None,
) -> tuple[Channel, ...]:
    """Read every playlist once for each channel.

    Without an encoder the dense channels are left out.

    Raises:
        MissingDependency: an approximate index without faiss.
    """
    near: Any = None
    if encoder is not None and any(spec.smooth > 0 for spec in specs):
        near = _neighbours(library, max(spec.neighbours for spec in specs if spec.smooth > 0))
    channels: list[Channel] = []
    for spec in specs:
        if spec.kind == "bm25":
            texts = spec.view.texts(library)
            channels.append(Bm25Channel(spec, Bm25Index.of(texts, k1=spec.k1, b=spec.b)))
        elif encoder is not None:

            def told(done: int, total: int, name: str = spec.name) -> None:
                if progress is not None:
                    progress(done, total, f"encoding playlists for the channel {name}")

            vectors = encoder.encode(spec.view.texts(library), progress=told)
            if spec.smooth > 0:
                vectors = _smoothed(vectors, near, spec)
            channel = DenseChannel(spec, vectors)
            if kind := chosen_kind(index, len(vectors)):
                if progress is not None:
                    progress(0, 1, f"building the {kind} index of the channel {spec.name}")
                ann = AnnIndex.of(vectors, kind)
                channel = replace(channel, ann=ann, recall=recall_against_exact(ann))
            channels.append(channel)
    return tuple(channels)


def _neighbours(library: Library, k: int) -> Any:
    from segue.enrich.playlist_neighbours import playlist_neighbours

    return playlist_neighbours(library, k=k, artists=True)


def _smoothed(vectors: NDArray[np.float32], near: Any, spec: ChannelSpec) -> NDArray[np.float32]:
    """(1 - g) own + g mean of the playlists with the most similar tracks, weighted by how similar they are.

    Inner products are linear, so this is the mean of the scores; rows are not scaled again.
    """
    rows, weights = near.neighbours[:, : spec.neighbours], near.similarity[:, : spec.neighbours]
    out = np.empty_like(vectors)
    for begin in range(0, len(vectors), 4_096):
        part = slice(begin, begin + 4_096)
        w = weights[part] / np.maximum(weights[part].sum(axis=1, keepdims=True), 1e-9)
        mean = np.einsum("nk,nkd->nd", w, vectors[rows[part]])
        known = (weights[part] > 0).any(axis=1)[:, None]
        out[part] = np.where(known, (1 - spec.smooth) * vectors[part] + spec.smooth * mean, vectors[part])
    return out


def open_channel(folder: Path, about: dict[str, Any], n: int) -> Channel:
    """Map the arrays of one channel over ``n`` playlists.

    Raises:
        StoredDataError: a file is missing or damaged, or is not of so many playlists; the message names it.
    """
    spec = ChannelSpec.from_json(about["spec"])
    if spec.kind == "bm25":
        return Bm25Channel(spec, Bm25Index.open(folder, n))
    file = folder / "vectors.npy"
    vectors = load_array(file, dtype=np.float32)
    if vectors.shape != (n, about["d"]):
        raise StoredDataError(f"{file} is damaged ({vectors.shape} instead of {(n, about['d'])}); index again")
    mapped = load_array(folder / "map.npy", dtype=np.float32) if about["mapped"] else None
    if mapped is not None and (mapped.ndim != 2 or mapped.shape[1] != about["d"]):
        raise StoredDataError(f"{folder / 'map.npy'} is damaged ({mapped.shape}); index again")
    ann = AnnIndex.open(folder, vectors, about["ann"]) if about["ann"] else None
    recall = None if about["recall"] is None else float(about["recall"])
    return DenseChannel(spec, vectors, mapped, ann, recall, float(about["floor"]))
