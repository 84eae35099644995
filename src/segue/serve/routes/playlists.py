"""Saved playlists: a person's own, and those that somebody shared by link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from segue.serve.answers import ERRORS, json_response
from segue.serve.engine import Engine
from segue.serve.keys import Caller, caller
from segue.serve.known import track_of
from segue.serve.problems import Problem
from segue.serve.schemas import Person
from segue.serve.schemas_saved import (
    PlaylistId,
    ReplaceIn,
    SavedListOut,
    SavedOut,
    SaveIn,
    SharedOut,
    Token,
    TokenOut,
)
from segue.serve.serving import Serving, serving
from segue.serve.store import Store
from segue.serve.store_playlists import Outdated, SavedPlaylist, SavedTrack
from segue.sources.addresses import link_of

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["saved playlists"], responses=ERRORS)
_NONE = "there is no such saved playlist of this person; GET /v1/playlists lists those that there are"
_MOST_NAMED = 5
_App = Annotated[Serving, Depends(serving)]
_Who = Annotated[Caller, Depends(caller)]


@router.get("/playlists", summary="The saved playlists of a person", response_model=SavedListOut)
async def listed(person: Person, app: _App, who: _Who) -> Response:
    """The oldest first, without their tracks."""
    mine = _name(who, person)
    return await app.gate.run(
        lambda: json_response({"playlists": [_head(playlist) for playlist in app.store.listed(mine)]})
    )


@router.post("/playlists", summary="Save a playlist", response_model=SavedOut, status_code=201)
async def create(body: SaveIn, person: Person, app: _App, who: _Who) -> Response:
    """Its tracks are ids of the catalogue, in order; a track may come twice."""
    engine, mine = app.current.engine, _name(who, person)

    def work() -> Response:
        made = app.store.create(mine, body.title, _tracks(engine, body.track_ids, {}))
        response = json_response(_whole(engine, made))
        response.status_code = 201
        return response

    return await app.gate.run(work)


@router.get("/playlists/{playlist_id}", summary="A saved playlist", response_model=SavedOut)
async def get(playlist_id: PlaylistId, person: Person, app: _App, who: _Who) -> Response:
    """With its tracks, and the version that a change is made from."""
    engine, mine = app.current.engine, _name(who, person)
    return await app.gate.run(lambda: json_response(_whole(engine, _found(app.store, mine, playlist_id))))


@router.put(
    "/playlists/{playlist_id}",
    summary="Change a saved playlist",
    response_model=SavedOut,
    responses={409: {**ERRORS[404], "description": "It was changed since this version; load it again."}},
)
async def replace(body: ReplaceIn, playlist_id: PlaylistId, person: Person, app: _App, who: _Who) -> Response:
    """Title and tracks are replaced; the answer has the new version."""
    engine, mine = app.current.engine, _name(who, person)

    def work() -> Response:
        kept = {track.track_id: track for track in _found(app.store, mine, playlist_id).tracks}
        tracks = _tracks(engine, body.track_ids, kept)
        try:
            changed = app.store.replace(mine, playlist_id, body.version, body.title, tracks)
        except Outdated as outdated:
            raise Problem(409, str(outdated)) from outdated
        if changed is None:
            raise Problem(404, _NONE)
        return json_response(_whole(engine, changed))

    return await app.gate.run(work)


@router.delete("/playlists/{playlist_id}", summary="Delete a saved playlist", status_code=204)
async def delete(playlist_id: PlaylistId, person: Person, app: _App, who: _Who) -> Response:
    """Its links end with it."""
    mine = _name(who, person)
    if not await app.gate.run(lambda: app.store.delete(mine, playlist_id)):
        raise Problem(404, _NONE)
    return Response(status_code=204)


@router.post("/playlists/{playlist_id}/share", summary="Share a saved playlist", response_model=TokenOut)
async def share(playlist_id: PlaylistId, person: Person, app: _App, who: _Who) -> Response:
    """A new link; those that there are already stay, up to twenty."""
    mine = _name(who, person)
    token = await app.gate.run(lambda: app.store.share(mine, playlist_id))
    if token is None:
        raise Problem(404, _NONE)
    return json_response({"token": token})


@router.delete("/playlists/{playlist_id}/share", summary="Stop sharing a saved playlist", status_code=204)
async def unshare(playlist_id: PlaylistId, person: Person, app: _App, who: _Who) -> Response:
    """All of its links end."""
    mine = _name(who, person)
    if await app.gate.run(lambda: app.store.unshare(mine, playlist_id)) is None:
        raise Problem(404, _NONE)
    return Response(status_code=204)


@router.get("/shared/{token}", summary="A shared playlist", response_model=SharedOut)
async def shared(token: Token, app: _App) -> Response:
    """For whoever has the link; no key is needed, and nothing says whose it is."""
    engine = app.current.engine

    def work() -> Response:
        found = app.store.shared(token)
        if found is None:
            raise Problem(404, "this link leads nowhere: it was mistyped, or sharing was stopped")
        whole = _whole(engine, found)
        return json_response({name: whole[name] for name in ("title", "changed", "tracks")})

    return await app.gate.run(work)


def _name(who: Caller, person: str) -> str:
    return f"{who.key_id}:{person}"


def _found(store: Store, person: str, playlist_id: str) -> SavedPlaylist:
    found = store.get(person, playlist_id)
    if found is None:
        raise Problem(404, _NONE)
    return found


def _tracks(engine: Engine, track_ids: Sequence[str], kept: Mapping[str, SavedTrack]) -> list[SavedTrack]:
    """Tracks by id: of the catalogue, else as they were saved before.

    Raises:
        Problem: 422, neither knows one.
    """
    tracks, unknown = [], []
    for track_id in track_ids:
        track = track_of(engine, track_id)
        if track is not None:
            fields = (track.name, track.artist, track.album, track.year, track.duration_ms, track.explicit)
            tracks.append(SavedTrack(track.track_id, *fields))
        elif track_id in kept:
            tracks.append(kept[track_id])
        else:
            unknown.append(track_id[:80])
    if unknown:
        named = ", ".join(map(repr, unknown[:_MOST_NAMED])) + (" and others" if len(unknown) > _MOST_NAMED else "")
        raise Problem(422, f"the catalogue has no track {named}; take ids from /v1/tracks or from a list")
    return tracks


def _head(playlist: SavedPlaylist) -> dict[str, Any]:
    fields = ("playlist_id", "title", "version", "created", "changed", "shared")
    return {**{name: getattr(playlist, name) for name in fields}, "n_tracks": len(playlist.tracks)}


def _whole(engine: Engine, playlist: SavedPlaylist) -> dict[str, Any]:
    tracks = []
    for track in playlist.tracks:
        now = track_of(engine, track.track_id)
        link = link_of(track.track_id, None if now is None else now.location)
        fields = {name: getattr(track, name) for name in SavedTrack.__struct_fields__}
        tracks.append({**fields, "link": link})
    return {**_head(playlist), "tracks": tracks}
