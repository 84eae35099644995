"""The two-tower system: the tracks that users love and what tracks are called -> a recommender for listeners."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from segue.encode.base import Encoder
from segue.encode.tower_inputs import TrackInputs, UserInputs, Vocabulary
from segue.library import Catalogue
from segue.recommend.two_tower import TwoTower
from segue.recommend.user_scores import popularity_among
from segue.split.users import UserSplit
from segue.systems.two_tower_folder import TwoTowerModel
from segue.systems.two_tower_text import text_vectors
from segue.systems.two_tower_validation import Validation
from segue.train.two_tower import TowersTrained, train_towers
from segue.train.two_tower_settings import TowerSettings
from segue.views.specs import View

__all__ = ["TwoTowerLearnt", "learn"]

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, eq=False)
class TwoTowerLearnt:
    """A model, and how it came about: ``trained.history`` has the figures of each epoch on the validation part."""

    model: TwoTowerModel
    trained: TowersTrained


def learn(
    split: UserSplit,
    view: View | None,
    encoder: Encoder | None,
    settings: TowerSettings,
    *,
    progress: Progress | None = None,
) -> TwoTowerLearnt:
    """Train towers on the training part; the validation part chooses the epoch, the test part is not looked at.

    Args:
        split: of a library's users; all rows of the model are those of ``split.library``.
        view, encoder: what the track tower reads as text; without either it reads none.

    Raises:
        TrainingError: too little to learn from, or a training without effect.
    """
    library = split.library
    text = text_vectors(split, view, encoder, progress=progress)
    vocabulary = Vocabulary.of(library, split.train)
    tracks = TrackInputs.of(library, vocabulary, text)
    users = UserInputs.of_library(library, split.train, vocabulary)
    validation = Validation(split, users, tracks)
    trained = train_towers(
        users,
        tracks,
        vocabulary,
        settings,
        validate=validation.score if len(split.validation.indices) else None,
        monitor=validation.metrics if len(split.validation.indices) else None,
        progress=progress,
    )
    popularity = popularity_among(split.train, library.tracks["track_id"].to_list())
    recommender = TwoTower.of(trained.towers, vocabulary, tracks, popularity)
    about = {
        "view": None if view is None or encoder is None else view.spec,
        "encoder": None if encoder is None else encoder.fingerprint,
        "settings": settings.to_json(),
        "split": {**split.settings, "fingerprint": split.fingerprint},
        "history": [epoch.to_json() for epoch in trained.history],
        "best_epoch": trained.best_epoch,
        "effect": trained.effect.to_json(),
    }
    assert library.users is not None
    model = TwoTowerModel(
        recommender=recommender,
        catalogue=Catalogue.of(library),
        user_ids=tuple(split.user_ids),
        countries=tuple(library.users["country"].fill_null("").to_list()),
        loved=split.train,
        about=about,
    )
    return TwoTowerLearnt(model, trained)
