"""``segue fetch listeners``: people's loved tracks from Last.fm -> a library with users."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segue.cli.listeners import MinTracksOption, OntoOption, SaltOption, salt_from

if TYPE_CHECKING:
    from segue.services.client import Client

__all__ = ["CacheOption", "listeners", "opened"]

CacheOption = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        help="Folder where answers are remembered. Without it: SEGUE_CACHE, or segue/services in the user's cache.",
        show_default=False,
    ),
]


def listeners(
    users: Annotated[
        Path,
        typer.Option("--users", metavar="FILE", help="Last.fm user names, one on each line.", show_default=False),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Library folder to write.", show_default=False)],
    onto: OntoOption = None,
    loved: Annotated[
        int, typer.Option("--loved", min=1, max=5_000, help="Loved tracks of each listener, at most.")
    ] = 200,
    min_tracks: MinTracksOption = 1,
    salt_env: SaltOption = None,
    cache: CacheOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Get the loved tracks and countries of Last.fm users. LASTFM_API_KEY holds the key.

    Names are hashed; of a profile nothing but the country is read. Run it again after an interruption: whom it has
    asked about already is remembered.

    [dim]segue fetch listeners --users names.txt -o listeners --min-tracks 5[/]

    [dim]segue fetch listeners --users names.txt --onto library -o library --salt-env SEGUE_SALT[/]
    """
    from segue.cli.fetch import outcomes
    from segue.cli.terminal import counted, progress, say, size_of, two_arguments
    from segue.errors import InputError
    from segue.library import Library
    from segue.library.folders import check_place
    from segue.services.listeners import fetch_listeners, read_user_names
    from segue.sources.listeners import listeners_library

    salt = salt_from(salt_env)
    names = read_user_names(users)
    check_place(out, "segue library")
    base = Library.load(onto) if onto is not None else None
    with opened(cache) as client, progress() as report:
        found = fetch_listeners(client, names, n=loved, progress=two_arguments(report, "asking for listeners"))
    for sentence, n in found.remarks.items():
        say(f"{sentence} ({n:,} x)")
    if not any(listener.tracks for listener in found.listeners):
        raise InputError(
            f"of {counted(len(names), 'listener')} none with a loved track was found ({outcomes(found.outcomes)})"
        )
    notes = {"source": "last.fm", "most_loved": loved, "asked": found.outcomes, "unasked": found.unasked}
    library = listeners_library(found.listeners, base=base, salt=salt, min_tracks=min_tracks, notes=notes)
    library.save(out)
    told = library.notes["listeners"]
    if json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(told), indent=2).decode())
    else:
        print(outcomes(found.outcomes))
    say(
        f"{counted(told['users'], 'listener')} with {counted(told['interactions'], 'interaction')} over "
        f"{counted(library.n_tracks, 'track')}; country known of {told['users_with_a_country']:,}"
    )
    if told["users_with_too_few_tracks"]:
        few = counted(told["users_with_too_few_tracks"], "listener")
        say(f"{few} with fewer than {min_tracks:,} tracks left out")
    if found.unasked:
        say(f"{counted(found.unasked, 'listener')} not asked for yet; run this again later to go on")
    if not salt:
        say(
            "names are hashed without a salt: who has a list of names can find them again; --salt-env makes that "
            "impossible"
        )
    say(f"wrote {out} ({size_of(out)})")


@contextmanager
def opened(cache: Path | None) -> Iterator[Client]:
    """A client with the cache of this folder, or the usual one."""
    from segue.services.cache import AnswerCache, cache_file
    from segue.services.client import Client

    file = cache / "answers.sqlite" if cache is not None else cache_file()
    with AnswerCache(file) as remembered, Client(remembered) as client:
        yield client
