"""What ``segue doctor`` says of serving: the port, the data folder's keys, tokens for other programs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from segue.cli.finding import Finding
from segue.errors import SegueError

__all__ = ["service_findings"]


def service_findings() -> list[Finding]:
    """Settings, port, keys of the service, and which keys and tokens are set; nothing is said of their values."""
    from segue.cli.settings import read_settings

    try:
        given = read_settings().serve.given()
    except SegueError as error:
        return [Finding("settings", str(error), ok=False, advice="mend segue.toml, or move it away")]
    host, port = str(given.get("host", "127.0.0.1")), int(given.get("port", 8765))
    return [
        _port(host, port),
        *_keys(Path(given.get("data", "segue-data")), wanted=bool(given.get("keys", False))),
        _tokens(),
    ]


def _port(host: str, port: int) -> Finding:
    """Whether 'segue serve' could listen; if not, who does."""
    import socket

    where = f"{host}:{port}"
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind((host, port))
    except OSError as error:
        if _answers(host, port):
            return Finding("port", f"{where}: a segue service answers there", advice=f"look at http://{where}/")
        reason = error.strerror or str(error)
        return Finding("port", f"{where}: {reason}", advice="take another with 'segue serve --port'")
    return Finding("port", f"{where} is free")


def _answers(host: str, port: int) -> bool:
    import json
    import urllib.request

    shown = f"[{host}]" if ":" in host else host
    try:
        # never through a proxy: this asks about this machine
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{shown}:{port}/healthz", timeout=2) as answer:
            return isinstance(json.loads(answer.read(10_000)), dict)
    except (OSError, ValueError):
        return False


def _keys(data: Path, *, wanted: bool) -> Iterator[Finding]:
    """Keys in the data folder, where there are any or there should be."""
    try:
        from segue.serve.key_file import FILE, read_keys
    except ModuleNotFoundError:
        return  # the extra is not there, which another line says
    if not wanted and not (data / FILE).exists():
        return
    try:
        found = read_keys(data / FILE)
    except SegueError as error:
        yield Finding("keys", str(error), ok=False)
        return
    advice = "" if found else f"nobody can ask: make one with 'segue keys add NAME --data {data}'"
    yield Finding("keys", f"{len(found)} in {data / FILE}", ok=bool(found) or not wanted, advice=advice)


def _tokens() -> Finding:
    from segue.cli.config import SECRETS

    given = [name for name in SECRETS if os.environ.get(name)]
    return Finding(
        "tokens", ", ".join(f"{name} is set" for name in given) or "none is set", advice="'segue config show'"
    )
