import gzip
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.errors import SourceError
from segue.library import Library
from segue.sources.headers import ALIASES
from segue.sources.ingest import ingest
from segue.sources.spreadsheet import DANGEROUS, csv_bytes, guarded, unguarded
from segue.sources.tabular import read_csv_bytes

NUMBERS = ["nan", "inf", "-1", "1e400", "9" * 5_000, "²", "1:60", "99999999999", "0x1", "true", "1999-13-45"]
DATA = Path(__file__).parents[1] / "data" / "sources"


def rows(library: Library, *columns: str) -> list[list[tuple]]:
    table = library.tracks.select(columns).rows()
    return [[table[i] for i in library.playlist_tracks.row(j).tolist()] for j in range(library.n_playlists)]


def csv(tmp_path: Path, text: str, name: str = "a.csv") -> Library:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return ingest([tmp_path / name])


def test_exportify_of_2016() -> None:
    library = ingest([DATA / "exportify_2016.csv"])
    assert library.titles == ["exportify 2016"]
    assert rows(library, "track_id", "name", "artist", "album", "duration_ms") == [
        [
            ("spotify:track:Toxic00000000000000001", "Toxic", "Britney Spears", "In The Zone", 198_800),
            ("spotify:track:GoldenBrown00000000001", "Golden, Brown", "The Stranglers", "La Folie", 208_000),
        ]
    ]


def test_exportify_with_several_artists() -> None:
    library = ingest([DATA / "rainy_sunday.csv"])
    assert library.titles == ["rainy sunday"] and library.playlists["playlist_id"].to_list() == ["rainy_sunday.csv"]
    assert rows(library, "name", "artist", "artist_id", "year", "explicit") == [
        [
            ("Under Pressure", "Queen", "spotify:artist:1dfeR4HaWDbWqFHLkxsg1d", 1982, False),
            ("September", "Earth, Wind & Fire", "spotify:artist:4QQgXkCYTt3BlENzhyNETg", 1978, True),
        ]
    ]


def test_exportify_of_today() -> None:
    library = ingest([DATA / "exportify_net.csv"])
    assert rows(library, "name", "artist", "album", "year", "duration_ms", "genre", "explicit") == [
        [("Under Pressure", "Queen", "Hot Space", 1982, 248_440, "rock,glam rock", False)]
    ]


def test_semicolons_latin1_and_clock_durations() -> None:
    library = ingest([DATA / "semicolons_latin1.csv"])
    assert library.titles == ["Küche", "Garten"]
    assert rows(library, "name", "duration_ms") == [
        [("Für Hildegard von Blingen", 213_000), ("Ça plane pour moi", 178_000)],
        [("Ça plane pour moi", 178_000)],
    ]
    assert "Windows-1252" in next(iter(library.notes["ingest"]["notes"]))


def test_tabs_utf16_and_positions() -> None:
    library = ingest([DATA / "tabs_utf16.csv"])
    assert library.titles == ["Été 🌞"] and library.playlists["playlist_id"].to_list() == ["7"]
    assert rows(library, "name", "year") == [[("Joe le taxi", 1987), ("Voyage, voyage", 1986)]]


@pytest.mark.parametrize(
    "header",
    [
        "track_name,artist_name",
        "Song,Artist",
        "track,artist",
        "Title,Artist",
        "TRACK NAME,ARTIST NAME(S)",
        "name,artists",
    ],
)
def test_headers_people_write(tmp_path: Path, header: str) -> None:
    assert rows(csv(tmp_path, f"{header}\nA,B\n"), "name", "artist") == [[("A", "B")]]


@pytest.mark.parametrize("header", ["Track URI", "Spotify URI", "Spotify ID", "track_id", "uri", "Spotify URL"])
def test_addresses_alone_are_enough(tmp_path: Path, header: str) -> None:
    library = csv(tmp_path, f"{header}\n4uLU6hMCjMI75M1A2tKUQC\n")
    assert library.tracks["track_id"].to_list() == ["spotify:track:4uLU6hMCjMI75M1A2tKUQC"]


def test_the_rest_of_a_hand_written_table(tmp_path: Path) -> None:
    header = "\ufeffsep=;\nplaylist;description;track;artist;explicit;duration\n"
    text = header + "A;best;x;y;yes;1:02:03\n\nA;;z;;;\n;;q;;;\n"
    library = csv(tmp_path, text)
    assert rows(library, "name", "artist", "explicit", "duration_ms") == [
        [("x", "y", True, 3_723_000), ("z", None, None, None)],
        [("q", None, None, None)],
    ]
    assert library.playlists.select("playlist_id", "title", "description").rows() == [
        ("A", "A", "best"),
        ("a.csv", None, None),
    ]


def test_gzip_and_playlist_of_the_same_name_in_two_files(tmp_path: Path) -> None:
    for name, song in (("a.csv.gz", "x"), ("b.csv.gz", "y")):
        (tmp_path / name).write_bytes(gzip.compress(f"playlist,track\nmine,{song}\n".encode()))
    library = ingest([tmp_path])
    assert library.playlists["playlist_id"].to_list() == ["mine", "mine@b.csv.gz"]
    assert library.titles == ["mine", "mine"]


