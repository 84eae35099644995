"""Tables, dumps and saved pages about tracks -> columns of the right tracks."""

import gzip
import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.annotation import IDS, KNOWN, TRACKS, AnnotationContract, library
from segue.errors import SourceError
from segue.library import Interactions, Library
from segue.library.tables import ANALYSIS_FEATURES, AUDIO_FEATURES
from segue.sources.annotation_report import lines
from segue.sources.annotations import annotate, missing_csv
from segue.sources.outside import ANNOTATED, is_descriptor
from segue.sources.spreadsheet import csv_bytes

NAMES, ARTISTS = [TRACKS[i][0] for i in KNOWN], [TRACKS[i][1] for i in KNOWN]
FEATURES: dict[str, list[float]] = {
    name: [round(0.1 + 0.07 * i + 0.01 * j, 3) for i in KNOWN] for j, name in enumerate(AUDIO_FEATURES)
}
FEATURES |= {
    "key": [0.0, 11.0, -1.0, 5.0, 1.0, 7.0],
    "mode": [1.0, 0.0, 1.0, 0.0, 1.0, 1.0],
    "loudness": [-3.5, -60.0, 1.2, -7.0, -8.0, -9.0],
    "tempo": [143.0, 62.5, 193.2, 130.0, 90.0, 100.0],
    "time_signature": [4.0, 3.0, 4.0, 5.0, 4.0, 1.0],
}
ANALYSIS: dict[str, list[float]] = {
    name: [round(0.2 + 0.1 * i + 0.01 * j, 3) for i in KNOWN] for j, name in enumerate(ANALYSIS_FEATURES)
}
ANALYSIS |= {
    "num_samples": [4_382_790.0 + i for i in KNOWN],
    "analysis_sample_rate": [22_050.0] * 6,
    "analysis_channels": [1.0] * 6,
    "start_of_fade_out": [190.5 + i for i in KNOWN],
    "analysis_loudness": [-3.25 - i for i in KNOWN],
}


def write_csv(path: Path, columns: dict[str, list[Any]]) -> Path:
    data = csv_bytes(list(columns), zip(*columns.values(), strict=True))
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


class TestFeaturesById(AnnotationContract):
    def write(self, folder: Path) -> Path:
        columns = {"Track ID": [i.removeprefix("spotify:track:") for i in IDS[:6]]}
        columns |= {name.title(): values for name, values in FEATURES.items()}
        columns |= {{"analysis_loudness": "overall_loudness"}.get(n, n): v for n, v in ANALYSIS.items()}
        return write_csv(folder / "features.csv.gz", columns)

    def expected(self) -> dict[str, list[Any]]:
        return FEATURES | ANALYSIS


class TestFeaturesByName(AnnotationContract):
    def write(self, folder: Path) -> Path:
        columns = {"song": [f" {n.upper()} " for n in NAMES], "artist(s)_name": [a.lower() for a in ARTISTS]}
        percent = [name for name, values in FEATURES.items() if max(values) <= 1 and name != "mode"]
        columns |= {f"{name}_%": [100 * v for v in FEATURES[name]] for name in percent}
        columns["bpm"] = FEATURES["tempo"]
        return write_csv(folder / "popular.csv", columns)

    def expected(self) -> dict[str, list[Any]]:
        percent = {name: v for name, v in FEATURES.items() if max(v) <= 1 and name != "mode"}
        return percent | {"tempo": FEATURES["tempo"]}


class TestNestedParquet(AnnotationContract):
    def write(self, folder: Path) -> Path:
        features = pl.DataFrame(FEATURES)
        track = pl.DataFrame(ANALYSIS).rename({"analysis_loudness": "loudness"})
        table = pl.DataFrame({"uri": IDS[:6]}).with_columns(
            features.to_struct("audio_features"), pl.DataFrame({"track": track.to_struct()}).to_struct("analysis")
        )
        table.write_parquet(folder / "nested.parquet")
        return folder / "nested.parquet"

    def expected(self) -> dict[str, list[Any]]:
        return FEATURES | ANALYSIS


