"""pairs -> an encoder tuned for search -> bundle, with what it cost and what it forgot."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder
from segue.encode.bundle import KIND
from segue.encode.folder import SentenceFolder
from segue.encode.locate import base_model_folder
from segue.errors import TrainingError
from segue.evaluate.significance import interval, paired
from segue.library import Library
from segue.library.arrays import fingerprint
from segue.library.folders import check_place, locked
from segue.library.supervision import Pairs
from segue.systems.encoder_bundle import ADAPTER, write_encoder
from segue.systems.search_drift import Similar, drift, random_similar
from segue.systems.search_pairs import SearchPairs
from segue.systems.title_encoder import checkpoints_of
from segue.train.graded import GradedContrast, GradedSettings
from segue.train.loop import Trained, train_encoder
from segue.train.text_model import TextModel

__all__ = ["SearchScore", "TunedForSearch", "checkpoints_of", "tune_in_memory", "tune_search_encoder"]

Progress = Callable[[int, int, str], None]
Validate = Callable[[Encoder], float]


@dataclass(frozen=True, eq=False)
class SearchScore:
    """How well an encoder alone finds the texts that queries are about.

    Args:
        queries: what is asked. truth: place of each one's text in ``corpus``, int64 ``(n,)``.
    """

    queries: Sequence[str]
    truth: NDArray[np.int64]
    corpus: Sequence[str]

    def ranks(self, encoder: Encoder) -> NDArray[np.int64]:
        """Rank of each query's text by cosine, from 1; texts that score the same count as better."""
        texts = encoder.encode(self.corpus)
        scores = encoder.encode(self.queries) @ texts.T
        own = scores[np.arange(len(self.truth)), self.truth]
        ranks: NDArray[np.int64] = (scores >= own[:, None]).sum(axis=1)
        return ranks

    def mean(self, encoder: Encoder) -> float:
        """Mean of recall@10 and MRR@10."""
        ranks = self.ranks(encoder)
        return float((_recall(ranks).mean() + _reciprocal(ranks).mean()) / 2)

    def figures(self, base: Encoder, tuned: Encoder) -> dict[str, dict[str, float]]:
        """Recall@10 and MRR@10 of the tuned encoder with intervals, the base's, and their ratio."""
        before, after = self.ranks(base), self.ranks(tuned)
        found: dict[str, dict[str, float]] = {}
        for name, read in (("recall@10", _recall), ("mrr@10", _reciprocal)):
            theirs, ours = read(before), read(after)
            for label, each in ((name, ours), (f"{name} of the base", theirs)):
                one = interval(each)
                found[label] = one.to_json()
            if theirs.mean() > 0:
                ratio = paired(ours, theirs).ratio
                found[f"{name}, ratio to the base"] = ratio.to_json()
        return found


