"""The share model against a general optimiser."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from segue.errors import TrainingError
from segue.library.vote_parameters import ShareModel
from segue.train.shares import fit_shares

NAMES = ("a", "b", "c")


def random_cases(rng_key: int, n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(rng_key)
    features = rng.standard_normal((n, 3)) * (1.0, 20.0, 0.05) + (0.0, -7.0, 3.0)
    logits = 1.5 * features[:, 0] - 0.1 * (features[:, 1] + 7) - 1
    return features, 1 / (1 + np.exp(-logits - rng.standard_normal(n)))


def penalised_loss(w: np.ndarray, z: np.ndarray, shares: np.ndarray, l2: float) -> float:
    logits = w[0] + z @ w[1:]
    p = 1 / (1 + np.exp(-logits))
    log_loss = -(shares * np.log(p) + (1 - shares) * np.log(1 - p)).mean()
    return float(log_loss + l2 * (w[1:] ** 2).mean())


@pytest.mark.parametrize("rng_key", range(3))
@pytest.mark.parametrize("l2", [0.1, 2.0])
def test_the_optimum_is_that_of_a_general_optimiser(rng_key: int, l2: float) -> None:
    features, shares = random_cases(rng_key)
    model = fit_shares(NAMES, features, shares, l2=l2)
    # what the docstring of ShareModel says, written out
    standard = (features - features.mean(axis=0)) / features.std(axis=0)
    pairs = [0.3 * standard[:, i] * standard[:, j] for i in range(3) for j in range(i, 3)]
    z = np.column_stack([*standard.T, *pairs]).clip(-8, 8)
    found = minimize(penalised_loss, np.zeros(10), (z, shares, l2), method="BFGS", options={"gtol": 1e-7})
    ours = np.array([model.bias, *model.weights])
    assert penalised_loss(ours, z, shares, l2) <= found.fun + 1e-8
    np.testing.assert_allclose(ours, found.x, atol=2e-3)
    np.testing.assert_allclose(
        model.predict(features), 1 / (1 + np.exp(-(ours[0] + z @ ours[1:]))), rtol=1e-6, atol=1e-9
    )


def test_without_features_that_say_anything_the_mean_is_predicted() -> None:
    shares = np.array([0.2, 0.4, 0.9, 0.1])
    model = fit_shares(NAMES, np.ones((4, 3)), shares)
    np.testing.assert_allclose(model.predict(np.ones((2, 3))), shares.mean(), atol=1e-6)
    assert model.notes == {"cases": 4.0, "mean_share": pytest.approx(0.4)}


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_shares_at_the_ends_stay_finite(share: float) -> None:
    features, _ = random_cases(0, n=30)
    predicted = fit_shares(NAMES, features, np.full(30, share)).predict(features)
    assert np.isfinite(predicted).all() and np.abs(predicted - share).max() < 0.01


def test_all_or_nothing_is_told_apart() -> None:
    features, _ = random_cases(1)
    whole = (features[:, 0] > 0).astype(float)
    predicted = fit_shares(NAMES, features, whole).predict(features)
    assert predicted[whole == 1].min() > predicted[whole == 0].mean()
    assert ((predicted > 0.5) == (whole == 1)).mean() > 0.95


def test_the_same_cases_give_the_same_model_and_json_keeps_it() -> None:
    features, shares = random_cases(2)
    model = fit_shares(NAMES, features, shares)
    assert model == fit_shares(NAMES, features, shares)
    again = ShareModel.from_json(model.to_json())
    assert again == model and again.predict(features).tobytes() == model.predict(features).tobytes()


def test_no_cases_are_an_error() -> None:
    with pytest.raises(TrainingError, match="no cases"):
        fit_shares(NAMES, np.zeros((0, 3)), np.zeros(0))


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_shares_outside_their_range_are_an_error(share: float) -> None:
    with pytest.raises(TrainingError, match=r"\[0, 1\]"):
        fit_shares(NAMES, np.zeros((2, 3)), np.array([0.5, share]))
