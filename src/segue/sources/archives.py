"""Files as they lie, and as they lie in zips and tars, which stay packed."""

from __future__ import annotations

import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from segue.errors import SourceError
from segue.sources.files import SourceFile

__all__ = ["PackedFile", "natural", "opened"]

_TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_DAMAGES = (tarfile.TarError, OSError, EOFError, zlib.error, lzma.LZMAError, ValueError)
_LIMIT = 1 << 28  # bytes of one member of a tar; AcousticBrainz documents have some hundred thousand
_NATURAL = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class PackedFile:
    """One file, maybe inside an archive.

    Args:
        name: its path inside the source, for endings and names. where: the whole path.
        path: itself, if it lies there unpacked. read: its unpacked bytes.
    """

    name: str
    where: str
    path: Path | None
    read: Callable[[], bytes]


def opened(path: Path, name: str, damaged: Callable[[SourceError], None]) -> Iterator[PackedFile]:
    """The file itself, or the members of a zip or tar.

    Members of a tar must be read in turn: a compressed one is read once, from its beginning to its end.

    Args:
        name: its path below the source.
        damaged: is told of archives that cannot be opened; may raise.
    """
    lower = name.lower()
    if lower.endswith(".zip"):
        yield from _zipped(path, damaged)
    elif lower.endswith(_TARS):
        yield from _tarred(path, damaged)
    elif lower.endswith((".zst", ".7z", ".rar")):
        damaged(SourceError(f"is packed with {lower.rsplit('.', 1)[1]}; unpack it first", path=path))
    else:
        yield PackedFile(name, str(path), path, SourceFile(path, "any").read)


def _zipped(path: Path, damaged: Callable[[SourceError], None]) -> Iterator[PackedFile]:
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
    for name in sorted(dict.fromkeys(names), key=natural):
        if not any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts):
            file = SourceFile(path, "any", name)
            yield PackedFile(name, file.where, None, file.read)


def _tarred(path: Path, damaged: Callable[[SourceError], None]) -> Iterator[PackedFile]:
    if not path.is_file():
        damaged(SourceError("is no regular file", path=path))
        return
    try:
        with tarfile.open(path, "r:*") as archive:
            for member in archive:
                if not member.isfile() or any(part.startswith(".") for part in PurePosixPath(member.name).parts):
                    continue
                yield PackedFile(member.name, f"{path}/{member.name}", None, _member(archive, member, path))
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


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts names as people count: 2 before 10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in _NATURAL.split(name)]
