"""What makes vectors of tracks from what is known of them, whether they are in the catalogue or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.encode.autoencoder import Autoencoder
from segue.encode.base import Encoder, Progress, unit_rows
from segue.encode.chunks import chunked
from segue.encode.track_vectors import TrackEncoder, TrackInputs
from segue.errors import StoredDataError
from segue.library.arrays import fingerprint, read_json, write_json
from segue.views.features import Scaler, matrix
from segue.views.specs import view_of
from segue.views.text import text_column

if TYPE_CHECKING:
    from segue.library import Library

__all__ = ["AUDIO", "LEARNT", "LYRICS", "CodePart", "LearntPart", "TrackParts", "known_rows"]

Vectors = dict[str, NDArray[np.float32]]
AUDIO, LYRICS, LEARNT = "audio", "lyrics", "learnt"
TEXT_VIEWS = ("name_artist", "artist")
_AGAIN = "train the track model again"
_KNOWN = 0.5  # share of the columns below which a track's features say too little


def known_rows(library: Library, columns: Sequence[str]) -> NDArray[np.bool_]:
    """Tracks that have at least half of the features, bool ``(n_tracks,)``."""
    if not columns:
        return np.zeros(library.n_tracks, bool)
    return np.asarray(np.isfinite(matrix(library, columns)).mean(axis=1) >= _KNOWN)


@dataclass(frozen=True, eq=False)
class CodePart:
    """An auto-encoder and what puts its codes on one scale.

    Args:
        centre, span: mean and deviation of each compared dimension over the training tracks, float32 ``(m,)``.
        rebuilt: whether codes are compared by what the decoder makes of them. The axes of a code have no scale
            that means anything, those of audio features do (docs/papers.md has what that changes).
    """

    autoencoder: Autoencoder
    centre: NDArray[np.float32]
    span: NDArray[np.float32]
    rebuilt: bool = False

    @classmethod
    def of(cls, autoencoder: Autoencoder, x_train: NDArray[np.float32], *, rebuilt: bool = False) -> CodePart:
        """Measure training rows; a dimension that says nothing is left as it is."""
        compared = autoencoder.rebuilt(x_train) if rebuilt else autoencoder.encode(x_train)
        span = compared.std(axis=0)
        return cls(
            autoencoder,
            compared.mean(axis=0).astype(np.float32),
            np.where(span > 1e-4 * max(1e-6, float(span.max(initial=0))), span, 1).astype(np.float32),
            rebuilt,
        )

    def vectors(self, x: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Unit vectors of rows, float32 ``(n, d)``; zero where nothing is known."""
        compared = self.autoencoder.rebuilt(x) if self.rebuilt else self.autoencoder.encode(x)
        out = unit_rows((compared - self.centre) / self.span)
        out[~known] = 0
        return out

    @property
    def fingerprint(self) -> str:
        """Digest of network and scale."""
        return fingerprint("code part", self.autoencoder.fingerprint, self.centre, self.span, self.rebuilt)

    def save(self, folder: Path) -> None:
        """Write everything into a folder, which is made."""
        self.autoencoder.save(folder)
        scale = {"centre": self.centre.tolist(), "span": self.span.tolist(), "rebuilt": self.rebuilt}
        write_json(folder / "scale.json", scale)

    @classmethod
    def open(cls, folder: Path) -> CodePart:
        """Read what :meth:`save` wrote.

        Raises:
            StoredDataError: a file is missing or damaged; the message names it.
        """
        autoencoder, about = Autoencoder.open(folder), read_json(folder / "scale.json")
        try:
            centre, span = (np.asarray(about[name], np.float32) for name in ("centre", "span"))
            found = cls(autoencoder, centre, span, rebuilt=about["rebuilt"] is True)
            compared = (autoencoder.n_targets if found.rebuilt else autoencoder.d,)
            if found.centre.shape != compared or found.span.shape != compared:
                raise ValueError("another dimension than what is compared")
        except (KeyError, TypeError, ValueError) as error:
            raise StoredDataError(f"{folder / 'scale.json'} is damaged ({error}); {_AGAIN}") from error
        return found


@dataclass(frozen=True, eq=False)
class LearntPart:
    """The learnt track encoder and what it reads: scaled features, texts by the views, perhaps lyrics."""

    encoder: TrackEncoder
    scaler: Scaler | None
    lyrics: bool


