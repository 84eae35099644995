"""What a model of moods can do, for people: a page and lines for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from segue.encode.sentiment import CLASSES
from segue.errors import MissingDependency
from segue.evaluate.drawing import COLOURS, REFERENCE_COLOUR, Plot, as_svg, panels
from segue.evaluate.page import figures, page, safe, table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["evaluation_page", "lines", "report_page"]

_SCORES = (("macro_recall", "macro-recall"), ("macro_f1", "macro-F1"), ("accuracy", "accuracy"))


def lines(found: Mapping[str, Any]) -> list[str]:
    """An evaluation as lines of plain text: scores of each row, then recall of each class, then differences."""
    data = found["data"]
    counts = ", ".join(f"{n:,} {name}" for name, n in data["counts"].items() if n)
    head = "".join(f"{name:>24}" for _, name in _SCORES)
    said = [f"{data['label']}: {data['n']:,} texts ({counts}); 95 % intervals", f"{'':<28}{head}"]
    for row in found["rows"]:
        cells = "".join(f"{_interval(row['scores'][key]):>24}" for key, _ in _SCORES)
        said.append(f"{row['name'][:27]:<28}{cells}")
    said.append("recall of each class")
    for row in found["rows"]:
        each = "  ".join(f"{c} {_share(row['recalls'][c])}" for c in CLASSES if row["recalls"][c] is not None)
        said.append(f"  {row['name'][:25]:<26}{each}")
    for name, one in found["against"].items():
        difference = one["macro_recall"]
        said.append(
            f"macro-recall of {found['reference']} minus {name}: {_interval(difference)}, p {difference['p']:.4f}"
        )
    if found["drop"] is not None:
        for key, name in _SCORES:
            lost = found["drop"]["scores"][key]
            said.append(f"{name} lost against {found['drop']['from']}: {_interval(lost)}")
    return said


def report_page(manifest: Mapping[str, Any]) -> str:
    """The page of a model folder: what it was trained on, how that went, and what it can do."""
    data, settings = manifest["data"], manifest["settings"]
    counts = ", ".join(f"{n:,} {name}" for name, n in data["counts"].items())
    body = [
        "<h1>A model of moods</h1>",
        f"<p>Trained on {data['n']:,} texts of {safe(data['label'])} ({safe(counts)}), of which "
        f"{data['n_held_out']:,} pieces were held out to choose the epoch; {data['n_in_evaluation']:,} texts that "
        "also occur in what it is evaluated on were left out.</p>",
    ]
    if len(manifest["present"]) < len(CLASSES):
        absent = ", ".join(c for i, c in enumerate(CLASSES) if i not in manifest["present"])
        body.append(f"<p>The data know no class {safe(absent)}; its probability is always 0.</p>")
    body += _epochs(manifest)
    if manifest["evaluation"] is not None:
        body += _evaluation(manifest["evaluation"])
    body.append("<h2>Settings</h2>" + table(("setting", "value"), settings.items(), texts=(1,)))
    return page("A model of moods", body)


def evaluation_page(found: Mapping[str, Any]) -> str:
    """The page of an evaluation on other texts."""
    return page("Moods told on other texts", ["<h1>Moods told on other texts</h1>", *_evaluation(found)])


def _epochs(manifest: Mapping[str, Any]) -> list[str]:
    keys = ("train_loss", "validation_loss", "validation_accuracy", "validation_macro_recall")
    rows = [
        (e["epoch"], *(_share(e[key]) for key in keys), "kept" if e["epoch"] == manifest["best_epoch"] else "")
        for e in manifest["history"]
    ]
    head = ("epoch", "loss", "held-out loss", "held-out accuracy", "held-out macro-recall", "")
    return ["<h2>Training</h2>", table(head, rows)]


def _evaluation(found: Mapping[str, Any]) -> list[str]:
    data = found["data"]
    counts = ", ".join(f"{n:,} {name}" for name, n in data["counts"].items() if n)
    rows = [(row["name"], *(_interval(row["scores"][key]) for key, _ in _SCORES)) for row in found["rows"]]
    body = [
        f"<h2>{safe(data['label'])}</h2><p>{data['n']:,} texts ({safe(counts)}); 95 % bootstrap intervals.</p>",
        table(("", *(name for _, name in _SCORES)), rows),
        "<h2>Recall of each class</h2>",
        table(("", *CLASSES), [(r["name"], *(_share(r["recalls"][c]) for c in CLASSES)) for r in found["rows"]]),
    ]
    if found["against"]:
        head = (f"{found['reference']} minus", *(name for _, name in _SCORES), "p (macro-recall)")
        each = [
            (name, *(_interval(one[key]) for key, _ in _SCORES), f"{one['macro_recall']['p']:.4f}")
            for name, one in found["against"].items()
        ]
        body += ["<h2>Differences on the same texts</h2>", table(head, each)]
    if found["drop"] is not None:
        lost = found["drop"]
        each = [
            (
                name,
                _interval(lost["before"][key]),
                _interval(lost["scores"][key]),
                _interval(lost["scores"][key]["share"]),
            )
            for key, name in _SCORES
        ]
        head = ("score", "there", "lost here", "share lost")
        body += [f"<h2>Lost against {safe(lost['from'])}</h2>", table(head, each)]
    for row in found["rows"][:1]:
        named = [(CLASSES[i], *counts) for i, counts in enumerate(row["confusion"])]
        title = f"<h2>Confusion of {safe(row['name'])}</h2><p>Rows are the labels, columns what was said.</p>"
        body += [title, table(("", *CLASSES), named)]
    return [*body, *figures(_plots(found))]


def _plots(found: Mapping[str, Any]) -> list[Plot]:
    def draw(figure: Figure) -> None:
        for axes, (key, name) in zip(panels(figure, len(_SCORES)), _SCORES, strict=True):
            for place, row in enumerate(reversed(found["rows"])):
                one = row["scores"][key]
                colour = COLOURS[0] if row["name"] == found["reference"] else REFERENCE_COLOUR
                spread = [[one["mean"] - one["low"]], [one["high"] - one["mean"]]]
                axes.errorbar([one["mean"]], [place], xerr=spread, fmt="o", color=colour, capsize=3)
            names = [row["name"] for row in reversed(found["rows"])] if key == _SCORES[0][0] else []
            axes.set_yticks(range(len(names)), names)
            axes.set_title(name)

    try:
        drawn = as_svg(draw, (9, 2.6), "moods")
    except MissingDependency:
        return []
    return [
        ("Scores with their intervals", "Points are scores, lines 95 % intervals; further right is better.", drawn)
    ]


def _interval(one: Mapping[str, float]) -> str:
    return f"{one['mean']:.3f} [{one['low']:.3f}, {one['high']:.3f}]"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
