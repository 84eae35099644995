"""Tracks for a listener."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi import Path as InPath

from segue.errors import QueryError
from segue.serve.answers import ERRORS, json_response
from segue.serve.keys import Caller, caller
from segue.serve.problems import Problem
from segue.serve.schemas import ListenerIn
from segue.serve.schemas_answers import ListenerOut
from segue.serve.serving import Serving, missing, serving
from segue.systems.listener_answers import listener_answer, loved_query
from segue.systems.two_tower_folder import TwoTowerModel

__all__ = ["ANYBODY", "router"]

ANYBODY = "-"
router = APIRouter(prefix="/v1", tags=["lists"], responses=ERRORS)


@router.post("/listeners/{user_id}/recommend", summary="Tracks for a listener", response_model=ListenerOut)
async def for_listener(
    user_id: Annotated[str, InPath(max_length=500, description='A listener of the library; "-" is anybody.')],
    body: ListenerIn,
    app: Annotated[Serving, Depends(serving)],
    who: Annotated[Caller, Depends(caller)],
) -> Response:
    """The same list, byte for byte, as ``segue towers recommend --json`` prints (there indented).

    Anybody ("-") names tracks that they love, a country, or both; a listener of the library has tracks already.
    """
    model = app.current.engine.towers
    if model is None:
        raise missing("model of listeners", "--towers FOLDER", "segue towers train LIBRARY -o FOLDER")
    if user_id != ANYBODY and (body.tracks or body.track_ids):
        raise QueryError('a listener of the library has their own tracks; leave tracks out, or ask for "-"')
    if user_id == ANYBODY and not (body.tracks or body.track_ids or body.country):
        raise QueryError("nothing was asked for; give tracks, track_ids or a country")
    return await app.gate.run(lambda: _listed(model, user_id, body))


def _listed(model: TwoTowerModel, user_id: str, body: ListenerIn) -> Response:
    if user_id == ANYBODY:
        query = loved_query(model, body.tracks, body.track_ids, body.country)
    else:
        try:
            query = model.query_of(user_id, body.country)
        except QueryError as error:
            raise Problem(404, str(error)) from error
    return json_response(listener_answer(model, query, body.n))
