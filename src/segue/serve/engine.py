"""One generation of opened models: everything that requests are answered with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from segue.errors import QueryError, StoredDataError
from segue.index.suggest import Suggestions
from segue.library.arrays import fingerprint
from segue.recommend.memo import Memo
from segue.serve.settings import ServeSettings
from segue.serve.wishes import ArtistNames
from segue.systems.like import GivenPlaylist, LibraryPlaylists
from segue.systems.manifest import folder_state
from segue.systems.model import MAX_SEED_TRACKS, Model
from segue.systems.requests import Answer, Request

if TYPE_CHECKING:
    from segue.systems.owned import Owned
    from segue.systems.search_model import SearchModel
    from segue.systems.track_model import TrackModel
    from segue.systems.two_tower_folder import TwoTowerModel

__all__ = ["Engine", "States", "states_of"]

States = Mapping[str, tuple[int, ...]]
"""Of each folder or file that was given: what changes when another is put in its place."""
_MOST_MAP = 64 << 20  # bytes of a map file
_ATTEMPTS = 50  # to open a folder that is being replaced
_LISTS = 1_000  # lists that are kept, of some 25 KB each
_WARM = ("rainy sunday", "90s rap, not eminem")


@dataclass(frozen=True, eq=False)
class Engine:
    """Opened models; frozen, shared by all threads, swapped as a whole.

    Args:
        model: the title model. search, tracks, towers: None where none was given. owned: of one's own library.
        map: bytes of the map's JSON. suggestions: of the model's catalogue, for search as you type.
        states: of the folders when they were opened.
    """

    model: Model
    suggestions: Suggestions
    search: SearchModel | None = None
    tracks: TrackModel | None = None
    towers: TwoTowerModel | None = None
    owned: Owned | None = None
    map: bytes | None = None
    states: States = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Digest of everything that answers depend on."""
        others = {
            name: part.fingerprint
            for name in ("search", "tracks", "towers", "owned")
            if (part := getattr(self, name)) is not None
        }
        return fingerprint("segue engine", self.model.fingerprint, others) if others else self.model.fingerprint

    @classmethod
    def open(cls, settings: ServeSettings, before: Engine | None = None) -> Engine:
        """Open everything that the settings name.

        Args:
            before: a generation whose parts are taken over where their folders are the same still.

        Raises:
            StoredDataError: a folder is missing, damaged or newer; the message names it.
        """
        states = states_of(settings)

        def unchanged(name: str) -> bool:
            return before is not None and before.states.get(name, ()) == states.get(name, ())

        kept = before if before is not None and unchanged("model") else None
        model, suggestions = (kept.model, kept.suggestions) if kept else _model(settings.model)
        return cls(
            model=model,
            suggestions=suggestions,
            search=before.search if before and unchanged("search") else _search(settings.search),
            tracks=before.tracks if before and unchanged("tracks") else _tracks(settings.tracks),
            towers=before.towers if before and unchanged("towers") else _towers(settings.towers),
            owned=kept.owned if kept and unchanged("owned") else _owned(model, settings.owned),
            map=before.map if before and unchanged("map") else _map(settings.map),
            states=states,
        )

    def warm(self) -> None:
        """Ask once, so that the first request does not pay for mapping and look-ups.

        Raises:
            StoredDataError: the model cannot answer, so it must not be put to work.
        """
        for title in _WARM:
            self.answer(Request(title=title))
        self.suggestions.warm()
        if self.search is not None:
            self.search.answer(_WARM[0])

    @cached_property
    def _playlists(self) -> LibraryPlaylists | None:
        """The playlists of the title model's library; None where it carries none."""
        try:
            return LibraryPlaylists.of(self.model)
        except StoredDataError:
            return None

    def given_playlist(self, playlist_id: str) -> GivenPlaylist:
        """A playlist to go on from: of the title model's library, else of the search corpus.

        Raises:
            QueryError: neither has it.
        """
        unknown = QueryError(f"there is no playlist {playlist_id[:80]!r}; take an id that a search found")
        if self._playlists is not None:
            try:
                return self._playlists.find(playlist_id)
            except QueryError as error:
                unknown = error
        corpus = None if self.search is None else self.search.corpus
        row = None if corpus is None else corpus.find_id(playlist_id)
        if corpus is None or row is None:
            raise unknown
        title = corpus.texts["title"][row]
        tracks = list(dict.fromkeys(corpus.playlist_tracks.row(row).tolist()))[:MAX_SEED_TRACKS]
        ids = tuple(corpus.tracks.texts["track_id"][track] for track in tracks)
        return GivenPlaylist(title, title if corpus.may_show(row) else "", ids)

    @cached_property
    def n_artists(self) -> int:
        """Distinct artists of the title model's catalogue."""
        return len(np.unique(self.model.catalogue.artist_row))

    @cached_property
    def artists(self) -> ArtistNames:
        """Artists of the title model's catalogue by name."""
        return ArtistNames(self.model.catalogue)

    @cached_property
    def lists(self) -> Memo[Request, bytes]:
        """The last lists of this generation as they were sent, for requests in which nobody is named."""
        return Memo(_LISTS)

    def answer(self, request: Request, exclude_artists: Sequence[str] = ()) -> Answer:
        """The list that the title model makes; of owned tracks alone where a library was given.

        Args:
            exclude_artists: the names behind the request's rule, for artists that only the owned library has.

        Raises:
            QueryError: it holds more than can be looked at. StoredDataError: the model is damaged.
        """
        if self.owned is None:
            return self.model.answer(request)
        from segue.systems.owned import owned_answer

        return owned_answer(self.model, self.owned, request, exclude_artists=exclude_artists)


