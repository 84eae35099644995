"""Lyrics beside music and inside it: LRC, text files, tags, and what is cut off them."""

import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contracts.annotation import IDS, KNOWN, TRACKS, AnnotationContract, library
from segue.errors import SourceError
from segue.library import Library
from segue.sources.annotations import annotate
from segue.sources.lyrics_text import lyrics_of, without_stamps

WORDS = [f"rain on roof number {i}\nand the river says nothing" for i in KNOWN]
STAMPED = "[ti:{name}]\n[ar:{artist}]\n[by:somebody]\n[offset:+250]\n\n[00:12.00]{one}\n[01:02.345]<01:02.40> {two}\n"


def plain_name(i: int) -> str:
    """A track's name as a part of a path."""
    return str(TRACKS[i][0])


def artist(i: int) -> str:
    return str(TRACKS[i][1]).replace("/", "_")


def expected(files: list[str]) -> dict[str, list[Any]]:
    return {
        "lyrics": WORDS,
        "lyrics_status": ["found"] * 6,
        "lyrics_source": files,
    }


class TestLrcFiles(AnnotationContract):
    """Names inside the files; the files are called anything."""

    def write(self, folder: Path) -> Path:
        for i in KNOWN:
            one, two = WORDS[i].split("\n")
            text = STAMPED.format(name=TRACKS[i][0], artist=TRACKS[i][1], one=one, two=two)
            (folder / f"{i}.lrc").write_text(text, encoding="utf-16" if i == 1 else "utf-8")
        return folder

    def expected(self) -> dict[str, list[Any]]:
        return expected([f"{i}.lrc" for i in KNOWN])


class TestArtistDashTitle(AnnotationContract):
    def write(self, folder: Path) -> Path:
        for i in KNOWN:
            (folder / f"{artist(i)} - {plain_name(i)}.txt").write_text(f"{WORDS[i]}\n", encoding="utf-8")
        return folder

    def expected(self) -> dict[str, list[Any]]:
        return expected([f"{artist(i)} - {plain_name(i)}.txt" for i in KNOWN])


class TestFoldersOfArtists(AnnotationContract):
    def write(self, folder: Path) -> Path:
        for i in KNOWN:
            place = folder / artist(i) / ("Some Album" if i % 2 else "")
            place.mkdir(parents=True)
            (place / f"{i + 1:02d}. {plain_name(i)}.txt").write_text(WORDS[i], encoding="utf-8")
        return folder

    def expected(self) -> dict[str, list[Any]]:
        return expected([f"{i + 1:02d}. {plain_name(i)}.txt" for i in KNOWN])


def atom(name: bytes, *parts: bytes) -> bytes:
    data = b"".join(parts)
    return struct.pack(">I4s", 8 + len(data), name) + data


def write_mp4(path: Path) -> None:
    """The least that is an MP4 with a sound track; libsndfile writes none."""
    mdhd = atom(b"mdhd", bytes(12), struct.pack(">II", 1_000, 2_000), bytes(4))
    hdlr = atom(b"hdlr", bytes(8), b"soun", bytes(13))
    trak = atom(b"trak", atom(b"mdia", mdhd, hdlr))
    path.write_bytes(atom(b"ftyp", b"M4A ", bytes(4), b"M4A mp42") + atom(b"moov", trak) + atom(b"mdat", b"\0" * 8))


def write_tagged(path: Path, name: str, artist: str, words: str) -> None:
    """A second of silence with tags, lyrics among them."""
    import mutagen
    import soundfile
    from mutagen import id3

    if path.suffix == ".m4a":
        write_mp4(path)
        file = mutagen.File(path)
        file.add_tags()
        file.update({"\xa9nam": name, "\xa9ART": artist, "\xa9lyr": words, "\xa9gen": "Rock", "\xa9day": "1984"})
    else:
        soundfile.write(path, np.zeros(8_000, np.float32), 8_000)
        file = mutagen.File(path)
        if path.suffix in (".wav", ".mp3", ".aiff"):
            if file.tags is None:
                file.add_tags()
            lyrics = id3.USLT(encoding=3, lang="eng", desc="", text=words)
            if path.suffix == ".wav":
                lines = [(line, 1_000 * i) for i, line in enumerate(words.split("\n"))]
                lyrics = id3.SYLT(encoding=3, lang="eng", format=2, type=1, desc="", text=lines)
            for frame in (id3.TIT2(3, [name]), id3.TPE1(3, [artist]), id3.TCON(3, ["17"]), id3.TDRC(3, ["1984"])):
                file.tags.add(frame)
            file.tags.add(lyrics)
        else:
            key = "LYRICS" if path.suffix == ".flac" else "UNSYNCEDLYRICS"
            file.update({"title": name, "artist": artist, key: words, "genre": "Rock", "date": "1984-05-06"})
    file.save()


