"""The API's answers but for lists of the title model: what a client may rely on."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from segue.serve.schemas import Fingerprint, KnownTrack

__all__ = [
    "CorpusPlaylistOut",
    "HealthOut",
    "ListenerOut",
    "MapOut",
    "ModelOut",
    "ReadyOut",
    "SearchOut",
    "TracksOut",
]


class TracksOut(BaseModel):
    """Tracks of the catalogue, the best known first."""

    tracks: list[KnownTrack]


class NamedTrack(BaseModel):
    """A track by name."""

    track_id: str
    name: str
    artist: str


class WhyOut(BaseModel):
    """One reason for a playlist; ``cosine`` of meanings alone."""

    kind: Literal["words", "artist", "meaning"]
    text: str
    share: float
    cosine: float | None


class _PlaylistOut(BaseModel):
    playlist_id: str
    title: str | None = Field(description="Null where there is none or it is withheld.")
    description: str | None
    written: str | None = Field(description="A description that a program wrote.")
    written_by: str | None
    withheld: bool = Field(description="Fewer than five playlists share the title, and the library is not public.")
    n_tracks: int
    language: str
    years: list[int] | None = Field(description="First and last year of the middle four fifths of its tracks.")
    artists: list[str]


class FoundOut(_PlaylistOut):
    """A playlist that was found, and why."""

    rank: int
    score: float
    tracks: list[NamedTrack]
    why: list[WhyOut]


class SearchOut(BaseModel):
    """Playlists, the best first; sentences about what could not be used."""

    query: dict[str, object]
    model: Fingerprint
    ignored: list[str]
    playlists: list[FoundOut]


class CorpusPlaylistOut(_PlaylistOut):
    """A playlist with all of its tracks, in order."""

    tracks: list[KnownTrack]
    model: Fingerprint


class ScoredTrack(NamedTrack):
    """A track for a listener."""

    rank: int
    score: float


class ListenerOut(BaseModel):
    """Tracks for a listener; ``model`` is the fingerprint of what answered."""

    tracks: list[ScoredTrack]
    ignored: list[str]
    model: str


class Counts(BaseModel):
    """Of the models."""

    tracks: int
    owned: int
    playlists: int
    artists: int
    searchable: int
    listeners: int


class Abilities(BaseModel):
    """What this service was started with, and what its catalogue knows."""

    search: bool
    similar: bool
    listeners: bool
    map: bool
    owned: bool
    years: bool
    durations: bool
    explicit: bool
    features: bool
    feedback: bool
    playlists: bool


class LimitsOut(BaseModel):
    """Characters of a title; given tracks; tracks of a list, and of a saved playlist."""

    title: int
    given: int
    n: int
    playlist: int


class ModelOut(BaseModel):
    """Which models answer (``engine`` is the digest of all of them), and what there is."""

    fingerprint: str
    engine: str
    parts: dict[str, str]
    recipe: str
    counts: Counts
    abilities: Abilities
    limits: LimitsOut


class MapPoint(BaseModel):
    """A title: where it lies, how many playlists have it, and its theme."""

    x: float
    y: float
    title: str
    n: int
    theme: int


class MapTheme(BaseModel):
    """A theme: where its middle lies."""

    name: str
    x: float
    y: float
    n: int


class MapOut(BaseModel):
    """The space of playlists; coordinates from 0 to 1."""

    points: list[MapPoint]
    themes: list[MapTheme]


class HealthOut(BaseModel):
    """The process runs."""

    status: Literal["ok"]


class ReadyOut(BaseModel):
    """Requests can be answered; ``problem`` says that newer models on disk are not used."""

    status: Literal["ready"]
    model: Fingerprint
    generation: int
    problem: str | None
