"""The loop moves what may move, keeps the best epoch, resumes to the bit, and stops when the loss is no number."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.tiny import tiny_folder
from segue.errors import InputError, OutputError, StoredDataError, TrainingError
from segue.library import Labels
from segue.train import checkpoint, loop
from segue.train.classify import Classification
from segue.train.loop import Epoch, Trained, train_encoder
from segue.train.lower_layers import LowerLayers
from segue.train.settings import FinetuneSettings
from segue.train.text_model import Method, TextModel

TITLES = ("road trip", "sad songs", "metal", "rap", "jazz", "party", "chill", "summer 2017", "love", "rain")
QUICK = FinetuneSettings(loss="cross_entropy", epochs=3, batch_size=3, lr=1e-3, lr_own=1e-2, patience=None)


class Killed(BaseException):
    """What no handler catches."""


def objective(settings: FinetuneSettings) -> Classification:
    torch.manual_seed(settings.rng_key)
    train = Labels(TITLES, np.array([0, 1] * 5, np.int32))
    return Classification.of(train, Labels(("sunday", "music"), np.array([0, 1], np.int32)), 32, settings)


def trained(
    settings: FinetuneSettings = QUICK, method: Method = "full", **more: Any
) -> tuple[TextModel, Trained, dict[str, torch.Tensor]]:
    model = TextModel.open(tiny_folder(), method=method, freeze_embeddings=settings.freeze_embeddings)
    loss = more.pop("objective", None) or objective(settings)
    found = train_encoder(model, loss, settings, **more)
    return model, found, {n: p.detach().clone() for n, p in model.trainable().items()}


def kill_at(step: int) -> Callable[[int, int, str], None]:
    def progress(done: int, total: int, note: str) -> None:
        if done == step:
            raise Killed

    return progress


@pytest.mark.parametrize("method", ["full", "lora", "adapter"])
def test_what_may_move_moves(method: Method) -> None:
    before = TextModel.open(tiny_folder())
    model, found, weights = trained(method=method)
    start = {n: p.detach() for n, p in before.trainable().items()}
    assert len(found.history) == 4 and found.history[0].epoch == 0
    if method == "full":
        moved = {n for n in weights if not torch.equal(weights[n], start[n])}
        assert not any("embeddings" in n for n in weights)
        # mean pooling does not read the pooler, so only weight decay touches it
        assert {n for n in weights if "pooler" not in n} <= moved
    elif method == "adapter":
        assert list(weights) == ["adapter.weight"]
        assert not torch.equal(weights["adapter.weight"], torch.eye(32))
    else:
        assert all("lora" in n for n in weights)
    assert not np.allclose(model.encode(TITLES), before.encode(TITLES), atol=1e-4)


def test_frozen_layers_are_run_once_and_change_nothing_but_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [*TITLES, "", "x" * 200, "road trip"]
    whole, cut = TextModel.open(tiny_folder()), TextModel.open(tiny_folder(), frozen_layers=1)
    np.testing.assert_allclose(cut.encode(texts), whole.encode(texts), atol=1e-5)
    start = {n: p.detach().clone() for n, p in whole.transformer.named_parameters()}
    calls = []
    lower = cut.transformer.encoder.layer[0]
    real = lower.forward
    monkeypatch.setattr(lower, "forward", lambda *a, **k: calls.append(len(a[0])) or real(*a, **k))
    train_encoder(cut, objective(QUICK), QUICK)
    assert sum(calls) <= 2, "texts that were read before are not run through the frozen layer again"
    moved = {n for n, p in cut.transformer.named_parameters() if not torch.equal(p, start[n])}
    assert moved and not any("embeddings" in n or "layer.0." in n for n in moved)
    assert any("layer.1." in n for n in moved)


def test_the_last_layer_is_never_frozen_and_other_families_are_refused() -> None:
    model = TextModel.open(tiny_folder(), frozen_layers=99)
    assert any("layer.1." in n for n in model.trainable())
    with pytest.raises(InputError, match="frozen_layers=0"):
        LowerLayers.of(torch.nn.Linear(2, 2), 1)


@pytest.mark.parametrize("method", ["full", "lora", "adapter"])
def test_what_is_saved_is_what_was_trained(method: Method, tmp_path: Path) -> None:
    from segue.encode.sentence import SentenceEncoder

    model, _, _ = trained(method=method)
    vectors = model.encode([*TITLES, "", "x" * 500])
    model.save(tmp_path / "saved")
    saved = SentenceEncoder.open(tmp_path / "saved").encode([*TITLES, "", "x" * 500])
    np.testing.assert_allclose(saved, vectors, atol=1e-5)


def test_everything_frozen_is_an_error() -> None:
    model = TextModel.open(tiny_folder())
    model.transformer.requires_grad_(False)
    with pytest.raises(TrainingError, match="frozen"):
        train_encoder(model, objective(QUICK), QUICK)


def test_the_same_call_gives_the_same_bits() -> None:
    (_, one, a), (_, other, b) = trained(), trained()
    assert all(torch.equal(a[n], b[n]) for n in a)
    assert [e.train_loss for e in one.history] == [e.train_loss for e in other.history]
    _, _, c = trained(QUICK.changed(rng_key=1))
    assert not all(torch.equal(a[n], c[n]) for n in a)


@pytest.mark.parametrize("step", [1, 2, 4, 5, 9, 12])
@pytest.mark.parametrize("method", ["full", "lora"])
def test_killed_anywhere_and_resumed_equals_uninterrupted(
    step: int, method: Method, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps 4, 8 and 12 end an epoch; a checkpoint is due after every step."""
    monkeypatch.setattr(loop, "_CHECKPOINT_S", 0.0)
    scores = iter(np.linspace(1, 0, 100).tolist())

    def validate(model: TextModel) -> float:
        assert not model.sentence.training or model.encode(["rap"]).shape == (1, 32)
        return next(scores)

    settings = QUICK.changed(best_by="loss")
    _, wanted, weights = trained(settings, method, validate=validate)
    with pytest.raises(Killed):
        trained(settings, method, checkpoints=tmp_path / "c", progress=kill_at(step), validate=validate)
    _, found, resumed = trained(settings, method, checkpoints=tmp_path / "c", validate=validate)
    assert all(torch.equal(weights[n], resumed[n]) for n in weights)
    assert [e.train_loss for e in found.history] == [e.train_loss for e in wanted.history]
    assert [e.validation_loss for e in found.history] == [e.validation_loss for e in wanted.history]
    assert found.best == wanted.best


