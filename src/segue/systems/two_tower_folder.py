"""The folder of a two-tower model: written whole, opened with checks, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encode.tower import Towers, TowerShape, TrackVectors, tensor_shapes
from segue.encode.tower_inputs import NONE, TrackInputs, Vocabulary
from segue.errors import QueryError, StoredDataError
from segue.library import Catalogue, Interactions, Query
from segue.library.arrays import load_array, save_array, write_json
from segue.library.folders import new_folder, put_back
from segue.library.manifests import checked_manifest
from segue.library.strings import StringArray
from segue.recommend.popularity import Popularity
from segue.recommend.two_tower import TwoTower
from segue.systems.manifest import describe_files

__all__ = ["FORMAT_VERSION", "KIND", "TwoTowerModel"]

FORMAT_VERSION = 1
KIND = "segue two-tower model"
_WORDS = ("tracks", "artists", "tags", "countries", "users")
_AGAIN = "train the towers again"


@dataclass(frozen=True, eq=False)
class TwoTowerModel:
    """A trained recommender with its catalogue and the listeners that it was trained on.

    Args:
        user_ids, countries: of the listeners. loved: their training tracks, users x tracks.
        about: JSON-ready: view, encoder, settings, split, history.
    """

    recommender: TwoTower
    catalogue: Catalogue
    user_ids: tuple[str, ...]
    countries: tuple[str, ...]
    loved: Interactions
    about: dict[str, Any]

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the recommender."""
        return self.recommender.fingerprint

    @cached_property
    def _user_rows(self) -> dict[str, int]:
        return {user: row for row, user in enumerate(self.user_ids)}

    def query_of(self, user_id: str, country: str = "") -> Query:
        """The query of a listener of the training: what they love, with their country or another.

        Raises:
            QueryError: the model does not know them.
        """
        row = self._user_rows.get(user_id)
        if row is None:
            raise QueryError(f"the model knows no listener {user_id[:120]!r}; give tracks that they love instead")
        loved = tuple(self.loved.row(row).tolist())
        return Query(seed_tracks=loved, user_id=user_id, country=country or self.countries[row])

    def save(self, path: Path | str) -> None:
        """Write the folder, atomically.

        Raises:
            OutputError: the place cannot be written to, or holds something else.
        """
        with new_folder(Path(path), kind=KIND) as folder:
            for part in ("towers", "vocabulary", "tracks", "users"):
                (folder / part).mkdir()
            towers, tracks = self.recommender.towers, self.recommender.tracks
            for name, tensor in towers.tensors.items():
                save_array(folder / "towers" / f"{name}.npy", tensor)
            for word in _WORDS:
                StringArray.of(getattr(self.recommender.vocabulary, word)).save(folder / "vocabulary", word)
            self.catalogue.save(folder / "tracks")
            for name, array in _track_arrays(tracks).items():
                save_array(folder / "tracks" / f"{name}.npy", array)
            self.recommender.popularity.save(folder / "popularity")
            StringArray.of(self.user_ids).save(folder / "users", "user_id")
            StringArray.of(self.countries).save(folder / "users", "country")
            save_array(folder / "users" / "loved.indptr.npy", self.loved.indptr)
            save_array(folder / "users" / "loved.indices.npy", self.loved.indices)
            manifest = {
                "kind": KIND,
                "format_version": FORMAT_VERSION,
                "fingerprint": self.fingerprint,
                "towers": towers.fingerprint,
                "shape": towers.shape.to_json(),
                "n_tracks": len(self.catalogue),
                "n_users": len(self.user_ids),
                "about": self.about,
                "files": describe_files(folder),
            }
            write_json(folder / "manifest.json", manifest)

    @classmethod
    def open(cls, path: Path | str) -> TwoTowerModel:
        """Open a folder.

        Raises:
            StoredDataError: it is missing, damaged or of a newer format; the message names the file.
        """
        path = Path(path)
        put_back(path)
        manifest = _manifest(path)
        try:
            shape, about = TowerShape.from_json(manifest["shape"]), dict(manifest["about"])
            n_tracks, n_users = int(manifest["n_tracks"]), int(manifest["n_users"])
        except (KeyError, TypeError, ValueError) as error:
            raise StoredDataError(f"{path / 'manifest.json'} is damaged ({error!r}); {_AGAIN}") from error
        _check_files(path, manifest)
        words = {word: tuple(_strings(path / "vocabulary", word)) for word in _WORDS}
        vocabulary = Vocabulary(**words)
        sizes = {word: len(found) for word, found in words.items()}
        names = tensor_shapes(shape, sizes)
        tensors = {name: load_array(path / "towers" / f"{name}.npy", mmap=False, dtype=np.float32) for name in names}
        towers = Towers(shape, tensors, vocabulary.fingerprint)
        try:
            towers.check(sizes)
        except StoredDataError as error:
            raise StoredDataError(f"{path / 'towers'} is damaged ({error}); {_AGAIN}") from error
        if towers.fingerprint != manifest.get("towers"):
            raise StoredDataError(f"{path / 'towers'} is damaged (it does not fit manifest.json); {_AGAIN}")
        catalogue = Catalogue.load(path / "tracks")
        tracks = _tracks(path / "tracks", shape, sizes, n_tracks)
        popularity = Popularity.load(path / "popularity")
        loved = _interactions(path / "users", "loved", n_tracks)
        users, countries = (tuple(_strings(path / "users", name)) for name in ("user_id", "country"))
        if not len(catalogue) == len(popularity.counts) == len(popularity.order) == n_tracks:
            raise StoredDataError(f"{path / 'tracks'} and popularity are not of {n_tracks:,} tracks; {_AGAIN}")
        if not len(users) == len(countries) == loved.n_rows == n_users:
            raise StoredDataError(f"{path / 'users'} is not of {n_users:,} users; {_AGAIN}")
        _within(path / "popularity" / "order.npy", popularity.order, 0, n_tracks)
        found = TwoTower.with_vectors(towers, vocabulary, tracks, popularity)
        if found.fingerprint != manifest.get("fingerprint"):
            raise StoredDataError(f"{path} is damaged (its files do not fit manifest.json); {_AGAIN}")
        return cls(found, catalogue, users, countries, loved, about)


