"""``segue evaluate --protocol users``: tracks for listeners, and what towers make of different texts of a track."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from segue.errors import InputError

if TYPE_CHECKING:
    from segue.encode.base import Encoder
    from segue.library import Library
    from segue.split.users import UserPart, UserSplit
    from segue.views.specs import View

__all__ = ["evaluate_users"]

_EXCERPTS = ("first", "random", "last")


def evaluate_users(
    source: Path,
    out: Path | None,
    *,
    also: Sequence[Path],
    views: str,
    shares: str,
    words: str | None,
    excerpts: str | None,
    preset: str,
    epochs: int | None,
    core: int,
    tune: bool,
    part: UserPart,
    base_model: str | None,
    config: Path | None,
    as_json: bool = False,
    unwanted: Sequence[str] = (),
) -> None:
    """Run the protocol and write the report.

    Args:
        also: further libraries for the table of views.
        views, shares, words, excerpts: lists with commas.
        preset, epochs: of the towers. core, tune: of the split and the simple rows.
        unwanted: other options that were given and mean nothing here.

    Raises:
        InputError: options that do not go together, or that say nothing sensible.
    """
    import tempfile

    from segue.cli.options import kind_of_folder
    from segue.cli.settings import read_settings
    from segue.cli.terminal import progress, say
    from segue.library import Library
    from segue.protocols.user_views import NO_TEXT, expanded, run_views
    from segue.train.two_tower_settings import tower_preset
    from segue.views.specs import view_of

    if unwanted:
        raise InputError(f"--protocol users asks listeners, not titles; leave {' and '.join(unwanted)} out")
    if out is None:
        raise InputError("a report needs a place; give a folder with -o")
    for folder in (source, *also):
        if kind_of_folder(folder) != "library":
            raise InputError(f"{folder} is a model; listeners are asked about a library, give that")
    named = _listed(views, "--views")
    chosen: list[View | None] = [None if name == NO_TEXT else view_of(name) for name in named]
    lengths = [_whole(n, "--words") for n in _listed(words, "--words")] if words else []
    places = _listed(excerpts, "--excerpts") if excerpts else []
    if unknown := [place for place in places if place not in _EXCERPTS]:
        raise InputError(f"--excerpts {unknown[0]!r} is no place; choose from {', '.join(_EXCERPTS)}")
    more = [view_of(spec) for spec in expanded(named, lengths, places)]
    if (lengths or places) and not more:
        raise InputError("--words and --excerpts are about lyrics; add 'lyrics' to --views")
    there = {view.spec for view in chosen if view is not None}
    settings = tower_preset(preset)
    settings = settings if epochs is None else settings.changed(epochs=epochs)
    base_model = base_model or read_settings(config).train.base_model
    libraries = _named([source, *also], Library.load)
    with progress() as report, tempfile.TemporaryDirectory(prefix="segue-") as scratch:
        found = run_views(
            libraries,
            chosen,
            _reader(Path(scratch), base_model),
            settings,
            shares=[_whole(share, "--shares") for share in _listed(shares, "--shares")],
            excerpts=[view for view in dict.fromkeys(more) if view.spec not in there],
            part=part,
            core=core,
            tune=tune,
            progress=report,
        )
    as_files = found.save(out)
    if as_json:
        print(as_files[0].read_text("utf-8"), end="")
    else:
        found.print()
    say(f"wrote {as_files[0]} and {as_files[1]}")


def _reader(scratch: Path, base_model: str | None) -> Callable[[UserSplit, View], Encoder]:
    """N-grams are fitted on each view; a sentence encoder is opened once and remembers what it has read."""
    from segue.encode.remembered import RememberedEncoder
    from segue.systems.builds import NGRAMS
    from segue.systems.themes import cache_folder
    from segue.systems.two_tower_text import track_reader

    opened: list[Encoder] = []

    def reader(split: UserSplit, view: View) -> Encoder:
        if base_model == NGRAMS:
            return RememberedEncoder(track_reader(split, view, scratch, base_model))
        if not opened:
            opened.append(RememberedEncoder(track_reader(split, view, scratch, base_model, cache_folder())))
        return opened[0]

    return reader


def _named(folders: Sequence[Path], load: Callable[[Path], Library]) -> dict[str, Library]:
    """Libraries under the names of their folders; a number tells equal names apart."""
    found: dict[str, Library] = {}
    for folder in folders:
        name = folder.resolve().name or "library"
        n = 2
        while name in found:
            name, n = f"{folder.resolve().name} ({n})", n + 1
        found[name] = load(folder)
    return found


def _listed(text: str, option: str) -> list[str]:
    """The parts of a list with commas, each once.

    Raises:
        InputError: there is none.
    """
    found = [*dict.fromkeys(part.strip() for part in text.split(",") if part.strip())]
    if not found:
        raise InputError(f"{option} names nothing; give one or several, with commas between them")
    return found


def _whole(text: str, option: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) <= 100_000):
        raise InputError(f"{option} {text!r} is no whole number above 0")
    return int(text)
