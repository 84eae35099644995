"""The two towers in torch: the same arithmetic as :mod:`segue.encode.tower`, with gradients and dropout."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.encode.tower import Towers, TowerShape, same_artist
from segue.encode.tower_inputs import TrackInputs, UserInputs
from segue.library.interactions import Interactions
from segue.train.two_tower_settings import TowerSettings

if TYPE_CHECKING:
    import torch

__all__ = ["TowerModel"]


@dataclass(eq=False)
class TowerModel:
    """Trainable tensors and the inputs of the whole catalogue.

    Args:
        parameters: by the names of :func:`~segue.encode.tower.tensor_shapes`.
        training: whether anything is dropped.
        averages: running averages of the tensors, where they are wanted.
    """

    shape: TowerShape
    settings: TowerSettings
    tracks: TrackInputs
    parameters: dict[str, torch.nn.Parameter]
    vocabulary: str
    training: bool = True
    averages: dict[str, torch.Tensor] = field(default_factory=dict)
    steps: int = 0

    @classmethod
    def of(cls, towers: Towers, tracks: TrackInputs, settings: TowerSettings) -> TowerModel:
        """Copy towers into tensors that can move."""
        import torch

        parameters = {n: torch.nn.Parameter(torch.from_numpy(t.copy())) for n, t in towers.tensors.items()}
        return cls(towers.shape, settings, tracks, parameters, towers.vocabulary)

    def towers(self) -> Towers:
        """What the tensors, or their averages, are now, as finished towers."""
        tensors = {n: self.averages.get(n, p).detach().numpy().copy() for n, p in self.parameters.items()}
        return Towers(self.shape, tensors, self.vocabulary)

    def moved(self) -> None:
        """Be told of a step: the averages follow, faster at the beginning, when there is little to average."""
        self.steps += 1
        keep = min(self.settings.average, (1 + self.steps) / (10 + self.steps))
        if not self.settings.average:
            return
        for name, parameter in self.parameters.items():
            if name not in self.averages:
                self.averages[name] = parameter.detach().clone()
            else:
                self.averages[name].lerp_(parameter.detach(), 1 - keep)

    def track_vectors(self, rows: NDArray[np.int64]) -> torch.Tensor:
        """Vectors of catalogue rows, ``(n, output)``."""
        import torch

        tracks, slots = self.tracks, []
        for slot in self.shape.track:
            table = self.parameters[f"track.{slot}"]
            if slot == "text":
                slots.append(torch.from_numpy(tracks.text[rows]) @ table.T)
            elif slot == "tags":
                slots.append(self._bag(table, tracks.tags.select(rows), None, 1.0))
            else:
                found = tracks.ids[rows] if slot == "id" else tracks.artists[rows]
                p = self.settings.id_dropout if slot == "id" else self.settings.artist_dropout
                slots.append(self._looked_up(table, found, p))
        return self._dense("track", slots, len(rows))

    def user_vectors(self, users: UserInputs) -> torch.Tensor:
        """Vectors of users, ``(n, output)``, from what they love."""
        import torch

        slots, loved = [], users.loved
        for slot in self.shape.user:
            table = self.parameters[f"user.{slot}"]
            if slot == "text":
                slots.append(torch.from_numpy(self._mean_text(loved)) @ table.T)
            elif slot in ("loved", "artists"):
                rows = self.tracks.ids if slot == "loved" else self.tracks.artists
                slots.append(self._bag(table, loved, rows, self.shape.bag_power))
            else:
                p = self.settings.id_dropout if slot == "id" else 0.0
                slots.append(self._looked_up(table, users.countries if slot == "country" else users.ids, p))
        return self._dense("user", slots, len(users))

    def scores(self, users: UserInputs, rows: NDArray[np.int64]) -> torch.Tensor:
        """Score of each user with each of the catalogue rows, ``(n users, n rows)``."""
        u, t = self.user_vectors(users), self.track_vectors(rows)
        if self.shape.head == "dot":
            scores = u @ t.T
        else:
            user = u @ self.parameters["head.user"].T + self.parameters["head.bias"]
            scores = _gelu(user[:, None] + (t @ self.parameters["head.track"].T)[None]) @ self.parameters["head.out"]
        if self.shape.match:
            scores = scores + self._match(users.loved, rows)
        return scores

    def pair_scores(self, users: UserInputs, of: NDArray[np.int64], rows: NDArray[np.int64]) -> torch.Tensor:
        """Score of pairs: user ``of[i]`` with catalogue row ``rows[i]``, ``(n pairs,)``."""
        distinct, where = np.unique(rows, return_inverse=True)
        u, t = self.user_vectors(users)[of], self.track_vectors(distinct)[where]
        if self.shape.head == "dot":
            scores = (u * t).sum(dim=1)
        else:
            user = u @ self.parameters["head.user"].T + self.parameters["head.bias"]
            scores = _gelu(user + t @ self.parameters["head.track"].T) @ self.parameters["head.out"]
        if self.shape.match:
            scores = scores + self._match(users.loved, distinct)[of, where]
        return scores

    def _match(self, loved: Interactions, rows: NDArray[np.int64]) -> torch.Tensor:
        """What of the scores counts artists and compares texts."""
        import torch

        match = self.parameters["match"]
        # counted over all artists, for the loved tracks' are not among those of the given rows
        artist = torch.from_numpy(same_artist(loved, self.tracks.artists, rows))
        text = torch.from_numpy(self._mean_text(loved) @ self.tracks.text[rows].T)
        return match[0] * artist + match[1] * text

    def _mean_text(self, loved: Interactions) -> NDArray[np.float32]:
        mean = (loved.matrix() @ self.tracks.text) / np.maximum(loved.lengths, 1)[:, None]
        return mean.astype(np.float32)

    def _looked_up(self, table: torch.Tensor, rows: NDArray[np.int32], dropped: float) -> torch.Tensor:
        import torch

        there = torch.from_numpy((rows >= 0).astype(np.float32))
        if self.training and dropped:
            there = there * (torch.rand(len(rows)) >= dropped)
        if not len(table):
            return torch.zeros(len(rows), table.shape[1])
        return table[torch.from_numpy(np.maximum(rows, 0).astype(np.int64))] * there[:, None]

    def _bag(
        self, table: torch.Tensor, loved: Interactions, rows: NDArray[np.int32] | None, power: float
    ) -> torch.Tensor:
        """Sum over what is loved by the number that have a row to the power."""
        import torch

        found = loved.indices if rows is None else rows[loved.indices]
        known = found >= 0
        of = np.repeat(np.arange(loved.n_rows), loved.lengths)[known]
        counts = np.maximum(np.bincount(of, minlength=loved.n_rows), 1).astype(np.float32)
        offsets = np.concatenate([[0], np.cumsum(np.bincount(of, minlength=loved.n_rows))[:-1]])
        if not len(table) or not len(of):
            return torch.zeros(loved.n_rows, table.shape[1])
        sums = torch.nn.functional.embedding_bag(
            torch.from_numpy(found[known].astype(np.int64)),
            table,
            torch.from_numpy(offsets.astype(np.int64)),
            mode="sum",
        )
        return sums / torch.from_numpy(counts[:, None] ** np.float32(power))

    def _dense(self, side: str, slots: list[torch.Tensor], n: int) -> torch.Tensor:
        import torch

        given = torch.cat(slots, dim=1) if slots else torch.zeros(n, 0)
        given = torch.nn.functional.dropout(given, self.settings.dropout, self.training)
        x = given
        for i in range(len(self.shape.hidden) + 1):
            x = x @ self.parameters[f"{side}.{i}.weight"].T + self.parameters[f"{side}.{i}.bias"]
            if i < len(self.shape.hidden):
                x = _gelu(x)
        if self.shape.skip:
            x = x + given @ self.parameters[f"{side}.skip"].T
        return x


def _gelu(x: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.nn.functional.gelu(x, approximate="tanh")
