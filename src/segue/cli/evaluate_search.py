"""``segue evaluate --protocol search``: do queries find the playlists that they were written about?"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from segue.errors import InputError

if TYPE_CHECKING:
    from segue.encode.base import Encoder
    from segue.evaluate.search import Grades
    from segue.library import Library
    from segue.protocols.search_sets import QuerySet

__all__ = ["evaluate_search"]

_ENDPOINT = "endpoint:"


def evaluate_search(
    source: Path,
    out: Path | None,
    *,
    encoders: Sequence[str] = (),
    queries: Sequence[Path] = (),
    grades: Sequence[Path] = (),
    folds: int = 5,
    most: int = 1_000,
    written: str = "library",
    base_model: str | None = None,
    as_json: bool = False,
    unwanted: Sequence[str] = (),
) -> None:
    """Ask every row and report.

    Args:
        source: a library. encoders: NAME=FOLDER of ``segue tune`` or ``segue index``, or NAME=endpoint:MODEL.
        queries: files of queries;
            none takes the library's own descriptions. written: "library", "extractive" or "none".
        unwanted: options that were given and mean nothing here.

    Raises:
        InputError: an option that does not go with it, or a model instead of a library.
    """
    from segue.cli.options import kind_of_folder
    from segue.cli.terminal import progress, say
    from segue.library import Library
    from segue.protocols.search import run_search
    from segue.systems.search_model import SearchModel

    if unwanted:
        raise InputError(f"{' and '.join(unwanted)} means nothing to --protocol search; leave it out")
    if out is None:
        raise InputError("a report needs a place; give a folder with -o")
    if kind_of_folder(source) != "library":
        raise InputError(
            f"{source} is a model; --protocol search indexes the playlists itself, so give it the library"
        )
    named = _named(encoders)
    library = Library.load(source)
    sets = _sets(library, queries)
    with progress() as report, tempfile.TemporaryDirectory(prefix="segue-") as scratch:
        base = _opened(library, Path(scratch) / "base", base_model)
        models = {name: SearchModel.open(at) for name, at in named.items() if _is_model(at)}
        tuned = {
            name: _encoder(library, Path(scratch) / str(i), at)
            for i, (name, at) in enumerate(named.items())
            if name not in models
        }
        found = run_search(
            library,
            sets,
            base,
            tuned,
            models=models,
            saw={name: _saw(at) for name, at in named.items()},
            grades=_grades(grades),
            folds=folds,
            most=most,
            written=_with_written(library, written),
            progress=report,
        )
    if as_json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(found.figures), indent=1).decode())
    else:
        found.print()
    as_json_file, as_html = found.save(out)
    say(f"wrote {as_json_file} and {as_html}, and runs for 'segue judge' in {out / 'runs'}")


def _named(encoders: Sequence[str]) -> dict[str, str]:
    """Raises: InputError: one is not NAME=FOLDER, or a name comes twice."""
    named: dict[str, str] = {}
    for given in encoders:
        name, _, at = given.partition("=")
        if not name.strip() or not at.strip() or name in named or name == "base":
            raise InputError(
                f"--encoder takes NAME=FOLDER or NAME=endpoint:MODEL, each name once, not {given[:60]!r}"
            )
        named[name.strip()] = at.strip()
    return named


def _sets(library: Library, files: Sequence[Path]) -> list[QuerySet]:
    from segue.enrich.review import accepted_lines
    from segue.library.searching import SearchQuery
    from segue.protocols.search_sets import benchmark, sets_of

    if not files:
        return [benchmark(library)]
    lines: list[SearchQuery] = []
    sets = []
    for file in files:
        if str(file) == "benchmark":
            sets.append(benchmark(library))
        else:
            lines += accepted_lines(file, SearchQuery)
    return [*sets, *sets_of(lines, library)] if lines else sets


def _grades(files: Sequence[Path]) -> Grades | None:
    from segue.enrich.review import accepted_lines
    from segue.library.searching import Graded, SearchQuery
    from segue.protocols.search_sets import query_id

    if not files:
        return None
    by_text: dict[str, dict[str, list[int]]] = {}
    for file in files:
        for line in accepted_lines(file, Graded):
            by_text.setdefault(line.query, {}).setdefault(line.playlist_id, []).append(line.grade)
    graded: dict[str, dict[str, float]] = {}
    for query, playlists in by_text.items():
        means = {playlist: sum(found) / len(found) for playlist, found in playlists.items()}
        for playlist in playlists:  # a query's id names the playlist that it is about, which a grade does not say
            graded[query_id(SearchQuery(query, playlist, "", ""))] = means
    return graded


def _opened(library: Library, folder: Path, name: str | None) -> Encoder | None:
    from segue.encode.cache import CachedEncoder
    from segue.systems.playlist_search import SearchSettings, search_encoder
    from segue.systems.themes import cache_folder

    encoder = search_encoder(library, folder, name, SearchSettings())
    return None if encoder is None else CachedEncoder(encoder, cache_folder())


def _encoder(library: Library, folder: Path, at: str) -> Encoder:
    if at.startswith(_ENDPOINT):
        from segue.cli.language_models import opened_encoder

        return opened_encoder(at)
    found = _opened(library, folder, at)
    if found is None:
        raise InputError(f"{at} is no encoder; give a folder of 'segue tune'")
    return found


def _is_model(at: str) -> bool:
    from segue.errors import StoredDataError
    from segue.library.arrays import read_json
    from segue.systems.search_model import KIND

    try:
        manifest = read_json(Path(at) / "manifest.json")
    except StoredDataError:
        return False
    return isinstance(manifest, dict) and manifest.get("kind") == KIND


def _saw(at: str) -> str:
    """What an encoder learnt from, as its folder says."""
    if at.startswith(_ENDPOINT):
        return f"unknown: {at.removeprefix(_ENDPOINT)} behind an endpoint"
    from segue.errors import StoredDataError
    from segue.library.arrays import read_json

    if _is_model(at):
        return "what its search model was tuned on"
    try:
        about = read_json(Path(at) / "manifest.json")
        data = about["data"]
        sources = ", ".join(f"{int(n):,} pairs from {name}" for name, n in data.get("sources", {}).items())
        return f"the {data['part']} part" + (f": {sources}" if sources else "")
    except (StoredDataError, KeyError, TypeError, ValueError, AttributeError):
        return "not said by its folder"


def _with_written(library: Library, kind: str) -> Library:
    """The library as the rows with written descriptions index it."""
    from segue.enrich.review import accepted

    if kind == "extractive":
        from segue.enrich.extractive import extractive

        return library.with_playlist_columns(extractive(library))
    if kind == "none":
        import polars as pl

        gone = pl.DataFrame({"written": pl.Series([None] * library.n_playlists, dtype=pl.String)})
        return library.with_playlist_columns(gone) if "written" in library.playlists.columns else library
    return accepted(library)
