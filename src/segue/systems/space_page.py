"""The map of the playlist space as a page to look at: one drawing, no script, all text of others escaped."""

from __future__ import annotations

import math

from segue.evaluate.drawing import COLOURS
from segue.evaluate.page import page, safe, table
from segue.systems.space import Space

__all__ = ["space_page"]

_WIDTH, _HEIGHT = 1200, 800
_NAMED = 150  # titles that are tried to be written out
_LETTER = 0.58  # width of a letter by its height, about
_NONE = "#999999"

_Box = tuple[float, float, float, float]


def space_page(space: Space, model: str) -> str:
    """The whole page.

    Args:
        model: name of the model, for the heading.
    """
    counted = f"{len(space.points):,} titles, {len(space.themes)} themes"
    told = (
        "Titles that lie together have like words and hold like tracks; how far apart distant ones are means little. "
        "A circle's area is the number of playlists that share the title. Point at one to read it."
    )
    of_theme: dict[int, list[str]] = {}
    for point in space.points:
        of_theme.setdefault(point.theme, []).append(point.title)
    rows = [
        (theme.name, f"{theme.n:,}", len(of_theme.get(number, [])), ", ".join(of_theme.get(number, [])[:8]))
        for number, theme in enumerate(space.themes)
    ]
    return page(
        "The space of playlists",
        [
            "<h1>The space of playlists</h1>",
            f'<p class="quiet">{safe(model)}: {counted}.</p>',
            f"<figure>{_drawing(space)}<figcaption>{told}</figcaption></figure>",
            "<h2>Themes</h2>",
            table(["theme", "playlists", "titles", "most shared titles"], rows, texts=(3,)),
        ],
    )


def _drawing(space: Space) -> str:
    most = max((point.n for point in space.points), default=1)
    circles, taken = [], list[_Box]()
    for point in reversed(space.points):  # the most shared on top
        colour = COLOURS[point.theme % len(COLOURS)] if point.theme >= 0 else _NONE
        radius = 3 + 13 * math.sqrt(point.n / most)
        circles.append(
            f'<circle cx="{point.x * _WIDTH:.1f}" cy="{point.y * _HEIGHT:.1f}" r="{radius:.1f}" fill="{colour}" '
            f'fill-opacity=".45"><title>{safe(point.title)} ({point.n:,})</title></circle>'
        )
    texts = []
    for theme in sorted(space.themes, key=lambda theme: -theme.n):
        texts += _text(theme.name, theme.x, theme.y, 19, "#111", taken, bold=True, needed=True)
    for point in space.points[:_NAMED]:
        texts += _text(point.title, point.x, point.y, 11, "#333", taken)
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="Titles of playlists on a map" '
        'style="background:#fafafa">' + "".join(circles) + "".join(texts) + "</svg>"
    )


def _text(
    text: str,
    x: float,
    y: float,
    size: int,
    colour: str,
    taken: list[_Box],
    *,
    bold: bool = False,
    needed: bool = False,
) -> list[str]:
    """Text around a place, moved up or down where others are; without room left out, unless it is needed."""
    short = text if len(text) <= 28 else text[:27] + "…"
    width, at_x, at_y = len(short) * size * _LETTER, x * _WIDTH, y * _HEIGHT
    at_x = min(max(at_x, width / 2 + 4), _WIDTH - width / 2 - 4)
    places = [at_y + step * size * 1.1 for step in ((0, 1, -1, 2, -2, 3, -3) if needed else (0, 1, -1))]
    boxes = [(at_x - width / 2, place - size / 2, at_x + width / 2, place + size / 2) for place in places]
    free = [box for box in boxes if not any(_overlap(box, other) for other in taken)]
    if not free and not needed:
        return []
    box = free[0] if free else boxes[0]
    taken.append(box)
    weight = ' font-weight="700"' if bold else ""
    return [
        f'<text x="{at_x:.1f}" y="{box[3] - size * 0.2:.1f}" font-size="{size}" fill="{colour}"{weight} '
        'text-anchor="middle" font-family="system-ui, sans-serif" stroke="#fafafa" stroke-width="3" '
        f'paint-order="stroke" pointer-events="none">{safe(short)}</text>'
    ]


def _overlap(a: _Box, b: _Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
