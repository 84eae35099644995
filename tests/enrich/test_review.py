from __future__ import annotations

import csv
import io
from pathlib import Path

import polars as pl
import pytest

from enrich.planted_texts import planted
from segue.enrich.describe import describe, with_written
from segue.enrich.quality import lines_quality, playlist_quality, track_quality
from segue.enrich.review import (
    Rejections,
    Verdict,
    accepted,
    accepted_lines,
    add_verdicts,
    key_of,
    line_key,
    rejections_of,
    verdicts_file,
    with_verdicts,
)
from segue.enrich.review_sheet import HEAD, queue, read_sheet, review_sheet, text_key
from segue.enrich.summarise import summarise, with_summaries
from segue.errors import InputError, SourceError, StoredDataError
from segue.library import Library
from segue.library.searching import Graded, SearchQuery, write_lines
from segue.library.tables import OPTIONAL_PLAYLIST_COLUMNS


def written() -> Library:
    library = planted()
    made = describe(library)
    return with_written(library, made.playlist_ids, made.columns)


def verdict_on(library: Library, row: int, verdict: str = "reject") -> Verdict:
    id, text = library.playlists.select("playlist_id", "written").row(row)
    return Verdict("playlist", id, key_of("playlist", id, text), verdict)  # type: ignore[arg-type]


def test_a_rejected_text_goes_and_stays_away(tmp_path: Path) -> None:
    library = written()
    before = library.playlists.row(3, named=True)
    changed = with_verdicts(library, [verdict_on(library, 3), verdict_on(library, 4, "accept")])
    changed.save(tmp_path / "library")
    changed = Library.load(tmp_path / "library")
    row = changed.playlists.row(3, named=True)
    assert all(row[name] is None for name in OPTIONAL_PLAYLIST_COLUMNS)
    assert row["title"] == before["title"] and row["description"] == before["description"]
    assert changed.playlists["written"].null_count() == 1
    # the same text is not written again, for this playlist alone
    again = describe(changed)
    assert (again.asked, again.rejected, again.playlist_ids) == (1, 1, ())
    # and if something puts it back, it is left out all the same
    put_back = with_written(changed, [before["playlist_id"]], library.playlists[[3]])
    assert put_back.playlists["written"][3] == before["written"]
    assert accepted(put_back).playlists.equals(changed.playlists)
    # another text about the playlist is another matter
    other = pl.DataFrame({**{name: [None] for name in OPTIONAL_PLAYLIST_COLUMNS}, "written": ["Something else."]})
    kept = accepted(with_written(changed, [before["playlist_id"]], other))
    assert kept.playlists["written"][3] == "Something else."


def test_without_rejections_the_library_is_the_same_object() -> None:
    library = written()
    assert accepted(library) is library
    assert accepted(with_verdicts(library, [verdict_on(library, 0, "accept")])).playlists.equals(library.playlists)


def test_the_last_verdict_counts() -> None:
    library = written()
    back = [verdict_on(library, 0), verdict_on(library, 0, "accept")]
    assert not Rejections.of(back).rejects("playlist", "p0", library.playlists["written"][0])
    assert Rejections.of(back[::-1]).rejects("playlist", "p0", library.playlists["written"][0].upper())


def test_a_rejected_summary_goes_too() -> None:
    library = with_summaries(planted(), summarise(planted()))
    id, text = library.tracks.select("track_id", "summary").row(7)
    changed = with_verdicts(library, [Verdict("track", id, key_of("track", id, text), "reject")])
    assert changed.tracks.select("summary", "summary_by").row(7) == (None, None)
    assert changed.tracks["summary"].null_count() == 1
    again = summarise(changed)
    assert (again.asked, again.rejected, len(again.track_ids)) == (1, 1, 0)


def test_damaged_notes_are_told() -> None:
    from dataclasses import replace

    with pytest.raises(StoredDataError, match="verdicts"):
        rejections_of(replace(planted(), notes={"review": [{"kind": "?"}]}))


QUERIES = [SearchQuery("calm piano", "p1", "mood", "x"), SearchQuery("calm piano", "p2", "mood", "x")]
GRADES = [
    Graded("calm piano", "p1", 3, "", "x"),
    Graded("calm piano", "p2", 0, "", "x"),
    Graded("jazz", "p1", 1, "", "x"),
]


