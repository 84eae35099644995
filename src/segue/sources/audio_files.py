"""Folders of audio files -> one table of what they sound like, brought up to date file by file.

The table is a Parquet that ``segue annotate`` reads: a row for each file with its place, the names in its tags, and
the columns of :mod:`~segue.sources.audio_analysis`. A file whose path, size and time of change are those of its row
is not read again.
"""

from __future__ import annotations

import io
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, TypeAlias

import polars as pl

from segue.errors import InputError, OutputError, SourceError
from segue.library.arrays import write_bytes
from segue.sources.audio_analysis import COLUMNS, VERSION, analyse_file, require_audio
from segue.sources.lyrics_files import AUDIO, read_audio_tags

__all__ = ["SCHEMA", "Analysis", "analyse", "audio_files"]

SCHEMA: Final = {
    "location": pl.String,
    "name": pl.String,
    "artist": pl.String,
    "album": pl.String,
    "isrc": pl.String,
    "duration_ms": pl.Int64,
    **dict.fromkeys(COLUMNS, pl.Float32),
    "file_size": pl.Int64,
    "file_mtime_ns": pl.Int64,
    "analysed": pl.String,  # by which version, over how many seconds
}
_SOUND = AUDIO | {".au", ".caf", ".w64"}
_SAVE_EVERY = 200  # files; a kill loses no more than these
Row: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Analysis:
    """What came of it.

    Args:
        table: columns of :data:`SCHEMA`, rows in order of paths.
        analysed, reused: files read now, and files that had not changed.
        failed: (path, reason) of files that cannot be read.
        gone: rows of files that are not there any more, left out.
    """

    table: pl.DataFrame
    analysed: int
    reused: int
    failed: tuple[tuple[str, str], ...] = ()
    gone: int = 0


def audio_files(sources: Sequence[Path | str]) -> list[Path]:
    """Audio files at and below the given places, each once, by its whole path; hidden ones are left out.

    Raises:
        SourceError: a place is not there, is no audio file, or holds none.
    """
    found: dict[Path, None] = {}
    for source in map(Path, sources):
        if not source.exists():
            raise SourceError("there is no such file or folder", path=source)
        if not source.is_dir():
            if source.suffix.lower() not in _SOUND:
                raise SourceError(f"is no audio file ({', '.join(sorted(_SOUND))})", path=source)
            found[source.resolve()] = None
            continue
        below = [path.resolve() for path in _walk(source)]
        if not below:
            raise SourceError(f"holds no audio files ({', '.join(sorted(_SOUND))})", path=source)
        found.update(dict.fromkeys(below))
    return list(found)


def analyse(
    sources: Sequence[Path | str],
    out: Path,
    *,
    jobs: int = 1,
    seconds: float = 120.0,
    progress: Callable[[int, int, str], None] | None = None,
) -> Analysis:
    """Analyse audio files and bring the table at ``out`` up to date.

    The table is written now and then and at the end, whole each time; what an interruption leaves is continued by
    the next call. Rows of files elsewhere stay; files that could not be read are tried again. The same files give the
    same table, whatever the number of jobs and the order of calls.

    Args:
        jobs: processes.
        seconds: how much of each file's middle is analysed.
        progress: is called with files done, files in all, and what is being done.

    Raises:
        MissingDependency: the extra "audio" is not installed.
        SourceError: a place holds no audio files.
        OutputError: ``out`` is something else, or cannot be written.
    """
    require_audio()
    if jobs < 1 or not 1 <= seconds <= 600:
        raise InputError(f"jobs is {jobs} and seconds {seconds:g}; give at least 1, and at most 600 seconds")
    tag = f"{VERSION}:{seconds:g}"
    files = audio_files(sources)
    rows = _stored(out)
    folders = [Path(source).resolve() for source in sources]
    asked = {str(path) for path in files}
    gone = [place for place in rows if place not in asked and _below(place, folders) and not Path(place).exists()]
    for place in gone:
        del rows[place]
    todo = [path for path in files if not _unchanged(rows.get(str(path)), path, tag)]
    for path in todo:
        rows.pop(str(path), None)
    failed: dict[str, str] = {}
    _save(rows, out)  # a place that cannot be written is known before hours of work
    try:
        for done, (path, row, reason) in enumerate(_results(todo, jobs, partial(_row, seconds=seconds, tag=tag)), 1):
            if row is not None:
                rows[str(path)] = row
            else:
                failed[str(path)] = reason
            if progress is not None:
                progress(done, len(todo), f"analysing {path.name}")
            if done % _SAVE_EVERY == 0:
                _save(rows, out)
    finally:  # also when interrupted: the next call goes on from here
        table = _save(rows, out)
    return Analysis(
        table=table,
        analysed=len(todo) - len(failed),
        reused=len(files) - len(todo),
        failed=tuple((str(path), failed[str(path)]) for path in files if str(path) in failed),
        gone=len(gone),
    )


