"""``segue index``: a library -> a search model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["index", "indexed"]


def index(
    library: Annotated[Path, typer.Argument(metavar="LIBRARY", help="Library folder.", show_default=False)],
    out: Annotated[Path, typer.Option("-o", "--out", help="Search model folder to write.", show_default=False)],
    encoder: Annotated[
        str | None,
        typer.Option(
            "--encoder",
            metavar="FOLDER",
            help="Sentence encoder: a bundle of 'segue tune', a folder, a Hugging Face name that is in the cache, "
            "'ngrams', or 'none' for shared words alone.",
            show_default="all-MiniLM-L6-v2",
        ),
    ] = None,
    parts: Annotated[
        str | None,
        typer.Option(
            "--parts",
            metavar="PART,...",
            help="Read only these of each playlist: title, description, written, artists, tags, labels, lead (the "
            "first artist), tracks, names.",
            show_default="what each channel reads",
        ),
    ] = None,
    kind: Annotated[
        str,
        typer.Option("--index", help="exact, hnsw, ivf, or auto: exact up to a million playlists."),
    ] = "auto",
    weights: Annotated[
        Path | None,
        typer.Option(
            "--weights",
            metavar="FILE",
            help='JSON with the weight of each channel, {"weights": {"words": 1}}, or with whole settings.',
            show_default=False,
        ),
    ] = None,
    public: Annotated[
        bool | None,
        typer.Option(
            "--public/--private",
            help="Whether every title may be shown; else only those that five playlists share.",
            show_default="as the library says",
        ),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            "--cache", help="Folder where vectors of texts are kept.", show_default="~/.cache/segue/vectors"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was indexed as JSON.")] = False,
) -> None:
    """Make the playlists of a library searchable in words.

    Texts that 'segue describe' wrote are read too, but for those that 'segue review' rejected.

    [dim]segue index library -o search[/]

    [dim]segue index library -o search --encoder encoders/search --weights weights.json[/]

    [dim]segue index library -o search --encoder none --parts title,artists,tracks[/]
    """
    from dataclasses import replace

    from segue.cli.terminal import progress, say, size_of
    from segue.index.ann import chosen_kind
    from segue.library import Library
    from segue.systems.playlist_search import SearchSettings, index_library
    from segue.systems.search_settings import read_weights
    from segue.systems.themes import cache_folder

    settings = SearchSettings()
    if weights is not None:
        settings = read_weights(weights, settings)
    if parts is not None:
        settings = settings.restricted_to([part.strip() for part in parts.split(",") if part.strip()])
    chosen_kind(kind, 0)  # a wrong word is said before a library is read
    settings = replace(settings, index=kind)
    with progress() as report:
        manifest = index_library(
            Library.load(library),
            out,
            encoder=encoder,
            settings=settings,
            public=public,
            cache=cache or cache_folder(),
            progress=report,
        )
    if as_json:
        import msgspec

        told = {
            name: manifest[name] for name in ("fingerprint", "public", "settings", "channels", "encoder", "about")
        }
        print(msgspec.json.format(msgspec.json.encode(told), indent=2).decode())
    for line in indexed(manifest):
        say(line)
    say(f"wrote {out} ({size_of(out)}, fingerprint {manifest['fingerprint']})")
    say(f'next: segue search "songs for a rainy sunday" -m {out}')


def indexed(manifest: Mapping[str, Any]) -> list[str]:
    """What a search model holds, as sentences."""
    about = manifest["about"]
    said = [f"{about['n_playlists']:,} playlists and {about['n_tracks']:,} tracks"]
    for channel in manifest["channels"]:
        spec = channel["spec"]
        reads = ", ".join(spec["view"]["parts"])
        line = f"{spec['name']}: {'shared words' if spec['kind'] == 'bm25' else 'vectors'} of {reads}; "
        line += f"weight {spec['weight']:g}"
        if channel.get("ann"):
            line += f"; {channel['ann']['kind']} finds {channel['recall']:.1%} of the exact best ten"
        said.append(line)
    if manifest["encoder"] is None:
        said.append("there is no sentence encoder, so only playlists that share a word with the query are found")
    elif manifest["encoder"]["kind"] == "ngrams":
        said.append("the encoder is one of character n-grams: it forgives typos and knows no meanings")
    if not manifest["public"]:
        said.append("titles and descriptions are withheld where fewer than five playlists share the title; "
                    "--public shows all")  # fmt: skip
    return said
