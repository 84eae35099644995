"""Continue a playlist from the tracks it has, and write the result for a player.

    python examples/continue_playlist.py [OUT.m3u8]

No title and no model file: playlists that share the given tracks vote.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import segue
from segue.recommend.playlist_index import PlaylistIndex
from segue.recommend.playlist_knn import PlaylistKnn
from segue.sources.demo import write

GIVEN = ["Bohemian Rhapsody - Queen", "Hotel California - Eagles", "Dreams - Fleetwood Mac"]


def main(out: Path | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), 1_500)
        library = segue.read_mpd(folder)
    catalogue = segue.Catalogue.of(library)
    found = {text: catalogue.find(text) for text in GIVEN}
    for text in (text for text, rows in found.items() if not rows):
        print(f"not in the catalogue: {text}")
    given = tuple(rows[0] for rows in found.values() if rows)

    recommender = PlaylistKnn(PlaylistIndex.of(library.playlist_tracks))
    ranking = recommender.recommend(segue.Query(seed_tracks=given), 12)

    tracks = [catalogue.track(int(row)) for row in ranking.rows]
    for place, track in enumerate(tracks, start=1):
        print(f"{place:3}  {track.name} - {track.artist}")
    if out is not None:
        segue.write_playlist("m3u8", "and so on", tracks, path=out)
        print(f"wrote {out}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
