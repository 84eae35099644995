"""Steps of the scale benchmark: the shipped title model, continuation, and what the scalable forms lose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from measure import Clock, latencies, say
from scale_common import Place, asked_titles, encoder, encoder_folder, library, progress_to_stderr

from segue.library import Library, Query, Run

__all__ = ["continuation_build", "continuation_query", "forms", "forms_ridge", "model_build", "model_query"]

_GIVEN = 5
_CAP = 2_000  # postings of a track, as shipped
_EXACT_STEPS = 8  # conjugate gradient steps; four and more give the same lists but for the tail


def model_build(place: Place) -> None:
    """Library on disk -> model folder: encoding, learning, votes, mentions, continuation."""
    from segue.systems.builds import train_model

    base = "ngrams" if place.encoder == "ngrams" else str(encoder_folder(place))
    with Clock() as clock:
        manifest = train_model(library(place), place.model, base_model=base, progress=progress_to_stderr())
    size = sum(path.stat().st_size for path in place.model.rglob("*") if path.is_file())
    say({"build_cpu_s": round(clock.cpu_s, 1), "build_wall_s": round(clock.wall_s, 1), "mb": round(size / 1e6, 1)})
    say({"fingerprint": manifest["fingerprint"]})


def _titles_of(place: Place) -> list[str]:
    return Library.load(place.library).titles


def model_query(place: Place) -> None:
    """Title -> 66 tracks: the ranking alone, and the whole answer with rules and reasons; title and given tracks."""
    from segue.systems.model import Model, Request

    asked = asked_titles(place, _titles_of(place))
    model = Model.load(place.model)
    facts: dict[str, Any] = latencies(lambda title: model.recommender.recommend(Query(title), 66), asked)
    whole = latencies(lambda title: model.answer(Request(title=title)), asked)
    facts |= {f"answer_{key}": value for key, value in whole.items() if key != "queries"}
    lists = model.playlist_tracks
    rows = np.random.default_rng(5).choice(lists.n_rows, len(asked), replace=lists.n_rows < len(asked))
    both = [Query(title, tuple(lists.row(row)[:_GIVEN].tolist())) for title, row in zip(asked, rows, strict=True)]
    given = latencies(lambda query: model.recommender.recommend(query, 500), both)
    say(facts | {f"given_{key}": value for key, value in given.items() if key != "queries"})


def continuation_build(place: Place) -> None:
    """The index that everything with given tracks searches, and the artists of the ridge."""
    from segue.recommend.playlist_index import PlaylistIndex
    from segue.recommend.playlist_ridge import PlaylistRidge

    made = library(place)
    with Clock() as clock:
        index = PlaylistIndex.of(made.playlist_tracks)
    with Clock() as artists:
        ridge = PlaylistRidge.fitted(index, made.artist_rows)
    index.save(place.continuation)
    ridge.save(place.continuation / "ridge")
    say(
        {
            "index_cpu_s": round(clock.cpu_s, 2),
            "artists_cpu_s": round(artists.cpu_s, 2),
            "postings": len(index.postings),
        }
    )


def continuation_query(place: Place) -> None:
    """Five given tracks -> 500 tracks, each part alone."""
    from segue.recommend.item_knn import ItemKnn
    from segue.recommend.playlist_index import PlaylistIndex
    from segue.recommend.playlist_knn import PlaylistKnn
    from segue.recommend.playlist_ridge import PlaylistRidge

    index = PlaylistIndex.load(place.continuation)
    ridge = PlaylistRidge.load(place.continuation / "ridge", index)
    rng = np.random.default_rng(5)
    rows = rng.choice(index.n_playlists, min(place.queries, index.n_playlists), replace=False)
    asked = [Query(seed_tracks=tuple(index.playlists.row(row)[:_GIVEN].tolist())) for row in rows.tolist()]
    facts: dict[str, Any] = {}
    parts = (("playlist_knn", PlaylistKnn(index)), ("item_knn", ItemKnn(index)), ("ridge", ridge))
    for name, recommender in parts:
        found = latencies(lambda query, asks=recommender: asks.recommend(query, 500), asked)
        facts |= {f"{name}_{key}": value for key, value in found.items()}
    say(facts)


def _forms_library(place: Place) -> Library:
    from planted_library import planted_library

    path = place.library if place.forms == place.playlists else place.folder / f"library-{place.forms}"
    if not (path / "manifest.json").exists():
        planted_library(place.forms).save(path)
    return Library.load(path)


def forms(place: Place) -> None:
    """NDCG@500 on planted test playlists: exact neighbours and long profiles against landmarks and short ones."""
    from segue.encode.cache import CachedEncoder
    from segue.library.vote_parameters import VoteParameters
    from segue.recommend.title_build import Learned, TitleCorpus, build_title_model
    from segue.recommend.vote_table import vote_table
    from segue.split.holdout import Held, held_out, holdout
    from segue.systems.title_vote import score_titles

    made = _forms_library(place)
    split = holdout(made)
    held = held_out(made, split)
    held = Held(held.rows[: 4 * place.queries], held.left_out)
    corpus = TitleCorpus.of(made.select_playlists(split.train), CachedEncoder(encoder(place), place.folder / "cache"))
    parameters = VoteParameters.untrained(corpus.vectors.shape[1])
    facts: dict[str, Any] = {"playlists": made.n_playlists, "test_playlists": len(held.rows)}
    for name, exact_up_to, max_tracks in (("exact", 10**9, 10**6), ("scalable", 0, 1_000)):
        with Clock() as clock:
            table = vote_table(
                corpus.titles,
                corpus.tracks,
                smoothing=0.5,
                length_power=parameters.length_power,
                max_tracks=max_tracks,
                exact_up_to=exact_up_to,
            )
        model = build_title_model(corpus, Learned(parameters), votes=table)
        facts |= {
            f"{name}_ndcg": round(score_titles(model, made, held), 4),
            f"{name}_cpu_s": round(clock.cpu_s, 1),
            f"{name}_entries": int(table.nnz),
        }
    facts["loss_percent"] = round(100 * (1 - facts["scalable_ndcg"] / facts["exact_ndcg"]), 2)
    say(facts)


def forms_ridge(place: Place) -> None:
    """NDCG@500 with the first five tracks given: the ridge over all playlists, solved out, against the shipped."""
    from segue.evaluate import evaluate
    from segue.recommend.playlist_index import PlaylistIndex
    from segue.recommend.playlist_ridge import PlaylistRidge
    from segue.split.challenge import scenario
    from segue.split.holdout import held_out, holdout

    made = _forms_library(place)
    split = holdout(made)
    queries, truth = scenario(made, held_out(made, split).rows[: 2 * place.queries], "first-5")
    lists, n_train = made.playlist_tracks.select(split.train), len(split.train)
    facts: dict[str, Any] = {"training_playlists": n_train, "queries": len(queries)}
    for name, postings, exact in (("exact", n_train, True), ("scalable", _CAP, False)):
        index = PlaylistIndex.of(lists, max_postings=postings)
        ridge = PlaylistRidge.fitted(index, made.artist_rows)
        if exact:
            ridge = replace(ridge, neighbours=None, steps=_EXACT_STEPS)
        with Clock() as clock:
            found = {query.query_id: ridge.recommend(query, 500).rows for query in queries}
        ndcg = evaluate(Run(name, found), truth, ["ndcg@500"])["ndcg@500"]
        facts |= {f"{name}_ndcg": round(ndcg, 4), f"{name}_ms": round(1e3 * clock.cpu_s / len(queries), 1)}
    say(facts | {"loss_percent": round(100 * (1 - facts["scalable_ndcg"] / facts["exact_ndcg"]), 2)})
