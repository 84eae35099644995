"""What every source of annotations must keep: planted knowledge arrives at the right tracks, and nowhere else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from segue.errors import SourceError
from segue.library import Interactions, Library
from segue.sources.annotations import annotate

IDS = [f"spotify:track:{i:022d}" for i in range(8)]
# name, artist
TRACKS = [
    ("Toxic", "Britney Spears"),
    ("Un año más", "Mecano"),
    ("99 Luftballons", "Nena"),
    ("夜に駆ける", "YOASOBI"),
    ("=SUM(A1)", "\x1b[31m@mention; and, more"),
    ("Rock 'n' Roll Suicide", "AC/DC - Live"),
    ("Nobody Knows This", "Nobody"),  # in no source
    (None, None),  # a track of which only the id is known
]
KNOWN = range(6)


def library() -> Library:
    """The library that every source annotates."""
    tracks = pl.DataFrame(
        {"track_id": IDS, "name": [n for n, _ in TRACKS], "artist": [a for _, a in TRACKS]}, strict=False
    )
    playlists = pl.DataFrame({"playlist_id": ["1", "2"], "title": ["a", "b"]})
    rows = Interactions.of([[0, 1, 2, 0, 6], [3, 4, 5, 7]], n_columns=len(IDS))
    return Library(tracks=tracks, playlists=playlists, playlist_tracks=rows)


class AnnotationContract(ABC):
    """A source written by :meth:`write` fills :meth:`expected`, leaves the rest null, and does so once."""

    @abstractmethod
    def write(self, folder: Path) -> Path:
        """Write the source into an empty folder and return what to annotate with."""

    @abstractmethod
    def expected(self) -> dict[str, list[Any]]:
        """Column -> values for the tracks of :data:`KNOWN`."""

    @pytest.fixture
    def source(self, tmp_path: Path) -> Path:
        (tmp_path / "source").mkdir()
        return self.write(tmp_path / "source")

    def test_what_was_planted_arrives(self, source: Path) -> None:
        annotated, report = annotate(library(), [source])
        for name, values in self.expected().items():
            found = annotated.tracks[name].to_list()
            assert found[: len(values)] == (
                pytest.approx(values, rel=1e-6) if isinstance(values[0], float) else values
            ), name
            assert found[len(values) :] == [None, None], name
        assert report.missing.tolist() == [6, 7]
        assert set(report.coverage) >= set(self.expected())

    def test_twice_is_once(self, source: Path) -> None:
        once, _ = annotate(library(), [source])
        again, report = annotate(once, [source])
        assert again.tracks.equals(once.tracks) and report.filled == 0
        assert again.notes == once.notes and len(once.notes["annotations"]) == 1
        both, _ = annotate(library(), [source, source])
        assert both.tracks.equals(once.tracks)

    def test_overwriting_with_the_same_changes_nothing(self, source: Path) -> None:
        once, _ = annotate(library(), [source])
        again, _ = annotate(once, [source], overwrite=True)
        assert again.tracks.equals(once.tracks)

    def test_what_is_there_stays(self, source: Path) -> None:
        name, values = next(iter(self.expected().items()))
        once, _ = annotate(library(), [source])
        other = [None, *values[1:4][::-1], *values[4:], None, None]
        kept = once.with_track_columns(pl.DataFrame({name: other}, schema={name: once.tracks.schema[name]}))
        filled, _ = annotate(kept, [source])
        found = [None if v is None else pytest.approx(v, rel=1e-6) if isinstance(v, float) else v for v in other]
        # the null is filled, the others are as they were
        assert filled.tracks[name][1:].to_list() == found[1:]
        assert filled.tracks[name][0] == once.tracks[name][0]
        over, _ = annotate(kept, [source], overwrite=True)
        assert over.tracks[name].equals(once.tracks[name])

    def test_nothing_else_changes(self, source: Path) -> None:
        before = library()
        after, _ = annotate(before, [source])
        for name in ("track_id", "name", "artist"):
            assert after.tracks[name].equals(before.tracks[name])
        assert after.fingerprint == before.fingerprint
        assert after.playlist_tracks is before.playlist_tracks

    def test_saved_and_loaded_it_is_the_same(self, source: Path, tmp_path: Path) -> None:
        annotated, _ = annotate(library(), [source])
        annotated.save(tmp_path / "saved")
        again = Library.load(tmp_path / "saved")
        assert again.tracks.equals(annotated.tracks)
        assert again.notes == annotated.notes

    def test_cut_off_anywhere_it_is_an_error_or_less(self, source: Path, tmp_path: Path) -> None:
        file = source if source.is_file() else sorted(p for p in source.rglob("*") if p.is_file())[0]
        data = file.read_bytes()
        cut = tmp_path / file.name
        whole, _ = annotate(library(), [source])
        for end in sorted({0, 1, 10, *range(0, len(data), max(1, len(data) // 12)), len(data) - 1}):
            cut.write_bytes(data[:end])
            try:
                annotated, _ = annotate(library(), [cut])
            except SourceError as error:
                assert file.name in str(error)
                continue
            assert annotated.tracks.height == whole.tracks.height
