"""Themes: semantic clusters of a library's playlists, which of them are kept, and how they are split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError, StoredDataError
from segue.library.arrays import fingerprint, load_array, read_json, save_array, write_json
from segue.library.folders import new_folder, put_back
from segue.library.manifests import checked_manifest
from segue.library.supervision import Labels

if TYPE_CHECKING:
    from segue.library.library import Library

__all__ = ["FORMAT_VERSION", "KIND", "ThemePart", "Themes"]

KIND = "segue themes"
FORMAT_VERSION = 1
ThemePart = Literal["train", "validation", "test"]
_PARTS: tuple[ThemePart, ...] = ("train", "validation", "test")
_ARRAYS = {"cluster": np.int32, "part": np.int8, "assigned": np.int32, "kept": np.bool_, "match": np.float32}
_OF_PLAYLISTS = ("cluster", "part", "assigned")


@dataclass(frozen=True, eq=False)
class Themes:
    """Clusters of the playlists of one library.

    Args:
        cluster: cluster of each playlist, int32 ``(n_playlists,)``; -1: outside the part that was clustered, or
            without a vector.
        part: 0 training, 1 validation, 2 test inside the kept clusters, int8 ``(n_playlists,)``; -1: none, which
            playlists without a title are as well.
        kept: which clusters are themes, bool ``(k,)``; the others are miscellaneous.
        names: characteristic words of each cluster, ``k`` of them.
        match: percent of a cluster's playlists that carry its most frequent title, float32 ``(k,)``.
        library: fingerprint of the library.
        settings: how they were made; ``"part"`` is "train", or "all" where held-out playlists were clustered too.
        assigned: nearest cluster of every playlist with a vector, also of those outside the part; int32
            ``(n_playlists,)``. For reports; None is the same as ``cluster``.
        report: statistics for people, JSON-able; no part of the fingerprint.
    """

    cluster: NDArray[np.int32]
    part: NDArray[np.int8]
    kept: NDArray[np.bool_]
    names: tuple[str, ...]
    match: NDArray[np.float32]
    library: str
    settings: dict[str, Any] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)
    assigned: NDArray[np.int32] | None = None

    def __post_init__(self) -> None:
        if self.assigned is None:
            object.__setattr__(self, "assigned", self.cluster)
        for name in _OF_PLAYLISTS:
            values, most = getattr(self, name), len(_PARTS) if name == "part" else self.k
            if values.shape != (len(self.cluster),) or np.any(values < -1) or np.any(values >= most):
                raise ValueError(f"{name} must hold a number below {most}, or -1, for each playlist")
        if self.kept.shape != (self.k,) or self.match.shape != (self.k,):
            raise ValueError("each cluster needs a name, a match and whether it is kept")

    @property
    def k(self) -> int:
        """Number of clusters, miscellaneous ones included."""
        return len(self.names)

    @property
    def n_classes(self) -> int:
        """Number of kept clusters."""
        return int(self.kept.sum())

    @property
    def classes(self) -> NDArray[np.int32]:
        """Consecutive class number of each kept cluster, -1 of the others; int32 ``(k,)``."""
        return np.where(self.kept, np.cumsum(self.kept) - 1, -1).astype(np.int32)

    @property
    def sees_everything(self) -> bool:
        """Whether playlists that the hash split holds out were clustered, so that nothing honest can be evaluated."""
        return self.settings.get("part") == "all"

    @cached_property
    def fingerprint(self) -> str:
        """Digest of clusters, parts, names, settings and the library's fingerprint."""
        arrays: list[NDArray[Any]] = [np.asarray(getattr(self, name), dtype) for name, dtype in _ARRAYS.items()]
        return fingerprint(*arrays, list(self.names), self.library, self.settings)

    def check(self, library: Library) -> None:
        """Raise InputError unless these are clusters of that library."""
        if library.fingerprint != self.library:
            raise InputError(
                f"these themes were made of another library ({self.library}, not {library.fingerprint}); "
                "make them again with 'segue themes'"
            )

    def rows(self, part: ThemePart) -> NDArray[np.int32]:
        """Playlist rows of a part of the kept clusters, int32, ascending."""
        return np.flatnonzero(self.part == _PARTS.index(part)).astype(np.int32)

    def labels(self, library: Library, part: ThemePart, titles: Sequence[str] | None = None) -> Labels:
        """Titles of a part of the kept clusters with their class; playlists without a title are left out.

        Args:
            library: the one that was clustered.
            titles: what to give instead of the raw titles, one for each playlist of the library.

        Raises:
            InputError: another library.
        """
        self.check(library)
        texts = library.titles if titles is None else titles
        rows = [row for row in self.rows(part).tolist() if texts[row].strip()]
        classes = self.classes[self.cluster[np.array(rows, np.int64)]]
        return Labels(tuple(texts[row] for row in rows), classes.astype(np.int32))

    def write(self, folder: Path) -> None:
        """Write everything into an existing folder, the manifest last."""
        for name, dtype in _ARRAYS.items():
            save_array(folder / f"{name}.npy", np.asarray(getattr(self, name), dtype))
        write_json(folder / "report.json", self.report)
        manifest = {
            "kind": KIND,
            "format_version": FORMAT_VERSION,
            "fingerprint": self.fingerprint,
            "library": self.library,
            "names": self.names,
            "settings": self.settings,
        }
        write_json(folder / "manifest.json", manifest)

    def save(self, path: Path | str) -> None:
        """Write the folder, atomically.

        Raises:
            OutputError: the place cannot be written to, or holds something else.
        """
        with new_folder(Path(path), kind=KIND) as folder:
            self.write(folder)

    @classmethod
    def load(cls, path: Path | str) -> Themes:
        """Read a themes folder.

        Raises:
            StoredDataError: it is missing, damaged or of a newer format; the message names the file.
        """
        path = Path(path)
        put_back(path)
        if not path.is_dir():
            raise StoredDataError(f"{path} is not a themes folder; make one with 'segue themes LIBRARY -o {path}'")
        manifest = checked_manifest(
            path,
            KIND,
            FORMAT_VERSION,
            stranger="does not describe segue themes; make some with 'segue themes'",
            again="make the themes again",
            format="themes format",
        )
        arrays: dict[str, Any] = {
            name: load_array(path / f"{name}.npy", mmap=False, dtype=dtype) for name, dtype in _ARRAYS.items()
        }
        report = read_json(path / "report.json")
        try:
            names, settings = tuple(map(str, manifest["names"])), dict(manifest["settings"])
            found = cls(
                **arrays, names=names, library=str(manifest["library"]), settings=settings, report=dict(report)
            )
        except (KeyError, TypeError, ValueError) as error:
            raise StoredDataError(f"{path} is damaged ({error}); make the themes again") from error
        if found.fingerprint != manifest.get("fingerprint"):
            raise StoredDataError(f"{path} is damaged (its files do not fit manifest.json); make the themes again")
        return found