def test_a_checkpoint_holds_no_pickle_and_two_states_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_CHECKPOINT_S", 0.0)
    with pytest.raises(Killed):
        trained(checkpoints=tmp_path / "c", progress=kill_at(7))
    names = sorted(p.name for p in (tmp_path / "c").iterdir())
    assert names == ["best-001.safetensors", "state.json", "step-0000006.safetensors"]
    state = json.loads((tmp_path / "c" / "state.json").read_text())
    assert (state["epoch"], state["done"], state["step"]) == (2, 2, 6)


def test_killed_while_it_saves_the_last_whole_checkpoint_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "_CHECKPOINT_S", 0.0)
    _, _, weights = trained()
    real = checkpoint.write_json

    def half(path: Path, value: dict[str, Any]) -> None:
        if value["step"] == 6:
            raise Killed
        real(path, value)

    monkeypatch.setattr(checkpoint, "write_json", half)
    with pytest.raises(Killed):
        trained(checkpoints=tmp_path / "c")
    monkeypatch.setattr(checkpoint, "write_json", real)
    (tmp_path / "c" / ".step-0000099.safetensors.part").write_bytes(b"half a file")
    assert json.loads((tmp_path / "c" / "state.json").read_text())["step"] == 5
    _, _, resumed = trained(checkpoints=tmp_path / "c")
    assert all(torch.equal(weights[n], resumed[n]) for n in weights)
    assert not list((tmp_path / "c").glob(".*.part"))


