"""What an evaluation needs before it can ask: who may vote, who is asked about, and the fitted methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from segue.cli.library_of_model import library_of
from segue.cli.methods import CHALLENGE_METHODS, LEARNED, TITLE_METHODS, fitted, pretrained_encoder
from segue.cli.options import kind_of_folder
from segue.cli.terminal import Progress, say
from segue.errors import InputError

if TYPE_CHECKING:
    from segue.encode.base import Encoder
    from segue.library import Library, Query, Ranking, Recommender
    from segue.split.holdout import Part, Split
    from segue.systems.model import Model

__all__ = ["Trial", "prepared", "voters"]


@dataclass(frozen=True, eq=False)
class Trial:
    """Everything to be judged, and on what; ``split.train`` holds exactly the playlists that vote."""

    library: Library
    split: Split
    part: Part
    recommenders: Mapping[str, Recommender]
    encoder: Encoder | None
    explain: Callable[[Query, Ranking], Sequence[Sequence[str]]] | None


def voters(library: Library, part: Part) -> Split:
    """The split in which everybody votes who is not asked about: a test is answered by training and validation.

    Parameters were chosen on validation playlists; for ``part="validation"`` these neither vote nor choose.
    """
    import numpy as np

    from segue.split.holdout import Split, holdout

    split = holdout(library)
    if part == "validation":
        return split
    both = np.sort(np.concatenate([split.train, split.validation]))
    return Split(train=both, validation=np.zeros(0, np.int32), test=split.test)


def prepared(
    source: Path,
    library: Path | None,
    names: Sequence[str],
    protocol: str,
    part: Part,
    base_model: str | None,
    config: Path | None,
    *,
    close_look: bool,
    scratch: Path,
    report: Progress,
) -> Trial:
    """Fit what is to be judged.

    Args:
        names: methods; none are all that fit the protocol, or the learned one for a close look.
        scratch: folder for a model that is trained on the way; it must outlive the trial.

    Raises:
        InputError: a model that has seen the test playlists, or one of another library.
    """
    everything = (LEARNED,) if close_look else CHALLENGE_METHODS if protocol == "challenge" else TITLE_METHODS
    if kind_of_folder(source) == "model":
        return _of_model(source, library, names or everything, part, report)
    return _of_library(source, names or everything, part, base_model, config, scratch / "model", report)


def _of_model(source: Path, library: Path | None, names: Sequence[str], part: Part, report: Progress) -> Trial:
    from segue.systems.model import Model

    model = Model.load(source)
    if part != "test":
        raise InputError(f"{source} was tuned on the validation playlists; only --part test can be asked of a model")
    if not model.manifest.get("training", {}).get("hold_out"):
        raise InputError(f"the test playlists vote in {source}; train it with --hold-out to evaluate it")
    whole = library_of(source, library)
    split = voters(whole, part)
    training = whole.select_playlists(split.train)
    if training.fingerprint != model.manifest.get("library"):
        raise InputError(f"{source} was trained on other playlists than this library's; give its own with --library")
    name = str(model.manifest["recipe"])
    encoder = None if model.manifest.get("encoder", {}).get("kind") == "ngrams" else model.encoder
    others = [n for n in names if n not in (name, LEARNED) and (encoder is not None or n != "published")]
    found = {**fitted(others, training, encoder, None, report), name: model.recommender}
    return Trial(whole, split, part, found, encoder, _explain(model))


def _of_library(
    source: Path,
    names: Sequence[str],
    part: Part,
    base_model: str | None,
    config: Path | None,
    scratch: Path,
    report: Progress,
) -> Trial:
    from segue.cli.settings import read_settings
    from segue.library import Library
    from segue.systems.builds import train_model
    from segue.systems.model import Model

    wanted = read_settings(config).train
    base_model = base_model or wanted.base_model
    library = Library.load(source)
    split = voters(library, part)
    training = library.select_playlists(split.train)
    encoder = pretrained_encoder(base_model, report)
    if encoder is None:
        base_model = "ngrams"
        names = _without_encoder(names)
    model: Model | None = None
    if LEARNED in names:
        learnt_from, hold_out = (library, True) if part == "test" else (training, False)
        train_model(
            learnt_from,
            scratch,
            base_model=base_model,
            settings=wanted.settings(),
            hold_out=hold_out,
            progress=report,
        )
        model = Model.load(scratch)
    found = fitted(names, training, encoder, None if model is None else model.recommender, report)
    return Trial(library, split, part, found, encoder, None if model is None else _explain(model))


def _without_encoder(names: Sequence[str]) -> list[str]:
    """The methods that can do without a pretrained title encoder; what is left out is said."""
    from importlib.util import find_spec

    needing = ("published",) if find_spec("torch") is not None else ("published", LEARNED)
    left = [name for name in names if name in needing]
    if left:
        say(f"left out, for want of a pretrained title encoder (extra 'bundled'): {', '.join(left)}")
    return [name for name in names if name not in left]


def _explain(model: Model) -> Callable[[Query, Ranking], Sequence[Sequence[str]]]:
    from segue.recommend.because import sentence
    from segue.recommend.explain import Explainer

    public = bool(model.manifest.get("public"))
    explainer = Explainer(model.recommender, model.catalogue, model.playlist_tracks, public=public)
    return lambda query, ranking: [
        [sentence(reason) for reason in reasons] for reasons in explainer.explain(query, ranking)
    ]
