import csv
import io
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from segue.errors import InputError, OutputError, SourceError
from segue.library import Track
from segue.sources.addresses import address_of, id_of
from segue.sources.ingest import ingest
from segue.sources.json_text import storable
from segue.sources.jspf import read_jspf, write_jspf
from segue.sources.m3u import one_line, read_m3u, write_m3u
from segue.sources.playlist_files import PLAYLIST_FORMATS, read_playlist, read_playlist_bytes, write_playlist
from segue.sources.spreadsheet import unguarded
from segue.sources.text import name_id
from segue.sources.xspf import read_xspf, write_xspf, xml_text

DATA = Path(__file__).parents[1] / "data" / "sources"
MUSIC = DATA.absolute()
PIECES = st.sampled_from(
    [
        "]]>",
        "#EXTINF:1,",
        "\n#EXTM3U\n",
        '"',
        "'",
        "\r\n",
        "\r",
        "\t",
        "\0",
        "\x1b[31m",
        "\u202e",
        "\u200f",
        "🌧️",
        "👩‍👩‍👧",
        " - ",
        ",",
        ";",
        "<b>&amp;",
        "&#13;",
        "<!DOCTYPE x>",
        "<![CDATA[",
        "\ud800",
        "\ufffe",
        "\u2028",
        "\x85",
        "=1+1",
        "%20",
        "é",
        "é",
        "٣",
    ]
)
TEXT = st.lists(st.one_of(st.text(max_size=8), PIECES), max_size=4).map("".join)
PATHS = st.one_of(st.none(), TEXT.filter(str.strip).map(lambda t: "/music/" + t.replace("\0", "")))
TRACKS = st.builds(
    Track,
    track_id=st.one_of(
        TEXT.filter(bool), st.just("spotify:track:4uLU6hMCjMI75M1A2tKUQC"), st.just("t:0123456789abcdef")
    ),
    name=TEXT.filter(lambda t: bool(one_line(t))),
    artist=TEXT,
    album=st.one_of(st.none(), TEXT.filter(bool)),
    year=st.one_of(st.none(), st.integers(1, 9_999)),
    duration_ms=st.one_of(st.none(), st.integers(0, 10_000_000)),
    explicit=st.one_of(st.none(), st.booleans()),
    location=PATHS,
)
LISTS = st.lists(TRACKS, max_size=5)


def storable_id(track_id: str) -> str:
    """What any format keeps of an id: lone surrogates are no text, links become ids."""
    return id_of(address_of(track_id))


@settings(deadline=None)
@given(TEXT, LISTS)
@example("#EXTINF:1,x", [Track("t:0", "a - b", "c - d - e"), Track("t:1", "a - b", ""), Track("t:2", "- x", "y")])
def test_m3u_keeps_every_name_on_one_line(title: str, tracks: list[Track]) -> None:
    data = write_m3u(title, tracks)
    again_title, again = read_m3u(data.decode(), label="x", base=None)
    assert again_title == one_line(title)
    assert [(t.name, t.artist) for t in again] == [(one_line(t.name), one_line(t.artist)) for t in tracks]
    assert [t.album for t in again] == [(one_line(t.album) or None) if t.album else None for t in tracks]
    assert [t.duration_ms for t in again] == [
        None if t.duration_ms is None else round(t.duration_ms / 1000) * 1000 for t in tracks
    ]
    for before, after in zip(tracks, again, strict=True):
        if before.location is None:
            assert after.track_id == storable_id(before.track_id) and after.location is None
        else:
            kept = before.location.encode("utf-8", "replace").decode()  # lone surrogates are no text
            assert after.location == (kept if kept[0] == "/" else one_line(kept))
            assert after.track_id == name_id(after.name, after.artist)


