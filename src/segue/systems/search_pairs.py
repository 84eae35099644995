"""What an encoder is tuned for search on: pairs from metadata, queries, grades and clicks, split by playlist."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segue.enrich.clicks import click_pairs, filtered
from segue.enrich.pairs import graded_pairs, joined, metadata_pairs, query_pairs, without
from segue.errors import InputError, TrainingError
from segue.library import Library
from segue.library.searching import Graded, SearchQuery
from segue.library.supervision import Pairs
from segue.sources.search_logs import read_search_logs
from segue.split.holdout import holdout
from segue.systems.search_phrases import phrases
from segue.systems.supervision import content_rows
from segue.views.playlist_text import PlaylistText

__all__ = ["TEXT", "SearchPairs", "clicked_pairs", "search_pairs"]

TEXT = PlaylistText(("title", "written", "artists"), n_artists=3, cap=200)
"""What is read of a playlist: never ``description``, which is what people's queries are made of."""
_CONTENT = PlaylistText(("written", "artists"), n_artists=3, cap=200)
_DISTRACTORS = 1_000  # playlists among which the queries of the validation look for theirs, at most
_ASKED = 300


@dataclass(frozen=True, eq=False)
class SearchPairs:
    """Pairs to learn from, and queries that choose the epoch.

    Args:
        train, held: pairs of training and of validation playlists. sources: name -> training pairs from there.
        left_out: reason -> queries or grades that were not used.
        queries: of validation playlists, to be asked. truth: place of each one's playlist in ``corpus``.
        corpus: texts among which they look. contents: unit vector of what a text stands for.
        n_playlists: playlists that a training pair is about. part: "train" or "all".
    """

    train: Pairs
    held: Pairs
    sources: Mapping[str, int]
    left_out: Mapping[str, int]
    queries: tuple[str, ...]
    truth: NDArray[np.int64]
    corpus: tuple[str, ...]
    contents: Mapping[str, NDArray[np.float32]] = field(repr=False)
    n_playlists: int = 0
    part: str = "train"


def search_pairs(
    library: Library,
    *,
    queries: Iterable[SearchQuery] = (),
    grades: Iterable[Graded] = (),
    clicks: Pairs | None = None,
    metadata: bool = True,
    phrased: bool = True,
    text: PlaylistText = TEXT,
    neighbours: int = 5,
    hard_negatives: int = 4,
    max_pairs: int = 50_000,
    measured: Collection[str] = (),
    everything: bool = False,
    rng_key: int = 0,
) -> SearchPairs:
    """Gather the pairs of a library's training playlists; those of validation playlists only choose the epoch.

    The test part of the hash split is never looked at, whatever the files say: queries and grades about its
    playlists are left out and counted.

    Args:
        queries: each becomes a pair with its playlist's text. grades: of a labeler, 0 marks hard negatives.
        clicks: pairs of query and playlist text that clicks made; they only train.
        metadata: pairs of titles with texts of playlists that share tracks, and with their own artists.
        phrased: sentences of words of like playlists' titles and of artists, with the text of their playlist.
        text: of a playlist, as it will be indexed.
        max_pairs: of each source more are drawn at random.
        measured: queries that an evaluation asks; pairs that hold one are left out, whatever their playlist.
        everything: train on all playlists but those of the validation; nothing honest can be measured then.

    Raises:
        InputError: the text reads descriptions. TrainingError: there are no pairs.
    """
    if "description" in text.parts:
        raise InputError("descriptions cannot be trained on: search is measured with them; use 'written' instead")
    split = holdout(library)
    learn = np.sort(np.concatenate([split.train, split.test])) if everything else split.train
    ids = library.playlists["playlist_id"].to_list()
    texts = dict(zip(ids, text.texts(library), strict=True))
    contents = dict(zip(ids, _CONTENT.texts(library), strict=True)) if metadata else {}
    parts = ({ids[row] for row in learn.tolist()}, {ids[row] for row in split.validation.tolist()})
    asked, graded = list(queries), list(grades)
    rng = np.random.default_rng([rng_key, 71])
    found: list[list[tuple[str, Pairs]]] = []
    composed: list[list[SearchQuery]] = []
    for rows, mine in zip((learn, split.validation), parts, strict=True):
        one = {i: texts[i] for i in mine}
        sources = [
            ("queries", query_pairs((q for q in asked if q.playlist_id in mine), one)),
            (
                "grades",
                graded_pairs((g for g in graded if g.playlist_id in mine), one, hard_negatives=hard_negatives),
            ),
        ]
        if metadata:
            made = metadata_pairs(library, rows, texts, contents=contents, neighbours=neighbours)
            sources.append(("metadata", made))
        if phrased:
            asked_here = phrases(library, rows, rng_key=rng_key)
            sources.append(("phrases", query_pairs(asked_here, one)))
            composed.append(asked_here)
        found.append([(name, _drawn(pairs, max_pairs, rng)) for name, pairs in sources if len(pairs.left)])
    if clicks is not None and len(clicks.left):
        found[0].append(("clicks", _drawn(clicks, max_pairs, rng)))
    pairs = joined([each for _, each in found[0]])
    kept = without(pairs, measured) if measured else pairs
    if not len(kept.left):
        raise TrainingError("there are no pairs to tune on; give --queries or --grades, or leave --pairs as it is")
    known = parts[0] | parts[1]
    left_out = {
        "queries about playlists of other parts or none": sum(q.playlist_id not in known for q in asked),
        "grades of playlists of other parts or none": sum(g.playlist_id not in known for g in graded),
        "pairs that hold a query that is measured": len(pairs.left) - len(kept.left),
    }
    held = joined([each for _, each in found[1]])
    wanted = [*asked, *(composed[1] if composed and not any(q.playlist_id in parts[1] for q in asked) else ())]
    to_ask, truth, corpus = _validation(split.validation, learn, texts, ids, wanted, held)
    vectors = content_rows(library, learn)
    return SearchPairs(
        kept,
        held,
        {name: len(each.left) for name, each in found[0]},
        {reason: n for reason, n in left_out.items() if n},
        to_ask,
        truth,
        corpus,
        {texts[i]: vectors[row] for row, i in enumerate(ids) if texts[i]},
        len({i for i in parts[0] if texts[i]}),
        "all" if everything else "train",
    )


