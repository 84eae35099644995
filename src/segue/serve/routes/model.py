"""What this service can do, and the map of its playlists."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from segue.serve.answers import ERRORS, json_response
from segue.serve.engine import Engine
from segue.serve.keys import Caller, caller
from segue.serve.schemas import MAX_GIVEN, MAX_N, MAX_PLAYLIST, MAX_TITLE
from segue.serve.schemas_answers import MapOut, ModelOut
from segue.serve.serving import Serving, missing, serving

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["catalogue"], responses=ERRORS)


@router.get("/model", summary="Which model answers, and what this service can do", response_model=ModelOut)
async def model(app: Annotated[Serving, Depends(serving)], who: Annotated[Caller, Depends(caller)]) -> Response:
    """Fingerprints, counts, abilities and limits; a page shows what there is."""
    return json_response(_about(app.current.engine))


@router.get("/map", summary="The space of playlists as points", response_model=MapOut)
async def map_(app: Annotated[Serving, Depends(serving)], who: Annotated[Caller, Depends(caller)]) -> Response:
    """Points and themes, as ``segue map`` wrote them."""
    found = app.current.engine.map
    if found is None:
        raise missing("map", "--map FILE", "segue map MODEL -o FILE")
    return Response(found, media_type="application/json")


def _about(engine: Engine) -> dict[str, Any]:
    catalogue = engine.model.catalogue if engine.owned is None else engine.owned.catalogue
    parts = {name: getattr(engine, name) for name in ("search", "tracks", "towers", "owned")}
    return {
        "fingerprint": engine.model.fingerprint,
        "engine": engine.fingerprint,
        "parts": {name: part.fingerprint for name, part in parts.items() if part is not None},
        "recipe": str(engine.model.manifest["recipe"]),
        "counts": {
            "tracks": len(engine.model.catalogue),
            "owned": 0 if engine.owned is None else len(engine.owned.catalogue),
            "playlists": engine.model.playlist_tracks.n_rows,
            "artists": engine.n_artists,
            "searchable": 0 if engine.search is None else len(engine.search.corpus),
            "listeners": 0 if engine.towers is None else len(engine.towers.user_ids),
        },
        "abilities": {
            "search": engine.search is not None,
            "similar": engine.tracks is not None,
            "listeners": engine.towers is not None,
            "map": engine.map is not None,
            "owned": engine.owned is not None,
            "years": catalogue.knows_years,
            "durations": catalogue.knows_durations,
            "explicit": catalogue.knows_explicit,
            "features": catalogue.knows_features,
            "feedback": True,
            "playlists": True,
        },
        "limits": {"title": MAX_TITLE, "given": MAX_GIVEN, "n": MAX_N, "playlist": MAX_PLAYLIST},
    }
