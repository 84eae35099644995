"""Train, rebuild and update model folders."""

from __future__ import annotations

import platform
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from segue.encode.base import Encoder
from segue.errors import InputError, StoredDataError
from segue.index.suggest import Suggestions
from segue.library import Catalogue, Library
from segue.library.arrays import fingerprint, save_array, write_json
from segue.library.folders import check_place, locked, new_folder, put_back
from segue.library.vote_parameters import ShareModel, VoteParameters
from segue.recommend.continuation import DEFAULT_WEIGHTS, BlendWeights, Continuation
from segue.recommend.nearest import PublishedRecipe
from segue.recommend.title_build import Learned, TitleCorpus, build_title_model
from segue.split.holdout import holdout
from segue.systems.manifest import FORMAT_VERSION, describe_files, read_manifest, verify
from segue.systems.recipes import RECIPES, baseline, open_encoder
from segue.systems.title_vote import Grid, fit_blend, learn
from segue.train.votes import VoteTraining

__all__ = ["NGRAMS", "TrainSettings", "opened_base_model", "train_model", "update_model"]

Progress = Callable[[int, int, str], None]
NGRAMS = "ngrams"
_UPDATED_FROM = ("library", "encoder", "votes")  # parts of a model that an update reads; it makes the others anew


@dataclass(frozen=True)
class TrainSettings:
    """How the shipped title model is trained; the defaults are those of DESIGN section 4.

    Args:
        vote, grid: training of the vote, and the values that are tried for its scalars.
        continuation: whether given tracks are served too.
        blend_queries: validation queries per number of given tracks for fitting the weights of the continuation;
            0 takes the weights that were fitted on seven thousand real playlists.
    """

    vote: VoteTraining = field(default_factory=VoteTraining)
    grid: Grid = field(default_factory=Grid)
    continuation: bool = True
    blend_queries: int = 0


