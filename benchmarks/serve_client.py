"""Load: one process that sends HTTP/1.1 requests over kept connections, and what it saw.

    python benchmarks/serve_client.py < job.json > seen.json

Closed loop: so many connections, each sends its next request when the answer is there. Open loop: requests arrive at
random times (a Poisson process of a given rate) whether or not earlier ones are answered; latency counts from the
planned time, so that a server that stalls cannot hide what waited meanwhile.

The client is written for this one service so that it takes little of the processor that it shares with it; what it
takes is in its report.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import re
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["Job", "Seen", "main"]

_FINGERPRINT = re.compile(rb'"fingerprint":"([0-9a-f]+)"')
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_MOST_CONNECTIONS = 1_000
_PATIENCE = 30.0  # seconds after which an answer is an error
_ENOUGH = 50_000  # requests of one job


@dataclass(frozen=True)
class Job:
    """What is to be sent.

    Args:
        bodies: JSON texts, sent one after the other, from the first again when all were sent.
        connections: of a closed loop; 0 for an open one. rate: requests a second of an open loop.
        digests: whether to remember a digest of each distinct answer by body and fingerprint.
    """

    port: int
    bodies: list[str]
    path: str = "/v1/recommend"
    connections: int = 0
    rate: float = 0.0
    seconds: float = 5.0
    gzip: bool = False
    digests: bool = False
    rng_key: int = 66


@dataclass
class Seen:
    """What came back; latencies in milliseconds in order of sending, with the status of each."""

    latencies: list[float] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    begins: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    fingerprints: dict[str, int] = field(default_factory=dict)
    digests: dict[str, list[str]] = field(default_factory=dict)
    body_bytes: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0


class _Client:
    def __init__(self, job: Job) -> None:
        self.job, self.seen = job, Seen()
        head = f"POST {job.path} HTTP/1.1\r\nHost: 127.0.0.1:{job.port}\r\nContent-Type: application/json\r\n"
        head += "Accept-Encoding: gzip\r\n" if job.gzip else "Accept-Encoding: identity\r\n"
        bodies = [body.encode() for body in job.bodies]
        self.requests = [f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body for body in bodies]
        self.idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.open = 0
        self.next = 0
        self.began = 0.0

    async def one(self, planned: float | None = None) -> None:
        """Send the next request and remember what came back."""
        number = self.next
        self.next += 1
        begin = time.perf_counter() if planned is None else planned
        try:
            status, body = await asyncio.wait_for(self._ask(self.requests[number % len(self.requests)]), _PATIENCE)
        except (OSError, EOFError, ValueError, asyncio.IncompleteReadError, TimeoutError) as error:
            self.seen.errors.append(repr(error)[:200])
            return
        self.seen.latencies.append(round(1e3 * (time.perf_counter() - begin), 3))
        self.seen.begins.append(round(begin - self.began, 4))
        self.seen.statuses.append(status)
        self.seen.body_bytes += len(body)
        if status == 200 and not self.job.gzip:
            self._look(number % len(self.requests), body)

    def _look(self, number: int, body: bytes) -> None:
        found = _FINGERPRINT.search(body)
        name = found[1].decode() if found else ""
        self.seen.fingerprints[name] = self.seen.fingerprints.get(name, 0) + 1
        if self.job.digests:
            known = self.seen.digests.setdefault(f"{number} {name}", [])
            digest = hashlib.blake2b(body, digest_size=8).hexdigest()
            if digest not in known:
                known.append(digest)

    async def _ask(self, request: bytes) -> tuple[int, bytes]:
        if self.idle:
            reader, writer = self.idle.pop()
        else:
            if self.open >= _MOST_CONNECTIONS:
                raise OSError("the client has no connection left")
            reader, writer = await asyncio.open_connection("127.0.0.1", self.job.port, limit=1 << 22)
            self.open += 1
        kept = False
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            if length is None:
                raise ValueError("an answer without a length")
            body = await reader.readexactly(int(length[1]))
            kept = b"\r\nconnection: close" not in head.lower()
            return int(head[9:12]), body
        finally:
            if kept:
                self.idle.append((reader, writer))
            else:
                self.open -= 1
                writer.close()

    async def closed(self) -> None:
        until = time.perf_counter() + self.job.seconds

        async def one_after_the_other() -> None:
            while time.perf_counter() < until and self.next < _ENOUGH:
                await self.one()

        await asyncio.gather(*(one_after_the_other() for _ in range(self.job.connections)))

    async def arriving(self) -> None:
        rng = random.Random(self.job.rng_key)
        begin = planned = time.perf_counter()
        tasks: list[asyncio.Task[None]] = []
        while len(tasks) < _ENOUGH:
            planned += rng.expovariate(self.job.rate)
            if planned > begin + self.job.seconds:
                break
            if (wait := planned - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            tasks.append(asyncio.create_task(self.one(planned)))
        await asyncio.gather(*tasks)

    async def run(self) -> Seen:
        cpu, self.began = time.process_time(), time.perf_counter()
        await (self.closed() if self.job.connections else self.arriving())
        self.seen.seconds = round(time.perf_counter() - self.began, 3)
        self.seen.cpu_s = round(time.process_time() - cpu, 3)
        for _, writer in self.idle:
            writer.close()
        return self.seen


def main(job: dict[str, Any]) -> dict[str, Any]:
    """Do a job and report."""
    return asdict(asyncio.run(_Client(Job(**job)).run()))


if __name__ == "__main__":
    json.dump(main(json.load(sys.stdin)), sys.stdout)
