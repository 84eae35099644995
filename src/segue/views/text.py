"""What an encoder or a lexical index reads of a library's rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.views.titles import normalise

if TYPE_CHECKING:
    from segue.library.library import Library

__all__ = ["Rows", "name", "name_artist", "text_column", "title"]

Rows = Sequence[int] | NDArray[np.integer] | None


def name(library: Library, rows: Rows = None) -> list[str]:
    """Names of tracks, all of them or the given rows; unknown ones are the empty string."""
    return text_column(library, "name", rows)


def name_artist(library: Library, rows: Rows = None) -> list[str]:
    """Name and artist of tracks with a space between, all of them or the given rows."""
    names, artists = text_column(library, "name", rows), text_column(library, "artist", rows)
    return [f"{a} {b}".strip() for a, b in zip(names, artists, strict=True)]


def title(library: Library, rows: Rows = None) -> list[str]:
    """Titles of playlists as encoders read them, all of them or the given rows."""
    titles = library.titles if rows is None else [library.titles[row] for row in rows]
    return [normalise(text) for text in titles]


def text_column(library: Library, column: str, rows: Rows = None) -> list[str]:
    """A column of the track table as texts; unknown ones, and all where there is no such column, are empty."""
    if column not in library.tracks.columns:
        return [""] * (library.n_tracks if rows is None else len(rows))
    values = library.tracks[column]
    if rows is not None:
        values = values[np.asarray(rows, np.int64)]
    texts: list[str] = values.fill_null("").to_list()
    return texts
