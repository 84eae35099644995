"""The whole comparison of auto-encoder architectures, written as a folder: figures, page, rating sheet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import unit_rows
from segue.errors import InputError
from segue.evaluate.rating_sheet import RatedList, make_sheet
from segue.evaluate.same_playlist import nearest
from segue.library import Library
from segue.library.arrays import fingerprint, write_bytes, write_json
from segue.library.folders import check_place, new_folder
from segue.library.tables import SENTIMENT
from segue.systems.architecture_inputs import Inputs, audio_inputs, lyrics_inputs
from segue.systems.architecture_measures import Questions, rank_correlation
from segue.systems.architecture_page import to_html
from segue.systems.architecture_runs import (
    REFERENCE,
    Result,
    RunSettings,
    baselines,
    run_configurations,
    search,
    with_folds,
)
from segue.systems.architectures import Configuration, Input

if TYPE_CHECKING:
    from segue.encode.base import Encoder

__all__ = ["KIND", "compare_architectures"]

Progress = Callable[[int, int, str], None]
KIND = "segue architectures"
FORMAT_VERSION = 1
_BEST = 3  # whose lists are rated
_GIVEN = 8  # tracks that each of them answers on the sheet
_LENGTH = 10


def compare_architectures(
    library: Library,
    out: Path,
    configurations: Sequence[Configuration],
    settings: RunSettings,
    *,
    encoder: Encoder | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train all configurations, measure them beside the usual rows, and write ``report.json`` and ``report.html``.

    Beside these, ``rating_sheet.csv`` and ``rating_key.json`` for the lists of the best three systems; where audio
    and lyrics are both compared, of the best three pairs.

    Args:
        encoder: of lyrics; needed where a configuration reads them.

    Returns:
        What ``report.json`` holds.

    Raises:
        InputError: too few tracks have what is read, or no two of them share a held-out playlist.
        OutputError: the place cannot be written to.
    """
    check_place(out, KIND)
    inputs = {read: _inputs(library, read, encoder, progress) for read in _read(configurations)}
    compared: dict[Input, list[Result]] = {}
    sections: dict[str, Any] = {}
    for read, given in inputs.items():
        chosen = [configuration for configuration in configurations if configuration.input == read]
        compared[read], sections[read] = _section(library, given, chosen, settings, progress)
    rated, rows = _rated(library, inputs, compared, settings)
    report: dict[str, Any] = {
        "library": library.fingerprint,
        "synthetic": _synthetic(library),
        "part": settings.part,
        "settings": settings.training.to_json() | {"folds": settings.folds, "search": settings.search},
        "encoder": getattr(encoder, "fingerprint", None),
        "inputs": sections,
        "pairs": rows,
    }
    with new_folder(out, kind=KIND) as folder:
        write_json(folder / "report.json", report)
        write_bytes(folder / "report.html", to_html(report).encode("utf-8", "replace"))
        if rated:
            sheet, key = make_sheet(rated, rng_key=settings.rng_key)
            write_bytes(folder / "rating_sheet.csv", sheet.encode("utf-8", "replace"))
            write_json(folder / "rating_key.json", key)
        digest = fingerprint(library.fingerprint, [c.to_json() for c in configurations], asdict(settings))
        write_json(folder / "manifest.json", {"kind": KIND, "format_version": FORMAT_VERSION, "fingerprint": digest})
    return report


def _synthetic(library: Library) -> bool:
    """Whether the library says of itself that it was made up."""
    made_up = "synthetic" in library.notes or library.notes.get("source") == "synthetic"
    return made_up or bool((library.playlists["source"] == "synthetic").any())


def _read(configurations: Sequence[Configuration]) -> list[Input]:
    return list(dict.fromkeys(configuration.input for configuration in configurations))


def _inputs(library: Library, read: Input, encoder: Encoder | None, progress: Progress | None) -> Inputs:
    if read == "audio":
        return audio_inputs(library)
    if encoder is None:
        raise InputError("lyrics need a text encoder; give one with --base-model")
    return lyrics_inputs(library, encoder, progress=progress)


