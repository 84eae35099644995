"""A model's ranking as one of owned tracks; tracks that no playlist has come in by their artists and by words."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from segue.index.bm25 import Bm25Index, words
from segue.library import Query, Ranking
from segue.recommend.adventure import CANDIDATES, adventured
from segue.recommend.mentions import artist_key
from segue.recommend.rules import Rules, apply, filtered
from segue.recommend.scores import Scores, looked_up
from segue.recommend.taste import NO_TASTE, Taste, leaned
from segue.recommend.title_model import TitleModel
from segue.systems.model import Model, without_versions
from segue.systems.owned_tracks import Owned
from segue.views.negation import split_negation

__all__ = ["Evidence", "OwnedScores", "Settings", "owned_scores", "ranked"]

_DEEP = 50_000  # tracks of the model's ranking that are looked at; what lies behind them has next to no score
_SPARE, _DEEPER = 5, 8  # as for lists of the whole catalogue
_BEST = 20  # owned tracks whose scores say what a good one is


@dataclass(frozen=True, slots=True)
class Settings:
    """How much evidence counts for a track that no playlist has.

    Args:
        artist: part of the mean score of its artist's tracks that it gets. prior: tracks of no score that are added
            to the artist's before the mean is taken.
        words: score where all of a title's words are in its name, artist, album and genre, as a part of that of the
            best owned tracks. power: of the part of the words that are there.
    """

    artist: float = 1.0
    prior: float = 2.0
    words: float = 1.0
    power: float = 2.0


DEFAULT = Settings()


@dataclass(frozen=True, eq=False)
class Evidence:
    """Parts of a score that are no votes, float32 ``(n_owned,)`` each: of the artist, and of words."""

    artist: NDArray[np.float32]
    words: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class OwnedScores:
    """What a query says about owned tracks.

    Args:
        scores: float32 ``(n_owned,)``, 0 where nothing is known. model: of the model's rows, as it ranked them.
        allowed: bool ``(n_owned,)``, what neither title, given tracks nor rules leave out.
        evidence: what of the scores came from elsewhere. ignored: sentences.
    """

    scores: NDArray[np.float32]
    model: Scores
    allowed: NDArray[np.bool_]
    evidence: Evidence
    ignored: tuple[str, ...]


def owned_scores(
    model: Model, owned: Owned, query: Query, taste: Taste = NO_TASTE, settings: Settings = DEFAULT
) -> OwnedScores:
    """Score all owned tracks: playlists' votes for their rows, else their artist's standing and the title's words.

    Args:
        query: given tracks are the model's rows. taste: the model's rows, too.
    """
    n = len(model.catalogue)
    head = leaned(model.recommender.recommend(query, min(_DEEP, n)), query, taste, model.recommender, min(_DEEP, n))
    positive = head.scores > 0
    scored = Scores(head.rows[positive], head.scores[positive])
    of = np.repeat(np.arange(len(owned)), owned.rows.lengths)
    voted = np.bincount(of, looked_up(scored, owned.rows.indices, n), len(owned)).astype(np.float32)
    artist = np.zeros(len(owned), np.float32)
    artist[owned.unheard] = _by_artist(model, owned, scored, settings)
    good = np.sort(np.maximum(voted, artist))[::-1][:_BEST]
    scale = float(good.mean()) if len(good) and good[0] > 0 else 1.0
    by_words = np.zeros(len(owned), np.float32)
    by_words[owned.unheard] = settings.words * scale * word_parts(owned.words, query.title) ** settings.power
    return OwnedScores(
        scores=voted + artist + by_words,
        model=scored,
        allowed=~(_unwanted(model, owned, query) | _given(owned, query)),
        evidence=Evidence(artist, by_words),
        ignored=head.ignored,
    )


def _by_artist(model: Model, owned: Owned, scored: Scores, settings: Settings) -> NDArray[np.float32]:
    """The mean score of the tracks by each unheard one's artist, shrunk; 0 where the model has no such artist."""
    artists, sizes = owned.artists[owned.unheard], owned.artist_sizes[owned.unheard]
    theirs = model.catalogue.artist_row[scored.rows]
    n_artists = int(max(theirs.max(initial=-1), artists.max(initial=-1))) + 1
    sums = np.append(np.bincount(theirs, scored.values, n_artists), 0.0)  # the last is of artists it does not have
    mean: NDArray[np.float32] = (settings.artist * sums[artists] / (sizes + settings.prior)).astype(np.float32)
    return mean


