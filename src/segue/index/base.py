"""What an index is."""

from __future__ import annotations

from typing import Protocol, TypeVar

from segue.library.ranking import Hits

__all__ = ["Index"]

Queries = TypeVar("Queries", contravariant=True)


class Index(Protocol[Queries]):
    """Finds rows for queries: vectors float32 ``(n, d)`` or, for lexical ones, texts."""

    def __len__(self) -> int:
        """Number of indexed rows."""
        ...

    def search(self, queries: Queries, k: int) -> list[Hits]:
        """The best ``min(k, len)`` rows of each query, higher scores first, ties by row.

        A lexical index leaves out rows that share no word with the query.
        """
        ...
