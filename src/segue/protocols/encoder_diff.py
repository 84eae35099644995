"""Two encoders side by side: which tensors differ, which settings, and what that does to titles."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segue.encode.base import Encoder
from segue.encode.tensors import tensors
from segue.library import Library
from segue.protocols.common import bundled_titles
from segue.protocols.stored_encoders import Stored, look
from segue.train.effect import neighbours_kept

__all__ = ["Diff", "TensorDiff", "TitleDiff", "Weights", "diff", "titles_of"]

NEIGHBOURS = 50
_MOST_TITLES = 5_000
_FEW = 6  # titles per neighbour: among fewer, most titles are anybody's neighbours


@dataclass(frozen=True)
class TensorDiff:
    """A tensor that differs; ``change`` is the norm of the difference over that of the first, None where it is 0."""

    name: str
    change: float | None


@dataclass(frozen=True)
class Weights:
    """All tensors of both.

    Args:
        same: tensors that are equal bit for bit. changed: the others, the most changed first.
        only_a, only_b: tensors that the other lacks. reshaped: those with another shape.
        change: norm of all differences over the norm of all tensors of the first that both have.
    """

    same: int
    changed: list[TensorDiff]
    only_a: list[str]
    only_b: list[str]
    reshaped: list[str]
    change: float | None


@dataclass(frozen=True)
class TitleDiff:
    """What differs for titles.

    Args:
        n: titles compared. cosine: mean between both vectors of a title; None where the dimensions differ.
        k: neighbours looked at, 50 where there are enough titles. kept: share of them that stay.
    """

    n: int
    cosine: float | None
    k: int
    kept: float


@dataclass(frozen=True, eq=False)
class Diff:
    """A finished comparison of two folders.

    Args:
        same: whether both have one fingerprint. same_encoder: whether their encoders have.
        weights: None where one of them has no sentence encoder whose tensors could be read.
        settings: name -> value here and there, where they differ; None where one has none.
        metrics: name -> mean, low and high here and there.
    """

    a: Stored
    b: Stored
    same: bool
    same_encoder: bool
    weights: Weights | None
    titles: TitleDiff | None
    settings: dict[str, tuple[Any, Any]]
    metrics: dict[str, tuple[dict[str, float | None] | None, dict[str, float | None] | None]]

    def to_json(self) -> dict[str, Any]:
        """The stable shape of ``segue model diff --json``."""
        sides = {
            name: {
                "path": str(side.path),
                "kind": side.kind,
                "fingerprint": side.fingerprint,
                "encoder": side.encoder,
                "warnings": list(side.warnings),
            }
            for name, side in (("a", self.a), ("b", self.b))
        }
        return {
            **sides,
            "same": self.same,
            "same_encoder": self.same_encoder,
            "weights": None if self.weights is None else asdict(self.weights),
            "titles": None if self.titles is None else asdict(self.titles),
            "settings": {name: {"a": a, "b": b} for name, (a, b) in self.settings.items()},
            "metrics": {name: {"a": a, "b": b} for name, (a, b) in self.metrics.items()},
        }


def diff(a: Path, b: Path, library: Library | None = None) -> Diff:
    """Compare two models, bundles or encoder folders.

    Args:
        library: whose titles are compared beside the 60 bundled ones.

    Raises:
        StoredDataError: one is damaged or has no encoder. MissingDependency: one needs torch.
    """
    one, other = look(a), look(b)
    ours, theirs = one.settings, other.settings
    settings = {
        name: (ours.get(name), theirs.get(name))
        for name in dict.fromkeys([*ours, *theirs])
        if ours.get(name) != theirs.get(name)
    }
    mine, yours = one.metrics, other.metrics
    return Diff(
        a=one,
        b=other,
        same=one.kind == other.kind and one.fingerprint == other.fingerprint,
        same_encoder=one.encoder is not None and one.encoder == other.encoder,
        weights=None if one.folder is None or other.folder is None else _weights(one.folder, other.folder),
        titles=_titles(one, other, titles_of(library)),
        settings=settings,
        metrics={name: (mine.get(name), yours.get(name)) for name in dict.fromkeys([*mine, *yours])},
    )


def titles_of(library: Library | None) -> list[str]:
    """The 60 bundled titles and, by hash, up to 5,000 distinct ones of a library."""
    titles = bundled_titles()
    if library is not None:
        distinct = {title for title in library.titles if title.strip()} - set(titles)
        titles += sorted(distinct, key=lambda t: hashlib.sha256(t.encode("utf-8", "replace")).digest())[:_MOST_TITLES]
    return titles


def _weights(a: Path, b: Path) -> Weights:
    theirs = dict(tensors(b))
    same, changed, only_a, reshaped = 0, [], [], []
    moved = whole = 0.0
    for name, tensor in tensors(a):
        other = theirs.pop(name, None)
        if other is None:
            only_a.append(name)
        elif other.shape != tensor.shape:
            reshaped.append(name)
        else:
            norm = float(np.linalg.norm(tensor.astype(np.float64)))
            step = float(np.linalg.norm(other.astype(np.float64) - tensor.astype(np.float64)))
            whole, moved = whole + norm**2, moved + step**2
            if other.dtype == tensor.dtype and other.tobytes() == tensor.tobytes():
                same += 1
            else:
                changed.append(TensorDiff(name, step / norm if norm else None))
    changed.sort(key=lambda found: (-np.inf if found.change is None else -found.change, found.name))
    total = float(np.sqrt(moved / whole)) if whole else None
    return Weights(same, changed, only_a, sorted(theirs), reshaped, total)


def _titles(one: Stored, other: Stored, titles: list[str]) -> TitleDiff | None:
    k = min(NEIGHBOURS, max(1, len(titles) // _FEW))
    if one.encoder is None or other.encoder is None:
        return None
    if one.encoder == other.encoder:
        return TitleDiff(len(titles), 1.0, k, 1.0)
    # both by the same runtime, which agree to 1e-4 only
    graph = True if one.has_graph and other.has_graph else None
    opened: list[Encoder | None] = [side.open(graph=graph) for side in (one, other)]
    a, b = (None if encoder is None else encoder.encode(titles) for encoder in opened)
    if a is None or b is None:
        return None
    cosine = float(np.einsum("ij,ij->i", a, b, dtype=np.float64).mean()) if a.shape == b.shape else None
    return TitleDiff(len(titles), cosine, k, neighbours_kept(a, b, k))
