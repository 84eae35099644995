"""Tracks for a listener, as ``segue towers recommend`` and the service answer them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from segue.errors import QueryError
from segue.library import Query
from segue.systems.two_tower_folder import TwoTowerModel

__all__ = ["listener_answer", "loved_query"]


def loved_query(
    model: TwoTowerModel, tracks: Sequence[str], track_ids: Sequence[str] = (), country: str = ""
) -> Query:
    """The query of anybody who names tracks that they love.

    Args:
        tracks: as "Name, Artist". country: as the library writes it.

    Raises:
        QueryError: a track that the model does not know.
    """
    rows = []
    for track_id in track_ids:
        row = model.catalogue.find_id(track_id)
        if row is None:
            raise QueryError(f"no listener that the model learnt from has the track {track_id[:120]!r}; leave it out")
        rows.append(row)
    for text in tracks:
        found = model.catalogue.find(text)
        if not found:
            said = f"no listener that the model learnt from has {text[:120]!r}"
            raise QueryError(f'{said}; give it as "Name, Artist", or leave it out')
        rows.append(found[0])
    return Query(seed_tracks=tuple(rows), country=country)


def listener_answer(model: TwoTowerModel, query: Query, n: int) -> dict[str, Any]:
    """The best ``n`` tracks, what could not be used of the query, and the model's fingerprint; JSON-able."""
    ranking = model.recommender.recommend(query, n)
    rows = []
    for rank, (row, score) in enumerate(zip(ranking.rows, ranking.scores, strict=True), 1):
        track = model.catalogue.track(int(row))
        rows.append(
            {
                "rank": rank,
                "track_id": track.track_id,
                "name": track.name,
                "artist": track.artist,
                "score": round(float(score), 6),
            }
        )
    return {"tracks": rows, "ignored": list(ranking.ignored), "model": model.fingerprint}