@settings(deadline=None)
@given(TEXT, TEXT, LISTS)
def test_xspf_keeps_all_that_xml_allows(title: str, description: str, tracks: list[Track]) -> None:
    again_title, again_description, again = read_xspf(
        write_xspf(title, tracks, description=description), label="x", base=None
    )
    assert (again_title or "", again_description or "") == (xml_text(title), xml_text(description))
    for before, after in zip(tracks, again, strict=True):
        assert after == Track(
            track_id=storable_id(before.track_id),
            name=xml_text(before.name),
            artist=xml_text(before.artist),
            album=xml_text(before.album) if before.album else None,
            year=before.year,
            duration_ms=before.duration_ms,
            explicit=before.explicit,
            location=before.location and before.location.encode("utf-8", "replace").decode(),
        )


@settings(deadline=None)
@given(TEXT, TEXT, LISTS)
def test_jspf_keeps_all_text(title: str, description: str, tracks: list[Track]) -> None:
    data = write_jspf(title, tracks, description=description)
    again_title, again_description, again = read_jspf(data, label="x", base=None, notes=Counter())
    assert (again_title, again_description or "") == (storable(title), storable(description))
    for before, after in zip(tracks, again, strict=True):
        assert after == Track(
            track_id=storable_id(before.track_id),
            name=storable(before.name),
            artist=storable(before.artist),
            album=storable(before.album) if before.album else None,
            year=before.year,
            duration_ms=before.duration_ms,
            explicit=before.explicit,
            location=before.location and before.location.encode("utf-8", "replace").decode(),
        )


@settings(deadline=None)
@given(TEXT, LISTS)
def test_csv_keeps_all_text_and_starts_no_formula(title: str, tracks: list[Track]) -> None:
    def exact(text: str | None) -> str:
        return (text or "").encode("utf-8", "replace").decode()

    data = write_playlist("csv", title, tracks, scores=[0.5] * len(tracks)).decode()
    header, *rows = list(csv.reader(io.StringIO(data, newline=""), strict=True))
    assert header[:4] == ["playlist_title", "position", "track_id", "name"] and header[-1] == "score"
    for track, row in zip(tracks, rows, strict=True):
        assert not any(cell.startswith(tuple("=+-@\t\r")) for cell in row)
        cells = dict(zip(header, map(unguarded, row), strict=True))
        assert (cells["playlist_title"], cells["track_id"]) == (exact(title), exact(track.track_id))
        assert (cells["name"], cells["artist"], cells["album"]) == tuple(
            map(exact, (track.name, track.artist, track.album))
        )


@settings(deadline=None)
@given(TEXT, LISTS)
def test_json_keeps_the_rank_and_all_fields(title: str, tracks: list[Track]) -> None:
    document = json.loads(write_playlist("json", title, tracks))
    assert document["title"] == storable(title)
    assert [t["rank"] for t in document["tracks"]] == list(range(1, len(tracks) + 1))
    for track, said in zip(tracks, document["tracks"], strict=True):
        assert said["name"] == storable(track.name) and said.get("year") == track.year


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["m3u", "xspf", "jspf"]))
@example(b"<a/>", "xspf")
@example(b"\xff\xfe<\0?\0", "xspf")
@example(b'<?xml version="1.0" encoding="martian"?><playlist/>', "xspf")
@example(b'<?xml version="1.0" encoding="utf-7"?><playlist/>', "xspf")
@example(b'{"playlist": {"track": [{"duration": 1e999}]}}', "jspf")
def test_any_bytes_are_a_playlist_or_one_sentence(data: bytes, format: str) -> None:
    try:
        piece = read_playlist_bytes(data, format, label="x", base=None)
    except SourceError as error:
        assert "\n" not in str(error)
    else:
        assert len(piece.indices) == len(piece.track_ids)


def test_m3u8_with_all_its_habits() -> None:
    read = read_playlist(DATA / "road_trip.m3u8")
    assert read.title == "Road trip 🚗"
    assert [(t.artist, t.name, t.album, t.duration_ms) for t in read.tracks] == [
        ("Tom Petty", "Runnin' Down a Dream", "Full Moon Fever", 245_000),
        ("Golden Earring", "Radar Love", None, None),
        ("Steppenwolf", "Born to Be Wild", None, None),
        ("", "stream", None, None),
    ]
    assert [t.location for t in read.tracks] == [
        f"{MUSIC}/music/Tom Petty/Runnin' Down a Dream.mp3",
        f"{MUSIC.parent}/more/02 Radar Love.ogg",
        f"{MUSIC}/03 - Steppenwolf - Born to Be Wild.flac",
        "https://radio.example/stream.mp3?x=1#y",
    ]
    assert read.tracks[1].track_id == name_id("Radar Love", "Golden Earring")


