"""Leave to use a person's Spotify account: asked for once in a browser, kept in a file, renewed when it runs out.

Source: https://developer.spotify.com/documentation/web-api/tutorials/code-pkce-flow and .../concepts/redirect_uri.
The authorization code flow with PKCE needs no client secret. The redirect goes to 127.0.0.1 by number, where the port
may be any; the app's settings name ``http://127.0.0.1/callback``.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import secrets
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec

from segue.errors import OutputError
from segue.services.addresses import check_base
from segue.services.base import Answer, NotAllowed, Request, Unavailable
from segue.services.client import Client
from segue.services.spotify import SPOTIFY_ACCOUNTS

__all__ = ["SCOPES", "Leave", "log_in", "token_file"]

SCOPES = (
    "playlist-read-private playlist-read-collaborative playlist-modify-private playlist-modify-public "
    "user-library-read"
)
_PATIENCE = 300.0  # seconds that a person has for the browser
_AGAIN = "give it with 'segue push --to spotify --login' or 'segue pull --from spotify --login'"
_PAGE = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Segue</title>"
    "<p>{}</p><p>You may close this page.</p></html>"
)


class _Answer(msgspec.Struct):
    access_token: str
    refresh_token: str | None = None
    expires_in: float = 3_600.0


@dataclass(frozen=True, repr=False)
class _Tokens:
    access: str
    refresh: str
    client_id: str


def token_file() -> Path:
    """Where the leave is kept: ``segue/spotify.json`` in the user's folder of settings."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "segue" / "spotify.json"


class Leave:
    """Tokens for one app and one person, kept in a file that its owner alone may read.

    Raises:
        NotAllowed: there is none for this app yet.
    """

    def __init__(self, client: Client, client_id: str, file: Path) -> None:
        self._client, self._client_id, self._file = client, client_id, file
        self._tokens = self._read()

    @property
    def headers(self) -> dict[str, str]:
        """What a request needs."""
        return {"Authorization": f"Bearer {self._tokens.access}"}

    def renew(self) -> None:
        """Get a new token for one that has run out.

        Raises:
            NotAllowed: the person has taken the leave back.
        """
        stored = self._read()
        if stored.access != self._tokens.access:  # another segue has done it
            self._tokens = stored
            return
        params = {"grant_type": "refresh_token", "client_id": self._client_id}
        try:
            made = _token(self._client, params, {"refresh_token": self._tokens.refresh})
        except NotAllowed:
            stored = self._read()  # each may be used once, and another segue was first
            if stored.refresh == self._tokens.refresh:
                raise
            self._tokens = stored
            return
        refresh = made.refresh_token or self._tokens.refresh
        self._tokens = _Tokens(made.access_token, refresh, self._client_id)
        _write(self._file, self._tokens)

    def _read(self) -> _Tokens:
        missing = NotAllowed("spotify", f"needs your leave first; {_AGAIN}")
        try:
            found = json.loads(self._file.read_bytes())
            tokens = _Tokens(*(found[name] for name in ("access_token", "refresh_token", "client_id")))
        except FileNotFoundError:
            raise missing from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise NotAllowed("spotify", f"cannot use {self._file}, where your leave is kept; {_AGAIN}") from error
        if tokens.client_id != self._client_id:
            raise missing
        if not all(isinstance(text, str) and _is_token(text) for text in (tokens.access, tokens.refresh)):
            raise NotAllowed("spotify", f"cannot use {self._file}, where your leave is kept; {_AGAIN}")
        return tokens


