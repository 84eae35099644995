from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segue.encode.ngrams import NgramEncoder
from segue.errors import InputError
from segue.library import Interactions, Library
from segue.protocols.tracks import METHODS, REFERENCE, run_tracks
from segue.protocols.tracks_report import TrackReport
from segue.split.holdout import Split, holdout
from segue.systems.track_model import TrackModel
from segue.systems.track_neighbours import learn
from train.planted_tracks import QUICK, planted_tracks


@pytest.fixture(scope="module")
def planted() -> tuple[Library, np.ndarray]:
    """Noisy sound, and tracks that only held-out playlists have: the last of each group go out of training."""
    library, group = planted_tracks(lyrics=True, noise=0.6, per_group=30, n_playlists=160)
    split = holdout(library)
    cold = np.arange(library.n_tracks) // 6 >= 22
    held = {int(row) for row in (*split.validation, *split.test)}
    playlists = [library.playlist_tracks.row(i) for i in range(library.n_playlists)]
    kept = [row if i in held else row[~cold[row]] for i, row in enumerate(playlists)]
    return replace(library, playlist_tracks=Interactions.of(kept, n_columns=library.n_tracks)), group


@pytest.fixture(scope="module")
def model(planted: tuple[Library, np.ndarray]) -> TrackModel:
    texts = NgramEncoder.fitted(planted[0].tracks["name"].to_list(), buckets=2**12, dimension=48)
    return learn(planted[0], texts, QUICK)


@pytest.fixture(scope="module")
def report(planted: tuple[Library, np.ndarray], model: TrackModel) -> TrackReport:
    return run_tracks(planted[0], holdout(planted[0]), model)


def mean(report: TrackReport, method: str, slice_name: str = "all", k: int = 10) -> float:
    found = report.figures.row(method, slice_name, f"recall@{k}").score.mean
    assert found is not None
    return found


def test_all_rows_and_slices_are_there(report: TrackReport) -> None:
    assert report.figures.methods == list(METHODS)
    assert set(report.figures.slices) == {"all", "in training playlists", "in none", "in none, among themselves"}
    assert len(report.figures.rows) == len(METHODS) * 4 * 2
    warm, cold = report.figures.slices["in training playlists"], report.figures.slices["in none"]
    assert warm + cold == report.figures.slices["all"] == len(report.queries)


def test_what_was_planted_is_measured(report: TrackReport) -> None:
    """Learnt vectors see the groups through the noise, for tracks of no training playlist as well."""
    assert mean(report, "random") < 0.12
    for slice_name in ("in training playlists", "in none"):
        assert mean(report, "learnt vectors", slice_name) > 2 * mean(report, "random", slice_name)
        assert mean(report, "learnt vectors", slice_name) > mean(report, "audio, standardised", slice_name)
    cooccurrence = "co-occurrence (item-kNN)"
    assert mean(report, cooccurrence, "in training playlists") > 1.5 * mean(report, cooccurrence, "in none")
    row = report.figures.row("random", "all", "recall@10")
    assert row.verdict == "-" and row.p is not None and row.p < 0.05
    assert report.figures.row(REFERENCE, "all", "recall@10").p is None
    random, learnt = (report.figures.triplets[name].mean for name in ("random", "learnt vectors"))
    assert random is not None and learnt is not None and abs(random - 0.5) < 0.1 < learnt - random


def test_recall_is_what_the_playlists_say(planted: tuple[Library, np.ndarray], report: TrackReport) -> None:
    library = planted[0]
    held = [set(library.playlist_tracks.row(int(i)).tolist()) for i in holdout(library).test]
    from segue.evaluate.same_playlist import nearest

    vectors = np.random.default_rng([0, 7]).standard_normal((library.n_tracks, 32)).astype(np.float32)
    for place in (0, 5, 17):
        row = int(report.queries[place])
        mates = set().union(*(tracks for tracks in held if row in tracks)) - {row}
        found = set(nearest(vectors, np.array([row]), 10)[0].tolist())
        assert report.values["random"]["recall@10"][place] == pytest.approx(len(found & mates) / min(10, len(mates)))


def test_the_report_is_a_page_and_figures(report: TrackReport, tmp_path: Path) -> None:
    as_json, as_html = report.save(tmp_path)
    found = json.loads(as_json.read_text())
    assert found["reference"] == REFERENCE and len(found["rows"]) == len(report.figures.rows)
    page = as_html.read_text()
    assert "<script" not in page and "<svg" in page and "learnt vectors" in page
    report.print()


def test_validation_says_that_it_flatters(
    planted: tuple[Library, np.ndarray], model: TrackModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segue.protocols.tracks._rows", lambda *_: [])  # intervals take most of the time
    found = run_tracks(planted[0], holdout(planted[0]), model, part="validation")
    assert any("flatters" in note for note in found.figures.notes)


def test_another_library_or_nothing_to_ask_is_refused(planted: tuple[Library, np.ndarray], model: TrackModel) -> None:
    library = planted[0]
    with pytest.raises(InputError, match="another library"):
        run_tracks(library.select_playlists([0, 1]), holdout(library), model)
    none = np.zeros(0, np.int32)
    with pytest.raises(InputError, match="no test playlist"):
        run_tracks(library, Split(holdout(library).train, none, none), model)
