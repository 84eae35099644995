"""Lists from one's own music: the model ranks, only owned tracks are listed, under their own names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from segue.errors import QueryError, StoredDataError
from segue.library import Query, Ranking
from segue.recommend.because import Because, merged
from segue.recommend.taste import Taste, reasons
from segue.systems.model import MAX_SEED_TRACKS, Model
from segue.systems.owned_ranking import OwnedScores, owned_scores, ranked
from segue.systems.owned_tracks import Owned
from segue.systems.requests import Answer, AnsweredTrack, Request
from segue.views.negation import split_negation

__all__ = ["Owned", "owned_answer"]

_LEAST = 0.02  # share below which a reason is noise


def owned_answer(model: Model, owned: Owned, request: Request, *, exclude_artists: Sequence[str] = ()) -> Answer:
    """Answer a request with owned tracks alone; ids, names, durations and locations are the owned library's.

    Args:
        request: given, kept and rejected tracks by ids of the owned library or of the model; rows in its rules are
            the model's, as for :meth:`~segue.systems.model.Model.answer`.
        exclude_artists: names of artists to leave out, also of those that only the owned library has.

    Raises:
        QueryError: it holds more than can be looked at.
        StoredDataError: the model's arrays hold what cannot be.
    """
    try:
        return _answer(model, owned, request, exclude_artists)
    except (LookupError, ValueError) as error:
        said = f"{model.path} seems to be damaged ({error!r:.200}); run 'segue doctor {model.path}'"
        raise StoredDataError(said) from error


def _answer(model: Model, owned: Owned, request: Request, exclude_artists: Sequence[str]) -> Answer:
    given = _given(model, owned, request)
    taste = _taste(model, owned, request)
    said = owned_scores(model, owned, given.query, taste)
    allowed = ~owned.of_artists(exclude_artists)
    allowed[list(_owned_rows(owned, request.never))] = False
    rules = request.rules
    if rules.exclude_given_artists:  # also those of given tracks that are not owned
        theirs = model.catalogue.artist_row[list(given.query.seed_tracks)].tolist()
        rules = replace(rules, exclude_artists=(*rules.exclude_artists, *theirs))
    ranking = ranked(owned, said, Query(request.title, given.owned), rules, request.adventure, allowed)
    of_model = owned.best[ranking.rows]
    ranking = model.ordered(ranking, request.order, rules, catalogue=owned.catalogue, model_rows=of_model)
    because = _because(model, owned, given.query, ranking, said, taste) if request.explain else [()] * len(ranking)
    return Answer(
        query=request.said(given.ids),
        fingerprint=model.fingerprint,
        ignored=tuple(dict.fromkeys((*given.ignored, *ranking.ignored))),
        tracks=tuple(
            AnsweredTrack(i + 1, int(row), owned.catalogue.track(int(row)), float(score), tuple(why))
            for i, (row, score, why) in enumerate(zip(ranking.rows, ranking.scores, because, strict=True))
        ),
    )


@dataclass(frozen=True)
class _Given:
    """Given tracks: as the model's rows, as owned rows, by the ids under which they are known, and what is not."""

    query: Query
    owned: tuple[int, ...]
    ids: tuple[str, ...]
    ignored: tuple[str, ...]


def _given(model: Model, owned: Owned, request: Request) -> _Given:
    if len(request.tracks) + len(request.track_ids) > MAX_SEED_TRACKS:
        raise QueryError(f"at most {MAX_SEED_TRACKS} tracks can be given")
    rows: dict[int, None] = {}
    own: dict[int, None] = {}
    ids: dict[str, None] = {}
    said: list[str] = []
    left_ids: list[str] = []
    left_texts: list[str] = []
    for track_id in request.track_ids:
        found = owned.catalogue.find_id(track_id)
        if found is None:
            left_ids.append(track_id)
        else:
            own[found] = None
    for text in request.tracks:
        versions = owned.catalogue.find(text)
        if versions:
            own[max(versions, key=lambda row: (int(owned.counts[row]), -row))] = None
        else:
            left_texts.append(text)
    for found in own:
        ids[owned.catalogue.texts["track_id"][found]] = None
        if owned.best[found] >= 0:
            rows[int(owned.best[found])] = None
        else:
            name = owned.catalogue.texts["name"][found]
            said.append(f"no playlist of the model has the given track {name[:80]!r}, so it says nothing")
    query, unknown = model.query(replace(request, tracks=tuple(left_texts), track_ids=tuple(left_ids)))
    rows |= dict.fromkeys(query.seed_tracks)
    ids |= {model.catalogue.texts["track_id"][row]: None for row in query.seed_tracks}
    return _Given(Query(request.title, tuple(rows)), tuple(own), tuple(ids), (*said, *unknown))


def _taste(model: Model, owned: Owned, request: Request) -> Taste:
    """What a person said about tracks, as the model's rows."""
    of_model = model.taste(request)

    def rows(ids: Sequence[str], others: tuple[int, ...]) -> tuple[int, ...]:
        best = (int(owned.best[row]) for row in _owned_rows(owned, ids))
        return tuple(dict.fromkeys((*(row for row in best if row >= 0), *others)))

    return Taste(
        rows(request.kept, of_model.kept), rows(request.more, of_model.more), rows(request.never, of_model.never)
    )


def _owned_rows(owned: Owned, ids: Sequence[str]) -> tuple[int, ...]:
    found = (owned.catalogue.find_id(track_id) for track_id in ids)
    return tuple(dict.fromkeys(row for row in found if row is not None))


def _because(
    model: Model, owned: Owned, query: Query, ranking: Ranking, said: OwnedScores, taste: Taste
) -> list[tuple[Because, ...]]:
    """Why each track is there: the playlists that have it, else its artist, or the title's words."""
    from segue.recommend.scores import looked_up

    best = owned.best[ranking.rows]
    known = np.flatnonzero(best >= 0)
    rows = best[known]
    scores = looked_up(said.model, rows, len(model.catalogue))
    voted = dict(zip(known.tolist(), reasons(model.explain, query, Ranking(rows, scores), taste), strict=True))
    found: list[tuple[Because, ...]] = []
    for at, row in enumerate(ranking.rows.tolist()):
        score = float(said.scores[row])
        artist, words = (float(part[row]) / max(score, 1e-12) for part in (said.evidence.artist, said.evidence.words))
        other = []
        if score > 0 and artist >= _LEAST:
            other.append(Because("same_artist", owned.catalogue.texts["artist"][row], min(artist, 1.0)))
        if score > 0 and words >= _LEAST:
            place = int(np.searchsorted(owned.unheard, row))
            held = " ".join(owned.words.matched(split_negation(query.title).wanted, place))
            other.append(Because("words", held, min(words, 1.0)))
        if other:
            found.append(merged(other))
        else:
            found.append(voted.get(at, (Because("popularity", "", 1.0),)))
    return found
