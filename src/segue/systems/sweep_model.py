"""The shipped title model, swept: the scalars that validation chose, tried again around their shipped values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from segue.encode.base import Encoder
from segue.library import Library, Query
from segue.library.vote_parameters import VoteParameters
from segue.recommend.title_build import Learned, TitleCorpus, build_title_model
from segue.systems.sweep import Outcome, Progress
from segue.systems.sweep_queries import OBJECTIVE, Questions
from segue.systems.sweep_spaces import Parameter, Setting, Space
from segue.systems.title_vote import Grid, learn
from segue.train.votes import VoteTraining

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["MODEL", "ModelSubject"]

_SHIPPED = Grid()
_UNTRAINED = VoteParameters.untrained(1)
_TABLES = 3  # vote tables kept; each is some ten seconds of work

MODEL = Space(
    (
        Parameter("temper", "exponent on the weights of the vote", 0.5, 1.2, _SHIPPED.temper[0],
                  (0.6, 0.7, 0.8, 0.9, 1.0), step=0.1),
        Parameter("pretrained", "part that the plain 50 neighbours keep", 0.0, 0.5, _SHIPPED.pretrained[0],
                  (0.0, 0.1, 0.2, 0.3, 0.4), step=0.1),
        Parameter("smoothing", "part of a weight that goes to playlists with similar tracks", 0.0, 0.7,
                  _SHIPPED.smoothing[0], (0.0, 0.3, 0.5, 0.7), step=0.1),
        Parameter("length_power", "a playlist's tracks count 1 / length ** power", 0.0, 0.5,
                  _UNTRAINED.length_power, (0.0, 0.1, 0.2, 0.3), step=0.1),
        Parameter("ridge", "what the ridge counts beside the vote", 0.0, 0.9, _SHIPPED.ridge[0],
                  (0.0, 0.3, 0.6), step=0.1),
    )
)  # fmt: skip
"""The defaults are those of ``title_vote.Grid`` and ``VoteParameters``."""


@dataclass(frozen=True, eq=False)
class ModelSubject:
    """Sweeps the scalars of the title model; what is trained is trained once, on the training playlists.

    Args:
        n_queries: validation playlists asked, at most.
        training: how the vote is learnt.
    """

    library: Library
    encoder: Encoder
    n_queries: int = 700
    training: VoteTraining | None = None
    _tables: dict[tuple[float, float], csr_matrix] = field(default_factory=dict, repr=False)

    what = "model"
    objective = OBJECTIVE
    space = MODEL

    @property
    def conditions(self) -> dict[str, Any]:
        """Fingerprints, the number of questions and how the vote was learnt."""
        training = self.training or VoteTraining()
        return {
            "library": self.library.fingerprint,
            "encoder": self.encoder.fingerprint,
            "queries": self.n_queries,
            "training": {name: getattr(training, name) for name in training.__dataclass_fields__},
        }

    @property
    def notes(self) -> list[str]:
        """How to read it."""
        return [
            "'segue train' fits temper, pretrained, smoothing and ridge anew for each library, from fewer values and "
            "with a preference for these defaults."
        ]

    @cached_property
    def questions(self) -> Questions:
        """What is asked."""
        return Questions.of(self.library, self.n_queries)

    def evaluate(self, setting: Setting, progress: Progress | None = None) -> Outcome:
        """Build the model with these scalars and ask it every title."""
        corpus, learned = self._learnt
        scalars: dict[str, Any] = {name: float(value or 0) for name, value in setting.items() if name != "ridge"}
        candidate = replace(learned, vote=replace(learned.vote, **scalars), ridge=float(setting["ridge"] or 0))
        model = build_title_model(corpus, candidate, votes=self._table(corpus, candidate))
        titles = self.questions.titles
        return self.questions.judged({title: model.recommend(Query(title), 500).rows for title in titles})

    def details(self, best: Setting, progress: Progress | None = None) -> dict[str, Any]:
        """Nothing more."""
        return {}

    @cached_property
    def _learnt(self) -> tuple[TitleCorpus, Learned]:
        questions = self.questions
        # one question: the scalars are this sweep's business
        once = replace(Grid.defaults_alone(), queries=1)
        learned, _ = learn(questions.library, self.encoder, training=self.training, grid=once)
        return TitleCorpus.of(questions.training, self.encoder), learned

    def _table(self, corpus: TitleCorpus, learned: Learned) -> csr_matrix:
        key = learned.vote.smoothing, learned.vote.length_power
        if key not in self._tables:
            while len(self._tables) >= _TABLES:
                del self._tables[next(iter(self._tables))]
            self._tables[key] = corpus.vote_table(learned.vote)
        return self._tables[key]
