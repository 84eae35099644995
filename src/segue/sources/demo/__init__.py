"""The demo: a bundled catalogue of real recordings, and synthetic playlists over it.

The recordings are real and well known (facts only, written by hand). *The playlists are synthetic*: drawn at random
from hand-written vocabularies, in the shape of Spotify's Million Playlist Dataset. They contain nothing of that
dataset or of any person's playlists.

- `catalogue()` returns the recordings,
- `generate()` yields playlists, `write()` puts them into slices as the dataset has them,
- `generate_with_themes()` also says what each playlist was drawn to be about.
"""

from __future__ import annotations

from segue.sources.demo.catalogue import GENRES, MOODS, CatalogueTrack, catalogue
from segue.sources.demo.generate import generate, generate_with_themes, write

__all__ = ["GENRES", "MOODS", "CatalogueTrack", "catalogue", "generate", "generate_with_themes", "write"]
