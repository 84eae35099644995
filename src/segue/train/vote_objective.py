"""The encoder trained for the vote: the likelihood of playlists' tracks under the vote of all other titles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.library import Interactions, Votes
from segue.train.likelihood import VoteLikelihood
from segue.train.objective import Batch, shuffled
from segue.train.settings import FinetuneSettings
from segue.train.text_model import TextModel

if TYPE_CHECKING:
    import torch

__all__ = ["VoteObjective"]

_HELD_BATCH = 256


@dataclass(eq=False)
class VoteObjective:
    """Likelihood of each playlist under ``softmax(cosine * cos(q, u) + same_title * [key(q) = key(u)])``.

    The vectors of all titles that vote lie in a *bank*: encoded anew at the start of each epoch, and replaced by
    those of each step as it goes. Gradients flow through the titles of the step, on both sides.

    Args:
        texts: titles that vote, then further queries, then held-out titles.
        likelihood: of the playlists that vote; ``likelihood.titles`` are rows of ``texts``.
        keys: equal for texts that count as the same title, int64 ``(n_texts,)``.
        more: tracks of further queries that do not vote, row ``i`` belonging to text ``first_more + i``.
        held: text of each held-out playlist, int64 ``(m,)``, and their tracks.

    Source: DESIGN section 4, steps 2 and 3, with the encoder in the place of the adapter.
    """

    texts: tuple[str, ...]
    likelihood: VoteLikelihood
    keys: NDArray[np.int64]
    more: Interactions
    first_more: int
    held: tuple[NDArray[np.int64], Interactions]
    settings: FinetuneSettings
    _own: dict[str, Any] = field(default_factory=dict, repr=False)
    _bank: Any = field(default=None, repr=False)

    @classmethod
    def of(
        cls,
        votes: Votes,
        held: Votes,
        keys: Sequence[int],
        settings: FinetuneSettings,
        *,
        more: Votes | None = None,
    ) -> VoteObjective:
        """Prepare the loss.

        Args:
            keys: of ``votes.titles``, then of ``more.titles``, then of ``held.titles``.
            more: queries that are asked and do not vote (names of artists with their tracks), a title each.

        Raises:
            TrainingError: fewer than two playlists with tracks.
        """
        import torch

        likelihood = VoteLikelihood.of(
            votes, max_playlists=settings.max_playlists, rng=np.random.default_rng(settings.rng_key)
        )
        n_tracks = votes.playlist_tracks.n_columns
        none = Interactions.of([], n_columns=n_tracks)
        first_more = len(votes.titles)
        first_held = first_more + (0 if more is None else len(more.titles))
        rows = np.flatnonzero(held.playlist_tracks.lengths > 0)
        own = {
            "cosine": torch.nn.Parameter(torch.tensor(float(np.log(settings.cosine)))),
            "same_title": torch.nn.Parameter(torch.tensor(0.0)),
            "popularity": torch.nn.Parameter(torch.tensor(-1.0)),
        }
        return cls(
            texts=(*votes.titles, *(() if more is None else more.titles), *held.titles),
            likelihood=likelihood,
            keys=np.asarray(keys, np.int64),
            more=none if more is None else more.playlist_tracks,
            first_more=first_more,
            held=(first_held + held.title_rows[rows].astype(np.int64), held.playlist_tracks.select(rows)),
            settings=settings,
            _own=own,
        )

    def parameters(self) -> Mapping[str, torch.nn.Parameter]:
        """Scales of the vote."""
        return self._own

    def buffers(self) -> Mapping[str, torch.Tensor]:
        """The bank."""
        return {} if self._bank is None else {"bank": self._bank}

    def restore(self, buffers: Mapping[str, torch.Tensor]) -> None:
        """Put the bank back."""
        self._bank = buffers["bank"].clone()

    def begin(self, model: TextModel) -> None:
        """Encode all titles that vote."""
        self._bank = model.still(self.likelihood.titles)

    def batches(self, rng: np.random.Generator) -> Sequence[Batch]:
        """Playlists in random order; numbers from the number of playlists on are further queries."""
        return shuffled(len(self.likelihood.title_of) + self.more.n_rows, self.settings.batch_size, rng)

    def size(self, batch: Batch) -> int:
        """Playlists of the batch."""
        return len(batch)

    def loss(self, model: TextModel, batch: Batch) -> torch.Tensor:
        """Mean negative log-likelihood of the batch's playlists."""
        import torch

        n = len(self.likelihood.title_of)
        playlists, others = batch[batch < n], batch[batch >= n] - n
        titles, where = np.unique(self.likelihood.title_of[playlists], return_inverse=True)
        encoded = model.vectors(np.concatenate([self.likelihood.titles[titles], self.first_more + others])).cpu()
        fresh, asked = encoded[: len(titles)], encoded[len(titles) :]
        t = torch.from_numpy(titles)
        bank = self._bank.index_copy(0, t, fresh)
        self._bank[t] = fresh.detach()
        popular = self._own["popularity"].sigmoid()
        total = torch.zeros(())
        if len(playlists):
            vectors = fresh[torch.from_numpy(where)]
            logits = self._logits(vectors, bank, self.keys[self.likelihood.titles[titles[where]]])
            total = total + len(playlists) * self.likelihood.loss(logits, popular, playlists)
        if len(others):
            logits = self._logits(asked, bank, self.keys[self.first_more + others])
            total = total + len(others) * self.likelihood.loss_of_others(logits, popular, self.more.select(others))
        return total / len(batch)

    def _logits(self, vectors: torch.Tensor, bank: torch.Tensor, keys: NDArray[np.int64]) -> torch.Tensor:
        import torch

        same = torch.from_numpy(keys)[:, None] == torch.from_numpy(self.keys[self.likelihood.titles])[None]
        logits: torch.Tensor = self._own["cosine"].exp() * (vectors @ bank.T) + self._own["same_title"] * same
        return logits

    def held_out(self, model: TextModel) -> dict[str, float]:
        """Mean negative log-likelihood of the held-out playlists under the vote of the training playlists."""
        import torch

        rows, tracks = self.held
        if not len(rows):
            return {}
        total = 0.0
        vectors, bank = model.still(rows), model.still(self.likelihood.titles)
        with torch.no_grad():
            for first in range(0, len(rows), _HELD_BATCH):
                part = np.arange(first, min(first + _HELD_BATCH, len(rows)))
                logits = self._logits(vectors[torch.from_numpy(part)], bank, self.keys[rows[part]])
                popular = self._own["popularity"].sigmoid()
                total += len(part) * float(self.likelihood.loss_of_others(logits, popular, tracks.select(part)))
        return {"loss": total / len(rows)}
