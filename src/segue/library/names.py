"""How names are compared: folding, versions of one recording, featured artists."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["fold", "one_line", "recording_key"]

_LINE_ENDS = re.compile(r"[\t\r\n\x0b\x0c\u2028\u2029]+")
# Cc: control; Cf but for the joiners inside emoji and Indic or Arabic text: direction marks, zero-width tricks;
# Cs: lone surrogates, which no terminal encoding carries; Zl, Zp: line breaks by another name.
_JOINERS = "\u200c\u200d"
_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")

_APOSTROPHES = re.compile(r"['’`´ʼ]")
_NOT_WORD = re.compile(r"[\W_]+")
_FEATURED = re.compile(r"[(\[]?\s*\b(?:feat|ft|featuring)\b\.?\s[^)\]]*[)\]]?", re.IGNORECASE)
_VERSION_WORDS = (
    r"remaster(?:ed)?|live|mono|stereo|acoustic|unplugged|demo|deluxe|bonus track|radio edit|single version|"
    r"album version|original mix|extended(?: mix)?|edit|version|anniversary|instrumental|karaoke|remix|mix"
)
_BRACKETED = re.compile(rf"\s*[(\[][^)\]]*\b(?:{_VERSION_WORDS})\b[^)\]]*[)\]]", re.IGNORECASE)
_DASHED = re.compile(rf"\s+[-–—]\s+[^-–—]*\b(?:{_VERSION_WORDS})\b.*$", re.IGNORECASE)


def fold(text: str) -> str:
    """Fold a name for comparison: NFKD without marks, lower case, apostrophes dropped, the rest to single spaces.

    Text without a letter or digit (a title of emoji, say) stays as it is, only trimmed.

    >>> fold("Beyoncé"), fold("Guns N’ Roses"), fold("AC/DC"), fold("  !!! ")
    ('beyonce', 'guns n roses', 'ac dc', '!!!')
    """
    if text.isascii():
        plain = text.lower()
    else:
        decomposed = unicodedata.normalize("NFKD", text)
        plain = "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()
        plain = unicodedata.normalize("NFC", plain)
    folded = _NOT_WORD.sub(" ", _APOSTROPHES.sub("", plain)).strip()
    return folded or " ".join(text.split())


def one_line(text: str, most: int = 2_000) -> str:
    r"""Make any text one line that cannot move the cursor, colour, hide or reverse anything; for terminal and page.

    >>> one_line("a\x1b[2Jb\nc")
    'a\ufffd[2Jb c'
    """
    cut = text if len(text) <= most else text[: most - 1] + "…"
    if cut.isprintable():
        return cut
    line = _LINE_ENDS.sub(" ", cut)
    return "".join("\ufffd" if unicodedata.category(c) in _HIDDEN and c not in _JOINERS else c for c in line)


def recording_key(name: str, artist: str) -> str:
    """Key under which versions of one recording fall together.

    "(... remastered ...)", "- Live at ...", "(feat. ...)" and the like are cut off the name, then name and artist are
    folded. A name that is nothing but such words stays whole.

    >>> recording_key("Heroes - 2017 Remaster", "David Bowie") == recording_key("Heroes", "David Bowie")
    True
    >>> recording_key("Live Forever", "Oasis") == recording_key("Forever", "Oasis")
    False
    """
    short = _DASHED.sub("", _BRACKETED.sub("", _FEATURED.sub(" ", name)))
    return f"{fold(short) if short.strip() else fold(name)}\t{fold(artist)}"
