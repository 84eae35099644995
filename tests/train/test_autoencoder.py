"""Auto-encoders on data whose shape is known."""

import numpy as np
import pytest

from segue.encode.autoencoder import AutoencoderSpec
from segue.errors import InputError, TrainingError
from segue.train.autoencoder import (
    AutoencoderSettings,
    constant_dimensions,
    mean_squared_error,
    train_autoencoder,
)

_QUICK = AutoencoderSettings(epochs=6, steps_per_epoch=20, batch_size=64)


def _curve(n, key):
    """Points of a curve in five dimensions that bends too much for any plane: one latent dimension."""
    t = np.random.default_rng(key).uniform(0, 2.6, n)
    return np.stack([np.sin(2 * t), np.cos(2 * t), t / 3, np.sin(t), t**2 / 9], axis=1).astype(np.float32)


def _plane(n, key):
    """Two latent dimensions, straight, with a little noise."""
    rng = np.random.default_rng(key)
    axes = np.random.default_rng(77).normal(size=(2, 6))
    return (rng.normal(size=(n, 2)) @ axes * 0.2 + 0.5 + 0.01 * rng.normal(size=(n, 6))).astype(np.float32)


def _pca_error(train, validation, d):
    mean = train.mean(axis=0, dtype=np.float64)
    axes = np.linalg.svd(train - mean, full_matrices=False)[2][:d].T
    centred = validation - mean
    return float(((centred - centred @ axes @ axes.T) ** 2).mean())


def test_a_curve_is_followed_where_pca_cannot():
    train, validation = _curve(1_500, 0), _curve(300, 1)
    settings = AutoencoderSettings(epochs=20, steps_per_epoch=50, batch_size=128, learning_rate=1e-2)
    trained = train_autoencoder(train, validation, AutoencoderSpec.of(1, (32, 16), "tanh"), settings)
    best = trained.history[trained.best_epoch]
    assert best.validation < 0.02 * _pca_error(train, validation, 1)
    assert mean_squared_error(trained.autoencoder, validation).mean() == pytest.approx(best.validation, rel=1e-2)
    # the code is the place on the curve, up to a bend of its own: neighbours on the curve are neighbours in the code
    order = np.argsort(validation[:, 2])
    code = trained.autoencoder.encode(validation)[order, 0]
    assert abs(np.corrcoef(np.argsort(np.argsort(code)), np.arange(len(code)))[0, 1]) > 0.99
    assert trained.warnings == ()


def test_a_linear_network_on_a_plane_is_pca():
    train, validation = _plane(1_000, 0), _plane(300, 1)
    settings = AutoencoderSettings(epochs=12, steps_per_epoch=50, batch_size=128, learning_rate=1e-2)
    trained = train_autoencoder(train, validation, AutoencoderSpec.of(2), settings)
    pca = _pca_error(train, validation, 2)
    assert trained.history[trained.best_epoch].validation == pytest.approx(pca, rel=0.01)
    # and no network does better with one dimension less than the data has
    short = train_autoencoder(train, validation, AutoencoderSpec.of(1), settings)
    assert short.history[short.best_epoch].validation >= 0.99 * _pca_error(train, validation, 1)


def test_the_same_data_give_the_same_bits_and_another_key_others():
    train, validation = _curve(300, 0), _curve(60, 1)
    spec = AutoencoderSpec.of(2, (8,), "gelu")
    a, b = (train_autoencoder(train, validation, spec, _QUICK) for _ in range(2))
    assert a.autoencoder.fingerprint == b.autoencoder.fingerprint and a.history == b.history
    other = train_autoencoder(train, validation, spec, AutoencoderSettings(6, 20, batch_size=64, rng_key=1))
    assert other.autoencoder.fingerprint != a.autoencoder.fingerprint


def test_validation_rows_choose_the_epoch_and_nothing_else():
    train = _curve(300, 0)
    spec = AutoencoderSpec.of(2, (8,), "tanh")
    a = train_autoencoder(train, _curve(60, 1), spec, _QUICK)
    b = train_autoencoder(train, _curve(60, 2), spec, _QUICK)
    assert [e.train for e in a.history] == [e.train for e in b.history]
    assert [e.validation for e in a.history] != [e.validation for e in b.history]


def test_the_best_epoch_is_kept_and_patience_ends_the_rest():
    train, validation = _curve(200, 0), _curve(200, 1)[:, ::-1].copy()  # validation is another thing altogether
    settings = AutoencoderSettings(epochs=60, steps_per_epoch=30, patience=3, batch_size=64)
    trained = train_autoencoder(train, validation, AutoencoderSpec.of(1, (16,), "tanh"), settings)
    losses = [e.validation for e in trained.history]
    assert trained.best_epoch == int(np.argmin(losses))
    assert len(losses) == trained.best_epoch + 1 + 3 < 61
    got = mean_squared_error(trained.autoencoder, validation).mean()
    assert got == pytest.approx(losses[trained.best_epoch], rel=1e-3)


