"""Judging rankings: metrics, slices, significance, reports. Knows runs and truth, no recommender.

The package itself can be called, so that ``segue.evaluate(run, qrels, ["ndcg@500"])`` works whether or not one of its
modules was imported before: the package and the function share their name.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType

from segue.evaluate.metrics import METRICS, evaluate, per_query
from segue.evaluate.significance import holm, interval, not_below, not_below_each, paired
from segue.library.runs import Qrels, Run

__all__ = ["METRICS", "evaluate", "holm", "interval", "not_below", "not_below_each", "paired", "per_query"]


class _CallableModule(ModuleType):
    def __call__(self, run: Run, qrels: Qrels, metrics: Sequence[str] = METRICS) -> dict[str, float]:
        return evaluate(run, qrels, metrics)


sys.modules[__name__].__class__ = _CallableModule
