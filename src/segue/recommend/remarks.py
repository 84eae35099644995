"""Sentences about what of a query could not be used."""

from __future__ import annotations

from segue.library.query import Query

__all__ = ["remarks"]


def remarks(query: Query, n_tracks: int, *, uses_title: bool, uses_seeds: bool) -> tuple[str, ...]:
    """Say what a recommender of this kind leaves unused.

    >>> remarks(Query("rain", (7, 900)), 100, uses_title=False, uses_seeds=True)
    ('the title was not used', '1 of 2 given tracks is not in the catalogue')
    >>> remarks(Query(), 100, uses_title=True, uses_seeds=True)
    ('nothing was asked for, so these are the most popular tracks',)
    """
    said = []
    title, seeds = bool(query.title.strip()), query.seed_tracks
    if not title and not seeds:
        said.append("nothing was asked for, so these are the most popular tracks")
    if title and not uses_title:
        said.append("the title was not used")
    if seeds and not uses_seeds:
        said.append("the given tracks were left out of the list but not otherwise used")
    unknown = sum(not 0 <= row < n_tracks for row in seeds)
    if unknown:
        said.append(
            f"{unknown} of {len(seeds)} given tracks {'is' if unknown == 1 else 'are'} not in the catalogue"
            if len(seeds) > 1
            else "the given track is not in the catalogue"
        )
    return tuple(said)
