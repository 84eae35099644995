"""Tracks near to given ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from segue.errors import QueryError
from segue.serve.answers import ERRORS, json_response
from segue.serve.engine import Engine
from segue.serve.keys import Caller, caller
from segue.serve.schemas import RecommendOut, SimilarIn
from segue.serve.serving import Serving, missing, serving
from segue.systems.requests import Answer
from segue.systems.track_answers import GivenTracks, find
from segue.systems.track_answers import similar as near
from segue.systems.track_model import TrackModel

__all__ = ["near_answer", "router", "track_model"]

router = APIRouter(prefix="/v1", tags=["lists"], responses=ERRORS)


@router.post("/similar", summary="Tracks near to given ones", response_model=RecommendOut)
async def similar(
    body: SimilarIn, app: Annotated[Serving, Depends(serving)], who: Annotated[Caller, Depends(caller)]
) -> Response:
    """The same list, byte for byte, as ``segue similar --json`` prints (there indented); ids come before names."""
    model = track_model(app.current.engine)
    if not (body.tracks or body.track_ids):
        raise QueryError("nothing was given to be near to; give tracks or track_ids")
    return await app.gate.run(lambda: json_response(near_answer(model, body).to_json()))


def track_model(engine: Engine) -> TrackModel:
    """The track model, or the problem that says how to get one."""
    if engine.tracks is None:
        raise missing("track model", "--tracks FOLDER", "segue similar --train LIBRARY -m FOLDER")
    return engine.tracks


def near_answer(model: TrackModel, body: SimilarIn) -> Answer:
    """The list of a body.

    Raises:
        QueryError: a given track that is not known, or clusters where there are none. InputError: too many tracks.
    """
    if body.inside_cluster:
        if model.centroids is None:
            raise QueryError("this track model has no clusters; leave inside_cluster out")
        model = replace(model, neighbours=replace(model.neighbours, inside_cluster=True))
    return near(model, _given(model, [*body.track_ids, *body.tracks]), body.n, artist_cap=body.artist_cap)


def _given(model: TrackModel, texts: list[str]) -> GivenTracks:
    rows: dict[int, None] = {}
    names = []
    for text in texts:
        row = find(model, text)
        if row is None:
            raise QueryError(f'the catalogue has no track {text[:120]!r}; give an id, or "Name, Artist"')
        rows[row] = None
        track = model.catalogue.track(row)
        names.append(f"{track.name} - {track.artist}")
    return GivenTracks(tuple(rows), tuple(names))
