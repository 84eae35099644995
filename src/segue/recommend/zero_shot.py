"""A language model asked directly for the tracks of a playlist: from memory, after examples, or among candidates.

The questions have the content of the published ones: the n most relevant songs released before the corpus's end for a
playlist of a title, as (song, artist) pairs and nothing else. Here an answer is an object with a schema, and titles
are quoted as data. What a model names is matched to the catalogue by :mod:`segue.recommend.song_names`; a name that
the catalogue does not have is a miss that keeps its place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from segue.errors import QueryError
from segue.library import Library, Query, Ranking
from segue.library.arrays import fingerprint
from segue.lm.jobs import Job
from segue.lm.prompts import Prompt
from segue.recommend.song_names import SongNames

__all__ = [
    "AskedModel",
    "Chosen",
    "NamedTracks",
    "chosen_rows",
    "examples",
    "grounded_job",
    "named_rows",
    "song_job",
    "songs_of",
]

_PACKAGE = "segue.recommend"
_TOKENS_EACH, _TOKENS_MORE = 30, 100  # of a reply: a pair with its braces, and what is around them
_NUMBER_TOKENS = 4
_EXAMPLE_TRACKS = 10


class NamedTrack(BaseModel):
    """A song as a model knows it."""

    name: Annotated[str, Field(max_length=500)]
    artist: Annotated[str, Field(max_length=500)]


class NamedTracks(BaseModel):
    """Songs, the most relevant first."""

    tracks: Annotated[list[NamedTrack], Field(max_length=1_000)]


class Chosen(BaseModel):
    """Numbers of candidates, the most fitting first."""

    numbers: Annotated[list[int], Field(max_length=1_000)]


@dataclass(frozen=True, eq=False)
class AskedModel:
    """What a model answered to some queries, as a recommender that knows no others.

    Args:
        name: model and version of the prompt. answers: (title, given tracks) -> rows, int32, negative ones misses.
    """

    name: str
    answers: Mapping[tuple[str, tuple[int, ...]], NDArray[np.int32]]

    @property
    def fingerprint(self) -> str:
        """Digest of the answers."""
        parts = [(title, list(given), rows.tolist()) for (title, given), rows in sorted(self.answers.items())]
        return fingerprint("asked", self.name, [list(part) for part in parts])

    def recommend(self, query: Query, n: int) -> Ranking:
        """What was answered; an empty ranking where the model gave nothing usable.

        Raises:
            QueryError: the model was not asked this.
        """
        rows = self.answers.get((query.title, query.seed_tracks))
        if rows is None:
            raise QueryError(f"the model was not asked for {query.title[:120]!r}")
        given = np.isin(rows, np.array(query.seed_tracks, np.int32))
        kept = rows[~given][:n]
        return Ranking(kept, np.arange(len(kept), 0, -1, dtype=np.float32))

    @property
    def unmatched(self) -> float:
        """Share of the named tracks that the catalogue does not have; nan where nothing was named."""
        named = sum(len(rows) for rows in self.answers.values())
        return sum(int((rows < 0).sum()) for rows in self.answers.values()) / named if named else float("nan")


def song_job(
    key: str,
    title: str,
    *,
    n: int,
    until: str,
    given: Sequence[tuple[str, str]] = (),
    shown: Sequence[tuple[str, Sequence[tuple[str, str]]]] = (),
    data_set: str = "",
) -> Job:
    """A question for songs by name.

    Args:
        until: the corpus's end, as a date or a year. given: songs of the playlist, (name, artist). shown: examples,
            (title, songs). data_set: its name, where it is told. At most one of these three.
    """
    if given:
        prompt = _prompt("zero_shot_given")
        messages = prompt.messages(title=title, given=_pairs(given), n=n, until=until)
    elif shown:
        prompt = _prompt("few_shot")
        told = [{"title": example, "songs": _pairs(songs)} for example, songs in shown]
        messages = prompt.messages(examples=told, title=title, n=n, until=until)
    elif data_set:
        prompt = _prompt("zero_shot_data_set")
        messages = prompt.messages(title=title, n=n, until=until, data_set=data_set)
    else:
        prompt = _prompt("zero_shot")
        messages = prompt.messages(title=title, n=n, until=until)
    return Job(key, messages, prompt.version, max_tokens=n * _TOKENS_EACH + _TOKENS_MORE)


def grounded_job(key: str, title: str, candidates: Sequence[tuple[str, str]], *, n: int) -> Job:
    """A question for the numbers of candidates, (name, artist), that are numbered from 1."""
    prompt = _prompt("grounded")
    told = [f"{number}. {name} - {artist}" for number, (name, artist) in enumerate(candidates, 1)]
    messages = prompt.messages(title=title, candidates=told, n=n)
    return Job(key, messages, prompt.version, max_tokens=n * _NUMBER_TOKENS + _TOKENS_MORE)


def named_rows(answer: NamedTracks, names: SongNames) -> NDArray[np.int32]:
    """Rows of what a model named, each once; what the catalogue does not have is negative and keeps its place."""
    return names.rows((track.name, track.artist) for track in answer.tracks)


def chosen_rows(answer: Chosen, candidates: NDArray[np.int32]) -> tuple[NDArray[np.int32], int]:
    """Rows of the chosen candidates, and how many numbers were dropped: not given, or given before."""
    chosen = [number for number in dict.fromkeys(answer.numbers) if 1 <= number <= len(candidates)]
    rows = candidates[np.array(chosen, np.int64) - 1] if chosen else np.zeros(0, np.int32)
    return rows.astype(np.int32), len(answer.numbers) - len(chosen)


def examples(
    library: Library, rows: NDArray[np.integer], asked: str, *, shots: int, rng_key: int = 0
) -> list[tuple[str, list[tuple[str, str]]]]:
    """Training playlists with a title and their first ten tracks, drawn by the title asked for and ``rng_key``.

    Args:
        rows: playlists that may be shown; never one that is asked about. asked: the title.
    """
    digest = hashlib.sha256(f"{rng_key}\t{asked}".encode("utf-8", "replace")).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    shown: list[tuple[str, list[tuple[str, str]]]] = []
    for row in rng.permutation(np.asarray(rows, np.int64)).tolist():
        first = library.playlist_tracks.row(row)[:_EXAMPLE_TRACKS]
        if library.titles[row].strip() and len(first):
            shown.append((library.titles[row], songs_of(library, first)))
        if len(shown) == shots:
            break
    return shown


def songs_of(library: Library, rows: NDArray[np.integer]) -> list[tuple[str, str]]:
    """(name, artist) of tracks."""
    table = library.tracks[rows.tolist()].select("name", "artist").fill_null("")
    return [(name, artist) for name, artist in table.iter_rows()]


@lru_cache
def _prompt(name: str) -> Prompt:
    """A prompt of this package, read once for all questions."""
    return Prompt.read(_PACKAGE, name)


def _pairs(songs: Sequence[tuple[str, str]]) -> list[str]:
    return [f"{name} - {artist}" for name, artist in songs]
