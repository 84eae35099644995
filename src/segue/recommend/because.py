"""Reasons for a track, what of them may be shown to others, and how they are worded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["MIN_SHARING", "Because", "Kind", "may_show", "merged", "playlists_reason", "sentence"]

Kind = Literal[
    "playlists", "artist", "track", "given", "words", "popularity", "sound", "lyrics", "company", "same_artist"
]

MIN_SHARING = 5  # playlists that must share a title before others may read it
_MAX_TEXT = 80


@dataclass(frozen=True, slots=True)
class Because:
    """One reason.

    Args:
        kind: "playlists" (with such a title voted), "artist" or "track" (the title names it), "given" (a given track
            pulled it in), "words" (the title's words are in its name), "popularity" (nothing better was known); of
            near tracks "sound", "lyrics", "company" (what shares playlists) and "same_artist".
        text: the title, artist or track that is the reason; empty where it may not be shown.
        share: of the track's score, in [0, 1].
        count: playlists behind the reason, 0 where that means nothing.
    """

    kind: Kind
    text: str
    share: float
    count: int = 0

    def to_json(self) -> dict[str, Any]:
        """``kind``, ``text``, ``share`` rounded to four decimals, ``count``."""
        return {"kind": self.kind, "text": self.text, "share": round(float(self.share), 4), "count": self.count}


def may_show(sharing: int, *, public: bool) -> bool:
    """Whether a playlist title may be shown to others: at least five playlists share it, or the library is public.

    >>> may_show(4, public=False), may_show(5, public=False), may_show(1, public=True)
    (False, True, True)
    """
    return public or sharing >= MIN_SHARING


def playlists_reason(title: str, share: float, count: int, sharing: int, *, public: bool) -> Because:
    """The reason "playlists called so-and-so", without the title where it may not be shown.

    Args:
        count: playlists of this title that hold the track. sharing: playlists that share the title.
    """
    return Because("playlists", _short(title) if may_show(sharing, public=public) else "", share, count)


def merged(reasons: Iterable[Because], most: int = 3) -> tuple[Because, ...]:
    """Add up reasons of one kind and text and keep the largest; ties in the order given.

    >>> merged([Because("given", "a", 0.2), Because("given", "b", 0.3), Because("given", "a", 0.2)], most=1)
    (Because(kind='given', text='a', share=0.4, count=0),)
    """
    together: dict[tuple[Kind, str], Because] = {}
    for reason in reasons:
        known = together.get((reason.kind, reason.text))
        together[reason.kind, reason.text] = (
            reason
            if known is None
            else Because(reason.kind, reason.text, known.share + reason.share, known.count + reason.count)
        )
    return tuple(sorted(together.values(), key=lambda reason: -reason.share)[:most])


def sentence(reason: Because) -> str:
    """Word one reason.

    >>> sentence(Because("playlists", "rainy day", 0.42, 12))
    'in 12 playlists titled "rainy day" (42 %)'
    >>> sentence(Because("playlists", "", 0.1, 1))
    'in 1 playlist with a similar title (10 %)'
    """
    text = _short(reason.text)
    playlists = "1 playlist" if reason.count == 1 else f"{reason.count} playlists"
    wordings: Mapping[Kind, str] = {
        "playlists": (f"in {playlists}" if reason.count else "goes with playlists")
        + (f' titled "{text}"' if text else " with a similar title"),
        "artist": f"the title names {text}",
        "track": f'the title names "{text}"',
        "given": f'goes with "{text}"' if text else "goes with the given tracks",
        "words": f'the words "{text}" are in its name' if text else "the title's words are in its name",
        "popularity": "popular; nothing more particular is known",
        "sound": "sounds alike",
        "lyrics": "its words are alike",
        "company": f"in {playlists} with a given track" if reason.count else "goes into such playlists",
        "same_artist": f"by {text}, too" if text else "by the same artist",
    }
    return f"{wordings[reason.kind]} ({reason.share:.0%})".replace("%)", " %)")


def _short(text: str) -> str:
    """One line of at most eighty characters: titles are hostile input."""
    printable = text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(printable.split())
    return line if len(line) <= _MAX_TEXT else line[: _MAX_TEXT - 1] + "…"
