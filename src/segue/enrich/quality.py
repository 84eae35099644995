"""How good written texts are, as far as that can be counted: repeats, variety, length, claims without support."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from segue.enrich.claims import Claim, Known, Names, claims
from segue.enrich.extractive import EXTRACTIVE
from segue.enrich.review import Kind
from segue.enrich.summarise import TEMPLATE
from segue.library import Library
from segue.library.searching import Graded, SearchQuery
from segue.views.text import text_column

__all__ = [
    "NEAR", "Quality", "TextQuality", "distinct_n", "lines_quality", "near_duplicates", "playlist_quality",
    "problems", "track_quality",
]  # fmt: skip

NEAR = 0.8
"""Jaccard index of three-word shingles from which two texts are near-duplicates."""
_COMPOSED = (EXTRACTIVE, TEMPLATE)
_SHORT = 4  # words; a text with fewer says nothing
_QUOTE = 6  # consecutive words of the lyrics that are a quotation
_HASHES, _BANDS = 64, 16  # two texts at the threshold are missed once in 5,000 times
_PRIME = (1 << 61) - 1


@dataclass(frozen=True)
class TextQuality:
    """A text and what can be said against it.

    Args:
        kind, id: what it is about. text: as it stands. about: title or name, for people. by: who wrote it.
        duplicate_of: id of an earlier near-duplicate. quotes: whether it quotes the lyrics.
    """

    kind: Kind
    id: str
    text: str
    about: str
    by: str
    claims: tuple[Claim, ...] = ()
    duplicate_of: str | None = None
    quotes: bool = False

    @property
    def unsupported(self) -> tuple[Claim, ...]:
        """Claims that what is known of the tracks contradicts."""
        return tuple(claim for claim in self.claims if claim.support == "no")

    @property
    def short(self) -> bool:
        """Whether it has too few words to say anything; stand-ins say what there is, queries may be short."""
        return self.kind in ("playlist", "track") and self.by not in _COMPOSED and len(self.text.split()) < _SHORT

    @property
    def badness(self) -> float:
        """How soon people should look at it: 0 where nothing speaks against it."""
        return 2.0 * len(self.unsupported) + 1.5 * self.quotes + 1.0 * (self.duplicate_of is not None) + self.short


def problems(text: TextQuality) -> str:
    """What speaks against a text, in words; empty where nothing does."""
    said = [f"{claim.kind} not supported: {claim.said}" for claim in text.unsupported]
    if text.quotes:
        said.append("quotes the lyrics")
    if text.duplicate_of is not None:
        said.append(f"near-duplicate of {text.duplicate_of}")
    if text.short:
        said.append("too short")
    return "; ".join(said)


@dataclass(frozen=True)
class Quality:
    """All texts of a kind.

    Args:
        texts: in the order of the table or file. distinct_1, distinct_2: see :func:`distinct_n`; nan without texts.
    """

    texts: tuple[TextQuality, ...]
    distinct_1: float
    distinct_2: float

    @property
    def worst(self) -> tuple[TextQuality, ...]:
        """The worst first; as they came among equals."""
        return tuple(sorted(self.texts, key=lambda text: -text.badness))

    def to_json(self) -> dict[str, Any]:
        """Counts and shares."""
        made = Counter((claim.kind, claim.support) for text in self.texts for claim in text.claims)
        n = len(self.texts)
        return {
            "texts": n,
            "by": dict(sorted(Counter(text.by for text in self.texts).items())),
            "words": sum(len(text.text.split()) for text in self.texts) / n if n else None,
            "distinct_1": self.distinct_1 if n else None,
            "distinct_2": self.distinct_2 if n else None,
            "near_duplicates": sum(text.duplicate_of is not None for text in self.texts),
            "too_short": sum(text.short for text in self.texts),
            "quotes_lyrics": sum(text.quotes for text in self.texts),
            "with_unsupported_claims": sum(bool(text.unsupported) for text in self.texts),
            "claims": {
                kind: {support: made[kind, support] for support in ("yes", "no", "unknown")}
                for kind in ("artist", "era", "genre")
            },
        }


def playlist_quality(library: Library) -> Quality:
    """Judge the written texts of playlists against all of their tracks and titles."""
    if "written" not in library.playlists.columns:
        return _put_together([])
    lists = [name for name in ("artists", "genres", "eras") if name in library.playlists.columns]
    table = library.playlists.with_row_index("row").filter(pl.col("written").is_not_null())
    if "written_by" not in table.columns:
        table = table.with_columns(written_by=pl.lit(None, pl.String))
    table = table.with_columns(pl.col("written_by").fill_null(""))
    theirs = [text for text, by in table.select("written", "written_by").iter_rows() if by != EXTRACTIVE]
    names, known = Names.of(library, theirs), Known.of(library)
    found = []
    for line in table.select("row", "playlist_id", "title", "written", "written_by", *lists).iter_rows(named=True):
        title = line["title"] or ""
        evidence = known.evidence(library.playlist_tracks.row(line["row"]), title)
        named = {name: _parts(line[name]) for name in lists}
        # the stand-in quotes other playlists' titles, which claims nothing of this one
        text = line["written"].split("Similar playlists")[0] if line["written_by"] == EXTRACTIVE else line["written"]
        said = claims(text, evidence, names, **named)
        found.append(TextQuality("playlist", line["playlist_id"], line["written"], title, line["written_by"], said))
    return _put_together(found)


def track_quality(library: Library) -> Quality:
    """Judge the summaries that a program wrote (``summary_by``) against what is known of each track."""
    if not {"summary", "summary_by"} <= set(library.tracks.columns):
        return _put_together([])
    table = library.tracks.with_row_index("row")
    table = table.filter(pl.col("summary").is_not_null(), pl.col("summary_by").is_not_null())
    names, known = Names.of(library, table["summary"].to_list()), Known.of(library)
    lyrics = text_column(library, "lyrics")
    found = []
    for row, id, name, text, by in table.select("row", "track_id", "name", "summary", "summary_by").iter_rows():
        # the stand-in names what the table has, and nothing else
        said = () if by == TEMPLATE else claims(text, known.evidence([row]), names)
        quotes = _quotes(text, lyrics[row])
        found.append(TextQuality("track", id, text, name or "", by, said, quotes=quotes))
    return _put_together(found)


def lines_quality(lines: Sequence[SearchQuery | Graded]) -> Quality:
    """Judge queries by how often they repeat; of grades the reasons are shown."""
    found = []
    for line in lines:
        if isinstance(line, Graded):
            about = f"grade {line.grade}: {line.reason}"
            found.append(TextQuality("grade", line.playlist_id, line.query, about, line.by))
        else:
            found.append(TextQuality("query", line.playlist_id, line.query, line.style, line.by))
    if any(text.kind == "grade" for text in found):
        texts = [text.text for text in found]
        return Quality(tuple(found), distinct_n(texts, 1), distinct_n(texts, 2))
    return _put_together(found)


def distinct_n(texts: Sequence[str], n: int) -> float:
    """Distinct n-grams of words over all n-grams, case folded; nan where there is none.

    Source: Li et al. 2016, "A Diversity-Promoting Objective Function for Neural Conversation Models", section 5.

    >>> distinct_n(["a b a b"], 1), distinct_n(["a b", "A B"], 2)
    (0.5, 0.5)
    """
    grams: set[tuple[str, ...]] = set()
    total = 0
    for text in texts:
        words = text.casefold().split()
        mine = list(zip(*(words[i:] for i in range(n)), strict=False))
        grams.update(mine)
        total += len(mine)
    return len(grams) / total if total else float("nan")


def near_duplicates(texts: Sequence[str], *, threshold: float = NEAR) -> list[int]:
    """For each text an earlier one that it nearly repeats, or -1.

    Pairs are found by MinHash over three-word shingles (64 hashes in 16 bands) and checked exactly.

    Source: Broder 1997, "On the resemblance and containment of documents".

    >>> near_duplicates(["calm piano for the night", "loud", "Calm piano, for the night!"])
    [-1, -1, 0]
    """
    buckets: dict[tuple[int, bytes], int] = {}
    shingles: list[frozenset[str]] = []
    found = []
    a, b = _permutations()
    width = 8 * _HASHES // _BANDS
    for place, text in enumerate(texts):
        mine = _shingles(text)
        shingles.append(mine)
        hashes = np.array([zlib.crc32(shingle.encode("utf-8", "replace")) for shingle in sorted(mine)], np.uint64)
        least = ((hashes[:, None] * a + b) % np.uint64(_PRIME)).min(0).tobytes()
        bands = [(band, least[band * width : (band + 1) * width]) for band in range(_BANDS)]
        near = sorted({buckets[band] for band in bands if band in buckets})
        same = next((other for other in near if _jaccard(mine, shingles[other]) >= threshold), -1)
        found.append(same)
        if same < 0:
            for band in bands:
                buckets.setdefault(band, place)
    return found


def _put_together(found: list[TextQuality]) -> Quality:
    texts = [text.text for text in found]
    same = near_duplicates(texts)
    judged = tuple(
        text if other < 0 else replace(text, duplicate_of=found[other].id)
        for text, other in zip(found, same, strict=True)
    )
    return Quality(judged, distinct_n(texts, 1), distinct_n(texts, 2))


def _permutations() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    draws = np.random.default_rng(0)
    # below 2 ** 29, so that products with 32-bit hashes stay in 64 bits
    return draws.integers(1, 1 << 29, _HASHES, np.uint64), draws.integers(0, 1 << 60, _HASHES, np.uint64)


def _shingles(text: str) -> frozenset[str]:
    words = ["".join(c for c in word if c.isalnum()) for word in text.casefold().split()]
    words = [word for word in words if word]
    return frozenset(" ".join(words[i : i + 3]) for i in range(max(len(words) - 2, 1)))


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    shared = len(one & other)
    return shared / max(len(one) + len(other) - shared, 1)


def _quotes(text: str, lyrics: str) -> bool:
    words = [word for word in ("".join(c for c in w if c.isalnum()) for w in text.casefold().split()) if word]
    sung = " " + " ".join("".join(c for c in w if c.isalnum()) for w in lyrics.casefold().split()) + " "
    return any(f" {' '.join(words[i : i + _QUOTE])} " in sung for i in range(len(words) - _QUOTE + 1))


def _parts(cell: str | None) -> list[str]:
    return [part.strip() for part in (cell or "").split(";") if part.strip()]