def test_a_relu_at_the_code_kills_dimensions_and_that_is_said():
    train, validation = _plane(400, 0), _plane(100, 1)
    dead = AutoencoderSpec.of(24, (8,), "relu", "relu")
    fast = AutoencoderSettings(4, 20, batch_size=64, learning_rate=0.05)
    trained = train_autoencoder(train, validation, dead, fast)
    (sentence,) = trained.warnings
    silent = trained.autoencoder.encode(validation).std(axis=0) == 0
    assert silent.any() and sentence.startswith(f"{silent.sum()} of 24 latent dimensions")
    alive = train_autoencoder(train, validation, AutoencoderSpec.of(2, (8,), "relu"), _QUICK)
    assert alive.warnings == ()


def test_constant_dimensions_are_named_in_words():
    assert constant_dimensions(np.random.default_rng(0).normal(size=(9, 3))) == ()
    (sentence,) = constant_dimensions(np.zeros((5, 20)))
    assert sentence.startswith("20 of 20 latent dimensions are constant") and "10, ...)" in sentence


def test_equal_columns_are_rebuilt_alike_whatever_their_scale():
    train, validation = _plane(600, 0), _plane(150, 1)
    scale = np.array([1, 1, 1, 1, 0.05, 0.05], np.float32)
    settings = AutoencoderSettings(10, 40, batch_size=128, learning_rate=1e-2, equal_columns=True)
    plain = AutoencoderSettings(10, 40, batch_size=128, learning_rate=1e-2)
    explained = {}
    for name, chosen in (("equal", settings), ("plain", plain)):
        trained = train_autoencoder(train * scale, validation * scale, AutoencoderSpec.of(1), chosen)
        wrong = (trained.autoencoder.rebuilt(validation * scale) - validation * scale).var(axis=0)
        explained[name] = 1 - wrong / (validation * scale).var(axis=0)
        if name == "equal":  # the curve is the error in units of the training variances
            squares = ((trained.autoencoder.rebuilt(validation * scale) - validation * scale) ** 2).mean(axis=0)
            told = trained.history[trained.best_epoch].validation
            assert told == pytest.approx((squares / (train * scale).var(axis=0)).mean(), rel=1e-3)
    # one dimension cannot say two things: the small columns are heard only where all count alike
    unscaled = train_autoencoder(train, validation, AutoencoderSpec.of(1), settings)
    wrong = (unscaled.autoencoder.rebuilt(validation) - validation).var(axis=0) / validation.var(axis=0)
    np.testing.assert_allclose(explained["equal"], 1 - wrong, atol=0.03)
    assert not np.allclose(explained["equal"], explained["plain"], atol=0.03)


def test_columns_that_are_only_read_are_not_rebuilt():
    train, validation = _curve(400, 0), _curve(80, 1)
    trained = train_autoencoder(train, validation, AutoencoderSpec.of(1, (8,), "tanh"), _QUICK, n_targets=2)
    assert trained.autoencoder.n_inputs == 5 and trained.autoencoder.n_targets == 2
    assert trained.autoencoder.rebuilt(validation).shape == (80, 2)
    got = ((trained.autoencoder.rebuilt(validation) - validation[:, :2]) ** 2).mean()
    assert got == pytest.approx(trained.history[trained.best_epoch].validation, rel=1e-3)


def test_a_constant_column_breaks_nothing():
    train, validation = _curve(300, 0), _curve(60, 1)
    train, validation = (np.hstack([x, np.full((len(x), 1), 0.5, np.float32)]) for x in (train, validation))
    settings = AutoencoderSettings(10, 40, batch_size=64, learning_rate=1e-2)
    trained = train_autoencoder(train, validation, AutoencoderSpec.of(2, (8,), "tanh"), settings)
    np.testing.assert_allclose(trained.autoencoder.rebuilt(validation)[:, 5], 0.5, atol=0.05)


def test_a_training_that_moves_nothing_is_an_error():
    train, validation = _curve(100, 0), _curve(20, 1)
    with pytest.raises(TrainingError, match="moved no parameter"):
        train_autoencoder(train, validation, AutoencoderSpec.of(1), AutoencoderSettings(2, 2, learning_rate=0.0))


def test_what_cannot_be_trained_is_said():
    good = _curve(50, 0)
    spec = AutoencoderSpec.of(1, (4,), "relu")
    with pytest.raises(TrainingError, match="too few"):
        train_autoencoder(good[:1], good, spec)
    with pytest.raises(TrainingError, match="too few"):
        train_autoencoder(good, good[:0], spec)
    with pytest.raises(TrainingError, match="not finite"):
        train_autoencoder(np.where(good > 0.9, np.nan, good), good, spec)
    with pytest.raises(TrainingError, match="lower learning rate"):
        train_autoencoder(good, good, spec, AutoencoderSettings(3, 30, learning_rate=1e30))
    for wrong in ({"epochs": 0}, {"batch_size": 0}, {"learning_rate": float("nan")}, {"final_rate": 2.0}):
        with pytest.raises(InputError):
            AutoencoderSettings(**wrong)
