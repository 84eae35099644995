"""The API's bodies about feedback and saved playlists."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from segue.serve.schemas import MAX_PLAYLIST, KnownTrack, Person, Text, TrackId
from segue.serve.schemas_answers import NamedTrack

__all__ = [
    "FeedbackIn",
    "ForgottenOut",
    "PlaylistId",
    "ReplaceIn",
    "SaidOut",
    "SaveIn",
    "SavedListOut",
    "SavedOut",
    "SharedOut",
    "StoredOut",
    "Token",
    "TokenOut",
]

PlaylistId = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Token = Annotated[str, StringConstraints(min_length=1, max_length=64)]
_MOST_EVENTS = 500


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class EventIn(_In):
    """What was done with one track of a list."""

    action: Annotated[
        Literal["keep", "never", "more", "undo", "save"],
        Field(description="undo takes back what was said of the track; save: it is in a playlist that was saved."),
    ]
    track_id: TrackId
    position: Annotated[
        int, Field(ge=0, le=100_000, description="From 1; of a track of the list, the list's own is stored.")
    ] = 0


class FeedbackIn(_In):
    """What a person did with a list."""

    person: Person
    list_id: Annotated[
        str, Field(max_length=64, description="From the header Segue-List-Id; empty for tracks of no list.")
    ] = ""
    events: Annotated[list[EventIn], Field(min_length=1, max_length=_MOST_EVENTS)]


class StoredOut(BaseModel):
    """How many events were stored."""

    stored: int


class SaidOut(BaseModel):
    """What a person's word on tracks is, the newest last, and how many events are stored of them."""

    kept: list[NamedTrack]
    more: list[NamedTrack]
    never: list[NamedTrack]
    events: int


class ForgottenOut(BaseModel):
    """How many events and saved playlists were deleted."""

    forgotten: int


class SaveIn(_In):
    """A playlist to keep: ids of the catalogue, in order; a track may come twice."""

    title: Text = ""
    track_ids: Annotated[list[TrackId], Field(max_length=MAX_PLAYLIST)]


class ReplaceIn(SaveIn):
    """The same, made from a version of a saved playlist."""

    version: Annotated[int, Field(ge=1, le=1 << 53, description="That was loaded; another one by now is a 409.")]


class SavedHeadOut(BaseModel):
    """A saved playlist without its tracks; times are unix seconds."""

    playlist_id: str
    title: str
    version: int
    created: float
    changed: float
    shared: bool
    n_tracks: int


class SavedListOut(BaseModel):
    """The saved playlists of a person, the oldest first."""

    playlists: list[SavedHeadOut]


class SavedOut(SavedHeadOut):
    """A saved playlist."""

    tracks: list[KnownTrack]


class TokenOut(BaseModel):
    """Whoever knows it may read the playlist at ``/v1/shared/TOKEN`` and ``/p/TOKEN``; it is told once."""

    token: str


class SharedOut(BaseModel):
    """A shared playlist: nothing of it says whose it is."""

    title: str
    changed: float
    tracks: list[KnownTrack]
