"""Steps of the scale benchmark: making the data, reading it, encoding titles. Each runs in a process of its own."""

from __future__ import annotations

import resource
from pathlib import Path

from measure import Clock, say
from scale_common import Place, encoder, encoder_folder, library

__all__ = [
    "encode",
    "encode_naive",
    "ingest_all",
    "ingest_naive",
    "ingest_names",
    "make_encoder",
    "make_library",
    "make_slices",
]


def make_library(place: Place) -> None:
    from planted_library import planted_library

    if not (place.library / "manifest.json").exists():
        planted_library(place.playlists).save(place.library)
    made = library(place)
    say(
        {
            "playlists": made.n_playlists,
            "rows": len(made.playlist_tracks.indices),
            "tracks": made.n_tracks,
            "titles": made.playlists["title"].n_unique(),
        }
    )


def make_encoder(place: Place) -> None:
    """Export the base model to ONNX, once, so that no other step pays for it."""
    if place.encoder == "base":
        say({"folder": str(encoder_folder(place))})


def make_slices(place: Place) -> None:
    """Slices with all fields as published (indented), and compact ones with names only (as in reduced copies)."""
    import msgspec
    from planted_library import write_slices

    folder, names = place.folder / "slices", place.folder / "slices-names"
    made = library(place)
    per_slice = min(1_000, made.n_playlists)
    n_slices = min(place.n_slices, made.n_playlists // per_slice)
    written = write_slices(made, folder, n_slices, per_slice=per_slice)
    names.mkdir(exist_ok=True)
    for path in _slices(folder):
        content = msgspec.json.decode(path.read_bytes())
        for playlist in content["playlists"]:
            for key in ("modified_at", "collaborative", "num_edits", "duration_ms", "num_albums", "num_artists"):
                playlist.pop(key, None)
            for track in playlist["tracks"]:
                for key in ("artist_uri", "album_uri", "album_name", "duration_ms"):
                    del track[key]
        (names / path.name).write_bytes(msgspec.json.encode(content))
    say({"slices": n_slices, "mb": round(written / 1e6, 1)})


def _slices(folder: Path) -> list[Path]:
    return sorted(folder.glob("mpd.slice.*.json"))


def _ingest(folder: Path, out: Path) -> None:
    from segue.sources.ingest import ingest

    size = sum(path.stat().st_size for path in _slices(folder)) / 1e6
    for path in _slices(folder):
        path.read_bytes()  # into the page cache: the disk is not what is measured
    with Clock() as reading:
        made = ingest([folder])
    with Clock() as writing:
        made.save(out)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    say(
        {
            "mb": round(size, 1),
            "mb_per_s": round(size / (reading.cpu_s + writing.cpu_s), 1),
            "reading_mb_per_s": round(size / reading.cpu_s, 1),
            "rows_per_s": round(len(made.playlist_tracks.indices) / (reading.cpu_s + writing.cpu_s)),
            "reading_cpu_s": round(reading.cpu_s, 2),
            "writing_cpu_s": round(writing.cpu_s, 2),
            "playlists": made.n_playlists,
            "rows": len(made.playlist_tracks.indices),
            "peak_mb": round(peak, 1),
        }
    )


def ingest_all(place: Place) -> None:
    _ingest(place.folder / "slices", place.folder / "ingested")


def ingest_names(place: Place) -> None:
    _ingest(place.folder / "slices-names", place.folder / "ingested-names")


def ingest_naive(place: Place) -> None:
    import naive

    paths = _slices(place.folder / "slices")
    size = sum(path.stat().st_size for path in paths) / 1e6
    with Clock() as clock:
        made = naive.ingest(paths)
    say({"mb": round(size, 1), "mb_per_s": round(size / clock.cpu_s, 1), "playlists": len(made["playlists"])})


def encode(place: Place) -> None:
    """Distinct titles in one call, as a build does."""
    titles = list(dict.fromkeys(library(place).titles))
    model = encoder(place)
    model.encode(titles[:200])
    some = titles[200 : 200 + 10 * place.queries] or titles
    with Clock() as clock:
        model.encode(some)
    say({"titles": len(some), "per_s": round(len(some) / clock.cpu_s, 1)})


def encode_naive(place: Place) -> None:
    """One title after the other, repeated ones too."""
    titles = library(place).titles
    model = encoder(place)
    some = titles[: place.queries]
    model.encode(some[:20])
    with Clock() as clock:
        for title in some:
            model.encode([title])
    say({"titles": len(some), "per_s": round(len(some) / clock.cpu_s, 1)})
