"""How well titles are answered under the plain published recipe with some encoder: what fine-tuning is chosen by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder
from segue.encode.remembered import RememberedEncoder
from segue.evaluate.metrics import per_query
from segue.library import Library, Qrels, Query, Run
from segue.recommend.nearest import PublishedRecipe
from segue.recommend.popularity import Popularity

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["METRIC", "RecipeScore"]

METRIC = "ndcg@500"
_K = 50


@dataclass(frozen=True, eq=False)
class RecipeScore:
    """Titles that are asked, and the playlists that vote: the same for every encoder.

    Args:
        voters: playlists that vote. titles: what is asked. qrels: the truth, queries "0", "1", ... in that order.
    """

    voters: Library
    popularity: Popularity
    titles: tuple[str, ...]
    qrels: Qrels
    k: int = _K

    @classmethod
    def of(
        cls, library: Library, voters: NDArray[np.integer], asked: NDArray[np.integer], *, k: int = _K
    ) -> RecipeScore:
        """Ask some playlists' titles of some others.

        Raises:
            ValueError: a playlist would vote for itself.
        """
        if np.isin(asked, voters).any():
            raise ValueError("a playlist that is asked about may not vote")
        truth = {str(i): np.unique(library.playlist_tracks.row(int(row))) for i, row in enumerate(asked)}
        chosen = library.select_playlists(np.asarray(voters).tolist())
        titles = tuple(library.titles[row] for row in np.asarray(asked).tolist())
        return cls(chosen, Popularity.fitted(chosen.playlist_tracks), titles, Qrels(truth), k)

    def per_query(self, encoder: Encoder, metrics: Sequence[str] = (METRIC,)) -> Mapping[str, NDArray[np.float64]]:
        """Metric -> value per title, float64 ``(n,)``."""
        known = RememberedEncoder(encoder)
        known.encode([*self.voters.titles, *self.titles])
        recipe = PublishedRecipe.fitted(self.voters, known, k=self.k, popularity=self.popularity)
        run = {str(i): recipe.recommend(Query(title), 500).rows for i, title in enumerate(self.titles)}
        return per_query(Run("recipe", run), self.qrels, list(metrics))

    def mean(self, encoder: Encoder) -> float:
        """Mean NDCG@500."""
        return float(self.per_query(encoder)[METRIC].mean())
