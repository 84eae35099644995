"""Feedback as files and libraries that training reads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from segue.enrich.feedback import Kept, graded, impressions, kept_playlists, seen_places
from segue.enrich.feedback_bias import BUCKETS, Examination
from segue.library import Interactions, Library
from segue.library.arrays import write_bytes, write_json
from segue.library.feedback import FeedbackEvent, GradedTrack
from segue.library.folders import new_folder
from segue.library.merge import merge
from segue.library.searching import write_lines
from segue.sources.spreadsheet import csv_bytes

__all__ = ["KIND", "Exported", "exported", "with_feedback", "write_feedback"]

KIND = "segue feedback"


@dataclass(frozen=True, eq=False)
class Exported:
    """What feedback comes to.

    Args:
        events: with digests in place of pseudonyms. places: how likely places are looked at.
    """

    events: tuple[FeedbackEvent, ...]
    kept: tuple[Kept, ...]
    pairs: tuple[GradedTrack, ...]
    places: Examination
    shown: int


def exported(events: Iterable[FeedbackEvent]) -> Exported:
    """Make of events what training takes."""
    held = tuple(msgspec.structs.replace(event, person=_digest(event.person)) for event in events)
    shown = impressions(held)
    places = seen_places(shown)
    return Exported(held, tuple(kept_playlists(held)), tuple(graded(shown, places)), places, len(shown))


def _digest(person: str) -> str:
    return hashlib.sha256(person.encode("utf-8", "replace")).hexdigest()[:16]


def write_feedback(found: Exported, folder: Path, library: Library | None = None) -> dict[str, Any]:
    """Write a folder; returns what its manifest says.

    ``playlists.jsonl``: what each person kept under each title, for ``segue ingest``. ``listeners.csv``: who kept
    which track, for ``segue listeners``. ``pairs.jsonl``: titles and tracks, graded
    (:class:`~segue.library.feedback.GradedTrack`). ``events.jsonl``: for ``segue evaluate --events``.

    Args:
        library: also written, as ``library``, with the kept playlists added.

    Raises:
        OutputError: the place cannot be written to, or holds something else.
    """
    about: dict[str, Any] = {
        "kind": KIND,
        "format_version": 1,
        "events": len(found.events),
        "people": len({event.person for event in found.events}),
        "shown": found.shown,
        "playlists": len(found.kept),
        "pairs": len(found.pairs),
        "places": {
            "known": found.places.known,
            "swapped": found.places.swapped,
            "decay": found.places.decay,
            "looked_at": {
                str(first): round(p, 4) for first, p in zip(BUCKETS, found.places.groups.tolist(), strict=True)
            },
        },
    }
    with new_folder(folder, kind=KIND) as new:
        write_lines(new / "events.jsonl", found.events)
        write_lines(new / "pairs.jsonl", found.pairs)
        playlists = [
            {
                "playlist_id": one.playlist_id,
                "title": one.title,
                "tracks": [{"track_uri": track_id} for track_id in one.track_ids],
            }
            for one in found.kept
        ]
        write_bytes(new / "playlists.jsonl", b"".join(msgspec.json.encode(one) + b"\n" for one in playlists))
        loved: dict[tuple[str, str], None] = {}
        for one in found.kept:
            for track_id in one.track_ids:
                loved.setdefault((one.person, track_id))
        write_bytes(new / "listeners.csv", csv_bytes(("user", "track_id"), loved))
        if library is not None:
            with_feedback(library, found.kept).save(new / "library")
        write_json(new / "manifest.json", about)
    return about


def with_feedback(library: Library, kept: Sequence[Kept]) -> Library:
    """A library with what people kept as further playlists; tracks that it does not have are left out.

    Raises:
        InputError: a playlist of that id is there already.
    """
    row_of = {track_id: row for row, track_id in enumerate(library.tracks["track_id"].to_list())}
    rows = [[row_of[track_id] for track_id in one.track_ids if track_id in row_of] for one in kept]
    there = [i for i, found in enumerate(rows) if found]
    playlists = pl.DataFrame(
        {
            "playlist_id": [kept[i].playlist_id for i in there],
            "title": [kept[i].title for i in there],
        },
        schema={"playlist_id": pl.String, "title": pl.String},
    )
    added = Library(
        tracks=library.tracks,
        playlists=playlists,
        playlist_tracks=Interactions.of([rows[i] for i in there], n_columns=library.n_tracks),
        public=library.public,
        notes={"feedback": len(there)},
    )
    return merge(library, added)
