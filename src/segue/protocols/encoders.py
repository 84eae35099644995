"""Title encoders under one plain recipe: our definitions first, then the published ones, labelled as such."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from segue.encode.remembered import RememberedEncoder
from segue.errors import InputError, MissingDependency
from segue.evaluate.encoder_table import Block, EncoderAbout, EncoderFigures, TitleMap, about_of
from segue.evaluate.metrics import per_query
from segue.evaluate.slices import title_slices
from segue.evaluate.table import rows_of
from segue.library import Library, Recommender
from segue.library.arrays import write_bytes
from segue.library.themes import Themes
from segue.protocols.common import POPULARITY, SAME_TITLE, Progress, bundled_titles, title_lists
from segue.protocols.encoder_folders import Candidate, check_unseen
from segue.protocols.published_definitions import CUTS, published_block
from segue.protocols.title import TitleReport, run_title
from segue.protocols.title_maps import accuracy_by_theme, title_maps
from segue.recommend.nearest import PublishedRecipe
from segue.split.holdout import Part, Split

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["OUR_METRICS", "PRETRAINED", "EncoderReport", "run_encoders"]

PRETRAINED = "pretrained"
OUR_METRICS = tuple(f"{name}@{k}" for k in CUTS for name in ("precision", "recall", "mrr", "r_precision", "ndcg"))
_BESIDE = ("content_lift@66", "title_lift@66", "popularity_overlap@66")
_WHOLE = ("list_diversity@66", "coverage@66")
_SLICES = ("all", "seen titles", "unseen titles")
_BEST_BY = "ndcg@500"
_EXPLAINS = (
    "Definitions of docs/metrics.md; no playlist that is asked about votes. Every encoder answers under the same "
    "recipe: the {k} playlists with the nearest titles give one vote to each of their tracks."
)


@dataclass(frozen=True, eq=False)
class EncoderReport:
    """A finished comparison.

    Args:
        title: the report of the title protocol behind the first block, with runs and truth.
        figures: what ``encoders.json`` holds.
    """

    title: TitleReport
    figures: EncoderFigures

    def print(self, console: Console | None = None) -> None:
        """Print both blocks as tables."""
        from segue.evaluate.encoder_terminal import print_figures  # imported late: rich is for terminals only

        print_figures(self.figures, console)

    def save(self, folder: Path | str) -> tuple[Path, Path]:
        """Write ``encoders.json`` and ``.html``, and the title protocol's ``report.json`` and ``.html``.

        Raises:
            OutputError: the place cannot be written to.
        """
        from segue.evaluate.encoder_page import to_html

        folder = Path(folder)
        self.title.save(folder)
        as_json, as_html = folder / "encoders.json", folder / "encoders.html"
        write_bytes(as_json, msgspec.json.format(msgspec.json.encode(self.figures), indent=1) + b"\n")
        write_bytes(as_html, to_html(self.figures).encode())
        return as_json, as_html


def run_encoders(
    library: Library,
    split: Split,
    candidates: Sequence[Candidate],
    *,
    part: Part = "test",
    reference: str = PRETRAINED,
    k: int = 50,
    themes: Themes | None = None,
    titles: Sequence[str] | None = None,
    maps: bool = True,
    progress: Progress | None = None,
) -> EncoderReport:
    """Compare title encoders, each as the only part of the published recipe that differs.

    Args:
        library: holds all playlists of the split. split: whose ``train`` votes.
        candidates: the encoders; one of them is the reference that the others are compared with.
        k: playlists that vote.
        themes: adds the rows of the cleaned set, the accuracy by theme, and the colours of the maps.
        titles: whose lists are shown; None is the 60 bundled ones.
        maps: whether t-SNE maps are made, which take most of the time.
        progress: called with (done, total, what).

    Raises:
        InputError: names that cannot be used, an encoder or themes that have seen what is asked about, or no playlist
            to ask about.
    """
    _check(candidates, library, themes)
    encoders = {one.name: RememberedEncoder(one.encoder) for one in candidates}
    titles = bundled_titles() if titles is None else titles
    rows = np.concatenate([split.train, split.part(part)]).tolist()
    wanted = [*dict.fromkeys([*(library.titles[row] for row in rows), *titles])]
    for done, (name, encoder) in enumerate(encoders.items()):
        if progress is not None:
            progress(done, len(encoders), f"encoding titles by {name}")
        encoder.encode(wanted)
    training = library.select_playlists(split.train)
    recipes: dict[str, Recommender] = {
        name: PublishedRecipe.fitted(training, encoder, k=k) for name, encoder in encoders.items()
    }
    asked = run_title(
        library,
        split,
        recipes,
        part=part,
        reference=reference,
        encoder=encoders.get(reference),
        titles=[],
        list_methods=[],
        progress=progress,
    )
    base = asked.report.reference
    ours = _ours(asked, training, k)
    lists = title_lists(titles, {name: recipes[name] for name in _shown(ours, list(encoders), base)}, library)
    published = published_block(
        library,
        split,
        asked.queries,
        asked.qrels,
        asked.runs,
        encoders,
        k=k,
        reference=base,
        kept=None if themes is None else _near_kept(themes),
        progress=progress,
    )
    about: list[EncoderAbout] = []
    for one in candidates:
        about.append(about_of(one.name, one.encoder.fingerprint, one.encoder.d, one.manifest, about))
    notes = [*_notes(about, part, reference, themes), *asked.report.notes]
    accuracy, overall = ([], {}) if themes is None else accuracy_by_theme(library, themes, encoders)
    drawn: list[TitleMap] = []
    if maps and base is not None:
        try:
            drawn = title_maps(training, encoders, base, themes, library)
        except MissingDependency as error:
            notes.append(f"No maps of titles: {error}.")
    figures = EncoderFigures(
        part=part,
        reference=base,
        library=library.fingerprint,
        themes=None if themes is None else themes.fingerprint,
        k=k,
        n_training=training.n_playlists,
        n_queries=len(asked.queries),
        encoders=about,
        ours=ours,
        published=published,
        accuracy=accuracy,
        accuracy_overall=overall,
        maps=drawn,
        lists=lists,
        notes=notes,
    )
    report = msgspec.structs.replace(asked.report, lists=lists)
    return EncoderReport(TitleReport(report, asked.queries, asked.qrels, asked.runs, asked.values), figures)


def _check(candidates: Sequence[Candidate], library: Library, themes: Themes | None) -> None:
    names = [one.name for one in candidates]
    if not names:
        raise InputError("there is no encoder to measure")
    for name in names:
        if not name.strip() or name in (POPULARITY, SAME_TITLE):
            raise InputError(
                f"an encoder cannot be called {name!r}, which is a row of every report; choose another name"
            )
        if names.count(name) > 1:
            raise InputError(f"two encoders are called {name!r}; give each a name of its own")
    for one in candidates:
        check_unseen(one, library)
    if themes is not None:
        themes.check(library)
        if themes.sees_everything:
            raise InputError(
                "these themes were made of all playlists, those that are asked about too; make them again without "
                "--all"
            )


def _ours(asked: TitleReport, training: Library, k: int) -> Block:
    """The first block: the paper's table and what the hits hide, from the lists that the title protocol got."""
    names = [metric for metric in _BESIDE if all(metric in found for found in asked.values.values())]
    values: dict[str, dict[str, NDArray[np.float64]]] = {
        method: per_query(run, asked.qrels, OUR_METRICS) | {metric: asked.values[method][metric] for metric in names}
        for method, run in asked.runs.items()
    }
    whole = {
        method: {metric: asked.report.mean(method, _SLICES[0], metric) for metric in _WHOLE} for method in asked.runs
    }
    masks = title_slices([query.title for query in asked.queries], training.titles)
    rows = rows_of(values, {name: masks[name] for name in _SLICES}, asked.report.reference, whole=whole)
    slices = list(dict.fromkeys(row.slice for row in rows))
    return Block("under our definitions", _EXPLAINS.format(k=k), [*OUR_METRICS, *names, *_WHOLE], slices, rows)


