"""The learned title model in memory: from a library to a recommender in one call, nothing written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from segue.encode.base import Encoder
from segue.library import Library, Query, Ranking
from segue.recommend.title_build import Learned, TitleCorpus, build_title_model
from segue.recommend.title_model import TitleModel
from segue.systems.title_vote import Grid, learn
from segue.train.votes import VoteTraining

__all__ = ["Vote"]

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, eq=False)
class Vote:
    """Playlists vote for the tracks of a title, with weights that were learnt; a recommender.

    Args:
        model: what answers. parameters: what was learnt. log: validation scores that chose the scalars.
    """

    model: TitleModel
    parameters: Learned
    log: dict[str, float] = field(default_factory=dict)

    @classmethod
    def learned(
        cls,
        library: Library,
        encoder: Encoder | None = None,
        *,
        training: VoteTraining | None = None,
        grid: Grid | None = None,
        progress: Progress | None = None,
    ) -> Vote:
        """Learn from a library; all its playlists vote. Give the training part alone to evaluate the result.

        Args:
            encoder: reads titles; None is the pretrained one that is found on this machine.

        Raises:
            TrainingError: too little to learn from. MissingDependency: torch or the pretrained encoder is missing.
        """
        if encoder is None:
            from segue.encode.locate import base_model_folder
            from segue.encode.sentence import SentenceEncoder

            encoder = SentenceEncoder.open(base_model_folder())
        parameters, log = learn(library, encoder, training=training, grid=grid, progress=progress)
        corpus = TitleCorpus.of(library, encoder, progress=progress)
        return cls(build_title_model(corpus, parameters, progress=progress), parameters, log)

    @property
    def fingerprint(self) -> str:
        """Digest of everything that the answers depend on."""
        return self.model.fingerprint

    def recommend(self, query: Query, n: int = 66) -> Ranking:
        """The ``n`` best tracks for a title, filled up by popularity."""
        return self.model.recommend(query, n)
