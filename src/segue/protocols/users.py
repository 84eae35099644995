"""Tracks for listeners: who finds what was held out, and whom the lists serve and show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError
from segue.evaluate.table import NotBelowRow, Row, not_below_best, rows_of
from segue.evaluate.user_table import History, UserFigures
from segue.evaluate.users import QUESTIONS, USER_METRICS, K, asked_of, user_values
from segue.library import Recommender
from segue.library.arrays import write_bytes
from segue.protocols.common import Progress
from segue.protocols.users_fairness import catalogue_shares, fairness_of
from segue.recommend.user_scores import BlockScorer, popularity_among, ranked
from segue.split.cold import REGIMES
from segue.split.users import UserPart, UserSplit

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["UsersReport", "run_users", "top_lists", "values_of"]

_BLOCK = 256  # users scored at once

Lists = NDArray[np.int32]
Values = dict[str, dict[str, NDArray[np.float64]]]


@dataclass(frozen=True, eq=False)
class UsersReport:
    """A finished report: to be printed, to be saved.

    Args:
        figures: what ``users.json`` holds.
        lists: method -> the first ten tracks of each user in the full catalogue, padded with -1.
        values: question -> method -> metric -> value of each user.
    """

    figures: UserFigures
    lists: Mapping[str, Lists]
    values: Mapping[str, Mapping[str, Mapping[str, NDArray[np.float64]]]]

    def print(self, console: Console | None = None) -> None:
        """Print the tables."""
        from segue.evaluate.user_terminal import print_user_figures  # imported late: rich is for terminals only

        print_user_figures(self.figures, console)

    def save(self, folder: Path | str) -> tuple[Path, Path]:
        """Write ``users.json`` and ``users.html``.

        Raises:
            OutputError: the place cannot be written to.
        """
        from segue.evaluate.user_page import to_html

        folder = Path(folder)
        as_json, as_html = folder / "users.json", folder / "users.html"
        write_bytes(as_json, msgspec.json.format(msgspec.json.encode(self.figures), indent=1) + b"\n")
        write_bytes(as_html, to_html(self.figures).encode())
        return as_json, as_html


def run_users(
    split: UserSplit,
    recommenders: Mapping[str, Recommender],
    *,
    part: UserPart = "test",
    reference: str | None = "popularity",
    judged: str | None = None,
    others: Mapping[str, Sequence[str]] | None = None,
    histories: Sequence[History] = (),
    notes: Sequence[str] = (),
    progress: Progress | None = None,
) -> UsersReport:
    """Ask every recommender for every user, and compare.

    The full catalogue of the split is ranked, without the user's training tracks; tracks held out for the other part
    are ranked like any others, for all methods alike. Slices of tail and strictly cold tracks are given twice: ranked
    in the full catalogue, and among the tracks of the slice.

    Args:
        split: whose users are asked; recommenders must have been fitted on its ``library`` or ``train``.
        recommenders: name -> recommender. A :class:`~segue.recommend.user_scores.BlockScorer` is asked by blocks.
        part: "validation" for choices, "test" once for a final configuration.
        reference: the method that others are compared with, if it is among them.
        judged, others: tests for each slice of ``others`` whether ``judged`` is not below the best of the named
            methods by HR@10, and whether it is above, both with Holm over the slices.
        histories: figures by epoch, for the plots.

    Raises:
        InputError: nothing to ask with or about, or a method that there is not.
        ValueError: a recommender repeats a track, or recommends a training track.
    """
    if not recommenders:
        raise InputError("there is no method to measure")
    if not len(split.part(part).indices):
        raise InputError(f"no interaction is held out for {part}; split with a share for it")
    named = [m for methods in (others or {}).values() for m in methods] + ([judged] if judged else [])
    unknown = [m for m in named if m not in recommenders]
    if unknown:
        raise InputError(f"there is no method {unknown[0]!r} to compare; there are {', '.join(recommenders)}")
    lists: dict[str, dict[str, Lists]] = {}
    for name, recommender in recommenders.items():
        lists[name] = top_lists(name, recommender, split, part, progress=progress)
    values = values_of(split, part, lists)
    base = reference if reference in recommenders else None
    rows: list[Row] = []
    for question, of_methods in values.items():
        there = np.isfinite(next(iter(next(iter(of_methods.values())).values())))
        rows += rows_of(of_methods, {question: there}, base)
    full = {name: of_question["all"] for name, of_question in lists.items()}
    held = split.part(part)
    figures = UserFigures(
        part=part,
        reference=base,
        library=split.fingerprint,
        settings=dict(split.settings),
        n_users=int((held.lengths > 0).sum()),
        n_tracks=split.n_tracks,
        n_training=len(split.train.indices),
        n_held_out=len(held.indices),
        regimes={name: int(split.tracks_of(name, part).sum()) for name in REGIMES},
        methods={name: recommender.fingerprint for name, recommender in recommenders.items()},
        metrics=list(USER_METRICS),
        slices=[question for question in values if any(row.slice == question for row in rows)],
        rows=rows,
        not_below=_not_below(values, judged, others or {}),
        fairness=[fairness_of(name, found, split, part) for name, found in full.items()],
        catalogue=catalogue_shares(split),
        histories=list(histories),
        notes=[*_notes(split, part), *notes],
    )
    return UsersReport(figures, full, values)


def top_lists(
    name: str,
    recommender: Recommender,
    split: UserSplit,
    part: UserPart,
    n: int = K,
    *,
    progress: Progress | None = None,
) -> dict[str, Lists]:
    """The first ``n`` tracks of every user with held-out tracks: question -> int32 ``(n_users, n)``, padded with -1.

    Questions about the full catalogue share the list of "all".

    Raises:
        ValueError: a ranking repeats a track or has a training track: a fault of the recommender.
    """
    candidates = {q.name: split.tracks_of(q.regime, part) for q in QUESTIONS if q.among or q.name == "all"}
    found = {question: np.full((split.n_users, n), -1, np.int32) for question in candidates}
    asked = np.flatnonzero(split.part(part).lengths > 0)
    order = popularity_among(split.train, split.library.tracks["track_id"].to_list()).order
    orders = {question: order[tracks[order]] for question, tracks in candidates.items()}
    for begin in range(0, len(asked), _BLOCK):
        if progress is not None:
            progress(begin, len(asked), f"asking {name}")
        users = asked[begin : begin + _BLOCK].tolist()
        queries = [replace(split.query(user), query_id="") for user in users]
        block = recommender.score_block(queries) if isinstance(recommender, BlockScorer) else None
        for place, (user, query) in enumerate(zip(users, queries, strict=True)):
            whole = None if block is not None else recommender.recommend(query, split.n_tracks).rows
            for question, tracks in candidates.items():
                if block is not None:
                    rows = ranked(block[place], split.train.row(user), orders[question], n).rows
                else:
                    assert whole is not None
                    rows = whole[tracks[whole]][:n]
                found[question][user, : len(rows)] = rows
    if progress is not None:
        progress(len(asked), len(asked), f"asking {name}")
    for made in found.values():
        _check(name, made, split)
    return {q.name: found[q.name if q.among else "all"] for q in QUESTIONS}


def _check(name: str, lists: Lists, split: UserSplit) -> None:
    """Raise ValueError where a list holds a track twice, or one of training."""
    ordered = np.sort(lists, axis=1)
    if ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any():
        raise ValueError(f"{name} recommended a track twice")
    user, place = np.nonzero(lists >= 0)
    known = np.repeat(np.arange(split.n_users), split.train.lengths) * split.n_tracks + split.train.indices
    if np.isin(user * split.n_tracks + lists[user, place], known).any():
        raise ValueError(f"{name} recommended a track of training")


def values_of(split: UserSplit, part: UserPart, lists: Mapping[str, Mapping[str, Lists]]) -> dict[str, Values]:
    """Question -> method -> metric -> value of each user, nan where a user is not asked; empty questions left out."""
    found: dict[str, Values] = {}
    for question in QUESTIONS:
        truth = asked_of(split.part(part), split.tracks_of(question.regime, part))
        if len(truth.indices):
            found[question.name] = {
                name: user_values(of_question[question.name], truth) for name, of_question in lists.items()
            }
    return found


def _not_below(
    values: Mapping[str, Values], judged: str | None, others: Mapping[str, Sequence[str]]
) -> list[NotBelowRow]:
    """The judged method against the best of some others, chosen afterwards, slice by slice."""
    metric = USER_METRICS[0]
    asked = {name: others[name] for name in values if judged is not None and others.get(name)}
    if judged is None or not asked:
        return []
    return not_below_best(values, judged, asked, metric)


def _notes(split: UserSplit, part: UserPart) -> list[str]:
    """What of the library and the part belongs to the figures."""
    said = []
    if part == "validation":
        said.append("What was tuned or stopped early was so on the validation part, so these figures flatter it.")
    about = split.library.notes
    if "synthetic" in str(about).lower():
        said.append("The library is synthetic: its figures show that the parts work together, and are no results.")
    listeners = about.get("listeners")
    if isinstance(listeners, dict):
        if listeners.get("items") == "artists":
            said.append("The items of this library are artists, not tracks; each is its own artist.")
        if listeners.get("source") == "playlists":
            said.append("The listeners of this library are playlists.")
    return said
