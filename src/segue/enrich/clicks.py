"""Logs of searches -> pairs of query and playlist, after what is no judgement of anybody was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from segue.errors import InputError
from segue.library.searching import Click
from segue.library.supervision import Pairs
from segue.views.titles import normalise

__all__ = ["ClickFilter", "Clicked", "click_pairs", "filtered"]


@dataclass(frozen=True)
class ClickFilter:
    """What of a log is believed.

    Args:
        least_shown: times that a playlist must have been shown for a query.
        least_clicks: of them that must be clicks for it to count as an answer.
        prior: impressions without a click that are added to each pair, so that one lucky click is no certainty.
        most_a_minute: impressions of one query in a minute; beyond, it was a machine, and the minute is left out.
        least_letters: letters and digits of a query.
    """

    least_shown: int = 3
    least_clicks: int = 1
    prior: float = 3.0
    most_a_minute: int = 200
    least_letters: int = 2

    def __post_init__(self) -> None:
        if min(self.least_shown, self.least_clicks, self.most_a_minute, self.least_letters) < 1 or self.prior < 0:
            raise InputError("a filter of clicks needs limits of at least 1, and a prior that is not negative")


@dataclass(frozen=True, eq=False)
class Clicked:
    """Pairs of query and playlist that a log vouches for.

    Args:
        rates: (query, playlist id) -> clicks over impressions with the prior, in (0, 1), the highest first.
        left_out: reason -> impressions or pairs that were left out. n: impressions in all.
    """

    rates: dict[tuple[str, str], float]
    left_out: dict[str, int]
    n: int


def filtered(clicks: Sequence[Click], playlist_ids: Collection[str], settings: ClickFilter | None = None) -> Clicked:
    """What a log says about known playlists; queries that normalise alike are one, in their most frequent spelling.

    Places in the list are not in the log, so what stood first is favoured; nothing here undoes that.

    Args:
        playlist_ids: that are known; training playlists, where pairs are to be trained on.
    """
    settings = settings or ClickFilter()
    known = set(playlist_ids)
    out: Counter[str] = Counter()
    kept: list[tuple[str, Click]] = []
    a_minute: Counter[tuple[str, int]] = Counter()
    for one in clicks:
        key = normalise(one.query, "key")
        if sum(c.isalnum() for c in one.query) < settings.least_letters or not key:
            out["nearly empty queries"] += 1
        elif one.playlist_id not in known:
            out["playlists that are not known"] += 1
        elif not 0 <= one.time < 1e12:
            out["times that make no sense"] += 1
        else:
            kept.append((key, one))
            a_minute[key, int(one.time // 60)] += 1
    spellings: dict[str, Counter[str]] = {}
    shown: Counter[tuple[str, str]] = Counter()
    clicked: Counter[tuple[str, str]] = Counter()
    for key, one in kept:
        if a_minute[key, int(one.time // 60)] > settings.most_a_minute:
            out["queries repeated as only machines do"] += 1
            continue
        spellings.setdefault(key, Counter())[" ".join(one.query.split())] += 1
        shown[key, one.playlist_id] += 1
        clicked[key, one.playlist_id] += one.clicked
    rates = {}
    for (key, playlist_id), n in shown.items():
        times = clicked[key, playlist_id]
        if n < settings.least_shown:
            out["pairs shown too rarely"] += 1
        elif times < settings.least_clicks:
            out["pairs without clicks"] += 1
        else:
            rates[spellings[key].most_common(1)[0][0], playlist_id] = times / (n + settings.prior)
    ordered = dict(sorted(rates.items(), key=lambda pair: (-pair[1], pair[0])))
    return Clicked(ordered, dict(out), len(clicks))


def click_pairs(found: Clicked, texts: Mapping[str, str]) -> Pairs:
    """Pairs of query and playlist text, graded by click rate relative to the query's best playlist.

    Args:
        texts: text of each playlist by its id; others are left out.
    """
    best: dict[str, float] = {}
    for (query, _), rate in found.rates.items():
        best[query] = max(best.get(query, 0.0), rate)
    kept = [(q, texts[p], rate / best[q]) for (q, p), rate in found.rates.items() if texts.get(p, "").strip()]
    left, right = tuple(q for q, _, _ in kept), tuple(text for _, text, _ in kept)
    return Pairs(left, right, np.array([grade for _, _, grade in kept], np.float32))
