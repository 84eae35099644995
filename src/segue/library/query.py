"""What is asked."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Query"]


@dataclass(frozen=True, slots=True)
class Query:
    """A title, given tracks, a listener, or several of these.

    Args:
        title: as typed; may be empty.
        seed_tracks: rows of the given tracks, in their order.
        query_id: names the query in a run; empty outside evaluation.
        user_id: a listener whom the recommender may know; for a listener, the given tracks are what they love.
        country: of the listener, as the library writes it; empty where unknown.
    """

    title: str = ""
    seed_tracks: tuple[int, ...] = ()
    query_id: str = ""
    user_id: str = ""
    country: str = ""
