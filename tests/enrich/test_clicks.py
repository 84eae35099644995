from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.enrich.clicks import ClickFilter, click_pairs, filtered
from segue.errors import InputError, SourceError
from segue.library.searching import Click, write_lines
from segue.sources.search_logs import read_search_logs

clicks = st.lists(
    st.builds(
        Click,
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20),
        st.text("abc", min_size=1, max_size=3),
        st.booleans(),
        st.floats(0, 2e9),
    ),
    max_size=8,
)


@given(clicks)
def test_csv_and_json_lines_are_read_back(tmp_path_factory: pytest.TempPathFactory, made: list[Click]) -> None:
    folder = tmp_path_factory.mktemp("logs")
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";")
    writer.writerow(["time", "clicked", "playlist_id", "query"])
    for one in made:
        writer.writerow([repr(one.time), int(one.clicked), one.playlist_id, one.query])
    (folder / "log.csv").write_bytes(b"\xef\xbb\xbf" + out.getvalue().encode())
    write_lines(folder / "log.jsonl", made)
    assert read_search_logs([folder / "log.csv"]) == made
    assert read_search_logs([folder / "log.jsonl"]) == made


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("query,playlist_id,clicked\nq,p,1\n", "lacks the column 'time'"),
        ("query,playlist_id,clicked,time\nq,p,maybe,1\n", "line 2"),
        ("query,playlist_id,clicked,time\nq,p,1,soon\n", "unix seconds or an ISO date"),
        ("query,playlist_id,clicked,time\nq,p,1\n", "3 cells where 4"),
        ("", "lacks the column 'query'"),
    ],
)
def test_damage_names_the_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "log.csv").write_text(text)
    with pytest.raises(SourceError, match=said):
        read_search_logs([tmp_path / "log.csv"])
    (tmp_path / "log.jsonl").write_text('{"query": "q"}\n')
    with pytest.raises(SourceError, match="line 1"):
        read_search_logs([tmp_path / "log.jsonl"])


def test_iso_dates_are_times(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("query,playlist_id,clicked,time\nq,p,yes,1970-01-02T00:00:00Z\n")
    assert read_search_logs([tmp_path / "log.csv"]) == [Click("q", "p", True, 86_400.0)]


def shown(query: str, playlist_id: str, n: int, clicked: int, *, every: float = 100.0) -> list[Click]:
    return [Click(query, playlist_id, i < clicked, i * every) for i in range(n)]


def test_what_is_no_judgement_is_left_out_and_counted() -> None:
    log = [
        *shown("Sad songs", "a", 10, 5),
        *shown("sad song", "a", 4, 1),  # the same query, spelled otherwise
        *shown("sad songs", "b", 10, 1),
        *shown("gym", "a", 2, 2),  # too rarely
        *shown("gym", "c", 9, 0),  # never clicked
        *shown("bot", "a", 500, 500, every=0.01),
        *shown("!", "a", 9, 9),
        *shown("gym", "unknown", 7, 7),
    ]
    found = filtered(log, {"a", "b", "c"})
    assert found.rates == {("Sad songs", "a"): 6 / 17, ("Sad songs", "b"): 1 / 13}
    assert found.left_out == {
        "pairs shown too rarely": 1,
        "pairs without clicks": 1,
        "queries repeated as only machines do": 500,
        "nearly empty queries": 9,
        "playlists that are not known": 7,
    }
    assert found.n == len(log)
    pairs = click_pairs(found, {"a": "text a", "b": "text b"})
    assert pairs.right == ("text a", "text b") and pairs.grades[0] == 1.0 and 0 < pairs.grades[1] < 0.3


def test_a_filter_needs_limits() -> None:
    with pytest.raises(InputError):
        ClickFilter(least_shown=0)
