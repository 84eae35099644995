import csv
from pathlib import Path

import pytest

from contracts.source import planted
from segue.errors import OutputError, SourceError
from segue.sources.ingest import ingest
from segue.sources.mpd_export import to_mpd_slices
from segue.sources.tables_csv import TABLES, write_tables


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_tables_of_the_published_pipeline(tmp_path: Path) -> None:
    library = planted(uris=True)
    assert write_tables(library, tmp_path / "csv") == [tmp_path / "csv" / name for name in TABLES]
    playlists, items, tracks, descriptions = (read(tmp_path / "csv" / name) for name in TABLES)
    assert playlists[1] == {
        "pid": "12",
        "name": 'late 🌙, "quiet" & slow',
        "collaborative": "true",
        "modified_at": "",
        "num_tracks": "4",
        "num_albums": "2",
        "num_artists": "2",
        "num_followers": "2",
        "duration_ms": str(261_000 * 3 + 371_000),
        "source": "",
    }
    assert [(i["pid"], i["pos"]) for i in items[3:7]] == [("12", str(pos)) for pos in range(4)]
    assert items[3]["track_uri"] == tracks[3]["track_uri"] and tracks[3]["track_name"] == "夜に駆ける"
    assert [d["pid"] for d in descriptions] == ["11", "7"]


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    write_tables(planted(uris=True), tmp_path / "csv")
    cells = [cell for name in TABLES for row in read(tmp_path / "csv" / name) for cell in row.values()]
    assert not [cell for cell in cells if cell.startswith(tuple("=+-@\t\r"))]
    assert {"'=SUM(A1)", "'@mention; and, more", "'-1 or +1", "'=cmd|'/c calc'!A1"} <= set(cells)


def test_tables_replace_tables_but_nothing_else(tmp_path: Path) -> None:
    write_tables(planted(uris=True), tmp_path / "csv")
    write_tables(planted(uris=False), tmp_path / "csv")
    assert read(tmp_path / "csv" / "tracks.csv")[0]["track_uri"].startswith("t:")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    for write in (write_tables, to_mpd_slices):
        with pytest.raises(OutputError, match="other things"):
            write(planted(uris=True), tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "precious"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("items.csv", "pid,pos,track_uri\n99,0,x\n", "playlists.csv lacks"),
        ("items.csv", "pid,pos,track_uri\n11,0,nothing\n", "tracks.csv lacks"),
        ("items.csv", "pid,track_uri\n", "no column 'pos'"),
        ("tracks.csv", "", "damaged"),
        ("playlists.csv", "pid,name,num_followers\n11,x,many\n12,y,1\n7,z,\n", "no number"),
    ],
)
def test_damaged_tables_are_named(tmp_path: Path, name: str, content: str, reason: str) -> None:
    write_tables(planted(uris=True), tmp_path / "csv")
    (tmp_path / "csv" / name).write_text(content)
    with pytest.raises(SourceError) as caught:
        ingest([tmp_path / "csv"])
    assert reason in str(caught.value)
