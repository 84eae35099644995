"""What a sweep tries: parameters with their ranges, the shipped values, and the orders in which settings come."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from segue.errors import MissingDependency

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["METHODS", "Method", "Parameter", "Setting", "Space", "suggested"]

Setting = dict[str, float | int | None]
"""Parameter -> value; None is "without"."""

Method = Literal["search", "grid", "defaults"]
METHODS: tuple[Method, ...] = ("search", "grid", "defaults")

_STARTUP = 10  # trials that the search draws at random before it models anything


@dataclass(frozen=True)
class Parameter:
    """One scalar of a recipe.

    Args:
        name: as in a setting. meaning: half a sentence for people.
        low, high: what the search may draw, both ends included.
        default: what is shipped, or was published; None is "without".
        grid: values of a grid; with None among them the search may leave the parameter out, too.
        log: the search draws the logarithm evenly. whole: whole numbers only.
        step: the search draws multiples of it, where each new value is costly.
    """

    name: str
    meaning: str
    low: float
    high: float
    default: float | int | None
    grid: tuple[float | int | None, ...]
    log: bool = False
    whole: bool = False
    step: float | None = None

    @property
    def optional(self) -> bool:
        """Whether a setting may go without it."""
        return None in self.grid

    def at_most(self, high: float) -> Parameter:
        """The same, with nothing above ``high``.

        >>> Parameter("k", "neighbours", 5, 800, 50, (5, 50, 400), whole=True).at_most(40).grid
        (5, 40)
        """
        if high >= self.high:
            return self

        def cut(value: float | int | None) -> float | int | None:
            return None if value is None else min(value, high)

        grid = tuple(dict.fromkeys(cut(value) for value in self.grid))
        return replace(self, low=min(self.low, high), high=high, default=cut(self.default), grid=grid)


@dataclass(frozen=True)
class Space:
    """All parameters of a sweep, in a fixed order."""

    parameters: tuple[Parameter, ...]

    def __getitem__(self, name: str) -> Parameter:
        return next(p for p in self.parameters if p.name == name)

    @property
    def default(self) -> Setting:
        """The shipped setting."""
        return {p.name: p.default for p in self.parameters}

    def grid(self) -> list[Setting]:
        """The shipped setting, then every combination of the grids' values, mixed so that any beginning is spread."""
        names = [p.name for p in self.parameters]
        crossed = [dict(zip(names, values, strict=True)) for values in itertools.product(*self._grids())]
        crossed.sort(key=lambda setting: _mixed(list(setting.items())))
        return _each_once([self.default, *crossed])

    def star(self) -> list[Setting]:
        """The shipped setting, then each parameter's grid alone with the others as they are shipped.

        >>> a = Parameter("a", "", 0, 9, 1, (1, 2))
        >>> b = Parameter("b", "", 0, 9, None, (None, 5))
        >>> Space((a, b)).star()
        [{'a': 1, 'b': None}, {'a': 2, 'b': None}, {'a': 1, 'b': 5}]
        """
        rays = (
            self.default | {p.name: value}
            for p, values in zip(self.parameters, self._grids(), strict=True)
            for value in values
        )
        return _each_once([self.default, *rays])

    def planned(self, method: Method) -> list[Setting] | None:
        """All settings of a method in order; None where each depends on the trials before it."""
        match method:
            case "grid":
                return self.grid()
            case "defaults":
                return self.star()
            case _:
                return None

    def to_json(self) -> list[dict[str, Any]]:
        """A JSON-ready list."""
        return [asdict(p) | {"grid": list(p.grid)} for p in self.parameters]

    def _grids(self) -> list[tuple[float | int | None, ...]]:
        return [p.grid for p in self.parameters]


def _each_once(settings: Sequence[Setting]) -> list[Setting]:
    return list({tuple(setting.items()): setting for setting in settings}.values())


def _mixed(value: object) -> bytes:
    return hashlib.blake2b(repr(value).encode(), digest_size=4).digest()


def suggested(space: Space, history: Sequence[tuple[Setting, float]], rng_key: int) -> Setting:
    """What to try after the given trials: TPE's proposal, each value rounded to three figures.

    A pure function: the sampler is made anew with a key of its own for each trial and told all earlier trials, so
    that a sweep that was interrupted goes on as if it had not been. Nothing is kept but what the caller keeps.

    Args:
        history: earlier settings and what they reached (higher is better).

    Raises:
        MissingDependency: optuna is not installed.

    Source: Bergstra, Bardenet, Bengio and Kegl 2011, "Algorithms for hyper-parameter optimization"; Akiba and others
    2019, "Optuna".
    """
    try:
        import optuna  # imported late: half a second
    except ImportError as error:
        raise MissingDependency("a search", extra="train") from error

    number = int.from_bytes(_mixed([rng_key, len(history)]), "big")
    with _quiet(optuna):
        sampler = optuna.samplers.TPESampler(n_startup_trials=_STARTUP, seed=number)
        study = optuna.create_study(
            direction="maximize", sampler=sampler
        )  # in memory; no storage of optuna's is used
        for setting, value in history:
            study.add_trial(_told(optuna, space, setting, value))
        trial = study.ask()
        return {p.name: _drawn(trial, p) for p in space.parameters}


def _drawn(trial: Any, p: Parameter) -> float | int | None:
    if p.optional and not trial.suggest_categorical(_switch(p), [False, True]):
        return None
    if p.whole:
        return int(trial.suggest_int(p.name, int(p.low), int(p.high), log=p.log))
    if p.step is not None:
        return round(float(trial.suggest_float(p.name, p.low, p.high, step=p.step)), 6)
    return float(f"{trial.suggest_float(p.name, p.low, p.high, log=p.log):.3g}")


def _told(optuna: Any, space: Space, setting: Mapping[str, float | int | None], value: float) -> Any:
    """A finished trial in optuna's words."""
    ranges: dict[str, Any] = {}
    params: dict[str, Any] = {}
    for p in space.parameters:
        chosen = setting[p.name]
        if p.optional:
            ranges[_switch(p)] = optuna.distributions.CategoricalDistribution([False, True])
            params[_switch(p)] = chosen is not None
        if chosen is not None:
            ranges[p.name] = (
                optuna.distributions.IntDistribution(int(p.low), int(p.high), log=p.log)
                if p.whole
                else optuna.distributions.FloatDistribution(p.low, p.high, log=p.log, step=p.step)
            )
            params[p.name] = chosen
    return optuna.trial.create_trial(params=params, distributions=ranges, value=value)


def _switch(p: Parameter) -> str:
    return f"with {p.name}"


@contextmanager
def _quiet(optuna: Any) -> Iterator[None]:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
