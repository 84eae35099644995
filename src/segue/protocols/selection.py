"""The selection protocol: a couple of hand-picked playlists, as published reports use, and what so few can tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder
from segue.errors import InputError
from segue.library import Library, Recommender
from segue.protocols.common import REFERENCE, Progress, bundled_titles
from segue.protocols.title import TitleReport, run_queries
from segue.split.holdout import Held, Part, Split, held_out
from segue.views.titles import normalise

__all__ = ["BROAD", "MINIMUM_TRACKS", "Selected", "run_selection", "select"]

MINIMUM_TRACKS = 10
BROAD = 10
"""Training playlists from which on a title counts as broad; below it is niche."""
_BY_ID = "id:"


@dataclass(frozen=True, eq=False)
class Selected:
    """What the rule picked.

    Args:
        rows: playlist rows, int32, ascending. broad, niche: how many of each kind.
        missing: titles for which no playlist of the part qualifies.
    """

    rows: NDArray[np.int32]
    broad: int
    niche: int
    missing: tuple[str, ...]


def select(library: Library, split: Split, titles: Sequence[str], *, part: Part = "test") -> Selected:
    """Pick one held-out playlist per title by the published rule, made mechanical.

    The rule: at least ten tracks, the title fits the tracks, niche and broad ones mixed. A title's candidates are the
    playlists of the part with that title (compared as ``seen``) and ten distinct tracks. "The title fits" is the
    idf-cosine of a candidate's tracks with the sum of all training playlists of that title; the best candidate is
    taken, ties and titles unseen in training by row. An entry ``id:PLAYLIST`` names a playlist itself.

    A selection flatters: playlists that fit their titles are easier. Its figures are not those of the part.

    Raises:
        InputError: no title finds a playlist, or an ``id:`` names none of the part.
    """
    held = held_out(library, split, part).rows
    distinct = library.playlist_tracks.distinct()
    long_enough = held[distinct.lengths[held] >= MINIMUM_TRACKS]
    candidates: dict[str, list[int]] = {}
    for row in long_enough.tolist():
        candidates.setdefault(normalise(library.titles[row], "seen"), []).append(row)
    voters: dict[str, list[int]] = {}
    for row in split.train.tolist():
        voters.setdefault(normalise(library.titles[row], "seen"), []).append(row)
    counts = distinct.select(split.train).column_counts()
    idf: NDArray[np.float64] = np.log(max(len(split.train), 1) / np.maximum(counts, 1))
    row_of_id = {library.playlists["playlist_id"][row]: row for row in long_enough.tolist()}
    rows: list[int] = []
    missing: list[str] = []
    for title in titles:
        if title.startswith(_BY_ID):
            playlist_id = title.removeprefix(_BY_ID).strip()
            if playlist_id not in row_of_id:
                raise InputError(
                    f"no {part} playlist with at least {MINIMUM_TRACKS} tracks has the id {playlist_id!r}; "
                    "only held-out playlists can be selected"
                )
            rows.append(row_of_id[playlist_id])
            continue
        key = normalise(title, "seen")
        found = candidates.get(key, [])
        if not found:
            missing.append(title)
            continue
        taught = distinct.select(np.array(voters.get(key, []), np.int64))
        profile: NDArray[np.float64] = (
            np.bincount(taught.indices, minlength=library.n_tracks).astype(np.float64) * idf
        )
        fits = [_fit(profile, distinct.row(row), idf) for row in found]
        rows.append(found[int(np.argmax(fits))])
    if not rows:
        raise InputError(f"none of the {len(titles)} titles is the title of a {part} playlist with enough tracks")
    kept = np.unique(np.array(rows, np.int32))
    broad = sum(len(voters.get(normalise(library.titles[row], "seen"), [])) >= BROAD for row in kept.tolist())
    return Selected(kept, broad, len(kept) - broad, tuple(missing))


def run_selection(
    library: Library,
    split: Split,
    recommenders: Mapping[str, Recommender],
    titles: Sequence[str] | None = None,
    *,
    part: Part = "test",
    reference: str = REFERENCE,
    encoder: Encoder | None = None,
    progress: Progress | None = None,
) -> TitleReport:
    """Run the title protocol on selected playlists only; its notes say how little they can tell.

    Args:
        titles: one per playlist wanted; None is the 22 bundled ones. All else as for
            :func:`segue.protocols.title.run_title`.

    Raises:
        InputError: nothing was selected.
    """
    titles = bundled_titles("selected_titles") if titles is None else titles
    selected = select(library, split, titles, part=part)
    notes = [
        f"{len(selected.rows)} playlists were selected for {len(titles)} titles: {selected.broad} broad (at least "
        f"{BROAD} training playlists have the title), {selected.niche} niche.",
        "Selected playlists fit their titles, so they are easier than the part they come from; and with so few, "
        "methods whose intervals overlap cannot be told apart.",
    ]
    if selected.missing:
        notes.append(f"No playlist qualifies for {len(selected.missing)} titles: {', '.join(selected.missing)}.")
    report = run_queries(
        "selection",
        library,
        split,
        Held(selected.rows, {"title without a playlist": len(selected.missing)}),
        recommenders,
        part=part,
        reference=reference,
        encoder=encoder,
        titles=[],
        list_methods=[],
        progress=progress,
        notes=notes,
    )
    return report


def _fit(profile: NDArray[np.float64], tracks: NDArray[np.int32], idf: NDArray[np.float64]) -> float:
    """Cosine of a playlist's idf-weighted tracks with a profile; 0 where either is empty."""
    norm = float(np.linalg.norm(profile) * np.linalg.norm(idf[tracks]))
    return float(profile[tracks] @ idf[tracks]) / norm if norm > 0 else 0.0
