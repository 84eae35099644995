"""``segue distil``: a small model that writes descriptions, learnt from those of people and of a large model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from segue.enrich.distil import Origin
    from segue.library import Library

__all__ = ["distil"]

_ORIGINS = ("people", "model", "extractive")


def distil(
    library: Annotated[Path, typer.Argument(metavar="LIBRARY", help="Library folder.", show_default=False)],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to write.", show_default=False)],
    base: Annotated[
        Path | None,
        typer.Option(
            "--base",
            metavar="FOLDER",
            help="A Hugging Face folder of a sequence-to-sequence model (Flan-T5, say), with safetensors.",
            show_default=False,
        ),
    ] = None,
    origins: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="ORIGIN,...",
            help="Whose descriptions to learn: people, model, or extractive (the stand-in's).",
        ),
    ] = "people,model",
    method: Annotated[
        Literal["lora", "full"], typer.Option("--method", help="Low-rank changes, or all weights.")
    ] = "lora",
    rank: Annotated[int, typer.Option("--rank", min=1, help="Of the low-rank changes.")] = 16,
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="At most.")] = 10,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Playlists a step.")] = 8,
    lr: Annotated[
        float | None,
        typer.Option("--lr", help="Learning rate.", show_default="1e-3 for lora, 1e-4 for full"),
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Train nothing: write descriptions into LIBRARY with the model in -o.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="With --apply: also where there is a written description.")
    ] = False,
    base_model: Annotated[
        str | None,
        typer.Option("--base-model", help="Sentence encoder that measures.", show_default="all-MiniLM-L6-v2"),
    ] = None,
    distractors: Annotated[
        int, typer.Option("--distractors", min=0, help="Other playlists that are described and searched too.")
    ] = 500,
    restart: Annotated[bool, typer.Option("--restart", help="Forget a training that was stopped.")] = False,
    rng_key: Annotated[int, typer.Option("--rng-key", min=0, help="Another draw.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Distil a small model that describes playlists.

    It reads what a large model reads, a title and the first 15 tracks, and learns what people (editors) and large
    models wrote. The report says how near it comes in wording (ROUGE-L) and meaning, and above all what its
    descriptions change when they are indexed for search. A training that was stopped goes on.

    [dim]segue distil library -o describer --base flan-t5-small[/]

    [dim]segue distil library -o describer --apply[/]
    """
    from segue.cli.terminal import counted, progress, say
    from segue.enrich.distil import distil as train
    from segue.errors import InputError
    from segue.library import Library
    from segue.train.seq2seq import Seq2SeqSettings

    if apply:
        _apply(library, out, again=again, as_json=as_json)
        return
    if base is None:
        raise InputError("no model to start from was named; give a folder with --base (a Flan-T5, say)")
    settings = Seq2SeqSettings(
        method=method, lora_rank=rank, epochs=epochs, batch_size=batch_size, lr=lr, rng_key=rng_key
    )
    read = Library.load(library)
    with progress() as report:
        describer, pairs = train(
            read, base, out, origins=_chosen(origins), settings=settings, restart=restart, progress=report
        )
        about = describer.manifest
        say(
            f"{counted(about['pairs']['train'], 'description')} trained on, {about['trainable']:,} of "
            f"{about['parameters']:,} parameters moved; epoch {about['best_epoch']} kept"
        )
        try:
            found = _measured(describer, read, pairs, base_model, distractors, report)
        except InputError as error:
            say(f"not measured: {error}")
            found = None
    if found is not None:
        found.save(out / "report")
        for sentence in found.sentences():
            say(sentence)
    if as_json:
        _print(about if found is None else found.to_json())
    say(f"wrote {out}")


def _chosen(origins: str) -> list[Origin]:
    from segue.errors import InputError

    chosen: list[Any] = [name.strip() for name in origins.split(",") if name.strip()]
    for name in chosen:
        if name not in _ORIGINS:
            raise InputError(f"there is no origin {name!r}; there are {', '.join(_ORIGINS)}")
    return chosen


def _measured(
    describer: Any, library: Library, pairs: Any, base_model: str | None, distractors: int, report: Any
) -> Any:
    from segue.encode.locate import base_model_folder
    from segue.encode.sentence import SentenceEncoder
    from segue.systems.distilled import measure_distilled
    from segue.views.playlist_text import PlaylistText

    view = PlaylistText(parts=("title", "artists", "tags"))
    return measure_distilled(
        describer,
        library,
        pairs,
        SentenceEncoder.open(base_model_folder(base_model)),
        texts=lambda of, rows: view.texts(of, rows),
        distractors=distractors,
        progress=report,
    )


def _apply(library: Path, folder: Path, *, again: bool, as_json: bool) -> None:
    from segue.cli.terminal import counted, progress, say, two_arguments
    from segue.enrich.distil import DistilledDescriber
    from segue.library import Library
    from segue.library.folders import locked

    describer = DistilledDescriber.open(folder)
    with progress() as report, locked(library, lambda: say("waiting for another command that changes the library")):
        made, n = describer.applied(
            Library.load(library), again=again, progress=two_arguments(report, "playlists described")
        )
        made.save(library)
    if as_json:
        _print({"described": n, "by": describer.name})
    say(f"{counted(n, 'playlist')} described by {describer.name}")


def _print(value: Any) -> None:
    import msgspec

    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
