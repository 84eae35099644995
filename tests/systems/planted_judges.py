"""Judges whose mistakes are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from segue.evaluate.pooling import Pair, Pool, pooled
from segue.library.search_runs import RankedQuery, SearchRun
from segue.library.searching import Graded


def uniform(*key: object) -> float:
    """A number in [0, 1) that depends on its key alone."""
    return int.from_bytes(blake2b(repr(key).encode(), digest_size=4).digest()) / 2**32


@dataclass(frozen=True)
class PlantedJudge:
    """Gives the true grade, or with probability ``wrong`` of the wording one beside it; then ``scale`` of that.

    Pairs in ``fails`` are never graded.
    """

    truth: Mapping[Pair, int]
    wrong: tuple[float, ...]
    scale: tuple[int, ...] = (0, 1, 2, 3)
    fails: frozenset[Pair] = frozenset()
    evidence: str = "planted"

    @property
    def wordings(self) -> tuple[str, ...]:
        return tuple(f"planted-{n}" for n in range(len(self.wrong)))

    def grade(self, pairs: Sequence[Pair], wording: int, progress: object = None) -> list[Graded]:
        out = []
        for pair in pairs:
            if pair in self.fails:
                continue
            grade = self.truth[pair]
            if uniform("miss", wording, pair) < self.wrong[wording]:
                grade += 1 if grade == 0 or (grade < 3 and uniform("up", wording, pair) < 0.5) else -1
            out.append(Graded(*pair, self.scale[grade], "planted", self.wordings[wording]))
        return out


def planted_pool(n_queries: int = 80, depth: int = 5) -> tuple[Pool, dict[Pair, int]]:
    """Three systems, "a" best and "c" worst, and the true grade of all that they found."""
    truth: dict[Pair, int] = {}
    lists: dict[str, list[RankedQuery]] = {"a": [], "b": [], "c": []}
    for q in range(n_queries):
        query, ids = f"query {q}", [f"{q}-{i}" for i in range(30)]
        truth |= {(query, one): int(4 * uniform("truth", one)) for one in ids}
        for name, noise in (("a", 1.0), ("b", 4.0), ("c", 30.0)):
            order = sorted(ids, key=lambda one: -truth[query, one] - noise * uniform(name, one))
            lists[name].append(RankedQuery(str(q), query, f"{q}-0", tuple(order[:depth])))
    pool = pooled([SearchRun(name, tuple(lines)) for name, lines in lists.items()], depth=depth)
    return pool, {pair: truth[pair] for pair in pool.pairs}
