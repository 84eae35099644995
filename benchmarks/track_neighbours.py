"""Neighbours of tracks over many planted codes: an exact scan, in CPU seconds.

    python benchmarks/track_neighbours.py 1000000 --json track_neighbours.json

Codes are random unit vectors (10 numbers of sound, 30 of lyrics, which a third of the tracks lacks): the figures say
how fast, never how good.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from measure import Clock, hardware

from segue.encode.base import unit_rows
from segue.library import Interactions, Query
from segue.recommend.popularity import Popularity
from segue.recommend.track_neighbours import Half, TrackNeighbours

D_AUDIO, D_LYRICS = 10, 30


def planted(n: int, rng_key: int = 0) -> TrackNeighbours:
    """``n`` tracks with random codes, ten to an artist."""
    rng = np.random.default_rng(rng_key)
    audio, lyrics = (unit_rows(rng.standard_normal((n, d), dtype=np.float32)) for d in (D_AUDIO, D_LYRICS))
    lyrics[rng.random(n) < 1 / 3] = 0
    return TrackNeighbours(
        halves=(Half.of("audio", audio), Half.of("lyrics", lyrics)),
        weights={"audio": 1.0, "lyrics": 0.5},
        artist_rows=(np.arange(n) // 10).astype(np.int32),
        popularity=Popularity.fitted(Interactions.of([], n_columns=n)),
        same_artist=1.0,
        cluster=(np.arange(n) % 50).astype(np.int32),
    )


def main() -> None:
    """Measure single queries and batches."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("n", type=int, help="tracks")
    parser.add_argument("--queries", type=int, default=20)
    parser.add_argument("--length", type=int, default=50)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with Clock() as built:
        near = planted(given.n)
    near.recommend(Query("", (0,)), given.length)  # what is known of each half is noted once
    rng = np.random.default_rng(1)
    rows = rng.choice(given.n, given.queries, replace=False)
    with Clock() as single:
        for row in rows.tolist():
            near.recommend(Query("", (row,)), given.length)
    with Clock() as several:
        for row in rows.tolist():
            near.recommend(Query("", tuple((row + np.arange(5)).tolist())), given.length)
    with Clock() as batch:
        near.neighbours(rows, given.length)
    figures = {
        "tracks": given.n,
        "d": [D_AUDIO, D_LYRICS],
        "length": given.length,
        "queries": given.queries,
        "planting_cpu_s": round(built.cpu_s, 3),
        "one_given_cpu_ms": round(1e3 * single.cpu_s / given.queries, 2),
        "five_given_cpu_ms": round(1e3 * several.cpu_s / given.queries, 2),
        "batch_cpu_ms_each": round(1e3 * batch.cpu_s / given.queries, 2),
        "max_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "hardware": hardware(),
    }
    print(json.dumps(figures, indent=1))
    if given.json is not None:
        given.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