def test_other_settings_or_data_do_not_go_on(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        trained(checkpoints=tmp_path / "c", progress=kill_at(5), run="a")
    with pytest.raises(StoredDataError, match="--restart"):
        trained(QUICK.changed(lr=2e-3), checkpoints=tmp_path / "c", run="a")
    with pytest.raises(StoredDataError, match="--restart"):
        trained(checkpoints=tmp_path / "c", run="b")


@pytest.mark.parametrize("damage", ["state", "tensors", "gone", "lacking", "newer"])
def test_a_damaged_checkpoint_is_named(damage: str, tmp_path: Path) -> None:
    folder = tmp_path / "c"
    with pytest.raises(Killed):
        trained(checkpoints=folder, progress=kill_at(5))
    state = json.loads((folder / "state.json").read_text())
    tensors = folder / state["tensors"]
    match damage:
        case "state":
            (folder / "state.json").write_text("{")
        case "tensors":
            tensors.write_bytes(tensors.read_bytes()[:100])
        case "gone":
            tensors.unlink()
        case "lacking":
            del state["step"]
            (folder / "state.json").write_text(json.dumps(state))
        case "newer":
            state["format_version"] = 99
            (folder / "state.json").write_text(json.dumps(state))
    with pytest.raises(StoredDataError, match=str(folder)):
        trained(checkpoints=folder)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        trained(checkpoints=tmp_path / "file" / "c")


@dataclass(eq=False)
class Diverging:
    """A loss that is no number from some step on."""

    inner: Classification
    at: int
    steps: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def loss(self, model: TextModel, batch: Any) -> torch.Tensor:
        self.steps += 1
        loss = self.inner.loss(model, batch)
        return loss * float("nan") if self.steps >= self.at else loss


def test_a_loss_that_is_no_number_stops_and_keeps_the_best(tmp_path: Path) -> None:
    settings = QUICK.changed(best_by="loss")
    with pytest.raises(TrainingError, match=r"became nan in epoch 3, step 1; the best epoch so far \([12]\) is kept"):
        trained(settings, objective=Diverging(objective(settings), at=9), checkpoints=tmp_path / "c")
    model, found, weights = trained(settings, checkpoints=tmp_path / "c", finish=True)
    assert found.best in (1, 2) and len(found.history) == 3
    best = checkpoint.Checkpoints(tmp_path / "c", "").tensors(f"best-{found.best:03d}.safetensors")
    assert all(torch.equal(best[f"encoder.{n}"], p) for n, p in weights.items())
    assert np.isfinite(model.encode(TITLES)).all()


def test_nothing_to_finish(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="nothing to finish"):
        trained(checkpoints=tmp_path / "c", finish=True)


def test_the_best_epoch_is_kept_and_patience_ends_the_training() -> None:
    scores = iter([0.1, 0.3, 0.5, 0.4, 0.4, 0.9, 0.9])  # epoch 0 first
    settings = QUICK.changed(epochs=6, patience=2, best_by="metric")
    _, found, weights = trained(settings, validate=lambda _: next(scores))
    assert found.best == 2 and len(found.history) == 5
    again = iter([0.1, 0.3, 0.5])
    # the schedule of the rates depends on the epochs that are planned, so as many are planned and two are run
    stopped: dict[str, torch.Tensor] = {}

    def stop(model: TextModel) -> float:
        score = next(again)
        stopped.update({n: p.detach().clone() for n, p in model.trainable().items()})
        if score == 0.5:
            raise Killed
        return score

    with pytest.raises(Killed):
        trained(settings, validate=stop)
    assert all(torch.equal(weights[n], stopped[n]) for n in weights)


@pytest.mark.parametrize(("best_by", "wanted"), [("metric", 0.4), ("loss", -2.0), ("accuracy", 0.7)])
def test_what_the_best_is_chosen_by(best_by: str, wanted: float) -> None:
    epoch = Epoch(1, train_loss=3.0, validation_loss=2.0, validation_accuracy=0.7, validation_metric=0.4)
    settings = FinetuneSettings(loss="cross_entropy").changed(best_by=best_by)
    assert loop._score(epoch, settings) == wanted
    assert loop._score(Epoch(1, train_loss=3.0), settings) == -3.0


def test_measuring_changes_no_result() -> None:
    _, _, weights = trained()
    _, _, watched = trained(validate=lambda m: float(m.encode(["rap"]).sum()), monitor=lambda m: float(torch.rand(1)))
    plain = QUICK.changed(best_by="loss")
    _, _, a = trained(plain)
    _, _, b = trained(plain, validate=lambda m: float(torch.rand(1)))
    assert all(torch.equal(a[n], b[n]) for n in a)
    assert weights.keys() == watched.keys()


def test_rates_warm_up_and_fall() -> None:
    model = TextModel.open(tiny_folder())
    settings = QUICK.changed(epochs=10, warmup=10)
    going = loop._prepared(model, objective(settings), settings, None, "")
    rates = []
    for step in range(going.steps):
        going.step = step
        loop._set_rates(going)
        rates.append(going.optimizer.param_groups[0]["lr"] / settings.lr)
    assert rates[0] == pytest.approx(0.1) and max(rates) < 1 and rates.index(max(rates)) == 9
    assert rates[-1] == pytest.approx(max(0.02, 1 - 39 / 40))
    assert all(x > y for x, y in pairwise(rates[9:]))