def _manifest(path: Path) -> dict[str, Any]:
    if not path.is_dir():
        raise StoredDataError(f"{path} is no two-tower model; make one with 'segue towers train LIBRARY -o {path}'")
    stranger = "does not describe a two-tower model; make one with 'segue towers train'"
    return checked_manifest(path, KIND, FORMAT_VERSION, stranger=stranger, again=_AGAIN, format="two-tower format")


def _check_files(path: Path, manifest: dict[str, Any]) -> None:
    """Raise StoredDataError unless every file has the bytes that were written."""
    written = manifest.get("files")
    if not isinstance(written, dict):
        raise StoredDataError(f"{path / 'manifest.json'} is damaged (no list of files); {_AGAIN}")
    there = describe_files(path)
    for name, about in written.items():
        if name not in there:
            raise StoredDataError(f"{path / name} is missing; {_AGAIN}")
        if there[name] != about:
            raise StoredDataError(f"{path / name} is damaged (it holds other bytes than were written); {_AGAIN}")


def _track_arrays(tracks: TrackVectors) -> dict[str, NDArray[Any]]:
    inputs = tracks.inputs
    return {
        "vectors": tracks.vectors,
        "text": inputs.text,
        "id_rows": inputs.ids,
        "artist_rows": inputs.artists,
        "tags.indptr": inputs.tags.indptr,
        "tags.indices": inputs.tags.indices,
    }


def _tracks(folder: Path, shape: TowerShape, sizes: dict[str, int], n: int) -> TrackVectors:
    vectors, text = (load_array(folder / f"{name}.npy", dtype=np.float32) for name in ("vectors", "text"))
    rows = {
        name: load_array(folder / f"{name}.npy", mmap=False, dtype=np.int32) for name in ("id_rows", "artist_rows")
    }
    for name, word in (("id_rows", "tracks"), ("artist_rows", "artists")):
        _within(folder / f"{name}.npy", rows[name], NONE, sizes[word])
        if rows[name].shape != (n,):
            raise StoredDataError(f"{folder / name}.npy is damaged (not of {n:,} tracks); {_AGAIN}")
    tags = _interactions(folder, "tags", sizes["tags"])
    wanted = {"vectors": (n, shape.output), "text": (n, shape.d_text)}
    for name, array in (("vectors", vectors), ("text", text)):
        if array.shape != wanted[name]:
            raise StoredDataError(f"{folder / name}.npy is damaged (shape {array.shape}); {_AGAIN}")
    return TrackVectors(vectors, TrackInputs(rows["id_rows"], rows["artist_rows"], tags, text))


def _strings(folder: Path, name: str) -> Sequence[str]:
    try:
        return StringArray.load(folder, name).to_list()
    except (ValueError, IndexError, UnicodeDecodeError, TypeError) as error:
        raise StoredDataError(f"{folder / name} is damaged ({error}); {_AGAIN}") from error


def _interactions(folder: Path, name: str, n_columns: int) -> Interactions:
    indptr = load_array(folder / f"{name}.indptr.npy", mmap=False, dtype=np.int64)
    indices = load_array(folder / f"{name}.indices.npy", mmap=False, dtype=np.int32)
    try:
        return Interactions(indptr, indices, n_columns)
    except ValueError as error:
        raise StoredDataError(f"{folder / name}.indptr.npy and .indices.npy do not fit: {error}; {_AGAIN}") from error


def _within(file: Path, rows: NDArray[np.int32], low: int, high: int) -> None:
    if len(rows) and not (low <= rows.min() and rows.max() < high):
        raise StoredDataError(f"{file} is damaged (a row outside [{low}, {high})); {_AGAIN}")
