"""``segue feedback``: what people said of lists: look, take it to training, forget somebody."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segue.cli.options import DataOption, chosen_data

if TYPE_CHECKING:
    from segue.serve.store import Store

__all__ = ["app"]

app = typer.Typer(
    name="feedback",
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="What people said of lists of a service: show, export for training, forget.",
)

_Json = Annotated[bool, typer.Option("--json", help="The same as JSON.")]
_MOST_PEOPLE = 20


@app.command()
def show(
    person: Annotated[
        str | None,
        typer.Argument(metavar="[PERSON]", help="A pseudonym; without it everybody.", show_default=False),
    ] = None,
    data: DataOption = None,
    as_json: _Json = False,
) -> None:
    """Say how much was said, and how likely each place of a list is looked at; or what one person said.

    People are pseudonyms that browsers made up. Where a service wants keys, the id of the key stands before them.

    [dim]segue feedback show[/]

    [dim]segue feedback show 4f2c8a017be94d10 --json[/]
    """
    with _opened(data) as store:
        found = _of_person(store, _name(person)) if person is not None else _of_everybody(store)
    if as_json:
        import json

        print(json.dumps(found, indent=2, ensure_ascii=False))
        return
    from segue.cli.terminal import print_facts

    print_facts(_lines(found))


@app.command()
def export(
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to write.", show_default=False)],
    data: DataOption = None,
    library: Annotated[
        Path | None,
        typer.Option("--library", help="Also write this library with the kept playlists added.", show_default=False),
    ] = None,
) -> None:
    """Write what training takes: playlists of kept tracks, who kept what, and graded pairs of title and track.

    What stands first is judged more often, whatever it is. How likely each place is looked at is estimated from
    tracks that stood in several places under one title, and grades count each judgement by the inverse. Pseudonyms
    become digests. What was exported before somebody is forgotten has to be deleted by hand.

    [dim]segue feedback export -o feedback[/]

    [dim]segue feedback export --library library -o feedback && segue train feedback/library -o model[/]

    [dim]segue ingest mpd.zip feedback/playlists.jsonl -o library[/]
    """
    from segue.cli.terminal import counted, say
    from segue.enrich.feedback_library import KIND, exported, write_feedback
    from segue.library import Library
    from segue.library.folders import check_place

    check_place(out, KIND)
    base = None if library is None else Library.load(library)
    with _opened(data) as store:
        found = exported(store.events())
    about = write_feedback(found, out, base)
    if not found.places.known:
        say("too few tracks stood in several places to tell how places are looked at; all count alike")
    say(
        f"wrote {out}: {counted(about['playlists'], 'playlist')} of kept tracks, {counted(about['pairs'], 'pair')}, "
        f"from {counted(about['events'], 'event')} of {counted(about['people'], 'person', 'people')}"
    )
    if base is not None:
        say(f"next: segue train {out / 'library'} -o model")


@app.command()
def forget(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="The pseudonym.", show_default=False)],
    data: DataOption = None,
) -> None:
    """Delete what is stored of a person: events, saved playlists, their links. It is overwritten, not only unlinked.

    [dim]segue feedback forget 4f2c8a017be94d10[/]
    """
    from segue.cli.terminal import counted, say
    from segue.errors import InputError

    with _opened(data) as store:
        gone = store.forget(_name(person))
    if not gone:
        raise InputError(f"nothing is stored of {person!r}; 'segue feedback show' lists who said something")
    say(f"forgot {person}: {counted(gone, 'event or playlist', 'events and playlists')}")


def _name(person: str) -> str:
    """As it is stored: the id of a key, a colon, the pseudonym."""
    return person if ":" in person else f":{person}"


def _opened(data: Path | None) -> Any:
    """The store of a service that has run here.

    Raises:
        InputError: none has.
    """
    import contextlib

    from segue.errors import InputError
    from segue.serve.store import Store
    from segue.serve.store_file import FILE_NAME

    place = chosen_data(data)
    if not (place / FILE_NAME).is_file():
        raise InputError(f"no service has stored anything in {place}; give its data folder with --data")
    return contextlib.closing(Store.open(place))


def _of_everybody(store: Store) -> dict[str, Any]:
    from collections import Counter

    from segue.enrich.feedback import impressions, seen_places
    from segue.enrich.feedback_bias import BUCKETS

    events = list(store.events())
    people = store.people()
    places = seen_places(impressions(events))
    return {
        "events": len(events),
        "actions": dict(Counter(event.action for event in events)),
        "people": {name.removeprefix(":"): n for name, n in people[:_MOST_PEOPLE]},
        "more_people": max(len(people) - _MOST_PEOPLE, 0),
        "places": {
            "known": places.known,
            "swapped": places.swapped,
            "looked_at": dict(zip(map(str, BUCKETS), places.groups.round(4).tolist(), strict=True)),
        },
    }


def _of_person(store: Store, person: str) -> dict[str, Any]:
    from segue.errors import InputError

    taste = store.taste(person)
    events = [
        {"time": e.time, "action": e.action, "title": e.title, "track_id": e.track_id, "position": e.position}
        for e in store.events(person)
    ]
    saved = [{"playlist_id": p.playlist_id, "title": p.title, "tracks": len(p.tracks)} for p in store.listed(person)]
    if not events and not saved:
        raise InputError(f"nothing is stored of {person!r}; 'segue feedback show' lists who said something")
    return {**{kind: list(ids) for kind, ids in taste._asdict().items()}, "events": events, "playlists": saved}


def _lines(found: dict[str, Any]) -> list[tuple[str, str]]:
    lines = []
    for name, value in found.items():
        if name == "places":
            said = ", ".join(f"{first}: {p:.2f}" for first, p in value["looked_at"].items())
            lines.append(("looked at, from place", said if value["known"] else "not known yet"))
        elif isinstance(value, dict):
            lines.append((name, ", ".join(f"{key} ({n:,})" for key, n in value.items()) or "-"))
        elif name in ("events", "playlists") and isinstance(value, list):
            lines += [(name if i == 0 else "", _said(one)) for i, one in enumerate(value[-_MOST_PEOPLE:])]
        else:
            lines.append((name.replace("_", " "), ", ".join(value) if isinstance(value, list) else f"{value:,}"))
    return lines


def _said(one: dict[str, Any]) -> str:
    if "action" not in one:
        return f"{one['title']} ({one['tracks']} tracks, {one['playlist_id']})"
    return f"{one['action']} {one['track_id']} under {one['title']!r}".replace("  ", " ")
