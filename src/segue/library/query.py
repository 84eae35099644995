"""What is asked."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Query"]


@dataclass(frozen=True, slots=True)
class Query:
    """A title, given tracks, or both.

    Args:
        title: as typed; may be empty.
        seed_tracks: rows of the given tracks, in their order.
        query_id: names the query in a run; empty outside evaluation.
    """

    title: str = ""
    seed_tracks: tuple[int, ...] = ()
    query_id: str = ""
