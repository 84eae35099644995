"""Lists from one's own music: the model ranks, only owned tracks are listed, under their own names."""

from __future__ import annotations

from collections.abc import Sequence

from segue.systems.model import Model
from segue.systems.owned_tracks import Owned
from segue.systems.requests import Answer, Request

__all__ = ["Owned", "owned_answer"]


def owned_answer(model: Model, owned: Owned, request: Request, *, exclude_artists: Sequence[str] = ()) -> Answer:
    """Answer a request with owned tracks alone; ids, names, durations and locations are the owned library's.

    Args:
        request: given, kept and rejected tracks by ids of the owned library or of the model; rows in its rules are
            the model's, as for :meth:`~segue.systems.model.Model.answer`.
        exclude_artists: names of artists to leave out, also of those that only the owned library has.

    Raises:
        QueryError: it holds more than can be looked at.
        StoredDataError: the model's arrays hold what cannot be.
    """
    raise NotImplementedError
