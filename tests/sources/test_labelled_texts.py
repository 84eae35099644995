"""Layouts of labelled texts, damage included."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.errors import SourceError
from segue.sources.labelled_texts import LabelledTexts, read_labelled_texts


def read(tmp_path: Path, text: str | bytes, name: str = "data.csv") -> LabelledTexts:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_labelled_texts(path)


def tweeteval(folder: Path, part: str, texts: list[str], labels: list[str], *, packed: bool = False) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"{part}_labels.txt").write_text("".join(f"{label}\n" for label in labels))
    data = "".join(f"{text}\n" for text in texts).encode()
    path = folder / (f"{part}_text.txt.gz" if packed else f"{part}_text.txt")
    path.write_bytes(gzip.compress(data) if packed else data)
    return path


def test_tweeteval_packed_or_not_and_a_folder_is_its_training_part(tmp_path: Path) -> None:
    folder = tmp_path / "sentiment"
    path = tweeteval(
        folder, "val", ["so sad", "a fact \u2028 here", "great \x0b stuff"], ["0", "1", "2"], packed=True
    )
    found = read_labelled_texts(path)
    assert found.classes.tolist() == [0, 1, 2] and found.texts[0] == "so sad"
    assert found.texts[1] == "a fact \u2028 here"  # no line end, so no label is shifted
    assert read_labelled_texts(folder).texts == found.texts
    tweeteval(folder, "train", ["x"], ["2"])
    assert read_labelled_texts(folder).texts == ("x",)


def test_the_mapping_says_what_numbers_mean(tmp_path: Path) -> None:
    path = tweeteval(tmp_path / "a", "train", ["x", "y"], ["0", "1"])
    (tmp_path / "a" / "mapping.txt").write_text("0\tpositive\n1\tnegative\n")
    assert read_labelled_texts(path).classes.tolist() == [2, 0]
    (tmp_path / "a" / "mapping.txt").write_text("0\tpositive\n1\tsarcasm\n")
    with pytest.raises(SourceError, match=r"'sarcasm' is none of .* \(line 2\)"):
        read_labelled_texts(path)


def test_labels_that_do_not_fit_the_texts(tmp_path: Path) -> None:
    path = tweeteval(tmp_path / "a", "train", ["x", "y"], ["0"])
    with pytest.raises(SourceError, match="1 labels for the 2 texts"):
        read_labelled_texts(path)
    path = tweeteval(tmp_path / "b", "train", ["x", "y"], ["0", "7"])
    with pytest.raises(SourceError, match=r"'7' is none of 0, 1, 2 \(line 2\)"):
        read_labelled_texts(path)
    (tmp_path / "b" / "train_labels.txt").unlink()
    with pytest.raises(SourceError, match=r"train_labels\.txt, are not beside it"):
        read_labelled_texts(path)


def test_several_data_sets_in_a_folder_have_to_be_named(tmp_path: Path) -> None:
    for part in ("val", "test"):
        tweeteval(tmp_path / "a", part, ["x"], ["0"])
    with pytest.raises(SourceError, match=r"several data sets; name one of test_text\.txt, val_text\.txt"):
        read_labelled_texts(tmp_path / "a")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="holds no texts"):
        read_labelled_texts(tmp_path / "empty")
    with pytest.raises(SourceError, match="no such file"):
        read_labelled_texts(tmp_path / "nowhere")


def test_sentiment140_has_no_header_and_is_latin_1(tmp_path: Path) -> None:
    rows = (
        '"0","1467810369","Mon Apr 06","NO_QUERY","_TheSpecialOne_","@switchfoot so ""sad"", ma\xf1ana"\n'
        '"4","2","x","NO_QUERY","b","great"\n"2","3","x","q","b","a fact"\n'
    )
    found = read(tmp_path, rows.encode("latin-1"), "training.1600000.processed.noemoticon.csv")
    assert found.texts == ('@switchfoot so "sad", ma\xf1ana', "great", "a fact")
    assert found.classes.tolist() == [0, 2, 1]
    with pytest.raises(SourceError, match=r"'3' is none of 0, 2, 4 \(row 2\)"):
        read(tmp_path, '"0","1","x","q","u","text"\n"3","1","x","q","u","text"\n')


@pytest.mark.parametrize(
    ("table", "classes"),
    [
        ("tweet_id,airline_sentiment,name,text\n1,neutral,x,hi\n2,negative,y,no\n3,positive,z,yes\n", [1, 0, 2]),
        ("textID,text,selected_text,sentiment\na,hi,hi,neutral\nb,no,no,negative\n", [1, 0]),
        ("text,label\nhi,1\nno,0\nyes,2\n", [1, 0, 2]),
        ("text;label\nhi;1.0\nno;0.0\n", [2, 0]),  # of two numbers the smaller is negative
        ("Text\tSentiment\nhi\tPOS\nno\tNeg\n", [2, 0]),
        ("text,target\nhi,-1\nno,0\nyes,1\n", [0, 1, 2]),
        ("text,label\nhi,4\nno,0\n", [2, 0]),
        ("artist,lyrics,mood\nx,la la,happy\ny,oh no,sad\n", [2, 0]),
        ("lyrics,valence\nla,0.9\noh,0.1\nhm,0.5\n", [2, 0, 1]),
        ('lyrics,label\n"two\nlines",positive\nx,negative\n', [2, 0]),
    ],
)
def test_tables(tmp_path: Path, table: str, classes: list[int]) -> None:
    found = read(tmp_path, table)
    assert found.classes.tolist() == classes and len(found.texts) == len(classes)
    assert sum(found.counts().values()) == len(classes)


def test_rows_without_text_or_label_are_counted(tmp_path: Path) -> None:
    found = read(tmp_path, "text,label\nhi,positive\n,negative\nno,\nyes,negative\n")
    assert found.texts == ("hi", "yes")
    assert found.notes == {"rows without a text, left out": 1, "rows without a label, left out": 1}


def test_a_sample_is_drawn_keeps_the_order_and_says_so(tmp_path: Path) -> None:
    found = read(
        tmp_path, "text,label\n" + "".join(f"x{i},{'positive' if i % 2 else 'negative'}\n" for i in range(99))
    )
    some = found.sample(30, rng_key=1)
    rows = [int(text[1:]) for text in some.texts]
    assert rows == sorted(set(rows)) and len(rows) == 30 and some.classes.tolist() == [2 * (row % 2) for row in rows]
    assert list(some.notes.values()) == [69] and found.sample(99) is found
    assert some.texts == found.sample(30, rng_key=1).texts != found.sample(30, rng_key=2).texts


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("name,label\nx,1\n", "no column holds a text"),
        ("text,stars\nx,1\n", "no column holds a label"),
        ("text,label\nx,positive\ny,joyful\n", r"'joyful' is none of .* \(row 2\)"),
        ("text,label\nx,0\ny,17\n", r"'0' is none of negative"),
        ("text,label\n ,positive\n", "no text with a label"),
        ("text,valence\nx,1.5\ny,0.2\n", r"'1\.5' is no number from 0 to 1 \(row 1\)"),
        ("", "empty"),
        ('text,label\n"never ends,1\n', "quote"),
    ],
)
def test_what_cannot_be_read_says_where(tmp_path: Path, table: str, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        read(tmp_path, table)


@given(st.lists(st.tuples(st.text(st.characters(codec="utf-8"), max_size=30), st.integers(0, 2)), max_size=8))
def test_a_table_comes_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int]]
) -> None:
    import csv

    path = tmp_path_factory.getbasetemp() / "round.csv"
    names = ("negative", "neutral", "positive")
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "sentiment"), *((f"x{t}", names[c]) for t, c in rows)])
    if not rows:
        with pytest.raises(SourceError, match="no text with a label"):
            read_labelled_texts(path)
        return
    found = read_labelled_texts(path)
    assert found.classes.tolist() == [c for _, c in rows]
    assert len(found.texts) == len(rows)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(data)
    try:
        assert len(read_labelled_texts(path)) > 0
    except SourceError as error:
        assert "any.csv" in str(error)
