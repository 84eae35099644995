"""The head of classes: its loss against numpy, its batches, what it learns and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.tiny import tiny_folder
from segue.errors import InputError, TrainingError
from segue.train.sentiment import Examples, SentimentSettings, TrainedHead, examples, held_out, train_head
from segue.train.sentiment_baselines import frozen_logistic, majority, tfidf_logistic
from segue.train.text_head import TextHead
from segue.train.text_model import TextModel
from train.planted_moods import planted_moods

QUICK = SentimentSettings(epochs=4, lr=3e-3, lr_head=1e-2, frozen_layers=0, dropout=0.0)


def planted(n: int = 400) -> Examples:
    data = planted_moods(n)
    return examples(data.texts, data.classes, hold_out=0.2)


@pytest.fixture(scope="module")
def trained() -> TrainedHead:
    return train_head(planted(), tiny_folder(), QUICK)


def test_one_word_decides_and_that_is_learnt(trained: TrainedHead) -> None:
    history = trained.trained.history
    assert history[0].validation_metric is not None and history[0].validation_metric < 0.6
    assert trained.head.macro_recall(trained.model) > 0.95
    assert history[trained.trained.best].validation_metric == trained.head.macro_recall(trained.model)


def test_the_loss_is_cross_entropy_with_weights_and_smoothing() -> None:
    found = planted(60)
    model = TextModel.open(tiny_folder(), precision="float32", freeze_embeddings=True)
    head = TextHead.of(model, found.train, found.held, dropout=0.0, smoothing=0.1, balanced=True)
    model.sentence.eval()
    batch = np.arange(20)
    vectors = model.vectors(batch).detach().numpy().astype(np.float64)
    weight, bias = head.weights(model.d)
    logits = vectors @ weight.T.astype(np.float64) + bias
    logs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    classes = found.train[1]
    counts = np.bincount(classes)
    of_class = len(classes) / (3 * counts)
    # a smoothed target asks every class a little, each with its own weight
    target = np.full((20, 3), 0.1 / 3) + 0.9 * np.eye(3)[classes[batch]]
    expected = -(target * logs * of_class).sum(1).mean()
    assert float(head.loss(model, batch).detach()) == pytest.approx(expected, rel=1e-4)


def test_batches_hold_each_text_once_and_texts_of_like_length() -> None:
    rng = np.random.default_rng(5)
    texts = tuple(" ".join(rng.choice(["sad", "road"], int(rng.integers(1, 30)))) for _ in range(200))
    found = examples(texts, rng.integers(0, 2, 200), hold_out=0.2)
    model = TextModel.open(tiny_folder(), precision="float32")
    head = TextHead.of(model, found.train, found.held, batch_size=16)
    for rng_key in (0, 1):
        batches = head.batches(np.random.default_rng(rng_key))
        assert sorted(np.concatenate(batches).tolist()) == list(range(len(found.train[0])))
        spread = [int(np.ptp(head.lengths[batch])) for batch in batches]
        assert np.mean(spread) < np.ptp(head.lengths) / 4
    first, second = (head.batches(np.random.default_rng(key)) for key in (0, 1))
    assert [b.tolist() for b in first] != [b.tolist() for b in second]


def test_the_same_call_gives_the_same_bits_and_a_killed_training_too(trained: TrainedHead, tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    def kill(step: int, steps: int, note: str) -> None:
        if step > steps // 2 + 1:
            raise Killed

    with pytest.raises(Killed):
        train_head(planted(), tiny_folder(), QUICK, checkpoints=tmp_path / "kept", progress=kill)
    again = train_head(planted(), tiny_folder(), QUICK, checkpoints=tmp_path / "kept")
    ours, theirs = again.head.weights(again.model.d), trained.head.weights(trained.model.d)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(ours, theirs, strict=True))
    assert again.head.logits(again.model).tobytes() == trained.head.logits(trained.model).tobytes()


def test_frozen_layers_stay() -> None:
    settings = QUICK.changed(frozen_layers=1, epochs=1)
    found = train_head(planted(120), tiny_folder(), settings)
    before = TextModel.open(tiny_folder(), precision="float32").sentence.state_dict()
    for name, tensor in found.model.sentence.state_dict().items():
        moved = not bool((tensor == before[name]).all())
        assert moved <= ("encoder.layer.1." in name), name
    assert any("encoder.layer.1." in name for name in found.model.trainable())


def test_held_out_texts_are_a_share_by_hash_and_never_trained_on() -> None:
    data = planted_moods(1000)
    found = examples(data.texts, data.classes, hold_out=0.2)
    assert not set(found.train[0]) & set(found.held[0])
    assert 0.1 < len(found.held[0]) / 1000 < 0.3
    backwards = examples(data.texts[::-1], data.classes[::-1], hold_out=0.2)
    assert set(backwards.held[0]) == set(found.held[0])
    assert all(held_out(text, 0.3) for text in found.held[0])  # a larger share holds the smaller one


def test_held_out_labels_move_no_weight() -> None:
    found = planted(120)
    settings = QUICK.changed(epochs=1)
    other = Examples(found.train, (found.held[0], (found.held[1] + 1) % 3), found.present)
    ours, theirs = (train_head(each, tiny_folder(), settings).head.weights(32) for each in (found, other))
    assert ours[0].tobytes() == theirs[0].tobytes()


def test_two_classes_keep_their_names_and_long_texts_are_cut() -> None:
    data = planted_moods(200, classes=(0, 2))
    found = examples(data.texts, data.classes, hold_out=0.2)
    assert found.present == (0, 2) and set(found.train[1].tolist()) == {0, 1}
    long = tuple("\n".join([text] * 400) for text in data.texts)
    cut = examples(long, data.classes, hold_out=0.2)
    assert len(cut.train[0]) + len(cut.held[0]) == 4 * 200
    assert max(len(t.split()) for t in cut.train[0]) <= 48


def test_what_cannot_be_learnt_from_is_said() -> None:
    data = planted_moods(100)
    with pytest.raises(TrainingError, match="at least two classes, these have 1"):
        examples(data.texts, np.zeros(100, np.int64), hold_out=0.2)
    with pytest.raises(TrainingError, match="10 texts are too few"):
        examples(data.texts[:10], data.classes[:10], hold_out=0.2)
    for wrong in ({"hold_out": 0.0}, {"smoothing": 1.0}, {"epochs": 0}, {"lr": float("nan")}):
        with pytest.raises(InputError):
            SentimentSettings(**wrong)


def test_baselines_find_the_word_and_the_majority_knows_nothing() -> None:
    from segue.encode.sentence import SentenceEncoder

    found = planted()
    test = planted_moods(200, rng_key=9)
    tfidf = tfidf_logistic(found)
    shares = tfidf.probabilities(test.texts)
    assert shares.shape == (200, 3) and shares.sum(1) == pytest.approx(np.ones(200))
    assert (shares.argmax(1) == test.classes).mean() > 0.98 and tfidf.held_out > 0.95
    assert {"n_words", "marks", "C", "balanced"} == set(tfidf.chosen)
    most = majority(found).probabilities(test.texts).argmax(1)
    assert set(most.tolist()) == {int(np.bincount(found.train[1]).argmax())}
    assert majority(found).held_out == pytest.approx(1 / 3)
    frozen = frozen_logistic(found, SentenceEncoder.open(tiny_folder()))
    assert (frozen.probabilities(test.texts).argmax(1) == test.classes).mean() > 0.4


def test_texts_of_single_letters_and_marks_have_a_tfidf_row_too() -> None:
    rng = np.random.default_rng(3)
    classes = rng.integers(0, 2, 100)
    letters = [" ".join(rng.choice(list("abcdefgh"), 4)) for _ in classes]
    texts = tuple(f"{'!' if mood else '?'} {rest}" for mood, rest in zip(classes.tolist(), letters, strict=True))
    found = examples(texts, classes, hold_out=0.5)
    assert tfidf_logistic(found).held_out == 1.0
