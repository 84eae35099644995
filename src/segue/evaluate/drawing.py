"""Drawing for pages: figures as inline SVG that hold no font and no text of others."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from segue.errors import MissingDependency

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "REFERENCE_COLOUR", "Plot", "as_svg", "label", "log_scale", "need_matplotlib", "panels"]

Plot = tuple[str, str, str]
"""Heading, one sentence on how to read it, SVG."""

# Okabe and Ito's colours: told apart by everybody; the reference is always the dark grey
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
REFERENCE_COLOUR = "#333333"


def need_matplotlib() -> None:
    """Raise MissingDependency where nothing can be drawn."""
    try:
        import matplotlib  # imported late: only a page needs it  # noqa: F401
    except ImportError as error:
        raise MissingDependency("drawing plots", extra="train") from error


def label(text: str) -> str:
    """A name that every font has: other characters become a question mark."""
    short = text if len(text) <= 40 else text[:39] + "~"
    return "".join(c if " " <= c <= "~" else "?" for c in short)


def panels(figure: Figure, n: int, *, share_y: bool = False) -> Iterator[Axes]:
    """``n`` axes side by side, without the frame's top and right."""
    made: Any = figure.subplots(1, n, sharey=share_y, squeeze=False)
    for axes in made[0]:
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        axes.set_axisbelow(True)
        yield axes


def log_scale(axes: Axes, *names: Literal["x", "y"]) -> None:
    """Logarithmic axes with plain numbers at 1, 2 and 5: the labels of matplotlib are formulas, not read here."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter  # imported late: only a page needs it

    for name in names:
        getattr(axes, f"set_{name}scale")("log")
        axis = getattr(axes, f"{name}axis")
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())


@contextmanager
def _style(salt: str) -> Iterator[None]:
    import matplotlib  # imported late: only a page needs it

    # paths instead of text: the page needs no font and holds no text of others; the salt keeps ids of plots apart
    settings: Any = {
        "svg.fonttype": "path",
        "svg.hashsalt": salt,
        "text.parse_math": False,
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "axes.edgecolor": "#999999",
        "figure.facecolor": "none",
        "axes.facecolor": "none",
    }
    with matplotlib.rc_context(settings):
        yield


def as_svg(draw: Callable[[Figure], None], size: tuple[float, float], name: str) -> str:
    """Draw into a figure of ``size`` inches and give it as SVG for a page; the same drawing gives the same bytes.

    Args:
        name: of the drawing, unlike that of any other on the page; its ids begin with it.

    Raises:
        MissingDependency: matplotlib is not installed.
    """
    need_matplotlib()
    from matplotlib.figure import Figure  # imported late: only a page needs it

    with _style(name):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    svg = out.getvalue()
    if "<image" in svg:
        raise ValueError(f"the drawing {name!r} holds a bitmap, which the page's own rules would not show")
    svg = svg[svg.index("<svg") :]
    for size_attribute in ("width", "height"):  # the page decides
        svg = re.sub(rf'(<svg[^>]*?) {size_attribute}="[^"]*"', r"\1", svg, count=1)
    # ids must be unique on a page with several plots
    return re.sub(r'( id="|href="#|url\(#)', rf"\1{name}-", svg)
