"""Drawings are vectors with plain labels: a page may show no bitmap, and formulas are not read."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from segue.evaluate.drawing import as_svg, log_scale, panels
from segue.evaluate.page import table


def test_a_bitmap_is_refused() -> None:
    def draw(figure: Figure) -> None:
        next(panels(figure, 1)).imshow(np.eye(3))

    with pytest.raises(ValueError, match="bitmap"):
        as_svg(draw, (2, 2), "bitmap")


def test_the_same_drawing_has_the_same_bytes_and_ids_of_its_own() -> None:
    def draw(figure: Figure) -> None:
        next(panels(figure, 1)).plot([1, 2], [3, 4])

    one, same, other = (as_svg(draw, (2, 2), name) for name in ("a", "a", "b"))
    assert one == same != other and 'id="a-' in one and 'id="a-' not in other


def test_logarithmic_axes_have_plain_numbers() -> None:
    said: list[str] = []

    def draw(figure: Figure) -> None:
        axes = next(panels(figure, 1))
        axes.plot([1, 200], [0.5, 30])
        log_scale(axes, "x", "y")
        figure.canvas.draw()
        said.extend(
            text.get_text() for axis in (axes.xaxis, axes.yaxis) for text in axis.get_ticklabels(which="both")
        )

    as_svg(draw, (4, 3), "log")
    shown = {text for text in said if text}
    assert {"1", "10", "100", "0.5", "20"} <= shown
    assert all(float(text) > 0 for text in shown)


def test_columns_of_text_are_marked() -> None:
    page = table(("a", "b"), [("<1>", 2)], texts=(1,))
    assert page.count('class="text"') == 2 and "&lt;1&gt;" in page
