"""How a title gets typed: frames, years, letter case, slips of the finger, spread letters, emoji."""

from __future__ import annotations

from typing import Final

from segue.sources.demo.draws import Draws
from segue.sources.demo.themes import Typing

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_KEYS_MASHED: Final = "asdfghjkl"


def filled(frame: str, draws: Draws, habits: Typing, *, theme: str, year: int) -> str:
    """Return the frame with its gaps filled: the theme, first names, the year, a small number, nonsense words."""
    if "{" not in frame:
        return frame
    names = habits.first_names["any"]
    letters = "".join(draws.pick(_KEYS_MASHED) for _ in range(3 + draws.below(6)))
    return frame.format(
        t=theme,
        name=draws.pick(names),
        name2=draws.pick(names),
        n=1 + draws.below(9),
        yyyy=year,
        first=draws.pick(habits.joke["first"]),
        first2=draws.pick(habits.joke["first"]),
        second=draws.pick(habits.joke["second"]),
        second2=draws.pick(habits.joke["second"]),
        letters=letters,
        letters2=draws.pick(_LETTERS) + draws.pick(_LETTERS),
    )


def dated(title: str, draws: Draws, year: int) -> str:
    """Return the title with the year behind it, in one of the ways that people write years."""
    short = f"{year % 100:02d}"
    return title + draws.pick((f" {short}", f" '{short}", f" {year}", f" {year}", f" ’{short}", short))


def typed(title: str, draws: Draws, habits: Typing, emoji: tuple[str, ...]) -> str:
    """Return the title as a person would have typed it.

    Args:
        title: words in their plain form.
        draws: where the habits of this person come from.
        habits: the endings that people like.
        emoji: what suits the theme; empty for none.
    """
    ascii_only = title.isascii()
    if ascii_only and len(title) > 3 and draws.chance(0.02):
        title = _with_slip(title, draws)
    if ascii_only and 3 <= len(title) <= 18 and draws.chance(0.02):
        title = "  ".join(" ".join(word) for word in title.split(" "))
    title = _cased(title, draws)
    if draws.chance(0.025):
        title += draws.pick(habits.endings["any"])
    return _with_emoji(title, draws, emoji)


def _cased(title: str, draws: Draws) -> str:
    roll = draws.uniform()
    if roll < 0.56:
        return title.lower()
    if roll < 0.83:
        return " ".join(word[:1].upper() + word[1:] for word in title.split(" "))
    if roll < 0.86:
        return title.upper()
    if roll < 0.9:
        return title[:1].upper() + title[1:]
    return title


def _with_slip(title: str, draws: Draws) -> str:
    """Return the title with one slip: a letter doubled, dropped, or swapped with the next one."""
    at = 1 + draws.below(len(title) - 2)
    roll = draws.uniform()
    if roll < 0.35:
        return title[:at] + title[at] + title[at:]
    if roll < 0.7:
        return title[:at] + title[at + 1 :]
    return title[:at] + title[at + 1] + title[at] + title[at + 2 :]


def _with_emoji(title: str, draws: Draws, emoji: tuple[str, ...]) -> str:
    if not emoji:
        return title
    roll = draws.uniform()
    if roll < 0.015:
        return draws.pick(emoji) * (1 + draws.below(3))
    if roll < 0.085:
        return f"{title} {draws.pick(emoji)}"
    if roll < 0.105:
        return title + draws.pick(emoji) + draws.pick(emoji)
    if roll < 0.12:
        one = draws.pick(emoji)
        return f"{one} {title} {one}"
    return title
