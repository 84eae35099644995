"""The recipes a model folder can hold, and how each is opened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from segue.encode.base import Encoder
from segue.errors import InputError, StoredDataError
from segue.library import Interactions
from segue.library.ranking import Recommender

if TYPE_CHECKING:
    from segue.library import Library

__all__ = ["RECIPES", "baseline", "open_encoder", "open_recommender"]

RECIPES = ("title_vote", "published", "ngrams", "same_title", "popularity")


def open_encoder(path: Path, manifest: dict[str, Any]) -> Encoder | None:
    """The encoder that a model's title vectors were made with; None for recipes that need none.

    Raises:
        StoredDataError: it is missing, or another one than the vectors were made with.
    """
    about = manifest.get("encoder") or {}
    encoder: Encoder
    match about.get("kind"):
        case None:
            return None
        case "onnx":
            from segue.encode.onnx import OnnxEncoder

            encoder = OnnxEncoder.open(path / "encoder")
        case "ngrams":
            from segue.encode.ngrams import NgramEncoder

            encoder = NgramEncoder.load(path / "encoder")
        case other:
            raise StoredDataError(f"{path / 'manifest.json'} names an unknown kind of encoder: {other!r}")
    if encoder.fingerprint != about.get("fingerprint"):
        raise StoredDataError(
            f"{path / 'encoder'} is not the encoder that the title vectors were made with "
            f"({encoder.fingerprint} instead of {about.get('fingerprint')}); train the model again"
        )
    return encoder


def open_recommender(
    path: Path, manifest: dict[str, Any], encoder: Encoder | None, playlist_tracks: Interactions
) -> Recommender:
    """The recommender of a model folder.

    Raises:
        StoredDataError: a file is missing or damaged, or the recipe is unknown.
    """
    recipe = manifest.get("recipe")
    if recipe == "title_vote":
        from segue.recommend.title_model import TitleModel

        if encoder is None:
            raise StoredDataError(f"{path / 'manifest.json'} names no encoder, and a title model needs one")
        title = TitleModel.load(path, manifest["title"], encoder, playlist_tracks)
        if not manifest.get("continuation"):
            return title
        from segue.recommend.continuation import Continuation

        return Continuation.load(path / "continuation", title, playlist_tracks)
    if recipe == "published" and encoder is not None:
        from segue.recommend.nearest import PublishedRecipe

        return PublishedRecipe.load(path / "published", encoder, playlist_tracks)
    if recipe not in RECIPES:
        raise StoredDataError(f"{path / 'manifest.json'} names an unknown recipe: {recipe!r}")
    from segue.library import Library

    return baseline(str(recipe), Library.load(path / "library"), encoder)


def baseline(recipe: str, library: Library, encoder: Encoder | None) -> Recommender:
    """Fit a baseline by name on all playlists of a library.

    Raises:
        InputError: there is no such recipe.
    """
    match recipe:
        case "popularity":
            from segue.recommend.popularity import Popularity

            return Popularity.fitted(library.playlist_tracks)
        case "same_title":
            from segue.recommend.same_title import SameTitle

            return SameTitle.fitted(library)
        case "ngrams":
            from segue.recommend.nearest import NgramNearest

            return NgramNearest.fitted(library)
        case "published" if encoder is not None:
            from segue.recommend.nearest import PublishedRecipe

            return PublishedRecipe.fitted(library, encoder)
    raise InputError(f"there is no recipe {recipe!r}; there are {', '.join(RECIPES)}")
