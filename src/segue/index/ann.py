"""Approximate search with faiss, for more vectors than an exact scan should look at."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError, MissingDependency, StoredDataError
from segue.index.exact import ExactIndex
from segue.library.arrays import load_array, save_array
from segue.library.ranking import Hits

__all__ = ["ANN_KINDS", "AUTO_EXACT", "AnnIndex", "AnnKind", "chosen_kind", "recall_against_exact"]

AnnKind = Literal["hnsw", "ivf"]
ANN_KINDS: tuple[AnnKind, ...] = get_args(AnnKind)
AUTO_EXACT = 1_000_000  # vectors up to which every one is looked at: 0.1 to 0.2 s a query on one core
_FILE = "faiss.npy"
_LINKS, _BUILD_WIDTH = 32, 200  # HNSW: neighbours of a node, and how widely it looks for them
_DEPTH = 200  # rows that are looked up and scored again, at least: a shorter list is then the head of a longer one
_TRAIN_PER_LIST = 64  # vectors that IVF's cells are learnt from, for each cell
_EQUAL = 1e-6
_RNG_KEY = 5


@dataclass(frozen=True, eq=False)
class AnnIndex:
    """A faiss index that proposes, and exact inner products that decide.

    The rows that faiss proposes are scored again from the vectors, so scores are exact, ties break by row, and only
    rows that were not proposed can be missed. Built on one thread, so that the same vectors give the same index.

    Source: HNSW: Malkov and Yashunin 2018; inverted file: Jegou, Douze and Schmid 2011.

    Args:
        vectors: float32 ``(n, d)``, rows of unit length or less. kind: "hnsw" or "ivf".
    """

    vectors: NDArray[np.float32]
    kind: AnnKind
    _index: Any = field(repr=False)

    @classmethod
    def of(cls, vectors: NDArray[np.float32], kind: AnnKind = "hnsw") -> AnnIndex:
        """Index vectors.

        Raises:
            MissingDependency: faiss is not installed. InputError: there is no such kind, or there are no vectors.
        """
        faiss = _faiss()
        if kind not in ANN_KINDS:
            raise InputError(f"there is no approximate index {kind!r}; there are {', '.join(ANN_KINDS)}")
        n, d = vectors.shape
        if not n:
            raise InputError("there is nothing to index approximately; use the exact index")
        vectors = np.ascontiguousarray(vectors, np.float32)
        if kind == "hnsw":
            index = faiss.IndexHNSWFlat(d, _LINKS, faiss.METRIC_INNER_PRODUCT)
            index.hnsw.efConstruction = _BUILD_WIDTH
        else:
            cells = max(1, int(np.sqrt(n)))
            index = faiss.IndexIVFFlat(faiss.IndexFlatIP(d), d, cells, faiss.METRIC_INNER_PRODUCT)
            index.cp.seed, index.cp.min_points_per_centroid, index.cp.verbose = _RNG_KEY, 1, False
            rng = np.random.default_rng(_RNG_KEY)
            some = np.sort(rng.permutation(n)[: _TRAIN_PER_LIST * cells])
        threads = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(1)
        try:
            if kind == "ivf":
                index.train(vectors[some])
            index.add(vectors)
        finally:
            faiss.omp_set_num_threads(threads)
        return cls(vectors, kind, index)

    def __len__(self) -> int:
        return len(self.vectors)

    def search(self, queries: NDArray[np.float32], k: int) -> list[Hits]:
        """About the ``k`` rows of highest inner product with each query, ties by row.

        Args:
            queries: float32 ``(q, d)``.

        Raises:
            ValueError: the queries have another dimension than the vectors, or k is negative.
        """
        if queries.ndim != 2 or queries.shape[1] != self.vectors.shape[1] or k < 0:
            raise ValueError(f"queries are {queries.shape}, vectors {self.vectors.shape}, k is {k}")
        if not len(queries):
            return []
        depth = min(max(k, _DEPTH), len(self))
        if self.kind == "hnsw":
            self._index.hnsw.efSearch = 2 * depth
        else:
            self._index.nprobe = max(8, self._index.nlist // 16)
        _, proposed = self._index.search(np.ascontiguousarray(queries, np.float32), depth)
        hits = []
        for query, rows in zip(queries, proposed, strict=True):
            found = np.unique(rows[rows >= 0])
            scores = self.vectors[found] @ query
            order = np.argsort(-scores, kind="stable")[:k]
            hits.append(Hits(found[order].astype(np.int32), scores[order].astype(np.float32)))
        return hits

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the index, without the vectors' own file, into a folder; what :meth:`open` must be told."""
        data = _faiss().serialize_index(self._index)
        save_array(folder / _FILE, data)
        return {"kind": self.kind, "bytes": len(data), "blake2b": _digest(data)}

    @classmethod
    def open(cls, folder: Path, vectors: NDArray[np.float32], about: dict[str, Any]) -> AnnIndex:
        """Open an index that :meth:`save` wrote; its digest is checked before faiss sees a byte of it.

        Args:
            about: what :meth:`save` returned.

        Raises:
            StoredDataError: it is missing, another one, or of other vectors. MissingDependency: no faiss.
        """
        file = folder / _FILE
        data = load_array(file, dtype=np.uint8)
        if len(data) != about.get("bytes") or _digest(data) != about.get("blake2b"):
            raise StoredDataError(f"{file} holds other bytes than were written; index again")
        if about.get("kind") not in ANN_KINDS:
            raise StoredDataError(f"{file} is of an unknown kind ({about.get('kind')!r}); index again")
        faiss = _faiss()
        try:
            index = faiss.deserialize_index(np.array(data))
        except RuntimeError as error:
            raise StoredDataError(f"{file} cannot be read by this faiss; index again") from error
        if (index.ntotal, index.d) != vectors.shape:
            raise StoredDataError(f"{file} is not of these vectors; index again")
        return cls(vectors, about["kind"], index)


