"""A model remembers where its library was, so that it can be evaluated on the playlists it has not seen."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from segue.errors import InputError, StoredDataError

if TYPE_CHECKING:
    from segue.library import Library

__all__ = ["library_of", "remember_library"]

_NOTE = "path_from_model"


def remember_library(library: Library, path: Path, model: Path) -> Library:
    """Note the library's place, seen from the model's, in the copy that goes into the model."""
    try:
        seen = os.path.relpath(path.resolve(), model.resolve())
    except ValueError:  # another drive
        return library
    return replace(library, notes={**library.notes, _NOTE: seen})


def library_of(model: Path, given: Path | None) -> Library:
    """The whole library that a model was trained on.

    Raises:
        InputError: the model does not say where it is, or it is there no more.
    """
    from segue.library import Library
    from segue.library.arrays import read_json

    if given is not None:
        return Library.load(given)
    notes = read_json(model / "library" / "manifest.json").get("notes") or {}
    seen = notes.get(_NOTE)
    if not isinstance(seen, str):
        raise InputError(f"{model} does not say which library it was trained on; give it with --library")
    try:
        return Library.load(Path(os.path.normpath(model.resolve() / seen)))
    except StoredDataError as error:
        raise InputError(
            f"the library that {model} was trained on is not at {seen} any more ({error}); give it with --library"
        ) from error
