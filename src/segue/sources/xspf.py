"""XSPF: read and write. A document type, and with it every entity bomb, is refused.

What XSPF cannot carry: control characters that XML 1.0 forbids (they become U+FFFD).
Source: XSPF version 1, https://xspf.org/spec.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET  # only its tree; the parsing below refuses document types
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

from segue.errors import SourceError
from segue.library.catalogue import Track
from segue.sources.addresses import address_of, uri_of
from segue.sources.entries import Entry, track_of

__all__ = ["read_xspf", "write_xspf", "xml_text"]

_NAMESPACE = "http://xspf.org/ns/0/"
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})


def xml_text(text: str) -> str:
    """Text as XML can hold it: forbidden characters become U+FFFD.

    >>> xml_text("a\\x00b\\n")
    'a\\ufffdb\\n'
    """
    return _FORBIDDEN.sub("\ufffd", text)


def write_xspf(title: str, tracks: Sequence[Track], *, description: str | None = None) -> bytes:
    """Write an XSPF in UTF-8."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<playlist version="1" xmlns="{_NAMESPACE}">',
        _element("title", title),
        *([_element("annotation", description)] if description else []),
        "<trackList>",
    ]
    for track in tracks:
        said = {
            "location": uri_of(track.location) if track.location else None,
            "identifier": address_of(track.track_id),
            "title": track.name,
            "creator": track.artist,
            "album": track.album,
            "duration": track.duration_ms,
        }
        lines.append("<track>")
        lines += [_element(tag, value) for tag, value in said.items() if value is not None and value != ""]
        if track.year is not None:
            lines.append(f'<meta rel="urn:segue:year">{track.year}</meta>')
        if track.explicit is not None:
            lines.append(f'<meta rel="urn:segue:explicit">{str(track.explicit).lower()}</meta>')
        lines.append("</track>")
    lines += ["</trackList>", "</playlist>"]
    return ("\n".join(lines) + "\n").encode()


def _element(tag: str, value: str | int) -> str:
    return f"<{tag}>{xml_text(str(value)).translate(_ESCAPES)}</{tag}>"


def read_xspf(data: bytes, *, label: str, base: Path | None) -> tuple[str | None, str | None, list[Track]]:
    """Read an XSPF: title, annotation, tracks.

    Raises:
        SourceError: no XML, cut off, with a document type, or another kind of document.
    """
    root = _parse(data, label)
    if _local(root) != "playlist":
        raise SourceError(f"wrong schema: the document is <{_local(root)[:40]}>, not <playlist>", path=label)
    title = description = None
    tracks: list[Track] = []
    for child in root:
        if _local(child) == "title":
            title = child.text
        elif _local(child) == "annotation":
            description = child.text
        elif _local(child) == "trackList":
            tracks += [_track(t, i, label, base) for i, t in enumerate(child) if _local(t) == "track"]
    return title, description, tracks


def _track(element: ET.Element, i: int, label: str, base: Path | None) -> Track:
    entry = Entry()
    for child in element:
        tag, text = _local(child), child.text or ""
        if tag == "meta":
            entry.meta[child.get("rel", "")] = text
        elif tag == "location":
            entry.locations.append(text.strip())
        elif tag == "identifier":
            entry.identifiers.append(text.strip())
        elif tag == "duration" and text.strip():
            try:
                entry.duration_ms = round(float(text))
            except (ValueError, OverflowError):
                reason = f"the duration is {text.strip()[:40]!r}, not milliseconds"
                raise SourceError(reason, path=label, position=f"track {i + 1}") from None
        elif tag in ("title", "creator", "album"):
            setattr(entry, tag, text)
    return track_of(entry, base)


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _parse(data: bytes, label: str) -> ET.Element:
    builder = ET.TreeBuilder()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    depth = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > 50:
            raise SourceError("XML nested too deeply", path=label, position=f"line {parser.CurrentLineNumber}")
        builder.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    def refuse(*_: object) -> NoReturn:
        reason = "the XML has a document type, which is refused because it can hide entity bombs; remove it"
        raise SourceError(reason, path=label, position=f"line {parser.CurrentLineNumber}")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        reason = f"the XML is damaged or cut off ({expat.ErrorString(error.code)})"
        position = f"line {error.lineno}, column {error.offset + 1}"
        raise SourceError(reason, path=label, position=position) from error
    except (LookupError, ValueError) as error:
        raise SourceError(f"the XML is in an encoding that cannot be read ({error})", path=label) from error
    return builder.close()
