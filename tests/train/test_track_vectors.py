from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from segue.encode.ngrams import NgramEncoder
from segue.encode.track_vectors import WEIGHTS, TrackEncoder, TrackInputs
from segue.errors import InputError, StoredDataError, TrainingError
from segue.library import Interactions, Library
from segue.train.track_vectors import TrackVectorSettings, train_track_vectors
from segue.views.features import Scaler, feature_columns
from train.planted_tracks import planted_tracks

SMALL = TrackVectorSettings(d=12, hidden=16, artist_d=8, text_directions=24, epochs=6, batch_size=128)


def inputs_of(library: Library) -> TrackInputs:
    columns = feature_columns(library)
    scaler = Scaler.fit(library, range(library.n_tracks), columns, kind="standard") if columns else None
    names = library.tracks["name"].to_list()
    texts = NgramEncoder.fitted(names, dimension=48).encode(names)
    return TrackInputs.of(
        None if scaler is None else scaler.apply(library), [texts], library.tracks["artist"].to_list()
    )


def purity(vectors: np.ndarray, group: np.ndarray, rows: np.ndarray) -> float:
    """Share of the ten nearest others that are of the same group."""
    cosines = vectors[rows] @ vectors.T
    cosines[np.arange(len(rows)), rows] = -9
    near = np.argsort(-cosines, axis=1)[:, :10]
    return float((group[near] == group[rows][:, None]).mean())


@pytest.fixture(scope="module")
def planted() -> tuple[Library, np.ndarray]:
    return planted_tracks(noise=0.5)


@pytest.fixture(scope="module")
def inputs(planted: tuple[Library, np.ndarray]) -> TrackInputs:
    return inputs_of(planted[0])


