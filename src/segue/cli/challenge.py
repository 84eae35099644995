"""``segue challenge``: a submission to the RecSys Challenge 2018."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from segue.cli.options import ModelOption

__all__ = ["challenge"]


def challenge(
    challenge_set: Annotated[
        Path, typer.Argument(metavar="CHALLENGE_SET.json", help="The challenge set (also .gz).", show_default=False)
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Submission to write, .csv.gz.", show_default=False)],
    team: Annotated[str, typer.Option("--team", help="Team name.", show_default=False)],
    email: Annotated[str, typer.Option("--email", help="E-mail address of the team.", show_default=False)],
    model: ModelOption = None,
    track: Annotated[
        Literal["main", "creative", "none"],
        typer.Option("--challenge-track", help="main, creative, or none (the relaunch's form)."),
    ] = "main",
) -> None:
    """Continue the playlists of the RecSys Challenge 2018 by 500 tracks each.

    The file is verified by the challenge's rules after it was written.

    [dim]segue challenge challenge_set.json -m model -o submission.csv.gz --team Us --email us@example.org[/]
    """
    from segue.cli.options import chosen_model
    from segue.cli.terminal import progress, say
    from segue.protocols.challenge_set import Team, read_challenge_set
    from segue.protocols.submission import write_submission
    from segue.protocols.verification import check_submission
    from segue.systems.model import Model

    who = Team(team, email, None if track == "none" else track)
    opened = Model.load(chosen_model(model))
    playlists = read_challenge_set(challenge_set)
    with progress() as report:
        written = write_submission(playlists, opened.recommender, opened.catalogue, out, who, progress=report)
    check_submission(playlists, out)
    say(
        f"wrote {out}: {written.n_playlists:,} playlists, accepted by the rules; {written.n_given_unknown:,} of "
        f"{written.n_given:,} given tracks are not in the model"
    )
