"""``segue demo``: everything, on the bundled catalogue."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from segue.cli.terminal import Progress
    from segue.evaluate.table import Report
    from segue.library import Library
    from segue.systems.builds import TrainSettings
    from segue.systems.model import Model

__all__ = ["demo"]

# what each title shows; of the unseen ones the first that no synthetic playlist has
_TITLES = (
    ("rainy sunday 🌧️", "with an emoji"),
    ("road trip", "plain"),
    ("chrismas songs", "misspelt"),
    ("fleetwood mac", "an artist's name"),
    ("fiesta latina", "not in English"),
)
_UNSEEN = ("slow dancing in the kitchen", "songs for painting the fence", "headlights on the coast road at midnight")
_METRICS = ("r_precision", "ndcg@500", "precision@10")
_METHODS = ("popularity", "same_title", "published", "title_vote")


def demo(
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Where the library and the model go.", show_default="~/.cache/segue/demo"),
    ] = None,
    n_playlists: Annotated[
        int, typer.Option("--playlists", min=300, max=100_000, help="How many synthetic playlists are drawn.")
    ] = 6_000,
    files: Annotated[
        Path | None,
        typer.Option(
            "--files",
            metavar="FOLDER",
            help="Write the demo's playlists, features, lyrics, summaries and listeners as files, and stop.",
            show_default=False,
        ),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Build the model anew even if it is there.")] = False,
) -> None:
    """Build a model from the bundled catalogue and show what it does.

    The recordings are real, the playlists are synthetic: drawn at random from hand-written vocabularies. It takes
    one to three minutes on two cores; the second time the model is there already, and half a minute is enough.

    The playlists are MPD JSON, which has no years: --year works on libraries from CSV, Parquet or XSPF.

    [dim]segue demo[/]

    With --files nothing is built: the same synthetic playlists are written out together with audio features, verses,
    summaries and listeners, all of them synthetic too, for trying the other commands.

    [dim]segue demo --files demo-files[/]
    """
    if files is not None:
        _files(files, n_playlists)
        return
    from rich.console import Console

    from segue.cli.terminal import progress, say

    place = out or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "segue" / "demo"
    with progress() as report:
        library, model = _built(place, n_playlists, report, again=again)
    console = Console()
    console.print(
        f"{library.n_tracks:,} real recordings in {library.n_playlists:,} SYNTHETIC playlists: no person made them.",
        markup=False,
    )
    say("asking four methods about the test playlists; lists and figures follow")
    judged = _judged(model, library)
    _lists(console, model, library)
    _metrics(console, judged)
    say(f'the model is in {place / "model"}; try: {_command()} recommend "your words" -m {place / "model"} --explain')


def _files(folder: Path, n_playlists: int) -> None:
    from segue.cli.terminal import say
    from segue.sources.demo import write_songs

    say(f"drawing {n_playlists:,} synthetic playlists, and features, verses and listeners of the bundled catalogue")
    places = write_songs(folder, n_playlists)
    tables = " ".join(shlex.quote(str(places[name])) for name in ("tracks", "features", "lyrics", "summaries"))
    say(f"wrote {folder}; all of it is SYNTHETIC but for the names of the recordings")
    say(f"next: {_command()} ingest {shlex.quote(str(places['playlists']))} -o library")
    say(f"      {_command()} annotate library {tables}")
    say(f"      {_command()} listeners {shlex.quote(str(places['listeners']))} --onto library -o library")


def _command() -> str:
    """How this ``segue`` is called: by its name where the shell finds it, else by its path."""
    here = Path(sys.executable).parent / "segue"
    found = shutil.which("segue")
    if not here.is_file() or (found is not None and Path(found).samefile(here)):
        return "segue" if found is not None else f"{shlex.quote(sys.executable)} -m segue"
    with contextlib.suppress(ValueError):
        here = here.relative_to(Path.cwd())
    return shlex.quote(str(here))


def _built(place: Path, n_playlists: int, report: Progress, *, again: bool) -> tuple[Library, Model]:
    """The demo's library and model, made where they are missing, damaged or of another size."""
    from segue.errors import StoredDataError
    from segue.library import Library
    from segue.systems.model import Model

    if not again:
        try:
            library, model = Library.load(place / "library"), Model.load(place / "model")
            if library.notes.get("demo") == n_playlists and model.manifest.get("library"):
                return library, model
        except StoredDataError:
            pass
    return _build(place, n_playlists, report)


