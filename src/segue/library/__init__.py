"""What Segue knows: tracks, playlists, users, queries, rankings, truth. No model, no network."""

from segue.library.catalogue import Catalogue, Track
from segue.library.interactions import Interactions
from segue.library.library import Library
from segue.library.query import Query
from segue.library.ranking import Hits, Ranking, Recommender, top
from segue.library.runs import Qrels, Run
from segue.library.supervision import Labels, Pairs, Triplets, Votes

__all__ = [
    "Catalogue",
    "Hits",
    "Interactions",
    "Labels",
    "Library",
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
