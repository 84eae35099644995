"""What a service counts about itself, as Prometheus reads it."""

from __future__ import annotations

import os

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

__all__ = ["Measures"]

_SECONDS = (0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)


class Measures:
    """Counters, times and levels of one app, in a registry of its own.

    Paths are those of the routes ("/v1/playlists/{id}"), never what was asked for: a raw path would tell ids and
    tokens, and make as many series as there are addresses.

    Several worker processes share what they count where ``PROMETHEUS_MULTIPROC_DIR`` names an empty folder before
    they start; otherwise each answers for itself.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        with_labels = ("method", "path", "status")
        self._requests = Counter("segue_requests", "Requests answered.", with_labels, registry=self.registry)
        self._seconds = Histogram(
            "segue_request_seconds",
            "From a request to its answer.",
            ("path",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._in_flight = self._gauge("segue_requests_in_flight", "Requests that are being answered.", "livesum")
        self._waiting = self._gauge("segue_requests_waiting", "Requests that wait for a thread.", "livesum")
        self._busy = self._gauge("segue_threads_busy", "Threads at work.", "livesum")
        self._generation = self._gauge("segue_model_generation", "Models opened since the start.", "livemin")
        self._generation.set(1)
        self._failures = Counter(
            "segue_model_reload_failures", "Models that could not be opened.", registry=self.registry
        )

    def started(self) -> None:
        """A request has come in."""
        self._in_flight.inc()

    def ended(self, method: str, path: str, status: int, seconds: float) -> None:
        """A request was answered; ``path`` is its route's."""
        self._in_flight.dec()
        self._requests.labels(method, path, str(status)).inc()
        self._seconds.labels(path).observe(seconds)

    def load(self, busy: int, waiting: int) -> None:
        """How many threads work, and how many requests wait for one."""
        self._busy.set(busy)
        self._waiting.set(waiting)

    def reloaded(self, worked: bool) -> None:
        """Models were opened again: others answer from now on, or the old ones go on because that failed."""
        if worked:
            self._generation.inc()
        else:
            self._failures.inc()

    def text(self) -> tuple[bytes, str]:
        """Everything as text, and its media type."""
        registry = self.registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            from prometheus_client.multiprocess import MultiProcessCollector

            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry), CONTENT_TYPE_LATEST

    def _gauge(self, name: str, what: str, mode: str) -> Gauge:
        return Gauge(name, what, registry=self.registry, multiprocess_mode=mode)  # type: ignore[arg-type]
