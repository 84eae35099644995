"""Files that say something about tracks, found below paths and recognised by their content -> sources' rows."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from segue.errors import SourceError
from segue.sources import acousticbrainz, genius_json
from segue.sources.archives import PackedFile, natural, opened
from segue.sources.json_text import decode_json
from segue.sources.lyrics_files import AUDIO, read_audio_tags, read_lyrics_file
from segue.sources.outside import Finding, Outside, outside_of
from segue.sources.track_tables import collapsed, read_track_table

__all__ = ["read_sources"]

_TABLES = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet"}
_TEXTS = frozenset({".lrc", ".txt"})
_KNOWN = "CSV, Parquet, JSON, LRC, text, audio files, zip and tar of them"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(slots=True)
class _Gathered:
    """Rows of many small files of one kind below one source."""

    findings: list[Finding] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)


def read_sources(
    sources: list[Path],
    *,
    damaged: Callable[[SourceError], None],
    ignored: Callable[[str], None],
    progress: Callable[[int, int, str], None] = lambda done, total, what: None,
) -> Iterator[Outside]:
    """Read files, folders, zips and tars; tables one by one, small files of one kind together for each source.

    A folder that is a library gives what it knows about its tracks.

    Args:
        damaged: is told of files that cannot be read; may raise.
        ignored: is told of files of no known kind that lie in folders and archives.
        progress: is called with sources done, sources in all, and what is read.

    Raises:
        SourceError: a path that is missing, of no known kind, or holds no known file.
    """
    for done, source in enumerate(sources):
        gathered: dict[str, _Gathered] = {}
        n, failed = 0, False

        def tell(error: SourceError) -> None:
            nonlocal failed
            failed = True
            damaged(error)

        for file in _below(source, tell):
            if not _ending(file.name):
                if not source.is_dir() and file.path == source:
                    raise SourceError(f"not a known kind of file ({_KNOWN})", path=source)
                ignored(file.where)
                continue
            n += 1
            progress(done, len(sources), f"reading {source.name}, file {n:,}")
            try:
                table = _read(file, source, gathered)
            except SourceError as error:
                tell(error if str(error.path) == file.where else _placed(error, file))
            else:
                if table is not None:
                    yield table
        for kind, group in gathered.items():
            if group.findings:
                yield _outside(kind, source, group)
        if not n and not failed:
            raise SourceError(f"holds nothing to annotate with ({_KNOWN})", path=source)


def _placed(error: SourceError, file: PackedFile) -> SourceError:
    return SourceError(error.reason, path=file.where, position=error.position)


def _read(file: PackedFile, source: Path, gathered: dict[str, _Gathered]) -> Outside | None:
    """A table as rows of its own; a small file into its group."""
    ending = _ending(file.name)
    label = PurePosixPath(file.where.replace(os.sep, "/")).name
    if ending in _TABLES:
        return read_track_table(file.read(), _TABLES[ending], label)
    if ending in _TEXTS:
        group = gathered.setdefault("lyrics files", _Gathered())
        finding = read_lyrics_file(file.read(), file.where, label, group.notes)
        group.findings += [finding] if finding is not None else []
    elif ending in AUDIO:
        group = gathered.setdefault("audio tags", _Gathered())
        content: Path | bytes = file.path if file.path is not None else file.read()
        group.findings.append(read_audio_tags(content, file.where, label, group.notes))
    else:
        notes: Counter[str] = Counter()
        document = decode_json(file.read(), msgspec.json.Decoder(Any), path=file.where, notes=notes)
        kind, findings = _from_json(document, file, label)
        group = gathered.setdefault(kind, _Gathered())
        group.findings += findings
        group.notes += notes
    return None


def _from_json(document: Any, file: PackedFile, label: str) -> tuple[str, list[Finding]]:
    if acousticbrainz.is_acousticbrainz(document):
        found = _UUID.search(label.lower())
        recording_id = found[0] if found else None
        return "AcousticBrainz", acousticbrainz.findings_of(document, recording_id=recording_id)
    if genius_json.is_genius(document):
        return "Genius", genius_json.findings_of(document, label)
    reason = "wrong schema: neither an AcousticBrainz document nor songs that lyricsgenius saved"
    raise SourceError(reason, path=file.where, position="top level")


def _outside(kind: str, source: Path, group: _Gathered) -> Outside:
    findings = group.findings
    columns = dict.fromkeys(name for finding in findings for name in finding.values)
    return collapsed(
        outside_of(
            source.name or str(source),
            kind,
            {name: [f.values.get(name) for f in findings] for name in columns},
            group.notes,
            names=[f.names for f in findings],
            track_ids=[f.track_id for f in findings],
            isrcs=[f.isrc for f in findings],
            stems=[f.stem for f in findings],
            popularity=[f.popularity for f in findings],
        )
    )


def _ending(name: str) -> str | None:
    """The ending that says what a file is, or None."""
    ending = PurePosixPath(name.lower().removesuffix(".gz")).suffix
    known = ending in _TABLES or ending in _TEXTS or ending == ".json"
    return ending if known or (ending in AUDIO and not name.lower().endswith(".gz")) else None


def _below(source: Path, damaged: Callable[[SourceError], None]) -> Iterator[PackedFile]:
    try:
        there = os.stat(source) is not None and source.is_dir()
    except (OSError, ValueError) as error:  # a null character in a path is a ValueError
        missing = isinstance(error, FileNotFoundError)
        reason = "there is no such file or folder" if missing else f"cannot be read ({error})"
        raise SourceError(reason, path=source) from error
    if not there:
        yield from opened(source, source.name, damaged)
        return
    if (source / "manifest.json").is_file() and (source / "tracks.parquet").is_file():
        # another library: what it knows about its tracks
        yield from opened(source / "tracks.parquet", "tracks.parquet", damaged)
        return
    for folder, folders, names in os.walk(source):
        folders[:] = sorted((f for f in folders if not f.startswith(".")), key=natural)
        for name in sorted((n for n in names if not n.startswith(".")), key=natural):
            path = Path(folder) / name
            yield from opened(path, str(path.relative_to(source)), damaged)
