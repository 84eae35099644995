"""The API's bodies: what may be asked, within which limits, and what comes back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

__all__ = [
    "MAX_GIVEN",
    "MAX_N",
    "MAX_TITLE",
    "Because",
    "ContinueIn",
    "ExportIn",
    "Fingerprint",
    "KnownTrack",
    "Person",
    "RecommendIn",
    "RecommendOut",
    "SearchIn",
    "SimilarIn",
    "TrackId",
    "TrackOut",
    "Wishes",
]

MAX_TITLE = 2_000
MAX_GIVEN = 200
MAX_N = 500
MAX_PLAYLIST = 2_000

Text = Annotated[str, StringConstraints(max_length=MAX_TITLE)]
TrackId = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Person = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
Year = Annotated[int, Field(ge=0, le=9_999)]


class _In(BaseModel):
    # strict: in JSON neither true nor "5" is a number
    model_config = ConfigDict(extra="forbid", strict=True)


def _like(**example: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


class Wishes(_In):
    """What a list must look like; the same as the options of ``segue recommend``."""

    n: Annotated[int, Field(ge=1, le=MAX_N, description="Tracks; not together with minutes.")] | None = None
    minutes: Annotated[float, Field(gt=0, le=10_000)] | None = None
    exclude_artists: Annotated[list[Text], Field(max_length=MAX_GIVEN)] = []
    new_artists: bool = False
    artist_cap: Annotated[int, Field(ge=1, le=MAX_N)] | None = None
    artist_spacing: Annotated[int, Field(ge=0, le=MAX_N)] = 0
    year_from: Year | None = None
    year_to: Year | None = None
    no_explicit: bool = False
    max_track_minutes: Annotated[float, Field(gt=0, le=10_000)] | None = None
    all_versions: bool = False
    adventure: Annotated[float, Field(ge=-1, le=1, description="-1 hits, 0 as ranked, 1 deep cuts.")] = 0.0
    order: Literal["ranked", "smooth", "arc"] = "ranked"


class RecommendIn(Wishes):
    """A title, given tracks, a playlist to go on from, or several of these."""

    model_config = _like(title="rainy sunday", tracks=["Dreams - Fleetwood Mac"], n=30, artist_cap=2)
    title: Text = ""
    tracks: Annotated[list[Text], Field(max_length=MAX_GIVEN, description='As "Name - Artist".')] = []
    track_ids: Annotated[list[TrackId], Field(max_length=MAX_GIVEN)] = []
    kept: Annotated[list[TrackId], Field(max_length=MAX_GIVEN)] = []
    more: Annotated[list[TrackId], Field(max_length=MAX_GIVEN)] = []
    never: Annotated[list[TrackId], Field(max_length=MAX_PLAYLIST)] = []
    person: Annotated[
        Person | None,
        Field(description="Pseudonym; what this person said of tracks acts on the list, and the list is remembered."),
    ] = None
    explain: bool = True


class ContinueIn(RecommendIn):
    """The same, for a playlist that exists: one of the model's library by id, or its tracks in order."""

    model_config = _like(playlist_id="1042", n=20)
    playlist_id: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = None


class SearchIn(_In):
    """Words, and which playlists may be found; the same as the options of ``segue search``."""

    model_config = _like(query="songs for a rainy sunday", n=10, min_tracks=20)
    query: Annotated[str, StringConstraints(min_length=1, max_length=MAX_TITLE)]
    n: Annotated[int, Field(ge=1, le=100)] = 10
    min_tracks: Annotated[int, Field(ge=0, le=100_000)] | None = None
    max_tracks: Annotated[int, Field(ge=0, le=100_000)] | None = None
    languages: Annotated[list[Annotated[str, StringConstraints(max_length=20)]], Field(max_length=20)] = []
    year_from: Year | None = None
    year_to: Year | None = None
    artist: Text | None = None


class SimilarIn(_In):
    """Given tracks; the same as the options of ``segue similar``."""

    model_config = _like(tracks=["Dreams, Fleetwood Mac"], n=20)
    tracks: Annotated[list[Text], Field(max_length=MAX_GIVEN)] = []
    track_ids: Annotated[list[TrackId], Field(max_length=MAX_GIVEN)] = []
    n: Annotated[int, Field(ge=1, le=MAX_N)] = 20
    artist_cap: Annotated[int, Field(ge=0, le=MAX_N)] = 3
    inside_cluster: bool = False


class ListenerIn(_In):
    """Wishes for a listener of the towers' library, or for anybody who names what they love."""

    model_config = _like(tracks=["Dreams, Fleetwood Mac", "Africa, Toto"], n=20)
    tracks: Annotated[list[Text], Field(max_length=MAX_GIVEN)] = []
    track_ids: Annotated[list[TrackId], Field(max_length=MAX_GIVEN)] = []
    country: Annotated[str, StringConstraints(max_length=100)] = ""
    n: Annotated[int, Field(ge=1, le=MAX_N)] = 20


class ExportIn(_In):
    """A list of tracks as a file."""

    model_config = _like(format="m3u8", title="rainy sunday", track_ids=["spotify:track:0ofHAoxe9vBkTCp2UQIavz"])
    format: Literal["m3u8", "xspf", "jspf", "csv"]
    title: Text = ""
    track_ids: Annotated[list[TrackId], Field(min_length=1, max_length=MAX_PLAYLIST)]


class Fingerprint(BaseModel):
    """Which model answered."""

    fingerprint: str


class Because(BaseModel):
    """One reason; ``text`` is empty where it may not be shown."""

    kind: str
    text: str
    share: float
    count: int


class KnownTrack(BaseModel):
    """A track; null is not known."""

    track_id: str
    name: str
    artist: str
    album: str | None
    year: int | None
    duration_ms: int | None
    explicit: bool | None
    link: str | None


class TrackOut(KnownTrack):
    """One line of a list."""

    rank: int
    score: float
    because: list[Because]


class RecommendOut(BaseModel):
    """A list with reasons, what was understood, and what could not be served."""

    query: dict[str, object]
    model: Fingerprint
    ignored: list[str]
    tracks: list[TrackOut]