@dataclass(frozen=True, eq=False)
class TrackParts:
    """All that turns what is known of a track into its vectors.

    Args:
        audio_scaler, audio: features -> audio code; None without features.
        lyrics: vectors of lyrics -> lyrics code; None without lyrics.
        learnt: None without playlists.
        texts: reads names, artists and lyrics; None where nothing needs it.
        views: which texts ``learnt`` reads.
    """

    audio_scaler: Scaler | None = None
    audio: CodePart | None = None
    lyrics: CodePart | None = None
    learnt: LearntPart | None = None
    texts: Encoder | None = None
    views: tuple[str, ...] = TEXT_VIEWS

    def with_(self, **changed: Any) -> TrackParts:
        """The same with other parts."""
        return replace(self, **changed)

    def vectors(
        self,
        library: Library,
        *,
        lyrics: NDArray[np.float32] | None = None,
        inputs: TrackInputs | None = None,
        progress: Callable[[int, int, str], None] | None = None,
    ) -> Vectors:
        """Unit vectors of all tracks of a library by half, float32 ``(n_tracks, d)`` each, zero where unknown.

        Args:
            lyrics, inputs: of these tracks, where they were made already.
        """
        found: Vectors = {}
        if self.audio is not None and self.audio_scaler is not None:
            known = known_rows(library, self.audio_scaler.columns)
            found[AUDIO] = self.audio.vectors(self.audio_scaler.apply(library), known)
        if self.lyrics is not None or (self.learnt is not None and self.learnt.lyrics and inputs is None):
            lyrics = lyrics if lyrics is not None else self.read_lyrics(library, progress)
        if self.lyrics is not None and lyrics is not None:
            found[LYRICS] = self.lyrics.vectors(lyrics, np.asarray(lyrics.any(axis=1)))
        if self.learnt is not None:
            if inputs is None:
                inputs = self.inputs(library, self.learnt.scaler, lyrics if self.learnt.lyrics else None, progress)
            found[LEARNT] = self.learnt.encoder.encode(inputs)
        return found

    def read_lyrics(
        self, library: Library, progress: Callable[[int, int, str], None] | None = None
    ) -> NDArray[np.float32]:
        """Vectors of lyrics, long ones in pieces, float32 ``(n_tracks, d)``; zero where there are none."""
        lyrics = text_column(library, "lyrics")
        if self.texts is None or not any(lyrics):
            return np.zeros((library.n_tracks, 0 if self.texts is None else self.texts.d), np.float32)
        return chunked(self.texts, lyrics, progress=_named(progress, "reading lyrics"))

    def inputs(
        self,
        library: Library,
        scaler: Scaler | None,
        lyrics: NDArray[np.float32] | None,
        progress: Callable[[int, int, str], None] | None = None,
    ) -> TrackInputs:
        """What the learnt encoder reads of all tracks."""
        texts = []
        for spec in self.views if self.texts is not None else ():
            assert self.texts is not None
            wanted = view_of(spec).texts(library)
            distinct = list(dict.fromkeys(wanted))
            place = {text: i for i, text in enumerate(distinct)}
            vectors = self.texts.encode(distinct, progress=_named(progress, f"reading {spec}"))
            texts.append(vectors[[place[text] for text in wanted]])
        if lyrics is not None:
            texts.append(lyrics)
        features = None if scaler is None else scaler.apply(library)
        return TrackInputs.of(features, texts, text_column(library, "artist"))

    @cached_property
    def fingerprint(self) -> str:
        """Digest of all parts."""
        return fingerprint(
            "track parts",
            None if self.audio_scaler is None else self.audio_scaler.fingerprint,
            None if self.audio is None else self.audio.fingerprint,
            None if self.lyrics is None else self.lyrics.fingerprint,
            *(() if self.learnt is None else (self.learnt.encoder.fingerprint, self.learnt.lyrics)),
            None if self.learnt is None or self.learnt.scaler is None else self.learnt.scaler.fingerprint,
            None if self.texts is None else self.texts.fingerprint,
            list(self.views),
        )

    def save(self, folder: Path) -> dict[str, Any]:
        """Write scalers and networks into an existing folder; the encoder of texts is its owner's to keep.

        Returns:
            what :meth:`open` must be told.
        """
        if self.audio is not None:
            self.audio.save(folder / "audio")
        if self.lyrics is not None:
            self.lyrics.save(folder / "lyrics")
        if self.learnt is not None:
            self.learnt.encoder.save(folder / "learnt")
        scaler = None if self.learnt is None or self.learnt.scaler is None else self.learnt.scaler.to_json()
        return {
            "audio": None if self.audio_scaler is None or self.audio is None else self.audio_scaler.to_json(),
            "lyrics": self.lyrics is not None,
            "learnt": None if self.learnt is None else {"scaler": scaler, "lyrics": self.learnt.lyrics},
            "views": list(self.views),
            "fingerprint": self.fingerprint,
        }

    @classmethod
    def open(cls, folder: Path, about: Any, texts: Encoder | None) -> TrackParts:
        """Read what :meth:`save` wrote.

        Raises:
            StoredDataError: a file is missing or damaged, or parts of another model lie there; the message names it.
        """
        try:
            learnt = about["learnt"]
            scaler = None if learnt is None or learnt["scaler"] is None else Scaler.from_json(learnt["scaler"])
            found = cls(
                audio_scaler=None if about["audio"] is None else Scaler.from_json(about["audio"]),
                audio=None if about["audio"] is None else CodePart.open(folder / "audio"),
                lyrics=CodePart.open(folder / "lyrics") if about["lyrics"] else None,
                learnt=None
                if learnt is None
                else LearntPart(TrackEncoder.open(folder / "learnt"), scaler, bool(learnt["lyrics"])),
                texts=texts,
                views=tuple(map(str, about["views"])),
            )
            wanted = about["fingerprint"]
        except (KeyError, TypeError) as error:
            raise StoredDataError(f"{folder / 'manifest.json'} is damaged ({error!r}); {_AGAIN}") from error
        if found.fingerprint != wanted:
            raise StoredDataError(f"{folder} is damaged (its parts do not fit manifest.json); {_AGAIN}")
        return found


def _named(progress: Callable[[int, int, str], None] | None, what: str) -> Progress | None:
    return None if progress is None else lambda done, total: progress(done, total, what)