def word_parts(texts: Bm25Index, title: str) -> NDArray[np.float32]:
    """Which part of a title's words each text holds, rare words counting more; [0, 1], float32 ``(n,)``.

    Words that the title does not want are not looked for.
    """
    wanted = split_negation(title).wanted
    n, split = texts.n, words(wanted)
    if not split or not n:
        return np.zeros(n, np.float32)
    # what a text of usual length gets that holds each of them once
    once = sum(math.log1p((n - f + 0.5) / (f + 0.5)) for f in map(texts.frequency, split))
    part: NDArray[np.float32] = np.minimum(texts.scores_of(wanted) / np.float32(max(once, 1e-9)), 1)
    return part


def _unwanted(model: Model, owned: Owned, query: Query) -> NDArray[np.bool_]:
    """Tracks by artists that the title excludes, by the names that the owned library gives them."""
    title = getattr(model.recommender, "title", model.recommender)
    mentions = title.mentions if isinstance(title, TitleModel) else None

    def is_artist(folded: str) -> bool:
        return mentions is not None and mentions.artist_of(artist_key(folded)) is not None

    keys = {artist_key(text) for text in split_negation(query.title, is_artist).unwanted}
    if not keys:
        return np.zeros(len(owned), bool)
    names, rows = owned.catalogue.texts["artist"], owned.catalogue.artist_row
    artists, first = np.unique(rows, return_index=True)
    found = [
        artist for artist, at in zip(artists.tolist(), first.tolist(), strict=True) if artist_key(names[at]) in keys
    ]
    return np.isin(rows, found)


def _given(owned: Owned, query: Query) -> NDArray[np.bool_]:
    """Tracks of which a row was given."""
    if not query.seed_tracks or not len(owned):
        return np.zeros(len(owned), bool)
    of = np.repeat(np.arange(len(owned)), owned.rows.lengths)
    hit = np.isin(owned.rows.indices, np.asarray(query.seed_tracks, np.int64))
    return np.bincount(of[hit], minlength=len(owned)) > 0


def owned_rules(owned: Owned, rules: Rules, allowed: NDArray[np.bool_]) -> tuple[Rules, NDArray[np.bool_]]:
    """Rules on the model's rows as rules on owned ones, and what they leave; other rules stay as they are."""
    if rules.exclude_artists:
        allowed = allowed & ~np.isin(owned.artists, np.asarray(rules.exclude_artists, np.int64))
    if rules.exclude_tracks:
        of = np.repeat(np.arange(len(owned)), owned.rows.lengths)
        hit = np.isin(owned.rows.indices, np.asarray(rules.exclude_tracks, np.int64))
        allowed = allowed & ~(np.bincount(of[hit], minlength=len(owned)) > 0)
    return replace(rules, exclude_artists=(), exclude_tracks=()), allowed


def ranked(
    owned: Owned, said: OwnedScores, query: Query, rules: Rules, adventure: float, allowed: NDArray[np.bool_]
) -> Ranking:
    """The owned tracks that satisfy the rules, best first; those without a score last, the most popular first.

    Args:
        query: its given tracks are owned rows. allowed: which tracks may be listed, bool ``(n_owned,)``.
    """
    rules, allowed = owned_rules(owned, without_versions(query.title, rules), allowed & said.allowed)
    rows = np.flatnonzero(allowed)
    order = rows[np.lexsort((rows, -owned.counts[rows], -said.scores[rows]))]
    every = Ranking(order.astype(np.int32), said.scores[order], said.ignored)
    deep = max(rules.most_tracks * _SPARE, CANDIDATES if adventure else 500)
    enough = rules.most_tracks if rules.minutes is None else rules.minutes / 10
    while True:
        head = Ranking(every.rows[:deep], every.scores[:deep], every.ignored)
        if adventure:
            head = adventured(filtered(head, owned.catalogue, rules, query), owned.counts, adventure)
        ranking = apply(head, owned.catalogue, rules, query)
        if len(ranking) >= enough or deep >= len(every):
            return ranking
        deep *= _DEEPER
