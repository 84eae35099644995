"""The blind rating sheet and what is read of it."""

import csv
import io
import json

import pytest

from segue.errors import InputError, SourceError, StoredDataError
from segue.evaluate.rating_sheet import RatedList, make_sheet, read_ratings

_LISTS = [
    RatedList(system, f"given {i}", tuple(f"{system[0]} track {i} {j}" for j in range(3)))
    for system in ("alpha", "beta", "gamma")
    for i in range(5)
]


def _rated(sheet, key, rate, dialect=","):
    """The sheet as a rater sends it back; ``rate`` gives the text of each list's rating."""
    lines = list(csv.reader(io.StringIO(sheet)))
    for line in lines[1:]:
        if line[2] == "1":
            line[4] = rate(key["lists"][line[0]])
    out = io.StringIO()
    csv.writer(out, delimiter=dialect).writerows(lines)
    return out.getvalue()


def _written(tmp_path, text, key):
    (tmp_path / "sheet.csv").write_text(text)
    (tmp_path / "key.json").write_text(json.dumps(key))
    return [tmp_path / "sheet.csv"], tmp_path / "key.json"


def test_nothing_on_the_sheet_says_whose_a_list_is():
    sheet, key = make_sheet([RatedList(f"system-{i}", "g", ("x", "y")) for i in range(6)], rng_key=1)
    assert "system" not in sheet
    assert sorted(key["lists"].values()) == [f"system-{i}" for i in range(6)]
    assert list(key["lists"].values()) != [f"system-{i}" for i in range(6)]  # shuffled
    assert make_sheet(_LISTS, rng_key=1)[0] == make_sheet(_LISTS, rng_key=1)[0] != make_sheet(_LISTS, rng_key=2)[0]


@pytest.mark.parametrize("dialect", [",", ";"])
def test_ratings_are_given_back_to_their_systems(tmp_path, dialect):
    sheet, key = make_sheet(_LISTS)
    rates = {"alpha": "8", "beta": "5,5", "gamma": " 0 "}
    found = read_ratings(*_written(tmp_path, "\ufeff" + _rated(sheet, key, rates.__getitem__, dialect), key))
    assert {name: value.mean for name, value in found.systems.items()} == {"alpha": 8, "beta": 5.5, "gamma": 0}
    assert found.n == {"alpha": 5, "beta": 5, "gamma": 5} and found.unrated == 0


def test_unrated_lists_are_counted(tmp_path):
    sheet, key = make_sheet(_LISTS)
    rates = {"alpha": "8", "beta": "", "gamma": "2"}
    found = read_ratings(*_written(tmp_path, _rated(sheet, key, rates.__getitem__), key))
    assert found.unrated == 5 and found.n["beta"] == 0
    with pytest.raises(InputError, match="no list was rated"):
        read_ratings(*_written(tmp_path, sheet, key))


@pytest.mark.parametrize("rating", ["11", "-1", "good", "nan", "inf", "\x1b[2J"])
def test_a_rating_that_is_none_is_named(tmp_path, rating):
    sheet, key = make_sheet(_LISTS)
    with pytest.raises(SourceError, match="from 0 to 10") as raised:
        read_ratings(*_written(tmp_path, _rated(sheet, key, lambda _: rating), key))
    assert "\x1b" not in str(raised.value) and "line 2" in str(raised.value)


def test_sheets_and_keys_that_do_not_fit(tmp_path):
    sheet, key = make_sheet(_LISTS)
    rated = _rated(sheet, key, lambda _: "5")
    other = make_sheet(_LISTS, rng_key=9)[1]
    for text, with_key, message in [
        (rated, other, "belongs to another key"),
        (rated.replace("track 0 0", "track 0 9"), key, "belongs to another key"),
        ("a,b\n1,2\n", key, "no rating sheet"),
        ("", key, "no rating sheet"),
    ]:
        with pytest.raises(SourceError, match=message):
            read_ratings(*_written(tmp_path, text, with_key))
    for broken in ([], {"kind": "something"}, key | {"lists": 3}, key | {"format_version": 2}):
        with pytest.raises(StoredDataError):
            read_ratings(*_written(tmp_path, rated, broken))
    _written(tmp_path, rated, key)[0][0].write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SourceError, match="cannot be read"):
        read_ratings([tmp_path / "sheet.csv"], tmp_path / "key.json")
    with pytest.raises(InputError, match="no list to rate"):
        make_sheet([])


def test_no_cell_is_a_formula_or_breaks_a_line(tmp_path):
    hostile = ("=1+1", "@x", "+1", "-1", 'a"b,c;d\ne', "\x1b[2J")
    sheet, key = make_sheet([RatedList("a", "=HYPERLINK(1)", hostile), RatedList("b", "\r\n=1", hostile)])
    for line in list(csv.reader(io.StringIO(sheet)))[1:]:
        assert all(cell[:1] not in "=+-@" and "\n" not in cell and "\x1b" not in cell for cell in line if cell)
    found = read_ratings(*_written(tmp_path, _rated(sheet, key, lambda _: "4"), key))
    assert found.systems["a"].mean == 4
