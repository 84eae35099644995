"""The published comparison: two towers that differ in the text alone that they read of a track."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder
from segue.errors import InputError
from segue.evaluate.significance import Interval
from segue.evaluate.table import rows_of, score
from segue.evaluate.user_table import EpochFigures, History, ViewRow
from segue.evaluate.users import USER_METRICS, text_likeness
from segue.library import Interactions, Library, Recommender
from segue.protocols.common import Progress
from segue.protocols.user_rows import ALS, ARTISTS, ITEM_KNN, TEXT, baseline_rows
from segue.protocols.users import Lists, UsersReport, run_users, top_lists, values_of
from segue.split.cold import hashed
from segue.split.users import UserPart, UserSplit, split_users
from segue.systems.two_tower import TwoTowerLearnt, learn
from segue.systems.two_tower_text import text_vectors
from segue.train.two_tower_settings import TowerSettings
from segue.views.specs import DEFAULT_WORDS, View

__all__ = ["NO_TEXT", "ReaderOf", "expanded", "history_of", "run_views", "share_of"]

NO_TEXT = "none"
"""The view of towers that read no text at all: what the others add is what text adds."""
ReaderOf = Callable[[UserSplit, View], Encoder]
"""Makes the encoder of a view; n-grams are fitted on the training tracks."""

_TOWERS = "two_tower"
_KNOWN = ("all", "warm")
_COLD = "strict cold, among cold"


@dataclass(frozen=True, eq=False)
class _Trained:
    """Towers of one view, and what belongs into the table."""

    view: str
    learnt: TwoTowerLearnt
    lists: Mapping[str, Lists]
    likeness: Interval
    with_text: float
    text: NDArray[np.float32]


def run_views(
    catalogues: Mapping[str, Library],
    views: Sequence[View | None],
    reader_of: ReaderOf,
    settings: TowerSettings,
    *,
    shares: Sequence[int] = (100,),
    excerpts: Sequence[View] = (),
    part: UserPart = "test",
    core: int = 5,
    cold: float = 0.1,
    tune: bool = True,
    rng_key: int = 0,
    progress: Progress | None = None,
) -> UsersReport:
    """Train towers for each view of each share of each catalogue, and measure them beside the simple rows.

    The report itself is about the first catalogue at its largest share, where the towers of every view are rows
    beside the simple rows (text-kNN reads the first view); all others are lines of its table of views. Views of one
    catalogue and share have one split, so they are compared in pairs.

    Args:
        catalogues: name -> library with listeners.
        views: None reads no text.
        shares: percent of the tracks, drawn by a hash, the smaller inside the larger.
        excerpts: further views, compared at the largest share only.
        core, cold: of the split.

    Raises:
        InputError: no view, a share outside 1 to 100, a view that no track has a text for, or no listeners.
    """
    if not catalogues or not views:
        raise InputError("there is nothing to compare; name a library and a view")
    shares = sorted(set(shares), reverse=True)
    if not shares or not all(0 < share <= 100 for share in shares):
        raise InputError("shares of a catalogue are whole percents from 1 to 100")
    table: list[ViewRow] = []
    histories: list[History] = []
    report: UsersReport | None = None
    for name, library in catalogues.items():
        for share in shares:
            split = split_users(share_of(library, share, rng_key), k=core, cold=cold, rng_key=rng_key)
            wanted = [*views, *(excerpts if share == shares[0] else ())]
            label = f"{name}, {share} %"
            trained = [_trained(split, view, reader_of, settings, part, label, progress) for view in wanted]
            table += _lines(name, share, split, part, trained)
            histories += [history_of(f"{label}, {one.view}", one.learnt) for one in trained]
            if report is None:
                report = _first(split, trained, part, tune, progress)
    assert report is not None
    notes = [*report.figures.notes, *_notes(catalogues)]
    figures = msgspec.structs.replace(report.figures, views=table, histories=histories, notes=notes)
    return replace(report, figures=figures)


def expanded(views: Sequence[str], words: Sequence[int], excerpts: Sequence[str]) -> list[str]:
    """Every length and place of the lyrics, for each view that reads lyrics without saying which.

    >>> expanded(["name", "lyrics"], [10, 25], ["last"])
    ['lyrics:10:last', 'lyrics:25:last']
    """
    if not words and not excerpts:
        return []
    return [
        "+".join(f"lyrics:{n}:{which}" if part.strip() == "lyrics" else part for part in view.split("+"))
        for view in views
        if "lyrics" in [part.strip() for part in view.split("+")]
        for n in words or (DEFAULT_WORDS,)
        for which in excerpts or ("first",)
    ]


def share_of(library: Library, share: int, rng_key: int) -> Library:
    """A library of a share of the tracks, in percent, with the users' interactions with them and no playlists."""
    if share == 100:
        return library
    place = np.argsort(hashed(library.tracks["track_id"].to_list(), rng_key, "share of tracks"), kind="stable")
    kept = np.zeros(library.n_tracks, bool)
    kept[place[: round(library.n_tracks * share / 100)]] = True
    if library.user_tracks is None or not kept.any():
        return library  # the split says what is missing
    rows, old = np.flatnonzero(kept), library.user_tracks
    user = np.repeat(np.arange(old.n_rows), old.lengths)[kept[old.indices]]
    indptr = np.concatenate([[0], np.cumsum(np.bincount(user, minlength=old.n_rows))]).astype(np.int64)
    renumbered = np.cumsum(kept)[old.indices[kept[old.indices]]] - 1
    return replace(
        library,
        tracks=library.tracks[rows],
        playlists=library.playlists[:0],
        playlist_tracks=Interactions.of([], n_columns=len(rows)),
        user_tracks=Interactions(indptr, renumbered.astype(np.int32), len(rows)),
    )


