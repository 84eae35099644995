"""What people did with lists: events that are only ever added, and what they come to."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

__all__ = ["ACTIONS", "Action", "FeedbackEvent", "GradedTrack"]

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


class GradedTrack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How well a track answers a title, as far as people said; what feedback comes to.

    Args:
        title: in the spelling that was used most. shown: lists under that title that had the track.
        kept, rejected: of those, how many said so; wanting more is keeping.
        rate: of people who look at it, the share that keeps it: each keep counts by the inverse of its place's
            probability of being looked at, over ``shown``. Without bias but for the bound on that weight; not bounded
            by one, and unsure where ``shown`` is small.
        grade: of the weighted keeps and rejections the share of keeps, in [0, 1], pulled to the mean by a prior.
    """

    title: str
    track_id: str
    shown: int
    kept: int
    rejected: int
    rate: float
    grade: float
