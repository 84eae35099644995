"""Writing a playlist to a player in chunks, so that nothing is there twice whatever breaks off in between."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from unicodedata import normalize

from segue.errors import InputError
from segue.library.names import one_line
from segue.services.base import Blocked, ServiceError, Unavailable
from segue.services.client import Client
from segue.services.players.base import Outcome, PlayerName, PlayerTrack, PlaylistRef, Progress, Written

__all__ = ["PlaylistStore"]

_ATTEMPTS = 4


class PlaylistStore(ABC):
    """What a player can do with playlists, and how lists of any length are written with it.

    What changes something is sent once (:attr:`~segue.services.base.Request.once`).
    """

    name: PlayerName
    keeps_repeats: bool = True
    """Whether a track can surely be in a playlist twice."""
    creates_empty: bool = False
    """Whether a playlist is made without tracks, which are all added afterwards."""
    most_title: int = 200
    """Characters of a title."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    @abstractmethod
    def most(self) -> int:
        """How many tracks it takes in one request."""

    @abstractmethod
    def playlists(self) -> list[PlaylistRef]:
        """All playlists that the person sees."""

    @abstractmethod
    def keys(self, playlist_id: str) -> list[str]:
        """Ids of a playlist's tracks, in order."""

    @abstractmethod
    def create(self, title: str, description: str | None, keys: Sequence[str]) -> str:
        """Make a playlist with at most ``most`` tracks, or without where it is ``creates_empty``; returns its id."""

    @abstractmethod
    def overwrite(self, playlist_id: str, title: str, description: str | None, keys: Sequence[str]) -> None:
        """Leave exactly these tracks, at most ``most``, in a playlist."""

    @abstractmethod
    def append(self, playlist_id: str, keys: Sequence[str], position: int) -> None:
        """Add at most ``most`` tracks behind the ``position`` ones that are there."""

    @abstractmethod
    def delete(self, playlist_id: str) -> None:
        """Remove a playlist."""

    def write(
        self,
        title: str,
        tracks: Sequence[PlayerTrack],
        *,
        description: str | None = None,
        replace: bool = False,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> Written:
        """Write a playlist.

        An own playlist of the same title is left alone if it holds these tracks already; is taken for a push that was
        cut off, and finished, if it holds the first chunks of them (or nothing); and is written over only with
        ``replace``. A playlist that was made here and cannot be finished is removed again.

        Args:
            title: any text; cut where it is longer than the player takes.
            dry_run: whether to say only what would become of it; nothing that writes is sent.

        Raises:
            InputError: there is another one of this title and ``replace`` is not set, or there are several.
            ServiceError: the player failed; where something cut off is left, it says so.
        """
        job = _Job(self, title, description, [held.key for held in tracks], progress)
        title, total = job.title, len(job.keys)
        same = [ref for ref in self.playlists() if ref.own and _alike(ref.title, title)]
        at = [(positions[0], ref) for ref in same if (positions := job.positions(ref))]
        if at:
            position, ref = max(at, key=lambda each: each[0])
            if position == total:
                return Written(ref, "unchanged", total)
            return Written(ref, "resumed", total) if dry_run else job.finish(ref, position, "resumed")
        if not same:
            return Written(PlaylistRef("", title), "created", total) if dry_run else job.create()
        if len(same) > 1:
            raise InputError(
                f"{self.name} has {len(same):,} playlists of the title {title[:80]!r}; give another with --title"
            )
        if not replace:
            raise InputError(
                f"{self.name} has another playlist of the title {title[:80]!r}; write over it with --replace, or "
                "give another with --title"
            )
        return Written(same[0], "replaced", total) if dry_run else job.replace(same[0])

    def wait(self, attempt: int) -> None:
        """Wait before another attempt."""
        self._client.wait(attempt)


class _Changed(Blocked):
    """Somebody else has written to a playlist meanwhile."""


class _Job:
    """One playlist on its way."""

    def __init__(
        self,
        store: PlaylistStore,
        title: str,
        description: str | None,
        keys: list[str],
        progress: Progress | None,
    ) -> None:
        self.store, self.keys = store, keys
        self.title = one_line(title, store.most_title).strip() or "Segue"
        self.description = one_line(description, 300).strip() if description else None
        self.progress = progress or (lambda done, total: None)

    def create(self) -> Written:
        first = [] if self.store.creates_empty else self.keys[: self.store.most]
        before = {ref.playlist_id for ref in self.store.playlists()}
        made: list[PlaylistRef] = []

        def make() -> None:
            made.append(PlaylistRef(self.store.create(self.title, self.description, first), self.title))

        def is_made() -> bool:
            new = [ref for ref in self.store.playlists() if ref.own and _alike(ref.title, self.title)]
            made.extend(ref for ref in new if ref.playlist_id not in before)
            return bool(made)

        try:
            answered = self._insist(make, is_made)
            ref = made[0]
            position = len(first) if answered else self._begun(ref, len(first))
            return self._finished(ref, position, "created")
        except _Changed:  # by somebody who may want it
            raise
        except (ServiceError, KeyboardInterrupt) as error:
            try:
                if made or (isinstance(error, KeyboardInterrupt) and is_made()):
                    self.store.delete(made[0].playlist_id)
            except ServiceError as also:
                raise self._cut_off(also) from also
            raise

    def _begun(self, ref: PlaylistRef, asked: int) -> int:
        """How many tracks are in a playlist that was made without an answer."""
        found = self.positions(ref)
        if not found:
            raise Unavailable(self.store.name, "has made another playlist than it was asked for")
        return asked if asked in found else found[0]

    def replace(self, ref: PlaylistRef) -> Written:
        first = self.keys[: self.store.most]
        try:
            self._insist(
                lambda: self.store.overwrite(ref.playlist_id, self.title, self.description, first),
                lambda: len(first) in self.positions(ref),
            )
        except (ServiceError, KeyboardInterrupt) as error:
            raise self._cut_off(error) from error
        return self.finish(ref, len(first), "replaced")

    def finish(self, ref: PlaylistRef, position: int, outcome: Outcome) -> Written:
        try:
            return self._finished(ref, position, outcome)
        except _Changed:
            raise
        except (ServiceError, KeyboardInterrupt) as error:
            raise self._cut_off(error) from error

    def positions(self, ref: PlaylistRef) -> list[int]:
        """How many of the tracks a playlist may hold by now."""
        there = self.store.keys(ref.playlist_id)
        return _positions(there, self.keys, self.store.most, keeps_repeats=self.store.keeps_repeats)

    def _finished(self, ref: PlaylistRef, position: int, outcome: Outcome) -> Written:
        self.progress(position, len(self.keys))
        while position < len(self.keys):
            position = self._append(ref, position)
            self.progress(position, len(self.keys))
        try:
            there = self.store.keys(ref.playlist_id)
        except ServiceError as error:
            return Written(ref, outcome, position, (f"{error}, so what is there now could not be looked at",))
        return Written(ref, outcome, len(there), self._remarks(there))

    def _append(self, ref: PlaylistRef, position: int) -> int:
        """One chunk; how many tracks are there after it."""
        chunk = self.keys[position : position + self.store.most]
        done = position + len(chunk)

        def is_done() -> bool:
            found = self.positions(ref)
            if done not in found and position not in found:
                raise _Changed(self.store.name, f"has changed the playlist {self.title[:80]!r} while it was written")
            return done in found

        self._insist(lambda: self.store.append(ref.playlist_id, chunk, position), is_done)
        return done

    def _insist(self, write: Callable[[], None], is_done: Callable[[], bool]) -> bool:
        """Write until it is done; after a failure look first whether it was done all the same.

        Returns:
            Whether there was an answer that said so.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                write()
                return True
            except Unavailable:
                self.store.wait(attempt)
                if is_done():
                    return False
                if attempt == _ATTEMPTS:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _remarks(self, there: list[str]) -> tuple[str, ...]:
        if there == self.keys:
            return ()
        if there == list(dict.fromkeys(self.keys)):
            return (f"{self.store.name} keeps no repeats: {len(self.keys) - len(there):,} of them were left out",)
        if len(there) == len(self.keys):
            differing = sum(a != b for a, b in zip(there, self.keys, strict=True))
            return (f"{self.store.name} shows {differing:,} of the tracks under other ids",)
        return (f"{self.store.name} shows {len(there):,} tracks where {len(self.keys):,} were sent",)

    def _cut_off(self, error: BaseException) -> ServiceError:
        why = error.reason if isinstance(error, ServiceError) else "was interrupted"
        kind = type(error) if isinstance(error, ServiceError) else Unavailable
        left = f"; the playlist {self.title[:80]!r} there is not whole, run this again to finish it"
        return kind(self.store.name, why + left)


def _alike(one: str, other: str) -> bool:
    """Whether two titles are the same, however their letters are composed."""
    return normalize("NFC", one).strip() == normalize("NFC", other).strip()


def _positions(have: list[str], keys: list[str], most: int, *, keeps_repeats: bool) -> list[int]:
    """How many of the keys a playlist may hold if it was cut off after a whole chunk of them; empty if it was not.

    >>> _positions(["a", "b"], ["a", "b", "c"], 2, keeps_repeats=True)
    [2]
    >>> _positions(["a"], ["a", "b", "c"], 2, keeps_repeats=True), _positions([], ["a"], 2, keeps_repeats=True)
    ([], [0])
    >>> _positions(["a", "b"], ["a", "b", "a", "b"], 2, keeps_repeats=False)
    [2, 4]
    """
    found = []
    for position in (*range(0, len(keys), most), len(keys)):
        head = keys[:position]
        if have == head or (not keeps_repeats and have == list(dict.fromkeys(head))):
            found.append(position)
    return found
