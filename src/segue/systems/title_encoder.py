"""playlists -> supervision -> fine-tuned title encoder -> bundle: the published fine-tuning, and ours."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from segue.encode.base import Encoder
from segue.encode.bundle import KIND
from segue.encode.folder import SentenceFolder
from segue.encode.locate import base_model_folder
from segue.errors import InputError, TrainingError
from segue.library import Library
from segue.library.arrays import fingerprint
from segue.library.folders import check_place, locked
from segue.split.holdout import held_out, holdout
from segue.systems.encoder_bundle import write_encoder
from segue.systems.encoder_metrics import validated
from segue.systems.recipe_score import RecipeScore
from segue.systems.supervision import TitledPlaylists, artist_queries, class_labels, keys, overlaps, votes
from segue.systems.title_vote import thinned
from segue.train.classify import Classification
from segue.train.contrast import ContrastiveLoss
from segue.train.loop import Trained, train_encoder
from segue.train.objective import Objective
from segue.train.settings import FinetuneSettings
from segue.train.text_model import TextModel
from segue.train.triplets import TripletLoss
from segue.train.vote_objective import VoteObjective

if TYPE_CHECKING:
    from segue.library.themes import Themes

__all__ = ["Tuned", "checkpoints_of", "finetune_encoder", "tune"]

Progress = Callable[[int, int, str], None]
_ASKED = 700  # validation playlists that an epoch is judged by, at most
_ASKED_TRAIN = 200  # training playlists that are asked for the record; they do not vote then


@dataclass(frozen=True, eq=False)
class _Data:
    """Who trains and who is asked.

    Args:
        train, held: titled playlists to learn from, and those that only measure.
        validation, training: how the recommendation metric is asked for; None where nobody can be asked.
    """

    library: Library
    train: TitledPlaylists
    held: TitledPlaylists
    themes: Themes | None
    everything: bool
    validation: RecipeScore | None
    training: RecipeScore | None


@dataclass(frozen=True, eq=False)
class Tuned:
    """A model with the weights of its best epoch, and what it came from."""

    model: TextModel
    trained: Trained
    base: Path
    data: _Data


def checkpoints_of(out: Path) -> Path:
    """Where a fine-tuning into ``out`` keeps its checkpoints until it is done."""
    return out.with_name(f"{out.name}.training")


def finetune_encoder(
    library: Library,
    out: Path,
    *,
    settings: FinetuneSettings,
    themes: Themes | None = None,
    base_model: str | None = None,
    everything: bool = False,
    restart: bool = False,
    finish: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Fine-tune a title encoder and write it as a bundle, atomically.

    A training that was killed goes on when the same call is made again, and ends in the same bits.

    Args:
        themes: clusters of the library's playlists, for the losses that learn from classes.
        base_model: folder or name of the encoder to start from; None looks for the bundled one.
        everything: learn from all playlists, held-out ones too; nothing honest can be measured with such an encoder.
        restart: forget the checkpoints of an earlier training into ``out``.
        finish: train no further and make the bundle of the best epoch so far.

    Returns:
        The manifest.

    Raises:
        InputError: settings or themes that make no sense here. TrainingError: too little to learn from, a loss that
            is not finite, or a training without effect. StoredDataError: damaged checkpoints or encoder.
        MissingDependency: torch or the base model is not installed. OutputError: cannot write.
    """
    check_place(out, KIND)
    with locked(out, lambda: progress(0, 1, "waiting for another training of this encoder") if progress else None):
        checkpoints = checkpoints_of(out)
        if restart:
            shutil.rmtree(checkpoints, ignore_errors=True)
        tuned = tune(
            library,
            settings=settings,
            themes=themes,
            base_model=base_model,
            everything=everything,
            checkpoints=checkpoints,
            finish=finish,
            progress=progress,
        )
        if progress:
            progress(0, 1, "writing the encoder and checking its export")
        manifest = _write(out, tuned, settings)
        shutil.rmtree(checkpoints, ignore_errors=True)
        return manifest


