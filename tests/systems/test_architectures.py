"""Grids of auto-encoders, and the comparison on songs whose shape is known."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from segue.encode.autoencoder import AutoencoderSpec
from segue.errors import InputError, OutputError, SourceError
from segue.library import Library
from segue.systems.architecture_comparison import compare_architectures
from segue.systems.architecture_inputs import audio_inputs, lyrics_encoder, lyrics_inputs
from segue.systems.architecture_measures import Linear, Questions, rank_correlation, standardised
from segue.systems.architecture_runs import RunSettings, baselines, run_configurations, search, with_folds
from segue.systems.architectures import Configuration, bundled_grid, read_grid, wanted
from segue.train.autoencoder import AutoencoderSettings
from systems.planted_songs import planted

_QUICK = RunSettings(training=AutoencoderSettings(epochs=12, steps_per_epoch=30, batch_size=64, learning_rate=1e-2))


def test_the_published_grid_is_the_published_one():
    published = {c.name: c for c in bundled_grid("published")}
    alternating = ("sigmoid", "relu", "sigmoid", "relu", "sigmoid")
    expected = {
        "audio-1": (4, (15, 10), ("relu",) * 2),
        "audio-2": (5, (20, 10), ("sigmoid", "relu")),
        "audio-3": (4, (20, 18, 12, 6), ("tanh",) * 4),
        "audio-4": (1, (24, 20, 16, 12, 8, 4, 2), ("relu",) * 7),
        "audio-5": (10, (20, 16), ("relu",) * 2),
        "audio-6": (2, (20, 18, 12, 6), ("sigmoid",) * 4),
        "lyrics-1": (30, (500, 200, 100), ("relu",) * 3),
        "lyrics-2": (5, (200, 150, 100, 50, 10), alternating),
        "lyrics-3": (15, (250, 200, 175, 125, 50, 25), ("relu",) * 6),
        "lyrics-4": (1, (225, 150, 50, 15), ("tanh",) * 4),
        "lyrics-5": (50, (200, 100), ("relu",) * 2),
        "lyrics-6": (2, (100, 75, 25, 15, 5), ("sigmoid",) * 5),
    }
    assert {n: (c.spec.d, c.spec.layers, c.spec.activations) for n, c in published.items()} == expected
    assert {c.spec.latent_activation for c in published.values()} == {"none"}
    assert all(c.input == name.split("-")[0] for name, c in published.items())


def test_bundled_grids_can_run_together():
    both = wanted(["published", "wide"], ("audio", "lyrics"))
    assert len(both) == len({c.name for c in both}) == len(bundled_grid("published")) + len(bundled_grid("wide"))
    assert {c.spec.d for c in wanted(["wide"], ("audio",))} == {1, 2, 4, 5, 10}
    with pytest.raises(InputError, match="two configurations are called 'audio-1'"):
        wanted(["published", "published"], ("audio",))
    with pytest.raises(InputError, match="there is no grid"):
        wanted(["nothing\n" * 99], ("audio",))


def test_a_grid_of_ones_own(tmp_path):
    (tmp_path / "g.toml").write_text(
        '[[configuration]]\nname = "a"\nd = 3\nlayers = [9, 5]\nactivations = ["tanh", "relu"]\nepochs = 7\n'
        '[[configuration]]\nname = "b"\ninput = "lyrics"\nd = 2\nlatent_activation = "tanh"\nlearning_rate = 1\n'
        "equal_columns = true\n"
    )
    a, b = read_grid(tmp_path / "g.toml")
    assert a == Configuration("a", "audio", AutoencoderSpec.of(3, [9, 5], ["tanh", "relu"]), {"epochs": 7})
    assert b.input == "lyrics" and b.spec == AutoencoderSpec.of(2, [], "relu", "tanh")
    assert b.settings(AutoencoderSettings()).equal_columns and not a.settings(AutoencoderSettings()).equal_columns
    assert a.settings(AutoencoderSettings()).epochs == 7 and b.settings(AutoencoderSettings()).learning_rate == 1.0
    assert wanted([str(tmp_path / "g.toml")], ("audio",)) == (a,)
    # where the input is not written down, it is the one that is asked for
    assert [c.input for c in wanted([str(tmp_path / "g.toml")], ("lyrics",))] == ["lyrics", "lyrics"]


@pytest.mark.parametrize(
    "text",
    [
        "", "x = 1", "configuration = 3", "[[configuration]]", "configuration = [1]", "\x00",
        "[[configuration]]\nd = 1",
        '[[configuration]]\nname = "a"\nd = 0', '[[configuration]]\nname = "a"\nd = "1"', "a = " + "[" * 3_000,
        '[[configuration]]\nname = "a"\nd = true', '[[configuration]]\nname = "a"\nd = 1e9',
        '[[configuration]]\nname = "a"\nd = 2\nlayers = [9999999999]',
        '[[configuration]]\nname = "a"\nd = 1\nlayers = 4',
        '[[configuration]]\nname = "a"\nd = 1\nlayers = [[4]]', '[[configuration]]\nname = "a"\nd = 1\nlayers = [-4]',
        '[[configuration]]\nname = "a"\nd = 1\nlayers = [4]\nactivations = "softmax"',
        '[[configuration]]\nname = "a"\nd = 1\nlayers = [4]\nactivations = [1]',
        '[[configuration]]\nname = "a"\nd = 1\nlayers = [4]\nactivations = []',
        '[[configuration]]\nname = "a"\nd = 1\nepochs = 0', '[[configuration]]\nname = "a"\nd = 1\nepochs = "many"',
        '[[configuration]]\nname = "a"\nd = 1\nlearning_rate = nan',
        '[[configuration]]\nname = "a"\nd = 1\nequal_columns = 1',
        '[[configuration]]\nname = "a"\nd = 1\nshape = 3',
        '[[configuration]]\nname = "a"\nd = 1\ninput = "video"', '[[configuration]]\nname = "a"\nd = 1\nepochs = 1.5',
        '[[configuration]]\nname = "' + "a" * 99 + '"\nd = 1', '[[configuration]]\nname = "a"\nd = 1\n' * 201,
    ],
)  # fmt: skip
def test_hostile_grids_are_one_sentence(tmp_path, text):
    (tmp_path / "g.toml").write_text(text)
    with pytest.raises(SourceError) as raised:
        read_grid(tmp_path / "g.toml")
    assert str(raised.value).startswith(str(tmp_path / "g.toml")) and "\n" not in str(raised.value)
    assert len(str(raised.value)) < len(str(tmp_path)) + 320


def test_a_grid_that_is_no_file(tmp_path):
    with pytest.raises(SourceError, match="cannot be read"):
        read_grid(tmp_path)
    (tmp_path / "g.toml").write_bytes(b"\xff")
    with pytest.raises(SourceError, match="cannot be read"):
        read_grid(tmp_path / "g.toml")


def test_what_is_read_never_depends_on_tracks_outside_the_training_part():
    library = planted()
    first = audio_inputs(library, artist=True)
    changed = library.tracks["energy"].to_numpy().copy()
    artists = np.array(library.tracks["artist"].to_list())
    out = first.rows[first.parts > 0]
    changed[out] = 77
    artists[out] = "Somebody"
    other = audio_inputs(
        library.with_track_columns(pl.DataFrame({"energy": changed, "artist": artists})), artist=True
    )
    np.testing.assert_array_equal(first.part(0), other.part(0))
    assert not np.array_equal(first.part(1), other.part(1))


def test_inputs_are_what_they_say():
    library = planted()
    inputs = audio_inputs(library)
    assert inputs.n_targets == len(inputs.columns) == 10 and inputs.x.shape[1] == 11  # valence is sometimes unknown
    assert inputs.part(0).min() == 0 and inputs.part(0).max() == 1
    circle = audio_inputs(library, circular_key=True, sentiment=False)
    assert circle.columns[2:4] == ("key:sin", "key:cos") and circle.n_targets == 8
    artist = audio_inputs(library, artist=True)
    assert artist.n_targets == 10 and artist.x.shape[1] > 25
    bare = Library(library.tracks.select("track_id"), library.playlists, library.playlist_tracks)
    with pytest.raises(InputError, match="no track of the library has audio features"):
        audio_inputs(bare)


def test_pca_is_the_best_linear_code_and_a_random_one_is_worse():
    inputs = audio_inputs(planted())
    train = inputs.part(0)
    for d in (1, 3):
        pca, random = Linear.pca(train, d), Linear.random(train, d, 0)
        values = np.linalg.svd(train - train.mean(axis=0, dtype=np.float64), compute_uv=False)
        assert pca.errors(train).mean() == pytest.approx((values[d:] ** 2).sum() / train.size, rel=1e-4)
        assert random.errors(train).mean() > pca.errors(train).mean()
    assert Linear.pca(train, 0).errors(train).mean() == pytest.approx(train.var(axis=0).mean(), rel=1e-4)


def test_networks_stand_beside_the_usual_rows_and_find_the_planted_neighbours():
    library = planted()
    inputs = audio_inputs(library)
    questions = Questions.of(library, "validation", inputs.rows)
    configuration = Configuration("bent", "audio", AutoencoderSpec.of(1, [32, 16], "tanh"), {"epochs": 25})
    (bent,) = run_configurations([configuration], inputs, questions, _QUICK)
    rows = {row.name: row.row for row in baselines(inputs, questions, [1, 2], _QUICK)}
    assert list(rows) == [
        "random neighbours", "min-max features", "standardised features", "mean", "PCA, d = 1",
        "random projection, d = 1", "PCA, d = 2", "random projection, d = 2",
    ]  # fmt: skip
    assert "test" not in bent.row["mse"]
    assert bent.row["mse"]["validation"] < 0.8 * rows["PCA, d = 1"]["mse"]["validation"]
    assert rows["mean"]["explained"]["train"] == pytest.approx(0, abs=1e-6)
    for row in (bent.row, rows["PCA, d = 2"]):
        mean = rows["mean"]["mse"]["validation"]
        assert row["explained"]["validation"] == pytest.approx(1 - row["mse"]["validation"] / mean)
    # one bent dimension knows the place on the line
    random = rows["random neighbours"]["recall@10 by distance"][0]
    assert bent.row["recall@10 by distance"][0] > 3 * random
    assert bent.row["triplet accuracy"][0] >= 0.5 and rows["standardised features"]["triplet accuracy"][0] > 0.8


def test_folds_leave_each_track_out_once_and_the_test_tracks_alone():
    library = planted(200)
    inputs = audio_inputs(library)
    questions = Questions.of(library, "validation", inputs.rows)
    configuration = Configuration("small", "audio", AutoencoderSpec.of(2, [8], "tanh"), {"epochs": 2})
    settings = RunSettings(training=_QUICK.training, folds=3)
    (result,) = run_configurations([configuration], inputs, questions, settings)
    folded = with_folds(result, configuration, library, inputs, settings)
    assert len(folded.row["folds"]) == len(set(folded.row["folds"])) == 3
    assert all(0 < error < 0.3 for error in folded.row["folds"])


def test_a_search_finds_something_no_worse_than_where_it_began():
    inputs = audio_inputs(planted(200))
    settings = RunSettings(training=AutoencoderSettings(epochs=2, steps_per_epoch=10, batch_size=64), search=4)
    best, trials = search(2, inputs, settings)
    assert len(trials) == 4 and best.spec.d == 2
    least = min(trials, key=lambda trial: trial["validation"])
    assert best.spec.text == least["network"]
    assert search(2, inputs, settings)[1] == trials


def test_a_large_library_asks_a_sample(monkeypatch):
    library = planted(200)
    rows = np.arange(200, dtype=np.int32)
    all_of_them = Questions.of(library, "validation", rows)
    monkeypatch.setattr("segue.systems.architecture_measures._MOST_QUERIES", 20)
    some = Questions.of(library, "validation", rows)
    assert len(some.query_rows) == 20 and set(some.query_rows) < set(all_of_them.query_rows)
    vectors = np.random.default_rng(0).normal(size=(200, 3))
    of_all, of_some = all_of_them.ask(vectors).recall["cosine", 10], some.ask(vectors).recall["cosine", 10]
    np.testing.assert_array_equal(of_some, of_all[np.isin(all_of_them.query_rows, some.query_rows)])


def test_rank_correlation_has_the_sign_of_the_order():
    a = np.arange(8.0)
    assert rank_correlation(a, a**3).mean == pytest.approx(1)
    falling = rank_correlation(a, -np.exp(a))
    assert falling.mean == pytest.approx(-1) and falling.low == pytest.approx(-1)
    wide = rank_correlation(a[:5], np.array([3.0, 1, 4, 1.5, 2]))
    assert wide.low < wide.mean < wide.high
    assert np.isnan(rank_correlation(a[:3], a[:3]).mean) and np.isnan(rank_correlation(a, a * 0).mean)


def test_a_dimension_that_says_nothing_does_not_become_noise():
    codes = np.stack([np.arange(6.0), np.full(6, 3.0) + 1e-9 * np.arange(6)], axis=1).astype(np.float32)
    got = standardised(codes, np.array([0, 0, 0, 0, 1, 2], np.int8))
    assert not got[:, 1].any()
    assert got[:4, 0].mean() == pytest.approx(0, abs=1e-6) and got[:4, 0].std() == pytest.approx(1, rel=1e-5)


def test_the_comparison_writes_figures_page_and_a_blind_sheet(tmp_path):
    library = planted(200)
    configurations = wanted(["published"], ("audio", "lyrics"))[4:8]
    settings = RunSettings(training=AutoencoderSettings(epochs=2, steps_per_epoch=5))
    encoder = lyrics_encoder(library, tmp_path / "encoder", "ngrams")
    done = compare_architectures(library, tmp_path / "r", configurations, settings, encoder=encoder)
    stored = json.loads((tmp_path / "r" / "report.json").read_text())
    audio = [row for row in stored["inputs"]["audio"]["rows"] if "network" in row]
    least = min(audio[:2], key=lambda row: row["mse"]["validation"])["name"]
    assert [row["name"] for row in audio] == [
        "audio-5", "audio-6", f"{least}, with artist", f"{least}, key on a circle", f"{least}, without sentiment",
    ]  # fmt: skip
    assert {row["name"] for row in done["pairs"]} == {
        f"audio-{a} + lyrics-{b}" for a in (5, 6) for b in (1, 2)
    }  # fmt: skip
    page = (tmp_path / "r" / "report.html").read_text()
    assert page.count("<svg") == 4 and "0.0180" in page and "1 - MSE/Var" in page
    key = json.loads((tmp_path / "r" / "rating_key.json").read_text())
    assert len(set(key["lists"].values())) == 3 and all("+" in name for name in key["lists"].values())
    assert "audio-" not in (tmp_path / "r" / "rating_sheet.csv").read_text()
    again = compare_architectures(library, tmp_path / "again", configurations, settings, encoder=encoder)
    assert without_times(again) == without_times(done)
    assert (tmp_path / "r" / "rating_sheet.csv").read_bytes() == (
        tmp_path / "again" / "rating_sheet.csv"
    ).read_bytes()


def without_times(report):
    rows = [row for section in report["inputs"].values() for row in section["rows"]]
    return json.dumps([[{**row, "cpu_s": 0} for row in rows], report["pairs"]])


def test_hostile_names_stay_on_the_page(tmp_path):
    library = planted(120, lyrics=False)
    names = [f"</script><b>{i}\x1b[2J" for i in range(library.n_tracks)]
    library = library.with_track_columns(pl.DataFrame({"name": names}))
    evil = Configuration("<img src=x onerror=alert(1)>", "audio", AutoencoderSpec.of(1, [4], "tanh"))
    settings = RunSettings(training=AutoencoderSettings(epochs=1, steps_per_epoch=5), variants=False)
    compare_architectures(library, tmp_path / "r", [evil], settings)
    assert "<img" not in (tmp_path / "r" / "report.html").read_text()
    assert "\x1b" not in (tmp_path / "r" / "rating_sheet.csv").read_text()


def test_what_cannot_be_compared_is_said(tmp_path):
    library = planted(120)
    configurations = wanted(["published"], ("lyrics",))[:1]
    with pytest.raises(InputError, match="--base-model"):
        compare_architectures(library, tmp_path / "r", configurations, _QUICK)
    few = planted(15)
    with pytest.raises(InputError, match="too few"):
        audio_inputs(few)
    encoder = lyrics_encoder(library, tmp_path / "e", "ngrams")
    with pytest.raises(InputError, match="0 training tracks have lyrics"):
        lyrics_inputs(planted(120, lyrics=False), encoder)
    alone = planted(120, n_playlists=0)
    with pytest.raises(InputError, match="no two of the tracks share a validation playlist"):
        compare_architectures(alone, tmp_path / "r", wanted(["published"], ("audio",))[:1], _QUICK)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").write_text("mine")
    with pytest.raises(OutputError, match="holds other things"):
        compare_architectures(library, tmp_path / "other", wanted(["published"], ("audio",))[:1], _QUICK)
