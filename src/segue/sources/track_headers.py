"""Which column of a table about tracks is what: audio features, genres, lyrics, and by what its rows are found."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from segue.library.tables import ANALYSIS_FEATURES, AUDIO_FEATURES, SENTIMENT
from segue.sources.headers import columns_of, fold_header
from segue.sources.outside import is_descriptor

__all__ = ["FEATURES", "track_columns_of"]

FEATURES = (*AUDIO_FEATURES, *ANALYSIS_FEATURES, *SENTIMENT, "audio_average_loudness")
"""Columns of numbers."""

# field -> headers (folded), the more telling one first, beyond those that playlists have too (headers.ALIASES):
# Kaggle's Spotify tables of several years, the Apple Music table (the names of the iTunes Search API), Genius tables,
# LRCLIB's dump, AcousticBrainz's CSV dumps, and what people write by hand.
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "name": ("trackname", "trackcensoredname", "song title"),
    "artist": ("artistname", "artist s name", "primary artist", "singer"),
    "album": ("collectionname", "collection name", "album"),
    "year": ("releasedate", "released year", "release year", "year", "date"),
    "duration_ms": ("tracktimemillis", "track time millis"),
    "explicit": ("trackexplicitness", "explicit"),
    "genre": ("track genre", "primarygenrename", "primary genre name", "genre", "genres", "main genre", "top genre"),
    "tags": ("tags", "tag", "top tags"),
    "popularity": ("popularity", "track popularity", "spotify popularity", "playcount", "streams", "views"),
    "id": ("id",),  # an address or the number of a row: its cells must tell
    "isrc": ("isrc", "external ids isrc", "track isrc"),
    "mbid": ("mbid", "recording mbid", "musicbrainz recordingid", "musicbrainz id", "track mbid"),
    "lyrics": ("lyrics", "lyric", "plain lyrics", "plainlyrics", "song lyrics", "track lyrics", "seq"),
    "synced_lyrics": ("synced lyrics", "syncedlyrics", "lrc"),
    "lyrics_status": ("lyrics status",),
    "lyrics_source": ("lyrics source",),
    "instrumental": ("instrumental", "is instrumental"),
    "summary": ("summary", "lyrics summary", "song summary"),
}  # fmt: skip
_FEATURE_ALIASES: Mapping[str, tuple[str, ...]] = {
    "tempo": ("bpm",),
    "key": ("key key",),
    "mode": ("key scale",),
    "audio_average_loudness": ("average loudness",),
    "loudness": ("loudness db",),
    "time_signature": ("time sig", "timesignature"),
    "analysis_loudness": ("overall loudness", "analysis loudness", "audio analysis loudness"),
    "num_samples": ("numsamples",),
}
# "track.tempo", "audio_features.energy", "analysis.track.key": what flattening nested JSON leaves before a name
_NESTED = re.compile(r"^(?:(?:spotify|audio|track|tracks|features?|analysis|properties) )+")
_AGAIN = re.compile(r"[._ ](?:1|duplicated[._ ]0|[xy])$")


def track_columns_of(headers: Sequence[str]) -> tuple[dict[str, int], frozenset[str]]:
    """Column number of each known field, and those fields that are in percent.

    A second column of loudness is that of the analysis. "text" is lyrics beside a name and an artist.

    >>> track_columns_of(["isrc", "Danceability_%", "track.tempo", "loudness", "loudness.1"])[0]
    {'isrc': 0, 'danceability': 1, 'loudness': 3, 'tempo': 2, 'analysis_loudness': 4}
    """
    folded = [fold_header(header) for header in headers]
    first: dict[str, int] = {}
    for i, header in enumerate(folded):
        first.setdefault(header, i)
    # descriptors are what they are called, and "audio_energy" is not Spotify's energy
    descriptors = {header: i for i, header in enumerate(headers) if is_descriptor(header)}
    features = _features(headers, ["" if is_descriptor(h) else f for h, f in zip(headers, folded, strict=True)])
    features |= descriptors
    taken = set(features.values())
    chosen = {
        name: i
        for name, i in columns_of(headers).items()
        if name in ("track_id", "name", "artist", "album", "year", "duration_ms", "duration", "explicit", "location")
        and i not in taken
    }
    taken |= set(chosen.values())
    for name, aliases in _ALIASES.items():
        found = next((first[a] for a in aliases if a in first and first[a] not in taken), None)
        if found is not None and name not in chosen:
            chosen[name] = found
            taken.add(found)
    if "lyrics" not in chosen and {"name", "artist"} <= set(chosen) and first.get("text", -1) not in {-1, *taken}:
        chosen["lyrics"] = first["text"]
    percent = frozenset(name for name, i in features.items() if "%" in headers[i] or folded[i].endswith(" percent"))
    return {**chosen, **features}, percent


def _features(headers: Sequence[str], folded: Sequence[str]) -> dict[str, int]:
    chosen: dict[str, int] = {}
    first: dict[str, int] = {}
    stripped: dict[str, int] = {}
    for i, header in enumerate(folded):
        first.setdefault(header, i)
        stripped.setdefault(_NESTED.sub("", header).removesuffix(" percent"), i)
    for name in FEATURES:
        for alias in (name.replace("_", " "), *_FEATURE_ALIASES.get(name, ())):
            # the loudness of an analysis is named so by what surrounds it, or comes second: see below
            nested = None if name == "analysis_loudness" else stripped.get(_NESTED.sub("", alias))
            found = first.get(alias, nested)
            if found is not None and found not in chosen.values():
                chosen[name] = found
                break
    if "loudness" in chosen and "analysis_loudness" not in chosen:
        for i, header in enumerate(headers):
            plain = _NESTED.sub("", fold_header(_AGAIN.sub("", header.casefold())))
            if plain == "loudness" and i != chosen["loudness"]:
                chosen["analysis_loudness"] = i
                break
    return chosen