def _shown(ours: Block, names: Sequence[str], base: str | None) -> list[str]:
    """Whose lists are shown: the reference and the best of the others."""
    others = [name for name in names if name != base]
    best = max(others, key=lambda name: ours.mean(name, _SLICES[0], _BEST_BY), default=None)
    return [name for name in (base, best) if name is not None]


def _near_kept(themes: Themes) -> NDArray[np.bool_]:
    """Which playlists lie nearest a kept cluster, held-out ones too; bool ``(n_playlists,)``."""
    nearest = themes.cluster if themes.assigned is None else themes.assigned
    near: NDArray[np.bool_] = (nearest >= 0) & themes.kept[np.maximum(nearest, 0)]
    return near


def _notes(about: Sequence[EncoderAbout], part: Part, reference: str, themes: Themes | None) -> list[str]:
    notes = [
        f"{one.name} has the fingerprint of {one.same_as} ({one.fingerprint}): it is the same encoder, and so its "
        "rows are the same."
        for one in about
        if one.same_as is not None
    ]
    plain = [one.name for one in about if not one.bundle and one.name != reference]
    if plain:
        notes.append(f"No manifest says what was used to train: {', '.join(plain)}.")
    if part == "validation" and any(one.bundle for one in about):
        notes.append("Bundles chose their best epoch on validation playlists, so these figures flatter them.")
    if themes is None:
        notes.append("Without themes there are no rows of the cleaned set and no accuracy by theme.")
    return notes
