"""The two-tower system: learnt without a look at the test, kept in a folder, damaged and refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segue.encode.ngrams import NgramEncoder
from segue.errors import OutputError, QueryError, StoredDataError
from segue.evaluate.users import QUESTIONS
from segue.library import Interactions, Query
from segue.library.arrays import save_array
from segue.protocols.users import top_lists, values_of
from segue.split.users import UserSplit, split_users
from segue.systems.manifest import describe_files
from segue.systems.two_tower import TwoTowerLearnt, learn
from segue.systems.two_tower_folder import TwoTowerModel
from segue.systems.two_tower_text import text_vectors, track_reader
from segue.systems.two_tower_validation import AMONG
from segue.train.two_tower_settings import TowerSettings
from segue.views.specs import view_of
from train.planted_listeners import planted_listeners

SETTINGS = TowerSettings(embedding=8, output=8, hidden=(8,), epochs=6, lr=0.01, batch_size=32, match=True)
QUERIES = [
    Query(seed_tracks=(1, 5, 8)),
    Query(country="country 1"),
    Query(),
    Query(seed_tracks=(0,), country="country 2"),
]


@pytest.fixture(scope="module")
def split() -> UserSplit:
    return split_users(planted_listeners()[0], k=2, cold=0.2)


def learnt_from(split: UserSplit, settings: TowerSettings = SETTINGS) -> TwoTowerLearnt:
    view = view_of("name")
    return learn(split, view, track_reader(split, view, Path("unused"), "ngrams"), settings)


@pytest.fixture(scope="module")
def learnt(split: UserSplit) -> TwoTowerLearnt:
    return learnt_from(split)


@pytest.fixture(scope="module")
def folder(learnt: TwoTowerLearnt, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("two-tower") / "model"
    learnt.model.save(path)
    return path


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    shutil.copytree(folder, tmp_path / "model")
    return tmp_path / "model"


def test_the_history_has_the_regimes_and_the_best_epoch_is_kept(split: UserSplit) -> None:
    trained = learnt_from(split, SETTINGS.changed(match=False)).trained  # what matches needs no training here
    last = trained.history[trained.best_epoch]
    names = ("all", "warm", "tail", "strict cold", AMONG)
    assert {f"{what}@10 {name}" for what in ("hr", "ndcg") for name in names} == set(last.metrics)
    assert last.score == max(epoch.score for epoch in trained.history[1:] if epoch.score is not None)
    assert last.metrics[f"hr@10 {AMONG}"] >= last.metrics["hr@10 strict cold"]
    assert trained.history[0].score is not None and last.score is not None and last.score > trained.history[0].score


def test_what_the_test_holds_changes_nothing(split: UserSplit, learnt: TwoTowerLearnt) -> None:
    nothing = Interactions.of([[] for _ in range(split.n_users)], n_columns=split.n_tracks)
    again = learnt_from(replace(split, test=nothing))
    assert again.model.fingerprint == learnt.model.fingerprint
    fewer = Interactions.of([row[1:] for row in map(split.train.row, range(split.n_users))], n_columns=split.n_tracks)
    other = learnt_from(replace(split, train=fewer))
    assert other.model.fingerprint != learnt.model.fingerprint  # the test can tell


def test_the_validation_is_what_the_protocol_measures(split: UserSplit, learnt: TwoTowerLearnt) -> None:
    found = learnt.trained.history[learnt.trained.best_epoch].metrics
    lists = top_lists("towers", learnt.model.recommender, split, "validation")
    values = values_of(split, "validation", {"towers": lists})
    questions = {
        "all": "all",
        "warm": "warm",
        "tail": "tail",
        "strict cold": "strict cold",
        AMONG: QUESTIONS[-1].name,
    }
    assert QUESTIONS[-1].among and len(found) == 2 * len(questions)
    for name, question in questions.items():
        for short, metric in (("hr@10", "hit_rate@10"), ("ndcg@10", "ndcg@10")):
            assert found[f"{short} {name}"] == pytest.approx(np.nanmean(values[question]["towers"][metric]), abs=1e-9)


def test_what_was_saved_answers_alike(learnt: TwoTowerLearnt, folder: Path) -> None:
    opened = TwoTowerModel.open(folder)
    assert opened.fingerprint == learnt.model.fingerprint
    assert opened.about == json.loads(json.dumps(learnt.model.about))
    for query in [*QUERIES, opened.query_of(opened.user_ids[3])]:
        first, second = learnt.model.recommender.recommend(query, 20), opened.recommender.recommend(query, 20)
        assert first.rows.tobytes() == second.rows.tobytes() and first.scores.tobytes() == second.scores.tobytes()
    assert opened.query_of("user:0001").country == "country 1"
    with pytest.raises(QueryError, match="knows no listener"):
        opened.query_of("nobody")
    assert not [p for p in folder.rglob("*") if p.suffix in (".pkl", ".pt", ".bin")]


def test_opening_and_answering_need_no_torch(folder: Path) -> None:
    code = (
        "import sys; from segue.systems.two_tower_folder import TwoTowerModel; from segue.library import Query; "
        f"m = TwoTowerModel.open({str(folder)!r}).recommender; "
        "assert len(m.recommend(Query(seed_tracks=(1,)), 5)) == 5; "
        "assert not {'torch', 'scipy', 'sklearn', 'httpx', 'sentence_transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_or_cut_file_is_named(copy: Path) -> None:
    for file in sorted(p for p in copy.rglob("*") if p.is_file()):
        kept = file.read_bytes()
        for content in (None, kept[: len(kept) // 2]):
            if content is None:
                file.unlink()
            else:
                file.write_bytes(content)
            with pytest.raises(StoredDataError) as raised:
                TwoTowerModel.open(copy)
            assert str(copy) in str(raised.value)
        file.write_bytes(kept)
    TwoTowerModel.open(copy)


def test_other_bytes_of_the_same_length_are_found(copy: Path) -> None:
    for file in sorted(p for p in copy.rglob("*.npy") if np.load(p).size > 1):
        kept = file.read_bytes()
        file.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
        with pytest.raises(StoredDataError, match="other bytes") as raised:
            TwoTowerModel.open(copy)
        assert str(file) in str(raised.value)
        file.write_bytes(kept)


def test_numbers_that_make_no_sense_end_in_a_sentence_or_an_answer(copy: Path) -> None:
    manifest, refused = json.loads((copy / "manifest.json").read_text()), 0
    for file in sorted(copy.rglob("*.npy")):
        kept, array = file.read_bytes(), np.load(file)
        if not array.size or array.dtype == np.uint8 or file.name.endswith(".offsets.npy"):
            continue  # texts
        changed = array.copy()
        changed.flat[array.size // 2 :] = np.iinfo(array.dtype).max if array.dtype.kind in "iu" else np.nan
        save_array(file, changed)
        # as somebody would write it who wants the digests to fit
        (copy / "manifest.json").write_text(json.dumps({**manifest, "files": describe_files(copy)}))
        try:
            opened = TwoTowerModel.open(copy)
            for query in QUERIES:
                for row in opened.recommender.recommend(query, 20).rows.tolist():
                    opened.catalogue.track(row)
        except StoredDataError as error:
            assert str(copy) in str(error)
            refused += 1
        file.write_bytes(kept)
    assert refused > 15


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("kind", "segue model", "does not describe"),
        ("format_version", 99, "upgrade"),
        ("format_version", True, "format_version"),
        ("shape", {"track": ["id"]}, "damaged"),
        ("fingerprint", "0", "do not fit"),
        ("towers", "0", "does not fit"),
        ("files", None, "list of files"),
        ("n_users", 3, "users"),
        ("n_tracks", 3, "tracks"),
    ],
)
def test_a_wrong_manifest_is_one_sentence(copy: Path, name: str, value: object, said: str) -> None:
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps({**manifest, name: value}))
    with pytest.raises(StoredDataError, match=said):
        TwoTowerModel.open(copy)


def test_a_folder_of_other_things_is_not_replaced(learnt: TwoTowerLearnt, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError):
        learnt.model.save(tmp_path)
    with pytest.raises(StoredDataError, match="segue towers train"):
        TwoTowerModel.open(tmp_path / "nowhere")
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_tracks_without_text_have_no_vector(split: UserSplit) -> None:
    summaries = split.library.tracks.select("track_id").with_row_index()
    texts = [None if i % 2 else f"summary {i}" for i in summaries["index"].to_list()]
    import polars as pl

    library = split.library.with_track_columns(pl.DataFrame({"summary": texts}, schema={"summary": pl.String}))
    vectors = text_vectors(replace(split, library=library), view_of("summary"), NgramEncoder.fitted(["summary"]))
    assert not vectors[1::2].any() and vectors[::2].any(axis=1).all()
    assert text_vectors(split, None, None).shape == (split.n_tracks, 0)


def test_n_grams_are_fitted_on_training_tracks_alone(split: UserSplit) -> None:
    view = view_of("name")
    first = track_reader(split, view, Path("unused"), "ngrams")
    names = split.library.tracks["name"].to_list()
    for row in np.flatnonzero(split.cold > 0).tolist():
        names[row] = "something else entirely"
    import polars as pl

    other = replace(split, library=split.library.with_track_columns(pl.DataFrame({"name": names})))
    assert track_reader(other, view, Path("unused"), "ngrams").fingerprint == first.fingerprint
