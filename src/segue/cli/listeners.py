"""``segue listeners``: who loves which tracks -> a library with users."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from segue.library import Library

__all__ = ["MinTracksOption", "OntoOption", "SaltOption", "listeners", "salt_from"]

OntoOption = Annotated[
    Path | None,
    typer.Option(
        "--onto",
        help="Library whose tracks the listeners' are matched to; it may be the one to write.",
        show_default=False,
    ),
]
MinTracksOption = Annotated[
    int, typer.Option("--min-tracks", min=1, help="Leave out listeners with fewer distinct tracks.")
]
SaltOption = Annotated[
    str | None,
    typer.Option(
        "--salt-env",
        metavar="VAR",
        help="Environment variable with a secret that is hashed in with every name, so that nobody who has a "
        "list of names can tell who is who.",
        show_default=False,
    ),
]


def listeners(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="SOURCE",
            help="Tables of listeners, a folder of HetRec 2011 .dat files, or with --from-playlists a library.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Library folder to write.", show_default=False)],
    onto: OntoOption = None,
    from_playlists: Annotated[
        bool, typer.Option("--from-playlists", help="Each playlist of the library SOURCE is a listener.")
    ] = False,
    min_tracks: MinTracksOption = 1,
    salt_env: SaltOption = None,
    keep: Annotated[
        str | None,
        typer.Option(
            "--keep",
            metavar="COLUMN,...",
            help="Further columns of the tables to keep of each listener, such as age,gender; no other is ever read.",
            show_default=False,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Read listeners and the tracks they love into a library.

    A table has one row for each user and track: user, track, artist, and where known country, rank, plays, date and
    track id, under any usual header. User names are hashed; age and gender are not read unless --keep names them.

    [dim]segue listeners loved.csv -o listeners --min-tracks 5[/]

    [dim]segue listeners loved.csv profiles.tsv --onto library -o library --salt-env SEGUE_SALT[/]

    [dim]segue listeners hetrec2011-lastfm-2k/ -o hetrec[/]

    [dim]segue listeners library --from-playlists -o as-listeners[/]
    """
    from segue.cli.terminal import say, size_of

    kept = [name.strip() for name in (keep or "").split(",") if name.strip()]
    library = _read(sources, onto, salt_from(salt_env), min_tracks, kept, from_playlists=from_playlists)
    library.save(out)
    told = library.notes["listeners"]
    if json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(told), indent=2).decode())
    for line in _lines(told, library):
        say(line)
    say(f"wrote {out} ({size_of(out)})")


def _read(
    sources: list[Path], onto: Path | None, salt: str, min_tracks: int, keep: list[str], *, from_playlists: bool
) -> Library:
    from segue.cli.terminal import progress, two_arguments
    from segue.errors import InputError
    from segue.library import Library
    from segue.sources.hetrec import hetrec_library, is_hetrec
    from segue.sources.listeners import listeners_library, playlists_as_listeners
    from segue.sources.listeners_csv import read_listeners

    hetrec = not from_playlists and any(is_hetrec(source) for source in sources)
    if from_playlists or hetrec:
        what = "--from-playlists" if from_playlists else "a HetRec folder"
        if len(sources) != 1:
            raise InputError(f"{what} takes one SOURCE, not {len(sources)}")
        if onto is not None or keep:
            raise InputError(f"{what} goes with neither --onto nor --keep; leave them out")
    if from_playlists:
        return playlists_as_listeners(Library.load(sources[0]), salt=salt, min_tracks=min_tracks)
    if hetrec:
        return hetrec_library(sources[0], salt=salt, min_tracks=min_tracks)
    base = Library.load(onto) if onto is not None else None
    found, notes = read_listeners(sources, keep=keep)
    with progress() as report:
        return listeners_library(
            found,
            base=base,
            salt=salt,
            min_tracks=min_tracks,
            notes=notes,
            progress=two_arguments(report, "listeners"),
        )


def salt_from(variable: str | None) -> str:
    """Raises: InputError: the variable is not set, or empty."""
    import os

    from segue.errors import InputError

    if variable is None:
        return ""
    salt = os.environ.get(variable, "")
    if not salt:
        raise InputError(f"the environment variable {variable} of --salt-env is not set; put the secret into it")
    return salt


def _lines(told: dict[str, Any], library: Library) -> list[str]:
    """What came in, as sentences."""
    from segue.cli.terminal import counted

    items = told["items"]
    said = [
        f"{counted(told['users'], 'listener')} with {counted(told['interactions'], 'interaction')} over "
        f"{counted(library.n_tracks, 'track')}"
        + (f"; the tracks are {items} here" if items != "tracks" else "")
        + f"; country known of {told['users_with_a_country']:,}"
    ]
    if told["users_with_too_few_tracks"]:
        said.append(
            f"{counted(told['users_with_too_few_tracks'], 'listener')} with fewer than {told['min_tracks']:,} "
            "tracks left out"
        )
    if "tracks_new" in told and library.n_playlists:
        said.append(
            f"tracks matched by id: {told['tracks_by_id']:,}, by name and artist: {told['tracks_by_name']:,}, "
            f"new: {told['tracks_new']:,}"
        )
    said += [f"{sentence} ({n:,} x)" for sentence, n in told.get("remarks", {}).items()]
    if not told["salted"] and told.get("source") == "tables":
        said.append(
            "names are hashed without a salt: who has a list of names can find them again; --salt-env makes that "
            "impossible"
        )
    return said
