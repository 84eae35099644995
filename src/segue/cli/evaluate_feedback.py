"""``segue evaluate --protocol feedback``: what it helps to say what one thinks of a list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from segue.errors import InputError

if TYPE_CHECKING:
    from segue.cli.trial import Trial
    from segue.library import Library, Recommender
    from segue.protocols.feedback_figures import FeedbackFigures
    from segue.split.holdout import Part

__all__ = ["FeedbackOptions", "evaluate_feedback"]


@dataclass(frozen=True, slots=True)
class FeedbackOptions:
    """What this protocol alone is told.

    Args:
        wrong: percents with commas. learn: whether to train anew; None where a library is given. events: replayed.
    """

    wrong: str
    turns: int
    learn: bool | None
    events: Path | None


def evaluate_feedback(
    source: Path,
    out: Path | None,
    *,
    library: Path | None,
    part: Part,
    base_model: str | None,
    config: Path | None,
    options: FeedbackOptions,
    as_json: bool = False,
    unwanted: Sequence[str] = (),
) -> None:
    """Simulate people, or replay stored events, and report.

    Args:
        unwanted: other options that were given and mean nothing here.

    Raises:
        InputError: options that do not go together, or nothing to ask about.
    """
    import tempfile

    from segue.cli.methods import LEARNED
    from segue.cli.options import kind_of_folder
    from segue.cli.terminal import progress, say
    from segue.cli.trial import prepared
    from segue.protocols.feedback_figures import as_json as as_bytes
    from segue.protocols.feedback_figures import print_figures, save_figures

    if unwanted:
        raise InputError(f"{' and '.join(unwanted)} means nothing to --protocol feedback; leave it out")
    if out is None and not as_json:
        raise InputError("a report needs a place; give a folder with -o, or --json")
    of_model = kind_of_folder(source) == "model"
    learn, events, turns = options.learn, options.events, options.turns
    if learn and of_model:
        raise InputError(f"{source} is a model; --learn trains one itself, with and without feedback: give a library")
    if learn and events is not None:
        raise InputError("--events replays what was stored, --learn is about simulated people; give one of them")
    shares = _percents(options.wrong)
    with tempfile.TemporaryDirectory(prefix="segue-") as folder:
        scratch = Path(folder)
        with progress() as report:
            trial = prepared(
                source,
                library,
                [LEARNED],
                "title",
                part,
                base_model,
                config,
                close_look=False,
                scratch=scratch,
                report=report,
            )
            recommender = list(trial.recommenders.values())[-1]
            if events is not None:
                found = _replayed(trial, recommender, events, report)
            else:
                found = _simulated(trial, recommender, shares, turns, report)
                if learn or (learn is None and not of_model):
                    train = _trainer(part, base_model, config, scratch, report)
                    found = _learnt(trial, recommender, found, train, turns, report)
    if as_json:
        import sys

        sys.stdout.write(as_bytes(found).decode())
    else:
        print_figures(found)
    if out is not None:
        data, html = save_figures(found, out)
        say(f"wrote {data} and {html}")


def _simulated(
    trial: Trial,
    recommender: Recommender,
    shares: Sequence[float],
    turns: int,
    report: Callable[[int, int, str], None],
) -> FeedbackFigures:
    from segue.protocols.feedback import run_feedback

    return run_feedback(
        trial.library, trial.split, recommender, part=trial.part, wrong=shares, turns=turns, progress=report
    )


def _learnt(
    trial: Trial,
    recommender: Recommender,
    found: FeedbackFigures,
    train: Callable[[Library], Recommender],
    turns: int,
    report: Callable[[int, int, str], None],
) -> FeedbackFigures:
    import msgspec

    from segue.cli.terminal import say
    from segue.protocols.feedback_learning import run_learning

    training = trial.library if trial.part == "test" else trial.library.select_playlists(trial.split.train)
    try:
        rows, n = run_learning(
            trial.library, trial.split, recommender, training, train, part=trial.part, turns=turns, progress=report
        )
    except InputError as error:
        say(f"nothing was learnt from: {error}")
        return found
    note = (
        f"Learning: {n:,} playlists of kept tracks, of half of the people and {turns - 1} turns without wrong "
        "clicks, joined the training playlists; the other half was asked for its titles."
    )
    return msgspec.structs.replace(found, learning=rows, notes=[*found.notes, note])


def _trainer(
    part: Part,
    base_model: str | None,
    config: Path | None,
    scratch: Path,
    report: Callable[[int, int, str], None],
) -> Callable[[Library], Recommender]:
    """The training that :func:`~segue.cli.trial.prepared` did, for another library."""
    from segue.cli.methods import pretrained_encoder
    from segue.cli.settings import read_settings
    from segue.systems.builds import train_model
    from segue.systems.model import Model

    wanted = read_settings(config).train
    base = base_model or wanted.base_model
    if pretrained_encoder(base, report) is None:
        base = "ngrams"

    def train(library: Library) -> Recommender:
        place = scratch / "learnt"
        train_model(
            library, place, base_model=base, settings=wanted.settings(), hold_out=part == "test", progress=report
        )
        return Model.load(place).recommender

    return train


def _replayed(
    trial: Trial, recommender: Recommender, events: Path, report: Callable[[int, int, str], None]
) -> FeedbackFigures:
    from segue.library.feedback import FeedbackEvent
    from segue.library.searching import read_lines
    from segue.protocols.feedback import NOTHING
    from segue.protocols.feedback_figures import FeedbackFigures
    from segue.protocols.feedback_replay import replay

    ids = trial.library.tracks["track_id"].to_list()
    found = replay(read_lines(events, FeedbackEvent), ids, recommender, progress=report)
    return FeedbackFigures(
        part=trial.part,
        library=trial.library.fingerprint,
        model=recommender.fingerprint,
        reference=NOTHING,
        n_people=found.people,
        n_training=len(trial.split.train),
        habits={},
        turns=0,
        rows=[],
        replayed=found,
        notes=[
            "Stored events: people judged what an earlier model had shown them; nobody saw the lists asked for here."
        ],
    )


def _percents(text: str) -> list[float]:
    found = []
    for part in dict.fromkeys(one.strip() for one in text.split(",") if one.strip()):
        try:
            share = float(part) / 100
        except ValueError:
            share = -1.0
        if not 0 <= share <= 1:
            raise InputError(f"--wrong {part!r} is no percent; give some from 0 to 100, with commas")
        found.append(share)
    if not found:
        raise InputError("--wrong names nothing; give percents with commas, as in 0,10")
    return found
