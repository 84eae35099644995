"""A playlist of a model's own library as what is given for a new one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from segue.errors import QueryError, StoredDataError
from segue.recommend.because import may_show
from segue.systems.model import MAX_SEED_TRACKS, Model
from segue.views.titles import normalise

__all__ = ["GivenPlaylist", "like_playlist"]


@dataclass(frozen=True)
class GivenPlaylist:
    """What a playlist gives to a query.

    Args:
        title: its own. shown_title: what others may read of it; empty where fewer than five playlists share it and
            the library is not public. track_ids: its distinct tracks in order, at most a thousand.
    """

    title: str
    shown_title: str
    track_ids: tuple[str, ...]


def like_playlist(model: Model, playlist_id: str) -> GivenPlaylist:
    """Look a playlist up in the library that a model carries.

    Raises:
        QueryError: there is no such playlist. StoredDataError: the model carries no library, or a damaged one.
    """
    from segue.library import Library

    place = model.path / "library"
    if not place.is_dir():
        raise StoredDataError(f"{place} is missing, and --like looks playlists up there; train the model again")
    library = Library.load(place)
    try:
        row = library.playlists["playlist_id"].to_list().index(playlist_id)
    except ValueError as error:
        held = " (it was trained without the test playlists)" if model.manifest["training"].get("hold_out") else ""
        said = (
            f"the model's library has no playlist {playlist_id[:80]!r}{held}; take an id that 'segue search' prints"
        )
        raise QueryError(f"{said} for an index of the same library") from error
    title = library.titles[row]
    keys = Counter(normalise(other, "key") for other in library.titles)
    shown = title if may_show(keys[normalise(title, "key")], public=bool(model.manifest["public"])) else ""
    tracks = list(dict.fromkeys(library.playlist_tracks.row(row).tolist()))[:MAX_SEED_TRACKS]
    ids = library.tracks["track_id"].gather(tracks).to_list() if tracks else []
    return GivenPlaylist(title, shown, tuple(ids))
