"""Libraries whose themes are known, and encoders that see them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from segue.library import Interactions, Library

THEMES = ("rock", "folk", "techno", "salsa", "jazz", "metal", "choir", "polka")
PER_THEME = 30


@dataclass
class ByFirstWord:
    """Texts of one first word lie close together; what was encoded is remembered."""

    d: int = 24
    fingerprint: str = "0123456789abcdef"
    asked: list[str] = field(default_factory=list)
    dies_after: int | None = None

    def encode(
        self, texts: Sequence[str], *, progress: Callable[[int, int], None] | None = None
    ) -> NDArray[np.float32]:
        out = np.zeros((len(texts), self.d), np.float32)
        for row, text in enumerate(texts):
            if self.dies_after is not None and len(self.asked) >= self.dies_after:
                raise KeyboardInterrupt
            self.asked.append(text)
            for part, weight in ((text.split(" ")[0], 1.0), (text, 0.3)):
                out[row] += weight * _direction(part, self.d)
        if progress is not None:
            progress(len(texts), len(texts))
        return out / np.linalg.norm(out, axis=1, keepdims=True)


def _direction(text: str, d: int) -> NDArray[np.float32]:
    key = int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8], "big")
    drawn = np.random.default_rng(key).standard_normal(d)
    return (drawn / np.linalg.norm(drawn)).astype(np.float32)


def themed(
    n_playlists: int = 400,
    *,
    incoherent: Sequence[str] = ("choir", "polka"),
    length: int = 12,
    rename: Callable[[int, str], str] = lambda _, title: title,
    public: bool = True,
) -> tuple[Library, NDArray[np.int32]]:
    """Playlists of one theme each, and the themes; titles name it but for the incoherent ones, where all differ."""
    rng = np.random.default_rng(5)
    playlists, titles, truth = [], [], []
    for i in range(n_playlists):
        theme = i % len(THEMES)
        playlists.append(theme * PER_THEME + rng.choice(PER_THEME, length, replace=False))
        word = THEMES[theme]
        titles.append(rename(i, f"playlist no {i}" if word in incoherent else f"{word} {i}" if i % 3 else word))
        truth.append(theme)
    n_tracks = PER_THEME * len(THEMES)
    library = Library(
        pl.DataFrame(
            {
                "track_id": [f"t{i}" for i in range(n_tracks)],
                "name": [f"{THEMES[i // PER_THEME]} {i}" for i in range(n_tracks)],
                "artist": [f"artist {i // 3}" for i in range(n_tracks)],
            }
        ),
        pl.DataFrame({"playlist_id": [f"p{i}" for i in range(n_playlists)], "title": titles}),
        Interactions.of(playlists, n_columns=n_tracks),
        public=public,
    )
    return library, np.array(truth, np.int32)


def blobs(n: int = 300, k: int = 6, d: int = 5, rng_key: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Vectors around k far points, sizes uneven, and which point each is of."""
    rng = np.random.default_rng(rng_key)
    truth = np.sort(rng.choice(k, n, p=np.arange(1, k + 1) / (k * (k + 1) / 2))).astype(np.int32)
    truth[:k] = np.arange(k)
    centres = 10 * np.eye(max(k, d), d) if k <= d else 10 * rng.standard_normal((k, d))
    return (centres[truth] + 0.1 * rng.standard_normal((n, d))).astype(np.float32), truth


def same_partition(a: NDArray[np.integer], b: NDArray[np.integer]) -> bool:
    """Whether two clusterings differ in their numbers alone."""
    pairs = set(zip(a.tolist(), b.tolist(), strict=True))
    return len(pairs) == len(set(a.tolist())) == len(set(b.tolist()))
