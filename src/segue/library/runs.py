"""Results and truth: all that evaluation knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Qrels", "Run"]


@dataclass(frozen=True, eq=False)
class Run:
    """What one method answered: query id -> track rows, best first (int32, each row once).

    A negative row is something that the catalogue does not have, such as a title that a language model made up: it
    takes its place and is never relevant.
    """

    name: str
    rankings: Mapping[str, NDArray[np.int32]]

    def __post_init__(self) -> None:
        for query_id, rows in self.rankings.items():
            if len(np.unique(rows)) != len(rows):
                raise ValueError(f"run {self.name!r} ranks a track twice for query {query_id!r}")

    def __len__(self) -> int:
        return len(self.rankings)

    @property
    def catalogued(self) -> Run:
        """The same without what the catalogue does not have; what follows moves up."""
        if all((rows >= 0).all() for rows in self.rankings.values()):
            return self
        return Run(self.name, {query: rows[rows >= 0] for query, rows in self.rankings.items()})


@dataclass(frozen=True, eq=False)
class Qrels:
    """The truth: query id -> distinct relevant track rows (int32), unknown tracks included.

    Args:
        relevant: at least one row per query.
        artist_rows: artist of each track row, int32 ``(n_tracks,)``; needed by the challenge R-precision.
        popularity: in how many *training* playlists each track occurs, int64 ``(n_tracks,)``.
    """

    relevant: Mapping[str, NDArray[np.int32]]
    artist_rows: NDArray[np.int32] | None = None
    popularity: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        for query_id, rows in self.relevant.items():
            if len(rows) == 0 or len(np.unique(rows)) != len(rows):
                raise ValueError(f"query {query_id!r} needs at least one relevant track, each once")

    def __iter__(self) -> Iterator[str]:
        return iter(self.relevant)

    def __len__(self) -> int:
        return len(self.relevant)
