"""The service as processes: signals, several workers, what is refused before anything starts."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from segue.errors import InputError, OutputError
from segue.library.folders import new_folder
from segue.serve.run import address_of, listening

_QUIET = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@contextlib.contextmanager
def service(*arguments: object, cwd: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """``segue serve`` on a free port, and its address."""
    command = [sys.executable, "-m", "segue", "serve", "--port", "0", *map(str, arguments)]
    with open(cwd / "stderr", "w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            command, cwd=cwd, env={**os.environ, **_QUIET}, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:"), (cwd / "stderr").read_text()
        yield process, address
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        process.stdout.close()


def soon(true: Callable[[], object], seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.05)


def children(pid: int) -> set[int]:
    """The processes that a process started and that still run, resource trackers of Python aside."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            if (
                int(parent) == pid
                and state != "Z"
                and b"resource_tracker" not in (stat.parent / "cmdline").read_bytes()
            ):
                found.add(int(stat.parent.name))
    return found


def test_a_request_in_flight_is_answered_when_the_service_ends(served_folder: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(served_folder / "model", model)
    with service("-m", model, cwd=tmp_path) as (process, address):
        said = httpx.get(f"{address}/readyz").json()
        assert said["generation"] == 1
        # SIGHUP has the models opened again, in a process that goes on
        process.send_signal(signal.SIGHUP)
        soon(lambda: httpx.get(f"{address}/readyz").json()["generation"] == 2)
        # a model that is put in its place is seen within a second
        with new_folder(model, kind="segue model") as folder:
            shutil.copytree(served_folder / "model", folder, dirs_exist_ok=True)
        soon(lambda: httpx.get(f"{address}/readyz").json()["generation"] == 3)
        # what cannot be opened is told, and the old one goes on
        (model / "manifest.json").write_text("{}")
        soon(lambda: httpx.get(f"{address}/readyz").json()["problem"])
        body = b'{"title": "summer", "n": 3}'
        with socket.create_connection(("127.0.0.1", int(address.rsplit(":", 1)[1]))) as asking:
            head = f"POST /v1/recommend HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"  # noqa: E501
            asking.sendall(head.encode() + body[:5])
            time.sleep(0.3)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            assert process.poll() is None
            with pytest.raises(httpx.TransportError):  # nothing new is taken
                httpx.get(f"{address}/healthz")
            asking.sendall(body[5:])
            answer = b""
            while chunk := asking.recv(65536):
                answer += chunk
        assert answer.startswith(b"HTTP/1.1 200") and b'"rank":3' in answer
        assert process.wait(20) == 0
    assert "every request that had come was answered" in (tmp_path / "stderr").read_text()


def test_several_workers_share_a_port_and_are_looked_after(served_folder: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(served_folder / "model", model)
    with service("-m", model, "--workers", 2, cwd=tmp_path) as (process, address):
        workers = children(process.pid)
        assert len(workers) == 2
        os.kill(min(workers), signal.SIGKILL)
        for _ in range(10):  # the other one answers meanwhile; a connection that the dead one had accepted may break
            with contextlib.suppress(httpx.TransportError):
                assert httpx.get(f"{address}/healthz").status_code == 200
        soon(lambda: len(children(process.pid)) == 2 and children(process.pid) != workers)
        # both count together
        soon(lambda: b"segue_requests_total" in httpx.get(f"{address}/metrics").content)
        again = children(process.pid)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert not [pid for pid in again if Path(f"/proc/{pid}").exists()]


def test_a_taken_port_and_an_address_of_nobody_are_told() -> None:
    with listening("127.0.0.1", 0) as opened:
        port = opened.getsockname()[1]
        with pytest.raises(OutputError, match=f"port {port}.*--port"), listening("127.0.0.1", port):
            pass
    with pytest.raises(InputError, match="--host"), listening("no such host at all", 0):
        pass
    with pytest.raises(OutputError, match=r"192\.0\.2\.1"), listening("192.0.2.1", 0):
        pass
    with pytest.raises(InputError, match="70000"), listening("127.0.0.1", 70_000):
        pass
    with listening("::1", 0) as opened:
        assert address_of(opened, "::1").startswith("http://[::1]:")
