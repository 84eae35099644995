"""The loop of a fine-tuning: epochs, the best one, early stopping, checkpoints that resume to the bit."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from segue.errors import StoredDataError, TrainingError
from segue.library.arrays import fingerprint
from segue.train.checkpoint import Checkpoints, load_adam, stored_adam
from segue.train.objective import Objective
from segue.train.settings import FinetuneSettings
from segue.train.text_model import TextModel

if TYPE_CHECKING:
    import torch

__all__ = ["Epoch", "Progress", "Trained", "train_encoder"]

Progress = Callable[[int, int, str], None]
_CHECKPOINT_S = 120.0  # seconds between checkpoints inside an epoch; saving changes no result


@dataclass(frozen=True)
class Epoch:
    """What one epoch did; epoch 0 is the encoder before any.

    Args:
        train_loss: mean over the epoch's steps. validation_loss, validation_accuracy: on held-out playlists, where
            the loss has them. validation_metric, train_metric: the recommendation metric.
        cpu_s, seconds: of the steps alone. titles: playlists that the steps stood for.
    """

    epoch: int
    train_loss: float | None = None
    validation_loss: float | None = None
    validation_accuracy: float | None = None
    validation_metric: float | None = None
    train_metric: float | None = None
    cpu_s: float = 0.0
    seconds: float = 0.0
    titles: int = 0

    @property
    def titles_per_cpu_s(self) -> float | None:
        """Playlists' titles trained on per CPU-second."""
        return self.titles / self.cpu_s if self.cpu_s else None


@dataclass(frozen=True)
class Trained:
    """The history of a training whose model now holds the weights of ``best``."""

    history: tuple[Epoch, ...]
    best: int
    scales: dict[str, float]


