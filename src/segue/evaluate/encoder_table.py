"""What a comparison of title encoders found, as data; its JSON keeps this shape, new fields come behind."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from segue.evaluate.stored import load_figures_of
from segue.evaluate.table import Row, TitleList, mean_in, row_in

__all__ = [
    "ENCODERS_VERSION",
    "Block",
    "EncoderAbout",
    "EncoderFigures",
    "Epoch",
    "ThemeAccuracy",
    "TitleMap",
    "about_of",
    "load_figures",
]

ENCODERS_VERSION = 1
_KIND = "segue encoders report"


class Epoch(msgspec.Struct, frozen=True):
    """One epoch of a fine-tuning, as its bundle tells it; None where it does not."""

    epoch: int
    train_loss: float | None = None
    validation_loss: float | None = None
    train_metric: float | None = None
    validation_metric: float | None = None


class EncoderAbout(msgspec.Struct, frozen=True, kw_only=True):
    """What an encoder is.

    Args:
        same_as: name of an earlier encoder with the same fingerprint: their rows are the same because they are.
        bundle: whether it comes with a manifest; all below is None or empty where it does not.
    """

    name: str
    fingerprint: str
    d: int
    same_as: str | None = None
    bundle: bool = False
    base: str | None = None
    loss: str | None = None
    method: str | None = None
    preset: str | None = None
    best_epoch: int | None = None
    history: list[Epoch] = []


class Block(msgspec.Struct, frozen=True):
    """One table: all its figures follow one set of definitions, which ``explains`` says in a sentence."""

    title: str
    explains: str
    metrics: list[str]
    slices: list[str]
    rows: list[Row]

    def row(self, method: str, slice_name: str) -> Row:
        """One row.

        Raises:
            KeyError: there is none.
        """
        return row_in(self.rows, method, slice_name)

    def mean(self, method: str, slice_name: str, metric: str) -> float:
        """One mean, nan where there is none."""
        return mean_in(self.rows, method, slice_name, metric)


class TitleMap(msgspec.Struct, frozen=True):
    """t-SNE of one sample of titles before and after a tuning.

    Args:
        groups: what the colours mean; a title may be in none (-1). It holds no title of fewer than five playlists.
        group: of each title. before, after: x and y of each.
    """

    method: str
    groups: list[str]
    group: list[int]
    before: list[tuple[float, float]]
    after: list[tuple[float, float]]


class ThemeAccuracy(msgspec.Struct, frozen=True):
    """Share of a theme's held-out titles whose nearest mean title vector is the theme's own, by encoder."""

    theme: str
    n: int
    accuracy: dict[str, float]


class EncoderFigures(msgspec.Struct, frozen=True, kw_only=True):
    """All that was found.

    Args:
        k: playlists that vote. themes: fingerprint of the themes used, if any.
        ours: our definitions. published: the published ones, leaks included; the two share no figure.
        accuracy: by theme, the largest first. accuracy_overall: over all held-out titles, by encoder.
    """

    kind: str = _KIND
    format_version: int = ENCODERS_VERSION
    part: str
    reference: str | None
    library: str
    themes: str | None
    k: int
    n_training: int
    n_queries: int
    encoders: list[EncoderAbout]
    ours: Block
    published: Block
    accuracy: list[ThemeAccuracy] = []
    accuracy_overall: dict[str, float] = {}
    maps: list[TitleMap] = []
    lists: list[TitleList] = []
    notes: list[str] = []


def about_of(
    name: str, fingerprint: str, d: int, manifest: Mapping[str, Any] | None, earlier: Sequence[EncoderAbout]
) -> EncoderAbout:
    """Describe an encoder by its manifest; whatever of it is not of the expected type counts as not there."""
    same = next((one.name for one in earlier if one.fingerprint == fingerprint), None)
    about = dict(manifest or {})
    base = about.get("base")
    best = about.get("best_epoch")
    listed = about.get("history")
    return EncoderAbout(
        name=name,
        fingerprint=fingerprint,
        d=d,
        same_as=same,
        bundle=manifest is not None,
        base=_text(base.get("name")) if isinstance(base, Mapping) else None,
        loss=_text(about.get("loss")),
        method=_text(about.get("method")),
        preset=_text(about.get("preset")),
        best_epoch=best if isinstance(best, int) and not isinstance(best, bool) else None,
        history=[
            Epoch(
                place if not isinstance(one.get("epoch"), int) else one["epoch"],
                *(
                    _number(one.get(key))
                    for key in ("train_loss", "validation_loss", "train_metric", "validation_metric")
                ),
            )
            for place, one in enumerate(listed if isinstance(listed, list) else [], start=1)
            if isinstance(one, Mapping)
        ],
    )


def load_figures(path: Path | str) -> EncoderFigures:
    """Read an ``encoders.json``.

    Raises:
        StoredDataError: it is missing, damaged, or of a newer format.
    """
    what = "comparison of encoders"
    return load_figures_of(path, EncoderFigures, kind=_KIND, version=ENCODERS_VERSION, what=what)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> float | None:
    there = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if there else None  # type: ignore[arg-type]