def tune(
    library: Library,
    *,
    settings: FinetuneSettings,
    themes: Themes | None = None,
    base_model: str | None = None,
    everything: bool = False,
    checkpoints: Path | None = None,
    finish: bool = False,
    progress: Progress | None = None,
) -> Tuned:
    """Fine-tune a title encoder in memory: :func:`finetune_encoder` without its bundle.

    Raises:
        InputError, TrainingError, StoredDataError, MissingDependency: as there.
    """
    base = base_model_folder(base_model)
    data = _data(library, settings, themes, everything)
    if progress:
        progress(0, 1, "opening the encoder")
    model = TextModel.open(
        base,
        method=settings.method,
        freeze_embeddings=settings.freeze_embeddings,
        frozen_layers=settings.frozen_layers,
        lora_rank=settings.lora_rank,
        dropout=settings.encoder_dropout,
        precision=settings.precision,
        chunk=settings.chunk,
        rng_key=settings.rng_key,
    )
    trained = train_encoder(
        model,
        _objective(data, model.d, settings),
        settings,
        validate=None if data.validation is None else data.validation.mean,
        monitor=None if data.training is None else data.training.mean,
        checkpoints=checkpoints,
        run=fingerprint(
            library.fingerprint,
            None if themes is None else themes.fingerprint,
            SentenceFolder.read(base).fingerprint(),
            everything,
        ),
        finish=finish,
        progress=progress,
    )
    return Tuned(model, trained, base, data)


def _data(library: Library, settings: FinetuneSettings, themes: Themes | None, everything: bool) -> _Data:
    if themes is not None:
        themes.check(library)
        if themes.sees_everything and not everything:
            raise InputError(
                "these themes were made of all playlists, held-out ones too; make them without --all, or fine-tune "
                "with --all"
            )
    split = holdout(library)
    learn = np.arange(library.n_playlists) if everything else split.train
    train = TitledPlaylists.of(library, learn, settings)
    held_rows = np.zeros(0, np.int32) if everything else split.validation
    held = TitledPlaylists.of(library, held_rows, settings)
    if len(train) < 2:
        raise TrainingError(
            f"fine-tuning needs at least 2 playlists with a title and a track, there are {len(train)}; give more"
        )
    validation = training = None
    if not everything and len(held):
        try:
            asked = thinned(held_out(library, split, "validation"), _ASKED).rows
        except InputError:
            asked = np.zeros(0, np.int32)  # every one is a copy of a training playlist
        if len(asked):
            validation = RecipeScore.of(library, split.train, asked)
            some = train.rows[np.linspace(0, len(train) - 1, min(len(train) // 4, _ASKED_TRAIN)).astype(int)]
            if len(some):
                training = RecipeScore.of(library, np.setdiff1d(split.train, some), some)
    return _Data(library, train, held, themes, everything, validation, training)


def _objective(data: _Data, d: int, settings: FinetuneSettings) -> Objective:
    import torch

    torch.manual_seed(settings.rng_key)  # what a loss adds starts at random
    library, train, held = data.library, data.train, data.held
    if settings.loss in ("cross_entropy", "triplet"):
        labels, others = class_labels(library, data.themes, settings)
        if settings.loss == "triplet":
            return TripletLoss.of(labels, others, settings)
        return Classification.of(labels, others, d, settings)
    if settings.loss == "contrastive":
        near, held_near = overlaps(library, train, held, settings)
        numbers = np.array(keys((*train.texts, *held.texts)), np.int64)
        own, other = numbers[train.text_rows], numbers[len(train.texts) + held.text_rows]
        return ContrastiveLoss.of(near, held_near, own, other, d, settings)
    more = artist_queries(library, train.rows, settings) if settings.artists else None
    texts = (*train.texts, *(() if more is None else more.titles), *held.texts)
    return VoteObjective.of(votes(library, train), votes(library, held), keys(texts), settings, more=more)


def _write(out: Path, found: Tuned, settings: FinetuneSettings) -> dict[str, Any]:
    """The bundle: the encoder, its graph, what training did to it, how good it is, and its card."""
    data = found.data

    def metrics(before: Encoder, after: Encoder) -> dict[str, Any]:
        return {} if data.validation is None else validated(data.validation, before, after)

    return write_encoder(
        out,
        found.model,
        found.trained,
        found.base,
        settings,
        texts=data.train.texts,
        data={
            "library": data.library.fingerprint,
            "part": "all" if data.everything else "train",
            "n_playlists": len(data.train),
            "n_titles": len(data.train.texts),
            "themes": None if data.themes is None else data.themes.fingerprint,
        },
        metrics=metrics,
    )
