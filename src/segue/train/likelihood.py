"""The likelihood of playlists under a vote: what the adapter and the fine-tuned encoder are trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.errors import TrainingError
from segue.library import Interactions, Votes

if TYPE_CHECKING:
    import torch
    from scipy.sparse import csr_matrix

__all__ = ["VoteLikelihood"]

_DENSE = 20_000_000  # entries of the title x track profile up to which a dense product is the faster one
_LENGTH_POWER = 0.5  # inside the likelihood; the ranking uses VoteParameters.length_power


@dataclass(frozen=True, eq=False)
class VoteLikelihood:
    """Playlists that vote for each other, all sums over their distinct titles.

    Args:
        titles: row in ``Votes.titles`` of each title that votes, int64 ``(u,)``.
        title_of: title of each playlist, a row of ``titles``, int64 ``(n,)``.
        tracks: distinct tracks of each playlist, binary CSR ``(n, t)``.
    """

    titles: NDArray[np.int64]
    title_of: NDArray[np.int64]
    tracks: csr_matrix
    lengths: NDArray[np.float32]  # (n,)
    by_track: csr_matrix  # (t, u): sum over the title's playlists of 1 / length ** power
    profile: torch.Tensor | None  # the same, dense (u, t), where that is small
    mass: torch.Tensor  # (u,): the same, summed over tracks
    popularity: NDArray[np.float32]  # (t,), sums to 1

    @classmethod
    def of(
        cls, votes: Votes, *, max_playlists: int | None = None, rng: np.random.Generator | None = None
    ) -> VoteLikelihood:
        """Count; of more than ``max_playlists`` a sample votes and is asked.

        Raises:
            TrainingError: fewer than two playlists have tracks.
        """
        import torch
        from scipy.sparse import csr_matrix, diags_array

        chosen = np.flatnonzero(votes.playlist_tracks.lengths > 0)
        if max_playlists is not None and rng is not None and len(chosen) > max_playlists:
            chosen = np.sort(rng.choice(chosen, max_playlists, replace=False))
        if len(chosen) < 2:
            raise TrainingError(f"learning a vote needs at least 2 playlists with tracks, there are {len(chosen)}")
        kept, title_of = np.unique(votes.title_rows[chosen], return_inverse=True)
        tracks = votes.playlist_tracks.select(chosen).matrix()
        lengths = np.asarray(tracks.sum(axis=1)).ravel().astype(np.float32)
        n, u = len(chosen), len(kept)
        of_title = csr_matrix((np.ones(n, np.float32), (title_of, np.arange(n))), shape=(u, n))
        profile = csr_matrix(of_title @ diags_array(lengths**-_LENGTH_POWER) @ tracks).astype(np.float32)
        counts = np.asarray(tracks.sum(axis=0)).ravel()
        return cls(
            titles=kept.astype(np.int64),
            title_of=title_of.astype(np.int64),
            tracks=tracks,
            lengths=lengths,
            by_track=profile.T.tocsr(),
            profile=torch.from_numpy(profile.toarray()) if u * profile.shape[1] <= _DENSE else None,
            mass=torch.from_numpy(np.asarray(profile.sum(axis=1)).ravel().astype(np.float32)),
            popularity=(counts / counts.sum()).astype(np.float32),
        )

    def loss(self, logits: torch.Tensor, popular: torch.Tensor, playlists: NDArray[np.int64]) -> torch.Tensor:
        """Mean negative log-likelihood of voting playlists, each left out of its own vote.

        Args:
            logits: of each title for each playlist, ``(b, u)``. popular: share of the popularity, in (0, 1).
            playlists: rows, int64 ``(b,)``.
        """
        import torch

        weights = _weights(logits)
        t = torch.from_numpy(self.title_of[playlists])
        own = weights.gather(1, t[:, None]).squeeze(1)  # the playlist's own title, from which it is taken out
        return self._loss(weights, popular, self.tracks[playlists], own, torch.from_numpy(self.lengths[playlists]))

    def loss_of_others(self, logits: torch.Tensor, popular: torch.Tensor, tracks: Interactions) -> torch.Tensor:
        """The same of playlists that do not vote: ``(b, u)`` logits, and their tracks ``(b, t)``."""
        import torch

        rows = tracks.matrix()
        return self._loss(_weights(logits), popular, rows, torch.zeros(rows.shape[0]), torch.ones(rows.shape[0]))

    def _loss(
        self,
        weights: torch.Tensor,
        popular: torch.Tensor,
        rows: csr_matrix,
        own: torch.Tensor,
        lengths: torch.Tensor,
    ) -> torch.Tensor:
        import torch

        mass = (weights @ self.mass - own * lengths ** (1 - _LENGTH_POWER)).clamp(min=1e-12)
        n = np.diff(rows.indptr)
        row = np.repeat(np.arange(len(n)), n)  # (m,) playlist of each (playlist, track) pair
        r = torch.from_numpy(row)
        if self.profile is not None:
            sums = (weights @ self.profile)[r, torch.from_numpy(rows.indices.astype(np.int64))]
        else:
            votes = self.by_track[rows.indices]  # (m, u)
            pair = np.repeat(np.arange(len(row)), np.diff(votes.indptr))
            gathered = weights[torch.from_numpy(row[pair]), torch.from_numpy(votes.indices.astype(np.int64))]
            weighted = gathered * torch.from_numpy(votes.data)
            sums = torch.zeros(len(row)).index_add(0, torch.from_numpy(pair), weighted)
        voted = ((sums - own[r] * lengths[r] ** -_LENGTH_POWER).clamp(min=0)) / mass[r]
        likelihood = (1 - popular) * voted + popular * torch.from_numpy(self.popularity[rows.indices])
        logs = torch.log(likelihood + 1e-9)
        return -(torch.zeros(len(n)).index_add(0, r, logs) / torch.from_numpy(n.astype(np.float32))).mean()


def _weights(logits: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.exp(logits - logits.max(dim=1, keepdim=True).values.detach())