def test_rows_without_a_track_are_counted(tmp_path: Path) -> None:
    library = csv(tmp_path, "playlist,track,artist\na,,\na,x,\nb,,z\n")
    assert library.n_playlists == 2 and len(library.playlist_tracks.indices) == 1
    assert library.notes["ingest"]["notes"] == {"rows without a track uri or name, left out": 2}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("a,b\n1,2\n", "no column names tracks"),
        ("track,artist\nx,y\nx,y,z\n", "3 cells, the header 2 (line 3)"),
        ('track,artist\n"x,y\n', "never ends"),
        ("track,year,duration_ms\nx,1999,long\n", "duration in ms is 'long'"),
        ("playlist,position,track\na,first,x\n", "position is 'first'"),
        ("track,explicit\nx,perhaps\n", "explicit is 'perhaps'"),
    ],
)
def test_damage_is_named(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(SourceError) as caught:
        csv(tmp_path, text)
    assert reason in str(caught.value) and str(tmp_path / "a.csv") in str(caught.value)


def test_a_cell_of_ten_megabytes_is_cut(tmp_path: Path) -> None:
    library = csv(tmp_path, f"track,artist\n{'x' * 10_000_000},y\n")
    assert len(library.tracks["name"][0]) == 2_000 and library.notes["ingest"]["notes"]


def test_parquet_with_lists_numbers_and_dates(tmp_path: Path) -> None:
    pl.DataFrame(
        {
            "Track Name": ["1999", "x"],
            "Artists": [["Prince", "The Revolution"], ["y"]],
            "Release Date": pl.Series(["1982-10-27", "2000-01-01"]).str.to_date(),
            "Duration (ms)": [379_000.0, None],
            "Explicit": [False, None],
        }
    ).write_parquet(tmp_path / "mine.parquet")
    assert rows(ingest([tmp_path]), "name", "artist", "year", "duration_ms", "explicit") == [
        [("1999", "Prince", 1982, 379_000, False), ("x", "y", 2000, None, None)]
    ]


def test_damaged_parquet_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"track": ["x"] * 100}).write_parquet(path)
    whole = path.read_bytes()
    for content, reason in (
        (whole[:-10], "cut off"),
        (b"track\nx\n", "not a Parquet"),
        (whole[:-30] + b"\xff" * 22 + whole[-8:], "damaged"),
    ):
        path.write_bytes(content)
        with pytest.raises(SourceError, match=reason):
            ingest([path])
    pl.DataFrame({"track": [b"\xff"]}).write_parquet(path)
    with pytest.raises(SourceError, match="not text"):
        ingest([path])


@given(st.text())
def test_guarding_a_cell_is_undone_exactly(cell: str) -> None:
    assert unguarded(guarded(cell)) == cell
    assert guarded(cell)[:1] not in tuple("=+-@\t\r")


@pytest.mark.parametrize("before", ["", " ", "   ", "\xa0", "\ufeff", "\u200b", "\u2060\u3000", "\x1f", "\u202e"])
@pytest.mark.parametrize("sign", list("=+-@\t\r"))
def test_signs_behind_white_space_and_unseen_characters_are_guarded(before: str, sign: str) -> None:
    cell = f"{before}{sign}1"
    assert guarded(cell) == f"'{cell}" and unguarded(f"'{cell}") == cell
    assert unguarded(guarded(f"'{cell}")) == f"'{cell}"
    assert pl.Series([cell, f"'{cell}", f"{before}x{sign}"]).str.contains(DANGEROUS).to_list() == [True, True, False]


@given(st.text(st.characters(codec="utf-8") | st.sampled_from("'=+-@ \xa0\ufeff\u200b\t\r\n＝")))
def test_both_engines_read_the_pattern_alike(cell: str) -> None:
    assert pl.Series([cell]).str.contains(DANGEROUS)[0] == (guarded(cell) != cell)


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(min_size=1), st.text(min_size=1)), min_size=1))
def test_any_text_survives_a_csv(rows: list[tuple[str, str]]) -> None:
    def storable(text: str) -> str:
        return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")

    rows = [(f"{i} {name}", artist) for i, (name, artist) in enumerate(rows)]
    piece = read_csv_bytes(csv_bytes(["playlist", "track", "artist"], [("p", *row) for row in rows]), label="x.csv")
    table = piece.closed().gather(piece.indices.astype("int64"))
    assert table["name"].to_list() == [storable(name) for name, _ in rows]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(sorted({a for aliases in ALIASES.values() for a in aliases})), min_size=1, max_size=6),
    st.lists(st.lists(st.one_of(st.text(max_size=5), st.sampled_from(NUMBERS)), max_size=6), max_size=4),
    st.sampled_from([",", ";", "\t"]),
)
def test_any_table_is_playlists_or_one_sentence(header: list[str], cells: list[list[str]], separator: str) -> None:
    text = "\n".join(separator.join(row) for row in [header, *cells])
    try:
        piece = read_csv_bytes(text.encode("utf-8", "replace"), label="x.csv")
    except SourceError as error:
        assert "x.csv" in str(error)
    else:
        assert piece.indptr[-1] == len(piece.indices)
