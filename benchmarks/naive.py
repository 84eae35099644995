"""The naive way, to compare with: stdlib json, every playlist scanned and fully sorted, Counter votes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ingest", "recommend", "title_votes"]


def ingest(paths: Sequence[Path]) -> dict[str, Any]:
    """Read MPD slices with the standard library into lists and dicts."""
    tracks: dict[str, dict[str, Any]] = {}
    playlists: list[dict[str, Any]] = []
    for path in paths:
        with path.open(encoding="utf-8") as file:
            content = json.load(file)
        for playlist in content["playlists"]:
            uris = []
            for track in playlist["tracks"]:
                uri = track["track_uri"]
                if uri not in tracks:
                    tracks[uri] = {key: value for key, value in track.items() if key != "pos"}
                uris.append(uri)
            playlists.append({**{k: v for k, v in playlist.items() if k != "tracks"}, "tracks": uris})
    return {"tracks": tracks, "playlists": playlists}


def recommend(
    title: str,
    encode: Callable[[list[str]], NDArray[np.float32]],
    playlist_vectors: NDArray[np.float32],
    playlists: Callable[[int], Sequence[int]],
    *,
    k: int = 50,
    n: int = 66,
) -> list[int]:
    """Published recipe, as one would write it down: compare with all playlists, sort all, count votes.

    Args:
        playlist_vectors: a unit row for every playlist, not for every distinct title; float32 ``(n_playlists, d)``.
        playlists: tracks of a playlist.
    """
    query = encode([title])[0]
    similar = playlist_vectors @ query
    nearest = np.argsort(-similar)[:k]
    votes: Counter[int] = Counter()
    for row in nearest.tolist():
        votes.update(dict.fromkeys(playlists(row), 1))
    return [track for track, _ in votes.most_common(n)]


def title_votes(titles: Sequence[str], playlists: Callable[[int], Sequence[int]]) -> dict[str, Counter[int]]:
    """Votes of each title: a Counter of tracks for every distinct title."""
    votes: dict[str, Counter[int]] = {}
    for row, title in enumerate(titles):
        votes.setdefault(title, Counter()).update(set(playlists(row)))
    return votes
