"""``segue finetune``: a library (and its themes) -> a title encoder of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

__all__ = ["finetune"]


def finetune(
    library: Annotated[Path, typer.Argument(metavar="LIBRARY", help="Library folder.", show_default=False)],
    out: Annotated[Path, typer.Option("-o", "--out", help="Encoder folder to write.", show_default=False)],
    loss: Annotated[
        Literal["contrastive", "votes", "cross_entropy", "triplet"],
        typer.Option(
            "--loss",
            help="contrastive: titles of playlists with the same tracks are near. votes: the likelihood of playlists "
            "under the vote. cross_entropy, triplet: the clusters of --themes, as published.",
        ),
    ] = "contrastive",
    themes: Annotated[
        Path | None,
        typer.Option("--themes", help="Themes folder, for cross_entropy and triplet.", show_default=False),
    ] = None,
    preset: Annotated[
        Literal["fast", "published", "published-code"],
        typer.Option(
            "--preset",
            help="fast; published (batch 8, 2e-5, 5 epochs); or published-code (as the released scripts do it: up to "
            "100 or 50 epochs, warm-up, best by accuracy).",
        ),
    ] = "fast",
    method: Annotated[
        Literal["full", "lora", "adapter"],
        typer.Option("--method", help="What moves: all weights, low-rank changes of them, or one linear map."),
    ] = "full",
    base_model: Annotated[
        str | None,
        typer.Option(
            "--base-model", help="Encoder to start from, as for 'segue train'.", show_default="all-MiniLM-L6-v2"
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1, show_default="of the preset")] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", min=1, show_default="of the preset")] = None,
    lr: Annotated[float | None, typer.Option("--lr", help="Learning rate.", show_default="of the preset")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Any other setting, repeatedly: patience, margin, view, artists, threads, rng_key ...",
            show_default=False,
        ),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option("--all", help="Learn from all playlists, held-out ones too: to ship, not to measure."),
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Forget the checkpoints of a training that stopped.")
    ] = False,
    finish: Annotated[
        bool, typer.Option("--finish", help="Train no further: make the encoder of the best epoch so far.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the encoder's manifest as JSON.")] = False,
) -> None:
    """Fine-tune the title encoder on a library's training playlists.

    The result is a sentence-transformers folder with an ONNX graph and a model card: 'segue train --base-model'
    builds a model on it, 'segue evaluate --encoders' measures it, 'segue model show' says what training did. A
    training that was stopped goes on when the same command is run again.

    [dim]segue finetune library -o encoders/contrastive[/]

    [dim]segue finetune library --themes themes --loss cross_entropy --preset published -o encoders/published[/]

    [dim]segue train library -o model --base-model encoders/contrastive[/]
    """
    import json

    from segue.cli.terminal import plain, progress, say, size_of
    from segue.library import Library
    from segue.library.themes import Themes
    from segue.systems.title_encoder import checkpoints_of, finetune_encoder
    from segue.train.settings import preset as settings_of

    given = {"method": method, "epochs": epochs, "batch_size": batch_size, "lr": lr}
    wanted = {name: value for name, value in given.items() if value is not None} | _settings(set_ or [])
    settings = settings_of(preset, loss).changed(**wanted)
    read = Library.load(library)
    found = None if themes is None else Themes.load(themes)
    if checkpoints_of(out).is_dir() and not restart:
        say(f"going on with the training in {checkpoints_of(out)}")
    with progress() as report:
        manifest = finetune_encoder(
            read,
            out,
            settings=settings,
            themes=found,
            base_model=base_model,
            everything=everything,
            restart=restart,
            finish=finish,
            progress=report,
        )
    if as_json:
        print(json.dumps(manifest, indent=2))
    for line in learnt(manifest):
        say(line)
    say(f"wrote {out} ({size_of(out)}, fingerprint {manifest['fingerprint']})")
    say(f"next: segue evaluate {plain(str(library))} --encoders pretrained,{plain(out.name)}={out} -o report")


def _settings(given: list[str]) -> dict[str, Any]:
    """NAME=VALUE, read by the type of the setting.

    Raises:
        InputError: no such setting, or a value that does not fit it.
    """
    from dataclasses import fields
    from typing import get_type_hints

    from pydantic import ConfigDict, TypeAdapter, ValidationError

    from segue.errors import InputError
    from segue.train.settings import FinetuneSettings

    hints = get_type_hints(FinetuneSettings)
    known = [field.name for field in fields(FinetuneSettings) if field.name not in ("loss", "method", "preset")]
    values: dict[str, Any] = {}
    for one in given:
        name, sign, value = (part.strip() for part in one.partition("="))
        if not sign or name not in known:
            raise InputError(f"--set {one!r} names no setting; give NAME=VALUE with one of {', '.join(known)}")
        try:
            values[name] = TypeAdapter(hints[name], config=ConfigDict(strict=False)).validate_python(
                None if value == "none" else value
            )
        except ValidationError as error:
            reason = error.errors()[0]["msg"].lower()
            raise InputError(f"--set {name} cannot be {value!r} ({reason})") from error
    return values


def learnt(manifest: Mapping[str, Any]) -> list[str]:
    """What the training did, as sentences."""
    from segue.train.effect import Effect

    lines = []
    for epoch in manifest["history"]:
        parts = [
            f"{name} {epoch[key]:.4f}"
            for name, key in (
                ("loss", "train_loss"),
                ("validation loss", "validation_loss"),
                ("accuracy", "validation_accuracy"),
                ("NDCG@500", "validation_metric"),
            )
            if epoch[key] is not None
        ]
        kept = ", kept" if epoch["epoch"] == manifest["best_epoch"] else ""
        if parts:
            lines.append(f"epoch {epoch['epoch'] or '0 (before training)'}: {', '.join(parts)}{kept}")
    for name, one in manifest["metrics"].items():
        if "ratio" in name:
            lines.append(f"validation {name}: {one['mean']:.3f} [{one['low']:.3f}, {one['high']:.3f}]")
    return [*lines, *Effect(**manifest["effect"]).sentences]
