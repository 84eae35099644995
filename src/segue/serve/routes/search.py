"""Playlists for words, and one of them with all of its tracks."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from fastapi import Path as InPath

from segue.serve.answers import ERRORS, json_response
from segue.serve.engine import Engine
from segue.serve.keys import Caller, caller
from segue.serve.problems import Problem
from segue.serve.schemas import SearchIn
from segue.serve.schemas_answers import CorpusPlaylistOut, SearchOut
from segue.serve.serving import Serving, missing, serving
from segue.systems.requests import track_json
from segue.systems.search_answers import SearchAnswer, found_playlist
from segue.systems.search_filters import Filters
from segue.systems.search_model import SearchModel

__all__ = ["router", "search_answer", "search_model"]

router = APIRouter(prefix="/v1", tags=["playlists of people"], responses=ERRORS)
_MOST = 10_000  # tracks of a playlist that are sent


@router.post("/search", summary="Playlists for words", response_model=SearchOut)
async def search(
    body: SearchIn, app: Annotated[Serving, Depends(serving)], who: Annotated[Caller, Depends(caller)]
) -> Response:
    """The same answer, byte for byte, as ``segue search --json`` prints (there indented)."""
    model = search_model(app.current.engine)
    return await app.gate.run(lambda: json_response(search_answer(model, body).to_json()))


@router.get(
    "/corpus/{playlist_id}", summary="A found playlist with all of its tracks", response_model=CorpusPlaylistOut
)
async def playlist(
    playlist_id: Annotated[str, InPath(max_length=500)],
    app: Annotated[Serving, Depends(serving)],
    who: Annotated[Caller, Depends(caller)],
) -> Response:
    """Title and texts of a playlist are withheld as in a search: unless five share the title, or all are public."""
    model = search_model(app.current.engine)
    return await app.gate.run(lambda: json_response(_playlist(model, playlist_id)))


def search_model(engine: Engine) -> SearchModel:
    """The search model, or the problem that says how to get one."""
    if engine.search is None:
        raise missing("playlists to search", "--search FOLDER", "segue index LIBRARY -o FOLDER")
    return engine.search


def search_answer(model: SearchModel, body: SearchIn) -> SearchAnswer:
    """The playlists that a body asks for.

    Raises:
        QueryError: the query or a filter cannot be used.
    """
    languages = tuple(code.strip().lower() for code in body.languages if code.strip())
    filters = Filters(body.min_tracks, body.max_tracks, languages, body.year_from, body.year_to, body.artist)
    return model.answer(body.query, body.n, filters)


def _playlist(model: SearchModel, playlist_id: str) -> dict[str, Any]:
    corpus = model.corpus
    row = corpus.find_id(playlist_id)
    if row is None:
        raise Problem(404, f"there is no playlist {playlist_id[:80]!r} here; take an id that a search found")
    found = found_playlist(corpus, row, rank=0, score=0.0, reasons=(), first_tracks=_MOST)
    known = {name: value for name, value in found.to_json().items() if name not in ("rank", "score", "why")}
    known["tracks"] = [track_json(track) for track in found.tracks]
    return {**known, "model": {"fingerprint": model.fingerprint}}