def _section(
    library: Library,
    inputs: Inputs,
    configurations: Sequence[Configuration],
    settings: RunSettings,
    progress: Progress | None,
) -> tuple[list[Result], dict[str, Any]]:
    """All rows of one input, best kept for lists, and what the report says of them."""
    questions = Questions.of(library, settings.part, inputs.rows)
    results = run_configurations(configurations, inputs, questions, settings, progress=progress)
    if settings.folds:
        pairs = zip(results, configurations, strict=True)
        results = [with_folds(r, c, library, inputs, settings, progress=progress) for r, c in pairs]
    ds = sorted({configuration.spec.d for configuration in configurations})
    trials: list[dict[str, Any]] = []
    if settings.search:
        found = []
        for d in ds:
            best, tried = search(d, inputs, settings, progress=progress)
            found.append(best)
            trials += tried
        results += run_configurations(found, inputs, questions, settings, kind="search", progress=progress)
    rows = [*baselines(inputs, questions, ds, settings), *results]
    if settings.variants and inputs.input == "audio":
        rows += _variants(library, results, configurations, settings, progress)
    reference = next(row for row in rows if row.name == REFERENCE[inputs.input])
    for row in rows:
        if row.kind == "variant" or reference.measured is None:
            continue
        for name, measured in (("against reference", row.measured), ("rebuilt against reference", row.rebuilt)):
            if measured is not None:
                found_here = questions.against(measured, reference.measured)
                bounds = found_here.difference
                row.row[name] = [bounds.mean, bounds.low, bounds.high, found_here.p]
    trained = [row for row in results if row.measured is not None]
    correlation = rank_correlation(
        np.array([row.row["mse"]["validation"] for row in trained]),
        np.array([row.row["recall@50 by cosine"][0] for row in trained]),
    )
    section = {
        "columns": list(inputs.columns),
        "n_tracks": len(inputs.rows),
        "n_of_parts": np.bincount(inputs.parts, minlength=3).tolist(),
        "n_playlists": questions.playlists.n_rows,
        "n_queries": len(questions.query_rows),
        "reference": reference.name,
        "rows": [{"name": row.name, "kind": row.kind, **row.row} for row in rows],
        "trials": trials,
        "correlation": [correlation.mean, correlation.low, correlation.high, len(trained)],
    }
    return results, section


def _variants(
    library: Library,
    results: Sequence[Result],
    configurations: Sequence[Configuration],
    settings: RunSettings,
    progress: Progress | None,
) -> list[Result]:
    """The grid's network with the least validation error, with more and with fewer inputs."""
    grid = results[: len(configurations)]
    best = min(range(len(grid)), key=lambda i: (grid[i].row["mse"]["validation"], i))
    changes: dict[str, Mapping[str, bool]] = {
        "with artist": {"artist": True},
        "key on a circle": {"circular_key": True},
    }
    if any(name in library.tracks.columns for name in SENTIMENT):
        changes["without sentiment"] = {"sentiment": False}
    if "key" not in library.tracks.columns:
        del changes["key on a circle"]
    found: list[Result] = []
    for name, change in changes.items():
        inputs = audio_inputs(library, **change)
        questions = Questions.of(library, settings.part, inputs.rows)
        named = replace(configurations[best], name=f"{configurations[best].name}, {name}")
        found += run_configurations([named], inputs, questions, settings, kind="variant", progress=progress)
    return found


def _rated(
    library: Library,
    inputs: Mapping[Input, Inputs],
    compared: Mapping[Input, Sequence[Result]],
    settings: RunSettings,
) -> tuple[list[RatedList], list[dict[str, Any]]]:
    """Lists of the best three systems for the sheet, and the figures of the pairs where there are two inputs."""
    best = {read: _best(results) for read, results in compared.items()}
    if len(inputs) == 1:
        (read,) = inputs
        rows = inputs[read].rows
        systems = [(r.name, r.vectors) for r in best[read] if r.vectors is not None]
        return _lists(library, rows, systems, settings), []
    audio, lyrics = inputs["audio"], inputs["lyrics"]
    rows, first, second = np.intersect1d(audio.rows, lyrics.rows, assume_unique=True, return_indices=True)
    try:
        questions = Questions.of(library, settings.part, rows.astype(np.int32))
    except InputError:
        return [], []
    pairs = []
    for a in best["audio"]:
        for b in best["lyrics"]:
            if a.vectors is None or b.vectors is None:
                continue
            joined = np.hstack([unit_rows(a.vectors[first]), unit_rows(b.vectors[second])])
            figures = questions.summary(questions.ask(joined))
            pairs.append((f"{a.name} + {b.name}", joined, figures))
    pairs.sort(key=lambda pair: (-pair[2]["recall@50 by cosine"][0], pair[0]))
    shown = [{"name": name, "kind": "pair", "n_tracks": len(rows), **figures} for name, _, figures in pairs]
    return _lists(library, rows, [(n, v) for n, v, _ in pairs[:_BEST]], settings), shown


def _best(results: Sequence[Result]) -> list[Result]:
    return sorted(results, key=lambda r: (-r.row["recall@50 by cosine"][0], r.name))[:_BEST]


def _lists(
    library: Library,
    rows: NDArray[np.integer],
    systems: Sequence[tuple[str, NDArray[np.float32]]],
    settings: RunSettings,
) -> list[RatedList]:
    """Neighbours of a few named tracks, the same for each system."""
    names, artists = (library.tracks[c].fill_null("").to_list() for c in ("name", "artist"))
    named = np.array([place for place, row in enumerate(rows.tolist()) if names[row].strip()], np.int64)
    given = np.random.default_rng(settings.rng_key).permutation(named)[:_GIVEN]
    if not len(given) or len(rows) <= _LENGTH:
        return []

    def label(place: int) -> str:
        row = int(rows[place])
        return f"{names[row]} - {artists[row]}" if artists[row] else names[row]

    lists = []
    for name, vectors in systems:
        for place, found in zip(given.tolist(), nearest(vectors, given, _LENGTH).tolist(), strict=True):
            lists.append(RatedList(name, label(place), tuple(label(other) for other in found)))
    return lists
