"""The RecSys Challenge 2018: continue its challenge set and write a submission."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError, OutputError
from segue.library import Catalogue, Query, Recommender
from segue.protocols.challenge_set import LENGTH, URI, Team, ToContinue, read_challenge_set
from segue.protocols.common import Progress
from segue.protocols.verification import Checked, check_submission, submission_problems

__all__ = [
    "Checked",
    "Team",
    "ToContinue",
    "Written",
    "check_submission",
    "read_challenge_set",
    "submission_problems",
    "write_submission",
]


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: playlists, given tracks that the catalogue does not have, and titles nobody could use."""

    path: Path
    n_playlists: int
    n_given: int
    n_given_unknown: int


def write_submission(
    challenge: Sequence[ToContinue],
    recommender: Recommender,
    catalogue: Catalogue,
    out: Path | str,
    team: Team,
    *,
    progress: Progress | None = None,
) -> Written:
    """Continue every playlist by 500 tracks and write the submission, gzipped, atomically.

    Given tracks never come back, also those that the catalogue does not have. A given track that is unknown cannot be
    used and is counted.

    Raises:
        InputError: the catalogue's ids are no Spotify URIs, or it is too small for 500 tracks a playlist.
        OutputError: the place cannot be written to, or is not called ``.csv.gz``.
    """
    out = Path(out)
    if not out.name.endswith(".csv.gz"):
        raise OutputError(f"a submission is called something.csv.gz, not {out.name}; choose such a name")
    n_given = n_unknown = 0
    with _new_gzip(out) as file:
        file.write(f"# written by Segue; {len(challenge)} playlists of {LENGTH} tracks\n{team.line}\n\n".encode())
        for done, playlist in enumerate(challenge):
            if progress is not None:
                progress(done, len(challenge), "playlists")
            seeds = [catalogue.find_id(uri) for uri in playlist.given]
            n_given += len(seeds)
            n_unknown += sum(row is None for row in seeds)
            query = Query(playlist.title, tuple(dict.fromkeys(row for row in seeds if row is not None)))
            uris = _uris(catalogue, recommender.recommend(query, LENGTH).rows, playlist)
            file.write(f"{playlist.pid},{','.join(uris)}\n".encode())
        if progress is not None:
            progress(len(challenge), len(challenge), "playlists")
    return Written(out, len(challenge), n_given, n_unknown)


def _uris(catalogue: Catalogue, rows: NDArray[np.int32], playlist: ToContinue) -> list[str]:
    given = set(playlist.given)
    uris = [uri for uri in (catalogue.texts["track_id"][row] for row in rows.tolist()) if uri not in given]
    bad = next((uri for uri in uris if not URI.fullmatch(uri)), None)
    if bad is not None:
        raise InputError(
            f"the catalogue names a track {bad!r}, which is no Spotify URI; "
            "a submission needs a model of the Million Playlist Dataset"
        )
    if len(set(uris)) != LENGTH:
        raise InputError(
            f"playlist {playlist.pid} got {len(set(uris))} tracks and the rules ask for {LENGTH}; "
            "a model with a larger catalogue is needed"
        )
    return uris


@contextlib.contextmanager
def _new_gzip(path: Path) -> Iterator[io.BufferedIOBase]:
    """A gzip file that takes its place when the block ends without an error; same content, same bytes."""
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
        with os.fdopen(handle, "wb") as raw, gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0) as file:
            yield file
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
