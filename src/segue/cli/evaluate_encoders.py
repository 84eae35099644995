"""``segue evaluate --encoders``: title encoders under one plain recipe, ours and the published definitions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from segue.errors import InputError

if TYPE_CHECKING:
    from segue.split.holdout import Part

__all__ = ["evaluate_encoders", "folders_of"]

_PRETRAINED = "pretrained"
_LOSSES = {"cross_entropy": " --themes THEMES", "triplet": " --themes THEMES", "contrastive": "", "votes": ""}


def evaluate_encoders(
    source: Path,
    out: Path | None,
    given: Sequence[str],
    *,
    encoders_in: Path,
    themes: Path | None,
    part: Part,
    base_model: str | None,
    config: Path | None,
    unwanted: Sequence[str] = (),
) -> None:
    """Compare encoders and write the report.

    Args:
        given: what ``--encoders`` says. encoders_in: where encoders that are only named lie.
        unwanted: other options that were given and mean nothing here.

    Raises:
        InputError: options that do not go together, or an encoder that is not there or has seen too much.
    """
    from segue.cli.options import kind_of_folder
    from segue.cli.settings import read_settings
    from segue.cli.terminal import progress, say
    from segue.cli.trial import voters
    from segue.library import Library
    from segue.library.themes import Themes
    from segue.protocols.encoder_folders import open_candidate
    from segue.protocols.encoders import run_encoders

    if unwanted:
        raise InputError(f"--encoders compares encoders under one recipe; leave {' and '.join(unwanted)} out")
    if out is None:
        raise InputError("a report needs a place; give a folder with -o")
    if kind_of_folder(source) == "model":
        raise InputError(f"{source} is a model; encoders are compared on a library, give that")
    library = Library.load(source)
    folders = folders_of(given, encoders_in, source, base_model or read_settings(config).train.base_model)
    found_themes = None if themes is None else Themes.load(themes)
    with progress() as report:
        candidates = []
        for done, (name, folder) in enumerate(folders.items()):
            report(done, len(folders), f"opening {name}")
            candidates.append(open_candidate(name, folder))
        found = run_encoders(
            library, voters(library, part), candidates, part=part, themes=found_themes, progress=report
        )
    found.print()
    as_json, as_html = found.save(out)
    say(f"wrote {as_json} and {as_html}")


def folders_of(given: Sequence[str], encoders_in: Path, library: Path, base_model: str | None) -> dict[str, Path]:
    """Name -> folder of each encoder; the pretrained one is always there, and first.

    Args:
        given: items, each perhaps several with commas: ``pretrained``, NAME=FOLDER, or the NAME of a folder in
            ``encoders_in``.
        library: for the command that makes an encoder that is missing.
        base_model: which encoder ``pretrained`` is.

    Raises:
        InputError: nothing is named, a name twice, or a folder is missing.
        MissingDependency: there is no pretrained encoder on this machine.
    """
    from segue.encode.locate import base_model_folder

    found: dict[str, Path] = {}
    for item in (part.strip() for one in given for part in one.split(",")):
        name, equals, place = (text.strip() for text in item.partition("="))
        if not item:
            continue
        if not name or (equals and not place):
            raise InputError(f"{item!r} names no encoder; write pretrained, NAME=FOLDER or NAME")
        if name in found:
            raise InputError(f"the encoder {name!r} is there twice; give each a name of its own")
        if equals:
            found[name] = _there(name, Path(place), library)
        elif name == _PRETRAINED:
            found[name] = base_model_folder(base_model)
        else:
            found[name] = _there(name, encoders_in / name, library)
    if not found:
        raise InputError(
            "--encoders names no encoder; write pretrained, NAME=FOLDER or NAME, with commas between them"
        )
    first = found.pop(_PRETRAINED, None) or base_model_folder(base_model)
    return {_PRETRAINED: first, **found}


def _there(name: str, folder: Path, library: Path) -> Path:
    if folder.is_dir():
        return folder
    loss = name if name in _LOSSES else "LOSS"
    raise InputError(
        f"there is no encoder in {folder}; make it with 'segue finetune {library}{_LOSSES.get(name, '')} "
        f"--loss {loss} -o {folder}', or say where it is with {name}=FOLDER"
    )
