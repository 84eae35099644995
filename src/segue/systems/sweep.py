"""Sweeps: try settings on validation playlists, keep a log that a killed sweep goes on from, say which was best."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import msgspec

from segue.errors import InputError, OutputError, StoredDataError
from segue.library.arrays import read_json, write_json
from segue.library.folders import check_place, locked
from segue.systems.sweep_spaces import Method, Setting, Space, suggested

__all__ = ["DEFAULT_TRIALS", "KIND", "Outcome", "Subject", "Sweep", "Trial", "run_sweep"]

Progress = Callable[[int, int, str], None]

KIND = "segue sweep"
FORMAT_VERSION = 1
DEFAULT_TRIALS = 60
_LOG = "trials.jsonl"


@dataclass(frozen=True)
class Outcome:
    """What a setting reached.

    Args:
        objective: what the sweep maximises.
        values: further figures by name; nan where there is nothing to average.
        per_query: the objective of each query, where it is a mean over queries.
    """

    objective: float
    values: Mapping[str, float]
    per_query: Sequence[float] = ()


class Subject(Protocol):
    """What is swept. Nothing heavy happens before :meth:`evaluate`, so that a wrong folder is refused at once."""

    @property
    def what(self) -> str:
        """Short name: vote, themes, model."""
        ...

    @property
    def space(self) -> Space:
        """What can be set."""
        ...

    @property
    def objective(self) -> str:
        """What the objective is called."""
        ...

    @property
    def conditions(self) -> dict[str, Any]:
        """Everything beside the setting that outcomes depend on, JSON-able: fingerprints of library and encoder."""
        ...

    @property
    def notes(self) -> list[str]:
        """Sentences for the report."""
        ...

    def evaluate(self, setting: Setting, progress: Progress | None = None) -> Outcome:
        """Try one setting: the same setting has the same outcome, bit for bit. Test playlists are never looked at."""
        ...

    def details(self, best: Setting, progress: Progress | None = None) -> dict[str, Any]:
        """Further JSON-able tables for the report, given the best setting."""
        ...


@dataclass(frozen=True)
class Trial:
    """A setting with its outcome, as the log keeps it; ``values`` hold None for nan, ``per_query`` seven decimals."""

    number: int
    setting: Setting
    objective: float
    values: dict[str, float | None]
    per_query: list[float] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Sweep:
    """All trials of a sweep, the shipped setting first.

    Args:
        header: what the folder's manifest says.
        new: how many trials this run added.
    """

    header: dict[str, Any]
    space: Space
    trials: tuple[Trial, ...]
    new: int

    @cached_property
    def best(self) -> Trial:
        """The first trial with the highest objective."""
        return max(self.trials, key=lambda trial: (trial.objective, -trial.number))

    @property
    def default(self) -> Trial:
        """The trial of the shipped setting."""
        return self.trials[0]


def run_sweep(
    subject: Subject,
    folder: Path,
    *,
    method: Method = "search",
    trials: int | None = None,
    rng_key: int = 0,
    progress: Progress | None = None,
) -> Sweep:
    """Try settings until there are enough; those that the folder's log holds already count.

    Each trial is one line of ``trials.jsonl``, on the disk before the next begins. A run that was killed leaves at
    most half a line, which the next run drops; it then goes on to the same trials that an undisturbed run makes.

    Args:
        folder: new, empty, or of the same sweep.
        method: ``search`` (TPE), ``grid`` (every combination), ``defaults`` (each parameter alone around the shipped
            setting). The shipped setting is always the first trial.
        trials: how many there are to be in all; None is :data:`DEFAULT_TRIALS`, or all of the plan.
        rng_key: key of the search's draws.

    Raises:
        InputError: no trial is wanted, or the folder holds a sweep of something else (the message says of what).
        StoredDataError: the log is damaged.
        OutputError: the folder cannot be written to.
    """
    if trials is not None and trials < 1:
        raise InputError(f"{trials} trials are none; give 1 or more")
    folder = Path(folder)
    check_place(folder, KIND)
    space = subject.space
    plan = space.planned(method)
    wanted = DEFAULT_TRIALS if trials is None else trials
    if plan is not None:
        wanted = len(plan) if trials is None else min(trials, len(plan))
    header = {
        "kind": KIND,
        "format_version": FORMAT_VERSION,
        "what": subject.what,
        "method": method,
        "objective": subject.objective,
        "space": space.to_json(),
        "rng_key": rng_key,
        **subject.conditions,
    }
    # as JSON has it, so that it can be compared with what is read
    header = msgspec.json.decode(msgspec.json.encode(header))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror or error}") from error
    with locked(folder):
        _agree(folder, header)
        done = _read(folder / _LOG, space)
        before = len(done)
        for number in range(before, wanted):
            setting = _next(space, plan, done, number, rng_key)
            if progress is not None:
                best = f", best {max(t.objective for t in done):.4f}" if done else ""
                progress(number, wanted, f"{subject.objective} of trial {number + 1}{best}")
            known = next((t for t in done if t.setting == setting), None)
            trial = (
                _repeated(known, number) if known else _tried(number, setting, subject.evaluate(setting, progress))
            )
            _append(folder / _LOG, trial)
            done.append(trial)
    return Sweep(header, space, tuple(done), len(done) - before)


def _next(space: Space, plan: list[Setting] | None, done: Sequence[Trial], number: int, rng_key: int) -> Setting:
    if plan is not None:
        return plan[number]
    if number == 0:
        return space.default
    return suggested(space, [(t.setting, t.objective) for t in done], rng_key)


def _tried(number: int, setting: Setting, outcome: Outcome) -> Trial:
    if not math.isfinite(outcome.objective):
        raise InputError(f"the setting {setting} has no objective ({outcome.objective}); a larger library is needed")
    values = {name: None if math.isnan(value) else float(value) for name, value in outcome.values.items()}
    return Trial(number, setting, float(outcome.objective), values, [round(float(v), 7) for v in outcome.per_query])


def _repeated(known: Trial, number: int) -> Trial:
    return Trial(number, known.setting, known.objective, known.values, known.per_query)


def _agree(folder: Path, header: Mapping[str, Any]) -> None:
    """Write the manifest of a new sweep, or make sure that the one that is there is of the same sweep."""
    file = folder / "manifest.json"
    if not file.exists():
        write_json(file, header)
        return
    there = read_json(file)
    if not isinstance(there, dict):
        raise StoredDataError(f"{file} is damaged (no object); choose another folder")
    if there.get("format_version", 0) > FORMAT_VERSION:
        raise StoredDataError(f"{file} was written by a newer version; upgrade segue")
    for name in dict.fromkeys([*header, *there]):
        was, now = there.get(name), header.get(name)
        if was != now:
            shown = f" ({was} instead of {now})" if isinstance(was, str | int | float) and was is not None else ""
            raise InputError(f"{folder} holds a sweep of another {name}{shown}; choose another folder")


def _read(log: Path, space: Space) -> list[Trial]:
    """The trials so far; a last line without an end, of a run that was killed, is cut off."""
    try:
        data = log.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            os.truncate(log, len(whole))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoredDataError(f"{log} cannot be read ({error.strerror or error}); choose another folder") from error
    trials: list[Trial] = []
    names = list(space.default)
    for number, line in enumerate(whole.splitlines()):
        try:
            trial = msgspec.json.decode(line, type=Trial)
        except (msgspec.MsgspecError, ValueError) as error:
            raise StoredDataError(f"{log} is damaged (line {number + 1}: {error}); choose another folder") from error
        if trial.number != number or list(trial.setting) != names:
            raise StoredDataError(f"{log} is damaged (line {number + 1} is of something else); choose another folder")
        trials.append(trial)
    return trials


def _append(log: Path, trial: Trial) -> None:
    try:
        with log.open("ab") as file:
            file.write(msgspec.json.encode(trial) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise OutputError(f"cannot write {log}: {error.strerror or error}") from error
