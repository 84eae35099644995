"""Planted playlists as a library folder or as MPD JSON slices.

python benchmarks/planted_library.py 1000000 /tmp/library-1m
python benchmarks/planted_library.py 20000 /tmp/library-20k --slices /tmp/slices --n-slices 20
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray
from planted import World, draw, world
from words import ERAS, MOODS, TRACK_WORDS

from segue.library import Interactions, Library

__all__ = ["planted_library", "write_slices"]

_BASE62 = np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", np.uint8)
_ENDINGS = [
    "",
    " - Remastered",
    " - Live",
    " - Radio Edit",
    " - Acoustic",
    " (Deluxe Version)",
    " - Remix",
    " (Interlude)",
]


def planted_library(n_playlists: int, *, number: int = 1, planet: World | None = None) -> Library:
    """Draw a library of ``n_playlists``; equal for equal arguments.

    Track rows are numbered by first occurrence, as an ingest would. The extra playlist column ``planted_theme`` holds
    the theme that the tracks were drawn from (-1 where the title names an artist).
    """
    planet = planet or world()
    rng = np.random.default_rng([number, n_playlists])
    chosen, indptr, blocks = draw(planet, n_playlists, rng)
    indices = np.empty(int(indptr[-1]), np.int32)
    at = 0
    for block in blocks:
        indices[at : at + len(block)] = block
        at += len(block)
    used = _first_seen(indices, len(planet.hits))
    row_of = np.zeros(len(planet.hits), np.int32)
    row_of[used] = np.arange(len(used), dtype=np.int32)
    step = 4_000_000
    for low in range(0, len(indices), step):
        indices[low : low + step] = row_of[indices[low : low + step]]
    tracks = _track_table(planet, used, rng)
    playlists = pl.DataFrame(
        {
            "playlist_id": pl.Series(np.arange(n_playlists)).cast(pl.String),
            "title": pl.Series(planet.titles.texts).gather(chosen.title),
            "collaborative": pl.Series(rng.random(n_playlists) < 0.023),
            "modified_at": pl.Series(1_509_500_000 - 86_400 * rng.geometric(1 / 400, n_playlists).clip(0, 2_500)),
            "num_followers": pl.Series(rng.geometric(0.62, n_playlists).astype(np.int32)),
            "source": pl.repeat("planted", n_playlists, eager=True),
            "planted_theme": pl.Series(chosen.theme),
        }
    )
    notes = {"planted": {"playlists": n_playlists, "number": number, "synthetic": True}}
    return Library(tracks, playlists, Interactions(indptr, indices, len(used)), public=True, notes=notes)


def _first_seen(indices: NDArray[np.int32], n: int) -> NDArray[np.int32]:
    """Distinct values in order of first occurrence, without sorting the rows."""
    first = np.full(n, -1, np.int64)
    step = 4_000_000
    for low in range((len(indices) - 1) // step * step, -1, -step):
        block = indices[low : low + step]
        # written backwards, so that the earliest write is the last one
        first[block[::-1]] = np.arange(low + len(block) - 1, low - 1, -1)
    seen = np.flatnonzero(first >= 0)
    return seen[np.argsort(first[seen])].astype(np.int32)


def _ids(prefix: str, n: int, rng: np.random.Generator) -> pl.Series:
    """Distinct Spotify-like ids: the prefix and 22 letters and digits, the last five counting."""
    letters = _BASE62[rng.integers(0, 62, (n, 22), dtype=np.uint8)]
    number = np.arange(n)
    for place in range(5):
        letters[:, 21 - place] = _BASE62[number // 62**place % 62]
    return prefix + pl.Series(letters.view("S22").ravel().astype("U22").tolist())


def _names(mood: NDArray[np.integer], rng: np.random.Generator) -> pl.Series:
    """Names of tracks or albums; a third of them carry a word of their mood."""
    n = len(mood)
    words = {kind: text.split("|") for kind, text in TRACK_WORDS.items()}
    of_mood = [words[m] for m in MOODS]
    width = min(map(len, of_mood))
    flat = pl.Series([word for group in of_mood for word in group[:width]])

    def pick(texts: Sequence[str]) -> pl.Series:
        return pl.Series(list(texts)).gather(rng.integers(0, len(texts), n))

    moody = flat.gather(mood.astype(np.int64) * width + rng.integers(0, width, n))
    head = pick(words["opening"] + [""] * len(words["opening"]))
    middle = pick(words["adjective"] + [""] * 20)
    noun = pick(words["noun"])
    u = pl.Series(rng.random(n, np.float32))
    frame = pl.DataFrame({"h": head, "m": middle, "n": noun, "w": moody, "u": u})
    frame = frame.with_columns(
        e=pl.Series(_ENDINGS).gather(np.where(rng.random(n) < 0.92, 0, rng.integers(0, len(_ENDINGS), n)))
    )
    name = (
        pl.when(pl.col("u") < 0.10)
        .then(pl.concat_str("w", "n", separator=" "))
        .when(pl.col("u") < 0.16)
        .then(pl.concat_str("n", "w", separator=" of "))
        .when(pl.col("u") < 0.34)
        .then(pl.concat_str("h", "m", "w", separator=" "))
        .otherwise(pl.concat_str("h", "m", "n", separator=" "))
    )
    named = frame.select(name.str.replace_all("  ", " ").str.strip_chars().alias("name") + pl.col("e"))
    return named["name"]


def _track_table(planet: World, used: NDArray[np.int32], rng: np.random.Generator) -> pl.DataFrame:
    """Names, artists, albums and durations of the tracks that occur."""
    n = len(used)
    cell = np.searchsorted(planet.cell_start, used, "right") - 1
    mood = cell // len(ERAS) % len(MOODS)
    artist = planet.artist_of[used]
    known, artist_row = np.unique(artist, return_inverse=True)
    # An album is three tracks of an artist in a row; the published mean is 3.1.
    order = np.argsort(artist_row, kind="stable")
    begins = np.flatnonzero(np.diff(artist_row[order], prepend=-1))
    within = np.arange(n) - np.repeat(begins, np.diff(np.append(begins, n)))
    album = np.empty(n, np.int64)
    album[order] = np.cumsum((within % 4 == 0) | (np.diff(artist_row[order], prepend=-1) != 0)) - 1
    n_albums = int(album.max()) + 1
    artist_ids = _ids("spotify:artist:", len(known), rng)
    album_ids = _ids("spotify:album:", n_albums, rng)
    spelled = pl.Series([planet.artist_names[a] for a in known.tolist()])
    album_mood = np.zeros(n_albums, np.int64)
    album_mood[album] = mood
    return pl.DataFrame(
        {
            "track_id": _ids("spotify:track:", n, rng),
            "name": _names(mood, rng),
            "artist": spelled.gather(artist_row),
            "artist_id": artist_ids.gather(artist_row),
            "album": _names(album_mood, rng).gather(album),
            "album_id": album_ids.gather(album),
            "duration_ms": pl.Series(rng.normal(232_000, 55_000, n).clip(25_000, 900_000).astype(np.int32)),
        }
    )


def write_slices(library: Library, folder: Path, n_slices: int, *, per_slice: int = 1_000, indent: int = 4) -> int:
    """Write the first playlists as MPD JSON slices with all published fields; returns the bytes written.

    ``indent=4`` is how the Million Playlist Dataset was published; 0 writes compact JSON.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table, lists, written = library.tracks, library.playlist_tracks, 0
    for number in range(n_slices):
        low, high = number * per_slice, min((number + 1) * per_slice, library.n_playlists)
        rows = lists.indices[lists.indptr[low] : lists.indptr[high]]
        columns = ("track_id", "name", "artist", "artist_id", "album", "album_id", "duration_ms")
        fields = list(zip(*(table[c].gather(rows).to_list() for c in columns), strict=True))
        playlists = []
        for row in range(low, high):
            first = int(lists.indptr[low])
            own = fields[int(lists.indptr[row]) - first : int(lists.indptr[row + 1]) - first]
            head = library.playlists.row(row, named=True)
            playlists.append(
                {
                    "name": head["title"],
                    "collaborative": "true" if head["collaborative"] else "false",
                    "pid": int(head["playlist_id"]),
                    "modified_at": head["modified_at"],
                    "num_tracks": len(own),
                    "num_albums": len({f[5] for f in own}),
                    "num_followers": head["num_followers"],
                    "tracks": [
                        {
                            "pos": position,
                            "artist_name": f[2],
                            "track_uri": f[0],
                            "artist_uri": f[3],
                            "track_name": f[1],
                            "album_uri": f[5],
                            "duration_ms": f[6],
                            "album_name": f[4],
                        }
                        for position, f in enumerate(own)
                    ],
                    "num_edits": 1 + len(own) // 9,
                    "duration_ms": sum(f[6] for f in own),
                    "num_artists": len({f[3] for f in own}),
                }
            )
        info = {"generated_on": "synthetic", "slice": f"{low}-{high - 1}", "version": "planted"}
        data = msgspec.json.encode({"info": info, "playlists": playlists})
        if indent:
            data = msgspec.json.format(data, indent=indent)
        (folder / f"mpd.slice.{low}-{high - 1}.json").write_bytes(data)
        written += len(data)
    return written


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("playlists", type=int)
    parser.add_argument("out", type=Path)
    parser.add_argument("--number", type=int, default=1, help="another number, another draw")
    parser.add_argument("--slices", type=Path, help="write MPD JSON slices there as well")
    parser.add_argument("--n-slices", type=int, default=20)
    parser.add_argument("--indent", type=int, default=4)
    args = parser.parse_args()
    library = planted_library(args.playlists, number=args.number)
    library.save(args.out)
    facts = {
        "playlists": library.n_playlists,
        "rows": len(library.playlist_tracks.indices),
        "tracks": library.n_tracks,
        "artists": int(library.tracks["artist_id"].n_unique()),
        "albums": int(library.tracks["album_id"].n_unique()),
        "titles": int(library.playlists["title"].n_unique()),
        "mean_length": round(len(library.playlist_tracks.indices) / library.n_playlists, 2),
    }
    if args.slices:
        facts["slice_bytes"] = write_slices(library, args.slices, args.n_slices, indent=args.indent)
    facts["cpu_s"] = round(time.process_time(), 1)
    facts["max_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
