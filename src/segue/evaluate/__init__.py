"""Judging rankings: metrics, slices, significance, reports. Knows runs and truth, no recommender."""

from segue.evaluate.metrics import METRICS, evaluate, per_query
from segue.evaluate.significance import holm, interval, not_below, not_below_each, paired

__all__ = ["METRICS", "evaluate", "holm", "interval", "not_below", "not_below_each", "paired", "per_query"]
