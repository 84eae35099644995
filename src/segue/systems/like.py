"""A playlist of a model's own library as what is given for a new one: one look-up, or many."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segue.errors import QueryError, StoredDataError
from segue.library.strings import HashIndex, StringArray
from segue.recommend.because import may_show
from segue.systems.model import MAX_SEED_TRACKS, Model
from segue.views.titles import normalise

if TYPE_CHECKING:
    from segue.library import Interactions, Library

__all__ = ["GivenPlaylist", "LibraryPlaylists", "like_playlist"]


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
    library = _library(model)
    try:
        row = library.playlists["playlist_id"].to_list().index(playlist_id)
    except ValueError as error:
        raise _no_playlist(model, playlist_id) from error
    title = library.titles[row]
    keys = Counter(normalise(other, "key") for other in library.titles)
    shown = title if may_show(keys[normalise(title, "key")], public=bool(model.manifest["public"])) else ""
    tracks = list(dict.fromkeys(library.playlist_tracks.row(row).tolist()))[:MAX_SEED_TRACKS]
    ids = library.tracks["track_id"].gather(tracks).to_list() if tracks else []
    return GivenPlaylist(title, shown, tuple(ids))


@dataclass(frozen=True, eq=False)
class LibraryPlaylists:
    """The playlists of a model's library, packed for a process that looks many up.

    Args:
        ids, titles: of the playlists. sharing: playlists by the key of their title. track_ids: of the tracks.
    """

    model: Model
    ids: StringArray
    by_id: HashIndex
    titles: StringArray
    sharing: Counter[str]
    track_ids: StringArray
    tracks: Interactions

    @classmethod
    def of(cls, model: Model) -> LibraryPlaylists:
        """Read and pack the library that a model carries.

        Raises:
            StoredDataError: it carries none, or a damaged one.
        """
        library = _library(model)
        ids = library.playlists["playlist_id"].to_list()
        sharing: Counter[str] = Counter()
        for title, count in Counter(library.titles).items():
            sharing[normalise(title, "key")] += count
        return cls(
            model=model,
            ids=StringArray.of(ids),
            by_id=HashIndex.of(ids),
            titles=StringArray.of(library.titles),
            sharing=sharing,
            track_ids=StringArray.of(library.tracks["track_id"].to_list()),
            tracks=library.playlist_tracks,
        )

    def find(self, playlist_id: str) -> GivenPlaylist:
        """The same as :func:`like_playlist` finds.

        Raises:
            QueryError: there is no such playlist.
        """
        row = next((int(r) for r in self.by_id.rows(playlist_id) if self.ids[int(r)] == playlist_id), None)
        if row is None:
            raise _no_playlist(self.model, playlist_id)
        title = self.titles[row]
        shown = may_show(self.sharing[normalise(title, "key")], public=bool(self.model.manifest["public"]))
        tracks = list(dict.fromkeys(self.tracks.row(row).tolist()))[:MAX_SEED_TRACKS]
        return GivenPlaylist(title, title if shown else "", tuple(self.track_ids[track] for track in tracks))


def _library(model: Model) -> Library:
    from segue.library import Library

    place = model.path / "library"
    if not place.is_dir():
        raise StoredDataError(f"{place} is missing, and --like looks playlists up there; train the model again")
    return Library.load(place)


def _no_playlist(model: Model, playlist_id: str) -> QueryError:
    held = " (it was trained without the test playlists)" if model.manifest["training"].get("hold_out") else ""
    said = f"the model's library has no playlist {playlist_id[:80]!r}{held}; take an id that 'segue search' prints"
    return QueryError(f"{said} for an index of the same library")