@dataclass(eq=False)
class _Run:
    """What changes while a training runs."""

    model: TextModel
    objective: Objective
    settings: FinetuneSettings
    optimizer: torch.optim.Optimizer
    names: list[str]
    checkpoints: Checkpoints | None
    steps: int
    history: list[Epoch] = field(default_factory=list)
    best: int = 0
    best_score: float = -np.inf
    best_file: str | None = None
    best_weights: dict[str, torch.Tensor] = field(default_factory=dict)
    step: int = 0  # steps done in all
    saved_at: float = field(default_factory=time.monotonic)
    began: float = field(default_factory=time.monotonic)
    began_step: int = 0

    def weights(self) -> dict[str, torch.Tensor]:
        """Everything that is learnt, by name."""
        own = {f"own.{n}": p for n, p in self.objective.parameters().items()}
        return {**{f"encoder.{n}": p for n, p in self.model.trainable().items()}, **own}

    def put(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Load what :meth:`weights` gave."""
        import torch

        with torch.no_grad():
            for name, parameter in self.weights().items():
                if name not in tensors or tensors[name].shape != parameter.shape:
                    raise StoredDataError(f"the checkpoint lacks {name}, or has it in another shape; start again")
                parameter.copy_(tensors[name])


def train_encoder(
    model: TextModel,
    objective: Objective,
    settings: FinetuneSettings,
    *,
    validate: Callable[[TextModel], float] | None = None,
    monitor: Callable[[TextModel], float] | None = None,
    checkpoints: Path | None = None,
    run: str = "",
    finish: bool = False,
    progress: Progress | None = None,
) -> Trained:
    """Train an encoder in place; afterwards it holds the weights of the best epoch.

    The order of the steps depends on ``settings.rng_key`` and the epoch alone, and a checkpoint holds weights,
    moments, dropout's generator and the objective's buffers, so that a training that was killed and goes on ends in
    the same bits as one that was not.

    Args:
        validate: model -> the recommendation metric on validation playlists, higher is better. monitor: the same on
            a sample of training playlists, for the record.
        checkpoints: folder; without it a killed training is lost.
        run: digest of the data; a checkpoint of other data or settings is refused.
        finish: stop at once and keep the best epoch of the checkpoint.
        progress: called with (step, steps, note).

    Raises:
        TrainingError: the loss is not finite (the best epoch so far stays in the checkpoints), there is nothing to go
            on with, or ``finish`` finds no epoch. StoredDataError: a damaged checkpoint or one of another training.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(settings.threads)
    try:
        torch.manual_seed(settings.rng_key)
        going = _prepared(model, objective, settings, checkpoints, run)
        state = going.checkpoints.state() if going.checkpoints is not None else None
        model.sentence.train()
        if state is not None:
            _restore(going, state)
        elif finish:
            raise TrainingError(f"there is no checkpoint in {checkpoints}, so there is nothing to finish")
        else:
            going.history.append(_looked_at(going, 0, None, validate, monitor))
            objective.begin(model)
        if not finish:
            _epochs(going, state, validate, monitor, progress)
        if not going.best:
            raise TrainingError("no epoch was finished, so there is no best one; run the training without finishing")
        if not going.best_weights and going.checkpoints is not None and going.best_file is not None:
            going.best_weights = going.checkpoints.tensors(going.best_file)
        going.put(going.best_weights)
        model.sentence.eval()
        own = {n: p for n, p in objective.parameters().items() if p.numel() == 1}
        return Trained(tuple(going.history), going.best, {n: float(p.detach()) for n, p in own.items()})
    finally:
        torch.set_num_threads(threads)


def _prepared(
    model: TextModel, objective: Objective, settings: FinetuneSettings, folder: Path | None, run: str
) -> _Run:
    import torch

    model.with_texts(objective.texts)
    encoder, own = model.trainable(), dict(objective.parameters())
    groups: list[dict[str, Any]] = [
        {"params": list(encoder.values()), "lr": settings.lr, "weight_decay": settings.weight_decay}
    ]
    if own:
        lr_own = settings.lr if settings.lr_own is None else settings.lr_own
        groups.append({"params": list(own.values()), "lr": lr_own, "weight_decay": 0.0})
    optimizer = torch.optim.AdamW(groups)
    for group in optimizer.param_groups:
        group["initial_lr"] = group["lr"]
    checkpoints = None
    if folder is not None:
        checkpoints = Checkpoints(folder, fingerprint(run, settings.to_json(), list(encoder), list(own)))
    names = [*(f"encoder.{n}" for n in encoder), *(f"own.{n}" for n in own)]
    per_epoch = len(objective.batches(_rng(settings, 1)))
    if per_epoch == 0:
        raise TrainingError("there is no title to train on; make more themes or give more playlists")
    return _Run(model, objective, settings, optimizer, names, checkpoints, settings.epochs * per_epoch)


def _rng(settings: FinetuneSettings, epoch: int) -> np.random.Generator:
    return np.random.default_rng([settings.rng_key, epoch])


def _epochs(
    going: _Run,
    state: dict[str, Any] | None,
    validate: Callable[[TextModel], float] | None,
    monitor: Callable[[TextModel], float] | None,
    progress: Progress | None,
) -> None:
    """All epochs that are left, the first perhaps from its middle on."""
    import torch

    settings, objective, model = going.settings, going.objective, going.model
    first, done, total, cpu_s, seconds, titles = 1, 0, 0.0, 0.0, 0.0, 0
    if state is not None:
        first, done = int(state["epoch"]), int(state["done"])
        total, cpu_s, seconds, titles = state["total"], state["cpu_s"], state["seconds"], int(state["titles"])
    for epoch in range(first, settings.epochs + 1):
        if _should_stop(going):
            return
        batches = objective.batches(_rng(settings, epoch))
        cpu, wall = time.process_time(), time.monotonic()
        for place in range(done, len(batches)):
            batch = batches[place]
            _set_rates(going)
            loss = objective.loss(model, batch)
            value = float(loss.detach())
            if not np.isfinite(value):
                raise TrainingError(_diverged(going, value, epoch, place + 1))
            going.optimizer.zero_grad()
            if loss.requires_grad:
                loss.backward()  # type: ignore[no-untyped-call]
            parameters = [p for group in going.optimizer.param_groups for p in group["params"]]
            torch.nn.utils.clip_grad_norm_(parameters, settings.clip)
            going.optimizer.step()
            model.moved()
            going.step += 1
            total += value * objective.size(batch)
            titles += objective.size(batch)
            if progress is not None:
                note = f"epoch {epoch}, loss {total / max(titles, 1):.4f}, {_left(going)}"
                progress(going.step, going.steps, note)
            due = time.monotonic() - going.saved_at >= _CHECKPOINT_S
            if due and going.checkpoints is not None and place + 1 < len(batches):
                now = (cpu_s + time.process_time() - cpu, seconds + time.monotonic() - wall)
                _save(going, epoch, place + 1, total, *now, titles)
        cpu_s, seconds = cpu_s + time.process_time() - cpu, seconds + time.monotonic() - wall
        seen = Epoch(epoch, total / max(titles, 1), cpu_s=cpu_s, seconds=seconds, titles=titles)
        going.history.append(_looked_at(going, epoch, seen, validate, monitor))
        _keep_if_best(going)
        done, total, cpu_s, seconds, titles = 0, 0.0, 0.0, 0.0, 0
        objective.begin(model)  # before the checkpoint, which has to hold what the next epoch begins with
        if going.checkpoints is not None:
            _save(going, epoch + 1, 0, 0.0, 0.0, 0.0, 0)


def _left(going: _Run) -> str:
    """How long the rest will take, measurements after the epochs included; early stopping may end it sooner."""
    done = going.step - going.began_step
    minutes = (time.monotonic() - going.began) / max(done, 1) * (going.steps - going.step) / 60
    return "under a minute left" if minutes < 1 else f"at most {minutes:.0f} min left"


def _diverged(going: _Run, value: float, epoch: int, step: int) -> str:
    kept = f"; the best epoch so far ({going.best}) is kept, '--finish' makes a bundle of it" if going.best else ""
    return f"the loss became {value} in epoch {epoch}, step {step}{kept}; lower the learning rate and add --restart"


def _set_rates(going: _Run) -> None:
    """Linear warm-up, then constant, or linear down to a fiftieth."""
    settings = going.settings
    warmup = settings.warmup * going.steps if settings.warmup < 1 else settings.warmup
    factor = min(1.0, (going.step + 1) / warmup) if warmup else 1.0
    if settings.schedule == "linear":
        factor *= max(0.02, 1 - going.step / going.steps)
    for group in going.optimizer.param_groups:
        group["lr"] = group["initial_lr"] * factor


def _looked_at(
    going: _Run,
    epoch: int,
    seen: Epoch | None,
    validate: Callable[[TextModel], float] | None,
    monitor: Callable[[TextModel], float] | None,
) -> Epoch:
    """An epoch with its measurements; they leave dropout's generator as it was."""
    import torch

    before = torch.get_rng_state()
    held = going.objective.held_out(going.model) if epoch else {}
    found = Epoch(
        epoch,
        None if seen is None else seen.train_loss,
        validation_loss=held.get("loss"),
        validation_accuracy=held.get("accuracy"),
        validation_metric=None if validate is None else validate(going.model),
        train_metric=None if monitor is None else monitor(going.model),
        cpu_s=0.0 if seen is None else seen.cpu_s,
        seconds=0.0 if seen is None else seen.seconds,
        titles=0 if seen is None else seen.titles,
    )
    torch.set_rng_state(before)
    return found


def _score(epoch: Epoch, settings: FinetuneSettings) -> float:
    """How good an epoch is; what is wanted and missing falls back to the training loss."""
    wanted = {
        "metric": epoch.validation_metric,
        "accuracy": epoch.validation_accuracy,
        "loss": None if epoch.validation_loss is None else -epoch.validation_loss,
    }[settings.best_by]
    if wanted is not None:
        return wanted
    return -np.inf if epoch.train_loss is None else -epoch.train_loss


def _keep_if_best(going: _Run) -> None:
    last = going.history[-1]
    score = _score(last, going.settings)
    if going.best and not score > going.best_score:
        return
    going.best, going.best_score = last.epoch, score
    going.best_weights = {n: p.detach().clone() for n, p in going.weights().items()}
    if going.checkpoints is not None:
        going.best_file = going.checkpoints.save_best(last.epoch, going.best_weights)


def _should_stop(going: _Run) -> bool:
    patience = going.settings.patience
    last = going.history[-1].epoch if going.history else 0
    return patience is not None and going.best > 0 and last - going.best >= patience


def _save(going: _Run, epoch: int, done: int, total: float, cpu_s: float, seconds: float, titles: int) -> None:
    import torch

    assert going.checkpoints is not None
    tensors = {
        **going.weights(),
        **{f"buffer.{n}": t for n, t in going.objective.buffers().items()},
        **stored_adam(going.optimizer, going.names),
        "rng": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        tensors["rng_cuda"] = torch.cuda.get_rng_state()
    state = {
        "epoch": epoch,
        "done": done,
        "step": going.step,
        "total": total,
        "cpu_s": cpu_s,
        "seconds": seconds,
        "titles": titles,
        "history": going.history,
        "best": going.best,
        "best_score": going.best_score if np.isfinite(going.best_score) else None,
        "best_file": going.best_file,
    }
    going.checkpoints.save(f"step-{going.step:07d}", tensors, state)
    going.saved_at = time.monotonic()


def _restore(going: _Run, state: dict[str, Any]) -> None:
    import torch

    assert going.checkpoints is not None
    try:
        tensors = going.checkpoints.tensors(state["tensors"])
        going.put(tensors)
        load_adam(going.optimizer, going.names, tensors)
        torch.set_rng_state(tensors["rng"])
        if torch.cuda.is_available() and "rng_cuda" in tensors:
            torch.cuda.set_rng_state(tensors["rng_cuda"])
        going.step = going.began_step = int(state["step"])
        going.history = [Epoch(**each) for each in state["history"]]
        going.best, going.best_file = int(state["best"]), state["best_file"]
        going.best_score = -np.inf if state["best_score"] is None else float(state["best_score"])
        buffers = {n.removeprefix("buffer."): t for n, t in tensors.items() if n.startswith("buffer.")}
        going.objective.restore(buffers)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        folder = going.checkpoints.folder
        raise StoredDataError(
            f"the checkpoint in {folder} is damaged ({error!r}); start again with --restart"
        ) from error
