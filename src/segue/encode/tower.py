"""Both towers of a two-tower model, in numpy: a user and a track each become a vector, and a pair a score."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from segue.encode.tower_inputs import TrackInputs, UserInputs
from segue.errors import StoredDataError
from segue.library.arrays import fingerprint
from segue.library.interactions import Interactions

__all__ = ["TRACK_SLOTS", "USER_SLOTS", "TowerShape", "Towers", "TrackVectors", "same_artist", "tensor_shapes"]

Head = Literal["dot", "mlp"]
TRACK_SLOTS = ("id", "artist", "tags", "text")
USER_SLOTS = ("country", "loved", "artists", "text", "id")
_BLOCK = 4_096  # tracks that pass the head of a pair at a time


@dataclass(frozen=True)
class TowerShape:
    """What the towers read, and how wide they are.

    Args:
        track: of :data:`TRACK_SLOTS`. user: of :data:`USER_SLOTS`; ``loved`` is the bag of the loved tracks' own
            vectors, ``artists`` the bag of their artists', ``text`` the mean of their texts.
        embedding: dimension of what each slot becomes. output: of the vectors that meet. hidden: layers in between.
        skip: a linear way past the hidden layers is added.
        head: ``dot`` is the inner product, ``mlp`` a hidden layer over both vectors.
        match: the score also counts how many of the loved tracks are by the track's artist, and how near its text is
            to theirs; both weights are learnt.
        bag_power: a bag is the sum over ``m`` tracks by ``m ** bag_power``; 1 is the mean.
        d_text: of the text vectors.
    """

    track: tuple[str, ...] = TRACK_SLOTS
    user: tuple[str, ...] = USER_SLOTS[:4]
    embedding: int = 96
    output: int = 192
    hidden: tuple[int, ...] = (192,)
    skip: bool = False
    head: Head = "dot"
    match: bool = False
    bag_power: float = 1.0
    d_text: int = 0

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> TowerShape:
        """Read what :meth:`to_json` gave.

        Raises:
            KeyError, TypeError, ValueError: it does not describe a shape.
        """
        shape = cls(**{**value, **{name: tuple(value[name]) for name in ("track", "user", "hidden")}})
        if not set(shape.track) <= set(TRACK_SLOTS) or not set(shape.user) <= set(USER_SLOTS):
            raise ValueError("a slot that there is not")
        return shape


def tensor_shapes(shape: TowerShape, sizes: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of the towers.

    Args:
        sizes: of the vocabulary: tracks, artists, tags, countries, users.
    """
    e, found = shape.embedding, dict[str, tuple[int, ...]]()
    tables = {"id": "tracks", "artist": "artists", "tags": "tags"}
    for slot in shape.track:
        found[f"track.{slot}"] = (e, shape.d_text) if slot == "text" else (sizes[tables[slot]], e)
    tables = {"country": "countries", "loved": "tracks", "artists": "artists", "id": "users"}
    for slot in shape.user:
        found[f"user.{slot}"] = (e, shape.d_text) if slot == "text" else (sizes[tables[slot]], e)
    for side, slots in (("track", shape.track), ("user", shape.user)):
        widths = (e * len(slots), *shape.hidden, shape.output)
        for i, (before, after) in enumerate(itertools.pairwise(widths)):
            found[f"{side}.{i}.weight"], found[f"{side}.{i}.bias"] = (after, before), (after,)
        if shape.skip:
            found[f"{side}.skip"] = (shape.output, e * len(slots))
    if shape.head == "mlp":
        for name in ("head.user", "head.track"):
            found[name] = (shape.output, shape.output)
        found["head.bias"], found["head.out"] = (shape.output,), (shape.output,)
    if shape.match:
        found["match"] = (2,)
    return found


@dataclass(frozen=True, eq=False)
class TrackVectors:
    """Tracks as they are scored: vectors float32 ``(n, output)``, and what ``match`` compares."""

    vectors: NDArray[np.float32]
    inputs: TrackInputs


