"""``segue search``: words -> playlists, and why."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from segue.systems.search_answers import Found

__all__ = ["search"]

_FILTERS = "Filters"
_TITLE, _TEXT = 120, 300  # characters of a title and of a description that are shown


def search(
    query: Annotated[
        str, typer.Argument(metavar="QUERY", help="What the playlist should be about, in your words; - reads stdin.")
    ],
    model: Annotated[
        Path | None,
        typer.Option("-m", "--model", help="Search model folder.", show_default="SEGUE_SEARCH, else ./search"),
    ] = None,
    n: Annotated[int, typer.Option("-n", help="Number of playlists.", min=1, max=1_000)] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
    min_tracks: Annotated[
        int | None,
        typer.Option(
            "--min-tracks", min=0, help="At least so many tracks.", show_default=False, rich_help_panel=_FILTERS
        ),
    ] = None,
    max_tracks: Annotated[
        int | None,
        typer.Option("--max-tracks", min=0, help="At most so many.", show_default=False, rich_help_panel=_FILTERS),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            "--language",
            metavar="CODE,...",
            help="Language of title and track names: en, es, ko, ... by script and common words; playlists that do "
            "not tell pass with 'unknown' alone.",
            show_default=False,
            rich_help_panel=_FILTERS,
        ),
    ] = None,
    years: Annotated[
        str | None,
        typer.Option(
            "--years",
            help="1994, 1990-1999, 1990- or -1999: where four fifths of the tracks are from.",
            show_default=False,
            rich_help_panel=_FILTERS,
        ),
    ] = None,
    artist: Annotated[
        str | None,
        typer.Option(
            "--artist", metavar="NAME", help="Holds a track of theirs.", show_default=False, rich_help_panel=_FILTERS
        ),
    ] = None,
) -> None:
    """Find playlists for words, and say why each was found.

    [dim]segue search "songs for a rainy sunday" -m search[/]

    [dim]segue search "90s hip hop for a road trip" --years 1990-1999 --min-tracks 20 --json[/]

    [dim]segue search "calm piano" --artist "Erik Satie"[/]
    """
    import sys

    # one query gains nothing from a pool of threads, and starting one costs more than the query
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from segue.cli.recommend import year_range
    from segue.cli.terminal import plain, say
    from segue.systems.search_filters import Filters
    from segue.systems.search_model import SearchModel

    begin, end = year_range(years) if years else (None, None)
    languages = tuple(code.strip().lower() for code in (language or "").split(",") if code.strip())
    filters = Filters(min_tracks, max_tracks, languages, begin, end, artist)
    place = model or Path(os.environ.get("SEGUE_SEARCH") or "search")
    if query == "-":
        query = sys.stdin.buffer.read(1 << 20).decode("utf-8", "replace")
    answer = SearchModel.open(place).answer(query, n, filters)
    if as_json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(answer.to_json()), indent=2).decode())
    elif not sys.stdout.isatty():
        for found in answer.playlists:
            why = "; ".join(reason.sentence() for reason in found.why)
            print("\t".join((str(found.rank), found.playlist_id, plain(found.title, _TITLE), plain(why))))
    else:
        for found in answer.playlists:
            print("\n".join(_lines(found)))
    for sentence in answer.ignored:
        say(sentence)
    if answer.playlists and sys.stdout.isatty():
        say(f"next: segue recommend --like {plain(answer.playlists[0].playlist_id, 80)} makes one like the first")


def _lines(found: Found) -> list[str]:
    """A playlist for a terminal: title, description, why, first tracks, id."""
    from segue.cli.terminal import counted, plain

    title = plain(found.title, _TITLE) or ("(title withheld)" if found.withheld else "(no title)")
    about = [counted(found.n_tracks, "track")]
    if found.years is not None:
        about.append(
            str(found.years[0]) if found.years[0] == found.years[1] else f"{found.years[0]}-{found.years[1]}"
        )
    if found.language != "unknown":
        about.append(found.language)
    lines = [f"{found.rank:>3}  {title}  [{', '.join(about)}]  {plain(found.playlist_id, 80)}"]
    if found.description:
        lines.append(f"     {plain(found.description, _TEXT)}")
    if found.written:
        lines.append(
            f"     {plain(found.written, _TEXT)} (written by {plain(found.written_by or 'nobody knows whom', 60)})"
        )
    if found.why:
        lines.append(f"     why: {plain('; '.join(reason.sentence() for reason in found.why), 2 * _TEXT)}")
    tracks = "; ".join(plain(f"{track.name} - {track.artist}", 80) for track in found.tracks)
    if tracks:
        lines.append(f"     first: {tracks}")
    return [*lines, ""]