def _recall(ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    return (ranks <= 10).astype(np.float64)


def _reciprocal(ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.where(ranks <= 10, 1 / ranks, 0.0)


@dataclass(frozen=True, eq=False)
class TunedForSearch:
    """A model with the weights of its best epoch. ``moving`` of ``parameters`` were trained."""

    model: TextModel
    trained: Trained
    base: Path
    moving: int
    parameters: int
    texts: tuple[str, ...]


def tune_search_encoder(
    library: Library,
    pairs: SearchPairs | Pairs,
    out: Path,
    *,
    settings: GradedSettings,
    held: Pairs | None = None,
    base_model: str | None = None,
    validate: Validate | None = None,
    similar: Similar | None = None,
    restart: bool = False,
    finish: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Tune an encoder on pairs and write it as a bundle, atomically; ``segue index --encoder`` takes it.

    A tuning that was killed goes on when the same call is made again, and ends in the same bits. With LoRA the change
    lies in ``adapter/`` too, as plain peft loads it; the weights of the bundle have it merged.

    Args:
        pairs: what :func:`~segue.systems.search_pairs.search_pairs` gathered, or pairs alone.
        held: pairs that only measure, where ``pairs`` says nothing of them.
        base_model: folder or name of the encoder to start from; None looks for the bundled one.
        validate: encoder -> how well it searches; it chooses the epoch. Without it the queries of ``pairs`` are
            asked.
        similar: text pairs that tell what is forgotten; None takes random pairs of the texts that are searched.
        restart: forget the checkpoints of an earlier tuning into ``out``. finish: train no further.

    Returns:
        The manifest, with ``parameters``, ``adapter`` and ``drift``.

    Raises:
        InputError: settings that make no sense here. TrainingError: too little to learn from, a loss that is not
            finite, or a training without effect. StoredDataError: damaged checkpoints or encoder.
        MissingDependency: torch, peft or the base model is not installed. OutputError: cannot write.
    """
    check_place(out, KIND)
    given = pairs if isinstance(pairs, SearchPairs) else None
    plain = pairs if isinstance(pairs, Pairs) else pairs.train
    score = None if given is None or not len(given.queries) else SearchScore(given.queries, given.truth, given.corpus)
    if validate is None and score is not None:
        validate = score.mean
    with locked(out, lambda: progress(0, 1, "waiting for another tuning of this encoder") if progress else None):
        checkpoints = checkpoints_of(out)
        if restart:
            shutil.rmtree(checkpoints, ignore_errors=True)
        tuned = tune_in_memory(
            plain,
            settings=settings,
            held=held if given is None else given.held,
            contents=None if given is None else given.contents,
            base_model=base_model,
            validate=validate,
            checkpoints=checkpoints,
            run=library.fingerprint,
            finish=finish,
            progress=progress,
        )
        if progress:
            progress(0, 1, "writing the encoder and checking its export")
        texts = tuple(dict.fromkeys(plain.right if given is None else given.corpus))
        measured = random_similar(texts, rng_key=settings.rng_key) if similar is None else similar
        manifest = write_encoder(
            out,
            tuned.model,
            tuned.trained,
            tuned.base,
            settings,
            texts=tuned.texts,
            data={
                "library": library.fingerprint,
                "part": "train" if given is None else given.part,
                "n_pairs": len(plain.left),
                "n_held": 0 if given is None else len(given.held.left),
                "n_titles": len(tuned.texts),
                "n_playlists": 0 if given is None else given.n_playlists,
                "sources": {"pairs": len(plain.left)} if given is None else dict(given.sources),
                "left_out": {} if given is None else dict(given.left_out),
                "themes": None,
            },
            metrics=lambda old, new: {} if score is None else score.figures(old, new),
            adapter=settings.method == "lora",
            card_template="search_model_card.md",
            card_words=_words,
            metric="mean of recall@10 and MRR@10",
            more=lambda old, new: {
                "parameters": {"moving": tuned.moving, "all": tuned.parameters},
                "adapter": ADAPTER if settings.method == "lora" else None,
                "drift": drift(measured, old, new),
            },
        )
        shutil.rmtree(checkpoints, ignore_errors=True)
        return manifest


def tune_in_memory(
    pairs: Pairs,
    *,
    settings: GradedSettings,
    held: Pairs | None = None,
    contents: Mapping[str, NDArray[np.float32]] | None = None,
    base_model: str | None = None,
    validate: Validate | None = None,
    checkpoints: Path | None = None,
    run: str = "",
    finish: bool = False,
    progress: Progress | None = None,
) -> TunedForSearch:
    """Tune an encoder in memory: :func:`tune_search_encoder` without its bundle.

    Raises:
        InputError, TrainingError, StoredDataError, MissingDependency: as there.
    """
    base = base_model_folder(base_model)
    if settings.method == "adapter":
        raise TrainingError("search is tuned with LoRA or with all weights; choose --method lora or full")
    objective = GradedContrast.of(pairs, settings, held=held, contents=contents)
    if progress:
        progress(0, 1, "opening the encoder")
    model = TextModel.open(
        base,
        method=settings.method,
        freeze_embeddings=settings.freeze_embeddings,
        frozen_layers=settings.frozen_layers,
        lora_rank=settings.lora_rank,
        lora_alpha=settings.lora_alpha,
        lora_targets=settings.lora_targets,
        dropout=settings.encoder_dropout,
        precision=settings.precision,
        chunk=settings.chunk,
        max_length=settings.max_length,
        rng_key=settings.rng_key,
    )
    moving, parameters = model.counts()
    grades = [pairs.grades] if held is None else [pairs.grades, held.grades]
    texts = [*pairs.left, "", *pairs.right] if held is None else [*pairs.left, "", *pairs.right, "", *held.left]
    trained = train_encoder(
        model,
        objective,
        settings,
        validate=validate,
        checkpoints=checkpoints,
        run=fingerprint(
            run, "\x1f".join(texts).encode("utf-8", "replace"), *grades, SentenceFolder.read(base).fingerprint()
        ),
        finish=finish,
        progress=progress,
    )
    return TunedForSearch(model, trained, base, moving, parameters, objective.texts)


def _words(manifest: Mapping[str, Any]) -> dict[str, str]:
    """What the model card says besides the figures of every bundle."""
    counts, data, change = manifest["parameters"], manifest["data"], manifest["drift"]
    sources = ", ".join(f"{n:,} from {name}" for name, n in data["sources"].items())
    return {
        "parameters": f"{counts['moving']:,} of {counts['all']:,} parameters moved "
        f"({counts['moving'] / counts['all']:.1%})",
        "adapter": "`adapter/` holds the change alone, for peft." if manifest["adapter"] else "",
        "sources": sources,
        "drift": f"On {change['n']:,} {change['about']} the cosines before and after have a Spearman correlation of "
        f"{change['spearman_before_after']:.3f}.",
    }
