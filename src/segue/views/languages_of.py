"""In which language names are: by script, and by the commonest words of a few languages."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache

__all__ = ["LANGUAGES", "UNKNOWN", "language_of"]

UNKNOWN = "unknown"
LANGUAGES = (
    "en", "es", "fr", "de", "pt", "it", "nl", "sv", "no", "da", "fi", "pl", "tr", "id",
    "ru", "el", "ar", "he", "hi", "th", "ko", "ja", "zh",
)  # fmt: skip
"""ISO 639-1. ``ru`` stands for everything in Cyrillic, ``ar`` in Arabic script, ``hi`` in Devanagari: script is all
that is looked at there."""

_WORDS = re.compile(r"[^\W\d_]+")
_MOST = 60  # names that are looked at
_CHARACTERS = 400
_LEAST = 2  # words or names that must speak for a language
_SHARE = 0.5  # of everything that speaks, at least

# Function words of titles and track names, without accents. A word of several languages counts for each of them.
_COMMON: Mapping[str, str] = {
    "en": "the and of my you your it is are was me we on for with don dont im i what when this that all from love "
    "to in at be do not like never can want girl boy night day time life baby feel heart",
    "es": "el los las una para por que con mis tus como cuando todo siempre nunca muy esta este eso amor mi tu sin "
    "se del y lo te yo quiero corazon noche vida la no me de si ti soy donde",
    "fr": "le les des une mes tes avec pour sans dans je tu il elle nous vous est pas ne mon ton amour et la de du "
    "un qui que toi moi vie nuit c l d j ma",
    "de": "der die das und ein eine mit von zum zur ich du wir ist nicht mein dein auf im nur wenn fur liebe nacht "
    "wie was es so dich mich leben alles",
    "pt": "o os um uma dos da do meu minha nao voce com para que saudade coracao mais pra de e eu quando amor vida "
    "te sem ela ele na no se",
    "it": "il gli della delle di che non nel nella sono una per con mio mia amore e la un ti mi se come tutto piu "
    "senza io vita notte quando",
    "nl": "het een van ik je jij niet voor met mijn zijn dat maar alles de en is wat als nog zo bij liefde leven",
    "sv": "och att som en jag du inte ar det den till med om for nar alla mitt hjarta aldrig min pa vi",
    "no": "og jeg du ikke er det en som til med om for deg meg hjerte aldri min pa vi nar alle",
    "da": "og jeg du ikke er det en som til med om for dig mig hjerte aldrig min pa vi nar alle",
    "fi": "ja on ei se mina sina kun mita kuin niin oon mun sun ma sa yo elama",
    "pl": "i w na nie sie jest to ze ja ty moj moja dla bez jak czy milosc noc zycie",
    "tr": "bir ve bu ne ben sen seni beni benim gibi icin ask gece yok var",
    "id": "aku kamu yang dan di ini itu tak cinta untuk bukan dengan hati kau ku mu",
}
_SCRIPTS = {
    "CYRILLIC": "ru", "GREEK": "el", "ARABIC": "ar", "HEBREW": "he", "DEVANAGARI": "hi", "THAI": "th",
    "HANGUL": "ko", "HIRAGANA": "ja", "KATAKANA": "ja", "CJK": "zh",
}  # fmt: skip


def language_of(names: Iterable[str]) -> str:
    """The language of most of some names, a playlist's title and its tracks say; :data:`UNKNOWN` if they do not tell.

    A name with a letter of another script than Latin speaks for that script's language, Han characters beside kana
    for Japanese. The words of all other names are looked up among the commonest words of fourteen languages. The
    language needs at least two voices and half of all; a rule, no more: names of music are short and borrow freely.

    >>> language_of(["Road Trip", "I Want You", "The Way It Is"]), language_of(["Amor de mi vida", "Te quiero mucho"])
    ('en', 'es')
    >>> language_of(["пачка сигарет", "звезда"]), language_of(["Despacito"])
    ('ru', 'unknown')
    """
    votes: Counter[str] = Counter()
    voices = 0
    for place, name in enumerate(names):
        if place >= _MOST:
            break
        words = _WORDS.findall(name[:_CHARACTERS])
        found = _scripts(words)
        if found:
            votes[found] += 1
            voices += 1
            continue
        for word in words:
            speaks = _lexicon().get(_folded(word), ())
            voices += bool(speaks)
            for language in speaks:
                votes[language] += 1
    if votes["ja"] and 3 * votes["ja"] >= votes["zh"]:  # names of Han characters alone stand between those with kana
        votes["ja"] += votes.pop("zh", 0)
    if not +votes:
        return UNKNOWN
    best = max(+votes, key=lambda language: (votes[language], -LANGUAGES.index(language)))
    return best if votes[best] >= _LEAST and votes[best] >= _SHARE * voices else UNKNOWN


def _scripts(words: list[str]) -> str:
    """The language of a name's own script; empty for Latin letters alone."""
    found: Counter[str] = Counter()
    for word in words:
        if not word.isascii():
            for letter in word:
                if letter >= "\u0370":
                    script = unicodedata.name(letter, "").split(" ", 1)[0].split("-", 1)[0]
                    if script in _SCRIPTS:
                        found[_SCRIPTS[script]] += 1
    if found.get("ja"):
        return "ja"
    return max(found, key=lambda language: (found[language], language)) if found else ""


def _folded(word: str) -> str:
    word = word.lower()
    if word.isascii():
        return word
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


@lru_cache(maxsize=1)
def _lexicon() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for language, words in _COMMON.items():
        for word in words.split():
            found[word] = (*found.get(word, ()), language)
    return found