def _model(path: Path) -> tuple[Model, Suggestions]:
    """The title model and what is suggested of its catalogue, of one folder even while it is replaced."""
    for _ in range(_ATTEMPTS):
        before = folder_state(path)
        model = Model.load(path)
        suggestions = Suggestions.opened(path / "suggest", model.catalogue, model.counts)
        if folder_state(path) == before:
            return model, suggestions
    raise StoredDataError(f"{path} is replaced again and again; try again when that has ended")


def states_of(settings: ServeSettings) -> States:
    """The state of every folder and file that the settings name; empty tuples where there is none."""
    named = {name: getattr(settings, name) for name in ("model", "search", "tracks", "towers", "owned", "map")}
    return {
        name: _file_state(path) if name == "map" else folder_state(path)
        for name, path in named.items()
        if path is not None
    }


def _file_state(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _search(path: Path | None) -> SearchModel | None:
    if path is None:
        return None
    from segue.systems.search_model import SearchModel

    return SearchModel.open(path)


def _tracks(path: Path | None) -> TrackModel | None:
    if path is None:
        return None
    from segue.systems.track_model import TrackModel

    return TrackModel.load(path)


def _towers(path: Path | None) -> TwoTowerModel | None:
    if path is None:
        return None
    from segue.systems.two_tower_folder import TwoTowerModel

    return TwoTowerModel.open(path)


def _owned(model: Model, path: Path | None) -> Owned | None:
    if path is None:
        return None
    from segue.systems.owned import Owned

    return Owned.open(model, path)


def _map(path: Path | None) -> bytes | None:
    """The bytes of a map file.

    Raises:
        StoredDataError: it cannot be read, is too large, or is no map.
    """
    if path is None:
        return None
    import msgspec

    try:
        if path.stat().st_size > _MOST_MAP:
            raise StoredDataError(f"{path} is too large for a map; make it anew with 'segue map MODEL -o {path}'")
        data = path.read_bytes()
        read = msgspec.json.decode(data)
    except OSError as error:
        raise StoredDataError(f"{path} cannot be read ({error.strerror}); make it with 'segue map MODEL'") from error
    except (ValueError, RecursionError) as error:
        raise StoredDataError(
            f"{path} is no JSON ({error}); make it anew with 'segue map MODEL -o {path}'"
        ) from error
    if not (isinstance(read, dict) and isinstance(read.get("points"), list) and isinstance(read.get("themes"), list)):
        raise StoredDataError(f"{path} is no map (points and themes); make it with 'segue map MODEL -o {path}'")
    return data
