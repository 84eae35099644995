"""Training of two towers: epochs over users, the best one kept, what it did measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.encode.tower import Towers, TowerShape, tensor_shapes
from segue.encode.tower_inputs import TrackInputs, UserInputs, Vocabulary
from segue.errors import TrainingError
from segue.train.effect import STILL
from segue.train.negatives import all_candidates, edge_counts, mixed_candidates, parted, uniform_edges
from segue.train.two_tower_model import TowerModel
from segue.train.two_tower_settings import TowerSettings

if TYPE_CHECKING:
    import torch

__all__ = ["TowerEffect", "TowerEpoch", "TowersTrained", "new_towers", "train_towers"]

Progress = Callable[[int, int, str], None]
_FASTER = 10.0
_LARGEST = 50_000_000  # numbers in the hidden layer of a head over pairs; a larger softmax is sampled


@dataclass(frozen=True)
class TowerEpoch:
    """One epoch: mean loss of an edge, what ``validate`` and ``monitor`` said afterwards, and its CPU seconds."""

    epoch: int
    train_loss: float | None
    score: float | None
    metrics: dict[str, float]
    cpu_s: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return asdict(self)


@dataclass(frozen=True)
class TowerEffect:
    """What training moved: tensors, how many of them changed, and the most that a score of a user changed."""

    tensors: int
    changed_tensors: int
    largest_step: float

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return asdict(self)

    def check(self) -> None:
        """Raise TrainingError unless parameters moved and scores with them."""
        if not self.changed_tensors:
            raise TrainingError("no parameter of the towers moved: the learning rate is zero, or there was no step")
        if self.largest_step < STILL:
            raise TrainingError(
                f"{self.changed_tensors} tensors of the towers changed, but no score did; raise the learning rate"
            )


@dataclass(frozen=True, eq=False)
class TowersTrained:
    """Trained towers, the epochs on the way, which of them was kept, and what it changed."""

    towers: Towers
    history: tuple[TowerEpoch, ...]
    best_epoch: int
    effect: TowerEffect


def new_towers(shape: TowerShape, vocabulary: Vocabulary, *, spread: float = 0.1, rng_key: int = 0) -> Towers:
    """Towers before training: normal tables, layers that keep the variance, no bias; what matches counts once."""
    rng = np.random.default_rng([rng_key, 0])
    tensors: dict[str, NDArray[np.float32]] = {}
    for name, size in tensor_shapes(shape, _sizes(vocabulary)).items():
        layer = name.endswith((".weight", ".skip", ".text")) or name in ("head.user", "head.track", "head.out")
        if name == "match" or name.endswith("bias"):
            tensors[name] = np.full(size, 1.0 if name == "match" else 0.0, np.float32)
            continue
        scale = 1 / np.sqrt(size[-1]) if layer else spread
        tensors[name] = (rng.standard_normal(size) * scale).astype(np.float32)
    return Towers(shape, tensors, vocabulary.fingerprint)


def train_towers(
    users: UserInputs,
    tracks: TrackInputs,
    vocabulary: Vocabulary,
    settings: TowerSettings,
    *,
    validate: Callable[[Towers], float] | None = None,
    monitor: Callable[[Towers], Mapping[str, float]] | None = None,
    progress: Progress | None = None,
) -> TowersTrained:
    """Learn towers from the tracks that users love.

    In each step some users give a random part of their tracks and are asked for the others, so a track is never in
    the bag that it is asked of. Tracks without training interactions are neither asked for nor drawn as negatives: no
    gradient reaches what is theirs alone.

    Args:
        users: with their training tracks. tracks: the whole catalogue.
        validate: how good towers are, higher is better; it chooses the epoch. Without it the last one is kept.
        monitor: further figures for the history.

    Raises:
        TrainingError: too little to learn from, a loss that is not finite, or nothing moved.
    """
    import torch

    loved = users.loved
    if int((loved.lengths > 1).sum()) < 2:
        raise TrainingError("two towers need at least two users with two tracks each; give more interactions")
    before = torch.get_num_threads()
    torch.set_num_threads(settings.threads)
    try:
        torch.manual_seed(settings.rng_key)
        shape = settings.shape(tracks.text.shape[1])
        start = new_towers(shape, vocabulary, spread=settings.spread, rng_key=settings.rng_key)
        model = TowerModel.of(start, tracks, settings)
        return _trained(start, model, users, settings, validate, monitor, progress)
    finally:
        torch.set_num_threads(before)


def _trained(
    start: Towers,
    model: TowerModel,
    users: UserInputs,
    settings: TowerSettings,
    validate: Callable[[Towers], float] | None,
    monitor: Callable[[Towers], Mapping[str, float]] | None,
    progress: Progress | None,
) -> TowersTrained:
    import torch

    optimizer = torch.optim.AdamW(_groups(model, settings), lr=settings.lr, fused=True)
    batches = _Batches.of(model, users, settings)
    history = [_looked_at(0, None, start, validate, monitor, 0.0)]
    best, best_score, best_towers = 0, -np.inf, start
    for epoch in range(1, settings.epochs + 1):
        began, total, edges = time.process_time(), 0.0, 0
        rng = np.random.default_rng([settings.rng_key, epoch])
        order = batches.order(rng)
        for step, chosen in enumerate(order):
            loss, n = batches.loss(chosen, rng)
            value = float(loss.detach())
            if not np.isfinite(value):
                raise TrainingError(f"the loss became {value} in epoch {epoch}; lower the learning rate")
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            model.moved()
            total, edges = total + value * n, edges + n
            if progress is not None:
                done = (epoch - 1) * len(order) + step + 1
                progress(done, settings.epochs * len(order), f"epoch {epoch}, loss {total / edges:.4f}")
        towers = model.towers()
        cpu = time.process_time() - began
        history.append(_looked_at(epoch, total / max(edges, 1), towers, validate, monitor, cpu))
        score = history[-1].score
        if score is None or score > best_score or not best:
            best, best_score, best_towers = epoch, -np.inf if score is None else score, towers
        if validate is not None and settings.patience is not None and epoch - best >= settings.patience:
            break
    effect = _effect(start, best_towers, users, model.tracks)
    effect.check()
    return TowersTrained(best_towers, tuple(history), best, effect)


@dataclass(eq=False)
class _Batches:
    """Steps over users, and their losses."""

    model: TowerModel
    users: UserInputs
    settings: TowerSettings
    known: NDArray[np.int64]
    place: NDArray[np.int64]  # of each track among the known ones
    expected: NDArray[np.float64]
    full: bool

    @classmethod
    def of(cls, model: TowerModel, users: UserInputs, settings: TowerSettings) -> _Batches:
        known = np.flatnonzero(np.bincount(users.loved.indices, minlength=users.loved.n_columns))
        place = np.full(users.loved.n_columns, -1, np.int64)
        place[known] = np.arange(len(known))
        fits = settings.head == "dot" or len(known) * settings.batch_size * settings.output <= _LARGEST
        expected = edge_counts(users.loved, settings.target_share, settings.batch_size)
        return cls(model, users, settings, known, place, expected, len(known) <= settings.full_softmax and fits)

    def order(self, rng: np.random.Generator) -> list[NDArray[np.int64]]:
        """Users with tracks, in random order, by batch."""
        there = rng.permutation(np.flatnonzero(self.users.loved.lengths > 0))
        size = self.settings.batch_size
        return [there[first : first + size] for first in range(0, len(there), size)]

    def loss(self, chosen: NDArray[np.int64], rng: np.random.Generator) -> tuple[torch.Tensor, int]:
        """Mean loss of the edges that are asked for, and how many they are."""
        parts = parted(self.users.loved, chosen, self.settings.target_share, rng)
        given = UserInputs(self.users.ids[chosen], self.users.countries[chosen], parts.given)
        if self.settings.loss == "logistic":
            return self._logistic(given, uniform_edges(parts, self.known, self.settings.negatives, rng))
        return self._softmax(given, parts.targets, rng)

    def _logistic(
        self, users: UserInputs, edges: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]
    ) -> tuple[torch.Tensor, int]:
        import torch

        of, rows, loved = edges
        scores = self.model.pair_scores(users, of, rows)
        wanted = torch.from_numpy(loved.astype(np.float32))
        return torch.nn.functional.binary_cross_entropy_with_logits(scores, wanted), int(loved.sum())

    def _softmax(self, users: UserInputs, targets: Any, rng: np.random.Generator) -> tuple[torch.Tensor, int]:
        import torch

        if self.full:
            among = all_candidates(self.known)
        else:
            among = mixed_candidates(targets.indices, self.known, self.settings.negatives, self.expected, rng)
        place = np.full(targets.n_columns, -1, np.int64)
        place[among.rows] = np.arange(len(among.rows))
        scores = self.model.scores(users, among.rows)
        # what a user has given is never ranked, so it is no negative either
        of = np.repeat(np.arange(users.loved.n_rows), users.loved.lengths)
        column = place[users.loved.indices]
        masked = torch.zeros(scores.shape)
        masked[of[column >= 0], column[column >= 0]] = -torch.inf
        total = torch.logsumexp(scores + masked + torch.from_numpy(among.correction), dim=1)
        row = np.repeat(np.arange(targets.n_rows), targets.lengths)
        asked = scores[row, place[targets.indices]]
        weights = torch.from_numpy((targets.lengths ** (self.settings.user_weight - 1.0)).astype(np.float32)[row])
        return (weights * (total[row] - asked)).sum() / weights.sum(), len(row)


def _groups(model: TowerModel, settings: TowerSettings) -> list[dict[str, Any]]:
    """Parameters by how they decay: layers, tables, and what does not."""
    match: list[torch.nn.Parameter] = []
    biases: list[torch.nn.Parameter] = []
    tables: list[torch.nn.Parameter] = []
    layers: list[torch.nn.Parameter] = []
    for name, parameter in model.parameters.items():
        slot = name.removeprefix("track.").removeprefix("user.")
        if name == "match":
            match.append(parameter)
        elif name.endswith("bias"):
            biases.append(parameter)
        elif slot in ("id", "artist", "artists", "tags", "loved", "country"):
            tables.append(parameter)
        else:
            layers.append(parameter)
    return [
        {"params": layers, "weight_decay": settings.weight_decay},
        {"params": tables, "weight_decay": settings.table_decay},
        {"params": biases, "weight_decay": 0.0},
        # two numbers that every pair pulls at: they may go faster than tables of thousands
        {"params": match, "weight_decay": 0.0, "lr": _FASTER * settings.lr},
    ]


def _looked_at(
    epoch: int,
    loss: float | None,
    towers: Towers,
    validate: Callable[[Towers], float] | None,
    monitor: Callable[[Towers], Mapping[str, float]] | None,
    cpu_s: float,
) -> TowerEpoch:
    score = None if validate is None else float(validate(towers))
    return TowerEpoch(epoch, loss, score, {} if monitor is None else dict(monitor(towers)), cpu_s)


def _effect(start: Towers, towers: Towers, users: UserInputs, tracks: TrackInputs) -> TowerEffect:
    """Compare the towers of some users and tracks before and after."""
    changed = sum(towers.tensors[name].tobytes() != start.tensors[name].tobytes() for name in start.tensors)
    some = users.select(np.flatnonzero(users.loved.lengths > 0)[:100])
    before, after = (t.scores(some, t.track_vectors(tracks)) for t in (start, towers))
    return TowerEffect(len(start.tensors), changed, float(np.abs(after - before).max(initial=0.0)))


def _sizes(vocabulary: Vocabulary) -> dict[str, int]:
    names = ("tracks", "artists", "tags", "countries", "users")
    return {name: len(getattr(vocabulary, name)) for name in names}
