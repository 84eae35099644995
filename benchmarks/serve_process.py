"""Services as processes: started, awaited, measured with their children, ended."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from measure import one_thread

__all__ = ["Service", "free_port", "load"]

_HERE = Path(__file__).resolve().parent
_TICK = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@dataclass
class Service:
    """A process that answers on a port, for the time of a block."""

    name: str
    command: Sequence[str]
    port: int
    log: Path
    seconds: float = 600.0
    started_s: float = 0.0
    started_cpu_s: float = 0.0
    _process: Any = field(default=None, repr=False)

    def __enter__(self) -> Service:
        begin = time.perf_counter()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(list(self.command), stdout=log, stderr=log, env=one_thread())
        while not self.ready():
            if self._process.poll() is not None:
                raise SystemExit(f"{self.name} ended at once; {self.log} says why")
            if time.perf_counter() - begin > self.seconds:
                self.__exit__()
                raise SystemExit(f"{self.name} was not ready after {self.seconds:g} s; see {self.log}")
            time.sleep(0.05)
        self.started_s = round(time.perf_counter() - begin, 2)
        self.started_cpu_s = round(self.cpu_s(), 2)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def ready(self) -> bool:
        """Whether ``/readyz`` says so."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def hang_up(self) -> None:
        """Send SIGHUP."""
        self._process.send_signal(signal.SIGHUP)

    def generations(self, body: str) -> str:
        """The fingerprint that one answer names."""
        job = {"port": self.port, "bodies": [body], "connections": 1, "seconds": 0.01}
        return next(iter(load(job)["fingerprints"]), "")

    def processes(self) -> list[int]:
        """The process and all below it."""
        children: dict[int, list[int]] = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit() and (stat := _stat(int(entry))):
                children.setdefault(int(stat[1]), []).append(int(entry))
        found = [self._process.pid]
        for pid in found:
            found += children.get(pid, [])
        return found

    def cpu_s(self) -> float:
        """User and system seconds of all processes, those that ended included."""
        stats = [stat for pid in self.processes() if (stat := _stat(pid))]
        ended = sum(int(stat[13]) + int(stat[14]) for stat in stats)
        return (sum(int(stat[11]) + int(stat[12]) for stat in stats) + ended) / _TICK

    def memory_mb(self) -> dict[str, float]:
        """Of all processes: ``pss`` (shared pages divided among those that share them) and ``own`` (anonymous)."""
        sums = {"Pss": 0, "Anonymous": 0}
        for pid in self.processes():
            try:
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            except OSError:
                continue
            for line in lines:
                name, _, rest = line.partition(":")
                if name in sums:
                    sums[name] += int(rest.split()[0])
        return {"pss": round(sums["Pss"] / 1024, 1), "own": round(sums["Anonymous"] / 1024, 1)}


def _stat(pid: int) -> list[str]:
    """Fields of ``/proc/PID/stat`` behind the name: state, parent, ..."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    return text[text.rindex(")") + 2 :].split()


def load(job: dict[str, Any]) -> dict[str, Any]:
    """Run a job of the client in a process of its own."""
    command = [sys.executable, str(_HERE / "serve_client.py")]
    done = subprocess.run(command, input=json.dumps(job), capture_output=True, text=True, env=one_thread())
    if done.returncode:
        raise SystemExit(f"the client failed: {done.stderr[-500:]}")
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen
