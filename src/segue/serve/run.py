"""The service as processes: one, or several that share a listening socket and the mapped arrays.

SIGTERM and SIGINT end it: nothing new is accepted, requests in flight end first. SIGHUP has the models opened again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from multiprocessing.context import SpawnProcess
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from segue.errors import InputError, OutputError
from segue.serve import log
from segue.serve.guard_connection import Connection
from segue.serve.settings import ServeSettings

__all__ = ["address_of", "config_of", "listening", "run"]

_GRACE = 5.0  # seconds on top of an answer's time limit, until what is still in flight is given up
_SOON = 10.0  # seconds within which a worker that ended has not really lived
_MOST_DEATHS = 3  # of workers, one after the other, soon after their start
_LOG = logging.getLogger("segue.serve")


def run(settings: ServeSettings, *, ready: Callable[[str], None] | None = None) -> None:
    """Serve until a signal ends it.

    Args:
        ready: called with the address once it listens.

    Raises:
        InputError: the address cannot be used. OutputError: the port is taken, or the data folder cannot be written.
        StoredDataError: a model is missing, damaged or newer; nothing was started then.
    """
    if settings.workers < 1:
        raise InputError(f"{settings.workers} workers cannot serve; give --workers 1 or more")
    _log()
    with listening(settings.host, settings.port) as opened:
        address = address_of(opened, settings.host)
        told = (lambda: None) if ready is None else (lambda: ready(address))
        if settings.workers == 1:
            _serve(settings, opened, told)
        else:
            _supervise(settings, opened, told)


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket bound to an address; port 0 takes a free one.

    Raises:
        InputError: there is no such address or port. OutputError: the port is taken or reserved.
    """
    if not 0 <= port <= 65_535:  # the system would take it modulo 65,536
        raise InputError(f"there is no port {port}; choose one from 1024 to 65535 with --port, or 0 for a free one")
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise InputError(f"--host {host[:80]!r} is no address of a machine ({error}); try 127.0.0.1") from error
    with socket.socket(family, kind, protocol) as opened:
        try:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            opened.bind(where)
            opened.listen(2048)  # what comes before the workers are ready waits; and a taken port is known at once
            opened.set_inheritable(True)
        except PermissionError as error:
            said = f"port {port} may not be used without rights; choose one above 1023 with --port"
            raise OutputError(said) from error
        except OSError as error:
            said = f"cannot listen on {host} port {port} ({error.strerror or error})"
            raise OutputError(f"{said}; end what uses it, or choose another with --port") from error
        yield opened


def address_of(opened: socket.socket, host: str) -> str:
    """Where a browser finds it.

    >>> with listening("127.0.0.1", 0) as opened:
    ...     address_of(opened, "127.0.0.1").startswith("http://127.0.0.1:")
    True
    """
    port = opened.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def config_of(app: ASGIApp, settings: ServeSettings) -> uvicorn.Config:
    """How the service is run: one connection class, no access log but the guard's, a limit for the end."""
    return uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=round(settings.limits.seconds + _GRACE),
    )


def _log() -> None:
    log.configure()
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.WARNING)  # its phases are its own affair


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._told = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._told()


def _serve(settings: ServeSettings, opened: socket.socket, started: Callable[[], None]) -> None:
    """One process."""
    from segue.serve.app import create_app

    app = create_app(settings)
    server = _Server(config_of(app, settings), started)
    # uvicorn raises the signal that ended it once more when it is done; that end is no failure
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: None)
    signal.signal(signal.SIGHUP, lambda *_: app.state.serving.current.ask())
    server.run(sockets=[opened])


def _worker(settings: ServeSettings, opened: socket.socket, started: Any, parent: int) -> None:
    """A process of several; it does not outlive the one that started it."""
    _log()

    def watch_parent() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch_parent, name="segue-parent", daemon=True).start()
    _serve(settings, opened, started.set)


def _supervise(settings: ServeSettings, opened: socket.socket, told: Callable[[], None]) -> None:
    """Several processes; one that dies is started again."""
    from segue.serve.engine import Engine

    Engine.open(settings).warm()  # what cannot be opened is told once, before there is any worker
    over, hung_up = threading.Event(), threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: over.set())
    signal.signal(signal.SIGHUP, lambda *_: hung_up.set())
    with tempfile.TemporaryDirectory(prefix="segue-measures-") as measures:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = measures  # what is counted is shared by all
        workers = [_Worker(settings, opened) for _ in range(settings.workers)]
        try:
            _watch(workers, over, hung_up, told)
        finally:
            opened.close()  # else connections would wait here that no worker takes any more
            del os.environ["PROMETHEUS_MULTIPROC_DIR"]
            for worker in workers:
                worker.ask_to_end()
            until = time.monotonic() + settings.limits.seconds + 2 * _GRACE
            for worker in workers:
                worker.end(until)


def _watch(workers: list[_Worker], over: threading.Event, hung_up: threading.Event, told: Callable[[], None]) -> None:
    """Look after the workers until it is over.

    Raises:
        OutputError: they die one after the other.
    """
    deaths, said = 0, False
    while not over.wait(0.1):
        if hung_up.is_set():
            hung_up.clear()
            for worker in workers:
                if worker.started.is_set():  # one that is still opening its models opens the newest
                    worker.signal(signal.SIGHUP)
        for worker in workers:
            if worker.process.is_alive():
                continue
            deaths = deaths + 1 if time.monotonic() - worker.since < _SOON else 0
            if deaths >= _MOST_DEATHS:
                raise OutputError("the workers end as soon as they have begun; the log above says why")
            _LOG.error("worker %s ended (%s) and is started again", worker.process.pid, worker.process.exitcode)
            worker.begin()
        if not said and all(worker.started.is_set() for worker in workers):
            said = True
            told()


class _Worker:
    """A process and when it began."""

    def __init__(self, settings: ServeSettings, opened: socket.socket) -> None:
        self._settings, self._opened = settings, opened
        self.begin()

    def begin(self) -> None:
        context = get_context("spawn")  # threads of onnxruntime do not survive a fork
        self.started = context.Event()
        self.since = time.monotonic()
        arguments = (self._settings, self._opened, self.started, os.getpid())
        self.process: SpawnProcess = context.Process(target=_worker, args=arguments, name="segue-serve")
        self.process.start()

    def signal(self, number: int) -> None:
        if self.process.is_alive() and self.process.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, number)

    def ask_to_end(self) -> None:
        self.signal(signal.SIGTERM)

    def end(self, until: float) -> None:
        self.process.join(max(until - time.monotonic(), 0.1))
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
