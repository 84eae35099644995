"""What a match found: every owned track with the one that it is in the model, how, and how surely."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from segue.library import Catalogue
from segue.systems.model import Model
from segue.systems.owned_match import BY
from segue.systems.owned_tracks import Owned

__all__ = ["MatchLine", "Status", "match_csv", "match_json", "match_lines", "match_summary"]

Status: TypeAlias = Literal["found", "ambiguous", "missing"]
_HEADER = (
    "status", "how", "likeness", "track_id", "name", "artist", "album", "location", "model_track_id", "model_name",
    "model_artist", "versions", "playlists",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MatchLine:
    """One owned track.

    Args:
        how: one of :data:`~segue.systems.owned_match.BY`, empty where it is missing. likeness: of the names, 0 to 1.
        row, model_row: of the owned and of the model's catalogue; -1 where it is missing.
        versions: rows of the model that count for it. playlists: that have one of them.
    """

    status: Status
    how: str
    likeness: float
    row: int
    model_row: int
    versions: int
    playlists: int

    def cells(self, owned: Catalogue, model: Catalogue) -> list[Any]:
        """Values in order of the report's columns."""
        own = owned.track(self.row)
        their = model.track(self.model_row) if self.model_row >= 0 else None
        return [
            self.status, self.how, round(self.likeness, 3),
            own.track_id, own.name, own.artist, own.album, own.location,
            None if their is None else their.track_id, None if their is None else their.name,
            None if their is None else their.artist, self.versions, self.playlists,
        ]  # fmt: skip


def match_lines(owned: Owned) -> Iterator[MatchLine]:
    """A line a track, in order of the library."""
    versions = owned.rows.lengths
    for row in range(len(owned)):
        best = int(owned.best[row])
        status: Status = "missing" if best < 0 else "ambiguous" if owned.ambiguous[row] else "found"
        how = BY[int(owned.by[row])] if best >= 0 else ""
        yield MatchLine(status, how, float(owned.alike[row]), row, best, int(versions[row]), int(owned.counts[row]))


def match_summary(model: Model, owned: Owned) -> dict[str, Any]:
    """Counts as JSON-ready values: by status, by way, and how many tracks no playlist has."""
    lines = list(match_lines(owned))
    status = Counter(line.status for line in lines)
    ways = Counter(line.how for line in lines if line.how)
    return {
        "model": {"fingerprint": model.fingerprint, "tracks": len(model.catalogue)},
        "tracks": len(lines),
        "found": status["found"],
        "ambiguous": status["ambiguous"],
        "missing": status["missing"],
        "missing_by_known_artists": int(((owned.best < 0) & (owned.artists >= 0)).sum()),
        "in_no_playlist": int((owned.counts == 0).sum()),
        "how": {way: ways[way] for way in BY if ways[way]},
    }


def match_csv(model: Model, owned: Owned) -> bytes:
    """The report as CSV with guarded cells, missing and ambiguous tracks first."""
    from segue.sources.spreadsheet import csv_bytes

    order = {"missing": 0, "ambiguous": 1, "found": 2}
    lines = sorted(match_lines(owned), key=lambda line: (order[line.status], line.likeness, line.row))
    return csv_bytes(_HEADER, (line.cells(owned.catalogue, model.catalogue) for line in lines))


def match_json(model: Model, owned: Owned) -> dict[str, Any]:
    """The summary and every line, by field."""
    cells = (line.cells(owned.catalogue, model.catalogue) for line in match_lines(owned))
    lines = [dict(zip(_HEADER, values, strict=True)) for values in cells]
    return {**match_summary(model, owned), "lines": lines}
