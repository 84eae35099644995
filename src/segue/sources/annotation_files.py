"""Files that say something about tracks, found below paths and recognised by their content -> sources' rows."""

from __future__ import annotations

import lzma
import os
import re
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from segue.errors import SourceError
from segue.sources import acousticbrainz, genius_json
from segue.sources.files import SourceFile, format_of
from segue.sources.json_text import decode_json
from segue.sources.lyrics_files import AUDIO, read_audio_tags, read_lyrics_file
from segue.sources.outside import ANNOTATED, Finding, Outside, outside_of
from segue.sources.track_tables import collapsed, read_track_table

__all__ = ["read_sources"]

_TABLES = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet"}
_TEXTS = frozenset({".lrc", ".txt"})
_TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_KNOWN = "CSV, Parquet, JSON, LRC, text, audio files, zip and tar of them"
_DAMAGES = (tarfile.TarError, OSError, EOFError, zlib.error, lzma.LZMAError, ValueError)
_LIMIT = 1 << 28  # bytes of one member of a tar; AcousticBrainz documents have some hundred thousand
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NATURAL = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class _File:
    """One file, maybe inside an archive.

    Args:
        name: its path inside the source, for endings and names. where: the whole path.
        path: itself, if it lies there unpacked. read: its unpacked bytes.
    """

    name: str
    where: str
    path: Path | None
    read: Callable[[], bytes]


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


def _placed(error: SourceError, file: _File) -> SourceError:
    return SourceError(error.reason, path=file.where, position=error.position)


def _read(file: _File, source: Path, gathered: dict[str, _Gathered]) -> Outside | None:
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


def _from_json(document: Any, file: _File, label: str) -> tuple[str, list[Finding]]:
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
    columns = [name for name in ANNOTATED if any(name in f.values for f in findings)]
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


def _below(source: Path, damaged: Callable[[SourceError], None]) -> Iterator[_File]:
    try:
        there = os.stat(source) is not None and source.is_dir()
    except (OSError, ValueError) as error:  # a null character in a path is a ValueError
        missing = isinstance(error, FileNotFoundError)
        reason = "there is no such file or folder" if missing else f"cannot be read ({error})"
        raise SourceError(reason, path=source) from error
    if not there:
        yield from _opened(source, source.name, damaged)
        return
    if (source / "manifest.json").is_file() and (source / "tracks.parquet").is_file():
        # another library: what it knows about its tracks
        yield from _opened(source / "tracks.parquet", "tracks.parquet", damaged)
        return
    for folder, folders, names in os.walk(source):
        folders[:] = sorted((f for f in folders if not f.startswith(".")), key=_natural)
        for name in sorted((n for n in names if not n.startswith(".")), key=_natural):
            path = Path(folder) / name
            yield from _opened(path, str(path.relative_to(source)), damaged)


def _opened(path: Path, name: str, damaged: Callable[[SourceError], None]) -> Iterator[_File]:
    lower = name.lower()
    if lower.endswith(".zip"):
        yield from _zipped(path, damaged)
    elif lower.endswith(_TARS):
        yield from _tarred(path, damaged)
    elif lower.endswith((".zst", ".7z", ".rar")):
        damaged(SourceError(f"is packed with {lower.rsplit('.', 1)[1]}; unpack it first", path=path))
    else:
        packed = not lower.endswith(".gz") and _ending(name) in AUDIO
        yield _File(name, str(path), path, SourceFile(path, "audio" if packed else format_of(name) or "json").read)


def _zipped(path: Path, damaged: Callable[[SourceError], None]) -> Iterator[_File]:
    try:
        if not path.is_file():
            raise SourceError("is no regular file", path=path)
        with zipfile.ZipFile(path) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
    except SourceError as error:
        damaged(error)
        return
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        damaged(SourceError(f"the zip is damaged or cut off ({error})", path=path))
        return
    for name in sorted(dict.fromkeys(names), key=_natural):
        if not any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts):
            file = SourceFile(path, "json", name)
            yield _File(name, file.where, None, file.read)


def _tarred(path: Path, damaged: Callable[[SourceError], None]) -> Iterator[_File]:
    """Members in the order of the archive: a compressed tar is read once, from its beginning to its end."""
    if not path.is_file():
        damaged(SourceError("is no regular file", path=path))
        return
    try:
        with tarfile.open(path, "r:*") as archive:
            for member in archive:
                if not member.isfile() or any(part.startswith(".") for part in PurePosixPath(member.name).parts):
                    continue
                yield _File(member.name, f"{path}/{member.name}", None, _member(archive, member, path))
    except _DAMAGES as error:
        damaged(SourceError(f"the tar is damaged or cut off ({error})", path=path))


def _member(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> Callable[[], bytes]:
    where = f"{path}/{member.name}"

    def read() -> bytes:
        if member.size > _LIMIT:
            raise SourceError(f"is larger than {_LIMIT >> 20} MB", path=where)
        try:
            file = archive.extractfile(member)
            data = b"" if file is None else bytes(file.read())
        except _DAMAGES as error:
            raise SourceError(f"the tar is damaged or cut off ({error})", path=where) from error
        if len(data) < member.size:
            raise SourceError("the tar was cut off", path=where)
        return _gunzipped(data, where) if data.startswith(b"\x1f\x8b") else data

    return read


def _gunzipped(data: bytes, where: str) -> bytes:
    unpacker = zlib.decompressobj(31)
    try:
        unpacked = unpacker.decompress(data, _LIMIT)
    except zlib.error as error:
        raise SourceError(f"the gzip file is damaged ({error})", path=where) from error
    if not unpacker.eof:
        raise SourceError(f"the gzip file was cut off or unpacks to more than {_LIMIT >> 20} MB", path=where)
    return unpacked


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in _NATURAL.split(name)]
