"""The application: models, stores and routes put together."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request, Response

from segue.serve import problem_handlers
from segue.serve.current import Current
from segue.serve.gate import Gate
from segue.serve.guard import guarded
from segue.serve.guard_rules import is_open
from segue.serve.keys import Keys
from segue.serve.measures import Measures
from segue.serve.routes import (
    export,
    feedback,
    health,
    listeners,
    model,
    page,
    playlists,
    recommend,
    search,
    similar,
    tracks,
)
from segue.serve.serving import Serving
from segue.serve.settings import ServeSettings
from segue.serve.store import Store

__all__ = ["create_app"]


_ABOUT = """Playlists from words, learnt from playlists that people made.

Errors are problem details (RFC 9457, `application/problem+json`). Every answer carries `X-Request-Id`. Where the
service wants keys, send `Authorization: Bearer KEY`.
"""
_ROUTERS = (
    recommend.router,
    similar.router,
    listeners.router,
    search.router,
    tracks.router,
    playlists.router,
    feedback.router,
    export.router,
    model.router,
    health.router,
    page.router,
)


class _App(FastAPI):
    """The application; a connection asks it how long it may wait for headers."""

    receive_seconds: float
    needs_key: bool

    def openapi(self) -> dict[str, Any]:
        """The description, with how a key is sent, and that one is needed where it is."""
        if self.openapi_schema is None:
            described = super().openapi()
            key = {"type": "http", "scheme": "bearer", "description": "A key that 'segue keys add' made."}
            described.setdefault("components", {})["securitySchemes"] = {"key": key}
            for path, operations in described["paths"].items():
                if self.needs_key and not is_open(path):
                    for operation in operations.values():
                        operation["security"] = [{"key": []}]
        return self.openapi_schema or {}


def create_app(settings: ServeSettings) -> FastAPI:
    """Open everything that the settings name and make the application; its lifespan watches the folders.

    Raises:
        StoredDataError: a model is missing, damaged or newer. OutputError: the data folder cannot be written to.
    """
    measures = Measures()
    limits = settings.limits
    keys = Keys.open(settings.data)
    state = Serving(
        settings=settings,
        current=Current(settings, measures),
        store=Store.open(settings.data),
        gate=Gate(limits.threads, limits.waiting, limits.seconds, changed=measures.load),
        keys=keys,
        measures=measures,
    )
    app = _App(
        title="Segue",
        version="v1",
        summary="Playlists from words.",
        description=_ABOUT,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        docs_url=None,  # its scripts would come from elsewhere, and nothing here asks another machine
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.receive_seconds, app.needs_key = limits.receive_seconds, settings.keys
    app.state.serving = state
    app.state.version = version("segue-playlists")
    problem_handlers.install(app)
    app.add_exception_handler(405, _other_methods)
    for router in _ROUTERS:
        app.include_router(router)
    app.mount("/static", page.static_files(), name="static")
    app.add_middleware(guarded, settings=settings, measures=measures, keys=keys)
    return app


async def _other_methods(request: Request, error: Exception) -> Response:
    """A method that a path does not know. A route knows its own alone, and several may share a path."""
    path = getattr(request.scope.get("route"), "path", "")
    known = request.app.openapi()["paths"].get(path)
    allowed = (
        ", ".join(sorted(map(str.upper, known))) if known else (getattr(error, "headers", None) or {}).get("Allow")
    )
    detail = "this path knows other methods; the header Allow lists them"
    return problem_handlers.problem_response(405, detail, {"Allow": allowed or "GET, HEAD"})


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    state: Serving = app.state.serving
    state.current.watch()
    try:
        yield
    finally:
        state.current.stop()
        state.gate.close()
        state.store.close()
