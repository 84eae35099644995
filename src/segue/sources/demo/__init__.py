"""The demo: a bundled catalogue of real recordings, and synthetic playlists, texts, features and listeners over it.

The recordings are real and well known (facts only, written by hand). *Everything else is synthetic*: playlists are
drawn at random from hand-written vocabularies, in the shape of Spotify's Million Playlist Dataset; audio features,
lyrics, summaries, tags and listeners are made up too. They contain nothing of that dataset, of any song's words, or
of any person's playlists.

- `catalogue()` returns the recordings,
- `generate()` yields playlists, `write()` puts them into slices as the dataset has them,
- `generate_with_themes()` also says what each playlist was drawn to be about,
- `songs_library()` returns all of it as one library, with features, texts and listeners; `write_songs()` writes the
  same as the files that a user would have.
"""

from __future__ import annotations

from segue.sources.demo.catalogue import GENRES, MOODS, CatalogueTrack, catalogue
from segue.sources.demo.generate import generate, generate_with_themes, write
from segue.sources.demo.songs import songs_library, write_songs

__all__ = [
    "GENRES",
    "MOODS",
    "CatalogueTrack",
    "catalogue",
    "generate",
    "generate_with_themes",
    "songs_library",
    "write",
    "write_songs",
]
