"""``segue pull``: a player -> a library."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from segue.cli.push import InTheClearOption, LoginOption, shown_address

__all__ = ["pull"]


def pull(
    out: Annotated[Path, typer.Option("-o", "--out", help="Library folder to write.", show_default=False)],
    source: Annotated[
        Literal["subsonic", "jellyfin", "listenbrainz", "spotify"],
        typer.Option("--from", help="The player.", show_default=False),
    ],
    playlists_only: Annotated[
        bool, typer.Option("--playlists-only", help="Only tracks that are in a playlist, not all that you have.")
    ] = False,
    public: Annotated[
        bool, typer.Option("--public", help="Titles of these playlists may be shown to anybody.")
    ] = False,
    login: LoginOption = False,
    in_the_clear: InTheClearOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Read your tracks and playlists out of a player into a library.

    From Subsonic and Jellyfin all of your music, from Spotify what you saved, from ListenBrainz what you love, and
    your playlists. 'segue recommend --from' takes the library as what you own, 'segue train' its playlists. It holds
    the player's ids, so that 'segue push' finds each track again.

    [dim]segue pull --from subsonic -o mine[/]

    [dim]segue pull --from spotify --playlists-only -o playlists[/]
    """
    from segue.cli.terminal import counted, progress, say, size_of
    from segue.library.folders import check_place
    from segue.services.client import Client
    from segue.services.players.opening import open_player
    from segue.services.players.pulled import pull as pulled

    check_place(out, "segue library")
    with Client() as client, progress() as report:
        player = open_player(source, client, in_the_clear=in_the_clear, login=shown_address if login else None)
        library = pulled(player, playlists_only=playlists_only, public=public, progress=report)
    library.save(out)
    told = library.notes["pull"]
    if as_json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(told), indent=2).decode())
    say(
        f"{counted(told['tracks'], 'track')} and {counted(told['playlists'], 'playlist')} from {source}; "
        f"{told['in_playlists']:,} of the tracks are in a playlist"
    )
    if told["playlists_closed"]:
        say(f"{counted(told['playlists_closed'], 'playlist')} of other people may not be read and were left out")
    if told["entries_that_are_no_tracks"]:
        say(f"{told['entries_that_are_no_tracks']:,} entries that are no tracks were left out")
    for sentence, n in library.notes["ingest_notes"].items():
        say(f"{sentence} ({n:,} x)")
    say(f"wrote {out} ({size_of(out)})")
