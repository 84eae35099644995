"""Playlist titles as they are compared and as an encoder reads them.

Titles are hostile and playful: emoji, spelled-out words, half years, control characters, ten kilobytes of text.
Nothing here raises on any ``str``, and the time is bounded because only the first characters are looked at.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import lru_cache
from typing import Any, Literal

from segue.views.languages import is_english

__all__ = ["CAP", "Variant", "is_english", "normalise"]

Variant = Literal["read", "seen", "challenge", "key"]

CAP = 200  # characters of a normalised title
_RAW_CAP = 1000  # characters of a raw title that are looked at; 200 spelled-out letters with gaps fit easily

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # control characters and lone surrogates
_APOSTROPHES = re.compile(r"['’‘`´ʼʹ＇]")
_SEEN_APOSTROPHES = re.compile(r"['’`]")
_NOT_WORD = re.compile(r"[^\w\s]|_")
_NOT_WORD_ASCII = re.compile(r"[^a-z0-9 ]")
_SPACES = re.compile(r"\s+")
# The character list of the challenge's own statistics script.
_CHALLENGE = re.compile(r"[.,/#!$%^*;:{}=_`~()@]")

# Skin tones, variation selectors and the keycap ring change how an emoji looks, not what it says.
_EMOJI_STYLE = re.compile("[\U0001f3fb-\U0001f3ff\ufe00-\ufe0f\u20e3]")
# "🔥🔥🔥" says what "🔥" says; pairs of flag letters repeat as pairs.
_REPEATED = re.compile(r"([^\w\s\x00-\u203b]{1,4}?)(?:\s?\1)+")
# Marks without ink: soft hyphen, zero-width and direction marks, joiners, tags. The zero-width non-joiner is left
# to the rule for punctuation, since it ends a word part in Persian.
_INKLESS = re.compile("[\u00ad\u200b\u200d-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")
_EMOTICONS = {
    "<3": " heart ",
    "♡": " heart ",
    ":)": " smiling face ",
    ":-)": " smiling face ",
    "(:": " smiling face ",
    ":d": " grinning face ",
    ";)": " winking face ",
    ";-)": " winking face ",
    ":(": " sad face ",
    ":-(": " sad face ",
    "):": " sad face ",
    ":'(": " crying face ",
}
_EMOTICON = re.compile(r"</?3+|♡|:'\(|:-?\)|:-?\(|;-?\)|(?<![\w)])(?:\(:|\):|:d(?!\w))")

_TIMES = (
    "summer|winter|spring|fall|autumn|xmas|christmas|halloween|easter|prom|spring break|class|class of|grad|"
    "graduation|homecoming|season|nye|new years?"
)
_MONTHS = (
    "january|february|march|april|may|june|july|august|september|october|november|december|"
    "jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"
)
_GLUED_YEAR = re.compile(rf"\b({_TIMES}|{_MONTHS})(\d\d(?:\d\d)?)\b")
_SHORT_YEAR = re.compile(rf"\b((?:{_TIMES}) (?:of )?)(\d\d)\b(?! ?(?:st|nd|rd|th)\b)")
# "july 4" and "december 25" are days; from 10 on a number behind a month is nearly always a year, but for these.
_MONTH_YEAR = re.compile(rf"\b(?!dec(?:ember)? 2[45]\b)((?:{_MONTHS}) (?:of )?)([12]\d)\b(?! ?(?:st|nd|rd|th)\b)")
_QUOTED_YEAR = re.compile(r"(?<![\w'’])['’](\d\d)(?![\w'’])")
_NOUGHTIES = re.compile(r"\b00 ?s\b")
_TENS = re.compile(r"\b10 ?s\b")
_LONG_NOUGHTIES = re.compile(r"\b(20[0-2]0) s\b")
_DECADE = re.compile(r"\b([2-9]0) s\b")
_LONG_DECADE = re.compile(r"\b19([2-9]0) ?s\b")
# "Ke$ha", "$uicideboy$", but not "hype$$$"
_DOLLAR = re.compile(r"(?<![\w$])\$(?=[^\W\d_])|(?<=[^\W\d_])\$(?![\d$])")
_AND = re.compile(r"(?<=\w)\s*&+\s*(?=\w)")
# Spellings that an encoder takes for different things.
_RNB = re.compile(r"\b(?:rnb|r n b)\b")
_AND_LETTER = re.compile(r"\b(rock|drum) n (roll|bass)\b")
_BANG = re.compile(r"(?<=[^\W\d_])!(?=[^\W\d_])")

_SPELLED_TITLE = re.compile(r"[^\W_](?: +[^\W_]){2,}")
_SPELLED_PART = re.compile(r"(?<!\S)[^\W\d_](?: +[^\W\d_]){2,}(?!\S)")
_GAP = re.compile(r"( +)")


def normalise(title: str, variant: Variant = "read") -> str:
    """Normalise a title; at most :data:`CAP` characters, never an error.

    Variants:

    - ``read``: what encoders read. NFKC, emoji and a few emoticons to words, spelled-out titles joined, years and
      decades written out, "&" between words to "and", one spelling of "r and b", apostrophes dropped, other
      punctuation to spaces, lower case, accents kept.
    - ``seen``: whether a title occurs in training. NFKC, lower case, apostrophes dropped, other punctuation to
      spaces; a title of nothing but emoji or punctuation stays, trimmed.
    - ``challenge``: the normalisation of the RecSys Challenge 2018.
    - ``key``: ``read`` without accents, each word stemmed (Snowball, English). Equal keys mean "the same title".

    All but ``key`` are idempotent (a stem may have a shorter stem).

    Source: ``challenge`` is ``normalize_name`` of the Million Playlist Dataset's scripts (Spotify, 2018).

    >>> normalise("R O A D  T R I P 🚗 summer '17")
    'road trip automobile summer 2017'
    >>> normalise("00's, R&B"), normalise("Ke$ha <3"), normalise("🙂")
    ('2000s r and b', 'kesha heart', 'slightly smiling face')
    >>> normalise("Don't Stop!", "seen"), normalise("Don't Stop!", "challenge"), normalise("Café Songs", "key")
    ('dont stop', "don't stop", 'cafe song')
    """
    # No time is spent beyond the cap; leading blanks must not push the title out of it.
    text = title[:20_000].strip()[:_RAW_CAP] if len(title) > _RAW_CAP else title
    if not text.isprintable():
        text = _UNPRINTABLE.sub(" ", text)
    if variant == "read":
        return _read(text)
    if variant == "seen":
        return _seen(text)
    if variant == "challenge":
        return _cap(_SPACES.sub(" ", _CHALLENGE.sub(" ", text.lower())))
    if variant == "key":
        return _key(_read(text))
    raise ValueError(f"unknown variant {variant!r}")


def _cap(text: str) -> str:
    return text.strip()[:CAP].strip()


def _seen(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).lower()
    bare = _SEEN_APOSTROPHES.sub("", text)
    words = _SPACES.sub(" ", _NOT_WORD.sub(" ", bare)).strip()
    return _cap(words or _SPACES.sub(" ", bare).strip() or _SPACES.sub(" ", text))


def _read(text: str) -> str:
    # One pass nearly always settles it. Dropping a character can bring a letter and its accent together, and the
    # cap can cut a year in two; then the next pass sees a new text.
    for _ in range(6):
        before, text = text, _read_once(text)
        if text == before or (len(text) < CAP - 1 and before.isascii()):
            break
    return text


def _read_once(text: str) -> str:
    if not text.isascii():
        text = _words_of_emoji(text)
    text = text.lower()
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).lower()
    kept = _SPACES.sub(" ", text).strip()
    if "<" in text or "♡" in text or ":" in text or ";" in text:
        text = _EMOTICON.sub(_emoticon, text)
    if "$" in text or "!" in text:
        text = _BANG.sub("i", _DOLLAR.sub("s", text))
    if "&" in text:
        text = _AND.sub(" and ", text)
    text = _QUOTED_YEAR.sub(lambda m: f" {_full_year(m[1])} ", text)
    text = _APOSTROPHES.sub("", text)
    text = _letters(text)
    text = _unspelled(_SPACES.sub(" ", _unspelled(text)))
    if "n" in text:
        text = _AND_LETTER.sub(r"\1 and \2", _RNB.sub("r and b", text))
    if any(c.isdigit() for c in text):
        text = _years(text)
    return _cap(text) or _cap(kept)


def _words_of_emoji(text: str) -> str:
    text = _EMOJI_STYLE.sub("", unicodedata.normalize("NFKC", text))
    # 35 ms of import, paid by the first title that may hold an emoji: U+203C is the first that NFKC leaves.
    if any(c > "\u203b" for c in text):
        import emoji

        text = emoji.demojize(_REPEATED.sub(r"\1", text), delimiters=(" ", " "), language="en")
    return _INKLESS.sub("", text)


def _emoticon(match: re.Match[str]) -> str:
    return " broken heart " if match[0].startswith("</") else _EMOTICONS.get(match[0], " heart ")


def _letters(text: str) -> str:
    """Letters, digits and marks stay, all else becomes a space; gaps between words keep their width."""
    if text.isascii():
        return _NOT_WORD_ASCII.sub(" ", text).strip()
    # \w would tear the vowel signs of Indian scripts off their letters: they are marks, no letters.
    return "".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in text).strip()


def _unspelled(text: str) -> str:
    """Join the letters of spelled-out words; a whole title may hold digits, a part of one only letters."""
    if _SPELLED_TITLE.fullmatch(text) and not text.replace(" ", "").isdecimal():
        return _joined(text)
    return _SPELLED_PART.sub(lambda match: _joined(match[0], least=3), text)


def _joined(letters: str, least: int = 1) -> str:
    """Join single letters into words at the narrowest gaps; all stay apart if no word gets ``least`` letters."""
    parts = _GAP.split(letters)
    narrow = min(map(len, parts[1::2]))
    words = [parts[0]]
    for gap, letter in zip(parts[1::2], parts[2::2], strict=True):
        if len(gap) > narrow:
            words.append(letter)
        else:
            words[-1] += letter
    return " ".join(words) if max(map(len, words)) >= least else letters


def _full_year(digits: str) -> str:
    return ("20" if digits < "30" else "19") + digits


def _years(text: str) -> str:
    text = _GLUED_YEAR.sub(r"\1 \2", text)
    text = _SHORT_YEAR.sub(lambda m: m[1] + _full_year(m[2]), text)
    text = _MONTH_YEAR.sub(lambda m: m[1] + _full_year(m[2]), text)
    text = _LONG_NOUGHTIES.sub(r"\1s", text)
    text = _LONG_DECADE.sub(r"\1s", text)
    text = _DECADE.sub(r"\1s", text)
    return _TENS.sub("2010s", _NOUGHTIES.sub("2000s", text))


def _key(text: str) -> str:
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text)
        text = unicodedata.normalize("NFC", "".join(c for c in decomposed if not unicodedata.combining(c))) or text
    return _cap(" ".join(_stem(word) for word in text.split()))


_stemming = threading.Lock()


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer("english")


@lru_cache(maxsize=1 << 16)
def _stem(word: str) -> str:
    # A stemmer keeps the word in itself while it works; the page of a server stems in several threads.
    with _stemming:
        return str(_stemmer().stemWord(word))