def log_in(
    client: Client,
    client_id: str,
    file: Path,
    show: Callable[[str], None],
    *,
    port: int = 0,
    seconds: float = _PATIENCE,
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Ask a person for leave: an address is shown, they open it in a browser on this machine and say yes.

    Args:
        show: is given the address. port: to listen at; 0 takes one that is free.

    Raises:
        NotAllowed: they said no, or nothing in time.
        OutputError: the leave cannot be kept.
    """
    verifier, state = secrets.token_urlsafe(64), secrets.token_urlsafe(24)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    try:
        server = _Listener(("127.0.0.1", port), state)
    except OSError as error:
        raise NotAllowed("spotify", f"cannot listen at port {port} of 127.0.0.1 ({error.strerror})") from error
    with contextlib.closing(server.socket):
        redirect = f"http://127.0.0.1:{server.server_address[1]}/callback"
        asked = {
            "client_id": client_id,
            "response_type": "code",
            "redirect_uri": redirect,
            "scope": SCOPES,
            "state": state,
            "code_challenge_method": "S256",
            "code_challenge": challenge,
        }
        show(f"{check_base(SPOTIFY_ACCOUNTS)}/authorize?{urlencode(asked)}")
        end = now() + seconds
        while server.code is None and server.refused is None and now() < end:
            server.timeout = max(min(end - now(), 1.0), 0.01)
            server.handle_request()
    if server.code is None:
        said = f"was told no ({server.refused})" if server.refused else "was given no leave in time"
        raise NotAllowed("spotify", f"{said}; {_AGAIN}")
    params = {"grant_type": "authorization_code", "redirect_uri": redirect, "client_id": client_id}
    made = _token(client, params, {"code": server.code, "code_verifier": verifier})
    if not made.refresh_token:
        raise Unavailable("spotify", "gives no token to go on with")
    _write(file, _Tokens(made.access_token, made.refresh_token, client_id))


class _Listener(HTTPServer):
    """Takes the one redirect that carries our state; everything else is turned away and changes nothing."""

    code: str | None = None
    refused: str | None = None

    def __init__(self, address: tuple[str, int], state: str) -> None:
        self.state = state
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Listener
    timeout = 5.0

    def do_GET(self) -> None:
        """Answer a browser."""
        parts = urlsplit(self.path)
        fields = {name: values[0] for name, values in parse_qs(parts.query).items()}
        ours = hmac.compare_digest(fields.get("state", "").encode(), self.server.state.encode())
        if parts.path != "/callback" or not ours:
            self._say(404, "There is nothing here.")
        elif _is_token(fields.get("code", "")):
            self.server.code = fields["code"]
            self._say(200, "Segue may now use your playlists.")
        else:
            known = fields.get("error") == "access_denied"
            self.server.refused = "access_denied" if known else "an answer that cannot be used"
            self._say(200, "Segue was not allowed to use your playlists.")

    def _say(self, status: int, sentence: str) -> None:
        body = _PAGE.format(sentence).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """The address holds the code, so nothing is logged."""


def _token(client: Client, params: dict[str, str], secret_params: dict[str, str]) -> _Answer:
    request = Request(SPOTIFY_ACCOUNTS, "/api/token", params, secret_params=secret_params, method="POST", once=True)
    return client.send(request, _read_token)


def _read_token(answer: Answer) -> _Answer:
    if answer.status in (400, 401, 403) and not answer.is_page:
        raise NotAllowed("spotify", f"does not accept the leave that you gave (status {answer.status}); {_AGAIN}")
    made = answer.read(_Answer)
    if not _is_token(made.access_token) or not (made.refresh_token is None or _is_token(made.refresh_token)):
        raise Unavailable("spotify", "gives a token that cannot be one")
    return made


def _is_token(text: str) -> bool:
    return 0 < len(text) <= 4_096 and text.isascii() and text.isprintable() and " " not in text


def _write(file: Path, tokens: _Tokens) -> None:
    """Write the tokens so that nobody but the owner can read them at any moment."""
    said = {"access_token": tokens.access, "refresh_token": tokens.refresh, "client_id": tokens.client_id}
    temporary = None
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # 0600
        with os.fdopen(handle, "wb") as made:
            made.write(json.dumps(said).encode())
        os.replace(temporary, file)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise OutputError(f"cannot write {file}: {error.strerror or error}") from error
