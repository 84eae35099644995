"""The catalogue, while a person types."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from segue.serve.answers import ERRORS, json_response
from segue.serve.engine import Engine
from segue.serve.keys import Caller, caller
from segue.serve.schemas import MAX_TITLE
from segue.serve.schemas_answers import TracksOut
from segue.serve.serving import Serving, serving
from segue.systems.requests import track_json

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["catalogue"], responses=ERRORS)


@router.get("/tracks", summary="Tracks whose name or artist begins with the words", response_model=TracksOut)
async def tracks(
    app: Annotated[Serving, Depends(serving)],
    who: Annotated[Caller, Depends(caller)],
    query: Annotated[str, Query(max_length=MAX_TITLE, description="What has been typed so far.")],
    n: Annotated[int, Query(ge=1, le=50)] = 8,
) -> Response:
    """The best known tracks first; none where nothing fits."""
    engine = app.current.engine
    return await app.gate.run(lambda: json_response(_suggested(engine, query, n)))


def _suggested(engine: Engine, query: str, n: int) -> dict[str, Any]:
    catalogue = engine.model.catalogue
    return {"tracks": [track_json(catalogue.track(row)) for row in engine.suggestions.find(query, n)]}
