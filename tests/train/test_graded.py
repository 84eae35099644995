"""The graded contrast: what it pulls together, what it must not push apart, and what LoRA may move."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

from models.tiny import tiny_folder
from segue.errors import InputError, TrainingError
from segue.library.supervision import Pairs
from segue.train.graded import GradedContrast, GradedSettings
from segue.train.loop import train_encoder
from segue.train.text_model import TextModel

WORDS = ["road", "trip", "summer", "chill", "rap", "metal", "jazz", "sad", "happy", "party"]


def pairs_of(*triples: tuple[str, str, float]) -> Pairs:
    left, right, grades = zip(*triples, strict=True)
    return Pairs(left, right, np.array(grades, np.float32))


PLAIN = pairs_of(*((f"{word} songs", f"{word} music", 1.0) for word in WORDS))


class Fixed:
    """Vectors that a test chooses, in the place of a model."""

    def __init__(self, texts: tuple[str, ...], vectors: dict[str, list[float]]) -> None:
        self.table = torch.nn.functional.normalize(torch.tensor([vectors[text] for text in texts]), dim=-1)

    def vectors(self, rows: np.ndarray) -> torch.Tensor:
        return self.table[torch.from_numpy(np.asarray(rows))]

    still = vectors


def loss_of(pairs: Pairs, vectors: dict[str, list[float]], **more: object) -> float:
    objective = GradedContrast.of(pairs, GradedSettings(batch_size=64, **more))  # type: ignore[arg-type]
    batch = objective.batches(np.random.default_rng(0))[0]
    return float(objective.loss(Fixed(objective.texts, vectors), batch).detach())  # type: ignore[arg-type]


def test_the_loss_is_the_softmax_of_the_formula() -> None:
    pairs = pairs_of(("a", "A", 1.0), ("b", "B", 0.5))
    vectors = {"a": [1.0, 0, 0], "A": [0.6, 0.8, 0], "b": [0, 1.0, 0], "B": [0, 0.6, 0.8]}
    cosine = np.array([[0.6, 0.0], [0.8, 0.6]]) / 0.05
    there = np.log(np.exp(cosine).sum(1)) - np.diag(cosine)
    back = np.log(np.exp(cosine).sum(0)) - np.diag(cosine)
    one_way = (there * [1, 0.5]).sum() / 1.5
    assert loss_of(pairs, vectors, both_ways=False) == pytest.approx(one_way, rel=1e-4)
    assert loss_of(pairs, vectors) == pytest.approx((((there + back) / 2) * [1, 0.5]).sum() / 1.5, rel=1e-4)


def test_a_hard_negative_raises_the_loss_and_a_known_answer_does_not() -> None:
    vectors = {"a": [1.0, 0, 0], "A": [0.9, 0.1, 0], "b": [0, 1.0, 0], "B": [0, 0.9, 0.1], "near": [1.0, 0, 0.1]}
    plain = (("a", "A", 1.0), ("b", "B", 1.0))
    alone = loss_of(pairs_of(*plain), vectors)
    assert loss_of(pairs_of(*plain, ("a", "near", 0.0)), vectors) > alone + 0.1
    assert loss_of(pairs_of(*plain, ("a", "near", 0.0)), vectors, hard_negatives=0) == pytest.approx(alone)
    # once it is an answer too, it is no negative, and what somebody graded 0 meanwhile does not count
    objective = GradedContrast.of(pairs_of(*plain, ("a", "near", 0.3), ("a", "near", 0.0)), GradedSettings())
    row = objective.texts.index("a")
    assert objective.train.hard[row] == ()
    assert objective.train.known[row] == {objective.texts.index("A"), objective.texts.index("near")}


def test_false_negatives_are_masked() -> None:
    pairs = pairs_of(("a", "A", 1.0), ("b", "B", 1.0), ("a", "B", 0.4), ("c", "C", 1.0), ("d", "A", 1.0))
    contents = {t: np.eye(3, dtype=np.float32)[i] for i, t in enumerate("ABC")}
    objective = GradedContrast.of(pairs, GradedSettings())
    at = np.arange(len(objective.train))
    hidden = objective.masked(objective.train, at, objective.train.right[at])
    lefts = [objective.texts[row] for row in objective.train.left]
    rights = [objective.texts[row] for row in objective.train.right]
    answers = {(left, right) for left, right in zip(lefts, rights, strict=True)}
    for i in at:
        for j in at:
            expected = (i != j and (lefts[i], rights[j]) in answers) or (i != j and lefts[i] == lefts[j])
            assert hidden[i, j] == expected, (lefts[i], rights[j])
    alike = GradedContrast.of(pairs, GradedSettings(), contents={**contents, "C": contents["A"]})
    more = alike.masked(alike.train, at, alike.train.right[at])
    assert (more >= hidden).all() and more.sum() > hidden.sum() and not np.diag(more).any()
    c = lefts.index("c")
    assert more[c, rights.index("A")] and not hidden[c, rights.index("A")]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.sampled_from("ABCDEF"), st.sampled_from([0.0, 1 / 3, 1.0])),
        min_size=2,
        max_size=30,
    ),
    st.integers(2, 8),
)
def test_every_answer_is_asked_once_an_epoch_and_never_a_negative(
    triples: list[tuple[str, str, float]], batch_size: int
) -> None:
    answers = {(a, b) for a, b, grade in triples if grade > 0}
    if len(answers) < 2 or len({b for _, b in answers}) < 2:
        with pytest.raises(TrainingError, match="two pairs"):
            GradedContrast.of(pairs_of(*triples), GradedSettings())
        return
    objective = GradedContrast.of(pairs_of(*triples), GradedSettings(batch_size=batch_size, hard_negatives=2))
    batches = objective.batches(np.random.default_rng(1))
    asked = np.concatenate([batch[0] for batch in batches])
    assert len(set(asked.tolist())) == len(asked) >= len(answers) - 1  # a last batch of one has nothing to contrast
    for batch in batches:
        for place, pair in enumerate(batch[0].tolist()):
            left = objective.texts[objective.train.left[pair]]
            for row in batch[1:, place].tolist():
                assert row == -1 or (left, objective.texts[row]) not in answers
    again = objective.batches(np.random.default_rng(1))
    assert all(np.array_equal(a, b) for a, b in zip(batches, again, strict=True))


@pytest.mark.parametrize(
    "values",
    [{"loss": "votes"}, {"like": 0}, {"lora_alpha": 0}, {"hard_negatives": -1}, {"max_length": 1}, {"method": "x"}],
)
def test_settings_that_make_no_sense(values: dict[str, object]) -> None:
    with pytest.raises(InputError):
        GradedSettings(**values)  # type: ignore[arg-type]


def test_grades_out_of_range() -> None:
    with pytest.raises(TrainingError, match="divide"):
        GradedContrast.of(pairs_of(("a", "A", 3.0), ("b", "B", 1.0)), GradedSettings())


@pytest.mark.filterwarnings("ignore:.*gradient_checkpointing:FutureWarning")  # peft asks for an old name on loading
def test_lora_changes_only_what_it_added(tmp_path: Path) -> None:
    model = TextModel.open(tiny_folder(), method="lora", lora_rank=2, lora_alpha=2, lora_targets=("query", "value"))
    before = {n: p.detach().clone() for n, p in model.sentence.named_parameters()}
    moving, parameters = model.counts()
    assert moving == 2 * 2 * 2 * (32 * 2)  # layers x matrices x (in + out) x rank
    assert moving / parameters < 0.1
    config = GradedSettings(epochs=2, batch_size=5, lr=1e-2, best_by="loss", patience=None, max_length=16)
    trained = train_encoder(model, GradedContrast.of(PLAIN, config, held=PLAIN), config)
    losses = [epoch.validation_loss for epoch in trained.history[1:]]
    assert losses[1] is not None and losses[0] is not None and losses[1] < losses[0]
    after = dict(model.sentence.named_parameters())
    changed = {n for n in before if not torch.equal(before[n], after[n])}
    assert changed == set(model.trainable()) and all("lora_" in name for name in changed)
    vectors = model.encode(["road songs", "jazz music"])
    model.save_adapter(tmp_path / "adapter", "tiny")
    model.save(tmp_path / "merged")
    check_plain_peft(tmp_path, vectors)


def check_plain_peft(folder: Path, vectors: np.ndarray) -> None:
    """The adapter on the base, by peft alone, gives what the merged weights give."""
    from peft import PeftModel
    from sentence_transformers import SentenceTransformer

    config = json.loads((folder / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "tiny" and str(tiny_folder()) not in json.dumps(config)
    assert sorted(p.name for p in (folder / "adapter").iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    base, merged = (load_file(at / "model.safetensors") for at in (tiny_folder(), folder / "merged"))
    differ = {n for n in base if n in merged and not np.array_equal(base[n], merged[n])}
    assert differ and all("query" in name or "value" in name for name in differ)
    sentence = SentenceTransformer(str(tiny_folder()), device="cpu")
    sentence[0].auto_model = PeftModel.from_pretrained(sentence[0].auto_model, str(folder / "adapter"))
    found = sentence.encode(["road songs", "jazz music"], show_progress_bar=False)
    np.testing.assert_allclose(found, vectors, atol=1e-5)
    whole = SentenceTransformer(str(folder / "merged"), device="cpu").encode(["road songs", "jazz music"])
    np.testing.assert_allclose(whole, vectors, atol=1e-5)


def test_unknown_layers_are_named() -> None:
    with pytest.raises(InputError, match="no linear layer called 'nothing'"):
        TextModel.open(tiny_folder(), method="lora", lora_targets=("nothing",))
    with pytest.raises(InputError, match="no adapter"):
        TextModel.open(tiny_folder(), method="full").save_adapter(Path("x"), "tiny")
