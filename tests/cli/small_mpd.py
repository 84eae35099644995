"""MPD slices written by hand."""

from __future__ import annotations

from typing import Any


def mpd(playlists: list[tuple[str, list[tuple[str, str]]]]) -> dict[str, Any]:
    """An MPD slice of (title, [(track name, artist)]); track ids are Spotify URIs made of the names."""
    uri: dict[tuple[str, str], str] = {}
    for _, tracks in playlists:
        for track in tracks:
            uri.setdefault(track, f"spotify:track:{len(uri):022d}")
    return {
        "info": {"version": "v1"},
        "playlists": [
            {
                "name": title,
                "pid": pid,
                "tracks": [
                    {"pos": pos, "track_uri": uri[track], "track_name": track[0], "artist_name": track[1]}
                    for pos, track in enumerate(tracks)
                ],
            }
            for pid, (title, tracks) in enumerate(playlists)
        ],
    }
