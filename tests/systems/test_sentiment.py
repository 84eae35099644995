"""Models of moods: trained, written, damaged, applied to a library, compared on other texts."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from models.moods import HOSTILE, planted_model
from models.tiny import tiny_folder
from segue.encode.sentiment import SentimentModel
from segue.errors import InputError, OutputError, StoredDataError, TrainingError
from segue.library import Interactions, Library
from segue.library.arrays import save_array
from segue.library.tables import SENTIMENT
from segue.sources.labelled_texts import LabelledTexts
from segue.systems.sentiment import checkpoints_of, evaluate_sentiment, train_sentiment
from segue.systems.sentiment_apply import apply_sentiment
from segue.systems.sentiment_report import evaluation_page, lines, report_page
from segue.train.sentiment import Examples, SentimentSettings
from train.planted_moods import planted_moods

QUICK = SentimentSettings(epochs=3, lr=3e-3, lr_head=1e-2, frozen_layers=0, dropout=0.0, hold_out=0.2)


@pytest.fixture
def built() -> Path:
    return planted_model().folder


@pytest.fixture
def model(built: Path, tmp_path: Path) -> Path:
    shutil.copytree(built, tmp_path / "model")
    return tmp_path / "model"


def library_of(lyrics: list[str | None], **columns: list[str | None]) -> Library:
    n = len(lyrics)
    tracks = pl.DataFrame(
        {"track_id": [f"t{i}" for i in range(n)], "lyrics": lyrics, **columns},
        schema_overrides={"lyrics": pl.String, **dict.fromkeys(columns, pl.String)},
    )
    playlists = pl.DataFrame({"playlist_id": ["p"]})
    return Library(tracks, playlists, Interactions.of([list(range(n))], n_columns=n))


def test_the_report_sets_the_model_beside_its_rows(built: Path) -> None:
    manifest = json.loads((built / "manifest.json").read_text())
    found = manifest["evaluation"]
    rows = {row["name"]: row for row in found["rows"]}
    assert list(rows) == ["fine-tuned", "tfidf + logistic", "frozen encoder + logistic", "majority"]
    assert rows["fine-tuned"]["scores"]["macro_recall"]["mean"] > 0.9
    assert rows["majority"]["scores"]["macro_recall"]["mean"] == pytest.approx(1 / 3)
    assert set(found["against"]) == set(rows) - {"fine-tuned"}
    assert found["against"]["majority"]["macro_recall"]["low"] > 0.4
    for row in rows.values():
        assert np.sum(row["confusion"]) == 150
        one = row["scores"]["accuracy"]
        assert one["low"] <= one["mean"] <= one["high"]
    assert manifest["effect"]["changed_tensors"] > 0
    held_out = [epoch["validation_macro_recall"] for epoch in manifest["history"]]
    assert held_out[manifest["best_epoch"]] == max(held_out[1:])
    assert not checkpoints_of(built).exists()


def test_pages_and_lines_hold_no_markup_of_others(built: Path) -> None:
    manifest = json.loads((built / "manifest.json").read_text())
    page = (built / "report.html").read_text()
    assert "&lt;script&gt;" in page and "<script" not in page and "\x1b" not in page
    hostile = {**manifest["evaluation"], "data": {**manifest["evaluation"]["data"], "label": HOSTILE}}
    assert "<script" not in evaluation_page(hostile) and "<svg" in evaluation_page(hostile)
    assert "<script" not in report_page({**manifest, "evaluation": hostile})
    said = lines(manifest["evaluation"])
    assert any(line.startswith("fine-tuned") and "[" in line for line in said)


def test_what_is_opened_is_what_was_trained(built: Path) -> None:
    held = planted_moods(150, rng_key=1)
    opened = SentimentModel.open(built)
    found = opened.probabilities(held.texts)
    assert found.sum(1) == pytest.approx(np.ones(150), abs=1e-6)
    table = np.array(opened.manifest["evaluation"]["rows"][0]["confusion"])
    predicted = found.argmax(1)
    assert all(table[t, p] == ((held.classes == t) & (predicted == p)).sum() for t in range(3) for p in range(3))
    assert opened.fingerprint == opened.manifest["fingerprint"]


def test_damage_is_named(model: Path, tmp_path: Path) -> None:
    weight = np.load(model / "weight.npy")
    save_array(model / "weight.npy", np.roll(weight, 1))
    with pytest.raises(StoredDataError, match=r"do not fit manifest\.json"):
        SentimentModel.open(model)
    save_array(model / "weight.npy", weight[:2])
    with pytest.raises(StoredDataError, match=r"weight\.npy is missing or of another size"):
        SentimentModel.open(model)
    save_array(model / "weight.npy", weight)
    SentimentModel.open(model)
    with (model / "encoder" / "tokenizer.json").open("ab") as file:
        file.write(b" ")
    with pytest.raises(StoredDataError, match=r"tokenizer\.json is missing or of another size"):
        SentimentModel.open(model)
    manifest = json.loads((model / "manifest.json").read_text())
    for change, said in (
        ({"format_version": 99}, "format 99, this segue reads 1"),
        ({"format_version": "x"}, "format_version is 'x'"),
        ({"files": None}, "'files' is no list"),
        ({"kind": "segue library"}, "does not describe a segue sentiment model"),
    ):
        (model / "manifest.json").write_text(json.dumps({**manifest, **change}))
        with pytest.raises(StoredDataError, match=said):
            SentimentModel.open(model)
    with pytest.raises(StoredDataError, match="is not a folder"):
        SentimentModel.open(tmp_path / "nowhere")


def test_lyrics_are_scored_and_all_else_is_null(built: Path, tmp_path: Path) -> None:
    lyrics = ["sad rain\n" * 60, "happy party music", None, "  \n", "road trip sunday", HOSTILE, "sad"]
    status = ["found", "found", "not_found", "found", None, "found", "instrumental"]
    library = library_of(lyrics, lyrics_status=status)
    opened = SentimentModel.open(built)
    scored, counts = apply_sentiment(library, opened, cache=tmp_path / "vectors")
    values = scored.tracks.select(SENTIMENT)
    assert all(dtype == pl.Float32 for dtype in values.dtypes)
    there = [i for i in range(7) if values.row(i)[0] is not None]
    assert there == [0, 1, 4, 5]
    assert all(sum(values.row(i)) == pytest.approx(1, abs=1e-6) for i in there)
    assert all(x is None for i in (2, 3, 6) for x in values.row(i))
    assert values.row(0)[0] > 0.8 and values.row(1)[2] > 0.8
    assert counts == {"tracks": 7, "lyrics": 5, "scored": 4, "kept": 0, "instrumental": 1}
    scored.save(tmp_path / "library")
    again, counts = apply_sentiment(Library.load(tmp_path / "library"), opened)
    assert counts["scored"] == 0 and counts["kept"] == 4
    assert again.tracks.select(SENTIMENT).equals(values)
    fresh, counts = apply_sentiment(scored, opened, again=True, cache=tmp_path / "vectors")
    assert counts["scored"] == 4 and fresh.tracks.select(SENTIMENT).equals(values)


def test_another_model_replaces_all_scores(built: Path) -> None:
    opened = SentimentModel.open(built)
    scored, _ = apply_sentiment(library_of(["sad rain", "happy party"]), opened)
    other = replace(opened, bias=opened.bias + np.float32([0, 5, 0]))
    changed, counts = apply_sentiment(scored, other)
    assert counts["scored"] == 2
    assert changed.notes["sentiment"]["model"] == other.fingerprint != scored.notes["sentiment"]["model"]
    assert (changed.tracks["sentiment_neutral"] > scored.tracks["sentiment_neutral"]).all()


def test_a_library_without_lyrics_is_told(built: Path) -> None:
    opened = SentimentModel.open(built)
    with pytest.raises(InputError, match="no track of the library has lyrics"):
        apply_sentiment(library_of([None, ""]), opened)
    bare = library_of(["x"])
    with pytest.raises(InputError, match="the library has no lyrics"):
        apply_sentiment(replace(bare, tracks=bare.tracks.drop("lyrics")), opened)


def test_a_drop_from_tweets_has_its_sign_and_interval(built: Path) -> None:
    opened = SentimentModel.open(built)
    lyrics = planted_moods(200, rng_key=2)
    wrong = np.where(np.arange(200) % 2 == 0, (lyrics.classes + 1) % 3, lyrics.classes)
    half = replace(lyrics, classes=wrong, label="half of the labels are wrong")
    found = evaluate_sentiment(opened, half)
    lost = found["drop"]["scores"]["macro_recall"]
    assert found["drop"]["from"] == "others.csv"
    assert 0.3 < lost["low"] < lost["mean"] < lost["high"] < 0.7
    same = evaluate_sentiment(opened, half, tweets=half)["drop"]["scores"]["macro_recall"]
    assert same["mean"] == 0 and same["low"] < 0 < same["high"]
    assert any("lost against" in line for line in lines(found))


def test_two_classes_are_told_apart_among_themselves(built: Path) -> None:
    opened = SentimentModel.open(built)
    lyrics = planted_moods(100, rng_key=3, classes=(0, 2))
    found = evaluate_sentiment(opened, lyrics)
    assert found["drop"] is None and found["present"] == [0, 2]
    assert np.array(found["rows"][0]["confusion"])[:, 1].sum() == 0
    with pytest.raises(InputError, match="different classes do not compare"):
        evaluate_sentiment(opened, lyrics, tweets=planted_moods(50))


def test_texts_that_are_evaluated_on_are_not_trained_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopped(Exception):
        pass

    seen: list[Examples] = []

    def only_look(found: Examples, *_: object, **__: object) -> None:
        seen.append(found)
        raise Stopped

    monkeypatch.setattr("segue.systems.sentiment.train_head", only_look)
    data, held = planted_moods(120), planted_moods(40, rng_key=5)
    shouted = tuple(text.upper() for text in held.texts)
    both = LabelledTexts((*data.texts, *shouted), np.concatenate([data.classes, held.classes]), "both")
    with pytest.raises(Stopped):
        train_sentiment(both, tmp_path / "m", settings=QUICK, held=held, base_model=str(tiny_folder()))
    used = {text.casefold() for side in (seen[0].train, seen[0].held) for text in side[0]}
    assert used and not used & set(held.texts)
    assert len(used) >= 60


def test_a_training_that_does_nothing_is_an_error_and_writes_nothing(tmp_path: Path) -> None:
    still = QUICK.changed(lr=0.0, lr_head=0.0, epochs=1)
    with pytest.raises(TrainingError, match="no parameter moved"):
        train_sentiment(planted_moods(100), tmp_path / "m", settings=still, base_model=str(tiny_folder()))
    assert not (tmp_path / "m").exists()


def test_a_place_that_is_taken_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("x")
    with pytest.raises(OutputError, match="holds other things"):
        train_sentiment(planted_moods(100), tmp_path / "taken", base_model=str(tiny_folder()))
