"""Auto-encoders as data, and their network by numpy."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.encode.autoencoder import ACTIVATIONS, Autoencoder, AutoencoderSpec, activated
from segue.encode.chunks import chunked, pieces
from segue.encode.ngrams import NgramEncoder
from segue.errors import InputError, StoredDataError

_SPECS = st.builds(
    AutoencoderSpec.of,
    st.integers(1, 5),
    st.lists(st.integers(1, 9), max_size=3),
    st.lists(st.sampled_from(ACTIVATIONS), min_size=1, max_size=3),
    st.sampled_from(ACTIVATIONS),
)


def _random(spec, n_inputs=6, n_targets=4, key=0):
    down, up = spec.sizes(n_inputs, n_targets)
    n = sum(i * o + o for sizes in (down, up) for i, o in itertools.pairwise(sizes))
    weights = np.random.default_rng(key).normal(size=n).astype(np.float32)
    return Autoencoder.of_weights(spec, n_inputs, n_targets, weights)


@settings(max_examples=60, deadline=None)
@given(_SPECS, st.integers(0, 99))
def test_numpy_gives_what_torch_gives(spec, key):
    import torch

    functions = {
        "relu": torch.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "none": lambda x: x,
        "gelu": lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
    }  # fmt: skip
    network = _random(spec, key=key)
    x = np.random.default_rng(key).normal(size=(7, 6)).astype(np.float32)
    values = torch.from_numpy(x)
    for layer in network.encoder:
        values = functions[layer.activation](values @ torch.from_numpy(layer.weight).T + torch.from_numpy(layer.bias))
    np.testing.assert_allclose(network.encode(x), values.numpy(), rtol=2e-5, atol=2e-5)
    for layer in network.decoder:
        values = functions[layer.activation](values @ torch.from_numpy(layer.weight).T + torch.from_numpy(layer.bias))
    np.testing.assert_allclose(network.rebuilt(x), values.numpy(), rtol=2e-4, atol=2e-4)


@settings(max_examples=40, deadline=None)
@given(_SPECS)
def test_the_decoder_mirrors_the_encoder(spec):
    network = _random(spec)
    widths = [len(layer.weight) for layer in network.encoder[:-1]]
    assert widths == list(spec.layers)
    assert [len(layer.weight) for layer in network.decoder[:-1]] == widths[::-1]
    activations = [layer.activation for layer in network.encoder[:-1]]
    assert [layer.activation for layer in network.decoder[:-1]] == activations[::-1]
    assert network.encoder[-1].activation == spec.latent_activation and network.decoder[-1].activation == "none"
    assert network.encode(np.zeros((2, 6))).shape == (2, spec.d) and network.rebuilt(np.zeros((2, 6))).shape == (2, 4)


def test_activations_by_hand_and_at_the_ends():
    x = np.array([-1e30, -1, 0, 1, 1e30], np.float32)
    np.testing.assert_allclose(activated(x, "sigmoid"), [0, 1 / (1 + np.e), 0.5, np.e / (1 + np.e), 1], atol=1e-6)
    np.testing.assert_allclose(activated(x[1:4], "gelu"), [-0.158808, 0, 0.841192], atol=1e-5)
    np.testing.assert_allclose(activated(x, "relu"), [0, 0, 0, 1, 1e30])


@settings(max_examples=25, deadline=None)
@given(spec=_SPECS)
def test_saved_and_opened_gives_the_same_bits(tmp_path_factory, spec):
    folder = tmp_path_factory.mktemp("network")
    network = _random(spec)
    network.save(folder)
    again = Autoencoder.open(folder)
    assert again.spec == spec and again.fingerprint == network.fingerprint
    x = np.random.default_rng(1).normal(size=(3, 6))
    np.testing.assert_array_equal(again.rebuilt(x), network.rebuilt(x))


def test_other_weights_have_another_fingerprint():
    spec = AutoencoderSpec.of(2, [3], "tanh")
    assert _random(spec, key=0).fingerprint != _random(spec, key=1).fingerprint


def test_damage_is_named(tmp_path):
    _random(AutoencoderSpec.of(2, [3], "tanh")).save(tmp_path)
    weights, about = (tmp_path / "autoencoder.npy").read_bytes(), (tmp_path / "autoencoder.json").read_bytes()
    for name, content in [
        ("autoencoder.npy", weights[:-4]),
        ("autoencoder.npy", weights[:-1] + bytes([weights[-1] ^ 1])),
        ("autoencoder.json", about[:-9]),
        ("autoencoder.json", about.replace(b'"d": 2', b'"d": 3')),
        ("autoencoder.json", about.replace(b'"d": 2', b'"d": "2"')),
        ("autoencoder.json", about.replace(b'"tanh"', b'"tan"')),
        ("autoencoder.json", about.replace(b'"n_targets": 4', b'"n_targets": null')),
        ("autoencoder.json", b"[]"),
    ]:
        (tmp_path / "autoencoder.npy").write_bytes(weights)
        (tmp_path / "autoencoder.json").write_bytes(about)
        Autoencoder.open(tmp_path)
        (tmp_path / name).write_bytes(content)
        with pytest.raises(StoredDataError, match=r"damaged"):
            Autoencoder.open(tmp_path)
    (tmp_path / "autoencoder.json").write_text(json.dumps(json.loads(about) | {"format_version": 2}))
    with pytest.raises(StoredDataError, match="newer version"):
        Autoencoder.open(tmp_path)
    (tmp_path / "autoencoder.json").unlink()
    with pytest.raises(StoredDataError, match=r"autoencoder\.json is missing"):
        Autoencoder.open(tmp_path)


@pytest.mark.parametrize(
    ("d", "layers", "activations"),
    [
        (0, [], []), (-1, [], []), (True, [], []), (2.0, [], []), ("2", [], []), (10**9, [], []), (1, [0], ["relu"]),
        (1, [4] * 99, ["relu"] * 99), (1, [4], []), (1, [4], ["relu", "relu"]), (1, [4], ["softmax" * 100]),
        (1, [4], [None]),
    ],
)  # fmt: skip
def test_networks_that_cannot_be_are_one_sentence(d, layers, activations):
    with pytest.raises(InputError) as raised:
        AutoencoderSpec(d, tuple(layers), tuple(activations))
    assert "\n" not in str(raised.value) and len(str(raised.value)) < 250


def test_a_network_is_written_as_published_tables_have_it():
    assert AutoencoderSpec.of(5, [200, 150, 100], ["sigmoid", "relu"]).text == "5/200-150-100/sigmoid-relu"
    assert AutoencoderSpec.of(3).text == "3/linear/none"
    assert AutoencoderSpec.of(3, [9, 8], "relu", "tanh").text == "3/9-8/relu/tanh"


@given(st.text(alphabet="ab \n", max_size=200), st.integers(1, 7))
def test_pieces_are_the_text(text, words):
    got = list(pieces(text, words))
    assert " ".join(got).split() == text.split()[: 64 * words]
    lengths = [len(piece.split()) for piece in got]
    assert not lengths or (max(lengths) <= words and max(lengths) - min(lengths) <= 1)


def test_the_vector_of_a_long_text_is_the_mean_of_its_pieces():
    encoder = NgramEncoder.fitted(["blue river", "red mountain", "green sea of stars"])
    texts = ["blue river", "", "blue river red mountain green sea of stars"]
    got = chunked(encoder, texts, words=4)
    np.testing.assert_allclose(got[0], encoder.encode(["blue river"])[0], atol=1e-6)
    assert not got[1].any()
    whole = encoder.encode(["blue river red mountain", "green sea of stars"]).sum(axis=0)
    np.testing.assert_allclose(got[2], whole / np.linalg.norm(whole), atol=1e-6)
    with pytest.raises(ValueError, match="at least one word"):
        chunked(encoder, texts, words=0)