def test_m3u_of_a_windows_player() -> None:
    read = read_playlist(DATA / "windows.m3u")
    assert read.title == "windows"
    (track,) = read.tracks
    assert (track.artist, track.name, track.location) == ("Björk", "Jóga", f"{MUSIC}/Björk/Jóga.mp3")


def test_xspf_with_files_and_ids() -> None:
    read = read_playlist(DATA / "quiet.xspf")
    assert (read.title, read.description) == ("Quiet & slow", "for late evenings")
    moon, after = read.tracks
    assert (moon.location, moon.duration_ms) == ("/music/Nick Drake/Pink Moon.flac", 122_600)
    assert moon.track_id == name_id("Pink Moon", "Nick Drake")
    assert (after.track_id, after.name) == ("spotify:track:TimeAfterTime000000001", "<Time> After Time")


def test_jspf_of_listenbrainz() -> None:
    read = read_playlist(DATA / "listenbrainz.jspf")
    assert (read.title, read.description) == ("Weekly jams", "made for somebody")
    assert read.tracks[0].track_id == "https://musicbrainz.org/recording/4d5e4b2a-0000-4000-8000-000000000000"
    assert read.tracks[1].location == "/music/Glory Box.mp3" and read.tracks[1].duration_ms is None


def test_jspf_may_be_called_json(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes((DATA / "listenbrainz.jspf").read_bytes())
    assert ingest([tmp_path / "x.json"]).titles == ["Weekly jams"]


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;">]>'
    "<playlist><title>&b;</title><trackList/></playlist>"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_is_refused(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "bomb.xspf"
    path.write_bytes(BOMB.encode(encoding))
    with pytest.raises(SourceError, match="document type"):
        ingest([path])


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.xspf", (DATA / "quiet.xspf").read_bytes()[:400], "damaged or cut off"),
        ("a.xspf", b"", "damaged or cut off"),
        ("a.xspf", b"<rss/>", "not <playlist>"),
        ("a.xspf", b"<playlist><trackList><track><duration>x</duration></track></trackList></playlist>", "track 1"),
        ("a.xspf", b"<playlist>" + b"<a>" * 5_000, "nested too deeply"),
        ("a.jspf", (DATA / "listenbrainz.jspf").read_bytes()[:200], "cut off"),
        ("a.jspf", b'{"playlist": {"title": "x"}}', "wrong schema"),
        ("a.jspf", b'{"playlist": {"track": [{"title": 4}]}}', "$.playlist.track[0].title"),
        ("a.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:10\nx.ts\n", "HLS"),
    ],
)
def test_damage_is_named(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError) as caught:
        ingest([tmp_path / name])
    assert reason in str(caught.value) and str(tmp_path / name) in str(caught.value)


@pytest.mark.parametrize("format", PLAYLIST_FORMATS)
def test_a_playlist_is_written_to_a_file_or_not_at_all(tmp_path: Path, format) -> None:
    track = Track("t:0", "Name", "Artist", location="/music/x.mp3")
    path = tmp_path / "out" / f"list.{format}"
    data = write_playlist(format, "title", [track], path=path)
    assert path.read_bytes() == data and [p.name for p in path.parent.iterdir()] == [path.name]
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError):
        write_playlist(format, "title", [track], path=tmp_path / "file" / "x")


def test_unknown_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown playlist format 'pls'"):
        write_playlist("pls", "x", [])
    (tmp_path / "x.pls").write_text("")
    with pytest.raises(SourceError, match="not an M3U"):
        read_playlist(tmp_path / "x.pls")
