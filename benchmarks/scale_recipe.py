"""Steps of the scale benchmark: the published recipe and the title x track votes, each beside the naive way."""

from __future__ import annotations

import numpy as np
from measure import Clock, latencies, say
from scale_common import Place, Remembering, StoredTitles, asked_titles, encoder, library

from segue.library import Query

__all__ = ["recipe_build", "recipe_naive", "recipe_query", "votes", "votes_naive"]

_NAIVE_QUERIES = 12
_NAIVE_PLAYLISTS = 20_000


def recipe_build(place: Place) -> None:
    """Library on disk -> recipe in memory; keeps the vectors of the raw titles for the steps that follow."""
    from segue.recommend.nearest import PublishedRecipe

    # the recipe merges titles with one vector ("Rock" and "rock", say); the naive way knows no such thing
    remembering = Remembering(encoder(place))
    recipe = PublishedRecipe.fitted(library(place), remembering)
    assert remembering.first is not None
    np.save(place.vectors, remembering.first)
    say({"raw_titles": len(remembering.first), "titles": len(recipe.titles), "playlists": recipe.playlists.n_rows})


def recipe_query(place: Place) -> None:
    from segue.recommend.nearest import PublishedRecipe

    made = library(place)
    stored = StoredTitles(encoder(place), np.load(place.vectors, mmap_mode="r"))
    recipe = PublishedRecipe.fitted(made, stored)
    asked = asked_titles(place, made.titles)
    facts = latencies(lambda title: recipe.recommend(Query(title), 66), asked)
    facts |= {
        f"encode_{k}": v for k, v in latencies(lambda t: stored.inner.encode([t]), asked).items() if k == "p50_ms"
    }
    say(facts)


def recipe_naive(place: Place) -> None:
    import naive

    made = library(place)
    row_of: dict[str, int] = {}
    title_rows = np.array([row_of.setdefault(title, len(row_of)) for title in made.titles])
    of_titles = np.load(place.vectors)  # of the distinct raw titles
    if len(of_titles) != len(row_of):
        raise SystemExit(
            f"{place.vectors} has {len(of_titles)} vectors for {len(row_of)} titles; run recipe_build again"
        )
    vectors = of_titles[title_rows]  # a row for every playlist
    inner = encoder(place)
    asked = asked_titles(place, made.titles)[:_NAIVE_QUERIES]
    lists = made.playlist_tracks
    say(
        latencies(
            lambda title: naive.recommend(title, inner.encode, vectors, lambda row: lists.row(row).tolist()),
            asked,
            warm_up=1,
        )
    )


def votes(place: Place) -> None:
    """Title x track votes without smoothing: the table that is computed once for each title."""
    from segue.recommend.titles import TitleTable
    from segue.recommend.vote_table import vote_table

    made = library(place)
    with Clock() as reading:
        titles = TitleTable.of(made)
    with Clock() as sorting:
        tracks = made.playlist_tracks.matrix()
    with Clock() as clock:
        table = vote_table(titles, tracks, smoothing=0.0, length_power=0.25, max_tracks=1_000)
    say(
        {
            "votes_cpu_s": round(clock.cpu_s, 2),
            "titles_cpu_s": round(reading.cpu_s, 2),
            "matrix_cpu_s": round(sorting.cpu_s, 2),
            "titles": len(titles),
            "entries": int(table.nnz),
        }
    )


def votes_naive(place: Place) -> None:
    """Counters, on at most 20,000 playlists, scaled to all rows (a dict of them all would not fit)."""
    import naive

    made = library(place)
    n = min(_NAIVE_PLAYLISTS, made.n_playlists)
    lists = made.playlist_tracks
    with Clock() as clock:
        naive.title_votes(made.titles[:n], lambda row: lists.row(row).tolist())
    share = int(lists.indptr[n]) / len(lists.indices)
    say({"votes_cpu_s": round(clock.cpu_s / share, 2), "measured_on": n})
