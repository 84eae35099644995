"""``segue fetch``: lyrics, audio features, tags and listeners from the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segue.cli.fetch_listeners import CacheOption, listeners, opened

if TYPE_CHECKING:
    from segue.library import Library
    from segue.services.client import Client
    from segue.services.fill import Filled, Progress, Save

__all__ = ["app"]

app = typer.Typer(
    name="fetch",
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Get lyrics, audio features, tags and listeners from services on the network; each answer is remembered, so "
    "an interrupted run goes on where it was.",
)

LibraryArgument = Annotated[Path, typer.Argument(metavar="LIBRARY", help="Library folder.", show_default=False)]
OutOption = Annotated[
    Path | None,
    typer.Option("-o", "--out", help="Library folder to write; without it, in place.", show_default=False),
]
MostOption = Annotated[
    int | None,
    typer.Option("--most", min=1, help="Look up at most so many tracks, the most played first.", show_default="all"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")]


@app.command()
def lyrics(
    library: LibraryArgument,
    out: OutOption = None,
    service: Annotated[
        str,
        typer.Option("--service", metavar="NAME,...", help="lrclib, lyrics.ovh: asked in turn until one knows."),
    ] = "lrclib,lyrics.ovh",
    most: MostOption = None,
    retry: Annotated[
        str | None,
        typer.Option(
            "--retry",
            metavar="STATUS,...",
            help="Also look up tracks again that are blocked, error, not_found or instrumental.",
            show_default=False,
        ),
    ] = None,
    cache: CacheOption = None,
    json: JsonOption = False,
) -> None:
    """Look up the words of tracks; the columns are lyrics, lyrics_status and lyrics_source.

    The status is found, instrumental (a service says so), not_found, blocked (a service would not answer) or error.
    SEGUE_CONTACT may hold an address at which the people who run a service can reach you.

    [dim]segue fetch lyrics library --most 1000[/]

    [dim]segue fetch lyrics library --retry blocked,error[/]

    [dim]segue fetch lyrics library -o with-lyrics --service lrclib[/]
    """
    again = _statuses(retry)
    services = tuple(name.strip().lower() for name in service.split(",") if name.strip())

    def fill(read: Library, client: Client, save: Save, progress: Progress) -> Filled:
        from segue.services.fill import fill_lyrics
        from segue.services.lyrics import LyricsSearch

        return fill_lyrics(read, LyricsSearch(client, services), save, most=most, retry=again, progress=progress)

    _fill("lyrics", library, out, cache, fill, services, as_json=json, without="a name or an artist")


@app.command()
def features(
    library: LibraryArgument,
    service: Annotated[
        str,
        typer.Option("--service", help="reccobeats, or spotify for apps that still may."),
    ] = "reccobeats",
    out: OutOption = None,
    most: MostOption = None,
    incomplete: Annotated[
        bool, typer.Option("--incomplete", help="Also ask for tracks that have some features but not all.")
    ] = False,
    cache: CacheOption = None,
    json: JsonOption = False,
) -> None:
    """Look up audio features of tracks by their Spotify ids; values that are there stay.

    spotify wants SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET, and is closed to apps made after 2024-11-27.

    [dim]segue fetch features library[/]

    [dim]segue fetch features library --service spotify --incomplete -o with-features[/]
    """

    def fill(read: Library, client: Client, save: Save, progress: Progress) -> Filled:
        from segue.services.fill import fill_features

        return fill_features(read, client, service, save, most=most, incomplete=incomplete, progress=progress)

    _fill("features", library, out, cache, fill, (service,), as_json=json, without="a Spotify id")


@app.command()
def tags(
    library: LibraryArgument,
    out: OutOption = None,
    most: MostOption = None,
    cache: CacheOption = None,
    json: JsonOption = False,
) -> None:
    """Look up how people tag tracks on Last.fm; the column is tags. LASTFM_API_KEY holds the key.

    [dim]segue fetch tags library --most 1000[/]
    """

    def fill(read: Library, client: Client, save: Save, progress: Progress) -> Filled:
        from segue.services.fill import fill_tags

        return fill_tags(read, client, save, most=most, progress=progress)

    _fill("tags", library, out, cache, fill, ("last.fm",), as_json=json, without="a name or an artist")


app.command()(listeners)


def _fill(
    what: str,
    library: Path,
    out: Path | None,
    cache: Path | None,
    fill: Callable[[Library, Client, Save, Progress], Filled],
    services: tuple[str, ...],
    *,
    as_json: bool,
    without: str,
) -> None:
    """Read, ask, write, and say what became of it."""
    from segue.cli.terminal import counted, say, size_of
    from segue.library import Library
    from segue.library.folders import check_place
    from segue.services.patch import Patch

    place = out or library
    read = Library.load(library)
    check_place(place, "segue library")
    with opened(cache) as client, _asking(what) as progress:
        if place.resolve() != library.resolve():
            read.save(place)
        filled = fill(read, client, lambda patch: patch.save(place), progress)
    told = {"services": list(services), **filled.to_json()}
    Patch().save(place, {what: told})
    if as_json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(told), indent=2).decode())
    else:
        print(outcomes(filled.outcomes))
    for sentence, n in filled.remarks.items():
        say(f"{sentence} ({n:,} x)")
    for name in filled.given_up:
        say(f"{name} failed too often in a row and was asked no more")
    failed = sum(filled.outcomes.get(status, 0) for status in ("blocked", "error"))
    if failed:
        say(
            f"{counted(failed, 'look-up')} failed, so nothing is known of these; run this again later"
            + (" with --retry blocked,error" if what == "lyrics" else "")
        )
    if filled.unaskable:
        say(f"{counted(filled.unaskable, 'track')} without {without} cannot be looked up")
    if filled.unasked:
        say(f"{counted(filled.unasked, 'track')} not looked up yet; run this again to go on")
    say(f"wrote {place} ({size_of(place)})")


def outcomes(counts: dict[str, int] | Any) -> str:
    """Counts as a line.

    >>> outcomes({"found": 1812, "not_found": 140})
    'found 1,812, not found 140'
    """
    return ", ".join(f"{name.replace('_', ' ')} {n:,}" for name, n in counts.items()) or "nothing to look up"


@contextmanager
def _asking(what: str) -> Iterator[Progress]:
    from segue.cli.terminal import progress, two_arguments

    with progress() as report:
        yield two_arguments(report, f"looking up {what}")


def _statuses(text: str | None) -> frozenset[str]:
    """Raises: InputError: one that there is not, or "found"."""
    from segue.errors import InputError
    from segue.library.tables import LYRICS_STATUS

    wanted = frozenset(part.strip() for part in (text or "").split(",") if part.strip())
    wrong = sorted(wanted - set(LYRICS_STATUS[1:]))
    if wrong:
        raise InputError(f"--retry holds {wrong[0][:80]!r}; choose from {', '.join(LYRICS_STATUS[1:])}")
    return wanted
