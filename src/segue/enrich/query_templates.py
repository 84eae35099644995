"""Queries without a language model: templates over what is known of a playlist, and rules that rephrase a title.

They are marked ``templates-1`` and ``rules-1``. They say what metadata says, in few shapes: good enough to train and
to try search on, no picture of what people type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from segue.enrich.extractive import extractive
from segue.library import Library
from segue.library.names import fold
from segue.lm.quoting import cleaned
from segue.views.titles import normalise

__all__ = ["RULES", "TEMPLATES", "Facts", "facts_of", "rephrased", "templated"]

TEMPLATES, RULES = "templates-1", "rules-1"
_LISTS = ("themes", "genres", "activities", "eras", "artists")
_MOST_WORDS = 12
_MOST_FACT = 60  # characters; nobody types a longer name
_PLACE = re.compile(r"\{(\w+)\}")

_SHAPES: Mapping[str, tuple[str, ...]] = {
    "keyword": (
        "{era} {genre}",
        "{genre} {activity}",
        "{theme} {genre}",
        "{artist} {genre}",
        "{theme} {activity}",
        "{era} {theme}",
        "{artist} {other}",
        "{genre} {theme} mix",
        "{artist} similar",
    ),
    "natural": (
        "{genre} songs from the {era} for {activity}",
        "I am looking for {theme} {genre} music",
        "songs by artists like {artist} and {other}",
        "{theme} songs with {artist} and {genre} from the {era}",
        "a playlist with {genre} that goes well with {activity}",
        "music in the style of {artist} for {activity}",
        "a mix of {genre} and {theme} songs",
        "{theme} music with {artist} in it",
    ),
    "activity": (
        "music for {activity}",
        "{genre} for {activity}",
        "{theme} songs for {activity}",
        "what to play when {activity}",
        "{activity} with {artist}",
    ),
    "mood": (
        "{theme} music",
        "{theme} {genre} songs",
        "something {theme} from the {era}",
        "{theme} songs like those of {artist}",
        "{theme} and {theme2}",
    ),
}

# what people write, and what others would write in its place
_OTHERWISE: Mapping[str, tuple[str, ...]] = {
    "workout": ("gym", "training"),
    "gym": ("workout", "fitness"),
    "running": ("jogging",),
    "chill": ("relaxing", "laid back"),
    "relax": ("unwind", "calm down"),
    "relaxing": ("calm", "soothing"),
    "calm": ("peaceful", "quiet"),
    "sad": ("heartbroken", "melancholy"),
    "happy": ("cheerful", "feel good"),
    "party": ("celebration", "night out"),
    "throwback": ("old favourites", "back in the day"),
    "throwbacks": ("old favourites", "back in the day"),
    "oldies": ("old classics",),
    "love": ("romance", "romantic"),
    "romantic": ("love",),
    "study": ("homework", "concentration"),
    "studying": ("concentrating",),
    "focus": ("concentration",),
    "sleep": ("bedtime", "falling asleep"),
    "driving": ("on the road",),
    "drive": ("car ride",),
    "road": ("highway",),
    "summer": ("sunny days", "warm weather"),
    "winter": ("cold days",),
    "christmas": ("holiday season", "xmas"),
    "morning": ("waking up",),
    "night": ("late evening",),
    "rainy": ("grey weather",),
    "rap": ("hip hop",),
    "hip hop": ("rap",),
    "edm": ("electronic dance music",),
    "electronic": ("synth",),
    "country": ("nashville",),
    "hits": ("biggest songs",),
    "best": ("greatest",),
    "favorites": ("most loved",),
    "favourites": ("most loved",),
    "new": ("latest", "fresh"),
    "vibes": ("mood", "atmosphere"),
    "jams": ("tunes",),
    "bangers": ("loud hits",),
    "songs": ("tracks", "music"),
    "music": ("songs",),
    "mix": ("selection",),
    "dinner": ("supper",),
    "cooking": ("in the kitchen",),
    "dance": ("dancefloor",),
    "beach": ("by the sea",),
    "wedding": ("getting married",),
    "breakup": ("after a split",),
    "classical": ("orchestral",),
    "acoustic": ("unplugged",),
    "instrumental": ("without vocals",),
    "worship": ("praise",),
    "kids": ("for children",),
}


@dataclass(frozen=True)
class Facts:
    """What is known of a playlist, the most telling first."""

    title: str
    themes: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    activities: tuple[str, ...] = ()
    eras: tuple[str, ...] = ()
    artists: tuple[str, ...] = ()

    @property
    def about(self) -> dict[str, list[str]]:
        """What there is, by name."""
        return {name: list(getattr(self, name)) for name in _LISTS if getattr(self, name)}


def facts_of(library: Library, rows: Sequence[int]) -> list[Facts]:
    """What is known of playlists: what was written about them, else what is typical of them.

    Descriptions by people are not read: they are what search is measured with.
    """
    chosen = list(rows)
    told_of = library.playlists[chosen]
    missing = [pl.lit(None, pl.String).alias(name) for name in _LISTS if name not in told_of.columns]
    table = told_of.with_columns(missing).select(_LISTS)
    lacking = table.select(pl.all_horizontal(pl.col(*_LISTS).fill_null("") == "")).to_series().arg_true()
    if len(lacking):
        made = extractive(library, [chosen[place] for place in lacking.to_list()])
        columns = [table[name].scatter(lacking, made[name]) for name in _LISTS]
        table = pl.DataFrame(columns)
    found = []
    for row, told in zip(rows, table.iter_rows(named=True), strict=True):
        lists = {name: tuple(filter(None, map(_fact, (told[name] or "").split(";")))) for name in _LISTS}
        found.append(Facts(library.titles[row], **lists))
    return found


def templated(facts: Facts, style: str, n: int, rng: np.random.Generator) -> list[str]:
    """Up to ``n`` distinct queries of a style; fewer where little is known, never the bare title.

    Args:
        style: "keyword", "natural", "activity", "mood" or "paraphrase".
    """
    if style == "paraphrase":
        return rephrased(facts.title, n, rng)
    shapes = _SHAPES[style]
    made: dict[str, None] = {}
    title = fold(facts.title)
    for place in rng.permutation(len(shapes)).tolist():
        query = _filled(shapes[place], facts, rng)
        if query and fold(query) != title:
            made[query] = None
        if len(made) == n:
            break
    return list(made)


def rephrased(title: str, n: int, rng: np.random.Generator) -> list[str]:
    """Up to ``n`` other ways to say a title: words replaced, moved or dropped; none where no rule applies.

    >>> rephrased("Sad Rainy Morning", 1, np.random.default_rng(0))
    ['waking up grey weather melancholy']
    """
    words = normalise(title, "read").lower().split()[:_MOST_WORDS]
    made: dict[str, None] = {}
    for _ in range(4 * n):
        new = [str(rng.choice(_OTHERWISE[word])) if word in _OTHERWISE else word for word in words]
        if new == words:
            return []
        if len(new) > 2 and rng.random() < 0.5:
            new = new[::-1]
        query = " ".join(new)
        if fold(query) != fold(title):
            made[query] = None
        if len(made) == n:
            break
    return list(made)


def _filled(shape: str, facts: Facts, rng: np.random.Generator) -> str:
    """A shape with facts in its places; empty where one is missing."""
    drawn = {name: _some(getattr(facts, name), rng) for name in _LISTS}
    values = {
        "theme": drawn["themes"][:1],
        "theme2": drawn["themes"][1:2],
        "genre": drawn["genres"][:1],
        "activity": drawn["activities"][:1],
        "era": drawn["eras"][:1],
        "artist": drawn["artists"][:1],
        "other": drawn["artists"][1:2],
    }
    wanted = _PLACE.findall(shape)
    if not all(values[name] for name in wanted):
        return ""
    # in one go: a name may look like a place itself
    return _PLACE.sub(lambda match: values[match[1]][0], shape)


def _fact(text: str) -> str:
    """A fact as somebody could type it: on one line, without marks that nobody sees, and not for ever long."""
    return " ".join(str(cleaned(text, most=_MOST_FACT)).split())


def _some(words: Sequence[str], rng: np.random.Generator) -> list[str]:
    """Two of the first three, in random order."""
    first = list(words[:3])
    return [first[place] for place in rng.permutation(len(first)).tolist()][:2]
