"""Names of files made from titles: any text in, one plain name of one folder out."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

from segue.errors import InputError
from segue.library.names import one_line

__all__ = ["content_disposition", "file_name"]

_MOST_BYTES = 200  # file systems take 255; players add endings of their own
_ENDING = re.compile(r"[A-Za-z0-9]{1,10}\Z")
_MINDED = re.compile(r"""[\x00-\x1f\x7f/\\:*?"<>|`$;%^{}\ufffd]+""")
"""What a file system, a shell or a header gives a meaning."""
_JOINERS = "\u200c\u200d"  # inside emoji, and words of several scripts
_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$?|conout\$?|clock\$?|com[0-9¹²³]|lpt[0-9¹²³])\Z", re.IGNORECASE)
"""Source: Microsoft, Naming Files, Paths, and Namespaces: devices under any ending."""


def file_name(title: str, ext: str, *, fallback: str = "playlist") -> str:
    """A title as the name of a file, of at most 200 bytes of UTF-8: never a path, a device, an option or hidden.

    Letters, digits, marks, emoji and harmless signs of any script stay; composed (NFC), since players compare so.

    Args:
        ext: ending without its dot. fallback: the name where nothing of the title can be used.

    Raises:
        InputError: the ending is none.

    >>> file_name("../AC/DC: live?", "m3u8"), file_name("nul.txt", "csv"), file_name("Café del Mar 🌊", "xspf")
    ('AC DC live.m3u8', '_nul.txt.csv', 'Café del Mar 🌊.xspf')
    """
    if not _ENDING.match(ext):
        raise InputError(f"{ext[:20]!r} is no ending of a file name; give letters and digits")
    text = _MINDED.sub(" ", one_line(unicodedata.normalize("NFC", title), 1_000))
    text = "".join(c if c.isprintable() or c in _JOINERS else " " for c in text)
    text = _trimmed(" ".join(text.split()))
    room = _MOST_BYTES - len(ext) - 2
    text = _trimmed(text.encode("utf-8")[:room].decode("utf-8", "ignore")) or fallback
    if _RESERVED.match(text.split(".", 1)[0].rstrip()):
        text = f"_{text}"
    return f"{text}.{ext}"


def _trimmed(text: str) -> str:
    """Without what hides a file or makes it an option at the start, and what Windows drops at the end."""
    return text.lstrip(f" .-~{_JOINERS}").rstrip(f" .{_JOINERS}")


def content_disposition(name: str) -> str:
    """The header that has a browser save an answer under a name; ASCII, on one line, whatever the name is.

    Source: RFC 6266 with the encoding of RFC 8187; the plain form is for programs that know no other.

    >>> content_disposition("Café.csv")
    'attachment; filename="Caf_.csv"; filename*=UTF-8\\'\\'Caf%C3%A9.csv'
    """
    plain = re.sub(r"[^A-Za-z0-9 ._()&,+=@#!-]", "_", name)
    exact = quote(name.encode("utf-8", "replace"), safe="!#$&+.^_`|~-")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}"