class TestKaggleTracks(AnnotationContract):
    """A row for each genre of a track, artists with semicolons."""

    def write(self, folder: Path) -> Path:
        rows = []
        for i in [*KNOWN, *KNOWN]:
            rows.append({"Unnamed: 0": len(rows), "track_id": IDS[i][-22:], "artists": f"{ARTISTS[i]};Somebody Else",
                         "album_name": f"album {i}", "track_name": NAMES[i], "popularity": 50,
                         "duration_ms": 1000 + i,
                         "explicit": str(i % 2 == 0), **{name: FEATURES[name][i] for name in FEATURES},
                         "track_genre": ["pop", "rock"][len(rows) // 6]})  # fmt: skip
        return write_csv(folder / "dataset.csv", {name: [row[name] for row in rows] for name in rows[0]})

    def expected(self) -> dict[str, list[Any]]:
        return FEATURES | {
            "album": [f"album {i}" for i in KNOWN],
            "duration_ms": [1000 + i for i in KNOWN],
            "explicit": [i % 2 == 0 for i in KNOWN],
            "genre": ["pop"] * 6,
            "tags": ["pop; rock"] * 6,
        }


class TestKaggleTracksWithWords(AnnotationContract):
    """The older table: keys, modes and metres are words."""

    def write(self, folder: Path) -> Path:
        words = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"]
        columns = {
            "genre": ["Movie"] * 6, "artist_name": ARTISTS, "track_name": NAMES, "track_id": IDS[:6],
            "key": [words[i * 2 + 1] for i in KNOWN], "mode": ["Major", "Minor"] * 3,
            "time_signature": ["4/4", "3/4", "5/4", "1/4", "4/4", "4/4"],
            "danceability": [str(v).replace(".", ",") for v in FEATURES["danceability"]],
        }  # fmt: skip
        return write_csv(folder / "SpotifyFeatures.csv", columns)

    def expected(self) -> dict[str, list[Any]]:
        return {
            "key": [1.0, 3.0, 5.0, 7.0, 9.0, 11.0],
            "mode": [1.0, 0.0] * 3,
            "time_signature": [4.0, 3.0, 5.0, 1.0, 4.0, 4.0],
            "danceability": FEATURES["danceability"],
            "genre": ["Movie"] * 6,
        }


class TestAppleMusic(AnnotationContract):
    def write(self, folder: Path) -> Path:
        columns = {
            "artistId": list(range(6)), "artistName": ARTISTS, "collectionName": [f"album {i}" for i in KNOWN],
            "country": ["USA"] * 6, "kind": ["song"] * 6, "previewUrl": [f"https://a.example/{i}.m4a" for i in KNOWN],
            "primaryGenreName": ["Pop", "Rock", "Pop", "J-Pop", "Metal", "R&B/Soul"],
            "releaseDate": [f"{1980 + i}-01-05T12:00:00Z" for i in KNOWN],
            "trackExplicitness": ["explicit", "notExplicit", "cleaned"] * 2, "trackId": [1440 + i for i in KNOWN],
            "trackName": NAMES, "trackTimeMillis": [200_000 + i for i in KNOWN],
        }  # fmt: skip
        return write_csv(folder / "apple.csv", columns)

    def expected(self) -> dict[str, list[Any]]:
        return {
            "genre": ["Pop", "Rock", "Pop", "J-Pop", "Metal", "R&B/Soul"],
            "tags": ["Pop", "Rock", "Pop", "J-Pop", "Metal", "R&B/Soul"],
            "year": [1980 + i for i in KNOWN],
            "duration_ms": [200_000 + i for i in KNOWN],
            "explicit": [True, False, False] * 2,
            "album": [f"album {i}" for i in KNOWN],
        }


def acousticbrainz() -> dict[str, Any]:
    """File name -> document, low-level and high-level of each recording."""
    files = {}
    for i in KNOWN:
        mbid = f"{i:08d}-0000-4000-8000-000000000000"
        tags = {
            "title": [NAMES[i]],
            "artist": [ARTISTS[i]],
            "musicbrainz_recordingid": [mbid],
            "date": ["1999-01-01"],
        }
        metadata = {"tags": tags, "audio_properties": {"length": 100.5 + i, "replay_gain": -9.1}, "version": {}}
        files[f"lowlevel/{mbid[:2]}/{mbid}-0.json"] = {
            "lowlevel": {"average_loudness": 0.5 + i / 20, "mfcc": {"mean": [1.0, 2.0]}, "dynamic_complexity": 3},
            "rhythm": {"bpm": 100.25 + i, "danceability": 2.9}, "metadata": metadata,
            "tonal": {"key_key": ["C", "F#", "Bb", "B", "A", "G"][i], "key_scale": ["major", "minor"][i % 2],
                      "key_strength": 0.6},
        }  # fmt: skip
        files[f"highlevel/{mbid[:2]}/{mbid}-0.json"] = {
            "highlevel": {
                "danceability": {"all": {"danceable": 0.1 + i / 10, "not_danceable": 0.9 - i / 10}, "value": "x"},
                "mood_acoustic": {"all": {"acoustic": 0.2 + i / 10, "not_acoustic": 0.8 - i / 10}},
                "voice_instrumental": {"all": {"instrumental": 0.3 + i / 10, "voice": 0.7 - i / 10}},
                "mood_happy": {"all": {"happy": 0.99, "not_happy": 0.01}}, "gender": {"all": {"female": 1.0}},
            },
            "metadata": metadata,
        }  # fmt: skip
    return files


class TestAcousticBrainzFolder(AnnotationContract):
    def write(self, folder: Path) -> Path:
        for name, document in acousticbrainz().items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(json.dumps(document))
        return folder

    def expected(self) -> dict[str, list[Any]]:
        return {
            "tempo": [100.25 + i for i in KNOWN],
            "key": [0.0, 6.0, 10.0, 11.0, 9.0, 7.0],
            "mode": [1.0, 0.0] * 3,
            "audio_average_loudness": [0.5 + i / 20 for i in KNOWN],
            "danceability": [0.1 + i / 10 for i in KNOWN],
            "acousticness": [0.2 + i / 10 for i in KNOWN],
            "instrumentalness": [0.3 + i / 10 for i in KNOWN],
            "duration_ms": [100_500 + 1_000 * i for i in KNOWN],
            "year": [1999] * 6,
        }

    def test_what_means_something_else_is_not_taken(self, source: Path) -> None:
        annotated, _ = annotate(library(), [source])
        assert not {"loudness", "valence", "energy", "key_confidence"} & set(annotated.tracks.columns)


class TestAcousticBrainzTar(TestAcousticBrainzFolder):
    def write(self, folder: Path) -> Path:
        with tarfile.open(folder / "dump.tar.bz2", "w:bz2") as archive:
            for name, document in acousticbrainz().items():
                data = json.dumps(document).encode()
                info = tarfile.TarInfo(f"acousticbrainz/{name}")
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        return folder / "dump.tar.bz2"


class TestAcousticBrainzZip(TestAcousticBrainzFolder):
    def write(self, folder: Path) -> Path:
        with zipfile.ZipFile(folder / "dump.zip", "w") as archive:
            archive.writestr("COPYING", "CC0")
            for name, document in acousticbrainz().items():
                archive.writestr(name, json.dumps(document))
        return folder / "dump.zip"


class TestAcousticBrainzApi(TestAcousticBrainzFolder):
    """An answer of the API: recordings by id, submissions by number; one file for each level."""

    def write(self, folder: Path) -> Path:
        for level in ("lowlevel", "highlevel"):
            documents = {n.split("/")[2][:36]: {"0": d} for n, d in acousticbrainz().items() if n.startswith(level)}
            (folder / f"{level}.json").write_text(json.dumps(documents))
        return folder


LYRICS = [f"rain on roof number {i}\nand the river says nothing" for i in KNOWN]


def lyrics_columns(source: str | list[str]) -> dict[str, list[Any]]:
    return {
        "lyrics": [*LYRICS[:5], None],
        "lyrics_status": [*["found"] * 5, "instrumental"],
        "lyrics_source": source if isinstance(source, list) else [source] * 6,
    }


class TestLyricsCsv(AnnotationContract):
    def write(self, folder: Path) -> Path:
        texts = [f"[Verse 1]\n{text}\n\n[Outro]" for text in LYRICS[:5]]
        columns = {"artist": ARTISTS, "song": NAMES, "link": ["/x"] * 6, "text": [*texts, "[Instrumental]"]}
        return write_csv(folder / "songdata.csv", columns)

    def expected(self) -> dict[str, list[Any]]:
        return lyrics_columns("songdata.csv")


class TestSummaries(AnnotationContract):
    def write(self, folder: Path) -> Path:
        return write_csv(folder / "s.csv", {"track_uri": IDS[:6], "summary": [f"About {i}." for i in KNOWN]})

    def expected(self) -> dict[str, list[Any]]:
        return {"summary": [f"About {i}." for i in KNOWN]}


def genius(i: int) -> dict[str, Any]:
    header = f"{i + 1} ContributorsTranslationsDeutsch{NAMES[i]} Lyrics[Verse 1: {ARTISTS[i]}]\n"
    text = (
        "[Instrumental]" if i == 5 else header + LYRICS[i].replace("\n", "\nYou might also like") + f"{i or ''}Embed"
    )
    return {"title": NAMES[i], "full_title": "x", "primary_artist": {"name": ARTISTS[i]}, "lyrics": text,
            "release_date": "1987-05-06", "album": {"name": "An Album"}, "stats": {"pageviews": 10}}  # fmt: skip


class TestGeniusArtist(AnnotationContract):
    def write(self, folder: Path) -> Path:
        artist = {"name": "Several", "url": "https://x", "songs": [genius(i) for i in KNOWN]}
        (folder / "Lyrics_Several.json").write_text(json.dumps(artist))
        return folder / "Lyrics_Several.json"

    def expected(self) -> dict[str, list[Any]]:
        return lyrics_columns("Lyrics_Several.json") | {"year": [1987] * 6, "album": ["An Album"] * 6}


class TestGeniusSongs(AnnotationContract):
    def write(self, folder: Path) -> Path:
        for i in KNOWN:
            (folder / f"lyrics_{i}.json").write_text(json.dumps(genius(i)))
        return folder

    def expected(self) -> dict[str, list[Any]]:
        return lyrics_columns([f"lyrics_{i}.json" for i in KNOWN])


class TestAnotherLibrary(AnnotationContract):
    def write(self, folder: Path) -> Path:
        (folder / "features").mkdir()
        annotated, _ = annotate(library(), [TestFeaturesById().write(folder / "features")])
        annotated, _ = annotate(annotated, [TestLyricsCsv().write(folder)])
        # rows in another order
        tracks = annotated.tracks[:6].reverse()
        Library(tracks, annotated.playlists[:1], Interactions.of([[0]], n_columns=6)).save(folder / "other")
        return folder / "other"

    def expected(self) -> dict[str, list[Any]]:
        return FEATURES | lyrics_columns("songdata.csv")

    def test_cut_off_anywhere_it_is_an_error_or_less(self, source: Path, tmp_path: Path) -> None:
        file = source / "tracks.parquet"
        file.write_bytes(file.read_bytes()[:-10])
        with pytest.raises(SourceError, match=r"tracks\.parquet"):
            annotate(library(), [source])


del AnnotationContract


def one_row(tmp_path: Path, header: str, row: str, **options: Any) -> tuple[dict[str, Any], Any]:
    (tmp_path / "a.csv").write_text(f"{header}\n{row}\n", encoding="utf-8")
    annotated, report = annotate(library(), [tmp_path / "a.csv"], **options)
    return annotated.tracks.row(0, named=True), report


@pytest.mark.parametrize(
    ("column", "bad"),
    [("danceability", "1.01"), ("danceability", "-0.1"), ("energy", "inf"), ("key", "12"), ("key", "0.5"),
     ("mode", "2"), ("mode", "0.5"), ("tempo", "0"), ("tempo", "-3"), ("tempo", "1e400"), ("time_signature", "8"),
     ("loudness", "99"), ("tempo_confidence", "2"), ("duration_ms", "-1"), ("duration_ms", "9" * 400),
     ("year", "0003"), ("energy", "much"), ("key", "H"), ("explicit", "perhaps")],
)  # fmt: skip
def test_what_cannot_be_is_null_and_counted(tmp_path: Path, column: str, bad: str) -> None:
    row, report = one_row(tmp_path, f"track_id,valence,{column}", f"{IDS[0]},0.5,{bad}")
    assert row["valence"] == 0.5 and row.get(column) is None
    notes = report.sources[0].notes
    assert column == "year" or (list(notes.values()) == [1] and next(iter(notes)).startswith(column))


@pytest.mark.parametrize("empty", ["", "nan", "NaN", "null", "None", "n/a", "-"])
def test_what_is_unknown_is_null_and_not_counted(tmp_path: Path, empty: str) -> None:
    row, report = one_row(tmp_path, "track_id,valence,tempo", f"{IDS[0]},0.5,{empty}")
    assert row.get("tempo") is None and not report.sources[0].notes


def test_descriptors_of_our_own_come_along(tmp_path: Path) -> None:
    """They are never taken for Spotify's features of a like name, nor those for them."""
    headers = "uri,audio_mfcc_03,audio_energy,audio_zero,Audio_x,audio_features_valence,audio_loudness,loudness"
    row, _ = one_row(tmp_path, headers, f"{IDS[0]},-113.5,0.5,inf,7,0.25,-3,-4")
    assert (row["audio_mfcc_03"], row["audio_energy"], row["audio_loudness"]) == (-113.5, 0.5, -3)
    assert (row["valence"], row["loudness"]) == (0.25, -4)
    assert not {"energy", "audio_zero", "Audio_x", "audio_x", "audio_features_valence"} & set(row)


@pytest.mark.parametrize("second", ["loudness", "overall_loudness", "analysis.loudness", "loudness.1", "loudness_y",
                                    "loudness_duplicated_0", "track.loudness"])  # fmt: skip
def test_two_columns_of_loudness(tmp_path: Path, second: str) -> None:
    row, _ = one_row(tmp_path, f"uri,loudness,{second}", f"{IDS[0]},-5.5,-6.5")
    assert (row["loudness"], row["analysis_loudness"]) == (-5.5, -6.5)


def test_genres_of_playlists_are_no_tags(tmp_path: Path) -> None:
    """They would tell which playlists a track is in."""
    row, _ = one_row(tmp_path, "track_id,valence,playlist_genre,playlist_name", f"{IDS[0]},0.5,pop,Mine")
    assert row.get("tags") is None and row["genre"] is None


def test_playcounts_and_words_never_become_names(tmp_path: Path) -> None:
    row, _ = one_row(tmp_path, "track_id,track_name,artist_name,valence", f"{IDS[0]},Another,Somebody,0.5",
                     overwrite=True)  # fmt: skip
    assert (row["name"], row["artist"]) == ("Toxic", "Britney Spears")


def test_another_version_has_another_release(tmp_path: Path) -> None:
    header = "track_name,artist,year,duration_ms,album,isrc,explicit,genre,valence"
    row, _ = one_row(tmp_path, header, "Toxic - 2020 Remaster,Britney Spears,2020,1,Again,USRC17607839,true,pop,0.5")
    assert (row["genre"], row["valence"]) == ("pop", 0.5)
    assert [row.get(n) for n in ("year", "duration_ms", "album", "isrc", "explicit")] == [None] * 5


def test_names_are_filled_where_only_the_id_was_known(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"track_id,track_name,artist_name,valence\n{IDS[7]},Found,Again,0.5\n")
    annotated, _ = annotate(library(), [tmp_path / "a.csv"])
    assert annotated.tracks.row(7, named=True)["name"] == "Found"


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [("a.csv", "", "empty"), ("a.csv", "track_id,nothing\n1,2\n", "no audio features"),
     ("a.csv", "danceability,energy\n.5,.5\n", "no column tells which track"),
     ("a.csv", 'track_id,energy\n"1,.5\n', "never ends"), ("a.parquet", "PAR1", "not a Parquet"),
     ("a.json", "[]", "wrong schema"), ("a.json", '{"a": {"b": 1}}', "wrong schema"), ("a.json", "{", "cut off"),
     ("a.json", '{"meta": {"status": 200}, "response": {"song": {"title": "T", "primary_artist": {"name": "A"}}}}',
      "API, which returns no lyrics"),
     ("a.json", '{"meta": {"status": 401}, "response": {}}', "API, which returns no lyrics"),
     ("a.xyz", "?", "not a known kind"), ("a.tar", "?", "tar is damaged"), ("a.zip", "?", "zip is damaged"),
     ("a.tar.zst", "?", "unpack it first"), ("a.csv", "track_id,energy\n1,\n", "says nothing"),
     ("a.mp3", "?", "audio file"), ("a.flac", "fLaC?", "audio file")],
)  # fmt: skip
def test_what_cannot_be_read_says_why(tmp_path: Path, name: str, text: str, why: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SourceError, match=why) as raised:
        annotate(library(), [tmp_path / name])
    assert name in str(raised.value)
    with pytest.raises(SourceError):  # nothing else was there
        annotate(library(), [tmp_path / name], on_error="skip")


def test_damaged_files_are_left_out_and_named(tmp_path: Path) -> None:
    folder = TestFeaturesById().write(tmp_path).parent
    (folder / "z.json").write_text("{")
    (folder / "cover.jpg").write_bytes(b"\xff\xd8")
    with pytest.raises(SourceError, match=r"z\.json"):
        annotate(library(), [folder])
    annotated, report = annotate(library(), [folder], on_error="skip")
    assert annotated.tracks["energy"].null_count() == 2
    assert [s.file for s in report.skipped] == [str(folder / "z.json")] and report.ignored == 1
    assert any("z.json" in line for line in lines(report))


def test_missing_paths_and_empty_folders(tmp_path: Path) -> None:
    for source in (tmp_path / "none", tmp_path, "a\0b"):
        with pytest.raises(SourceError):
            annotate(library(), [source])
    with pytest.raises(SourceError, match="no source"):
        annotate(library(), [])


def test_coverage_counts_tracks_and_rows(tmp_path: Path) -> None:
    _, report = one_row(tmp_path, "track_id,valence", f"{IDS[0]},0.5")
    assert report.coverage == {"valence": (0, 1, 0.0, pytest.approx(2 / 9))}  # the track is twice in a playlist
    assert report.sources[0].filled == {"valence": 1}


def test_missing_tracks_as_a_table_without_formulas(tmp_path: Path) -> None:
    _, report = one_row(tmp_path, "track_id,valence", f"{IDS[1]},0.5")
    rows = missing_csv(library(), report).decode().split("\r\n")
    assert rows[0] == "track_id,name,artist,rows" and rows[1].endswith("Toxic,Britney Spears,2")
    assert not any("Un año más" in row for row in rows)
    assert any(f"{IDS[4]},'=SUM(A1)," in row for row in rows)


def test_first_source_counts(tmp_path: Path) -> None:
    for name, value in (("a", 0.25), ("b", 0.75)):
        write_csv(tmp_path / f"{name}.csv", {"track_id": IDS[:1], "valence": [value]})
    first, _ = annotate(library(), [tmp_path / "a.csv", tmp_path / "b.csv"])
    assert first.tracks["valence"][0] == 0.25
    last, _ = annotate(library(), [tmp_path / "a.csv", tmp_path / "b.csv"], overwrite=True)
    assert last.tracks["valence"][0] == 0.75


STATUS = st.sampled_from([None, "found", "instrumental", "not_found", "blocked", "error"])


@settings(max_examples=60)
@given(old=STATUS, new=STATUS, overwrite=st.booleans())
def test_a_status_of_lyrics_only_moves_up(
    tmp_path_factory: pytest.TempPathFactory, old: str | None, new: str | None, overwrite: bool
) -> None:
    text = {"lyrics": ["old words" if old == "found" else None], "lyrics_status": [old], "lyrics_source": ["old"]}
    one = Library(
        pl.DataFrame({"track_id": ["spotify:track:x"], "name": ["N"], "artist": ["A"], **text}),
        pl.DataFrame({"playlist_id": ["1"]}),
        Interactions.of([[0]], n_columns=1),
    )
    folder = tmp_path_factory.mktemp("status")
    words = "new words" if new == "found" else ""
    (folder / "n.csv").write_text(f"name,artist,lyrics,lyrics_status\nN,A,{words},{new or ''}\nO,A,other,found\n")
    row = annotate(one, [folder / "n.csv"], overwrite=overwrite)[0].tracks.row(0, named=True)
    sure = ("found", "instrumental")
    expected = new if old is None else new if new in sure and (old not in sure or overwrite) else old
    if old == "instrumental" and new == "found":
        expected = "found"  # somebody has the words
    assert row["lyrics_status"] == expected
    assert row["lyrics"] == {"found": "new words" if expected == new and (overwrite or old != "found") else
                             "old words"}.get(expected)  # fmt: skip
    assert (row["lyrics_source"] == "n.csv") == (new is not None and expected == new and not (
        old == new and (not overwrite or new not in sure)))  # fmt: skip


ENDINGS = [".csv", ".tsv", ".parquet", ".json", ".lrc", ".txt", ".zip", ".tar", ".mp3", ".flac", ".ogg", ".m4a",
           ".wav", ".aiff", ".wma", ".ape", ".wv", ".mpc", ".opus", ".csv.gz", ".tar.gz", ".json.gz"]  # fmt: skip
MAGIC = [b"", b"ID3\x04\x00\x00\x00\x00\x02\x01", b"fLaC\x00\x00\x00\x22", b"OggS\x00\x02",
         b"RIFF\x24\x00\x00\x00WAVE", b"\x00\x00\x00\x18ftypM4A ",
         b"FORM\x00\x00\x00\x10AIFF", b"MAC \x96\x0f", b"wvpk", b"PK\x03\x04", b"PAR1",
         b"\x1f\x8b\x08\x00", b"track_id,energy\n", b'{"lowlevel": ', b'{"title": "a", "artist": "b", "lyrics": ',
         b"0&\xb2u\x8ef\xcf\x11\xa6\xd9", b"\xff\xfb\x90\x64", b"[00:01.00]"]  # fmt: skip


@settings(max_examples=150)
@given(ending=st.sampled_from(ENDINGS), magic=st.sampled_from(MAGIC), data=st.binary(max_size=300))
def test_any_bytes_are_an_error_or_a_library(
    tmp_path_factory: pytest.TempPathFactory, ending: str, magic: bytes, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / f"any{ending}"
    path.write_bytes(magic + data)
    before = library()
    try:
        after, _ = annotate(before, [path])
    except SourceError as error:
        assert str(path) in str(error)
    else:
        assert after.tracks["track_id"].equals(before.tracks["track_id"])
        assert all(n in before.tracks.columns or n in ANNOTATED or is_descriptor(n) for n in after.tracks.columns)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["lowlevel", "tonal", "rhythm", "highlevel", "metadata", "tags", "title", "artist", "lyrics",
                         "key_key", "key_scale", "bpm", "songs", "song", "primary_artist", "name", "album", "stats",
                         "pageviews", "danceability", "all", "danceable", "average_loudness", "audio_properties",
                         "length", "instrumental", "release_date", "date", "isrc", "response", "meta"]),
        inner, max_size=5),
    max_leaves=25,
)  # fmt: skip


