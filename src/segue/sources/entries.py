"""One entry of an XSPF or JSPF -> track."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from segue.library.catalogue import Track
from segue.sources.addresses import id_of, is_address, path_of
from segue.sources.text import name_id

__all__ = ["Entry", "track_of"]


@dataclass(slots=True)
class Entry:
    """What an entry said."""

    title: str = ""
    creator: str = ""
    album: str = ""
    duration_ms: int | None = None
    identifiers: list[str] = field(default_factory=list)
    locations: list[str] = field(default_factory=list)
    meta: dict[str, str] = field(default_factory=dict)


def track_of(entry: Entry, base: Path | None) -> Track:
    """The track: its id from the first identifier, else from a location that is an id, else from name and artist."""
    identifiers = [i for i in entry.identifiers if i]
    locations = [location for location in entry.locations if location]
    addresses = [location for location in locations if is_address(location)]
    files = [location for location in locations if not is_address(location)]
    given = next(iter([i for i in identifiers if is_address(i)] + addresses + identifiers), None)
    name = entry.title
    if not name and given is None and files:
        name = Path(path_of(files[0], None, encoded=True)).stem
    year = entry.meta.get("urn:segue:year", "")
    explicit = entry.meta.get("urn:segue:explicit")
    return Track(
        track_id=id_of(given) if given else name_id(name, entry.creator),
        name=name,
        artist=entry.creator,
        album=entry.album or None,
        year=int(year) if year.isascii() and year.isdigit() and len(year) <= 4 else None,
        duration_ms=entry.duration_ms,
        explicit=None if explicit is None else explicit == "true",
        location=path_of(files[0], base, encoded=True) if files else None,
    )
