"""Options of ``segue evaluate`` that belong to one protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = [
    "LISTENERS",
    "AlsoOption",
    "CoreOption",
    "EpochsOption",
    "EventsOption",
    "ExcerptsOption",
    "FoldsOption",
    "GradesOption",
    "LearnOption",
    "MostOption",
    "QueriesOption",
    "SearchEncoderOption",
    "SharesOption",
    "TowersOption",
    "TuneOption",
    "TurnsOption",
    "ViewsOption",
    "WordsOption",
    "WrittenOption",
    "WrongOption",
]

LISTENERS = "Listeners (--protocol users)"
_SEARCH = "Search (--protocol search)"
_FEEDBACK = "Feedback (--protocol feedback)"

ViewsOption = Annotated[
    str,
    typer.Option(
        "--views",
        help="What the towers read of a track, with commas: name, name_artist, summary, lyrics, tags, or none.",
        rich_help_panel=LISTENERS,
    ),
]
AlsoOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--also",
        metavar="LIBRARY",
        help="A further catalogue for the table of views.",
        rich_help_panel=LISTENERS,
        show_default=False,
    ),
]
SharesOption = Annotated[
    str,
    typer.Option("--shares", help="Percents of the catalogue's tracks, as in 25,50,100.", rich_help_panel=LISTENERS),
]
WordsOption = Annotated[
    str | None,
    typer.Option(
        "--words",
        help="Lengths of lyrics to compare, as in 10,25,50,100.",
        rich_help_panel=LISTENERS,
        show_default=False,
    ),
]
ExcerptsOption = Annotated[
    str | None,
    typer.Option(
        "--excerpts",
        help="Places of their words to compare: first, random, last.",
        rich_help_panel=LISTENERS,
        show_default=False,
    ),
]
TowersOption = Annotated[
    Literal["segue", "published"],
    typer.Option("--towers", help="Preset of the towers.", rich_help_panel=LISTENERS),
]
EpochsOption = Annotated[
    int | None,
    typer.Option("--epochs", min=1, help="At most.", rich_help_panel=LISTENERS, show_default="of the preset"),
]
CoreOption = Annotated[
    int,
    typer.Option("--core", min=0, help="Listeners and tracks need so many of each other.", rich_help_panel=LISTENERS),
]
TuneOption = Annotated[
    bool,
    typer.Option("--tune/--no-tune", help="Tune the simple rows on the validation part.", rich_help_panel=LISTENERS),
]
SearchEncoderOption = Annotated[
    list[str] | None,
    typer.Option(
        "--encoder",
        metavar="NAME=FOLDER",
        help="Rows for an encoder or search model of 'segue tune', or NAME=endpoint:MODEL; repeatable.",
        rich_help_panel=_SEARCH,
        show_default=False,
    ),
]
QueriesOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--queries",
        metavar="FILE",
        help="Queries, as of 'segue queries', one table a style; repeatable; 'benchmark' adds the default.",
        rich_help_panel=_SEARCH,
        show_default="the descriptions that makers gave their playlists",
    ),
]
GradesOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--grades",
        help="Grades for NDCG; repeatable.",
        rich_help_panel=_SEARCH,
        show_default=False,
        metavar="FILE",
    ),
]
FoldsOption = Annotated[
    int, typer.Option("--folds", min=2, max=100, help="Parts of the queries.", rich_help_panel=_SEARCH)
]
MostOption = Annotated[
    int, typer.Option("--most", min=1, help="Queries of a style; of more a sample.", rich_help_panel=_SEARCH)
]
WrittenOption = Annotated[
    Literal["library", "extractive", "none"],
    typer.Option(
        "--written",
        help="Descriptions that nobody wrote by hand: those in the library, made now by counting, or none.",
        rich_help_panel=_SEARCH,
    ),
]
WrongOption = Annotated[
    str,
    typer.Option(
        "--wrong", help="Percents of tracks that people mistake, one table each.", rich_help_panel=_FEEDBACK
    ),
]
TurnsOption = Annotated[
    int, typer.Option("--turns", min=2, max=10, help="How often people ask.", rich_help_panel=_FEEDBACK)
]
LearnOption = Annotated[
    bool | None,
    typer.Option(
        "--learn/--no-learn",
        help="Train anew on what half of the people kept, and ask the other half.",
        rich_help_panel=_FEEDBACK,
        show_default="for a library",
    ),
]
EventsOption = Annotated[
    Path | None,
    typer.Option(
        "--events",
        metavar="FILE",
        help="Stored events, as of 'segue feedback export', asked again instead of simulating people.",
        rich_help_panel=_FEEDBACK,
        show_default=False,
    ),
]
