"""What people say of tracks: stored, told back, forgotten."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from segue.library.feedback import FeedbackEvent
from segue.serve.answers import ERRORS, json_response
from segue.serve.engine import Engine
from segue.serve.keys import Caller, caller
from segue.serve.known import track_of
from segue.serve.problems import Problem
from segue.serve.schemas import Person
from segue.serve.schemas_saved import FeedbackIn, ForgottenOut, SaidOut, StoredOut
from segue.serve.serving import Serving, serving
from segue.serve.store import Store

__all__ = ["router"]

router = APIRouter(prefix="/v1/feedback", tags=["feedback"], responses=ERRORS)


@router.post("", summary="Say something of tracks", response_model=StoredOut)
async def say(
    body: FeedbackIn, app: Annotated[Serving, Depends(serving)], who: Annotated[Caller, Depends(caller)]
) -> Response:
    """All events are stored or none. They act on the person's next list: *never* everywhere, *keep* and *more* under
    the same title.
    """
    engine = app.current.engine
    return await app.gate.run(lambda: json_response({"stored": _stored(engine, app.store, who, body)}))


@router.get("/{person}", summary="What a person said", response_model=SaidOut)
async def said(
    person: Person, app: Annotated[Serving, Depends(serving)], who: Annotated[Caller, Depends(caller)]
) -> Response:
    """The last word on each track counts, over all titles."""
    engine = app.current.engine
    return await app.gate.run(lambda: json_response(_said(engine, app.store, f"{who.key_id}:{person}")))


@router.delete("/{person}", summary="Forget a person", response_model=ForgottenOut)
async def forget(
    person: Person, app: Annotated[Serving, Depends(serving)], who: Annotated[Caller, Depends(caller)]
) -> Response:
    """Deletes events, saved playlists and their links. When the answer comes, they are in no file any more."""
    return await app.gate.run(lambda: json_response({"forgotten": app.store.forget(f"{who.key_id}:{person}")}))


def _stored(engine: Engine, store: Store, who: Caller, body: FeedbackIn) -> int:
    person = f"{who.key_id}:{body.person}"
    shown = store.shown(person, body.list_id) if body.list_id else None
    if body.list_id and shown is None:
        raise Problem(404, "this person was shown no such list; take the list_id from the header Segue-List-Id")
    places = {} if shown is None else {track_id: i + 1 for i, track_id in reversed(list(enumerate(shown.shown)))}
    now = time.time()
    events = [
        FeedbackEvent(
            time=now,
            person=person,
            list_id=body.list_id,
            action=event.action,
            model=engine.fingerprint if shown is None else shown.model,
            title="" if shown is None else shown.title,
            seed_tracks=() if shown is None else shown.seed_tracks,
            track_id=event.track_id,
            # where it stood is known here; a page may have moved it since. Of no list: nobody showed it
            position=places.get(event.track_id, 0),
        )
        for event in body.events
    ]
    store.add(events)
    return len(events)


def _said(engine: Engine, store: Store, person: str) -> dict[str, Any]:
    taste = store.taste(person)
    named: dict[str, Any] = {
        kind: [{"track_id": track_id, **_name(engine, track_id)} for track_id in ids]
        for kind, ids in taste._asdict().items()
    }
    return {**named, "events": store.count(person)}


def _name(engine: Engine, track_id: str) -> dict[str, str]:
    track = track_of(engine, track_id)
    return {"name": "" if track is None else track.name, "artist": "" if track is None else track.artist}
