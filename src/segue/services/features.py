"""Audio features of tracks from the network, by their Spotify ids."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from segue.errors import InputError
from segue.services.base import Blocked, NotAllowed, Request, Service, ServiceError
from segue.services.client import DAY, Client
from segue.services.reccobeats import ReccoBeats
from segue.services.spotify import Spotify

__all__ = ["FEATURE_SERVICES", "FeatureService", "FeaturesFound", "features_of", "spotify_id"]

_SPOTIFY = re.compile(r"spotify:track:([0-9A-Za-z]{22})")
_KEEP, _KEEP_NOTHING = 365 * DAY, 30 * DAY
_PATIENCE = 3  # batches


class FeatureService(Protocol):
    """Where features come from.

    Attributes:
        service: how to treat it.
        most: ids in one request.
    """

    service: Service
    most: int

    def ask(self, client: Client, ids: Sequence[str]) -> Mapping[str, Mapping[str, float]]:
        """Features by Spotify id, at most :attr:`most` at a time; ids that the service does not know are missing.

        Raises:
            ServiceError: nothing was learnt.
        """
        ...


FEATURE_SERVICES: Mapping[str, Callable[[], FeatureService]] = {"reccobeats": ReccoBeats, "spotify": Spotify}
"""Name -> makes the service; raises :class:`~segue.services.base.NotAllowed` where a key is missing."""


@dataclass(frozen=True)
class FeaturesFound:
    """What became of a look-up of many tracks.

    Args:
        features: Spotify id -> feature -> value, for those that were found.
        status: Spotify id -> found, not_found, blocked or error; an id that was not asked for in the end is missing.
        remarks: sentence -> how often, for what went wrong.
    """

    features: Mapping[str, Mapping[str, float]]
    status: Mapping[str, str]
    remarks: Counter[str] = field(default_factory=Counter)


def spotify_id(track_id: str | None) -> str | None:
    """The 22 characters of a track's Spotify id; None where it has none.

    >>> spotify_id("spotify:track:4uLU6hMCjMI75M1A2tKUQC"), spotify_id("t:0123456789abcdef")
    ('4uLU6hMCjMI75M1A2tKUQC', None)
    """
    found = _SPOTIFY.fullmatch(track_id or "")
    return found[1] if found else None


def features_of(
    client: Client,
    name: str,
    ids: Sequence[str],
    *,
    progress: Callable[[int, int], None] | None = None,
    found: Callable[[Mapping[str, Mapping[str, float]]], None] | None = None,
) -> FeaturesFound:
    """Look features up; each id is remembered by itself, so it does not matter how a list is cut.

    After three requests in a row that failed nothing more is asked.

    Args:
        name: one of :data:`FEATURE_SERVICES`.
        progress: is called with ids done and in all.
        found: is called with what each request brought.

    Raises:
        InputError: a service that there is not.
        NotAllowed: a key is missing or refused, or the endpoint is closed.
    """
    if name not in FEATURE_SERVICES:
        raise InputError(f"there is no service {name} for features; choose from {', '.join(FEATURE_SERVICES)}")
    asked = FEATURE_SERVICES[name]()
    features: dict[str, Mapping[str, float]] = {}
    status: dict[str, str] = {}
    remarks: Counter[str] = Counter()
    open_ids: list[str] = []
    keys = {each: Request(asked.service, f"/features/{each}").key for each in ids}
    for each, key in keys.items():
        known = client.recall(key, dict[str, float])
        if known is None:
            open_ids.append(each)
            continue
        status[each] = "found" if known else "not_found"
        if known:
            features[each] = known
    if found is not None and features:
        found(features)
    failed = 0
    for first in range(0, len(open_ids), asked.most):
        if progress is not None:
            progress(len(status), len(keys))
        batch = open_ids[first : first + asked.most]
        try:
            got = asked.ask(client, batch)
        except NotAllowed:
            raise
        except ServiceError as error:
            failed += 1
            remarks[str(error)] += 1
            status |= dict.fromkeys(batch, "blocked" if isinstance(error, Blocked) else "error")
            if failed >= _PATIENCE:
                break
            continue
        failed = 0
        for each in batch:
            values = got.get(each, {})
            client.remember(keys[each], asked.service, values, _KEEP if values else _KEEP_NOTHING)
            status[each] = "found" if values else "not_found"
        features |= got
        if found is not None and got:
            found(got)
    if progress is not None:
        progress(len(status), len(keys))
    return FeaturesFound(features, status, remarks)
