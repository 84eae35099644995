"""Words of tracks from the network: one service after the other, and what became of each look-up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from segue.errors import InputError
from segue.library.tables import LYRICS_STATUS
from segue.services.base import Blocked, NotAllowed, ServiceError
from segue.services.client import Client
from segue.services.genius import genius
from segue.services.lrclib import lrclib
from segue.services.lyrics_ovh import lyrics_ovh
from segue.services.wanted import LyricsFound, Status, Wanted

__all__ = ["LYRICS_SERVICES", "LyricsFound", "LyricsSearch", "Wanted"]

LYRICS_SERVICES: Mapping[str, Callable[[Client, Wanted], LyricsFound]] = {
    "lrclib": lrclib,
    "lyrics.ovh": lyrics_ovh,
    "genius": genius,
}
"""Name -> look-up; each raises a :class:`~segue.services.base.ServiceError` where it learns nothing."""
_PATIENCE = 5


@dataclass
class LyricsSearch:
    """Asks services in turn until one knows.

    The outcome of a track: the first service that has words (found) or says that there are none (instrumental); where
    none did, whether one would not tell (blocked) or could not (error); and only where all answered, not_found.
    So what somebody did not answer is never taken for an instrumental, nor for a track without an entry.

    A service that fails ``patience`` times in a row is asked no more: it bans us, or it is down.

    Args:
        services: names out of :data:`LYRICS_SERVICES`, in the order in which they are asked.
        remarks: sentence -> how often, for what went wrong; filled as it goes.

    Raises:
        InputError: a service that there is not.
        NotAllowed: one that gives no lyrics.
    """

    client: Client
    services: Sequence[str] = ("lrclib", "lyrics.ovh")
    patience: int = _PATIENCE
    remarks: Counter[str] = field(default_factory=Counter)
    _failures: dict[str, list[Status]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = [name for name in self.services if name not in LYRICS_SERVICES]
        if unknown or not self.services:
            raise InputError(
                f"there is no lyrics service {', '.join(unknown) or '(none was named)'}; "
                f"choose from {', '.join(name for name in LYRICS_SERVICES if name != 'genius')}"
            )
        if "genius" in self.services:
            genius(self.client, Wanted("", ""))

    @property
    def given_up(self) -> tuple[str, ...]:
        """Services that are asked no more."""
        return tuple(name for name in self.services if len(self._failures.get(name, ())) >= self.patience)

    @property
    def is_over(self) -> bool:
        """Whether no service is left to ask."""
        return len(self.given_up) == len(self.services)

    def look_up(self, wanted: Wanted) -> LyricsFound:
        """What the services say about a track; never raises for what a single track or service does.

        Raises:
            NotAllowed: asking on makes no sense.
        """
        failures: list[Status] = []
        for name in self.services:
            earlier = self._failures.setdefault(name, [])
            if len(earlier) >= self.patience:
                failures.append(earlier[-1])
                continue
            sent = self.client.n_sent
            try:
                found = LYRICS_SERVICES[name](self.client, wanted)
            except NotAllowed:
                raise
            except ServiceError as error:
                failed: Status = "blocked" if isinstance(error, Blocked) else "error"
                earlier.append(failed)
                failures.append(failed)
                self.remarks[str(error)] += 1
                continue
            if self.client.n_sent > sent:  # what was remembered tells nothing about how the service is now
                earlier.clear()
            if found.status != "not_found":
                return found
        return LyricsFound(min(failures, key=LYRICS_STATUS.index) if failures else "not_found")
