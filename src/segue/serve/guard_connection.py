"""Connections: those that trickle their headers in, or never take their answer, are let go of.

uvicorn has a limit for idle connections (``timeout_keep_alive``) and for the size of headers
(``h11_max_incomplete_event_size``), but none for how long headers may take, or for a client that does not read.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["Connection"]

_SECONDS = 10.0
_READING = 6.0  # times as long: an answer may be large and a line slow
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Connection(H11Protocol):
    """uvicorn's connection with two more limits; to be given to it as ``http=Connection``.

    How long is what the app says in ``receive_seconds`` (:class:`~segue.serve.guard.Guard` does).
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.access_log = False  # it has queries and tokens in it; the guard's has not
        self._seconds = _receive_seconds(self.app)
        self._headers_timer: asyncio.TimerHandle | None = None
        self._reading_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for headers."""
        super().connection_made(transport)
        self._headers_timer = self.loop.call_later(self._seconds, self._headers_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._headers_came()
        self._client_read()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Wait on while headers have begun and not ended."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE or not self.conn.trailing_data[0]:
            self._headers_came()
        elif self._headers_timer is None:
            self._headers_timer = self.loop.call_later(self._seconds, self._headers_late)

    def pause_writing(self) -> None:
        """The client does not read as fast as the answer is written."""
        super().pause_writing()
        self._reading_timer = self.loop.call_later(self._seconds * _READING, self._break_off)

    def resume_writing(self) -> None:
        """It has read on."""
        self._client_read()
        super().resume_writing()

    def _headers_came(self) -> None:
        if self._headers_timer is not None:
            self._headers_timer.cancel()
            self._headers_timer = None

    def _client_read(self) -> None:
        if self._reading_timer is not None:
            self._reading_timer.cancel()
            self._reading_timer = None

    def _break_off(self) -> None:
        """What the system still holds for the client is dropped too, or it would be sent for as long as it takes."""
        with contextlib.suppress(OSError):
            connection = self.transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def _headers_late(self) -> None:
        if not self.transport.is_closing():
            if self.conn.trailing_data[0]:  # a client that has said nothing yet is told nothing
                self.transport.write(_TOO_SLOW)
            self.transport.close()


def _receive_seconds(app: Any) -> float:
    """What the guard says; uvicorn may have put layers of its own around it."""
    while app is not None:
        if isinstance(found := getattr(app, "receive_seconds", None), float):
            return found
        app = getattr(app, "app", None)
    return _SECONDS
