"""text -> words and an encoder -> playlists: the search system, put together from a library and an encoder."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from segue.encode.base import Encoder
from segue.encode.cache import CachedEncoder
from segue.encode.ngrams import NgramEncoder
from segue.library import Library
from segue.library.folders import check_place, locked
from segue.systems.builds import NGRAMS, opened_base_model
from segue.systems.search_answers import Found, SearchAnswer, Why
from segue.systems.search_filters import Filters
from segue.systems.search_model import KIND, SearchModel
from segue.systems.search_settings import ChannelSpec, SearchSettings

__all__ = [
    "NONE",
    "ChannelSpec",
    "Filters",
    "Found",
    "SearchAnswer",
    "SearchModel",
    "SearchSettings",
    "Why",
    "index_library",
    "search_encoder",
]

NONE = "none"
"""Instead of an encoder: shared words alone."""
_NGRAM_D = 512

Progress = Callable[[int, int, str], None]


def index_library(
    library: Library,
    out: Path,
    *,
    encoder: str | None = None,
    settings: SearchSettings | None = None,
    public: bool | None = None,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Index the playlists of a library and write a search model folder, atomically.

    Of two builds of one folder at once the second waits for the first.

    Args:
        encoder: folder or name of a sentence encoder or a bundle of ``segue tune``; "ngrams"; "none"; None looks for
            the bundled one. public: whether every title may be shown; None asks the library. cache: of vectors.

    Returns:
        The manifest.

    Raises:
        InputError: no playlists. OutputError: the place cannot be written to. MissingDependency: no such encoder, or
            an approximate index without faiss.
    """
    check_place(out, KIND)
    settings = settings or SearchSettings()

    def waiting() -> None:
        if progress:
            progress(0, 1, "waiting for another build of this folder")

    with tempfile.TemporaryDirectory(prefix="segue-") as scratch, locked(out, waiting):
        folder = Path(scratch) / "encoder"
        opened = search_encoder(library, folder, encoder, settings, progress=progress)
        read = opened if cache is None or opened is None else CachedEncoder(opened, cache)
        model = SearchModel.build(library, read, settings, public=public, encoder_folder=folder, progress=progress)
        if progress:
            progress(0, 1, "writing the search model")
        return model.with_encoder(opened).save(out)


def search_encoder(
    library: Library,
    folder: Path,
    name: str | None,
    settings: SearchSettings,
    *,
    progress: Progress | None = None,
) -> Encoder | None:
    """Put an encoder into ``folder`` in the form that queries use, and open it; None for "none".

    N-grams are fitted on the texts that the first channel of vectors reads.

    Raises:
        InputError, MissingDependency: it is not on this machine. StoredDataError: its folder is damaged.
    """
    from segue.encode.onnx import OnnxEncoder

    if name == NONE:
        return None
    dense = [channel for channel in settings.channels if channel.kind == "dense"]
    if name != NGRAMS:
        opened = opened_base_model(library, folder, name, progress=progress)
        if isinstance(opened, OnnxEncoder):
            return OnnxEncoder.open(folder, max_length=settings.tokens)
    if not dense:
        return None
    # without torch there is no sentence encoder to export, and titles alone would fit n-grams too narrowly
    return NgramEncoder.fitted(sorted(set(dense[0].view.texts(library))), dimension=_NGRAM_D)
