"""``segue evaluate --protocol tracks``: neighbours of tracks against held-out playlists."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from segue.errors import InputError

if TYPE_CHECKING:
    from segue.split.holdout import Part

__all__ = ["evaluate_tracks"]


def evaluate_tracks(
    source: Path,
    out: Path | None,
    *,
    part: Part,
    base_model: str | None,
    epochs: int | None = None,
    as_json: bool = False,
    unwanted: Sequence[str] = (),
) -> None:
    """Learn a track model from the training playlists and report.

    Args:
        source: a library. epochs: of the learnt vectors. unwanted: options that were given and mean nothing here.

    Raises:
        InputError: an option that does not go with it, or a model instead of a library.
    """
    from dataclasses import replace

    from segue.cli.options import kind_of_folder
    from segue.cli.terminal import progress, say
    from segue.library import Library
    from segue.protocols.tracks import run_tracks
    from segue.split.holdout import holdout
    from segue.systems.themes import cache_folder
    from segue.systems.track_neighbours import TrackSettings, learn
    from segue.systems.track_texts import texts_reader

    if unwanted:
        raise InputError(f"{' and '.join(unwanted)} means nothing to --protocol tracks; leave it out")
    if out is None:
        raise InputError("a report needs a place; give a folder with -o")
    if kind_of_folder(source) != "library":
        raise InputError(f"{source} is a model; --protocol tracks learns one itself, so give it the library")
    library = Library.load(source)
    split = holdout(library)
    settings = TrackSettings()
    if epochs is not None:
        settings = replace(settings, vectors=replace(settings.vectors, epochs=epochs))
    with progress() as report, tempfile.TemporaryDirectory(prefix="segue-") as scratch:
        texts, folder = texts_reader(library, Path(scratch), base_model, cache_folder())
        model = learn(library, texts, settings, split=split, texts_folder=folder, progress=report)
        found = run_tracks(library, split, model, part=part, progress=report)
    if as_json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(found.figures), indent=1).decode())
    else:
        found.print()
    as_json_file, as_html = found.save(out)
    say(f"wrote {as_json_file} and {as_html}")