ENDINGS = [".flac", ".ogg", ".wav", ".mp3", ".m4a", ".aiff"]


class TestTagsOfAudioFiles(AnnotationContract):
    def write(self, folder: Path) -> Path:
        for i in KNOWN:
            write_tagged(folder / f"{i:02d}{ENDINGS[i]}", str(TRACKS[i][0]), str(TRACKS[i][1]), WORDS[i])
        return folder

    def expected(self) -> dict[str, list[Any]]:
        found = expected([f"{i:02d}{ENDINGS[i]}" for i in KNOWN])
        return found | {"genre": ["Rock"] * 6, "year": [1984] * 6}


del AnnotationContract


def test_files_beside_music_are_found_by_location(tmp_path: Path) -> None:
    """Names say nothing here; only the path does. Folders above may have changed."""
    (tmp_path / "music" / "x" / "y").mkdir(parents=True)
    (tmp_path / "music" / "x" / "y" / "0001.lrc").write_text("[00:01.00]words of it")
    (tmp_path / "music" / "x" / "y" / "0002.lrc").write_text("[00:01.00]words of another")
    places = [
        None,
        "/elsewhere/x/y/0001.flac",
        "file:///mnt/X/Y/0002.mp3",
        "http://a.example/x/y/0001.mp3",
        *[None] * 4,
    ]
    placed = library().with_track_columns(pl.DataFrame({"location": places}, schema={"location": pl.String}))
    annotated, report = annotate(placed, [tmp_path / "music"])
    assert annotated.tracks["lyrics"].to_list()[:4] == [None, "words of it", "words of another", None]
    assert report.sources[0].match["by"] == {"file": 2}


@pytest.mark.parametrize(
    "text", ["", "  \n\n", "[00:01.00]\n[00:02.00]", "[ti:A]\n[ar:B]", "[Chorus]\n[Verse 2]", "♪ ♪"]
)
def test_no_words_are_not_found(tmp_path: Path, text: str) -> None:
    (tmp_path / "Britney Spears - Toxic.lrc").write_text(text, encoding="utf-8")
    (tmp_path / "Nena - 99 Luftballons.lrc").write_text("words")
    annotated, _ = annotate(library(), [tmp_path])
    assert annotated.tracks["lyrics_status"].to_list()[:3] == [None, None, "found"]


@pytest.mark.parametrize("text", ["Instrumental", "[Instrumental]", "(instrumental)\n", "[au: instrumental]",
                                  "[00:00.00]♪ Instrumental ♪", "This song is an instrumental."])  # fmt: skip
def test_instrumental_where_the_source_says_so(text: str) -> None:
    assert (lyrics_of(text).status, lyrics_of(text).text) == ("instrumental", "")


@pytest.mark.parametrize("text", ["instrumental break\nand then words", "[au: instrumental]\nbut there are words",
                                  "[Instrumental]\nla la la"])  # fmt: skip
def test_not_instrumental_where_there_are_words(text: str) -> None:
    assert lyrics_of(text).status == "found"


def test_an_instrumental_version_says_nothing_about_the_track(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "track_name,artist,lyrics,energy\nToxic - Instrumental,Britney Spears,[Instrumental],0.5\n"
        "99 Luftballons - 2009 Remaster,Nena,some words,0.5\n"
    )
    tracks = annotate(library(), [tmp_path / "a.csv"])[0].tracks
    assert tracks["lyrics_status"].to_list()[:3] == [None, None, "found"]
    assert tracks["energy"].to_list()[:3] == [None, None, 0.5]  # it sounds otherwise
    without, _ = annotate(library(), [tmp_path / "a.csv"], versions=False)
    assert "energy" not in without.tracks.columns


