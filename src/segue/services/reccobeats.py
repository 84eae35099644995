"""ReccoBeats: audio features by Spotify id, without a key.

Source: https://reccobeats.com/docs/apis/get-audio-features and get-tracks. At most 40 ids in a request; rows carry an
id of ReccoBeats' own and say in ``href`` which Spotify track they are of; what is not known is left out, so the
order says nothing. time_signature is not among its features. Never asked while this was written; the tests
answer as its documentation says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from segue.services.base import Answer, Request, Service
from segue.services.client import Client
from segue.services.feature_rows import FeatureRow, features

__all__ = ["RECCOBEATS", "ReccoBeats"]

RECCOBEATS = Service("reccobeats", "https://api.reccobeats.com/v1", "SEGUE_RECCOBEATS_URL", interval=0.5)
_HREF = re.compile(r"/track/([0-9A-Za-z]{22})(?:[/?#].*)?\Z")


class _Row(FeatureRow):
    id: str | None = None
    href: str | None = None


class _Rows(msgspec.Struct):
    content: list[_Row]


class _Track(msgspec.Struct):
    id: str | None = None
    href: str | None = None


class _Tracks(msgspec.Struct):
    content: list[_Track]


class ReccoBeats:
    """A :class:`~segue.services.features.FeatureService`."""

    service = RECCOBEATS
    most = 40

    def ask(self, client: Client, ids: Sequence[str]) -> Mapping[str, Mapping[str, float]]:
        """Features by Spotify id.

        Raises:
            ServiceError: nothing was learnt.
        """
        wanted = set(ids)
        params = {"ids": ",".join(ids)}
        rows = client.send(Request(RECCOBEATS, "/audio-features", params), _rows)
        found: dict[str, dict[str, float]] = {}
        nameless: dict[str, _Row] = {}
        for row in rows:
            spotify = row.id if row.id in wanted else _spotify(row.href)
            if spotify in wanted:
                # of several copies the first counts
                found.setdefault(str(spotify), features(row))
            elif spotify is None and row.id is not None:
                nameless[row.id] = row
        if nameless:
            for track in client.send(Request(RECCOBEATS, "/track", params), _tracks):
                spotify = _spotify(track.href)
                if track.id in nameless and spotify in wanted:
                    found.setdefault(str(spotify), features(nameless[track.id]))
        return {spotify: values for spotify, values in found.items() if values}


def _rows(answer: Answer) -> list[_Row]:
    return answer.read(_Rows).content


def _tracks(answer: Answer) -> list[_Track]:
    return answer.read(_Tracks).content


def _spotify(href: str | None) -> str | None:
    found = _HREF.search(href or "")
    return found[1] if found else None
