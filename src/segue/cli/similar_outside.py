"""For ``segue similar``: given tracks that the catalogue does not have, looked up in files and services."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segue.library import Library
    from segue.recommend.track_neighbours import Given
    from segue.systems.track_model import TrackModel

__all__ = ["looked_up"]


def looked_up(
    model: TrackModel, texts: Sequence[str], sources: Sequence[Path], *, fetch: bool
) -> tuple[list[Given], list[str]]:
    """What the model makes of tracks from outside, and sentences about what was not found.

    Args:
        sources: files that may know them. fetch: whether lyrics services are asked.

    Raises:
        QueryError: a text without an artist.
    """
    from segue.cli.terminal import progress
    from segue.errors import SourceError
    from segue.library.names import fold
    from segue.sources.annotations import annotate
    from segue.systems.track_answers import outside_library

    catalogue = model.catalogue
    artists = frozenset(fold(catalogue.texts["artist"][row]) for row in _first_of_artists(model)) - {""}
    outside = outside_library(texts, artists)
    said = []
    if sources:
        with progress() as report:
            try:
                outside, _ = annotate(outside, sources, progress=report)
            except SourceError as error:
                if "nothing to annotate" not in str(error):
                    raise
                said.append(f"nothing about given tracks is in {', '.join(map(str, sources[:3]))}")
    if fetch:
        outside = _fetched(outside)
    return model.place(outside), [*said, *_unknown(model, outside, texts)]


def _first_of_artists(model: TrackModel) -> list[int]:
    import numpy as np

    rows: list[int] = np.unique(model.neighbours.artist_rows, return_index=True)[1].tolist()
    return rows


def _fetched(outside: Library) -> Library:
    """With the lyrics that services know."""
    from segue.cli.terminal import progress, say, two_arguments
    from segue.services.client import Client
    from segue.services.fill import fill_lyrics
    from segue.services.lyrics import LyricsSearch
    from segue.services.patch import Patch

    patches: list[Patch] = []
    client = Client()
    with progress() as report:
        filled = fill_lyrics(
            outside, LyricsSearch(client), patches.append, progress=two_arguments(report, "looking up lyrics")
        )
    for sentence in filled.remarks:
        say(sentence)
    for patch in patches:
        outside = patch.on(outside)
    return outside


def _unknown(model: TrackModel, outside: Library, texts: Sequence[str]) -> list[str]:
    """What is not known of the outside tracks, one sentence a track."""
    from segue.systems.track_parts import known_rows
    from segue.views.text import text_column

    parts = model.parts
    columns = parts.audio_scaler.columns if parts.audio_scaler is not None else ()
    heard = known_rows(outside, columns)
    lyrics = text_column(outside, "lyrics")
    said = []
    for row, text in enumerate(texts):
        lacking = ["audio features"] if columns and not heard[row] else []
        if parts.lyrics is not None and not lyrics[row]:
            lacking.append("lyrics")
        known = "it is placed by what else is known" if lacking else "it is placed by what the sources say"
        found = f"; no {' and no '.join(lacking)} of it were found" if lacking else ""
        said.append(f"{text[:120]!r} is not in the catalogue{found}; {known}")
    return said
