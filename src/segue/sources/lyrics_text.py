"""Lyrics as they are written down -> their words: time stamps, section marks and what web pages leave are cut off."""

from __future__ import annotations

import re
from dataclasses import dataclass

from segue.library.names import fold
from segue.sources.outside import MAX_LYRICS

__all__ = ["LyricsText", "lrc_header", "lyrics_of", "without_stamps"]

_STAMP = re.compile(r"\[\d{1,3}:\d{1,2}(?:[.:]\d{1,3})?\]|<\d{1,3}:\d{1,2}(?:[.:]\d{1,3})?>")
_LINE_STAMP = re.compile(r"\s*\[(\d{1,3}):(\d{1,2})(?:[.:](\d{1,3}))?\]")
_HEADER = re.compile(
    r"^[ \t]*\[(ti|ar|al|au|lr|by|re|ve|length|offset|tool|la|id|encoding|t_time|kana|total|sign|qq|hash)"
    r"[ \t]*:[ \t]*([^\]\n]*)\][ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_COMMENT = re.compile(r"^[ \t]*\[#[ \t]*:?[^\]\n]*\][ \t]*$", re.MULTILINE)
_SECTION = re.compile(r"^[ \t]*(?:\[[^\]\n]{0,200}\]|【[^】\n]{0,200}】)[ \t]*$", re.MULTILINE)
_CONTRIBUTORS = re.compile(r"\A\s*\d+[ \t]*Contributors?[^\n]{0,1000}?Lyrics(?:[^\n]{0,2000}?Read More\s*)?")
_EMBED = re.compile(r"(?:You might also like)?\d{0,4}(?:\.\d+)?K?Embed\s*\Z")
_LIKE = re.compile(r"\n?(?:See [^\n]{1,100}? LiveGet tickets as low as \$?\d+)?You might also like\n?")
_BLANK = re.compile(r"\n{3,}")
_INSTRUMENTAL = frozenset({
    "instrumental", "instrumental track", "instrumental song", "this is an instrumental", "this song is instrumental",
    "this song is an instrumental", "this track is instrumental", "this track is an instrumental",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class LyricsText:
    """What a text says: ``status`` is "found" with words, "instrumental" if it says so, None if it says nothing."""

    status: str | None
    text: str


def lyrics_of(raw: str) -> LyricsText:
    r"""Clean lyrics from anywhere: LRC, a web page's copy with its header, plain text.

    >>> lyrics_of("[ti:Rain]\n[00:01.00]Rain on the roof\n[00:03.20]rain in the street")
    LyricsText(status='found', text='Rain on the roof\nrain in the street')
    >>> lyrics_of("3 ContributorsRain Lyrics[Verse 1]\nRain on the roof12Embed").text
    'Rain on the roof'
    >>> lyrics_of("[Instrumental]").status, lyrics_of("[Chorus]\n").status
    ('instrumental', None)
    """
    said = any(
        key.lower() == "au" and fold(value) == "instrumental" for key, value in _HEADER.findall(raw[:MAX_LYRICS])
    )
    text = without_stamps(raw)
    text = _CONTRIBUTORS.sub("", text, count=1)
    text = _LIKE.sub("\n", _EMBED.sub("", text))
    words = _tidy(_SECTION.sub("", text))
    whole = words or text.strip()
    if fold(whole)[:100] in _INSTRUMENTAL or (said and not words):
        return LyricsText("instrumental", "")
    return LyricsText("found", words) if any(c.isalnum() for c in words) else LyricsText(None, "")


def lrc_header(raw: str) -> dict[str, str]:
    r"""The metadata lines of an LRC file by their lower-case names, the first of each.

    >>> lrc_header("[ti: Rain]\n[AR:Somebody]\n[00:01.00]la")
    {'ti': 'Rain', 'ar': 'Somebody'}
    """
    found: dict[str, str] = {}
    for key, value in _HEADER.findall(raw[:MAX_LYRICS]):
        if value.strip():
            found.setdefault(key.lower(), value.strip())
    return found


def without_stamps(raw: str) -> str:
    r"""LRC -> its lines in order of time, each as often as it is sung; text without time stamps stays as it is.

    Time stamps (of lines and of words), metadata lines and comments are cut off. Doing it twice changes nothing.

    >>> without_stamps("[00:20.00][00:05.00]la <00:06.10>la\n[offset:+20]\n[00:10.00]lo")
    'la la\nlo\nla la'
    """
    text = _tidy(raw[: 2 * MAX_LYRICS].replace("\r\n", "\n").replace("\r", "\n").replace("\ufeff", ""))
    while True:
        # stamps inside stamps come to light one layer at a time; each round removes at least one
        bare = _COMMENT.sub("", _HEADER.sub("", text))
        if _STAMP.search(bare):
            bare = _STAMP.sub("", _in_order(bare))
        bare = _tidy(bare)
        if bare == text:
            return text
        text = bare


def _in_order(text: str) -> str:
    """Lines with stamps sorted by time and repeated for each stamp, if that is what the text consists of."""
    timed: list[tuple[float, int, str]] = []
    last, size = 0.0, 0
    for i, line in enumerate(text.split("\n")):
        times, end = [], 0
        while found := _LINE_STAMP.match(line, end):
            fraction = float(f"0.{found[3]}") if found[3] else 0.0
            times.append(int(found[1]) * 60 + int(found[2]) + fraction)
            end = found.end()
        rest = line[end:]
        # a line without a stamp goes on where the one before it ended
        timed += [(time, i, rest) for time in times] or [(last, i, rest)]
        last = max(times, default=last)
        size += len(rest) * max(len(times), 1)
        if size > 2 * MAX_LYRICS:  # a thousand stamps before a long line make gigabytes
            break
    return "\n".join(line for _, _, line in sorted(timed, key=lambda each: each[:2]))


def _tidy(text: str) -> str:
    return _BLANK.sub("\n\n", "\n".join(line.strip() for line in text.split("\n"))).strip()
