"""``segue sentiment``: labelled texts -> a model of moods; lyrics -> their moods; tweets against lyrics."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(name="sentiment", no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False)

ModelOption = Annotated[Path, typer.Option("-m", "--model", help="Sentiment model folder.", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the results as JSON.")]
_DATA = (
    "Labelled texts, also with .gz: TweetEval's NAME_text.txt beside NAME_labels.txt, Sentiment140, or a CSV with "
    "a text and a label column (tweets or lyrics)."
)


@app.callback()
def sentiment() -> None:
    """Moods of texts: negative, neutral, positive.

    [dim]segue sentiment train tweets.csv -o moods[/] fine-tunes the encoder.

    [dim]segue sentiment apply library -m moods[/] scores the lyrics of a library.

    [dim]segue sentiment evaluate lyrics.csv -m moods[/] says how much is lost from tweets to lyrics.
    """


@app.command()
def train(
    data: Annotated[Path, typer.Argument(metavar="FILE|FOLDER", help=_DATA, show_default=False)],
    out: Annotated[Path, typer.Option("-o", "--out", help="Model folder to write.", show_default=False)],
    evaluate: Annotated[
        Path | None,
        typer.Option(
            "--evaluate",
            help="Other labelled texts to report on, once; they choose nothing, and are taken out of the training.",
            show_default=False,
        ),
    ] = None,
    base_model: Annotated[
        str | None,
        typer.Option(
            "--base-model", help="Encoder to start from, as for 'segue train'.", show_default="all-MiniLM-L6-v2"
        ),
    ] = None,
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="At most.")] = 2,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Texts a step.")] = 32,
    lr: Annotated[float, typer.Option("--lr", help="Learning rate of the encoder.")] = 1e-4,
    frozen_layers: Annotated[
        int, typer.Option("--frozen-layers", min=0, help="Layers from the bottom that stay; fewer is slower.")
    ] = 3,
    smoothing: Annotated[
        float, typer.Option("--smoothing", help="Share of each label that is spread over all classes.")
    ] = 0.0,
    balanced: Annotated[
        bool, typer.Option("--balanced/--as-counted", help="Whether each class weighs the same in the loss.")
    ] = True,
    hold_out: Annotated[
        float, typer.Option("--hold-out", help="Share of the texts that chooses the epoch instead of training.")
    ] = 0.1,
    max_texts: Annotated[
        int,
        typer.Option("--max-texts", min=1, help="Of a larger data set so many are drawn; an epoch takes hours else."),
    ] = 50_000,
    rng_key: Annotated[int, typer.Option("--rng-key", help="Key of the random draws.")] = 0,
    threads: Annotated[int, typer.Option("--threads", min=1, help="Of torch.")] = 1,
    restart: Annotated[
        bool, typer.Option("--restart", help="Forget the checkpoints of a training that stopped.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Fine-tune the encoder with a head of moods on labelled short texts.

    Some 15 to 40 tweets a second and core. A training that was stopped goes on when the same command is run again.
    With --evaluate, report.html in the folder sets the model beside TF-IDF, the encoder as it came, and the majority.

    [dim]segue sentiment train tweeteval/train_text.txt -o moods --evaluate tweeteval/val_text.txt[/]

    [dim]segue sentiment train Tweets.csv -o moods --epochs 3[/]

    [dim]segue sentiment train labelled-lyrics.csv -o moods-of-lyrics[/]
    """
    from segue.cli.terminal import progress, say, size_of
    from segue.encode.sentiment import KIND
    from segue.library.folders import check_place
    from segue.sources.labelled_texts import read_labelled_texts
    from segue.systems.sentiment import checkpoints_of, train_sentiment
    from segue.train.sentiment import SentimentSettings

    settings = SentimentSettings(
        epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        frozen_layers=frozen_layers,
        smoothing=smoothing,
        balanced=balanced,
        hold_out=hold_out,
        rng_key=rng_key,
        threads=threads,
    )
    check_place(out, KIND)
    texts = read_labelled_texts(data).sample(max_texts, rng_key=rng_key)
    held = None if evaluate is None else read_labelled_texts(evaluate)
    for note, n in texts.notes.items():
        say(f"{texts.label}: {n:,} {note}")
    if checkpoints_of(out).is_dir() and not restart:
        say(f"going on with the training in {checkpoints_of(out)}")
    with progress() as report:
        manifest = train_sentiment(
            texts, out, settings=settings, held=held, base_model=base_model, restart=restart, progress=report
        )
    for epoch in manifest["history"]:
        kept = ", kept" if epoch["epoch"] == manifest["best_epoch"] else ""
        said = f"macro-recall {epoch['validation_macro_recall']:.3f} on texts held out of the training"
        say(f"epoch {epoch['epoch'] or '0 (before training)'}: {said}{kept}")
    _shown(manifest if json else manifest["evaluation"], json=json)
    say(f"wrote {out} ({size_of(out)}, fingerprint {manifest['fingerprint']}); see {out / 'report.html'}")
    say(f"next: segue sentiment apply LIBRARY -m {out}")