def _walk(folder: Path) -> Iterator[Path]:
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in sorted(n for n in names if not n.startswith(".")):
            if Path(name).suffix.lower() in _SOUND:
                yield Path(here) / name


def _below(place: str, folders: Sequence[Path]) -> bool:
    return any(Path(place).is_relative_to(folder) for folder in folders)


def _unchanged(row: Row | None, path: Path, tag: str) -> bool:
    try:
        there = path.stat()
    except OSError:
        return False
    return row is not None and (row["file_size"], row["file_mtime_ns"], row["analysed"]) == (
        there.st_size,
        there.st_mtime_ns,
        tag,
    )


def _row(path: Path, *, seconds: float, tag: str) -> tuple[Row | None, str]:
    """Analyse one file: its row, or why there is none. A pure function of the file, so that a pool can map it."""
    try:
        there = path.stat()
        found = analyse_file(path, seconds=seconds)
    except SourceError as error:
        return None, error.reason
    except (OSError, MemoryError) as error:
        return None, f"cannot be read ({error})"
    name = artist = isrc = None
    album: str | None = None
    try:
        tags = read_audio_tags(path, str(path), path.name, Counter())
    except SourceError:
        pass  # it can be heard but its tags cannot be read
    else:
        name, artist = tags.names[0] if tags.names else (None, None)
        isrc, album = tags.isrc, tags.values.get("album")
    texts = {"location": str(path), "name": name, "artist": artist, "album": album, "isrc": isrc}
    clean = {k: v.encode("utf-8", "replace").decode() if v is not None else None for k, v in texts.items()}
    row = {
        **clean,
        **found,
        "duration_ms": int(found["duration_ms"] or 0),
        "file_size": there.st_size,
        "file_mtime_ns": there.st_mtime_ns,
        "analysed": tag,
    }
    return row, ""


def _results(
    todo: Sequence[Path], jobs: int, work: Callable[[Path], tuple[Row | None, str]]
) -> Iterator[tuple[Path, Row | None, str]]:
    """Each file with its row, or with the reason why there is none; in any order."""
    if jobs == 1 or len(todo) < 2:
        for path in todo:
            yield path, *work(path)
        return
    left = list(reversed(todo))
    while left:
        pool = _pool(min(jobs, len(left)))
        running: dict[Future[tuple[Row | None, str]], Path] = {}
        try:
            while left or running:
                while left and len(running) < 2 * jobs:
                    running[pool.submit(work, left[-1])] = left[-1]
                    left.pop()
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    outcome = future.result()  # of a broken pool this raises, and the file stays among those that run
                    yield running.pop(future), *outcome
        except BrokenProcessPool:
            # a file can crash the decoder: which one is found by giving each a process of its own
            for path in running.values():
                with _pool(1) as alone:
                    try:
                        outcome = alone.submit(work, path).result()
                    except BrokenProcessPool:
                        outcome = None, "crashes the decoder"
                yield path, *outcome
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _pool(jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_worker)


def _worker() -> None:
    # Ctrl-C is for the parent, which saves what is done
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # decoders write their own remarks past Python, between the lines of the progress
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _stored(out: Path) -> dict[str, Row]:
    """The rows of an earlier table; none where there is none.

    Raises:
        OutputError: there is something else.
    """
    if not out.exists():
        return {}
    try:
        table = pl.read_parquet(out) if out.is_file() else pl.DataFrame()
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = (str(error).splitlines() or ["unreadable"])[0]
        raise OutputError(f"{out} is there and no table of audio files ({reason}); choose another place") from error
    if not {"location", "file_size", "file_mtime_ns", "analysed"} <= set(table.columns):
        raise OutputError(f"{out} is there and no table of audio files; choose another place")
    if table.schema != pl.Schema(SCHEMA):
        return {}  # an earlier version's: all files are analysed again
    return {row["location"]: row for row in table.iter_rows(named=True)}


def _save(rows: dict[str, Row], out: Path) -> pl.DataFrame:
    table = pl.DataFrame([rows[place] for place in sorted(rows)], schema=SCHEMA)
    data = io.BytesIO()
    table.write_parquet(data)
    write_bytes(out, data.getvalue())
    return table
