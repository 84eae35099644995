"""Library -> Million Playlist Dataset JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from segue.library import Library
from segue.library.arrays import write_json
from segue.library.folders import new_folder
from segue.sources.mpd import MPD_FIELDS

__all__ = ["to_mpd_slices"]


def to_mpd_slices(library: Library, folder: Path | str, *, size: int = 1_000) -> list[Path]:
    """Write a library as MPD slices of ``size`` playlists: ``mpd.slice.0-999.json`` and so on, atomically.

    Playlist ids that are numbers are written as numbers. Years, genres, explicitness and locations
    have no place in MPD.

    Raises:
        OutputError: the place cannot be written to.
    """
    folder = Path(folder)
    columns = {"track_uri": "track_id", **{to: of for of, to in MPD_FIELDS.items()}}
    tracks = [
        {key: value for key, value in row.items() if value is not None}
        for row in library.tracks.select(**columns).to_dicts()
    ]
    rows = library.playlists.to_dicts()
    names = []
    with new_folder(folder, kind="segue export") as temporary:
        for start in range(0, max(len(rows), 1), size):
            part = rows[start : start + size]
            name = f"mpd.slice.{start}-{start + size - 1}.json"
            slice_ = {
                "info": {"generated_by": "segue", "slice": f"{start}-{start + size - 1}", "version": "v1"},
                "playlists": [_playlist_json(row, library, start + i, tracks) for i, row in enumerate(part)],
            }
            (temporary / name).write_bytes(msgspec.json.encode(slice_))
            names.append(name)
        write_json(temporary / "manifest.json", {"kind": "segue export", "format": "mpd", "files": names})
    return [folder / name for name in names]


def _playlist_json(row: dict[str, Any], library: Library, j: int, tracks: list[dict[str, Any]]) -> dict[str, Any]:
    indices = library.playlist_tracks.row(j).tolist()
    members = [{"pos": pos, **tracks[i]} for pos, i in enumerate(indices)]
    pid = row["playlist_id"]
    of = [tracks[i] for i in dict.fromkeys(indices)]
    collaborative = None if row["collaborative"] is None else str(row["collaborative"]).lower()
    optional = {
        "description": row["description"],
        "collaborative": collaborative,
        "modified_at": row["modified_at"],
        "num_followers": row["num_followers"],
    }
    return {
        "name": row["title"] or "",
        "pid": int(pid) if pid.isascii() and pid.isdigit() and str(int(pid)) == pid else pid,
        "num_tracks": len(members),
        "num_albums": len({t.get("album_uri") or t.get("album_name") for t in of} - {None}),
        "num_artists": len({t.get("artist_uri") or t.get("artist_name") for t in of} - {None}),
        **{key: value for key, value in optional.items() if value is not None},
        "tracks": members,
    }