@app.command()
def apply(
    library: Annotated[Path, typer.Argument(metavar="LIBRARY", help="Library folder.", show_default=False)],
    model: ModelOption,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Library folder to write.", show_default="LIBRARY")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Score tracks anew that this model has scored.")] = False,
    cache: Annotated[
        Path | None,
        typer.Option(
            "--cache",
            help="Folder where vectors are kept, so that a stopped run goes on.",
            show_default="~/.cache/segue/vectors",
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Score the lyrics of a library: three columns of probabilities, null for tracks without lyrics.

    Songs are read in pieces as long as a tweet and their probabilities averaged, some 3 songs a second and core.

    [dim]segue sentiment apply library -m moods[/]

    [dim]segue sentiment apply library -m moods -o library-with-moods[/]
    """
    from segue.cli.terminal import counted, progress, say, two_arguments
    from segue.encode.sentiment import SentimentModel
    from segue.library import Library
    from segue.library.folders import check_place, locked
    from segue.systems.sentiment_apply import apply_sentiment
    from segue.systems.themes import cache_folder

    target = library if out is None else out
    check_place(target, "segue library")
    opened = SentimentModel.open(model)
    # two at once would each write what it read before the other one wrote
    with locked(target, lambda: say(f"waiting for another process that changes {target}")):
        read = Library.load(library)
        with progress() as report:
            done = two_arguments(report, "scoring lyrics")
            scored, counts = apply_sentiment(read, opened, cache=cache or cache_folder(), again=again, progress=done)
        scored.save(target)
    if json:
        _shown(counts, json=True)
    kept = f", {counts['kept']:,} were scored before" if counts["kept"] else ""
    silent = f", {counts['instrumental']:,} instrumental ones left out" if counts["instrumental"] else ""
    say(f"scored {counted(counts['scored'], 'track')} of {counts['tracks']:,}{kept}{silent}")
    say(f"wrote {target}")


@app.command()
def evaluate(
    data: Annotated[Path, typer.Argument(metavar="FILE|FOLDER", help=_DATA, show_default=False)],
    model: ModelOption,
    tweets: Annotated[
        Path | None,
        typer.Option(
            "--tweets",
            help="Labelled tweets that the model has not seen, to compare with.",
            show_default="what the model was evaluated on",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Page (HTML) to write.", show_default=False)] = None,
    json: JsonOption = False,
) -> None:
    """Report a model on other labelled texts, lyrics say, and what it loses against tweets, with intervals.

    [dim]segue sentiment evaluate labelled-lyrics.csv -m moods[/]

    [dim]segue sentiment evaluate labelled-lyrics.csv -m moods --tweets tweeteval/val_text.txt -o lyrics.html[/]
    """
    from segue.cli.terminal import progress, say, two_arguments
    from segue.encode.sentiment import SentimentModel
    from segue.library.arrays import write_bytes
    from segue.sources.labelled_texts import read_labelled_texts
    from segue.systems.sentiment import evaluate_sentiment
    from segue.systems.sentiment_report import evaluation_page

    opened = SentimentModel.open(model)
    held = read_labelled_texts(data)
    others = None if tweets is None else read_labelled_texts(tweets)
    with progress() as report:
        found = evaluate_sentiment(opened, held, tweets=others, progress=two_arguments(report, "scoring texts"))
    _shown(found, json=json)
    if found["drop"] is None:
        say("there are no tweets with the same classes to compare with; give some with --tweets")
    if out is not None:
        write_bytes(out, evaluation_page(found).encode())
        say(f"wrote {out}")


def _shown(found: object, *, json: bool) -> None:
    """Results on stdout: as JSON, or as a table; nothing where there are none."""
    if json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    elif isinstance(found, dict):
        from segue.cli.terminal import plain
        from segue.systems.sentiment_report import lines

        for line in lines(found):
            print(plain(line, 200))
