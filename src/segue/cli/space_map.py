"""``segue map``: the space of a model's playlists in two dimensions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from segue.systems.space import Space

__all__ = ["space_map"]

_PAGES = (".html", ".htm")


def space_map(
    model: Annotated[Path, typer.Argument(help="Model folder.", show_default=False)],
    themes: Annotated[
        Path | None,
        typer.Option(
            "--themes",
            help="Folder of 'segue themes', made of the model's own library; without it themes are found here.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            help="File to write: JSON, as 'segue serve --map' takes it, or a page to look at where it ends in .html.",
            show_default=False,
        ),
    ] = None,
    most: Annotated[int, typer.Option("--most", min=1, max=3_000, help="Titles on the map.")] = 3_000,
    json: Annotated[bool, typer.Option("--json", help="Print the map as JSON.")] = False,
) -> None:
    """Draw a map of the playlists of a model: titles whose playlists hold like tracks lie together.

    Only titles that may be shown are on it: those that five playlists share, or all of a public library. Without
    -o and --json its themes are listed.

    [dim]segue map model -o map.json[/]

    [dim]segue map model -o map.html --most 500[/]

    [dim]segue themes model/library -o themes && segue map model --themes themes -o map.json[/]
    """
    import os

    # one thread: the sums of several come out in another order each time
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from segue.cli.terminal import progress, say
    from segue.library.themes import Themes
    from segue.systems.model import Model
    from segue.systems.space import playlist_space

    opened = Model.load(model)
    chosen = None if themes is None else Themes.load(themes)
    with progress() as report:
        space = playlist_space(opened, chosen, most=most, progress=report)
    if out is not None:
        from segue.library.arrays import write_bytes

        write_bytes(out, _content(space, out, model.resolve().name))
        say(f"wrote {out} ({len(space.points):,} titles, {len(space.themes)} themes)")
    if json:
        print(_json(space).decode())
    elif out is None:
        _list(space)


def _content(space: Space, out: Path, name: str) -> bytes:
    if out.suffix.lower() in _PAGES:
        from segue.systems.space_page import space_page

        return space_page(space, name).encode("utf-8", "replace")
    return _json(space)


def _json(space: Space) -> bytes:
    import msgspec

    return msgspec.json.encode(space.to_json())


def _list(space: Space) -> None:
    """Themes, most playlists first, each with its most shared titles."""
    from segue.cli.terminal import plain

    for number, theme in enumerate(space.themes):
        titles = [point.title for point in space.points if point.theme == number]
        print(f"{plain(theme.name)}\t{theme.n}\t{plain(', '.join(titles[:6]), 200)}")
