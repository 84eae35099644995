"""A planted corpus in which fine-tuning must help: titles whose words say nothing to the pretrained encoder."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

from segue.library import Library
from segue.sources.ingest import ingest

SYLLABLES = ("zor", "vek", "mul", "tis", "gra", "pon", "lud", "fex", "bri", "kow", "jan", "syl")
NOISE = ("quorbel", "nimdath", "uskevo", "wyrtano", "hobrixu", "dalpemo")
THEMES, TRACKS, LENGTH = 6, 24, 10


@lru_cache(maxsize=4)
def planted_library(n_playlists: int = 300, rng_key: int = 0) -> Library:
    """Each theme has its own tracks and two syllables of its own; a title hides one of them among longer words.

    Which word names the theme, and that two of them name the same, can only be learnt: all are nonsense.
    """
    rng = np.random.default_rng(rng_key)
    playlists = []
    for pid in range(n_playlists):
        theme = int(rng.integers(THEMES))
        word = SYLLABLES[2 * theme + int(rng.integers(2))]
        title = " ".join(rng.permutation([word, *rng.choice(NOISE, 2)]).tolist())
        drawn = rng.choice(TRACKS, LENGTH, replace=False)
        tracks = [
            {
                "pos": at,
                "artist_name": f"artist {theme}-{t % 5}",
                "track_uri": f"spotify:track:{theme:011d}{t:011d}",
                "track_name": f"song {theme} {t}",
                "artist_uri": f"spotify:artist:{theme:011d}{t % 5:011d}",
                "album_uri": f"spotify:album:{theme:022d}",
                "album_name": "album",
                "duration_ms": 200_000,
            }
            for at, t in enumerate(drawn.tolist())
        ]
        playlists.append({"name": title, "pid": pid, "tracks": tracks})
    folder = Path(mkdtemp(prefix="segue-planted-"))
    (folder / "mpd.slice.0-999.json").write_text(json.dumps({"info": {}, "playlists": playlists}))
    return ingest([folder], public=True)


def theme_of(library: Library, row: int) -> int:
    """The planted theme of a playlist."""
    track = library.tracks["track_id"][int(library.playlist_tracks.row(row)[0])]
    return int(track.rsplit(":", 1)[-1][:11])
