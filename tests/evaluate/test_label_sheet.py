"""Blind sheets: what is on them, and what is read of them after a spreadsheet had them."""

import csv
import io
import itertools
import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.errors import InputError, SourceError, StoredDataError
from segue.evaluate.label_form import fill
from segue.evaluate.label_sheet import Key, Table, make_sheets, read_key
from segue.evaluate.pooling import Pool, pooled
from segue.library.search_runs import RankedQuery, SearchRun

LISTS = {
    "secret-alpha": {"rainy": "abc", "gym": "de", "50s": "ab"},
    "secret-beta": {"rainy": "cd", "gym": "ef", "50s": "ba"},
}
POOL = pooled(
    [
        SearchRun(name, tuple(RankedQuery(q, q, None, tuple(ids)) for q, ids in lists.items()))
        for name, lists in LISTS.items()
    ]
)
SHOWN = {pair: f"tracks of {pair[1]} für '{pair[0]}'" for pair in POOL.pairs}
TRUE = {pair: (ord(pair[1]) + len(pair[0])) % 4 for pair in POOL.pairs}


def rows_of(text):
    return list(csv.reader(io.StringIO(text)))


def graded(text, key, grades=TRUE, say=str):
    rows = rows_of(text)
    for row in rows[1:]:
        item = key.items[row[0]]
        if (item.query, item.target) in grades:
            row[3] = say(grades[item.query, item.target])
    return rows


def written(rows, delimiter=","):
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue()


def test_the_sheet_is_blind_and_holds_each_pair_once():
    (text,), key = make_sheets(POOL, SHOWN)
    assert "secret" not in text and "grade" in text.splitlines()[0]
    pairs = [(key.items[row[0]].query, key.items[row[0]].target) for row in rows_of(text)[1:]]
    assert sorted(pairs) == sorted(POOL.pairs) and pairs != sorted(pairs)
    assert make_sheets(POOL, SHOWN)[0] == [text] != make_sheets(POOL, SHOWN, rng_key=1)[0]
    queries = [pair[0] for pair in pairs]
    assert sum(a != b for a, b in itertools.pairwise(queries)) == len(set(queries)) - 1  # in blocks


def test_a_sheet_without_answers_has_nothing_in_the_last_column():
    (text,), _ = make_sheets(POOL, SHOWN)
    assert all(row[3] == "" for row in rows_of(text)[1:])


def test_raters_share_some_queries_and_divide_the_rest():
    sheets, key = make_sheets(POOL, SHOWN, raters=2, overlap=1)
    first, second = ({row[0] for row in rows_of(text)[1:]} for text in sheets)
    assert first | second == set(key.items) and 0 < len(first & second) < len(key.items)
    assert {key.items[n].query for n in first & second} & {key.items[n].query for n in first ^ second} == set()
    alike, _ = make_sheets(POOL, SHOWN, raters=2)
    assert set(alike[0].splitlines()) == set(alike[1].splitlines()) and alike[0] != alike[1]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_what_spreadsheets_do(tmp_path, delimiter, encoding):
    (text,), key = make_sheets(POOL, SHOWN)
    rows = graded(text, key, say=lambda grade: f" {grade},0 " if delimiter == ";" else str(grade))
    body = rows[1:]
    random.Random(3).shuffle(body)
    lost = body.pop()
    rows = [[*row, ""] for row in [["Item ", "QUERY", "Playlist", "Grade"], *body]]  # a column of nothing
    path = tmp_path / "anna.csv"
    whole = ("sep=;\n" if delimiter == ";" else "") + written(rows, delimiter)
    path.write_bytes(whole.encode(encoding))
    found = Table.read(path).labels(key)
    gone = (key.items[lost[0]].query, key.items[lost[0]].target)
    assert found.grades == {pair: grade for pair, grade in TRUE.items() if pair != gone}
    assert (found.rater, found.empty, found.missing) == ("anna", 0, 1)


def test_a_query_that_became_a_date_is_still_known(tmp_path):
    (text,), key = make_sheets(POOL, SHOWN)
    rows = [[row[0], "01.05.1950" if row[1] == "50s" else row[1], *row[2:]] for row in graded(text, key)]
    (tmp_path / "a.csv").write_text(written(rows))
    assert Table.read(tmp_path / "a.csv").labels(key).grades == TRUE


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows[1].__setitem__(slice(1, 3), ["else", "else"]), "another key"),
        (lambda rows: rows[1].__setitem__(0, "999"), "does not know"),
        (lambda rows: rows[1].__setitem__(3, "4"), "0 to 3"),
        (lambda rows: rows[1].__setitem__(3, "1.5"), "0 to 3"),
        (lambda rows: rows[1].__setitem__(3, "\x1b[2Jgood"), "0 to 3"),
        (lambda rows: rows.append([*rows[1][:3], str((int(rows[1][3]) + 1) % 4)]), "twice"),
        (lambda rows: rows[0].__setitem__(3, "rating"), "its columns should be"),
    ],
)
def test_a_row_that_is_wrong_is_named(tmp_path, change, said):
    (text,), key = make_sheets(POOL, SHOWN)
    rows = graded(text, key)
    change(rows)
    (tmp_path / "a.csv").write_text(written(rows))
    with pytest.raises(SourceError, match=said) as raised:
        Table.read(tmp_path / "a.csv").labels(key)
    assert "\x1b" not in str(raised.value)
    if said != "its columns should be":
        assert "line" in str(raised.value)


def test_the_same_row_twice_is_one(tmp_path):
    (text,), key = make_sheets(POOL, SHOWN)
    rows = graded(text, key)
    (tmp_path / "a.csv").write_text(written([*rows, *rows[1:3]]))
    assert Table.read(tmp_path / "a.csv").labels(key).grades == TRUE


