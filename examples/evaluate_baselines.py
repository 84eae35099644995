"""Baselines under the title protocol: what a title model has to beat, with intervals.

    python examples/evaluate_baselines.py

The playlists are synthetic, so these figures say nothing about the world; with a library of your own they do.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import segue
from segue.evaluate import interval, paired
from segue.recommend.nearest import NgramNearest
from segue.recommend.popularity import Popularity
from segue.recommend.same_title import SameTitle
from segue.sources.demo import write

METRICS = ["r_precision", "ndcg@500", "precision@10", "clicks"]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), 1_500)
        library = segue.read_mpd(folder)
    split = segue.holdout(library)
    training = library.select_playlists(split.train)
    methods: dict[str, segue.Recommender] = {
        "popularity": Popularity.fitted(training.playlist_tracks),
        "same_title": SameTitle.fitted(training),
        "ngrams": NgramNearest.fitted(training),
    }
    queries, truth = segue.playlist_queries(library, segue.held_out(library, split).rows)
    print(f"{len(queries)} held-out titles, {training.n_playlists:,} training playlists")
    values = {}
    for name, method in methods.items():
        run = segue.Run(name, {q.query_id: method.recommend(segue.Query(q.title), 500).rows for q in queries})
        values[name] = segue.per_query(run, truth, METRICS)
        print(f"{name:12}", "  ".join(f"{metric} {values[name][metric].mean():.3f}" for metric in METRICS))
    ndcg = {name: found["ndcg@500"] for name, found in values.items()}
    print("ngrams, ndcg@500:", interval(ndcg["ngrams"]))
    print("ngrams against popularity:", paired(ndcg["ngrams"], ndcg["popularity"]))


if __name__ == "__main__":
    main()
