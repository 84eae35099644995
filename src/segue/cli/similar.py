"""``segue similar``: a track, or several -> tracks near to them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from segue.cli.options import THE_LIST, FormatOption, ListFileOption, ListJsonOption

__all__ = ["similar"]

_MODEL = "The model"
_UNKNOWN = "Given tracks outside of the catalogue"


def similar(
    tracks: Annotated[
        list[str] | None,
        typer.Argument(
            metavar='"NAME, ARTIST" ...', help="Given tracks: name and artist, or an id.", show_default=False
        ),
    ] = None,
    length: Annotated[
        int, typer.Option("--length", help="Tracks, 1 to the size of the catalogue.", rich_help_panel=THE_LIST)
    ] = 20,
    playlists: Annotated[
        list[str] | None,
        typer.Option(
            "--playlists",
            metavar="FILE",
            help="List only tracks of these playlists (CSV of Exportify, M3U, XSPF, JSPF, MPD); without a model, "
            "learn from them. May be repeated.",
            show_default=False,
            rich_help_panel=THE_LIST,
        ),
    ] = None,
    artist_cap: Annotated[
        int,
        typer.Option(
            "--artist-cap",
            min=0,
            help="Tracks of one artist, as far as there are others; 0 for any number.",
            rich_help_panel=THE_LIST,
        ),
    ] = 3,
    inside_cluster: Annotated[
        bool,
        typer.Option(
            "--inside-cluster",
            help="Tracks of the given tracks' cluster before all others.",
            rich_help_panel=THE_LIST,
        ),
    ] = False,
    format: FormatOption = None,
    as_json: ListJsonOption = False,
    out: ListFileOption = None,
    model: Annotated[
        Path | None,
        typer.Option(
            "-m",
            "--model",
            help="Track model: read, or written with --train.",
            show_default="./tracks.model",
            rich_help_panel=_MODEL,
        ),
    ] = None,
    train: Annotated[
        Path | None,
        typer.Option(
            "--train",
            metavar="LIBRARY",
            help="Learn a track model from a library first; given tracks may be left out then.",
            show_default=False,
            rich_help_panel=_MODEL,
        ),
    ] = None,
    base_model: Annotated[
        str | None,
        typer.Option(
            "--base-model",
            help="What reads names and lyrics in training: a sentence encoder, or 'ngrams'.",
            show_default="all-MiniLM-L6-v2",
            rich_help_panel=_MODEL,
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option("--epochs", min=1, help="Of the learnt vectors.", show_default="8", rich_help_panel=_MODEL),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            "--cache",
            help="Folder where vectors of texts are kept.",
            show_default="~/.cache/segue/vectors",
            rich_help_panel=_MODEL,
        ),
    ] = None,
    features: Annotated[
        list[Path] | None,
        typer.Option(
            "--features",
            metavar="FILE",
            help="Audio features to look a given track up in, as for 'segue annotate'.",
            show_default=False,
            rich_help_panel=_UNKNOWN,
        ),
    ] = None,
    lyrics: Annotated[
        list[Path] | None,
        typer.Option(
            "--lyrics",
            metavar="FILE",
            help="Lyrics to look it up in: .lrc, .txt, CSV, tags.",
            show_default=False,
            rich_help_panel=_UNKNOWN,
        ),
    ] = None,
    fetch: Annotated[
        bool,
        typer.Option("--fetch", help="Ask lyrics services on the network for it.", rich_help_panel=_UNKNOWN),
    ] = False,
) -> None:
    """Make a playlist of tracks that are near to a given one, or to several.

    Near is what sounds alike, has like words, and goes into the same playlists; the model's weights say how much each
    counts. A given track outside of the catalogue is looked up in --features and --lyrics.

    [dim]segue similar --train library -m tracks.model[/]

    [dim]segue similar "Blinding Lights, The Weeknd" -m tracks.model --length 30 -o lights.m3u8[/]

    [dim]segue similar "My Demo, Me" --features mine.csv --lyrics demo.txt[/]

    [dim]segue similar "Dreams, Fleetwood Mac" --playlists exported.csv --features features.csv[/]
    """
    from segue.cli.lists import chosen_format, deliver
    from segue.cli.similar_models import given_tracks, model_for, tracks_of
    from segue.cli.terminal import say
    from segue.errors import InputError
    from segue.systems.track_answers import similar as near

    os.environ.setdefault("OMP_NUM_THREADS", "1")
    wanted_format = chosen_format(format, as_json, out)
    if not tracks and train is None:
        raise InputError('nothing was given to be near to; give a track as "Name, Artist"')
    if length < 1:
        raise InputError(f"a list of {length} tracks cannot be made; give --length 1 or more")
    sources = [*(features or []), *(lyrics or [])]
    opened, restricted = model_for(
        model, train, playlists or [], sources, base_model=base_model, epochs=epochs, cache=cache
    )
    if not tracks:
        say('next: segue similar "Name, Artist"' + (f" -m {model}" if model is not None else ""))
        return
    given = given_tracks(opened, tracks, sources, fetch=fetch)
    only = None if restricted is None else tracks_of(opened, restricted)
    if inside_cluster:
        from dataclasses import replace

        if opened.centroids is None:
            raise InputError(
                "this track model has no clusters; train it on more tracks, or leave --inside-cluster out"
            )
        opened = replace(opened, neighbours=replace(opened.neighbours, inside_cluster=True))
    deliver(near(opened, given, length, only=only, artist_cap=artist_cap), wanted_format, out, explain=True)