def test_files_that_are_no_sheets(tmp_path):
    _, key = make_sheets(POOL, SHOWN)
    path = tmp_path / "a.csv"
    for content in (b"", b"a,b\n1,2\n", b"\xff\xfe\x00", b"\x00" * 50, b'"' * 200_000):
        path.write_bytes(content)
        with pytest.raises(SourceError):
            Table.read(path)
    with pytest.raises(SourceError, match="cannot be read"):
        Table.read(tmp_path / "nowhere.csv")
    (fit,), fit_key = make_sheets(POOL, SHOWN, sheet="fit")
    path.write_text(fit)
    with pytest.raises(SourceError, match="another kind"):
        Table.read(path).labels(key)
    assert Table.read(path).labels(fit_key).empty == len(POOL.pairs)
    with pytest.raises(InputError, match="nothing to grade"):
        make_sheets(Pool(("q",), {"a": {"q": ()}}, 10, {}), {})


def test_keys_go_through_files(tmp_path):
    _, key = make_sheets(POOL, SHOWN, evidence="tracks")
    path = tmp_path / "key.json"
    path.write_bytes(msgspec.json.encode(key))
    assert read_key(path) == key and set(read_key(path).pool.pairs) == set(POOL.pairs)
    for broken in (b"", b"[]", b'{"kind": "x"}', b"\xff", msgspec.json.encode({"kind": "segue rating key"})):
        path.write_bytes(broken)
        with pytest.raises(StoredDataError, match="no key"):
            read_key(path)
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(key, format_version=2)))
    with pytest.raises(StoredDataError, match="newer"):
        read_key(path)
    with pytest.raises(StoredDataError, match="cannot be read"):
        read_key(tmp_path / "none.json")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.text(min_size=1, max_size=30), st.text(max_size=60)), min_size=1, max_size=6))
def test_hostile_words_come_back_and_are_no_formulas(tmp_path_factory, texts):
    lists = {query: (f"id-{place}",) for place, (query, _) in enumerate(texts)}
    pool = Pool(tuple(lists), {"a": lists}, 10, {})
    shown = dict(zip(pool.pairs, (evidence for _, evidence in texts), strict=False))
    (text,), key = make_sheets(pool, shown)
    for row in rows_of(text):
        assert len(row) == 4 and all(cell[:1] not in "=+-@" or not cell for cell in row[:3])
    path = tmp_path_factory.mktemp("hostile") / "a.csv"
    path.write_text(written(graded(text, key, dict.fromkeys(pool.pairs, 2))), "utf-8")
    assert Table.read(path).labels(key).grades == dict.fromkeys(pool.pairs, 2)


class _Typist:
    def __init__(self, keys):
        self.keys, self.shown = list(keys), []

    def ask(self):
        return self.keys.pop(0) if self.keys else None


def _form(path, keys):
    typist = _Typist(keys)
    return fill(path, typist.ask, typist.shown.append), typist


@pytest.fixture
def sheet(tmp_path):
    (text,), key = make_sheets(POOL, SHOWN)
    path = tmp_path / "anna.csv"
    path.write_text(text)
    return path, key


def test_a_form_is_filled_in_two_sittings(sheet):
    path, key = sheet
    n = len(key.items)
    done, typist = _form(path, ["0", "s", "7", "hello", "3\n", "q", "1"])
    assert (done.answered, done.left, done.now) == (2, n - 2, 2)
    assert any("0 does not fit" in line for line in typist.shown)
    answers = [row[3] for row in Table.read(path).rows]
    assert answers[:4] == ["0", "", "3", ""]
    done, typist = _form(path, "1" * n)  # the one that was skipped comes first
    assert (done.answered, done.left, done.now) == (n, 0, n - 2) and len(typist.keys) == 2
    assert [row[3] for row in Table.read(path).rows][:4] == ["0", "1", "3", "1"]
    assert Table.read(path).labels(key).empty == 0
    assert _form(path, "")[0].now == 0


def test_going_back_replaces_an_answer(sheet):
    path, key = sheet
    done, typist = _form(path, ["b", "0", "b", "3", "2", "q"])
    assert [row[3] for row in Table.read(path).rows][:3] == ["3", "2", ""] and done.now == 2
    assert any("answered 0" in line for line in typist.shown)
    assert len(Table.read(path).labels(key).grades) == 2


def test_each_answer_is_on_disk_before_the_next_is_asked(sheet):
    path, _ = sheet
    seen = []

    def ask():
        seen.append(sum(bool(row[3]) for row in Table.read(path).rows))
        return "2" if len(seen) < 4 else None

    fill(path, ask, lambda line: None)
    assert seen == [0, 1, 2, 3]


def test_a_form_shows_no_control_characters(tmp_path):
    pool = Pool(("q\x1b[2J",), {"a": {"q\x1b[2J": ("x",)}}, 10, {})
    (text,), _ = make_sheets(pool, {pool.pairs[0]: "one\x07 | two"})
    path = tmp_path / "a.csv"
    path.write_text(text.replace("one", "one\x1b[31m"))
    _, typist = _form(path, "")
    assert "\x1b" not in "".join(typist.shown) and any(line.strip() == "two" for line in typist.shown)


def test_a_fit_sheet_takes_no_grade(tmp_path):
    (text,), key = make_sheets(POOL, SHOWN, sheet="fit")
    path = tmp_path / "a.csv"
    path.write_text(text)
    done, _ = _form(path, "210")
    assert done.now == 2 and [row[3] for row in Table.read(path).rows][:2] == ["1", "0"]
    assert isinstance(key, Key)