def chosen_kind(wanted: str, n: int) -> AnnKind | None:
    """The approximate index to build: the one wanted, "hnsw" for "auto" above a million vectors, or None for exact.

    Raises:
        InputError: there is no such kind.

    >>> chosen_kind("auto", 7_000), chosen_kind("auto", 3_000_000), chosen_kind("ivf", 10)
    (None, 'hnsw', 'ivf')
    """
    if wanted == "exact" or (wanted == "auto" and n <= AUTO_EXACT):
        return None
    if wanted == "auto":
        return "hnsw"
    for kind in ANN_KINDS:
        if wanted == kind:
            return kind
    raise InputError(f"there is no index {wanted[:40]!r}; there are auto, exact, {', '.join(ANN_KINDS)}")


def recall_against_exact(index: AnnIndex, *, k: int = 10, queries: int = 200) -> float:
    """Share of the exact best ``k`` that an approximate index finds, on rows of its own, slightly turned.

    The rows are drawn and turned by a fixed rng, so the same index has the same figure. In [0, 1].
    """
    rng = np.random.default_rng(_RNG_KEY)
    rows = np.sort(rng.permutation(len(index))[:queries])
    turned = rng.normal(0, 0.5 / np.sqrt(index.vectors.shape[1]), (len(rows), index.vectors.shape[1]))
    asked: NDArray[np.float32] = (index.vectors[rows] + turned).astype(np.float32)
    exact = ExactIndex(index.vectors).search(asked, k)
    found = index.search(asked, k)
    # of equal rows any is as good as another
    shares = [float((f.scores >= e.scores[-1] - _EQUAL).mean()) for e, f in zip(exact, found, strict=True) if len(f)]
    return float(np.mean(shares)) if shares else 1.0


def _digest(data: NDArray[np.uint8]) -> str:
    return hashlib.blake2b(np.ascontiguousarray(data).data, digest_size=16).hexdigest()


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise MissingDependency("an approximate index", extra="ann") from error
    return faiss
