"""A model that reads one text and writes another, fine-tuned on pairs of texts; LoRA or all weights."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from segue.errors import InputError, MissingDependency, TrainingError
from segue.library.arrays import fingerprint
from segue.train.checkpoint import Checkpoints, load_adam, stored_adam
from segue.train.seq2seq_model import Writer

if TYPE_CHECKING:
    import torch

__all__ = ["Seq2SeqEpoch", "Seq2SeqSettings", "Seq2SeqTrained", "TextPairs", "train_seq2seq"]

Progress = Callable[[int, int, str], None]
Method = Literal["full", "lora"]
_IGNORED = -100  # of the targets: padding has no loss


@dataclass(frozen=True)
class Seq2SeqSettings:
    """Everything that a training depends on besides its data.

    Args:
        method: low-rank changes of the attention's projections ("lora"), or all weights ("full").
        epochs: at most. patience: epochs without a lower validation loss after which it stops; None for never.
        batch_size: pairs a step. lr: None is 1e-3 for LoRA and 1e-4 for all weights. warmup: share of all steps.
        lora_rank: of each change.
        most_source, most_target: tokens that are read and written at most.
    """

    method: Method = "lora"
    epochs: int = 10
    patience: int | None = 3
    batch_size: int = 8
    lr: float | None = None
    weight_decay: float = 0.0
    warmup: float = 0.05
    clip: float = 1.0
    lora_rank: int = 16
    most_source: int = 384
    most_target: int = 96
    rng_key: int = 0
    threads: int = 1

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "lora_rank", "most_source", "most_target", "threads"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.patience is not None and self.patience < 1:
            raise InputError(f"patience is {self.patience}; it must be at least 1")
        if self.method not in get_args(Method):
            raise InputError(f"there is no method {self.method!r}; there are full and lora")
        if self.lr is not None and not 0 < self.lr < 1:
            raise InputError(f"lr is {self.lr}; it must lie between 0 and 1")
        if not 0 <= self.warmup < 1:
            raise InputError(f"warmup is {self.warmup}; it must be at least 0 and below 1")

    @property
    def rate(self) -> float:
        """The learning rate after the warm-up."""
        return self.lr if self.lr is not None else 1e-3 if self.method == "lora" else 1e-4

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return asdict(self)


@dataclass(frozen=True)
class TextPairs:
    """What is read and what shall be written, pair by pair."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.sources) != len(self.targets):
            raise ValueError(f"{len(self.sources)} sources for {len(self.targets)} targets")

    def __len__(self) -> int:
        return len(self.sources)


@dataclass(frozen=True)
class Seq2SeqEpoch:
    """What one epoch did; epoch 0 is the model before any.

    Args:
        train_loss, validation_loss: mean negative log-likelihood of a target's token, in nats.
        cpu_s: of the steps.
    """

    epoch: int
    train_loss: float | None
    validation_loss: float | None
    cpu_s: float


@dataclass(frozen=True, eq=False)
class Seq2SeqTrained:
    """A model with the weights of its best epoch.

    Args:
        parameters, trainable: numbers in the model, and those that moved.
    """

    writer: Writer = field(repr=False)
    history: tuple[Seq2SeqEpoch, ...]
    best: int
    parameters: int
    trainable: int


def train_seq2seq(
    base: Path,
    train: TextPairs,
    validation: TextPairs,
    settings: Seq2SeqSettings,
    *,
    checkpoints: Path | None = None,
    progress: Progress | None = None,
) -> Seq2SeqTrained:
    """Fine-tune a sequence-to-sequence folder on pairs of texts.

    The epoch with the lowest validation loss is kept, or the lowest training loss where nothing validates. The order
    depends on ``settings.rng_key`` and the epoch alone, and the checkpoint after each epoch holds weights, moments
    and dropout's generator, so a training that was killed goes on to the same bits.

    Raises:
        TrainingError: nothing to learn from, or a loss that is not finite. StoredDataError: a damaged folder or
            checkpoint, or one of another training. MissingDependency: transformers or peft is missing.
    """
    import torch

    if not len(train):
        raise TrainingError("there is no pair of texts to learn from; give playlists with descriptions")
    before = torch.get_num_threads()
    torch.set_num_threads(settings.threads)
    try:
        torch.manual_seed(settings.rng_key)
        writer = Writer.open(base, most_source=settings.most_source, most_target=settings.most_target)
        if settings.method == "lora":
            writer.model = _with_lora(writer.model, settings.lora_rank)
        return _trained(writer, train, validation, settings, checkpoints, progress)
    finally:
        torch.set_num_threads(before)


