"""Lists as files for players and spreadsheets."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Response

from segue.library.file_names import content_disposition, file_name
from segue.serve.answers import ERRORS
from segue.serve.engine import Engine
from segue.serve.keys import Caller, caller
from segue.serve.known import track_of
from segue.serve.problems import Problem
from segue.serve.schemas import ExportIn
from segue.serve.serving import Serving, serving
from segue.sources.playlist_files import write_playlist

__all__ = ["LEFT_OUT", "router"]

LEFT_OUT = "Segue-Left-Out"
"""Header: how many tracks are not in the file, then the first of their ids, percent-encoded."""
_MOST_NAMED = 10
_TYPES = {
    "m3u8": "audio/x-mpegurl; charset=utf-8",
    "xspf": "application/xspf+xml",
    "jspf": "application/json",
    "csv": "text/csv; charset=utf-8",
}
_HEADERS = {
    "Content-Disposition": {"schema": {"type": "string"}, "description": "The file's name, made of the title."},
    LEFT_OUT: {
        "schema": {"type": "string"},
        "description": "How many tracks are unknown and not in the file, then the first ids, percent-encoded.",
    },
}
_OK = {
    "description": "The file.",
    "headers": _HEADERS,
    "content": {kind.split(";")[0]: {"schema": {"type": "string", "format": "binary"}} for kind in _TYPES.values()},
}

router = APIRouter(prefix="/v1", tags=["files"], responses=ERRORS)


@router.post("/export", summary="A list as a file", response_class=Response, responses={200: _OK})
async def export(
    body: ExportIn, app: Annotated[Serving, Depends(serving)], who: Annotated[Caller, Depends(caller)]
) -> Response:
    """M3U8, XSPF, JSPF or CSV. Unknown ids are left out and named in the header; where all are unknown, it is a 422.

    Where the service was started with an own library, its tracks carry their own locations.
    """
    engine = app.current.engine
    return await app.gate.run(lambda: _file(engine, body))


def _file(engine: Engine, body: ExportIn) -> Response:
    found = [(track_id, track_of(engine, track_id)) for track_id in body.track_ids]
    tracks = [track for _, track in found if track is not None]
    unknown = [quote(track_id.encode("utf-8", "replace"), safe=":") for track_id, track in found if track is None]
    if not tracks:
        named = ", ".join(repr(track_id[:80]) for track_id in body.track_ids[:_MOST_NAMED])
        raise Problem(422, f"the catalogue has none of these tracks ({named}); take ids from a list of this service")
    headers = {"Content-Disposition": content_disposition(file_name(body.title, body.format))}
    if unknown:
        headers[LEFT_OUT] = " ".join([str(len(unknown)), *(one[:200] for one in unknown[:_MOST_NAMED])])
    data = write_playlist(body.format, body.title, tracks)
    return Response(data, headers=headers, media_type=_TYPES[body.format])
