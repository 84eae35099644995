"""``segue recommend``: a title, given tracks, or both -> a list."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from segue.cli.options import (
    THE_LIST,
    FormatOption,
    ListDefaults,
    ListFileOption,
    ListJsonOption,
    ModelOption,
    chosen_model,
)
from segue.errors import InputError

if TYPE_CHECKING:
    from segue.library import Catalogue
    from segue.systems.model import Model
    from segue.systems.owned import Owned

__all__ = ["recommend", "year_range"]

_RULES = "Rules"


def recommend(
    title: Annotated[
        str | None,
        typer.Argument(help="A title in your words; with given tracks it may be left out.", show_default=False),
    ] = None,
    tracks: Annotated[
        list[str] | None,
        typer.Option(
            "--track", metavar='"NAME - ARTIST"', help="A given track; may be repeated.", show_default=False
        ),
    ] = None,
    track_ids: Annotated[
        list[str] | None,
        typer.Option("--track-id", metavar="ID", help="The same by id; may be repeated.", show_default=False),
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(
            "--like",
            metavar="PLAYLIST_ID",
            help="A playlist of the model's library, as 'segue search' finds them: its title and tracks are given.",
            show_default=False,
        ),
    ] = None,
    model: ModelOption = None,
    owned: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="LIBRARY",
            help="Only tracks of this library, your own music ('segue ingest DIR'); matched to the model by name.",
            show_default=False,
        ),
    ] = None,
    n: Annotated[
        int | None,
        typer.Option("-n", help="Number of tracks.", min=1, max=10_000, show_default="66", rich_help_panel=THE_LIST),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option("--minutes", help="Length instead of a number.", show_default=False, rich_help_panel=THE_LIST),
    ] = None,
    format: FormatOption = None,
    as_json: ListJsonOption = False,
    out: ListFileOption = None,
    paths: Annotated[
        Literal["relative", "absolute"] | None,
        typer.Option(
            "--paths",
            help="How an M3U8 names files.",
            show_default="relative where the list lies in or beside the music",
            rich_help_panel=THE_LIST,
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say why each track is there.", rich_help_panel=THE_LIST)
    ] = False,
    adventure: Annotated[
        float | None,
        typer.Option(
            "--adventure",
            min=-1,
            max=1,
            help="From hits (-1) to deep cuts (1) of what fits.",
            show_default="0, as ranked",
            rich_help_panel=THE_LIST,
        ),
    ] = None,
    order: Annotated[
        Literal["ranked", "smooth", "arc"] | None,
        typer.Option(
            "--order",
            help="Best first; each beside what goes with it; or the energy rising and then falling.",
            show_default="ranked",
            rich_help_panel=THE_LIST,
        ),
    ] = None,
    exclude_artists: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude-artist",
            metavar="NAME",
            help="Leave an artist out; may be repeated.",
            show_default=False,
            rich_help_panel=_RULES,
        ),
    ] = None,
    new_artists: Annotated[
        bool,
        typer.Option("--new-artists", help="Leave the artists of the given tracks out.", rich_help_panel=_RULES),
    ] = False,
    artist_cap: Annotated[
        int | None,
        typer.Option("--artist-cap", min=1, help="Tracks per artist.", show_default=False, rich_help_panel=_RULES),
    ] = None,
    artist_spacing: Annotated[
        int | None,
        typer.Option(
            "--artist-spacing",
            min=0,
            help="Other tracks between two of one artist.",
            show_default=False,
            rich_help_panel=_RULES,
        ),
    ] = None,
    year: Annotated[
        str | None,
        typer.Option("--year", help="1994, 1990-1999, 1990- or -1999.", show_default=False, rich_help_panel=_RULES),
    ] = None,
    no_explicit: Annotated[
        bool, typer.Option("--no-explicit", help="Leave explicit tracks out.", rich_help_panel=_RULES)
    ] = False,
    max_track_minutes: Annotated[
        float | None,
        typer.Option(
            "--max-track-minutes", help="Longest track allowed.", show_default=False, rich_help_panel=_RULES
        ),
    ] = None,
    all_versions: Annotated[
        bool,
        typer.Option("--all-versions", help="Remasters and live versions beside each other.", rich_help_panel=_RULES),
    ] = False,
) -> None:
    """Make a playlist for a title, for given tracks, or for both.

    [dim]segue recommend "rainy sunday 🌧"[/]

    [dim]segue recommend "road trip" --track "Dreams - Fleetwood Mac" --minutes 60 --artist-cap 2 --explain[/]

    [dim]segue recommend "90s rap, no eminem" --year 1990-1999 -o rap.m3u8[/]

    [dim]segue recommend "indie folk" --adventure 0.5 --order smooth[/]

    [dim]segue recommend --like 1042 -n 30[/]

    [dim]segue recommend "songs to cook to" --from my-music -o ~/Music/cooking.m3u8[/]
    """
    from segue.cli.lists import base_of, chosen_format, deliver
    from segue.recommend.rules import Rules
    from segue.systems.model import Model
    from segue.systems.requests import Request

    # one query gains nothing from a pool of threads, and starting one costs more than the query
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if title is None and not tracks and not track_ids and like is None:
        raise InputError('nothing was asked for; give a title, or a track with --track "Name - Artist"')
    if n is not None and minutes is not None:
        raise InputError("a list has a number of tracks or a length; give -n or --minutes, not both")
    wanted_format = chosen_format(format, as_json, out)
    years = year_range(year) if year else (None, None)
    usual = _defaults()
    opened = Model.load(chosen_model(model))
    shown = title or ""
    if like is not None:
        from segue.systems.like import like_playlist

        given = like_playlist(opened, like)
        shown = title or given.shown_title
        title = title or given.title
        track_ids = [*given.track_ids, *(track_ids or [])]
    mine = None if owned is None else _owned(opened, owned)
    _check_given(opened, tracks or [], track_ids or [], mine)
    left_out = [*(exclude_artists or []), *usual.exclude_artists]
    artists = _artist_rows(opened.catalogue, left_out, mine)
    rules = Rules(
        n=None if minutes is not None else usual.n if n is None else n,
        minutes=minutes,
        exclude_artists=tuple(dict.fromkeys(artists)),
        exclude_given_artists=new_artists,
        artist_cap=usual.artist_cap if artist_cap is None else artist_cap,
        artist_spacing=usual.artist_spacing if artist_spacing is None else artist_spacing,
        one_version=not (all_versions or usual.all_versions),
        year_from=years[0],
        year_to=years[1],
        allow_explicit=usual.explicit and not no_explicit,
        max_track_minutes=max_track_minutes,
    )
    request = Request(
        title=title or "",
        tracks=tuple(tracks or ()),
        track_ids=tuple(track_ids or ()),
        rules=rules,
        explain=explain or wanted_format == "json",
        adventure=usual.adventure if adventure is None else adventure,
        order=order or usual.order,
    )
    if mine is None:
        answer = opened.answer(request)
    else:
        from segue.systems.owned import owned_answer

        answer = owned_answer(opened, mine, request, exclude_artists=left_out)
    if shown != answer.query["title"]:  # of a private library
        from dataclasses import replace

        answer = replace(answer, query={**answer.query, "title": shown})
    root = mine.root if mine is not None and wanted_format == "m3u8" else None
    deliver(answer, wanted_format, out, explain=explain, base=base_of(paths, out, root))


def year_range(text: str) -> tuple[int | None, int | None]:
    """Read a range of years, both ends included and either optional.

    Raises:
        InputError: it is none.

    >>> year_range("1990-1999"), year_range("1994"), year_range("-1969")
    ((1990, 1999), (1994, 1994), (None, 1969))
    """
    found = re.fullmatch(r"\s*(\d{4})?\s*([-–])?\s*(\d{4})?\s*", text)
    if not found or not (found[1] or found[3]) or (found[1] and found[3] and not found[2]):
        raise InputError(f"{text!r} is no range of years; give 1994, 1990-1999, 1990- or -1999")
    first = int(found[1]) if found[1] else None
    last = int(found[3]) if found[3] else None if found[2] else first
    return first, last


def _defaults() -> ListDefaults:
    """How lists look where the options say nothing; looking costs nothing where nobody set anything."""
    if not Path("segue.toml").is_file() and not any(key.startswith("SEGUE_RECOMMEND") for key in os.environ):
        return ListDefaults()
    from segue.cli.settings import read_settings

    return read_settings().recommend.defaults()


def _owned(model: Model, folder: Path) -> Owned:
    """One's own library, matched to the model; what that takes is said the first time."""
    from segue.cli.terminal import counted, say
    from segue.systems.owned import Owned

    owned = Owned.open(model, folder)
    if not len(owned):
        raise InputError(f"{folder} holds no tracks; make a library of your music with 'segue ingest DIR'")
    if owned.matched_now:
        found = int((owned.best >= 0).sum())
        say(f"{found:,} of {counted(len(owned), 'track')} of your own are in the model; 'segue match' says which")
    return owned


