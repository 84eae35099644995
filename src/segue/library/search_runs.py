"""What a search method answered, query by query: JSON lines that judges, labellers and monitors read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec

from segue.errors import SourceError
from segue.library.names import fold
from segue.library.searching import read_lines, write_lines

__all__ = ["RankedQuery", "SearchRun"]

_UNSAFE = re.compile(r"[^\w.+-]+")
_MOST_NAME = 100  # bytes; file systems take 255


class RankedQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A query and the playlists that were found for it: one line of a run's file.

    Args:
        query_id: tells it from all others of its run; the same query has the same id in every run.
        playlist_id: the playlist that the query is about; None for a logged query, which is about none.
        ranking: ids of playlists, best first, each once.
    """

    query_id: str
    query: str
    playlist_id: str | None
    ranking: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(self.ranking)) != len(self.ranking):
            raise ValueError(f"the ranking of query {self.query_id!r} holds a playlist twice")


@dataclass(frozen=True)
class SearchRun:
    """What one method answered to a set of queries.

    Args:
        queries: each id once.

    Raises:
        ValueError: an id occurs twice.
    """

    name: str
    queries: tuple[RankedQuery, ...]

    def __post_init__(self) -> None:
        again = [i for i, n in Counter(query.query_id for query in self.queries).items() if n > 1]
        if again:
            raise ValueError(f"run {self.name!r} answers query {again[0]!r} twice")

    def __len__(self) -> int:
        return len(self.queries)

    def __iter__(self) -> Iterator[RankedQuery]:
        return iter(self.queries)

    @cached_property
    def by_id(self) -> dict[str, RankedQuery]:
        """Query id -> its line."""
        return {query.query_id: query for query in self.queries}

    @property
    def file_name(self) -> str:
        """The name made safe for files, with its ending."""
        return f"{_file_name(self.name)}.jsonl"

    @classmethod
    def read(cls, path: Path | str) -> SearchRun:
        """Read a run's file; its name is the file's.

        Raises:
            SourceError: it cannot be read, a line is none of a run, or an id occurs twice.
        """
        path = Path(path)
        lines = read_lines(path, RankedQuery)
        try:
            return cls(path.name.removesuffix(".jsonl"), tuple(lines))
        except ValueError as error:
            raise SourceError(str(error), path=path) from error

    def write(self, folder: Path | str) -> Path:
        """Write :attr:`file_name` into a folder; the path that was written.

        Raises:
            OutputError: the place cannot be written to.
        """
        path = Path(folder) / self.file_name
        write_lines(path, self.queries)
        return path


def _file_name(name: str) -> str:
    """A name without separators, controls and leading dots, for files.

    >>> _file_name("BM25, tuned"), _file_name("../../etc/passwd"), _file_name("?")
    ('bm25-tuned', 'etc-passwd', 'run')
    """
    safe = _UNSAFE.sub("-", fold(name)).encode("utf-8", "ignore")[:_MOST_NAME].decode("utf-8", "ignore")
    return safe.strip("-.") or "run"
