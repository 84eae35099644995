"""AcousticBrainz: the JSON documents of its low-level and high-level dumps -> what they say about a recording.

Mapped, because it means the same:

=============================================  =======================================================
``tonal.key_key``, ``tonal.key_scale``         ``key`` (C = 0 ... B = 11), ``mode`` (major 1, minor 0)
``rhythm.bpm``                                 ``tempo``
``highlevel.danceability`` danceable           ``danceability``
``highlevel.mood_acoustic`` acoustic           ``acousticness``
``highlevel.voice_instrumental`` instrumental  ``instrumentalness``
``lowlevel.average_loudness``                  ``audio_average_loudness``: [0, 1], no decibels, so not ``loudness``
``metadata.audio_properties.length``           ``duration_ms``
``metadata.tags``                              name, artist, album, year, ISRC, MusicBrainz id of the recording
=============================================  =======================================================

Probabilities of classifiers stand where Spotify has its own measures: they rise and fall with the same thing, on
another scale. **Not mapped**, because nothing at Spotify means the same: ``rhythm.danceability`` (a fractal exponent
from 0 to 3), ``tonal.key_strength`` (no confidence), ``lowlevel.dynamic_complexity`` and the spectra, moods other
than acoustic (happy is not valence, aggressive is not energy), gender, timbre, and the four genre classifiers, which
know 8 to 10 genres and disagree.

Source: Porter, Bogdanov, Kaye, Tsukanov, Serra (2015), AcousticBrainz: a community platform for gathering music
information obtained from audio; the project's dumps of 2022.
"""

from __future__ import annotations

import re
from typing import Any

from segue.sources.outside import Finding

__all__ = ["findings_of", "is_acousticbrainz"]

_SECTIONS = ("lowlevel", "tonal", "rhythm", "highlevel")
_KEYS = {"C": 0, "C#": 1, "Db": 1, "D": 2, "D#": 3, "Eb": 3, "E": 4, "F": 5, "F#": 6, "Gb": 6, "G": 7, "G#": 8,
         "Ab": 8, "A": 9, "A#": 10, "Bb": 10, "B": 11}  # fmt: skip
_MODES = {"major": 1.0, "minor": 0.0}
_CLASSES = {
    "danceability": ("danceability", "danceable"),
    "acousticness": ("mood_acoustic", "acoustic"),
    "instrumentalness": ("voice_instrumental", "instrumental"),
}
_YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")


def is_acousticbrainz(document: Any) -> bool:
    """Whether a decoded JSON document is one recording, or an answer of the API with several of them."""
    if not isinstance(document, dict):
        return False
    return _is_recording(document) or any(True for _ in _submissions(document))


def findings_of(document: Any, *, recording_id: str | None = None) -> list[Finding]:
    """Rows of a decoded document: one recording, or an answer of the API ("{mbid: {"0": recording}}").

    Args:
        recording_id: from the file's name, for documents whose tags lack it.
    """
    if not isinstance(document, dict):
        return []
    if _is_recording(document):
        return [_finding(document, recording_id)]
    return [_finding(recording, mbid) for mbid, recording in _submissions(document)]


def _is_recording(document: dict[str, Any]) -> bool:
    return any(isinstance(document.get(section), dict) for section in _SECTIONS)


def _submissions(document: dict[str, Any]) -> Any:
    for mbid, numbered in document.items():
        if isinstance(numbered, dict):
            for recording in numbered.values():
                if isinstance(recording, dict) and _is_recording(recording):
                    yield mbid, recording


def _finding(document: dict[str, Any], recording_id: str | None) -> Finding:
    values: dict[str, Any] = {}
    key = _KEYS.get(_text(document, "tonal", "key_key") or "")
    if key is not None:
        values["key"] = float(key)
        mode = _MODES.get(_text(document, "tonal", "key_scale") or "")
        if mode is not None:
            values["mode"] = mode
    values["tempo"] = _number(document, "rhythm", "bpm")
    values["audio_average_loudness"] = _number(document, "lowlevel", "average_loudness")
    for column, (classifier, label) in _CLASSES.items():
        values[column] = _number(document, "highlevel", classifier, "all", label)
    length = _number(document, "metadata", "audio_properties", "length")
    values["duration_ms"] = None if length is None else length * 1_000
    name, artist, album, date, isrc = (_text(document, "metadata", "tags", tag) for tag in
                                       ("title", "artist", "album", "date", "isrc"))  # fmt: skip
    found = _YEAR.search((date or "")[:40])
    values.update(name=name, artist=artist, album=album, isrc=isrc, year=int(found[1]) if found else None)
    mbid = _text(document, "metadata", "tags", "musicbrainz_recordingid") or recording_id
    return Finding(
        track_id=mbid,
        isrc=isrc,
        names=((name, artist),) if name and artist else (),
        values={column: value for column, value in values.items() if value is not None},
    )


def _at(document: Any, *place: str) -> Any:
    for name in place:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _text(document: Any, *place: str) -> str | None:
    """A text, or the first of a list of texts: all tags are lists."""
    value = _at(document, *place)
    if isinstance(value, list):
        value = next((v for v in value if isinstance(v, str) and v.strip()), None)
    return value.strip() if isinstance(value, str) and value.strip() else None


def _number(document: Any, *place: str) -> float | None:
    value = _at(document, *place)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
