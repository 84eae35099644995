"""The order of a list whose tracks are chosen."""

from __future__ import annotations

from segue.library.catalogue import Catalogue
from segue.library.interactions import Interactions
from segue.library.ranking import Ranking

__all__ = ["ordered"]


def ordered(ranking: Ranking, how: str, catalogue: Catalogue, playlist_tracks: Interactions) -> Ranking:
    """Put a finished list into another order; ``ranked`` leaves it. Scores stay with their tracks: they may rise."""
    if how == "ranked" or len(ranking) < 3:
        return ranking
    raise NotImplementedError(how)
