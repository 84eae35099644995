"""What every way of writing playlists down and reading them again must keep."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np
import polars as pl

from segue.library import Interactions, Library
from segue.sources.ingest import ingest
from segue.sources.text import name_id

TRACKS = [
    # name, artist, album, year, duration_ms, explicit
    ("Toxic", "Britney Spears", "In the Zone", 2003, 198_000, False),
    ("Un año más", "Mecano", "Descanso dominical", 1988, 227_000, None),
    ("99 Luftballons", "Nena", "Nena", 1983, 233_000, False),
    ("夜に駆ける", "YOASOBI", "THE BOOK", 2019, 261_000, None),
    ('"Heroes"', "David Bowie", '"Heroes"', 1977, 371_000, None),
    ("=SUM(A1)", "@mention; and, more", None, None, None, True),
    ("Rock 'n' Roll Suicide", "A - B", "a<b>&c", None, 178_000, None),
]
PLAYLISTS = {
    "11": ("throwbacks", [0, 1, 2]),
    "12": ('late 🌙, "quiet" & slow', [3, 4, 3, 3]),  # a duplicate inside, in order
    "7": ("-1 or +1", [6, 5, 0, 4]),
}


def planted(*, uris: bool) -> Library:
    """The library that every writer is given."""
    ids = [f"spotify:track:{i:022d}" if uris else name_id(t[0], t[1]) for i, t in enumerate(TRACKS)]
    columns = ("name", "artist", "album", "year", "duration_ms", "explicit")
    tracks = pl.DataFrame(
        {"track_id": ids, **{c: [t[i] for t in TRACKS] for i, c in enumerate(columns)}}, strict=False
    )
    playlists = pl.DataFrame(
        {
            "playlist_id": list(PLAYLISTS),
            "title": [title for title, _ in PLAYLISTS.values()],
            "description": ["with a line\nbreak", None, "=cmd|'/c calc'!A1"],
            "collaborative": [False, True, None],
            "modified_at": [1_493_424_000, None, 5],
            "num_followers": [1, 2, None],
        }
    )
    rows = Interactions.of([rows for _, rows in PLAYLISTS.values()], n_columns=len(TRACKS))
    return Library(tracks=tracks, playlists=playlists, playlist_tracks=rows)


class SourceContract(ABC):
    """Planted library -> written by :meth:`write` -> ingested -> equal in all that the format carries."""

    tracks_carry: tuple[str, ...] = ("name", "artist", "album", "duration_ms")
    playlists_carry: tuple[str, ...] = ("title",)
    uris: bool = True

    @abstractmethod
    def write(self, library: Library, folder: Path) -> Path:
        """Write a library into an empty folder and return what to ingest."""

    def test_what_was_planted_comes_back(self, tmp_path: Path) -> None:
        library = planted(uris=self.uris)
        again = ingest([self.write(library, tmp_path)])
        assert playlists_of(again, self.tracks_carry, self.playlists_carry) == playlists_of(
            library, self.tracks_carry, self.playlists_carry
        )

    def test_the_report_counts(self, tmp_path: Path) -> None:
        report = ingest([self.write(planted(uris=self.uris), tmp_path)]).notes["ingest"]
        assert (report["playlists"], report["tracks"], report["rows"]) == (3, 7, 11)
        assert report["skipped"] == [] and report["renamed"] == 0

    def test_same_input_same_library(self, tmp_path: Path) -> None:
        path = self.write(planted(uris=self.uris), tmp_path)
        one, two = ingest([path]), ingest([path])
        assert one.fingerprint == two.fingerprint
        assert one.tracks.equals(two.tracks) and one.playlists.equals(two.playlists)

    def test_saved_and_loaded_it_is_the_same(self, tmp_path: Path) -> None:
        library = ingest([self.write(planted(uris=self.uris), tmp_path)])
        library.save(tmp_path / "saved")
        again = Library.load(tmp_path / "saved")
        assert again.fingerprint == library.fingerprint
        assert np.array_equal(again.playlist_tracks.indices, library.playlist_tracks.indices)


def playlists_of(library: Library, track_columns: tuple[str, ...], playlist_columns: tuple[str, ...]) -> object:
    """A library as plain values, in an order of its own."""
    tracks = library.tracks.select("track_id", *track_columns).rows()
    return sorted(
        (repr(row), [tracks[i] for i in library.playlist_tracks.row(j).tolist()])
        for j, row in enumerate(library.playlists.select(playlist_columns).rows())
    )