def _trained(
    writer: Writer,
    train: TextPairs,
    validation: TextPairs,
    settings: Seq2SeqSettings,
    folder: Path | None,
    progress: Progress | None,
) -> Seq2SeqTrained:
    import torch

    weights = {n: p for n, p in writer.model.named_parameters() if p.requires_grad}
    optimizer = torch.optim.AdamW(weights.values(), lr=settings.rate, weight_decay=settings.weight_decay)
    run = fingerprint(writer.fingerprint, settings.to_json(), *train.sources, *train.targets, *validation.sources)
    kept = None if folder is None else Checkpoints(folder, run)
    history = [Seq2SeqEpoch(0, None, _mean_loss(writer, validation, settings), 0.0)]
    best, best_weights, best_file = 0, {n: p.detach().clone() for n, p in weights.items()}, ""
    state = None if kept is None else kept.state()
    if kept is not None and state is not None:
        tensors = kept.tensors(state["tensors"])
        _put(weights, tensors)
        load_adam(optimizer, list(weights), tensors)
        torch.set_rng_state(tensors["rng"])
        history = [Seq2SeqEpoch(**each) for each in state["history"]]
        best, best_file = int(state["best"]), str(state["best_file"])
        if best:
            best_weights = kept.tensors(best_file)
    per_epoch = -(-len(train) // settings.batch_size)
    for epoch in range(len(history), settings.epochs + 1):
        if settings.patience is not None and epoch - 1 - best >= settings.patience and epoch > 1:
            break
        history.append(_epoch(writer, train, validation, settings, optimizer, epoch, per_epoch, progress))
        if best == 0 or _score(history[-1]) < _score(history[best]):
            best = epoch
            best_weights = {n: p.detach().clone() for n, p in weights.items()}
            if kept is not None:
                best_file = kept.save_best(epoch, best_weights)
        if kept is not None:
            stored = {**weights, **stored_adam(optimizer, list(weights)), "rng": torch.get_rng_state()}
            about = {"history": [asdict(e) for e in history], "best": best, "best_file": best_file}
            kept.save(f"epoch-{epoch:03d}", stored, about)
    _put(weights, best_weights)
    writer.model.eval()
    parameters = sum(p.numel() for p in writer.model.parameters())
    return Seq2SeqTrained(writer, tuple(history), best, parameters, sum(p.numel() for p in weights.values()))


def _epoch(
    writer: Writer,
    train: TextPairs,
    validation: TextPairs,
    settings: Seq2SeqSettings,
    optimizer: torch.optim.Optimizer,
    epoch: int,
    per_epoch: int,
    progress: Progress | None,
) -> Seq2SeqEpoch:
    import torch

    order = np.random.default_rng([settings.rng_key, epoch]).permutation(len(train))
    writer.model.train()
    began, total, tokens = time.process_time(), 0.0, 0
    steps = settings.epochs * per_epoch
    for place in range(per_epoch):
        rows = order[place * settings.batch_size : (place + 1) * settings.batch_size].tolist()
        step = (epoch - 1) * per_epoch + place
        warm = min(1.0, (step + 1) / max(1.0, settings.warmup * steps))
        for group in optimizer.param_groups:
            group["lr"] = settings.rate * warm * max(0.02, 1 - step / steps)
        loss, n = _loss(writer, [train.sources[r] for r in rows], [train.targets[r] for r in rows])
        value = float(loss.detach())
        if not np.isfinite(value):
            raise TrainingError(
                f"the loss became {value} in epoch {epoch}, step {place + 1}; lower the learning rate"
            )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_([p for g in optimizer.param_groups for p in g["params"]], settings.clip)
        optimizer.step()
        total, tokens = total + value * n, tokens + n
        if progress is not None:
            progress(step + 1, steps, f"epoch {epoch}, loss {total / tokens:.3f}")
    cpu_s = time.process_time() - began
    return Seq2SeqEpoch(epoch, total / tokens, _mean_loss(writer, validation, settings), round(cpu_s, 3))


def _loss(writer: Writer, sources: Sequence[str], targets: Sequence[str]) -> tuple[torch.Tensor, int]:
    """Mean loss of the targets' tokens, and how many these are."""
    ids, mask = writer.read(sources)
    labels, there = writer.read(targets, target=True)
    labels = labels.masked_fill(there == 0, _IGNORED)
    n = int(there.sum())
    return writer.model(input_ids=ids, attention_mask=mask, labels=labels).loss, n


def _mean_loss(writer: Writer, pairs: TextPairs, settings: Seq2SeqSettings) -> float | None:
    """The loss of pairs that are not trained on; dropout's generator is left as it was."""
    import torch

    if not len(pairs):
        return None
    before, training = torch.get_rng_state(), writer.model.training
    writer.model.eval()
    total, tokens = 0.0, 0
    with torch.no_grad():
        for first in range(0, len(pairs), settings.batch_size):
            part = slice(first, first + settings.batch_size)
            loss, n = _loss(writer, pairs.sources[part], pairs.targets[part])
            total, tokens = total + float(loss) * n, tokens + n
    writer.model.train(training)
    torch.set_rng_state(before)
    return total / tokens


def _score(epoch: Seq2SeqEpoch) -> float:
    found = epoch.validation_loss if epoch.validation_loss is not None else epoch.train_loss
    return np.inf if found is None else found


def _put(weights: dict[str, torch.nn.Parameter], tensors: dict[str, torch.Tensor]) -> None:
    import torch

    with torch.no_grad():
        for name, parameter in weights.items():
            parameter.copy_(tensors[name])


def _with_lora(model: Any, rank: int) -> Any:
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise MissingDependency("fine-tuning with LoRA", extra="train") from error
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r".*gradient_checkpointing", FutureWarning)  # peft asks for an old name
        try:
            return get_peft_model(model, LoraConfig(task_type="SEQ_2_SEQ_LM", r=rank, lora_alpha=2 * rank))
        except ValueError as error:  # peft knows no targets for this architecture
            raise InputError("LoRA finds no attention that it knows in this model; choose --method full") from error
