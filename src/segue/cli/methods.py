"""The methods that ``segue evaluate`` compares, by name, each fitted on the training playlists alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from segue.errors import InputError, MissingDependency

if TYPE_CHECKING:
    from segue.cli.terminal import Progress
    from segue.encode.base import Encoder
    from segue.library import Library, Recommender

__all__ = ["CHALLENGE_METHODS", "LEARNED", "METHODS", "TITLE_METHODS", "fitted", "known", "pretrained_encoder"]

TITLE_METHODS = ("popularity", "same_title", "ngrams", "published", "title_vote")
CHALLENGE_METHODS = ("popularity", "playlist_knn", "item_knn", "ease", "title_vote")
METHODS = tuple(dict.fromkeys([*TITLE_METHODS, *CHALLENGE_METHODS]))
LEARNED = "title_vote"


def pretrained_encoder(base_model: str | None, progress: Progress) -> Encoder | None:
    """The pretrained title encoder, for bulk work; None where there is none on this machine.

    Raises:
        InputError: a model was named and is not there.
    """
    from segue.encode.locate import base_model_folder

    if base_model == "ngrams":
        return None
    try:
        folder = base_model_folder(base_model)
        from segue.encode.sentence import SentenceEncoder

        progress(0, 1, "opening the title encoder")
        return SentenceEncoder.open(folder)
    except MissingDependency:
        if base_model is not None:
            raise
        return None


def fitted(
    names: Sequence[str], training: Library, encoder: Encoder | None, learned: Recommender | None, progress: Progress
) -> dict[str, Recommender]:
    """Fit baselines on the training playlists; ``learned`` stands for ``title_vote``.

    Raises:
        MissingDependency: a method needs the pretrained encoder.
    """
    found: dict[str, Recommender] = {}
    for done, name in enumerate(names):
        progress(done, len(names), f"fitting {name}")
        if name == LEARNED:
            if learned is None:
                raise MissingDependency(f"the method {name}", extra="bundled")
            found[name] = learned
        else:
            found[name] = _fit(name, training, encoder)
    return found


def known(names: Sequence[str]) -> list[str]:
    """The names, each once.

    Raises:
        InputError: a name is unknown.
    """
    unknown = [name for name in names if name not in METHODS]
    if unknown:
        raise InputError(f"there is no method {unknown[0]!r}; there are {', '.join(METHODS)}")
    return list(dict.fromkeys(names))


def _fit(name: str, training: Library, encoder: Encoder | None) -> Recommender:
    match name:
        case "playlist_knn":
            from segue.recommend.playlist_index import PlaylistIndex
            from segue.recommend.playlist_knn import PlaylistKnn

            return PlaylistKnn(PlaylistIndex.of(training.playlist_tracks))
        case "item_knn":
            from segue.recommend.item_knn import ItemKnn
            from segue.recommend.playlist_index import PlaylistIndex

            return ItemKnn(PlaylistIndex.of(training.playlist_tracks))
        case "ease":
            return _ease(training)
        case "published" if encoder is None:
            raise MissingDependency("the published recipe", extra="bundled")
    from segue.systems.recipes import baseline

    return baseline(name, training, encoder)


def _ease(training: Library) -> Recommender:
    """The exact linear model, and beyond its size the form of it that scales."""
    from segue.recommend.ease import MAX_EXACT, EaseSettings, fit_ease
    from segue.recommend.playlist_index import PlaylistIndex
    from segue.recommend.playlist_ridge import PlaylistRidge

    index = PlaylistIndex.of(training.playlist_tracks)
    if index.n_playlists > MAX_EXACT:
        return PlaylistRidge.fitted(index, training.artist_rows)
    return fit_ease(index, EaseSettings(), training.artist_rows)
