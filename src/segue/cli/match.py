"""``segue match``: which tracks of one's own music a model knows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segue.cli.options import ModelOption, chosen_model

if TYPE_CHECKING:
    from segue.systems.model import Model
    from segue.systems.owned import Owned

__all__ = ["match"]


def match(
    library: Annotated[
        Path, typer.Argument(metavar="LIBRARY", help="Library of your own music.", show_default=False)
    ],
    model: ModelOption = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Write every track as CSV.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every track as JSON.")] = False,
) -> None:
    """Say which tracks of your own music a model knows, how each was found, and which are missing.

    A model is learnt from other people's playlists; [bold]segue recommend --from LIBRARY[/] answers with your own.
    Tracks are found by id, MusicBrainz id, ISRC, name and artist, versions of a recording, and last by names that
    are only alike. Missing ones are still recommended: by their artists, and by a title's words.

    [dim]segue match my-music -m model -o report.csv[/]

    [dim]segue match my-music -m model --json | jq .missing[/]
    """
    from segue.cli.terminal import say
    from segue.systems.model import Model
    from segue.systems.owned import Owned
    from segue.systems.owned_report import match_csv, match_json, match_summary

    opened = Model.load(chosen_model(model))
    owned = Owned.open(opened, library)
    if out is not None:
        from segue.library.arrays import write_bytes

        write_bytes(out, match_csv(opened, owned))
        say(f"wrote {out}")
    if as_json:
        import sys

        import msgspec

        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(match_json(opened, owned)), indent=2) + b"\n")
        sys.stdout.flush()
        return
    for line in _told(match_summary(opened, owned), opened, owned):
        print(line)


def _told(summary: dict[str, Any], model: Model, owned: Owned) -> list[str]:
    """The summary in sentences, with some of the tracks that a person may want to look at."""
    from segue.cli.terminal import counted, plain
    from segue.systems.owned_report import match_lines

    n = max(summary["tracks"], 1)
    told = [
        f"{counted(summary['tracks'], 'track')}: {summary['found']:,} found ({summary['found'] / n:.0%}), "
        f"{summary['ambiguous']:,} ambiguous, {summary['missing']:,} missing"
    ]
    if summary["how"]:
        told.append("found by " + ", ".join(f"{way} {count:,}" for way, count in summary["how"].items()))
    if summary["missing"]:
        told.append(f"of the missing, {summary['missing_by_known_artists']:,} are by artists whom the model knows")
    texts = owned.catalogue.texts
    theirs = model.catalogue.texts
    shown = {"missing": 5, "ambiguous": 5}
    for line in match_lines(owned):
        if shown.get(line.status, 0) > 0:
            shown[line.status] -= 1
            what = f"{line.status}: {texts['name'][line.row]} - {texts['artist'][line.row]}"
            if line.model_row >= 0:
                what += f" (taken for {theirs['name'][line.model_row]} - {theirs['artist'][line.model_row]})"
            told.append(plain(what, 200))
    return told
