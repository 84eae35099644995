"""Tracks by id, as the models of a service know them."""

from __future__ import annotations

from segue.library import Track
from segue.serve.engine import Engine

__all__ = ["track_of"]


def track_of(engine: Engine, track_id: str) -> Track | None:
    """The owned track of this id, with its own name and location, else that of the catalogue; None for neither."""
    if engine.owned is not None:
        owned = engine.owned.track_of(track_id)
        if owned is not None:
            return owned
    row = engine.model.catalogue.find_id(track_id)
    return None if row is None else engine.model.catalogue.track(row)