LINES = st.lists(
    st.sampled_from(["[00:01.00]", "[1:2]", "[00:01:50]", "<00:01.00>", "[ti:x]", "[by: y]", "[#: c]", "[", "]", "<",
                     ">", "00:01.00", "la", " ", "\n", "\r\n", "\t", "\ufeff", "\x0b", "[Chorus]",
                     "[au:instrumental]", "1 Contributor", "Lyrics", "Embed", "You might also like",
                     "Instrumental", "é"]),
    max_size=30,
).map("".join)  # fmt: skip


@settings(max_examples=200)
@given(LINES | st.text(max_size=60))
@example("[00:[00:01.00]02.00]la")
@example("<00:<00:01.00>02.00>")
def test_cutting_off_stamps_twice_changes_nothing(text: str) -> None:
    once = without_stamps(text)
    assert without_stamps(once) == once
    assert "[00:01.00]" not in once and "<00:01.00>" not in once


@settings(max_examples=150)
@given(LINES | st.text(max_size=60))
def test_a_status_fits_its_text(text: str) -> None:
    found = lyrics_of(text)
    assert (found.status == "found") == bool(found.text)
    assert found.status in ("found", "instrumental", None)
    if found.status == "instrumental":
        assert "instrumental" in text.casefold()
    letters = [c for c in text if c.isalnum()]
    assert len([c for c in found.text if c.isalnum()]) <= 40 * max(len(letters), 1)


WORD = st.text(st.characters(categories=["L"]), min_size=1, max_size=8)


@settings(max_examples=60)
@given(lines=st.lists(st.lists(WORD, min_size=1, max_size=5).map(" ".join), min_size=1, max_size=8), data=st.data())
def test_words_survive_stamps(lines: list[str], data: st.DataObject) -> None:
    """Planted: any text, stamped in order, whatever order the lines are written in, comes back as it was."""
    stamped = [f"[{i // 60:02d}:{i % 60:02d}.{i % 100:02d}]{line}" for i, line in enumerate(lines)]
    order = data.draw(st.permutations(range(len(lines))))
    written = "\n".join(["[ar:Somebody]", *(stamped[i] for i in order)])
    assert without_stamps(written) == "\n".join(lines)


@pytest.mark.parametrize("text", [
    "[00:01.00]" * 20_000 + "x" * 100_000, " " * 200_000 + "x", "[" * 200_000, "[00:" * 50_000 + "01.00]" * 20_000,
    "1 Contributor" + "L" * 190_000, "See " * 50_000, "\n" * 200_000, "[ti:" * 50_000,
    "<00:" * 50_000 + "01.00>" * 9_999,
])  # fmt: skip
def test_hostile_lyrics_take_no_time(text: str) -> None:
    start = time.process_time()
    lyrics_of(text)
    assert time.process_time() - start < 5


def test_long_lyrics_are_cut_and_noted(tmp_path: Path) -> None:
    (tmp_path / "Nena - 99 Luftballons.txt").write_text("la " * 50_000)
    annotated, report = annotate(library(), [tmp_path])
    assert len(annotated.tracks["lyrics"][2]) <= 100_000
    assert any("longer than" in note for note in report.sources[0].notes)
    (tmp_path / "Nena - 99 Luftballons.txt").write_text("la " * 1_000_000)
    with pytest.raises(SourceError, match="larger than lyrics"):
        annotate(library(), [tmp_path])


@pytest.mark.parametrize("ending", ENDINGS)
def test_damaged_tags_are_an_error_or_a_row(tmp_path: Path, ending: str) -> None:
    write_tagged(tmp_path / f"a{ending}", "Toxic", "Britney Spears", WORDS[0])
    data = (tmp_path / f"a{ending}").read_bytes()
    rng = np.random.default_rng(7)
    for trial in range(40):
        broken = bytearray(data[: len(data) if trial % 2 else int(rng.integers(1, len(data)))])
        for place in rng.integers(0, min(len(broken), 600), 8):
            broken[place] = int(rng.integers(0, 256))
        (tmp_path / f"b{ending}").write_bytes(broken)
        try:
            annotated, _ = annotate(library(), [tmp_path / f"b{ending}"])
        except SourceError as error:
            assert f"b{ending}" in str(error)
        else:
            assert isinstance(annotated, Library) and annotated.tracks["track_id"].to_list() == IDS
