"""The error tree.

::

    SegueError                  anything a user can mend; one sentence: what, where, what to do
    ├── InputError              a source, a query or an option that cannot be used
    │   ├── SourceError         a file that cannot be ingested; carries path and position
    │   └── QueryError          a query that cannot be answered
    ├── StoredDataError         a library or model folder that is missing, damaged or too new
    ├── MissingDependency       an optional extra that is not installed
    ├── OutputError             a place that cannot be written to
    ├── TrainingError           a training that did nothing, diverged, or lacks data
    ├── services.ServiceError   a service on the network that did not answer, or not as it should
    └── lm.LanguageModelError   a language model that cannot be used, or did not answer as it should
        ├── InvalidReply        a reply that does not fit its schema, also after repair
        ├── Temporary           no answer now; asking later may help
        └── TooLong             a prompt that does not fit the model

The CLI prints the sentence on stderr and ends with exit code 2; no other exception is expected to reach a user.
"""

from __future__ import annotations

from pathlib import Path

__all__ = [
    "InputError",
    "MissingDependency",
    "OutputError",
    "QueryError",
    "SegueError",
    "SourceError",
    "StoredDataError",
    "TrainingError",
]


class SegueError(Exception):
    """Anything that went wrong in a way the user can mend."""


class InputError(SegueError):
    """A source, a query or an option that cannot be used."""


class SourceError(InputError):
    """A file that cannot be ingested.

    >>> str(SourceError("unexpected end of data", path=Path("a.json"), position="byte 17"))
    'a.json: unexpected end of data (byte 17)'
    """

    def __init__(self, reason: str, *, path: Path | str, position: str | None = None) -> None:
        self.reason, self.path, self.position = reason, Path(path), position
        where = f" ({position})" if position else ""
        super().__init__(f"{path}: {reason}{where}")


class QueryError(InputError):
    """A query that cannot be answered."""


class StoredDataError(SegueError):
    """A library or model folder that is missing, damaged or written by a newer version."""


class MissingDependency(SegueError):
    """An optional part that is not installed; names the extra that brings it."""

    def __init__(self, what: str, *, extra: str) -> None:
        self.extra = extra
        super().__init__(f"{what} needs the extra '{extra}': pip install 'segue-playlists[{extra}]'")


class OutputError(SegueError):
    """A place that cannot be written to."""


class TrainingError(SegueError):
    """A training that moved no parameter, diverged, or had nothing to learn from."""
