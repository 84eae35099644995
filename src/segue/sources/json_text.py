"""JSON of a known shape, decoded with the place of every complaint."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TypeVar

import msgspec

from segue.errors import SourceError

__all__ = ["decode_json", "storable"]

T = TypeVar("T")

_LONE = re.compile("[\ud800-\udfff]")
# In this order: an escaped backslash, a whole pair, and what is left is a lone surrogate.
_SURROGATES = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)


def storable(text: str) -> str:
    """Text without lone surrogates, which no encoding of Unicode can hold; they become U+FFFD.

    >>> storable("a\\ud800") == "a\\ufffd"
    True
    """
    return _LONE.sub("\ufffd", text)


def decode_json(data: bytes, decoder: msgspec.json.Decoder[T], *, path: Path | str, notes: Counter[str]) -> T:
    """Decode JSON of a known shape; lone surrogates become U+FFFD with a note.

    Raises:
        SourceError: not JSON, cut off, not UTF-8, or of another shape; says where.
    """
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    elif data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = data.decode("utf-16", "replace").encode()
    try:
        try:
            return decoder.decode(data)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            mended, n = _without_lone_surrogates(data)
            if not n:
                raise
            value = decoder.decode(mended)
            notes["lone surrogates replaced by U+FFFD"] += n
            return value
    except msgspec.ValidationError as error:
        reason, _, where = str(error).partition(" - at ")
        raise SourceError(f"wrong schema: {reason}", path=path, position=where.strip("`") or "top level") from error
    except msgspec.DecodeError as error:
        raise _damage(str(error), data, path) from error
    except UnicodeDecodeError as error:
        raise _not_utf8(data, path) from error
    except RecursionError as error:
        raise SourceError("JSON nested too deeply", path=path) from error


def _without_lone_surrogates(data: bytes) -> tuple[bytes, int]:
    n = 0

    def mend(match: re.Match[bytes]) -> bytes:
        nonlocal n
        if len(match[0]) != 6:  # an escaped backslash or a whole pair
            return match[0]
        n += 1
        return b"\\ufffd"

    return _SURROGATES.sub(mend, data), n


def _damage(message: str, data: bytes, path: Path | str) -> SourceError:
    if not data.strip():
        return SourceError("the file is empty", path=path, position="byte 0")
    found = re.search(r"\(byte (\d+)\)", message)
    if "truncated" in message:
        return SourceError(
            "the JSON ends in the middle; the file was cut off", path=path, position=f"byte {len(data)}"
        )
    byte = int(found[1]) if found else 0
    line = data.count(b"\n", 0, byte) + 1
    reason = message.replace(found[0], "").strip() if found else message
    return SourceError(reason, path=path, position=f"byte {byte}, line {line}")


def _not_utf8(data: bytes, path: Path | str) -> SourceError:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return SourceError("the JSON is not valid UTF-8", path=path, position=f"byte {error.start}")
    return SourceError("the JSON is not valid UTF-8", path=path)
