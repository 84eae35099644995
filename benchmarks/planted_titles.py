"""Planted titles: what people would call a playlist of a theme, with variants, typos and emoji."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from words import ERAS, FAMILIES, GENRES, MOODS, MUTE, OCCASIONS, SUFFIXES

__all__ = ["Concept", "Pool", "Theme", "challenge_form", "concepts", "raw_forms", "themes", "title_candidates"]

# The normalisation behind the published count of 17,381 titles (RecSys Challenge 2018).
_CHALLENGE = re.compile(r"[.,/#!$%^*;:{}=_`~()@]")
_WRAPS = (
    "{}", "{} ", "{}!", "{}.", "{}!!", "~{}~", "*{}*", "{} :)", "#{}", "({})", "{}!!!", "{}...", "{} ;)", "_{}_",
    "{}:", "{} (:", "**{}**", "{},", "~ {} ~", "{}*", "{} /", "{}....", "@{}", "{} #",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Concept:
    """One thing that a title can name: its words, emoji, and what it asks for (indices; empty = anything)."""

    words: tuple[str, ...]
    emoji: str
    genres: tuple[int, ...] = ()
    moods: tuple[int, ...] = ()
    eras: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Theme:
    """One or two concepts that playlists are made for, with a relative frequency."""

    parts: tuple[Concept, ...]
    weight: float


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Strings in groups: group ``g`` holds ``texts[start[g]:start[g + 1]]``."""

    texts: list[str]
    start: NDArray[np.int64]

    @classmethod
    def of(cls, groups: Sequence[Sequence[str]]) -> Pool:
        """Flatten groups of strings."""
        start = np.zeros(len(groups) + 1, np.int64)
        np.cumsum([len(g) for g in groups], out=start[1:])
        return cls([text for group in groups for text in group], start)


def challenge_form(title: str) -> str:
    """Normalise as the published statistics do.

    >>> challenge_form("  Road   TRIP!! ")
    'road trip'
    """
    return " ".join(_CHALLENGE.sub(" ", title.lower()).split())


def concepts() -> dict[str, list[Concept]]:
    """All concepts by kind: genre, family, mood, era, occasion."""
    mood_number = {mood: m for m, mood in enumerate(MOODS)}
    of_family = {f: tuple(g for g, genre in enumerate(GENRES) if genre[0] == f) for f in FAMILIES}

    def words(text: str) -> tuple[str, ...]:
        return tuple(text.split("|"))

    def moods(text: str) -> tuple[int, ...]:
        return tuple(mood_number[m] for m in text.split())

    return {
        "genre": [Concept(words(g[1]), FAMILIES[g[0]][1], genres=(i,)) for i, g in enumerate(GENRES)],
        "family": [Concept(words(w), e, genres=of_family[f]) for f, (w, e) in FAMILIES.items() if f != "holiday"],
        "mood": [Concept(words(w), e, moods=(m,)) for m, (w, e) in enumerate(MOODS.values())],
        "era": [Concept(words(w), "📼💿", eras=(e,)) for e, w in enumerate(ERAS)],
        "occasion": [
            Concept(words(w), e, moods=moods(m), genres=tuple(g for f in fs.split() for g in of_family[f]))
            for w, e, m, fs in OCCASIONS
        ],
    }


def themes(rng: np.random.Generator) -> list[Theme]:
    """Single concepts and pairs of them, with skewed frequencies; about 2,300."""
    kinds = concepts()
    share = np.array([g[2] for g in GENRES], float) / sum(g[2] for g in GENRES)
    found = [Theme((c,), 0.30 * share[i]) for i, c in enumerate(kinds["genre"])]
    found += [Theme((c,), 0.12 * share[list(c.genres)].sum()) for c in kinds["family"]]
    for kind, total in (("mood", 0.11), ("era", 0.05), ("occasion", 0.16)):
        skew = 1.0 / np.arange(2, len(kinds[kind]) + 2) ** 0.7
        found += [Theme((c,), total * w) for c, w in zip(kinds[kind], skew / skew.sum(), strict=True)]
    for first, second, total in (
        ("mood", "genre", 0.07),
        ("era", "genre", 0.06),
        ("occasion", "family", 0.05),
        ("era", "occasion", 0.02),
        ("mood", "occasion", 0.03),
        ("mood", "era", 0.03),
    ):
        pairs = [(a, b) for a in kinds[first] for b in kinds[second]]
        skew = rng.lognormal(0.0, 1.3, len(pairs))
        found += [Theme(pair, total * w) for pair, w in zip(pairs, skew / skew.sum(), strict=True)]
    return found


def _typo(text: str, rng: np.random.Generator) -> str:
    """Swap, drop or double one letter."""
    if len(text) < 5:
        return text
    at, kind = int(rng.integers(1, len(text) - 1)), int(rng.integers(3))
    if kind == 0:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + (text[at + 1 :] if kind == 1 else text[at] + text[at:])


def title_candidates(theme: Theme, n: int, rng: np.random.Generator) -> list[str]:
    """Up to ``n`` distinct lower-case titles of a theme, the commonest first."""
    first = theme.parts[0]
    if len(theme.parts) == 1:
        heads = [(w, 1.6 * i) for i, w in enumerate(first.words)]
    else:
        second = theme.parts[1]
        heads = [
            (f"{a} {b}", 1.2 * (i + j)) for i, a in enumerate(first.words[:6]) for j, b in enumerate(second.words[:4])
        ]
        heads += [(f"{second.words[0]} {first.words[0]}", 2.0), (f"{first.words[0]} and {second.words[0]}", 4.0)]
    emoji = "".join(part.emoji for part in theme.parts)
    marks = [c for c in emoji if c != "\ufe0f"]
    scored: list[tuple[float, str]] = []
    for head, rank in heads:
        scored += [(rank + i + rng.random(), pattern.format(head)) for i, pattern in enumerate(SUFFIXES)]
        scored += [(rank + 3 + 4 * i + rng.random(), f"{head} {mark}") for i, mark in enumerate(marks[:2])]
        scored.append((rank + 9 + 4 * rng.random(), _typo(head, rng)))
        if len(head) <= 14:
            scored.append((rank + 14 + 4 * rng.random(), " ".join(head.replace(" ", "  "))))
    scored += [(4.0 + 3 * i, mark * (1 + i % 2)) for i, mark in enumerate(marks[:3])]
    scored.sort()
    return list(dict.fromkeys(text for _, text in scored))[:n]


def mute_candidates() -> list[str]:
    """Titles that say nothing, the commonest first."""
    words = MUTE.split("|")
    return list(
        dict.fromkeys([*words, *(f"{w} {i}" for i in range(2, 12) for w in words), *(f"{w} 🎶" for w in words)])
    )


def raw_forms(title: str) -> list[str]:
    """Ways to type one title that its challenge form does not tell apart, the commonest first."""
    cases = list(dict.fromkeys([title, title.title(), title.capitalize(), title.upper()]))
    return list(dict.fromkeys(wrap.format(case) for wrap in _WRAPS for case in cases))
