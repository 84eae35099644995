import gzip
import zipfile
from pathlib import Path

import numpy as np
import polars as pl

from contracts.source import SourceContract
from segue.library import Catalogue, Library
from segue.sources.mpd_export import to_mpd_slices
from segue.sources.playlist_files import write_playlist
from segue.sources.tables_csv import write_tables

_MPD = {
    "tracks_carry": ("name", "artist", "artist_id", "album", "album_id", "duration_ms"),
    "playlists_carry": ("playlist_id", "title", "description", "collaborative", "modified_at", "num_followers"),
}


class TestMpdFolder(SourceContract):
    tracks_carry = _MPD["tracks_carry"]
    playlists_carry = _MPD["playlists_carry"]

    def write(self, library: Library, folder: Path) -> Path:
        to_mpd_slices(library, folder / "mpd", size=2)
        return folder / "mpd"


class TestMpdFile(TestMpdFolder):
    def write(self, library: Library, folder: Path) -> Path:
        return to_mpd_slices(library, folder / "mpd")[0]


class TestMpdGzip(TestMpdFolder):
    def write(self, library: Library, folder: Path) -> Path:
        data = to_mpd_slices(library, folder / "mpd")[0].read_bytes()
        (folder / "slice.json.gz").write_bytes(gzip.compress(data))
        return folder / "slice.json.gz"


class TestMpdZip(TestMpdFolder):
    def write(self, library: Library, folder: Path) -> Path:
        with zipfile.ZipFile(folder / "mpd.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("license.txt", "as is")
            archive.writestr("__MACOSX/data/._mpd.slice.0-1.json", "junk")
            for path in to_mpd_slices(library, folder / "mpd", size=2):
                archive.write(path, f"data/{path.name}")
        return folder / "mpd.zip"


class TestMpdWithoutUris(TestMpdFolder):
    uris = False


class TestTables(SourceContract):
    tracks_carry = ("name", "artist", "album", "year", "duration_ms", "explicit")
    playlists_carry = _MPD["playlists_carry"]

    def write(self, library: Library, folder: Path) -> Path:
        write_tables(library, folder / "tables")
        return folder / "tables"


def flat(library: Library) -> pl.DataFrame:
    interactions = library.playlist_tracks
    playlist = np.repeat(np.arange(interactions.n_rows), interactions.lengths)
    return pl.concat(
        [
            library.playlists[playlist].select(playlist_id="playlist_id", playlist_name="title"),
            library.tracks[interactions.indices.astype(np.int64)].drop("location"),
        ],
        how="horizontal",
    )


class TestParquet(SourceContract):
    tracks_carry = ("name", "artist", "album", "year", "duration_ms", "explicit")
    playlists_carry = ("playlist_id", "title")

    def write(self, library: Library, folder: Path) -> Path:
        flat(library).write_parquet(folder / "rows.parquet")
        return folder / "rows.parquet"


class TestSemicolons(TestParquet):
    def write(self, library: Library, folder: Path) -> Path:
        flat(library).write_csv(folder / "rows.csv", separator=";", include_bom=True)
        return folder / "rows.csv"


class TestTabs(TestParquet):
    uris = False

    def write(self, library: Library, folder: Path) -> Path:
        text = flat(library).drop("track_id").write_csv(separator="\t")
        (folder / "rows.tsv").write_bytes(text.encode("utf-16"))
        return folder / "rows.tsv"


class OneFileAPlaylist(SourceContract):
    format = ""

    def write(self, library: Library, folder: Path) -> Path:
        catalogue = Catalogue.of(library)
        for j, title in enumerate(library.titles):
            tracks = [catalogue.track(i) for i in library.playlist_tracks.row(j).tolist()]
            path = folder / "lists" / f"{j}.{self.format}"
            write_playlist(self.format, title, tracks, description=library.playlists["description"][j], path=path)
        return folder / "lists"


class TestM3u(OneFileAPlaylist):
    format = "m3u8"


class TestXspf(OneFileAPlaylist):
    format = "xspf"
    tracks_carry = ("name", "artist", "album", "year", "duration_ms", "explicit")
    playlists_carry = ("title", "description")


class TestJspf(TestXspf):
    format = "jspf"


class TestJspfWithoutUris(TestXspf):
    format = "jspf"
    uris = False


class TestCsv(OneFileAPlaylist):
    format = "csv"
    tracks_carry = ("name", "artist", "album", "year", "duration_ms", "explicit")


del SourceContract, OneFileAPlaylist