def _drawn(pairs: Pairs, most: int, rng: np.random.Generator) -> Pairs:
    if len(pairs.left) <= most:
        return pairs
    rows = np.sort(rng.permutation(len(pairs.left))[:most])
    left, right = (tuple(side[row] for row in rows.tolist()) for side in (pairs.left, pairs.right))
    return Pairs(left, right, pairs.grades[rows])


def _validation(
    rows: NDArray[np.int32],
    learn: NDArray[np.integer],
    texts: Mapping[str, str],
    ids: Sequence[str],
    asked: Sequence[SearchQuery],
    held: Pairs,
) -> tuple[tuple[str, ...], NDArray[np.int64], tuple[str, ...]]:
    """Queries of validation playlists, or else their pairs' left sides, and the texts among which they look."""
    own = {ids[row]: texts[ids[row]] for row in rows.tolist() if texts[ids[row]]}
    cases = [(q.query, own[q.playlist_id]) for q in asked if q.playlist_id in own]
    if not cases:
        cases = [(a, b) for a, b, g in zip(held.left, held.right, held.grades.tolist(), strict=True) if g > 0]
    cases = list(dict.fromkeys(cases))
    cases = [cases[at] for at in np.linspace(0, len(cases) - 1, min(len(cases), _ASKED)).astype(int).tolist()]
    others = [
        texts[ids[row]] for row in learn[np.linspace(0, len(learn) - 1, min(len(learn), _DISTRACTORS)).astype(int)]
    ]
    corpus = tuple(dict.fromkeys(filter(None, (*(right for _, right in cases), *own.values(), *others))))
    place = {text: at for at, text in enumerate(corpus)}
    truth = np.array([place[right] for _, right in cases], np.int64)
    return tuple(left for left, _ in cases), truth, corpus


def clicked_pairs(
    library: Library, files: Sequence[Path], *, text: PlaylistText = TEXT, everything: bool = False
) -> tuple[Pairs, dict[str, int]]:
    """Pairs that logs of searches make about training playlists, and what was left out of the logs, by reason.

    Raises:
        SourceError: a file cannot be read, or a line is no click.
    """
    split = holdout(library)
    learn = np.concatenate([split.train, split.test]) if everything else split.train
    ids = library.playlists["playlist_id"].to_list()
    texts = dict(zip((ids[row] for row in learn.tolist()), text.texts(library, learn), strict=True))
    found = filtered(read_search_logs(files), texts)
    return click_pairs(found, texts), {f"impressions or pairs of logs: {why}": n for why, n in found.left_out.items()}
