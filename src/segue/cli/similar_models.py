"""For ``segue similar``: which model answers, and what is known of the given tracks."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from segue.errors import InputError, QueryError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from segue.library import Library
    from segue.systems.track_answers import GivenTracks
    from segue.systems.track_model import TrackModel

__all__ = ["DEFAULT", "given_tracks", "model_for", "no_address", "tracks_of"]

DEFAULT = Path("tracks.model")
_MOST_GIVEN = 1_000
# Where playlists of a service can be had as a file: what the address needs, and what does without.
_SERVICES = {
    "spotify": ("Spotify's Web API and an app of your own", "export it with Exportify (exportify.app) to CSV"),
    "apple": ("Apple's MusicKit and a developer token", "export the playlist from the Music app to XML or M3U"),
    "youtube": ("YouTube's Data API and a key", "export it with Google Takeout to CSV"),
    "deezer": ("Deezer's API", "export it with TuneMyMusic to CSV"),
    "tidal": ("TIDAL's API and an app", "export it with TuneMyMusic to CSV"),
    "listenbrainz": ("ListenBrainz's API", "download it there as JSPF"),
    "last.fm": ("Last.fm's API and a key", "fetch loved tracks with 'segue fetch' or give a CSV"),
}


def no_address(text: str) -> None:
    """Refuse the address of a playlist: say which source it would need, and which file does instead.

    Raises:
        InputError: it is one.
    """
    parts = urlsplit(text)
    is_uri = text.lower().startswith("spotify:")
    if not is_uri and parts.scheme not in ("http", "https"):
        return
    host = "spotify" if is_uri else (parts.hostname or "")
    known = next((about for name, about in _SERVICES.items() if name in host), None)
    needs, instead = known or ("a source that Segue does not have", "export it to CSV, M3U, XSPF or JSPF")
    raise InputError(f"{text[:120]} is an address, and reading it needs {needs}; {instead} and give that file")


def model_for(
    model: Path | None,
    train: Path | None,
    playlists: Sequence[str],
    sources: Sequence[Path],
    *,
    base_model: str | None,
    epochs: int | None,
    cache: Path | None,
) -> tuple[TrackModel, Library | None]:
    """The model that answers, and the playlists whose tracks alone may be listed (None for all).

    With ``train`` a model is learnt and written; with playlists and no model one is learnt of
    the playlists, annotated by ``sources``; else a folder is opened.

    Raises:
        InputError: there is no model, or an address instead of a file.
    """
    from segue.cli.terminal import say, size_of
    from segue.library import Library
    from segue.library.folders import check_place
    from segue.systems.track_model import KIND, TrackModel

    for text in playlists:
        no_address(text)
    restricted = _playlists(playlists) if playlists else None
    if train is not None:
        place = DEFAULT if model is None else model
        check_place(place, KIND)
        learnt = _learnt(Library.load(train), base_model, epochs, cache, place)
        say(f"wrote {place} ({size_of(place)}, fingerprint {learnt.fingerprint})")
        return learnt, restricted
    if model is None and restricted is not None and not DEFAULT.is_dir():
        from segue.cli.terminal import progress
        from segue.sources.annotations import annotate

        if sources:
            with progress() as report:
                restricted, _ = annotate(restricted, sources, progress=report)
        say("there is no track model, so one is learnt of these playlists alone")
        return _learnt(restricted, base_model, epochs, cache, None), None
    place = DEFAULT if model is None else model
    if model is None and not place.is_dir():
        raise InputError(
            f"no track model was named, and there is none in ./{DEFAULT}; give one with -m, or make one with "
            "'segue similar --train LIBRARY'"
        )
    return TrackModel.load(place), restricted


def _playlists(paths: Sequence[str]) -> Library:
    from segue.cli.terminal import progress, two_arguments
    from segue.sources.ingest import ingest

    with progress() as report:
        return ingest(list(paths), progress=two_arguments(report, "reading playlists"))


def _learnt(
    library: Library, base_model: str | None, epochs: int | None, cache: Path | None, place: Path | None
) -> TrackModel:
    """Learn, and write where there is a place."""
    from segue.cli.terminal import progress, say
    from segue.systems.themes import cache_folder
    from segue.systems.track_neighbours import TrackSettings, learn
    from segue.systems.track_texts import texts_reader

    settings = TrackSettings()
    if epochs is not None:
        settings = replace(settings, vectors=replace(settings.vectors, epochs=epochs))
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="segue-")))
        report = stack.enter_context(progress())
        texts, folder = texts_reader(library, scratch, base_model, cache or cache_folder())
        learnt = learn(library, texts, settings, texts_folder=folder, progress=report)
        for sentence in what_was_learnt(learnt):
            say(sentence)
        if place is not None:
            learnt.save(place)
    return learnt


def what_was_learnt(model: TrackModel) -> list[str]:
    """What a track model is made of, as sentences."""
    near = model.neighbours
    said = []
    for half in near.halves:
        weight = near.weights[half.name]
        counts = f"weight {weight:g}" if weight else "weight 0: it brought nothing on validation playlists"
        said.append(f"{half.name}: {int(half.known.sum()):,} of {near.n_tracks:,} tracks, {counts}")
    said.append(f"the same artist counts {near.same_artist:g} deviations")
    trials = model.about.get("weights", {}).get("trials") or []
    if trials:
        best = max(trials, key=lambda trial: float(trial.get("recall@50", 0)))
        said.append(f"on validation playlists, which chose the weights: recall@50 {best.get('recall@50', 0):.4f}")
    for name, about in (model.about.get("training") or {}).items():
        said += [f"{name}: {sentence}" for sentence in about.get("warnings", ())]
    return said


def tracks_of(model: TrackModel, playlists: Library) -> NDArray[np.bool_]:
    """Which tracks of the catalogue are in the playlists, by id, else by name and artist; what is not is said.

    Raises:
        InputError: none is.
    """
    import numpy as np

    from segue.cli.terminal import counted, say

    only, missing = np.zeros(len(model.catalogue), bool), 0
    rows = np.unique(playlists.playlist_tracks.indices)
    table = playlists.tracks[rows.tolist()].select("track_id", "name", "artist").fill_null("")
    for track_id, name, artist in table.iter_rows():
        found = model.catalogue.find_id(track_id)
        same = [found] if found is not None else model.catalogue.find_name(name, artist) if name and artist else []
        only[same] = True
        missing += not same
    if not only.any():
        raise InputError("the model knows no track of these playlists; train one on a library that holds them")
    if missing:
        say(f"{counted(missing, 'track')} of {len(rows):,} in these playlists {'is' if missing == 1 else 'are'} not "
            "in the model's catalogue and cannot be listed")  # fmt: skip
    return only


def given_tracks(model: TrackModel, texts: Sequence[str], sources: Sequence[Path], *, fetch: bool) -> GivenTracks:
    """The given tracks: rows of the catalogue, and the others as sources know them.

    Raises:
        QueryError: one is not in the catalogue and there is no source to look it up in, or too many are given.
    """
    from segue.systems.track_answers import GivenTracks, find

    if len(texts) > _MOST_GIVEN:
        raise QueryError(f"{len(texts):,} tracks were given; give at most {_MOST_GIVEN:,}")
    rows: dict[int, None] = {}
    names, unknown = [], []
    for text in texts:
        row = find(model, text)
        if row is None:
            unknown.append(text)
            continue
        rows[row] = None
        track = model.catalogue.track(row)
        names.append(f"{track.name} - {track.artist}")
    if not unknown:
        return GivenTracks(tuple(rows), tuple(names))
    if not sources and not fetch:
        raise QueryError(_not_there(model, unknown[0]))
    from segue.cli.similar_outside import looked_up

    outside, said = looked_up(model, unknown, sources, fetch=fetch)
    return GivenTracks(tuple(rows), (*names, *unknown), tuple(outside), tuple(said))


def _not_there(model: TrackModel, text: str) -> str:
    from segue.cli.near import near_tracks

    near = near_tracks(model.catalogue, text, model.neighbours.popularity.order)
    meant = f"it has {', '.join(repr(name[:120]) for name in near)}; or" if near else 'write "Name, Artist", or'
    return (
        f"the catalogue has no track {text[:120]!r}; {meant} let it be looked up with --features FILE, --lyrics FILE "
        "or --fetch"
    )
