"""``segue towers``: listeners and the tracks they love -> a two-tower model, and tracks for a listener."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from segue.library import Query
    from segue.systems.two_tower_folder import TwoTowerModel

__all__ = ["app"]

app = typer.Typer(name="towers", no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False)


@app.callback()
def towers() -> None:
    """Learn what listeners love, and recommend tracks to them, new tracks included.

    [dim]segue towers train LIBRARY -o MODEL[/] needs a library with listeners ('segue listeners').

    [dim]segue towers recommend MODEL --tracks "Dreams, Fleetwood Mac"[/] answers for a listener.
    """


@app.command()
def train(
    library: Annotated[Path, typer.Argument(metavar="LIBRARY", help="Library with listeners.", show_default=False)],
    out: Annotated[Path, typer.Option("-o", "--out", help="Model folder to write.", show_default=False)],
    view: Annotated[
        str,
        typer.Option(
            "--view",
            help="What is read of a track: name, name_artist, summary, lyrics:25, tags, some joined by '+', or none.",
        ),
    ] = "name",
    encoder: Annotated[
        str | None,
        typer.Option(
            "--encoder",
            help="What makes vectors of it: 'sentence', 'ngrams', or a sentence encoder as for 'segue train'.",
            show_default="sentence: all-MiniLM-L6-v2",
        ),
    ] = None,
    preset: Annotated[
        Literal["segue", "published"],
        typer.Option(
            "--preset", help="segue, or the published shape with sampled edges and a network over the pair."
        ),
    ] = "segue",
    epochs: Annotated[int | None, typer.Option("--epochs", min=1, show_default="of the preset")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Any other setting, repeatedly: lr, dropout, loss, head, embedding, rng_key ...",
            show_default=False,
        ),
    ] = None,
    core: Annotated[
        int, typer.Option("--core", min=0, help="Listeners and tracks need so many of each other to take part.")
    ] = 5,
    cold: Annotated[
        float, typer.Option("--cold", help="Share of the tracks whose interactions are all held out, to measure.")
    ] = 0.1,
    everything: Annotated[
        bool, typer.Option("--all", help="Hold nothing out for testing and no track cold: to ship, not to measure.")
    ] = False,
    rng_key: Annotated[int, typer.Option("--rng-key", min=0, help="Key of the split and of the training.")] = 0,
    cache: Annotated[
        Path | None,
        typer.Option(
            "--cache", help="Folder where vectors of texts are kept.", show_default="~/.cache/segue/vectors"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what training did as JSON.")] = False,
) -> None:
    """Train two towers on the tracks that a library's listeners love.

    Some interactions of each listener are held out, and of some tracks all of them: validation ones choose the epoch,
    test ones are for 'segue evaluate LIBRARY --protocol users'. With --all only the validation ones are.

    [dim]segue towers train listeners -o towers[/]

    [dim]segue towers train listeners -o towers --view name+tags --set dropout=0.2[/]

    [dim]segue towers train listeners -o published --preset published --view lyrics:25[/]
    """
    import json
    import tempfile

    from segue.cli.terminal import progress, say, size_of
    from segue.library import Library
    from segue.library.folders import check_place
    from segue.split.users import split_users
    from segue.systems.themes import cache_folder
    from segue.systems.two_tower import learn
    from segue.systems.two_tower_folder import KIND
    from segue.systems.two_tower_text import track_reader
    from segue.train.two_tower_settings import tower_preset
    from segue.views.specs import view_of

    given = _settings(set_ or []) | ({} if epochs is None else {"epochs": epochs})
    settings = tower_preset(preset).changed(**{"rng_key": rng_key, **given})
    reading = None if view == "none" else view_of(view)
    check_place(out, KIND)
    held = {"test": 0.0, "cold": 0.0} if everything else {"cold": cold}
    split = split_users(Library.load(library), k=core, rng_key=rng_key, **held)
    say(f"{split.n_users:,} listeners, {split.n_tracks:,} tracks, {len(split.train.indices):,} training interactions")
    with progress() as report, tempfile.TemporaryDirectory(prefix="segue-") as scratch:
        reader = None
        if reading is not None:
            base_model = None if encoder == "sentence" else encoder
            reader = track_reader(split, reading, Path(scratch), base_model, cache or cache_folder())
        learnt = learn(split, reading, reader, settings, progress=report)
    learnt.model.save(out)
    if as_json:
        print(json.dumps({"fingerprint": learnt.model.fingerprint, **learnt.model.about}, indent=2))
    for line in what_was_learnt(learnt.model.about):
        say(line)
    say(f"wrote {out} ({size_of(out)}, fingerprint {learnt.model.fingerprint})")
    say(f'next: segue towers recommend {out} --tracks "Name, Artist"')


@app.command()
def recommend(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Two-tower model.", show_default=False)],
    user: Annotated[
        str | None, typer.Option("--user", metavar="ID", help="A listener of the library.", show_default=False)
    ] = None,
    tracks: Annotated[
        list[str] | None,
        typer.Option(
            "--tracks", metavar='"NAME, ARTIST"', help="A track they love; may be repeated.", show_default=False
        ),
    ] = None,
    country: Annotated[str, typer.Option("--country", help="As the library writes it.", show_default=False)] = "",
    n: Annotated[int, typer.Option("-n", min=1, max=10_000, help="Number of tracks.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """Recommend tracks to a listener: one of the library, or anybody who names a few tracks.

    [dim]segue towers recommend towers --tracks "Dreams, Fleetwood Mac" --tracks "Africa, Toto" -n 20[/]

    [dim]segue towers recommend towers --user user:0123456789abcdef --json[/]
    """
    from segue.cli.terminal import plain, say
    from segue.systems.listener_answers import listener_answer
    from segue.systems.two_tower_folder import TwoTowerModel

    opened = TwoTowerModel.open(model)
    answer = listener_answer(opened, _query(opened, user, tracks or [], country), n)
    if as_json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(answer), indent=2).decode())
        return
    for row in answer["tracks"]:
        print(plain(f"{row['rank']:>4}  {row['name'] or row['track_id']} - {row['artist'] or 'unknown'}"))
    for sentence in answer["ignored"]:
        say(sentence)


def what_was_learnt(about: Mapping[str, Any]) -> list[str]:
    """What the training did, as sentences."""
    lines = []
    for epoch in about["history"]:
        found = epoch["metrics"]
        parts = [] if epoch["train_loss"] is None else [f"loss {epoch['train_loss']:.4f}"]
        parts += [f"{name} {found[name]:.4f}" for name in ("hr@10 all", "ndcg@10 all") if name in found]
        among = found.get("hr@10 strict cold among cold")
        parts += [] if among is None else [f"hr@10 of cold tracks among cold ones {among:.4f}"]
        kept = ", kept" if epoch["epoch"] == about["best_epoch"] else ""
        if parts:
            lines.append(f"epoch {epoch['epoch'] or '0 (before training)'}: {', '.join(parts)}{kept}")
    moved = about["effect"]
    return [*lines, f"{moved['changed_tensors']} of {moved['tensors']} tensors changed"]


def _query(model: TwoTowerModel, user: str | None, tracks: list[str], country: str) -> Query:
    """What is asked.

    Raises:
        InputError: nothing is, or both ways are used at once. QueryError: a track or listener that is not there.
    """
    from segue.errors import InputError, QueryError
    from segue.library import Query

    if user is not None and tracks:
        raise InputError("a listener has their own tracks; give --user or --tracks, not both")
    if user is not None:
        return model.query_of(user, country)
    if not tracks and not country:
        raise InputError('nothing was asked for; give --user ID, or tracks with --tracks "Name, Artist"')
    rows = []
    for text in tracks:
        found = model.catalogue.find(text)
        if not found:
            from segue.cli.near import near_tracks

            near = near_tracks(model.catalogue, text, model.recommender.popularity.order)
            said = f"it has {', '.join(repr(name[:120]) for name in near)}" if near else 'give it as "Name, Artist"'
            raise QueryError(f"no listener that the model learnt from has {text[:120]!r}; {said}")
        rows.append(found[0])
    return Query(seed_tracks=tuple(rows), country=country)


def _settings(given: list[str]) -> dict[str, Any]:
    """NAME=VALUE, read by the type of the setting; several values are separated by commas.

    Raises:
        InputError: no such setting, or a value that does not fit it.
    """
    from dataclasses import fields
    from typing import get_type_hints

    from pydantic import ConfigDict, TypeAdapter, ValidationError

    from segue.errors import InputError
    from segue.train.two_tower_settings import TowerSettings

    hints = get_type_hints(TowerSettings)
    known = [field.name for field in fields(TowerSettings) if field.name != "preset"]
    values: dict[str, Any] = {}
    for one in given:
        name, sign, value = (part.strip() for part in one.partition("="))
        if not sign or name not in known:
            raise InputError(f"--set {one!r} names no setting; give NAME=VALUE with one of {', '.join(known)}")
        several = name in ("track", "user", "hidden")
        read = [part.strip() for part in value.split(",") if part.strip()] if several else value
        try:
            values[name] = TypeAdapter(hints[name], config=ConfigDict(strict=False)).validate_python(
                None if value == "none" else read
            )
        except ValidationError as error:
            reason = error.errors()[0]["msg"].lower()
            raise InputError(f"--set {name} cannot be {value!r} ({reason})") from error
    return values
