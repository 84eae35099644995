"""Which playlists train, which tune, which test; and the ten scenarios of hiding tracks."""

from segue.split.challenge import SCENARIOS, playlist_queries, scenario
from segue.split.holdout import Held, Split, drop_near_duplicates, held_out, holdout, part_of

__all__ = [
    "SCENARIOS",
    "Held",
    "Split",
    "drop_near_duplicates",
    "held_out",
    "holdout",
    "part_of",
    "playlist_queries",
    "scenario",
]
