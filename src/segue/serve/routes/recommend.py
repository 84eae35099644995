"""Lists for a title, for given tracks, or for a playlist to go on from."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Response

from segue.errors import QueryError
from segue.library.feedback import FeedbackEvent
from segue.serve.answers import ERRORS, json_response
from segue.serve.engine import Engine
from segue.serve.keys import Caller, caller
from segue.serve.problems import Problem
from segue.serve.schemas import ContinueIn, RecommendIn, RecommendOut
from segue.serve.serving import Serving, serving
from segue.serve.store import Store
from segue.serve.wishes import request_of
from segue.systems.requests import Answer, Request

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["lists"], responses=ERRORS)
_MOST_ASKED = 10_000  # characters
_LIST_ID = {"Segue-List-Id": {"description": "Names the list in feedback.", "schema": {"type": "string"}}}
_OK: dict[int | str, dict[str, Any]] = {200: {"description": "The list.", "headers": _LIST_ID}}


@router.post(
    "/recommend", summary="A list for a title, given tracks, or both", response_model=RecommendOut, responses=_OK
)
async def recommend(
    body: RecommendIn,
    app: Annotated[Serving, Depends(serving)],
    who: Annotated[Caller, Depends(caller)],
) -> Response:
    """The same list, byte for byte, as ``segue recommend --json`` prints for the same options (there indented).

    Given tracks that the catalogue does not have are named in ``ignored``. With ``person``, what that person said of
    tracks acts on the list, and the header ``Segue-List-Id`` names the list for ``/v1/feedback``.
    """
    engine = app.current.engine
    if not {"title", "tracks", "track_ids"} & body.model_fields_set:
        raise QueryError("nothing was asked for; give a title, tracks or track_ids")
    if _for_everybody(body):
        known = engine.lists.known(request_of(body, engine.artists))
        if known is not None:
            return Response(known, media_type="application/json")
    return await app.gate.run(lambda: _listed(engine, app.store, who, body, request_of(body, engine.artists)))


@router.post("/continue", summary="Go on from a playlist", response_model=RecommendOut, responses=_OK)
async def go_on(
    body: ContinueIn,
    app: Annotated[Serving, Depends(serving)],
    who: Annotated[Caller, Depends(caller)],
) -> Response:
    """More tracks for a playlist: one of the model's library or of the search corpus by id, or given by its tracks.

    The same list as ``segue recommend --like PLAYLIST_ID --json`` prints for a playlist of the model's library.
    """
    engine = app.current.engine
    if body.playlist_id is None and not (body.tracks or body.track_ids):
        raise QueryError("there is nothing to go on from; give playlist_id, tracks or track_ids")
    return await app.gate.run(lambda: _continued(engine, app.store, who, body))


def _continued(engine: Engine, store: Store, who: Caller, body: ContinueIn) -> Response:
    request = request_of(body, engine.artists)
    if body.playlist_id is None:
        return _listed(engine, store, who, body, request)
    try:
        given = engine.given_playlist(body.playlist_id)
    except QueryError as error:
        raise Problem(404, str(error)) from error
    shown = body.title or given.shown_title
    request = replace(request, title=body.title or given.title, track_ids=(*given.track_ids, *request.track_ids))
    return _listed(engine, store, who, body, request, shown_title=shown)


def _for_everybody(body: RecommendIn) -> bool:
    """Whether a list may be kept and sent again: nobody is named, and what was asked takes no more room than it."""
    texts = (body.title, *body.tracks, *body.track_ids, *body.kept, *body.more, *body.never)
    return body.person is None and not body.exclude_artists and sum(map(len, texts)) <= _MOST_ASKED


def _listed(
    engine: Engine,
    store: Store,
    who: Caller,
    body: RecommendIn,
    request: Request,
    *,
    shown_title: str | None = None,
) -> Response:
    """Answer, remember that the list was shown where somebody is named, and write it as bytes."""
    person = None if body.person is None else f"{who.key_id}:{body.person}"
    if person is not None:
        said = store.taste(person, request.title if shown_title is None else shown_title)
        # the newest word first: a model looks at so many ids of each kind
        request = replace(
            request,
            kept=tuple(dict.fromkeys((*request.kept, *reversed(said.kept)))),
            more=tuple(dict.fromkeys((*request.more, *reversed(said.more)))),
            never=tuple(dict.fromkeys((*request.never, *reversed(said.never)))),
        )
    if shown_title is None and _for_everybody(body):
        data = engine.lists.get(request, lambda: msgspec.json.encode(engine.answer(request).to_json()))
        return Response(data, media_type="application/json")
    answer = engine.answer(request, body.exclude_artists)
    if shown_title is not None and shown_title != answer.query["title"]:  # of a private library
        answer = replace(answer, query={**answer.query, "title": shown_title})
    headers = {} if person is None else {"Segue-List-Id": _remembered(store, person, answer)}
    return json_response(answer.to_json(), headers)


def _remembered(store: Store, person: str, answer: Answer) -> str:
    """Store that a list was shown; its new id."""
    list_id = secrets.token_urlsafe(12)
    event = FeedbackEvent(
        time=time.time(),
        person=person,
        list_id=list_id,
        action="shown",
        model=answer.fingerprint,
        title=str(answer.query["title"]),
        seed_tracks=tuple(answer.query["tracks"]),
        shown=tuple(line.track.track_id for line in answer.tracks),
    )
    store.add([event])
    return list_id
