"""Folders on disk: built beside their place and swapped in whole, also when builds are killed or run at once."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import glob
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from segue.errors import OutputError, StoredDataError
from segue.library.arrays import read_json

__all__ = ["check_place", "locked", "new_folder", "put_back"]

_RENAME_EXCHANGE = 2
_AT_FDCWD = -100
_THERE = (errno.ENOTEMPTY, errno.EEXIST)
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EBADF, errno.EINVAL, errno.ENOSYS)


@contextlib.contextmanager
def new_folder(path: Path, *, kind: str | None = None) -> Iterator[Path]:
    """Build a folder beside its final place and swap it in when the block ends without an error.

    A killed or failed build leaves the old folder as it was; what a killed one left beside it is
    swept away by the next build of the same folder.

    Args:
        kind: what the new manifest will say; a folder of another kind is not replaced by it.

    Raises:
        OutputError: the place cannot be written to, or holds something that is no such folder of ours.
    """
    path = Path(path)
    check_place(path, kind)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        put_back(path)
        _sweep(path)
        temporary, lock = _temporary_folder(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    try:
        yield temporary
        for written in (temporary / "manifest.json", temporary):
            _sync(written)
        _swap(temporary, path)
        _sync(path.parent)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        _remove(temporary)
        os.close(lock)


def check_place(path: Path, kind: str | None = None) -> None:
    """Refuse a place that a new folder must not replace; to be asked before hours of work, too.

    Raises:
        OutputError: it is a file, or holds other things than a folder of this kind.
    """
    try:
        there = os.listdir(path)
    except FileNotFoundError:
        return
    except NotADirectoryError as error:
        raise OutputError(f"{path} exists and is not a folder; choose another place") from error
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    if there and "manifest.json" not in there:
        raise OutputError(f"{path} holds other things (no manifest.json); choose another place")
    if there and kind is not None:
        try:
            manifest = read_json(path / "manifest.json")
        except StoredDataError:
            return  # damaged: what is there cannot be used anyway, and a new build mends it
        found = manifest.get("kind") if isinstance(manifest, dict) else None
        if found != kind:
            raise OutputError(
                f"{path} is a {found or 'folder of something else'}, not a {kind}; choose another place"
            )


def put_back(path: Path) -> bool:
    """Put a folder back that a killed build had moved aside for its own; whether there was one to put back.

    Only file systems without an atomic exchange of two names need this.
    """
    if path.exists():
        return False
    aside: list[tuple[int, Path]] = []
    for old in _leftovers(path):
        with contextlib.suppress(OSError):
            if old.suffix == ".old":
                aside.append(((old / "manifest.json").stat().st_mtime_ns, old))
    for _, old in sorted(aside, reverse=True):
        with _if_dead(old.with_suffix("")) as dead:
            if dead or not old.with_suffix("").exists():
                with contextlib.suppress(OSError):
                    os.rename(old, path)
                    return True
    return False


@contextlib.contextmanager
def locked(path: Path, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Let one process at a time change a folder: the others wait; ``waiting`` is called before that.

    The lock is a file ``.NAME.lock`` beside the folder, there as long as somebody holds it; the folders above are
    made. Where the file system knows no locks, nobody waits.

    Raises:
        OutputError: the lock file cannot be written.
    """
    path = path.resolve()
    file = path.with_name(f".{path.name}.lock")
    handle = -1
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        while handle < 0:
            handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            if not _lock(handle):
                if waiting is not None:
                    waiting()
                fcntl.flock(handle, fcntl.LOCK_EX)
            if not _is_at(handle, file):  # who held it has removed it: the next one has another file
                os.close(handle)
                handle = -1
    except OSError as error:
        if handle >= 0:
            os.close(handle)
        raise OutputError(f"cannot write {file}: {error.strerror or error}") from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.unlink(file)
        os.close(handle)


def _lock(handle: int) -> bool:
    """Try to lock an open file or folder; False if somebody else has it. True where there are no locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return True


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except OSError:
        return False


def _temporary_folder(path: Path) -> tuple[Path, int]:
    """A new folder beside ``path`` and the lock on it that tells :func:`_sweep` that its build still runs."""
    while True:
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.new-", dir=path.parent))
        try:
            handle = os.open(temporary, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue  # swept before it was locked
        if _lock(handle) and _is_at(handle, temporary):
            os.chmod(temporary, 0o755)
            return temporary, handle
        os.close(handle)


def _leftovers(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f".{glob.escape(path.name)}.new-*"))


@contextlib.contextmanager
def _if_dead(folder: Path) -> Iterator[bool]:
    """Whether nobody builds in a folder any more: its lock can be had. It is held for the block."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        yield False
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        dead = True
    except OSError:
        dead = False
    try:
        yield dead
    finally:
        os.close(handle)


def _sweep(path: Path) -> None:
    """Remove what builds that were killed left behind; a build that still runs is left alone."""
    there = path.exists()
    for leftover in _leftovers(path):
        if leftover.suffix == ".old" and not there:
            continue  # perhaps all that is left of the folder
        with _if_dead(leftover) as dead:
            if dead:
                _remove(leftover)


def _remove(folder: Path) -> None:
    """Remove a folder as far as that goes; the manifest first, so that the rest is not taken for a whole one."""
    with contextlib.suppress(OSError):
        os.unlink(folder / "manifest.json")
    shutil.rmtree(folder, ignore_errors=True)


def _sync(path: Path) -> None:
    """Have a file's or folder's own content on the disk before going on, where the file system can."""
    if not path.exists():
        return
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    finally:
        os.close(handle)


def _swap(temporary: Path, path: Path) -> None:
    """Put ``temporary`` at ``path``; afterwards ``temporary`` holds the old folder, if there was one."""
    exchange = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    old = temporary.with_name(temporary.name + ".old")
    for _ in range(100):  # other builds of the same folder may come between any two steps
        if not path.exists():
            try:
                os.rename(temporary, path)
                return
            except OSError as error:
                # another build of the same folder was faster; this one is newer
                if error.errno not in _THERE:
                    raise
        if exchange is not None and (
            exchange(_AT_FDCWD, os.fsencode(temporary), _AT_FDCWD, os.fsencode(path), _RENAME_EXCHANGE) == 0
        ):
            return
        # No atomic exchange on this file system: two renames, the smallest gap there is. Killed in between, the next
        # build of this folder puts the old one back.
        try:
            os.rename(path, old)
        except FileNotFoundError:
            continue
        try:
            os.rename(temporary, path)
        except OSError as error:
            if error.errno not in _THERE:
                os.rename(old, path)
                raise
        else:
            _remove(old)
            return
        _remove(old)
    raise OSError(errno.EBUSY, "other builds of it do not come to an end")
