"""``segue push``: a playlist -> a player."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from segue.errors import InputError

if TYPE_CHECKING:
    from segue.services.players.base import Found, Written
    from segue.sources.playlist_files import PlaylistFile

__all__ = ["InTheClearOption", "LoginOption", "push", "shown_address"]

InTheClearOption = Annotated[
    bool,
    typer.Option("--in-the-clear", help="Send the key to an http:// address that is not in a private network."),
]
LoginOption = Annotated[bool, typer.Option("--login", help="Spotify: give leave in a browser first.")]

_SENT = {"created": "created", "replaced": "wrote over", "resumed": "finished", "unchanged": "found unchanged"}
_PLANNED = {"created": "create", "replaced": "write over", "resumed": "finish", "unchanged": "leave as it is"}
_MOST_NAMED = 10


def push(
    playlist: Annotated[
        str,
        typer.Argument(
            metavar="FILE|-",
            help="An M3U8, XSPF or JSPF, or the JSON that 'segue recommend' prints; - reads it from a pipe.",
            show_default=False,
        ),
    ],
    to: Annotated[
        Literal["subsonic", "jellyfin", "listenbrainz", "spotify"],
        typer.Option("--to", help="The player.", show_default=False),
    ],
    title: Annotated[
        str | None, typer.Option("--title", help="Another title.", show_default="that of the playlist")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Write over your own playlist of the same title.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Look the tracks up and say what would be written; write nothing.")
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="What became of each track, as CSV.", show_default=False),
    ] = None,
    login: LoginOption = False,
    in_the_clear: InTheClearOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
) -> None:
    """Write a playlist into a player: Navidrome and other Subsonic servers, Jellyfin, ListenBrainz, Spotify.

    Tracks are found by id, ISRC, MusicBrainz id, then by name and artist; what the player lacks is named and left
    out. Run it again after an interruption: nothing is written twice. Addresses and keys come from the environment
    (SEGUE_SUBSONIC_URL, SEGUE_SUBSONIC_USER ...; docs/players.md lists them).

    [dim]segue recommend "rainy sunday" --format jspf | segue push - --to subsonic[/]

    [dim]segue push rainy.m3u8 --to jellyfin --title "Rainy sunday" --replace[/]

    [dim]segue push rainy.xspf --to spotify --dry-run[/]
    """
    from segue.cli.terminal import counted, plain, progress, say, two_arguments
    from segue.services.client import Client
    from segue.services.players.opening import open_player

    given = _given(playlist)
    wanted_title = title if title is not None else given.title
    if not given.tracks:
        raise InputError("the playlist holds no tracks, so there is nothing to push")
    with Client() as client:
        player = open_player(to, client, in_the_clear=in_the_clear, login=shown_address if login else None)
        with progress() as bar:
            found = player.find(given.tracks, two_arguments(bar, "looking for tracks"))
            held = [each.found for each in found if each.found is not None]
            if report is not None:
                _write_report(report, found)
            if not held:
                raise InputError(
                    f"{to} has none of the {counted(len(found), 'track')}; is it the right player, and has it read "
                    "its music?"
                )
            written = player.write(
                wanted_title,
                held,
                description=given.description,
                replace=replace,
                dry_run=dry_run,
                progress=two_arguments(bar, "writing"),
            )
    if as_json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(_said(to, written, found, dry_run)), indent=2).decode())
    elif dry_run:
        for each in found:
            print("\t".join([each.how or "missing", plain(each.wanted.name), plain(each.wanted.artist)]))
    what = f"would {_PLANNED[written.outcome]}" if dry_run else _SENT[written.outcome]
    say(f"{what} the playlist {plain(written.ref.title)!r} in {to}: {counted(written.n_tracks, 'track')}")
    for remark in written.remarks:
        say(remark)
    _say_missing(found)


def shown_address(address: str) -> None:
    """Show a person what to open in a browser; it is long, so it stands on a line of its own."""
    print(f"open this in a browser on this machine:\n{address}", file=sys.stderr, flush=True)


def _given(playlist: str) -> PlaylistFile:
    from segue.services.players.given import given_playlist, playlist_of

    if playlist == "-":
        return playlist_of(sys.stdin.buffer.read(), label="standard input", base=Path())
    return given_playlist(Path(playlist))


def _said(to: str, written: Written, found: tuple[Found, ...], dry_run: bool) -> dict[str, Any]:
    return {
        "player": to,
        "dry_run": dry_run,
        "outcome": written.outcome,
        "playlist_id": written.ref.playlist_id or None,
        "title": written.ref.title,
        "tracks": written.n_tracks,
        "found": sum(each.found is not None for each in found),
        "missing": [_named(each) for each in found if each.found is None],
        "ambiguous": [{**_named(each), "others": each.others} for each in found if each.others],
        "remarks": list(written.remarks),
    }


def _named(each: Found) -> dict[str, str]:
    return {"track_id": each.wanted.track_id, "name": each.wanted.name, "artist": each.wanted.artist}


def _say_missing(found: tuple[Found, ...]) -> None:
    from segue.cli.terminal import counted, say

    missing = [each.wanted for each in found if each.found is None]
    for track in missing[:_MOST_NAMED]:
        say(f"not found: {track.name or track.track_id} - {track.artist}")
    if len(missing) > _MOST_NAMED:
        say(f"and {len(missing) - _MOST_NAMED:,} more; --report FILE names all")
    several = sum(each.others > 0 for each in found)
    if several:
        say(f"{counted(several, 'track')} could be more than one there; --report FILE names them")


def _write_report(path: Path, found: tuple[Found, ...]) -> None:
    from segue.library.arrays import write_bytes
    from segue.sources.spreadsheet import csv_bytes

    header = ["position", "name", "artist", "track_id", "how", "others", "found_id", "found_name", "found_artist"]
    rows = []
    for position, each in enumerate(found, 1):
        held = each.found
        there = ["", "", ""] if held is None else [held.track.track_id, held.track.name, held.track.artist]
        wanted = each.wanted
        rows.append(
            [position, wanted.name, wanted.artist, wanted.track_id, each.how or "missing", each.others, *there]
        )
    write_bytes(path, csv_bytes(header, rows))