def _check_given(model: Model, tracks: list[str], track_ids: list[str], owned: Owned | None) -> None:
    """Refuse given tracks that the catalogue does not have: a person would wait for what they bring in vain.

    Raises:
        QueryError: there is one; near names are said.
    """
    from segue.errors import QueryError

    catalogue = model.catalogue
    for text in tracks:
        if not catalogue.find(text) and not (owned is not None and owned.catalogue.find(text)):
            from segue.cli.near import near_tracks

            popularity = getattr(model.recommender, "popularity", model.recommender)
            near = near_tracks(catalogue, text, getattr(popularity, "order", range(len(catalogue))))
            if near:
                said = ", ".join(repr(name[:120]) for name in near)
                raise QueryError(f"the model has no track {text[:120]!r}; it has {said}")
            raise QueryError(f'the model has no track {text[:120]!r}; give it as "Name - Artist", or leave it out')
    for track_id in track_ids:
        if catalogue.find_id(track_id) is None and not (owned is not None and owned.track_of(track_id)):
            raise QueryError(f"the model has no track with the id {track_id[:120]!r}; leave it out")


def _artist_rows(catalogue: Catalogue, names: list[str], owned: Owned | None = None) -> list[int]:
    """Artist rows of names as typed; one that the catalogue does not have is said, and changes nothing."""
    if not names:
        return []
    if not all(name.strip() for name in names):
        raise InputError("an artist to leave out has no name; give one to --exclude-artist, or leave the option out")
    import numpy as np

    from segue.cli.terminal import say
    from segue.library.names import fold

    artists, first = np.unique(catalogue.artist_row, return_index=True)
    row_of = {
        fold(catalogue.texts["artist"][int(at)]): int(artist) for artist, at in zip(artists, first, strict=True)
    }
    rows = [row_of.get(fold(name)) for name in names]
    for name, row in zip(names, rows, strict=True):
        if row is None and not (owned is not None and owned.has_artist(name)):
            say(f"the model has no artist {name[:80]!r}, so nothing of theirs was left out")
    return [row for row in rows if row is not None]