def test_rejected_lines_are_left_out_beside_their_file(tmp_path: Path) -> None:
    write_lines(tmp_path / "queries.jsonl", QUERIES)
    assert accepted_lines(tmp_path / "queries.jsonl", SearchQuery) == QUERIES
    said = Verdict("query", "p1", line_key(QUERIES[0]), "reject", "what is this")
    together = add_verdicts(tmp_path / "queries.jsonl", [said])
    assert accepted_lines(tmp_path / "queries.jsonl", SearchQuery) == QUERIES[1:]
    assert verdicts_file(tmp_path / "queries.jsonl").is_file()
    # grades of a rejected query go with it, others of the same playlist stay
    write_lines(tmp_path / "grades.jsonl", GRADES)
    assert accepted_lines(tmp_path / "grades.jsonl", Graded, also=together) == GRADES[1:]
    add_verdicts(tmp_path / "grades.jsonl", [Verdict("grade", "p1", line_key(GRADES[2]), "reject")])
    assert accepted_lines(tmp_path / "grades.jsonl", Graded) == GRADES[:2]
    assert Rejections.of([said]).rejects_line(Graded("calm piano", "p1", 2, "another reason", "y"))


def test_a_sheet_goes_out_and_comes_back(tmp_path: Path) -> None:
    library = written()
    texts = queue(playlist_quality(library).texts, rejections_of(library), 5)
    sheet = tmp_path / "sheet.csv"
    lines = list(csv.reader(io.StringIO(review_sheet(texts))))
    assert tuple(lines[0]) == HEAD and len(lines) == 6
    lines[1][7], lines[2][7], lines[2][8] = "Reject", "yes", "=fine"
    for delimiter in ",;":
        out = io.StringIO()
        csv.writer(out, delimiter=delimiter).writerows(lines)
        sheet.write_text(out.getvalue(), "utf-8-sig")
        verdicts = read_sheet(sheet)
        assert [(v.id, v.verdict, v.key) for v in verdicts] == [
            (texts[0].id, "reject", text_key(texts[0])), (texts[1].id, "accept", text_key(texts[1])),
        ]  # fmt: skip
    changed = with_verdicts(library, verdicts)
    assert changed.playlists.filter(pl.col("written").is_null())["playlist_id"].to_list() == [texts[0].id]
    # what was looked at does not come again
    left = queue(playlist_quality(changed).texts, rejections_of(changed), 100)
    assert {text.id for text in left}.isdisjoint({texts[0].id, texts[1].id}) and len(left) == library.n_playlists - 2


def test_queries_and_grades_have_the_keys_of_their_lines(tmp_path: Path) -> None:
    for line in (*QUERIES, *GRADES):
        (text,) = lines_quality([line]).texts
        assert text_key(text) == line_key(line)


def test_cells_are_no_formulas_and_ids_survive(tmp_path: Path) -> None:
    lines = [SearchQuery('=HYPERLINK("http://x")\n@', "=p1", "mood", "+me")]
    sheet = review_sheet(lines_quality(lines).texts)
    cells = list(csv.reader(io.StringIO(sheet)))
    assert len(cells) == 2 and not any(cell[:1] in ("=", "+", "-", "@") for cell in cells[1] if cell)
    cells[1][7] = "r"
    out = io.StringIO()
    csv.writer(out).writerows(cells)
    (tmp_path / "s.csv").write_text(out.getvalue())
    assert read_sheet(tmp_path / "s.csv") == [Verdict("query", "=p1", line_key(lines[0]), "reject")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "lacks the column 'kind'"),
        ("kind,id,key\n", "lacks the column 'verdict'"),
        ("kind,id,key,verdict\nplaylist,p,0123456789abcdef,maybe\n", r"'maybe'; write accept or reject \(line 2\)"),
        ("kind,id,key,verdict\nplaylist,p,0123,reject\n", "must stay as they were"),
        ("kind,id,key,verdict\nsong,p,0123456789abcdef,reject\n", "must stay as they were"),
        (
            "kind,id,key,verdict\nplaylist,p,0123456789abcdef,reject\nplaylist,p,0123456789abcdef,accept\n",
            r"two verdicts on one text; leave one \(line 3\)",
        ),
    ],
)
def test_a_damaged_sheet_is_told(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(SourceError, match=said):
        read_sheet(tmp_path / "s.csv")


def test_an_empty_queue_is_told() -> None:
    with pytest.raises(InputError, match="nothing waits"):
        review_sheet([])
    assert track_quality(planted()).texts == () == playlist_quality(planted()).texts