@dataclass(frozen=True, eq=False)
class Towers:
    """A trained two-tower model without its catalogue.

    Args:
        shape: what it reads. tensors: by the names of :func:`tensor_shapes`, float32.
        vocabulary: fingerprint of the vocabulary that the rows of the tables belong to.
    """

    shape: TowerShape
    tensors: Mapping[str, NDArray[np.float32]]
    vocabulary: str

    @cached_property
    def fingerprint(self) -> str:
        """Digest of everything that the scores depend on; 16 hexadecimal digits."""
        arrays = [part for name in sorted(self.tensors) for part in (name, self.tensors[name])]
        return fingerprint("towers", self.shape.to_json(), self.vocabulary, *arrays)

    def check(self, sizes: Mapping[str, int]) -> None:
        """Raise StoredDataError unless the tensors are those of the shape and finite."""
        wanted = tensor_shapes(self.shape, sizes)
        if set(wanted) != set(self.tensors):
            raise StoredDataError(f"the towers lack or repeat {sorted(set(wanted) ^ set(self.tensors))[0]!r}")
        for name, tensor in self.tensors.items():
            if tensor.shape != wanted[name] or tensor.dtype != np.float32 or not np.isfinite(tensor).all():
                raise StoredDataError(f"{name!r} of the towers is not float32 {wanted[name]} of finite numbers")

    def track_vectors(self, tracks: TrackInputs) -> TrackVectors:
        """Vectors of tracks; one without a row for its id, artist or tags is read by what else is known."""
        slots = []
        for slot in self.shape.track:
            table = self.tensors[f"track.{slot}"]
            if slot == "text":
                slots.append(tracks.text @ table.T)
            elif slot == "tags":
                slots.append(_bag(table, tracks.tags, np.arange(len(table)), 1.0))
            else:
                slots.append(_looked_up(table, tracks.ids if slot == "id" else tracks.artists))
        return TrackVectors(self._dense("track", slots, len(tracks)), tracks)

    def user_vectors(self, users: UserInputs, tracks: TrackInputs) -> NDArray[np.float32]:
        """Vectors of users, float32 ``(n, output)``, from what they love among the tracks."""
        slots = []
        for slot in self.shape.user:
            table = self.tensors[f"user.{slot}"]
            if slot == "text":
                slots.append(_mean_text(users.loved, tracks.text) @ table.T)
            elif slot in ("loved", "artists"):
                rows = tracks.ids if slot == "loved" else tracks.artists
                slots.append(_bag(table, users.loved, rows, self.shape.bag_power))
            else:
                slots.append(_looked_up(table, users.countries if slot == "country" else users.ids))
        return self._dense("user", slots, len(users))

    def scores(self, users: UserInputs, tracks: TrackVectors) -> NDArray[np.float32]:
        """Score of every pair, float32 ``(n users, n tracks)``; higher is better."""
        vectors = self.user_vectors(users, tracks.inputs)
        if self.shape.head == "dot":
            scores: NDArray[np.float32] = vectors @ tracks.vectors.T
        else:
            scores = self._paired(vectors, tracks.vectors)
        if self.shape.match:
            artist, text = self.tensors["match"]
            scores += artist * same_artist(users.loved, tracks.inputs.artists)
            scores += text * (_mean_text(users.loved, tracks.inputs.text) @ tracks.inputs.text.T)
        return scores

    def _paired(self, users: NDArray[np.float32], tracks: NDArray[np.float32]) -> NDArray[np.float32]:
        """The head over pairs: a hidden layer whose two halves are computed once for each user and track."""
        user = users @ self.tensors["head.user"].T + self.tensors["head.bias"]
        scores = np.empty((len(users), len(tracks)), np.float32)
        for first in range(0, len(tracks), _BLOCK):
            track = tracks[first : first + _BLOCK] @ self.tensors["head.track"].T
            for row in range(len(users)):
                scores[row, first : first + _BLOCK] = _gelu(user[row] + track) @ self.tensors["head.out"]
        return scores

    def _dense(self, side: str, slots: list[NDArray[np.float32]], n: int) -> NDArray[np.float32]:
        given = np.concatenate(slots, axis=1) if slots else np.zeros((n, 0), np.float32)
        x = given
        for i in range(len(self.shape.hidden) + 1):
            x = x @ self.tensors[f"{side}.{i}.weight"].T + self.tensors[f"{side}.{i}.bias"]
            if i < len(self.shape.hidden):
                x = _gelu(x)
        if self.shape.skip:
            x = x + given @ self.tensors[f"{side}.skip"].T
        return x.astype(np.float32, copy=False)


def same_artist(
    loved: Interactions, artists: NDArray[np.int32], rows: NDArray[np.integer] | None = None
) -> NDArray[np.float32]:
    """log(1 + loved tracks by the track's artist) for pairs, float32 ``(n users, n rows)``; 0 for unknown artists.

    Args:
        artists: of all tracks. rows: the tracks that are scored; None for all.
    """
    n_artists = int(artists.max(initial=-1)) + 1
    user = np.repeat(np.arange(loved.n_rows), loved.lengths)
    artist = artists[loved.indices].astype(np.int64)
    known = artist >= 0
    keys = user[known] * (n_artists + 1) + artist[known]
    counts = np.bincount(keys, minlength=loved.n_rows * (n_artists + 1)).reshape(loved.n_rows, n_artists + 1)
    logs = np.log1p(counts).astype(np.float32)
    # NONE is the last column, of which nobody loves anything
    found: NDArray[np.float32] = logs[:, artists if rows is None else artists[rows]]
    return found


def _gelu(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Source: Hendrycks and Gimpel 2016, "Gaussian error linear units", with their tanh; it needs no scipy."""
    inner = np.float32(0.7978845608) * (x + np.float32(0.044715) * x * x * x)
    return (np.float32(0.5) * x * (np.float32(1) + np.tanh(inner))).astype(np.float32, copy=False)


def _looked_up(table: NDArray[np.float32], rows: NDArray[np.int32]) -> NDArray[np.float32]:
    """Rows of a table; zero for NONE."""
    found = np.zeros((len(rows), table.shape[1]), np.float32)
    found[rows >= 0] = table[rows[rows >= 0]]
    return found


def _sums(rows: NDArray[np.float32], of: NDArray[np.integer], n: int) -> NDArray[np.float32]:
    """Sum rows by the ascending group that each is of."""
    found = np.zeros((n, rows.shape[1]), np.float32)
    if len(rows):
        begins = np.flatnonzero(np.r_[True, of[1:] != of[:-1]])
        found[of[begins]] = np.add.reduceat(rows, begins, axis=0)
    return found


def _bag(
    table: NDArray[np.float32], loved: Interactions, rows: NDArray[np.integer], power: float
) -> NDArray[np.float32]:
    """Sum of the table's rows over what is loved, by the number of those that have a row to the power."""
    found = rows[loved.indices]
    of = np.repeat(np.arange(loved.n_rows), loved.lengths)[found >= 0]
    counts = np.maximum(np.bincount(of, minlength=loved.n_rows), 1).astype(np.float32)
    sums = _sums(table[found[found >= 0]], of, loved.n_rows)
    return sums / counts[:, None] ** np.float32(power)


def _mean_text(loved: Interactions, text: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean of the text vectors of what is loved; zero for nothing."""
    of = np.repeat(np.arange(loved.n_rows), loved.lengths)
    return _sums(text[loved.indices], of, loved.n_rows) / np.maximum(loved.lengths, 1).astype(np.float32)[:, None]
