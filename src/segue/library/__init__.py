"""What Segue knows: tracks, playlists, users, queries, rankings, truth. No model, no network.

:class:`Library` holds polars tables and is imported when it is first named, so that a query never pays for polars.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segue.library.catalogue import Catalogue, Track
from segue.library.interactions import Interactions
from segue.library.query import Query
from segue.library.ranking import Hits, Ranking, Recommender, top
from segue.library.runs import Qrels, Run
from segue.library.supervision import Labels, Overlaps, Pairs, Triplets, Votes

if TYPE_CHECKING:
    from segue.library.library import Library

__all__ = [
    "Catalogue",
    "Hits",
    "Interactions",
    "Labels",
    "Library",
    "Overlaps",
    "Pairs",
    "Qrels",
    "Query",
    "Ranking",
    "Recommender",
    "Run",
    "Track",
    "Triplets",
    "Votes",
    "top",
]


def __getattr__(name: str) -> Any:
    if name == "Library":
        from segue.library.library import Library

        return Library
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
