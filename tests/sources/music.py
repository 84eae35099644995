"""Files of music, made by the tests: a second of silence, with tags that mutagen writes."""

from __future__ import annotations

import struct
import wave
from pathlib import Path
from typing import Any

__all__ = ["ENDINGS", "write_music"]

ENDINGS = (".mp3", ".flac", ".ogg", ".opus", ".m4a", ".wav", ".aiff", ".wma")
"""The formats that are promised; ``.ogg`` is Vorbis."""


def write_music(path: Path, **tags: str) -> Path:
    """Write a file with tags: title, artist, album, album_artist, genre, date, isrc, mbid, track."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ending = path.suffix.lower()
    {
        ".wav": _wav, ".aiff": _aiff, ".mp3": _mp3, ".flac": _flac, ".ogg": _vorbis, ".opus": _opus, ".m4a": _mp4,
        ".wma": _asf,
    }[ending](path)  # fmt: skip
    if tags:
        _tag(path, ending, tags)
    return path


def _tag(path: Path, ending: str, tags: dict[str, str]) -> None:
    import mutagen
    from mutagen import id3

    if ending == ".mp3":
        file: Any = id3.ID3()
        _id3(file, tags)
        file.save(path)
        return
    file = mutagen.File(path)
    if ending in (".wav", ".aiff"):
        file.add_tags()
        _id3(file.tags, tags)
    elif ending == ".m4a":
        if file.tags is None:
            file.add_tags()
        names = {
            "title": "\xa9nam", "artist": "\xa9ART", "album": "\xa9alb", "album_artist": "aART", "genre": "\xa9gen",
            "date": "\xa9day", "isrc": "----:com.apple.iTunes:ISRC",
            "mbid": "----:com.apple.iTunes:MusicBrainz Track Id",
        }  # fmt: skip
        for what, value in tags.items():
            if what == "track":
                file.tags["trkn"] = [(int(value), 12)]
            else:
                file.tags[names[what]] = [value.encode()] if names[what].startswith("----") else [value]
    elif ending == ".wma":
        names = {
            "title": "Title", "artist": "Author", "album": "WM/AlbumTitle", "album_artist": "WM/AlbumArtist",
            "genre": "WM/Genre", "date": "WM/Year", "isrc": "WM/ISRC", "mbid": "MusicBrainz/Track Id",
            "track": "WM/TrackNumber",
        }  # fmt: skip
        for what, value in tags.items():
            file.tags[names[what]] = [value]
    else:
        if file.tags is None:
            file.add_tags()
        names = {"album_artist": "albumartist", "mbid": "musicbrainz_trackid", "track": "tracknumber"}
        for what, value in tags.items():
            file.tags[names.get(what, what)] = [value]
    file.save()


def _id3(frames: Any, tags: dict[str, str]) -> None:
    from mutagen import id3

    kinds = {
        "title": id3.TIT2, "artist": id3.TPE1, "album": id3.TALB, "album_artist": id3.TPE2, "genre": id3.TCON,
        "date": id3.TDRC, "isrc": id3.TSRC, "track": id3.TRCK,
    }  # fmt: skip
    for what, value in tags.items():
        if what == "mbid":
            frames.add(id3.UFID(owner="http://musicbrainz.org", data=value.encode()))
        else:
            frames.add(kinds[what](encoding=3, text=[value]))


def _wav(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8_000)
        file.writeframes(bytes(8_000))


def _aiff(path: Path) -> None:
    rate = b"\x40\x0b\xfa\x00\x00\x00\x00\x00\x00\x00"  # 8,000 as an 80-bit float
    comm = struct.pack(">hIh", 1, 8_000, 8) + rate
    body = b"AIFF" + b"COMM" + struct.pack(">I", len(comm)) + comm
    body += b"SSND" + struct.pack(">I", 8_008) + bytes(8_008)
    path.write_bytes(b"FORM" + struct.pack(">I", len(body)) + body)


def _mp3(path: Path) -> None:
    # MPEG 1 layer III, 128 kbit/s, 44.1 kHz, no padding: frames of 417 bytes, 38 of them are a second
    path.write_bytes((b"\xff\xfb\x90\x00" + bytes(413)) * 38)


def _flac(path: Path) -> None:
    # rate 8,000 in 20 bits, channels - 1 in 3, bits - 1 in 5, samples in 36
    packed = (8_000 << 44) | (0 << 41) | (7 << 36) | 8_000
    info = struct.pack(">HH", 4_096, 4_096) + bytes(6) + packed.to_bytes(8, "big") + bytes(16)
    path.write_bytes(b"fLaC" + b"\x80" + len(info).to_bytes(3, "big") + info)


def _ogg_pages(packets: list[bytes], end: int) -> bytes:
    from mutagen.ogg import OggPage

    pages = []
    for number, packet in enumerate(packets):
        page = OggPage()
        page.packets, page.serial, page.sequence = [packet], 1, number
        page.first, page.last = number == 0, number == len(packets) - 1
        page.position = end if page.last else 0
        pages.append(page.write())
    return b"".join(pages)


def _vorbis(path: Path) -> None:
    head = b"\x01vorbis" + struct.pack("<IBIiiiB", 0, 1, 8_000, 0, 64_000, 0, 0xB8) + b"\x01"
    comment = b"\x03vorbis" + struct.pack("<I", 0) + struct.pack("<I", 0) + b"\x01"
    path.write_bytes(_ogg_pages([head, comment, b"\x05vorbis", b"\0"], 8_000))


def _opus(path: Path) -> None:
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 0, 48_000, 0, 0)
    comment = b"OpusTags" + struct.pack("<I", 0) + struct.pack("<I", 0)
    path.write_bytes(_ogg_pages([head, comment, b"\0"], 48_000))


def _atom(name: bytes, *parts: bytes) -> bytes:
    data = b"".join(parts)
    return struct.pack(">I4s", 8 + len(data), name) + data


def _mp4(path: Path) -> None:
    mdhd = _atom(b"mdhd", bytes(12), struct.pack(">II", 1_000, 1_000), bytes(4))
    trak = _atom(b"trak", _atom(b"mdia", mdhd, _atom(b"hdlr", bytes(8), b"soun", bytes(13))))
    head = _atom(b"ftyp", b"M4A ", bytes(4), b"M4A mp42")
    path.write_bytes(head + _atom(b"moov", trak) + _atom(b"mdat", b"\0" * 8))


def _asf(path: Path) -> None:
    from mutagen.asf._objects import ContentDescriptionObject, FilePropertiesObject, HeaderObject

    # file size, date, packets, then the play time in units of 100 ns, the same with gaps, and milliseconds before it
    properties = bytes(16) + struct.pack("<QQQQQQIIII", 0, 0, 0, 10_000_000, 10_000_000, 0, 0, 0, 0, 0)
    objects = [(FilePropertiesObject.GUID, properties), (ContentDescriptionObject.GUID, bytes(10))]
    body = b"".join(guid + struct.pack("<Q", 24 + len(data)) + data for guid, data in objects)
    head = HeaderObject.GUID + struct.pack("<QI", 30 + len(body), len(objects)) + b"\x01\x02" + body
    path.write_bytes(head + bytes(50))