@pytest.fixture(scope="module")
def warm(planted: tuple[Library, np.ndarray]) -> np.ndarray:
    """Every fourth track of a group is in no training playlist."""
    return (np.arange(planted[0].n_tracks) // 6) % 4 != 0


@pytest.fixture(scope="module")
def training(planted: tuple[Library, np.ndarray], warm: np.ndarray) -> Interactions:
    playlists = planted[0].playlist_tracks
    return Interactions.of(
        [playlists.row(i)[warm[playlists.row(i)]] for i in range(playlists.n_rows)], n_columns=playlists.n_columns
    )


@pytest.fixture(scope="module")
def encoder(inputs: TrackInputs, training: Interactions) -> TrackEncoder:
    return train_track_vectors(inputs, training, SMALL).encoder


def test_tracks_of_no_playlist_find_their_group(
    planted: tuple[Library, np.ndarray], inputs: TrackInputs, encoder: TrackEncoder, warm: np.ndarray
) -> None:
    group = planted[1]
    vectors = encoder.encode(inputs)
    sound = inputs.features / np.linalg.norm(inputs.features, axis=1, keepdims=True)
    for rows in (np.flatnonzero(warm), np.flatnonzero(~warm)):
        assert purity(vectors, group, rows) > purity(sound, group, rows) + 0.15
        assert purity(vectors, group, rows) > 0.6


def test_without_playlists_that_mean_anything_nothing_is_found(
    planted: tuple[Library, np.ndarray], inputs: TrackInputs, warm: np.ndarray
) -> None:
    """The check above is no gift of the inputs: playlists of random tracks teach the groups to nobody."""
    rng = np.random.default_rng(3)
    n = len(inputs)
    shuffled = Interactions.of([rng.choice(n, 6, replace=False) for _ in range(150)], n_columns=n)
    vectors = train_track_vectors(inputs, shuffled, SMALL).encoder.encode(inputs)
    assert purity(vectors, planted[1], np.flatnonzero(~warm)) < 0.5


def test_unit_rows_whatever_is_missing(inputs: TrackInputs, encoder: TrackEncoder) -> None:
    bare = TrackInputs(np.zeros_like(inputs.features), np.zeros_like(inputs.texts), ("",) * len(inputs))
    hostile = TrackInputs(inputs.features[:2], inputs.texts[:2], ("\x1b[2J", "nobody ever \ud800"))
    for some in (inputs, bare, hostile):
        vectors = encoder.encode(some)
        assert vectors.dtype == np.float32 and np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_known_artist_moves_the_vector_and_an_unknown_one_does_not(
    inputs: TrackInputs, encoder: TrackEncoder
) -> None:
    one = inputs.select(np.array([7]))
    nobody = TrackInputs(one.features, one.texts, ("nobody",))
    unnamed = TrackInputs(one.features, one.texts, ("",))
    assert encoder.encode(nobody).tobytes() == encoder.encode(unnamed).tobytes()
    assert np.abs(encoder.encode(one) - encoder.encode(nobody)).max() > 1e-3


def test_the_vector_of_a_track_does_not_depend_on_its_company(inputs: TrackInputs, encoder: TrackEncoder) -> None:
    rows = np.array([3, 100, 11])
    assert np.allclose(encoder.encode(inputs)[rows], encoder.encode(inputs.select(rows)), atol=1e-5)


def test_same_input_same_bits(inputs: TrackInputs, training: Interactions, encoder: TrackEncoder) -> None:
    again = train_track_vectors(inputs, training, SMALL).encoder
    assert again.fingerprint == encoder.fingerprint
    other = TrackVectorSettings(**{**SMALL.to_json(), "rng_key": 1, "epochs": 1, "least_steps": 1})
    assert train_track_vectors(inputs, training, other).encoder.fingerprint != encoder.fingerprint


def test_only_tracks_of_the_given_playlists_are_looked_at(
    inputs: TrackInputs, training: Interactions, warm: np.ndarray
) -> None:
    """Whatever the other tracks are, the network is the same to the bit, and no artist of theirs is known."""
    rng = np.random.default_rng(0)
    features, texts = inputs.features.copy(), inputs.texts.copy()
    features[~warm] = rng.standard_normal((int((~warm).sum()), features.shape[1]))
    texts[~warm] = 0
    artists = tuple("secret" if not w else a for w, a in zip(warm, inputs.artists, strict=True))
    brief = TrackVectorSettings(**{**SMALL.to_json(), "epochs": 1, "least_steps": 1})
    found = train_track_vectors(TrackInputs(features, texts, artists), training, brief).encoder
    wanted = train_track_vectors(inputs, training, brief).encoder
    assert all(found.weights[name].tobytes() == wanted.weights[name].tobytes() for name in WEIGHTS)
    assert "secret" not in found.artists


def test_the_best_epoch_is_kept(inputs: TrackInputs, training: Interactions) -> None:
    scores = iter([0.1, 0.9, 0.3])
    seen: list[TrackEncoder] = []

    def validate(encoder: TrackEncoder) -> float:
        seen.append(encoder)
        return next(scores)

    brief = TrackVectorSettings(**{**SMALL.to_json(), "epochs": 3, "least_steps": 1})
    found = train_track_vectors(inputs, training, brief, validate=validate)
    assert found.best_epoch == 2 and found.encoder is seen[1]
    assert [epoch.score for epoch in found.history] == [0.1, 0.9, 0.3]


def test_nothing_to_learn_is_an_error(inputs: TrackInputs, training: Interactions) -> None:
    n = len(inputs)
    with pytest.raises(TrainingError, match="no two tracks share"):
        train_track_vectors(inputs, Interactions.of([[1], [2], []], n_columns=n), SMALL)
    none = np.zeros((n, 0), np.float32)
    with pytest.raises(TrainingError, match="nothing is known"):
        train_track_vectors(TrackInputs(none, none, inputs.artists), training, SMALL)
    still = TrackVectorSettings(
        **{**SMALL.to_json(), "epochs": 1, "least_steps": 1, "learning_rate": 0.0, "weight_decay": 0.0}
    )
    with pytest.raises(TrainingError, match="no track's vector moved"):
        train_track_vectors(inputs, training, still)
    wild = TrackVectorSettings(**{**SMALL.to_json(), "epochs": 2, "learning_rate": 1e30})
    with pytest.raises(TrainingError, match="lower the learning rate"):
        train_track_vectors(inputs, training, wild)
    infinite = inputs.features.copy()
    infinite[0, 0] = np.inf
    with pytest.raises(TrainingError, match="not finite"):
        train_track_vectors(TrackInputs(infinite, inputs.texts, inputs.artists), training, SMALL)
    with pytest.raises(InputError):
        TrackVectorSettings(temperature=0)
    with pytest.raises(InputError):
        TrackVectorSettings(epochs=0)


def test_features_alone_or_texts_alone_are_enough(inputs: TrackInputs, training: Interactions) -> None:
    none = np.zeros((len(inputs), 0), np.float32)
    brief = TrackVectorSettings(**{**SMALL.to_json(), "epochs": 1, "least_steps": 1})
    for some in (TrackInputs(inputs.features, none, inputs.artists), TrackInputs(none, inputs.texts, inputs.artists)):
        assert train_track_vectors(some, training, brief).encoder.encode(some).shape == (len(inputs), SMALL.d)


def test_what_was_saved_answers_alike_without_torch(
    encoder: TrackEncoder, inputs: TrackInputs, tmp_path: Path
) -> None:
    encoder.save(tmp_path)
    opened = TrackEncoder.open(tmp_path)
    assert opened.fingerprint == encoder.fingerprint
    assert opened.encode(inputs).tobytes() == encoder.encode(inputs).tobytes()
    import subprocess

    code = (
        "import sys; from pathlib import Path; from segue.encode.track_vectors import TrackEncoder; "
        f"TrackEncoder.open(Path({str(tmp_path)!r})); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("file", [*(f"{name}.npy" for name in WEIGHTS), "artist_vectors.npy", "track_encoder.json"])
def test_damage_is_named(encoder: TrackEncoder, tmp_path: Path, file: str) -> None:
    encoder.save(tmp_path)
    for damage in (lambda data: data[:-9], lambda data: b"", lambda data: data[:-2] + b"\x7f\x01"):
        whole = (tmp_path / file).read_bytes()
        (tmp_path / file).write_bytes(damage(whole))
        with pytest.raises(StoredDataError, match=str(tmp_path)):
            TrackEncoder.open(tmp_path)
        (tmp_path / file).write_bytes(whole)
    (tmp_path / file).unlink()
    with pytest.raises(StoredDataError, match=file):
        TrackEncoder.open(tmp_path)
