"""Finding source files, naming them, reading their bytes: plain, gzip'd, or inside a zip that stays packed."""

from __future__ import annotations

import gzip
import io
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from segue.errors import SourceError, StoredDataError
from segue.library.arrays import read_json

__all__ = ["AUDIO", "FORMATS", "Found", "SourceFile", "find", "format_of", "read_regular"]

# extension -> format; each may be followed by .gz
FORMATS = {
    ".json": "mpd",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".m3u": "m3u",
    ".m3u8": "m3u",
    ".xspf": "xspf",
    ".jspf": "jspf",
}
AUDIO = frozenset(
    {".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".mp4", ".wav", ".aif", ".aiff", ".wma", ".ape", ".wv", ".mpc"}
)
"""Endings of files whose tags are read."""
_TABLES = frozenset({"items.csv", "playlists.csv", "tracks.csv"})
_LIMIT = 4 * 2**30  # bytes that one file may unpack to; a bomb, not a slice, is larger
_NATURAL = re.compile(r"(\d+)")
_KNOWN = ", ".join([*FORMATS, ".zip"])


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file to ingest, maybe inside a zip; ``label`` names it, as short as is unambiguous."""

    path: Path
    format: str
    member: str | None = None
    label: str = ""

    @property
    def where(self) -> str:
        """The whole path, members of a zip behind it."""
        return str(self.path) if self.member is None else f"{self.path}/{self.member}"

    def read(self) -> bytes:
        """The unpacked content.

        Raises:
            SourceError: unreadable, no regular file, a truncated or damaged archive, or larger than 4 GiB unpacked.
        """
        try:
            data = read_regular(self.path) if self.member is None else self._from_zip(self.member)
            if data.startswith(b"\x1f\x8b"):
                data = _gunzip(data, self.where)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
            reason = f"the zip is damaged or of a kind that cannot be read ({error})"
            raise SourceError(reason, path=self.where) from error
        except OSError as error:
            raise SourceError(f"cannot be read ({error.strerror or error})", path=self.where) from error
        return data

    def _from_zip(self, member: str) -> bytes:
        _check_regular(self.path)
        with zipfile.ZipFile(self.path) as archive:
            if archive.getinfo(member).file_size > _LIMIT:
                raise SourceError(f"unpacks to more than {_LIMIT // 2**30} GiB", path=self.where)
            return archive.read(member)


def read_regular(path: Path) -> bytes:
    """The bytes of a regular file; links are followed.

    Raises:
        SourceError: it is something else: a pipe may never end, a device never does.
        OSError: it cannot be read.
    """
    _check_regular(path)
    return path.read_bytes()


def _check_regular(path: Path) -> None:
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise SourceError("is no regular file (but a pipe, a socket, a device or a folder)", path=path)


def _gunzip(data: bytes, where: str) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            unpacked = file.read(_LIMIT + 1)
    except EOFError as error:
        raise SourceError("the gzip file was cut off", path=where, position=f"compressed byte {len(data)}") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise SourceError(f"the gzip file is damaged ({error})", path=where) from error
    if len(unpacked) > _LIMIT:
        raise SourceError(f"unpacks to more than {_LIMIT // 2**30} GiB", path=where)
    return unpacked


@dataclass(slots=True)
class Found:
    """What is there: files in the order of ingest, paths of no known format, files given more than once.

    ``audio`` are files of music with the folder that was given; ``closed`` are folders that cannot be looked into.
    """

    files: list[SourceFile] = field(default_factory=list)
    audio: list[tuple[Path, Path]] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)


def find(sources: Sequence[Path | str], *, damaged: Callable[[SourceError], None]) -> Found:
    """Find the files below the given paths; folders and zips in natural order of names, hidden files left out.

    Args:
        sources: files, folders, zips.
        damaged: is told of zips that cannot be opened; may raise.

    Raises:
        SourceError: a path that is missing, of no known format, or holds no known file.
    """
    found = Found()
    seen: set[tuple[Path, str | None]] = set()
    for source in map(Path, sources):
        n, failed = 0, False

        def tell(error: SourceError) -> None:
            nonlocal failed
            failed = True
            damaged(error)

        n_audio = len(found.audio)
        for file in _below(source, found, tell):
            n += 1
            key = (_resolved(file.path), file.member)
            if key in seen:
                found.repeated.append(file.where)
            else:
                seen.add(key)
                found.files.append(file)
        if not n and len(found.audio) == n_audio and not failed:
            raise SourceError(f"holds no playlist files ({_KNOWN}) and no music", path=source)
    found.files = _labelled(found.files)
    return found


def _below(source: Path, found: Found, damaged: Callable[[SourceError], None]) -> Iterator[SourceFile]:
    try:
        os.stat(source)
    except (OSError, ValueError) as error:  # a null character in a path is a ValueError
        reason = "there is no such file or folder"
        if not isinstance(error, FileNotFoundError):
            reason = f"cannot be read ({getattr(error, 'strerror', None) or error})"
        elif source.is_symlink():
            reason = "is a link to nothing"
        raise SourceError(reason, path=source) from error
    if not source.is_dir():
        if source.suffix.lower() == ".zip":
            yield from _in_zip(source, found.ignored, damaged)
        elif (format_ := format_of(source.name)) is not None:
            yield SourceFile(source, format_)
        elif source.suffix.lower() in AUDIO:
            found.audio.append((source.absolute(), source.absolute().parent))
        else:
            raise SourceError(f"not a known format ({_KNOWN}, each also with .gz)", path=source)
        return
    _refuse_library(source)
    root = source.absolute()
    for folder, folders, names in os.walk(source, onerror=lambda error: found.closed.append(str(error.filename))):
        folders[:] = sorted((f for f in folders if not f.startswith(".")), key=_natural)
        here = Path(folder)
        if set(names) >= _TABLES:
            yield SourceFile(here, "tables")
            names = [n for n in names if n not in _TABLES and n != "playlist_descriptions.csv"]
        for name in sorted((n for n in names if not n.startswith(".")), key=_natural):
            if name.lower().endswith(".zip"):
                yield from _in_zip(here / name, found.ignored, damaged)
            elif (format_ := format_of(name)) is not None:
                yield SourceFile(here / name, format_)
            elif PurePosixPath(name).suffix.lower() in AUDIO:
                found.audio.append((root / (here / name).relative_to(source), root))
            else:
                found.ignored.append(str(here / name))


def _resolved(path: Path) -> Path:
    """The path without links; as it is where links go in circles, which reading will say."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return path.absolute()


def _refuse_library(folder: Path) -> None:
    if not (folder / "manifest.json").is_file():
        return
    try:
        manifest = read_json(folder / "manifest.json")
    except StoredDataError:
        return
    if isinstance(manifest, dict) and manifest.get("kind") == "segue library":
        raise SourceError("is a Segue library already; ingest takes raw files", path=folder)


def _in_zip(path: Path, ignored: list[str], damaged: Callable[[SourceError], None]) -> Iterator[SourceFile]:
    try:
        _check_regular(path)
        with zipfile.ZipFile(path) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
    except SourceError as error:
        damaged(error)
        return
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        damaged(SourceError(f"the zip is damaged or cut off ({error})", path=path))
        return
    for name in sorted(dict.fromkeys(names), key=_natural):
        pure = PurePosixPath(name)
        if any(part.startswith((".", "__MACOSX")) for part in pure.parts):
            continue
        if (format_ := format_of(pure.name)) is not None:
            yield SourceFile(path, format_, name)
        else:
            ignored.append(f"{path}/{name}")


def format_of(name: str) -> str | None:
    """The format that a file's name promises, or None."""
    name = name.lower().removesuffix(".gz")
    return None if name == "manifest.json" else FORMATS.get(PurePosixPath(name).suffix)


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in _NATURAL.split(name)]


def _labelled(files: list[SourceFile]) -> list[SourceFile]:
    """Name each file by as many of its last path parts as tell it from all others."""
    parts = [PurePosixPath(file.where.replace(os.sep, "/")).parts for file in files]
    depth = [1] * len(files)
    while True:
        labels = ["/".join(p[-d:]) for p, d in zip(parts, depth, strict=True)]
        by_label: dict[str, list[int]] = {}
        for i, label in enumerate(labels):
            by_label.setdefault(label, []).append(i)
        clashing = [i for group in by_label.values() if len(group) > 1 for i in group if depth[i] < len(parts[i])]
        if not clashing:
            return [replace(file, label=label) for file, label in zip(files, labels, strict=True)]
        for i in clashing:
            depth[i] += 1
