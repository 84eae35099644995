"""Small lists of words that titles are made of: what one does to music, genres, moods, decades."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["ACTIVITIES", "GENRES", "MOODS", "Sorted", "era_of", "sort_words"]


def _index(groups: Mapping[str, str]) -> dict[str, str]:
    """Word -> the name of its group."""
    return {
        word: name
        for name, words in groups.items()
        for word in ((name, *words.split()) if " " not in name else words.split())
    }


# fmt: off
ACTIVITIES: Mapping[str, str] = _index({
    "working out": "workout workouts gym fitness lift lifting training crossfit cardio pump exercise sweat hiit",
    "running": "run runs runner jog jogging marathon treadmill 5k",
    "studying": "study homework focus concentration concentrate exam exams finals library revision",
    "working": "office productivity productive desk coding",
    "sleeping": "sleep sleepy nap bed bedtime asleep lullaby lullabies naptime",
    "driving": "drive car roadtrip road driver cruise cruisin highway commute",
    "partying": "party parties pregame turnt turn pre club clubbing rave bangers lit bday birthday",
    "dancing": "dance dancefloor zumba",
    "cooking": "cook kitchen baking brunch breakfast",
    "dinner": "dining supper",
    "showering": "shower bath",
    "cleaning": "clean chores",
    "relaxing": "relax relaxation unwind spa massage chillout lounge",
    "yoga and meditation": "yoga meditate meditation savasana mindfulness zen",
    "getting married": "wedding bridal bride reception",
    "travelling": "travel vacation trip adventure plane",
    "camping": "camp campfire bonfire hiking",
    "at the beach": "beach pool boat island surf",
    "reading": "read books",
    "gaming": "gamer videogame",
    "coffee": "cafe coffeehouse",
    "karaoke": "sing singalong",
    "barbecue": "bbq grill cookout backyard",
    "praying": "worship praise prayer devotional",
})
"""Word of a title -> what people do to the music."""

GENRES: Mapping[str, str] = _index({
    "rap": "rapper rappers", "hip hop": "hiphop hop", "r&b": "rnb rhythm", "trap": "", "pop": "", "rock": "",
    "classic rock": "", "indie": "", "alternative": "alt", "folk": "folky", "country": "cowboy", "americana": "",
    "bluegrass": "", "metal": "headbang metalcore", "hardcore": "", "punk": "punks", "emo": "", "screamo": "",
    "ska": "", "grunge": "", "jazz": "jazzy", "blues": "bluesy", "soul": "soulful", "funk": "funky", "disco": "",
    "motown": "", "gospel": "", "christian": "jesus", "reggae": "", "reggaeton": "regueton", "dancehall": "",
    "latin": "latino latina", "salsa": "", "bachata": "", "cumbia": "", "banda": "", "corridos": "", "mariachi": "",
    "edm": "", "electronic": "electro electronica", "house": "", "techno": "", "trance": "", "dubstep": "",
    "drum and bass": "dnb", "lo-fi": "lofi fi", "ambient": "", "classical": "orchestra symphony", "piano": "",
    "acoustic": "", "instrumental": "instrumentals", "soundtrack": "soundtracks score ost",
    "musicals": "broadway musical", "disney": "",
    "k-pop": "kpop", "j-pop": "jpop anime", "bollywood": "hindi", "afrobeats": "afrobeat", "opera": "",
    "singer-songwriter": "songwriter", "synthwave": "synth", "new wave": "", "shoegaze": "", "swing": "",
})
"""Word of a title -> genre."""

MOODS = frozenset([
    "sad", "happy", "chill", "calm", "love", "romantic", "romance", "heartbreak", "breakup", "cry", "crying", "angry",
    "angst", "mellow", "nostalgia", "nostalgic", "throwback", "throwbacks", "tbt", "feels", "vibes", "upbeat", "hype",
    "energy", "peaceful", "soft", "dark", "deep", "dreamy", "melancholy", "motivation", "cozy", "sexy", "smooth",
    "rainy", "summer", "winter", "spring", "fall", "autumn", "christmas", "halloween", "sunday", "morning", "night",
    "sunshine", "holiday", "holidays", "epic", "spooky", "kids", "family", "oldies",
])
"""Moods, seasons and occasions."""
# fmt: on

_DECADE = re.compile(r"(?:19)?([2-9]0)s|(20[0-2]0)s")
_YEAR = re.compile(r"(?:19|20)\d\d")


def era_of(word: str) -> str | None:
    """The decade or year that a word of a normalised title names.

    >>> era_of("90s"), era_of("2010s"), era_of("2016"), era_of("rock")
    ('1990s', '2010s', '2016', None)
    """
    decade = _DECADE.fullmatch(word)
    if decade:
        return f"{decade[2] or '19' + decade[1]}s"
    return word if _YEAR.fullmatch(word) else None


@dataclass(frozen=True)
class Sorted:
    """Words by what they say, each once, in the order in which they came."""

    genres: tuple[str, ...]
    activities: tuple[str, ...]
    eras: tuple[str, ...]
    themes: tuple[str, ...]


def sort_words(words: Iterable[str]) -> Sorted:
    """Sort words of titles by what they say; what is neither genre nor activity nor era is a theme.

    >>> sort_words(["gym", "rap", "90s", "workout", "summer"])
    Sorted(genres=('rap',), activities=('working out',), eras=('1990s',), themes=('summer',))
    """
    genres, activities, eras, themes = list[str](), list[str](), list[str](), list[str]()
    for word in words:
        era = era_of(word)
        if era is not None:
            eras.append(era)
        elif word in GENRES:
            genres.append(GENRES[word])
        elif word in ACTIVITIES:
            activities.append(ACTIVITIES[word])
        else:
            themes.append(word)
    return Sorted(_once(genres), _once(activities), _once(eras), _once(themes))


def _once(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))
