from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from models.tiny_t5 import write_tiny_t5
from segue.encode.tensors import tensors
from segue.errors import InputError, StoredDataError, TrainingError
from segue.train.seq2seq import Seq2SeqSettings, TextPairs, train_seq2seq
from segue.train.seq2seq_model import Writer

# fmt: off
WORDS = [
    "calm", "loud", "piano", "guitar", "rain", "sun", "night", "morning", "road", "dance", "slow", "fast", "old",
]
# fmt: on


def planted(n: int, rng_key: int = 0) -> TextPairs:
    """Two words in, six words out that nobody could guess."""
    rng = np.random.default_rng(rng_key)
    sources = list(dict.fromkeys(f"{a} {b}" for a, b in rng.choice(WORDS, (n * 3, 2))))[:n]
    return TextPairs(tuple(sources), tuple(" ".join(rng.choice(WORDS, 6, replace=False)) for _ in sources))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_t5(tmp_path_factory.mktemp("t5") / "base", [" ".join(WORDS)])


FULL = Seq2SeqSettings(method="full", epochs=60, patience=None, lr=5e-3, batch_size=5, most_source=16, most_target=12)
NONE = TextPairs((), ())


def test_ten_pairs_are_learnt_by_heart(base: Path) -> None:
    pairs = planted(10)
    trained = train_seq2seq(base, pairs, NONE, FULL)
    assert trained.writer.write(pairs.sources) == list(pairs.targets)
    assert trained.history[-1].train_loss is not None and trained.history[-1].train_loss < 0.1
    assert trained.trainable == trained.parameters


def test_lora_moves_its_own_parameters_alone(base: Path, tmp_path: Path) -> None:
    settings = Seq2SeqSettings(method="lora", epochs=2, batch_size=5, lora_rank=2, most_source=16, most_target=12)
    trained = train_seq2seq(base, planted(10), NONE, settings)
    model = trained.writer.model
    moved = {n for n, p in model.named_parameters() if p.requires_grad}
    assert moved and all("lora_" in name for name in moved)
    assert trained.trainable < trained.parameters / 5
    before = dict(tensors(base))
    frozen = {
        n.removeprefix("base_model.model.").replace(".base_layer", ""): p.detach().numpy()
        for n, p in model.named_parameters()
        if n not in moved
    }
    shared = [n for n in before if n in frozen]
    assert len(shared) > 10
    for name in shared:
        np.testing.assert_array_equal(before[name], frozen[name])
    trained.writer.save(tmp_path / "model", tmp_path / "adapter")
    after = dict(tensors(tmp_path / "model"))
    changed = [n for n in shared if not np.array_equal(before[n], after[n])]
    assert changed and all(n.rsplit(".", 2)[-2] in ("q", "v") for n in changed)
    kept = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    assert kept and all("lora_" in name for name in kept)


def test_the_epoch_with_the_lowest_validation_loss_is_kept(base: Path) -> None:
    settings = Seq2SeqSettings(**{**FULL.to_json(), "epochs": 12, "patience": 3, "lr": 2e-2})
    trained = train_seq2seq(base, planted(10), planted(6, rng_key=7), settings)
    losses = [e.validation_loss for e in trained.history[1:]]
    assert trained.best == 1 + int(np.argmin(np.array(losses, float)))
    assert len(losses) < 12, "targets that nobody can guess must end the training early"


def test_stopped_and_resumed_is_the_same_training(base: Path, tmp_path: Path) -> None:
    settings = Seq2SeqSettings(**{**FULL.to_json(), "epochs": 4})
    whole = train_seq2seq(base, planted(10), NONE, settings)

    class Stopped(Exception):
        pass

    def stop(done: int, total: int, what: str) -> None:
        if done == 5:  # in the third epoch
            raise Stopped

    with pytest.raises(Stopped):
        train_seq2seq(base, planted(10), NONE, settings, checkpoints=tmp_path / "c", progress=stop)
    resumed = train_seq2seq(base, planted(10), NONE, settings, checkpoints=tmp_path / "c")
    assert resumed.writer.fingerprint == whole.writer.fingerprint
    assert [e.train_loss for e in resumed.history] == [e.train_loss for e in whole.history]
    other = Seq2SeqSettings(**{**settings.to_json(), "lr": 1e-3})
    with pytest.raises(StoredDataError, match="other data or settings"):
        train_seq2seq(base, planted(10), NONE, other, checkpoints=tmp_path / "c")


def test_a_loss_that_is_no_number_stops(base: Path) -> None:
    with pytest.raises(TrainingError, match="the loss became"):
        settings = Seq2SeqSettings(**{**FULL.to_json(), "epochs": 3})
        _break_weights(base, settings)


def _break_weights(base: Path, settings: Seq2SeqSettings) -> None:
    import torch

    opened = Writer.open

    def broken(folder: Path, **given: int) -> Writer:
        writer = opened(folder, **given)
        with torch.no_grad():
            next(iter(writer.model.parameters())).fill_(float("nan"))
        return writer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Writer, "open", staticmethod(broken))
        train_seq2seq(base, planted(10), NONE, settings)


def test_hostile_texts_are_read_and_nothing_is_written_of_nothing(base: Path) -> None:
    writer = Writer.open(base, most_source=16, most_target=4)
    hostile = ["", "\ud800 \x00 \u202e", "word " * 100_000, "</s></s>", "{title}"]
    assert len(writer.write(hostile)) == len(hostile)
    assert writer.write([]) == []


def test_what_is_no_such_folder_is_said(tmp_path: Path, base: Path) -> None:
    with pytest.raises(StoredDataError, match="safetensors"):
        Writer.open(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"no")
    with pytest.raises(StoredDataError, match="cannot be opened"):
        Writer.open(tmp_path)
    with pytest.raises(TrainingError, match="no pair"):
        train_seq2seq(base, NONE, NONE, FULL)


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"lr": 0.0}, {"method": "half"}, {"patience": 0}, {"warmup": 1.0}])
def test_settings_that_make_no_sense(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        Seq2SeqSettings(**wrong)  # type: ignore[arg-type]
