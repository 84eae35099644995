"""Spotify's audio features, for apps that may still ask for them.

Source: https://developer.spotify.com/documentation/web-api/reference/get-several-audio-features. At most 100 ids in a
request; rows come in the order of the ids, null for what is not known. Since 2024-11-27 new apps get 403. Never asked
while this was written; the tests answer as its documentation says.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

import msgspec

from segue.services.base import Answer, NotAllowed, Request, Service, Unavailable, key_from
from segue.services.client import Client
from segue.services.feature_rows import FeatureRow, features

__all__ = ["SPOTIFY", "SPOTIFY_ACCOUNTS", "Spotify"]

SPOTIFY = Service("spotify", "https://api.spotify.com/v1", "SEGUE_SPOTIFY_URL", interval=0.3)
SPOTIFY_ACCOUNTS = Service("spotify", "https://accounts.spotify.com", "SEGUE_SPOTIFY_ACCOUNTS_URL", interval=0.3)
_WHERE = "https://developer.spotify.com/dashboard"
_CLOSED = (
    "does not give audio features to this app (status 403): since 2024-11-27 the endpoint is closed to new apps; use "
    "--service reccobeats, an AcousticBrainz dump or a CSV with 'segue annotate', or your own audio files with "
    "'segue analyse'"
)
_REFUSED = "does not accept SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET; take them from " + _WHERE


class _Rows(msgspec.Struct):
    audio_features: list[FeatureRow | None]


class _Token(msgspec.Struct):
    access_token: str


class Spotify:
    """A :class:`~segue.services.features.FeatureService`; its token lives in memory alone.

    Raises:
        NotAllowed: SPOTIFY_CLIENT_ID or SPOTIFY_CLIENT_SECRET is not set.
    """

    service = SPOTIFY
    most = 100

    def __init__(self) -> None:
        names = (key_from("spotify", name, _WHERE) for name in ("SPOTIFY_CLIENT_ID", "SPOTIFY_CLIENT_SECRET"))
        self._basic = base64.b64encode(":".join(names).encode()).decode()
        self._token: str | None = None

    def ask(self, client: Client, ids: Sequence[str]) -> Mapping[str, Mapping[str, float]]:
        """Features by Spotify id.

        Raises:
            ServiceError: nothing was learnt.
        """
        rows = self._rows(client, ids)
        if rows is None:  # a token lasts an hour
            self._token = None
            rows = self._rows(client, ids)
        if rows is None:
            raise NotAllowed("spotify", "does not accept the token that it has just given (status 401)")
        if len(rows) != len(ids):
            raise Unavailable("spotify", f"answers with {len(rows):,} rows for {len(ids):,} tracks")
        found = {each: features(row) for each, row in zip(ids, rows, strict=True) if row is not None}
        return {each: values for each, values in found.items() if values}

    def _rows(self, client: Client, ids: Sequence[str]) -> list[FeatureRow | None] | None:
        """Rows in the order of the ids; None where the token has run out."""
        if self._token is None:
            self._token = client.send(
                Request(
                    SPOTIFY_ACCOUNTS,
                    "/api/token",
                    {"grant_type": "client_credentials"},
                    secret_headers={"Authorization": f"Basic {self._basic}"},
                    method="POST",
                ),
                _read_token,
            )
        headers = {"Authorization": f"Bearer {self._token}"}
        request = Request(SPOTIFY, "/audio-features", {"ids": ",".join(ids)}, secret_headers=headers)
        return client.send(request, _read_rows)


def _read_token(answer: Answer) -> str:
    if answer.status in (400, 401) and not answer.is_page:
        raise NotAllowed("spotify", _REFUSED)
    token = answer.read(_Token).access_token
    if not token or not token.isascii() or not token.isprintable():
        raise Unavailable("spotify", "gives a token that cannot be one")
    return token


def _read_rows(answer: Answer) -> list[FeatureRow | None] | None:
    if answer.status == 401 and not answer.is_page:
        return None
    if answer.status == 403 and not answer.is_page:
        raise NotAllowed("spotify", _CLOSED)
    return answer.read(_Rows).audio_features
