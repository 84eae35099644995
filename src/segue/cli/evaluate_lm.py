"""``segue evaluate --lm``: a language model asked directly, beside the other methods on the same sample of titles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segue.cli.language_models import JobOptions, announce, run_jobs

if TYPE_CHECKING:
    from segue.cli.trial import Trial
    from segue.lm.base import LanguageModel
    from segue.protocols.title import TitleReport

__all__ = ["evaluate_lm"]


def evaluate_lm(
    trial: Trial,
    model: LanguageModel,
    options: JobOptions,
    *,
    rows: str,
    sample: int,
    n: int,
    until: str | None,
    data_set: str | None,
) -> TitleReport:
    """Ask a language model about a sample of the held-out titles; what it will take is printed first.

    Raises:
        typer.Exit: of a dry run. SegueError: see :mod:`segue.protocols.asked_models`.
    """
    from segue.cli.methods import LEARNED
    from segue.cli.terminal import counted, progress, say
    from segue.protocols.asked_models import AskedSettings, answered, questions
    from segue.protocols.common import REFERENCE, bundled_titles
    from segue.protocols.title import run_queries
    from segue.split.holdout import held_out
    from segue.systems.title_vote import thinned

    kinds: Any = tuple(name.strip() for name in rows.split(",") if name.strip())
    settings = AskedSettings(kinds=kinds, sample=sample, n=n, until=until or "", data_set=data_set or "")
    held = thinned(held_out(trial.library, trial.split, trial.part), settings.sample)
    learned = trial.recommenders.get(LEARNED)
    if "grounded" in kinds and learned is None:
        say("left out: the row 'grounded' chooses from what the title model finds; add title_vote to --methods")
    asked = questions(trial.library, trial.split, held, settings, learned)
    say(f"a sample of {counted(len(held.rows), 'title')}; every row of the report is about these alone")
    announce(model, [(each.name, each.jobs, each.schema) for each in asked], options)
    popularity = trial.library.select_playlists(trial.split.train).playlist_tracks.column_counts()
    made = answered(
        trial.library, asked, model, lambda m, jobs, schema: run_jobs(m, jobs, schema, options), popularity
    )
    with progress() as report:
        return run_queries(
            "title",
            trial.library,
            trial.split,
            held,
            {**trial.recommenders, **made.recommenders},
            part=trial.part,
            reference=REFERENCE,
            encoder=trial.encoder,
            titles=bundled_titles(),
            list_methods=[name for name in (REFERENCE, LEARNED) if name in trial.recommenders],
            progress=report,
            notes=[f"All rows are about a sample of {len(held.rows)} playlists, evenly spaced.", *made.notes],
            own=made.own,
        )


def check_unwanted(protocol: str, unwanted: list[str]) -> None:
    """Raises: InputError: a language model is asked under another protocol, or with what does not go with it."""
    from segue.errors import InputError

    if protocol != "title":
        raise InputError("--lm asks for the tracks of titles; leave --protocol out, or --lm")
    if unwanted:
        raise InputError(f"--lm does not go with {unwanted[0]}; leave one of them out")
