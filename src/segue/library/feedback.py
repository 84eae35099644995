"""What people did with lists: events that are only ever added."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

__all__ = ["ACTIONS", "Action", "FeedbackEvent"]

Action = Literal["shown", "keep", "never", "more", "undo", "save"]
ACTIONS: tuple[Action, ...] = get_args(Action)
"""``shown``: a list was on the screen. ``keep``, ``never``, ``more`` (like this): said of one track of it. ``undo``:
takes what was last said of a track back. ``save``: the track was in a playlist that the person saved."""


class FeedbackEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One event; enough of what was asked to learn from it later, by whatever model.

    Args:
        time: unix seconds. person: pseudonym, no name. list_id: of the list that was shown; empty for none.
        action: see :data:`ACTIONS`. model: fingerprint of what answered. title: as typed. seed_tracks: ids given.
        track_id, position: what the action is about and where it stood, from 1; empty and 0 for ``shown``.
        shown: of ``shown`` alone: the track ids of the list, in order.
    """

    time: float
    person: str
    list_id: str
    action: Action
    model: str
    title: str
    seed_tracks: tuple[str, ...] = ()
    track_id: str = ""
    position: int = 0
    shown: tuple[str, ...] = ()