def _build(place: Path, n_playlists: int, report: Progress) -> tuple[Library, Model]:
    from dataclasses import replace

    from segue.cli.library_of_model import remember_library
    from segue.cli.terminal import say, two_arguments
    from segue.errors import OutputError
    from segue.sources.demo import write
    from segue.sources.ingest import ingest
    from segue.systems.builds import train_model
    from segue.systems.model import Model

    say(f"drawing {n_playlists:,} synthetic playlists from the bundled catalogue")
    try:
        write(place / "slices", n_playlists)
    except OSError as error:
        raise OutputError(f"cannot write {place}: {error.strerror or error}; choose another place with -o") from error
    read = ingest([place / "slices"], progress=two_arguments(report, "reading"), public=True)
    library = replace(read, notes={**read.notes, "demo": n_playlists})
    library.save(place / "library")
    say("training the title model; the test playlists stay out of it")
    train_model(
        remember_library(library, place / "library", place / "model"),
        place / "model",
        settings=_short_training(),
        hold_out=True,
        progress=report,
    )
    return library, Model.load(place / "model")


def _short_training() -> TrainSettings:
    """Three epochs and no search for better scalars: on synthetic playlists more of either only takes time."""
    from segue.systems.builds import TrainSettings
    from segue.systems.title_vote import Grid
    from segue.train.votes import VoteTraining

    usual = Grid()
    grid = Grid(usual.temper[:1], usual.pretrained[:1], usual.smoothing[:1], usual.ridge[:1], queries=150)
    return TrainSettings(vote=VoteTraining(epochs=3), grid=grid)


def _lists(console: Console, model: Model, library: Library) -> None:
    from segue.cli.lists import table_of
    from segue.recommend.rules import Rules
    from segue.systems.requests import Request
    from segue.views.titles import normalise

    seen = {normalise(title, "seen") for title in library.titles}
    unseen = next((title for title in _UNSEEN if normalise(title, "seen") not in seen), _UNSEEN[-1])
    asked: Sequence[tuple[str, str]] = [*_TITLES[:2], (unseen, "in no playlist"), *_TITLES[2:]]
    for title, what in asked:
        answer = model.answer(Request(title=title, rules=Rules(n=8, artist_cap=3)))
        console.print(table_of(answer, explain=True, title=f"{title}  ({what})", n_reasons=1, width=console.width))
        for sentence in answer.ignored:
            console.print(sentence, markup=False, style="dim")


def _judged(model: Model, library: Library) -> Report:
    from segue.cli.methods import fitted
    from segue.cli.terminal import progress
    from segue.cli.trial import voters
    from segue.protocols.title import run_title

    split = voters(library, "test")
    training = library.select_playlists(split.train)
    encoder = model.encoder if model.manifest.get("encoder", {}).get("kind") == "onnx" else None
    names = [name for name in _METHODS if encoder is not None or name != "published"]
    with progress() as report:
        methods = fitted(names, training, encoder, model.recommender, report)
        return run_title(library, split, methods, titles=[], progress=report).report


def _metrics(console: Console, report: Report) -> None:
    import msgspec

    from segue.evaluate.terminal import print_tables

    console.print("\nOn held-out synthetic playlists, asked by their titles alone:", markup=False)
    # the standing notes are about metrics that are not shown here
    print_tables(msgspec.structs.replace(report, notes=[]), console, _METRICS, ("seen titles", "unseen titles"))
    console.print(
        "These figures are about synthetic playlists and say nothing about people's: titles and tracks were drawn "
        "from one theme, so every method that reads titles looks good.",
        markup=False,
    )
