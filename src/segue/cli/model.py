"""``segue model``: what a model or a fine-tuned encoder is, its card, and how two of them differ."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from segue.protocols.encoder_diff import Diff

__all__ = ["model"]

_CARD = "README.md"
_CARD_CAP = 1 << 20
_MOST_TENSORS = 12

model = typer.Typer(
    name="model",
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Look into models and fine-tuned encoders: show, card, diff.",
)

_Json = Annotated[bool, typer.Option("--json", help="The same as JSON.")]


@model.command()
def show(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH", help="A model, a fine-tuned encoder, or a plain encoder folder.", show_default=False
        ),
    ],
    as_json: _Json = False,
) -> None:
    """Say what a folder is: base, data, settings, what training did, metrics, sizes.

    [dim]segue model show encoders/cross_entropy[/]
    """
    from segue.cli.model_show import described, lines
    from segue.cli.terminal import print_facts
    from segue.protocols.stored_encoders import look

    found = described(look(path))
    if as_json:
        print(_json(found))
        return
    print_facts(lines(found))


@model.command()
def card(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A fine-tuned encoder.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="File to write it to instead.", show_default=False)
    ] = None,
) -> None:
    """Print the model card of a fine-tuned encoder: data, losses, metrics, intended use, limits, licence.

    [dim]segue model card encoders/cross_entropy -o card.md[/]
    """
    from segue.cli.terminal import plain, say
    from segue.errors import StoredDataError
    from segue.library.arrays import write_bytes

    file = bundle / _CARD
    try:
        with file.open("rb") as opened:
            content = opened.read(_CARD_CAP + 1)
        text = content.decode("utf-8")
    except FileNotFoundError as error:
        raise StoredDataError(f"{file} is missing; only fine-tuned encoders have a card") from error
    except (OSError, UnicodeDecodeError) as error:
        raise StoredDataError(f"{file} cannot be read ({error}); fine-tune the encoder again") from error
    if len(content) > _CARD_CAP:
        raise StoredDataError(f"{file} is longer than a card can be; look at it with other means")
    if out is not None:
        write_bytes(out, content)
        say(f"wrote {out}")
        return
    for line in text.splitlines():
        print(plain(line))


@model.command()
def diff(
    a: Annotated[Path, typer.Argument(metavar="A", help="A model or an encoder.", show_default=False)],
    b: Annotated[Path, typer.Argument(metavar="B", help="Another one.", show_default=False)],
    library: Annotated[
        Path | None,
        typer.Option("--library", help="Compare up to 5,000 of its titles too.", show_default=False),
    ] = None,
    as_json: _Json = False,
) -> None:
    """Say how two models or encoders differ: fingerprints, tensors, settings, what happens to titles, metrics.

    [dim]segue model diff encoders/cross_entropy encoders/triplet --library library[/]
    """
    from segue.cli.terminal import plain
    from segue.library import Library
    from segue.protocols.encoder_diff import diff as compare

    found = compare(a, b, None if library is None else Library.load(library))
    if as_json:
        print(_json(found.to_json()))
        return
    for line in _said(found):
        print(plain(line))


def _said(found: Diff) -> list[str]:
    """A comparison as lines of text."""
    from segue.cli.model_show import shown

    a, b = found.a, found.b
    lines = [
        f"a: {a.path} ({a.kind}, fingerprint {a.fingerprint})",
        f"b: {b.path} ({b.kind}, fingerprint {b.fingerprint})",
        *(f"warning: {side.path}: {warning}" for side in (a, b) for warning in side.warnings),
    ]
    if found.same:
        lines.append("identical: both have the same fingerprint, and so the same answers")
    elif found.same_encoder:
        lines.append("the encoders are identical: they give every title the same vector")
    weights = found.weights
    if weights is not None:
        change = "" if weights.change is None else f", {weights.change:.3g} of their norm altogether"
        lines.append(f"tensors: {weights.same} the same, {len(weights.changed)} changed{change}")
        lines += [
            f"  {one.name}: {'from zero' if one.change is None else f'{one.change:.3g}'}"
            for one in weights.changed[:_MOST_TENSORS]
        ]
        if len(weights.changed) > _MOST_TENSORS:
            lines.append(f"  and {len(weights.changed) - _MOST_TENSORS} more (--json has them all)")
        for said, names in (
            ("only in a", weights.only_a),
            ("only in b", weights.only_b),
            ("of another shape", weights.reshaped),
        ):
            if names:
                lines.append(f"tensors {said}: {', '.join(names)}")
    if found.titles is not None:
        t = found.titles
        cosine = "their dimensions differ" if t.cosine is None else f"mean cosine {t.cosine:.4f}"
        lines.append(f"{t.n:,} titles: {cosine}; of the {t.k} nearest titles {t.kept:.1%} stay")
    if found.settings:
        lines.append("settings that differ:")
        lines += [f"  {name}: {shown(x)} | {shown(y)}" for name, (x, y) in found.settings.items()]
    if found.metrics:
        lines.append("metrics:")
        lines += [
            f"  {name}: {'-' if x is None else shown(x)} | {'-' if y is None else shown(y)}"
            for name, (x, y) in found.metrics.items()
        ]
    return lines


def _json(value: object) -> str:
    import json

    return json.dumps(value, indent=2)  # not ASCII is escaped: names of others must not move the cursor