def history_of(name: str, learnt: TwoTowerLearnt) -> History:
    """The epochs of a training under the names of the report."""
    epochs = [
        EpochFigures(epoch.epoch, {_named(metric): value for metric, value in epoch.metrics.items()})
        for epoch in learnt.trained.history
    ]
    return History(name, learnt.trained.best_epoch, epochs)


def _named(metric: str) -> str:
    """As the validation of the towers calls a figure -> as the report does."""
    what, _, where = metric.partition(" ")
    return f"{what.replace('hr@', 'hit_rate@')} {where.replace('strict cold among cold', _COLD)}"


def _trained(
    split: UserSplit,
    view: View | None,
    reader_of: ReaderOf,
    settings: TowerSettings,
    part: UserPart,
    label: str,
    progress: Progress | None,
) -> _Trained:
    spec = NO_TEXT if view is None else view.spec
    where = f"{label}, {spec}"
    said: Progress | None = None
    if progress is not None:
        told = progress

        def said(done: int, total: int, what: str) -> None:
            told(done, total, f"{where}: {what}")

    encoder = None if view is None else reader_of(split, view)
    text = text_vectors(split, view, encoder, progress=said)
    has = np.any(text, axis=1) if text.shape[1] else np.zeros(split.n_tracks, bool)
    if view is not None and not has.any():
        raise InputError(
            f"no track of the catalogue has a text for the view {view.spec!r}; add it to the library, or leave it out"
        )
    learnt = learn(split, view, encoder, settings, progress=said)
    lists = top_lists(_TOWERS, learnt.model.recommender, split, part, progress=said)
    return _Trained(spec, learnt, lists, text_likeness(text), float(has.mean()), text)


def _lines(name: str, share: int, split: UserSplit, part: UserPart, trained: Sequence[_Trained]) -> list[ViewRow]:
    """The rows of the table for one catalogue at one share."""
    values = values_of(split, part, {one.view: one.lists for one in trained})
    rows = [
        row
        for question, of_views in values.items()
        for row in rows_of(
            of_views,
            {question: np.isfinite(next(iter(of_views.values()))[USER_METRICS[0]])},
            trained[0].view,
        )
    ]
    users = int((split.part(part).lengths > 0).sum())
    found = []
    for one in trained:
        own = [row for row in rows if row.method == one.view]
        found.append(
            ViewRow(
                library=name,
                share=share,
                view=one.view,
                n_users=users,
                n_tracks=split.n_tracks,
                with_text=one.with_text,
                likeness=score(one.likeness),
                scores={row.slice: row.scores for row in own},
                versus={row.slice: row.versus[USER_METRICS[0]] for row in own if USER_METRICS[0] in row.versus},
                best_epoch=one.learnt.trained.best_epoch,
                epochs=max(epoch.epoch for epoch in one.learnt.trained.history),
            )
        )
    return found


def _first(
    split: UserSplit, trained: Sequence[_Trained], part: UserPart, tune: bool, progress: Progress | None
) -> UsersReport:
    """The report about the first catalogue: simple rows beside the towers of every view."""
    text = next((one.text for one in trained if one.text.shape[1]), None)
    rows = baseline_rows(split, text, tune=tune, progress=progress)
    methods: dict[str, Recommender] = dict(rows.recommenders)
    towers = {f"{_TOWERS}: {one.view}": one.learnt.model.recommender for one in trained}
    # by what chose the epoch: the part that is asked about must not choose who is judged on it
    judged = f"{_TOWERS}: {max(trained, key=lambda one: _validated(one.learnt)).view}"
    known = [m for m in (ALS, ITEM_KNN) if m in methods]
    content = [m for m in (TEXT, ARTISTS) if m in methods]
    others = {**dict.fromkeys(_KNOWN, known), "strict cold": content, _COLD: content}
    return run_users(
        split,
        {**methods, **towers},
        part=part,
        judged=judged,
        others=others,
        notes=[
            *rows.notes,
            f"Tests of 'not below' are about {judged}, the best of the towers on the validation part.",
        ],
        progress=progress,
    )


def _validated(learnt: TwoTowerLearnt) -> float:
    kept = next(e for e in learnt.trained.history if e.epoch == learnt.trained.best_epoch)
    return -np.inf if kept.score is None else kept.score


def _notes(catalogues: Mapping[str, Library]) -> list[str]:
    """What belongs to the table of views."""
    made = [name for name, library in catalogues.items() if "synthetic" in str(library.notes).lower()]
    if not made:
        return []
    return [
        f"Texts of {', '.join(made)} are synthetic, so the comparison of views there shows that it can be made, not "
        "how it comes out."
    ]