def train_model(
    library: Library,
    out: Path,
    *,
    recipe: str = "title_vote",
    base_model: str | None = None,
    settings: TrainSettings | None = None,
    hold_out: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Learn from a library and write a model folder, atomically.

    Args:
        recipe: one of :data:`~segue.systems.recipes.RECIPES`.
        base_model: folder or name of a sentence encoder; "ngrams" for none; None looks for the bundled one.
        hold_out: leave the test playlists out of the model, so that it can be evaluated honestly.

    Returns:
        The manifest, with a summary of what was learnt.

    Raises:
        InputError: unknown recipe. TrainingError: too little to learn from. OutputError: cannot write.
    """
    if recipe not in RECIPES:
        raise InputError(f"there is no recipe {recipe!r}; there are {', '.join(RECIPES)}")
    settings = settings or TrainSettings()
    check_place(out, "segue model")
    if hold_out:
        split = holdout(library)
        rows = [r for part in (split.train, split.validation) for r in part.tolist()]
        voters = library.select_playlists(sorted(rows))
    else:
        voters = library
    with tempfile.TemporaryDirectory(prefix="segue-") as scratch:
        encoder_folder = Path(scratch) / "encoder"
        encoder: Encoder | None = None
        if recipe in ("title_vote", "published"):
            encoder = opened_base_model(library, encoder_folder, base_model, progress=progress)
        learned: Learned | None = None
        log: dict[str, float] = {}
        blend: tuple[BlendWeights, ...] | None = None
        if recipe == "title_vote":
            assert encoder is not None
            learned, log = learn(library, encoder, training=settings.vote, grid=settings.grid, progress=progress)
            if settings.continuation:
                blend = DEFAULT_WEIGHTS
            if settings.continuation and settings.blend_queries:
                blend = fit_blend(library, encoder, learned, settings.blend_queries, progress=progress)
        summary = {
            "hold_out": hold_out,
            "validation": log,
            "settings": asdict(settings),
            "base_model": base_model or "bundled",
        }
        return _write(out, voters, recipe, encoder, encoder_folder, learned, blend, summary, progress=progress)


def opened_base_model(
    library: Library, folder: Path, base_model: str | None, *, progress: Progress | None = None
) -> Encoder:
    """Put a base model into ``folder`` in the form that queries use, and open it.

    Without torch, or with ``base_model="ngrams"``, this is the n-gram encoder fitted on the titles of the library's
    training part: held-out titles shape nothing.
    """
    from segue.encode.ngrams import NgramEncoder
    from segue.encode.onnx import OnnxEncoder
    from segue.views.titles import normalise

    if base_model == NGRAMS or (base_model is None and find_spec("torch") is None):
        folder.mkdir(parents=True)
        rows = holdout(library).train.tolist() or range(library.n_playlists)
        ngrams = NgramEncoder.fitted(sorted({normalise(library.titles[row], "read") for row in rows}))
        ngrams.save(folder)
        return ngrams
    from segue.encode.locate import base_model_folder
    from segue.train.export import export_onnx

    source = base_model_folder(base_model)
    if (source / "onnx" / "model.onnx").exists() and (source / "tokenizer.json").exists():
        shutil.copytree(source, folder)
    else:
        if progress:
            progress(0, 1, "exporting the encoder to ONNX")
        export_onnx(source, folder)
    return OnnxEncoder.open(folder)


def update_model(
    model: Path, new: Library, *, out: Path | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Add playlists to a model without training; equals a rebuild over all playlists with the same parameters.

    Of two updates of one model in place at once the second waits, and adds to what the first has written.

    Raises:
        InputError: a playlist of the new library is in the model already.
        StoredDataError: no model, a damaged one, or one of a newer format.
    """
    put_back(model)
    read_manifest(model)
    if out is not None and out.resolve() != model.resolve():
        return _update(model, new, out, progress)

    def waiting() -> None:
        if progress:
            progress(0, 1, "waiting for another update of this model")

    with locked(model, waiting):
        return _update(model, new, model, progress)


def _update(model: Path, new: Library, out: Path, progress: Progress | None) -> dict[str, Any]:
    from segue.library.merge import merge

    manifest = read_manifest(model)
    encoder = open_encoder(model, manifest)
    try:
        learned = _learned(model, manifest) if manifest["recipe"] == "title_vote" else None
        blend = tuple(BlendWeights(**w) for w in manifest["continuation"]) if manifest.get("continuation") else None
    except (KeyError, TypeError, ValueError) as error:
        raise StoredDataError(f"{model / 'manifest.json'} is damaged ({error!r}); train the model again") from error
    verify(model, _UPDATED_FROM)
    library = merge(Library.load(model / "library"), new)
    summary = {**manifest["training"], "updated": True}
    recipe, place = str(manifest["recipe"]), model / "encoder"
    return _write(out, library, recipe, encoder, place, learned, blend, summary, progress=progress)


def _learned(model: Path, manifest: dict[str, Any]) -> Learned:
    """What training learnt, as a model folder keeps it."""
    about = manifest["learned"]
    return Learned(
        vote=VoteParameters.load(model / "votes"),
        shares=None if about["shares"] is None else ShareModel.from_json(about["shares"]),
        ridge=about["ridge"],
        track_rates=tuple(about["track_rates"] or ()) or None,
    )


def _write(
    out: Path,
    library: Library,
    recipe: str,
    encoder: Encoder | None,
    encoder_folder: Path,
    learned: Learned | None,
    blend: tuple[BlendWeights, ...] | None,
    summary: dict[str, Any],
    *,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Build the recipe on a library and write everything that a query and a later update need."""
    with new_folder(out, kind="segue model") as folder:
        manifest: dict[str, Any] = {"kind": "segue model", "format_version": FORMAT_VERSION, "recipe": recipe}
        if encoder is not None:
            shutil.copytree(encoder_folder, folder / "encoder")
            kind = NGRAMS if not (encoder_folder / "onnx").exists() else "onnx"
            manifest["encoder"] = {"kind": kind, "fingerprint": encoder.fingerprint}
        library.save(folder / "library")
        distinct = library.playlist_tracks.distinct()
        save_array(folder / "playlists.indptr.npy", distinct.indptr)
        save_array(folder / "playlists.indices.npy", distinct.indices)
        (folder / "tracks").mkdir()
        catalogue = Catalogue.of(library)
        catalogue.save(folder / "tracks")
        (folder / "suggest").mkdir()
        counts = np.bincount(distinct.indices, minlength=len(catalogue)).astype(np.int32)
        Suggestions.of(catalogue, counts).save(folder / "suggest")
        if learned is not None:
            assert encoder is not None
            corpus = TitleCorpus.of(library, encoder, progress=progress)
            title = build_title_model(corpus, learned, progress=progress)
            manifest["title"] = title.save(folder)
            manifest["learned"] = {
                "vote": learned.vote.scalars,
                "shares": None if learned.shares is None else learned.shares.to_json(),
                "ridge": learned.ridge,
                "track_rates": learned.track_rates,
            }
            recommender: Any = title
            if blend is not None:
                if progress:
                    progress(0, 1, "indexing playlists for continuation")
                recommender = Continuation.fitted(library, title, weights=blend)
                recommender.save(folder / "continuation")
                manifest["continuation"] = [asdict(w) for w in blend]
        else:
            recommender = baseline(recipe, library, encoder)
            if isinstance(recommender, PublishedRecipe):
                recommender.save(folder / "published")
        manifest |= {
            "recommender": recommender.fingerprint,
            "library": library.fingerprint,
            "public": library.public,
            "n_playlists": library.n_playlists,
            "n_tracks": library.n_tracks,
            "training": summary,
            "versions": {
                "segue": version("segue-playlists"),
                "python": platform.python_version(),
                **{p: version(p) for p in ("numpy", "scipy", "onnxruntime")},
            },
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        manifest["fingerprint"] = fingerprint(recipe, recommender.fingerprint, library.fingerprint)
        manifest["files"] = describe_files(folder)
        write_json(folder / "manifest.json", manifest)
    return manifest
