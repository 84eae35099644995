"""A track model folder: the vectors of a catalogue, what made them, and what is asked of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder, unit_rows
from segue.encode.cache import CachedEncoder
from segue.encode.ngrams import NgramEncoder
from segue.errors import InputError, StoredDataError
from segue.library import Catalogue, Interactions
from segue.library.arrays import fingerprint, load_array, save_array, write_json
from segue.library.folders import new_folder, put_back
from segue.library.manifests import checked_manifest
from segue.recommend.popularity import Popularity
from segue.recommend.track_neighbours import Given, Half, TrackNeighbours
from segue.systems.manifest import check_sizes, describe_files
from segue.systems.recipes import open_encoder
from segue.systems.track_parts import TrackParts, Vectors

if TYPE_CHECKING:
    from segue.library import Library

__all__ = ["KIND", "TrackModel"]

KIND = "segue track model"
FORMAT_VERSION = 1
_AGAIN = "train it again with 'segue similar --train LIBRARY -m MODEL'"
_DAMAGE = (ArithmeticError, AttributeError, LookupError, MemoryError, OSError, TypeError, ValueError)


@dataclass(frozen=True, eq=False)
class TrackModel:
    """Everything that finds tracks near given ones.

    Args:
        catalogue: the tracks, row by row. neighbours: their vectors, and what each half counts.
        parts: make vectors of tracks, of those outside of the catalogue too.
        playlists: distinct tracks of the training playlists, for reasons.
        centroids: of the clusters, in the space of :meth:`joined`, float32 ``(k, d)``; None without clusters.
        texts_folder: where the encoder of texts lies, to be copied into a folder; None where it writes itself.
        about: settings, what training did, weights that were tried, fingerprint of the library; JSON-able.
    """

    catalogue: Catalogue
    neighbours: TrackNeighbours
    parts: TrackParts
    playlists: Interactions
    centroids: NDArray[np.float32] | None = None
    texts_folder: Path | None = None
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Digest of everything that answers depend on."""
        return fingerprint(KIND, self.neighbours.fingerprint, self.parts.fingerprint, dict(self.about))

    def joined(self, vectors: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """The halves side by side, each by the root of its weight, at unit length: where clusters are made."""
        columns = [
            np.asarray(vectors[half.name]) * np.float32(np.sqrt(self.neighbours.weights[half.name]))
            for half in self.neighbours.halves
        ]
        return unit_rows(np.concatenate(columns, axis=1))

    def clustered(self, cluster: NDArray[np.int32], centroids: NDArray[np.float32]) -> TrackModel:
        """The same with clusters."""
        return replace(self, neighbours=replace(self.neighbours, cluster=cluster), centroids=centroids)

    def place(self, outside: Library) -> list[Given]:
        """What the model makes of tracks outside of its catalogue, one by one."""
        vectors: Vectors = self.parts.vectors(outside)
        artists = self._artist_rows(outside.tracks["artist"].fill_null("").to_list())
        clusters = np.full(outside.n_tracks, -1, np.int32)
        if self.centroids is not None and len(self.centroids):
            joined = self.joined(vectors)
            clusters = np.where(joined.any(axis=1), np.argmax(joined @ self.centroids.T, axis=1), -1).astype(np.int32)
        return [
            Given(
                vectors={name: found[row] for name, found in vectors.items() if found[row].any()},
                artists={artists[row]: 1.0} if artists[row] >= 0 else {},
                clusters=(int(clusters[row]),) if clusters[row] >= 0 else (),
            )
            for row in range(outside.n_tracks)
        ]

    def _artist_rows(self, names: Sequence[str]) -> list[int]:
        from segue.library.names import fold

        wanted = {fold(name) for name in names} - {""}
        found: dict[str, int] = {}
        if wanted:
            artists, first = np.unique(self.neighbours.artist_rows, return_index=True)
            for artist, at in zip(artists.tolist(), first.tolist(), strict=True):
                name = fold(self.catalogue.texts["artist"][at])
                if artist >= 0 and name in wanted:
                    found[name] = artist
        return [found.get(fold(name), -1) for name in names]

    def save(self, path: Path | str) -> None:
        """Write the folder, atomically.

        Raises:
            OutputError: the place cannot be written to, or holds something else.
        """
        with new_folder(Path(path), kind=KIND) as folder:
            near = self.neighbours
            (folder / "tracks").mkdir()
            (folder / "vectors").mkdir()
            self.catalogue.save(folder / "tracks")
            for half in near.halves:
                save_array(folder / "vectors" / f"{half.name}.npy", half.vectors)
            save_array(folder / "artist_rows.npy", near.artist_rows)
            save_array(folder / "playlists.indptr.npy", self.playlists.indptr)
            save_array(folder / "playlists.indices.npy", self.playlists.indices)
            near.popularity.save(folder / "popularity")
            if near.cluster is not None and self.centroids is not None:
                save_array(folder / "cluster.npy", near.cluster)
                save_array(folder / "centroids.npy", self.centroids)
            manifest = {
                "kind": KIND,
                "format_version": FORMAT_VERSION,
                "fingerprint": self.fingerprint,
                "neighbours": near.fingerprint,
                "halves": [{"name": h.name, "mean": h.mean, "deviation": h.deviation} for h in near.halves],
                "weights": dict(near.weights),
                "same_artist": near.same_artist,
                "clusters": near.cluster is not None,
                "parts": self.parts.save(folder),
                "encoder": self._save_texts(folder / "encoder"),
                "about": dict(self.about),
            }
            manifest["files"] = describe_files(folder)
            write_json(folder / "manifest.json", manifest)

    def _save_texts(self, folder: Path) -> dict[str, Any] | None:
        """Put the encoder of texts into a folder; how to open it again."""
        texts: Encoder | None = self.parts.texts
        if isinstance(texts, CachedEncoder):
            texts = texts.encoder
        if texts is None:
            return None
        if isinstance(texts, NgramEncoder):
            folder.mkdir()
            texts.save(folder)
            return {"kind": "ngrams", "fingerprint": texts.fingerprint}
        if self.texts_folder is None:
            raise InputError("the encoder of texts lies in no folder that could be copied; give its folder")
        import shutil

        shutil.copytree(self.texts_folder, folder)
        return {"kind": "onnx", "fingerprint": texts.fingerprint}

    @classmethod
    def load(cls, path: Path | str) -> TrackModel:
        """Open a folder.

        Raises:
            StoredDataError: it is missing, damaged or of a newer format; the message names the file.
        """
        path = Path(path)
        put_back(path)
        if not path.is_dir():
            raise StoredDataError(
                f"{path} is not a track model folder; make one with 'segue similar --train LIBRARY'"
            )
        manifest = checked_manifest(
            path, KIND, FORMAT_VERSION, stranger=f"does not describe a {KIND}; {_AGAIN}", again=_AGAIN
        )
        check_sizes(path, manifest)
        try:
            return cls._opened(path, manifest)
        except _DAMAGE as error:
            raise StoredDataError(f"{path} is damaged ({error!r:.200}); {_AGAIN}") from error

    @classmethod
    def _opened(cls, path: Path, manifest: dict[str, Any]) -> TrackModel:
        catalogue = Catalogue.load(path / "tracks")
        halves = tuple(
            Half(
                about["name"],
                load_array(path / "vectors" / f"{about['name']}.npy", dtype=np.float32),
                float(about["mean"]),
                float(about["deviation"]),
            )
            for about in manifest["halves"]
        )
        clusters = bool(manifest["clusters"])
        near = TrackNeighbours(
            halves=halves,
            weights={str(name): float(value) for name, value in manifest["weights"].items()},
            artist_rows=load_array(path / "artist_rows.npy", dtype=np.int32),
            popularity=Popularity.load(path / "popularity"),
            same_artist=float(manifest["same_artist"]),
            cluster=load_array(path / "cluster.npy", dtype=np.int32) if clusters else None,
        )
        if near.n_tracks != len(catalogue) or near.fingerprint != manifest["neighbours"]:
            raise StoredDataError(f"{path / 'vectors'} is damaged (it does not fit manifest.json); {_AGAIN}")
        return cls(
            catalogue=catalogue,
            neighbours=near,
            parts=TrackParts.open(path, manifest["parts"], open_encoder(path, manifest)),
            playlists=Interactions(
                load_array(path / "playlists.indptr.npy", dtype=np.int64),
                load_array(path / "playlists.indices.npy", dtype=np.int32),
                len(catalogue),
            ),
            centroids=load_array(path / "centroids.npy", dtype=np.float32) if clusters else None,
            texts_folder=path / "encoder" if manifest["encoder"] else None,
            about=manifest["about"],
        )