@settings(max_examples=100)
@given(document=JSON)
def test_any_json_is_an_error_or_a_library(tmp_path_factory: pytest.TempPathFactory, document: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(document))
    try:
        annotated, _ = annotate(library(), [path])
    except SourceError as error:
        assert "any.json" in str(error)
    else:
        assert annotated.n_tracks == 8


@settings(max_examples=60)
@given(
    cells=st.lists(st.text(max_size=12) | st.floats().map(str) | st.integers().map(str), min_size=4, max_size=4),
    headers=st.lists(st.sampled_from([*AUDIO_FEATURES, "genre", "year", "duration", "lyrics", "isrc", "popularity",
                                      "explicit", "instrumental", "tags"]), min_size=4, max_size=4, unique=True),
)  # fmt: skip
def test_any_cell_is_in_range_or_null(
    tmp_path_factory: pytest.TempPathFactory, headers: list[str], cells: list[str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "cells.csv"
    path.write_bytes(csv_bytes(["track_id", "valence", *headers], [[IDS[0], "0.5", *cells]]))
    try:
        tracks = annotate(library(), [path])[0].tracks
    except SourceError:
        return
    for name in set(AUDIO_FEATURES) & set(tracks.columns):
        values = tracks[name].drop_nulls().to_numpy()
        assert np.isfinite(values).all()
        if name not in ("key", "loudness", "tempo", "time_signature"):
            assert ((values >= 0) & (values <= 1)).all()
