"""Fit the share that a named artist has in a playlist, on leave-one-out cases."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segue.errors import TrainingError
from segue.library.vote_parameters import ShareModel

__all__ = ["fit_shares"]


def fit_shares(
    names: Sequence[str],
    features: NDArray[np.float64],
    shares: NDArray[np.float64],
    *,
    l2: float = 0.1,
    iterations: int = 60,
) -> ShareModel:
    """Logistic regression of fractional shares by Newton's method (iteratively reweighted least squares).

    Args:
        names: one per feature. features: ``(n, d)``. shares: in [0, 1], ``(n,)``.
        l2: penalty on the mean squared weight, relative to the mean log-loss; not on the bias.

    Raises:
        TrainingError: no cases, or a share outside [0, 1].

    Source: McCullagh and Nelder (1989), chapter 4, for the fractional response.
    """
    if len(shares) == 0:
        raise TrainingError("there are no cases of artists in titles to learn from")
    if shares.min() < 0 or shares.max() > 1:
        raise TrainingError("shares must lie in [0, 1]")
    features = np.asarray(features, np.float64)
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-9
    z = np.hstack([np.ones((len(shares), 1)), ShareModel.expanded(features, mean, scale)])
    n, d = z.shape
    penalty = np.full(d, 2 * l2 / (d - 1))
    penalty[0] = 1e-9
    w = np.zeros(d)
    w[0] = np.log((shares.mean() + 1e-6) / (1 - shares.mean() + 1e-6))

    def objective(weights: NDArray[np.float64]) -> float:
        logits = z @ weights
        return float(np.mean(np.logaddexp(0, logits) - shares * logits) + 0.5 * np.sum(penalty * weights**2))

    now = objective(w)
    for _ in range(iterations):
        p = 1 / (1 + np.exp(-np.clip(z @ w, -30, 30)))
        gradient = z.T @ (p - shares) / n + penalty * w
        hessian = (z * (p * (1 - p))[:, None]).T @ z / n + np.diag(penalty + 1e-9)
        step = np.linalg.solve(hessian, gradient)
        size = 1.0
        while (then := objective(w - size * step)) > now and size > 1e-6:
            size /= 2
        w = w - size * step
        if now - then < 1e-10:
            break
        now = then
    return ShareModel(
        features=tuple(names),
        mean=tuple(mean.tolist()),
        scale=tuple(scale.tolist()),
        weights=tuple(w[1:].tolist()),
        bias=float(w[0]),
        notes={"cases": float(n), "mean_share": float(shares.mean())},
    )
