"""A planted world of music, and playlists drawn from it: MPD-shaped data of any size whose titles mean something.

The world is the same for every size: 7.4 M tracks lie in cells (genre x mood x era), each track has an artist of its
genre and era, each theme asks for some cells, each title belongs to a theme (or to an artist, or says nothing). A
playlist takes a title, then tracks from its theme, from two focus cells and an artist of its own within the theme,
and from everybody's hits.
Drawing a million playlists uses about the published number of tracks; drawing fewer uses fewer, as sampling would.
Synthetic: figures measured on it say how fast and how lossy something is, never how good it is in the world.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from planted_titles import Pool, Theme, mute_candidates, raw_forms, themes, title_candidates
from words import ERAS, GENRES, MOODS, NAME_HEADS, NAME_MIDDLES, NAME_SECONDS, NAME_TAILS

__all__ = ["Playlists", "World", "draw", "world"]

POOL_TRACKS = 7_400_000
POOL_ARTISTS = 760_000
N_TITLES = 12_600
N_NAMED_ARTISTS = 2_000
QUANTILES = 4_096
CHUNK = 20_000  # playlists drawn at once

# power law of ranks: density (rank + shift) ** -exponent
_CELL = (20.0, 2.3)
_HITS = (1100.0, 1.65)
_ARTIST = (3.0, 1.3)
_TITLE = (0.8, 1.15)
_FORM = (0.25, 1.95)


def _ranks(u: NDArray[np.floating], n: NDArray[np.integer] | int, law: tuple[float, float]) -> NDArray[np.int32]:
    """Power-law ranks in [0, n) from uniform numbers, by the inverse of the continuous law."""
    shift, exponent = law
    power = np.float32(1.0 - exponent)
    low = np.float32(shift) ** power
    high = (np.asarray(n, np.float32) + np.float32(shift)) ** power
    found = (low + u * (high - low)) ** np.float32(1.0 / power) - np.float32(shift)
    return np.clip(found.astype(np.int32), 0, np.asarray(n) - 1).astype(np.int32)


def _pmf(n: int, law: tuple[float, float]) -> NDArray[np.float64]:
    edge = (np.arange(n + 1) + law[0]) ** (1.0 - law[1])
    return (edge[:-1] - edge[1:]) / (edge[0] - edge[-1])


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """What playlists are drawn from; equal for equal ``world_number``.

    ``cell_start`` int64 ``(cells + 1,)``: the tracks of a cell, the most popular first. ``hits`` int32: all tracks by
    popularity. ``artist_of`` int32 per track; ``artist_tracks``, ``artist_start``: CSR of artist -> tracks by
    popularity. ``quantiles`` uint16 ``(themes, QUANTILES)``: cells a theme asks for. ``titles``: groups of raw forms,
    one group a title; ``theme_titles``: CSR of theme -> titles. The last theme stands for "anything" and holds the
    titles that say nothing.
    """

    cell_start: NDArray[np.int64]
    hits: NDArray[np.int32]
    artist_of: NDArray[np.int32]
    artist_tracks: NDArray[np.int32]
    artist_start: NDArray[np.int64]
    quantiles: NDArray[np.uint16]
    theme_weight: NDArray[np.float64]
    theme_titles: NDArray[np.int64]
    titles: Pool
    named_artists: NDArray[np.int32]
    named_titles: NDArray[np.int64]
    artist_names: list[str]


@dataclass(frozen=True, slots=True, eq=False)
class Playlists:
    """Playlists as drawn: ``title`` int32 (raw form), ``theme`` int32 (-1: artist), ``mute``: title without theme."""

    title: NDArray[np.int32]
    theme: NDArray[np.int32]
    mute: NDArray[np.bool_]
    lengths: NDArray[np.int32]
    artist: NDArray[np.int32]
    focus: NDArray[np.uint16]
    purity: NDArray[np.float32]


def _cell_shares() -> NDArray[np.float64]:
    """Share of each cell in everything that is listened to, ``(genres, moods, eras)``."""
    mood_number = {mood: m for m, mood in enumerate(MOODS)}
    share = np.zeros((len(GENRES), len(MOODS), len(ERAS)))
    for g, (_, _, permille, era, favoured) in enumerate(GENRES):
        mood = np.full(len(MOODS), 0.08)
        for rank, name in enumerate(favoured.split()):
            mood[mood_number[name]] = 2.5 - rank
        decade = 0.2 ** np.abs(np.arange(len(ERAS)) - era)
        share[g] = permille * np.outer(mood / mood.sum(), decade / decade.sum())
    return share / share.sum()


def _theme_cells(theme: Theme, share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distribution over cells of a theme: what each of its parts favours, times what there is."""
    wanted = share.copy()
    family = np.array([_family(g[0]) for g in GENRES])
    for part in theme.parts:
        if part.genres:
            liked = np.full(len(GENRES), 0.0005)
            liked[np.isin(family, family[list(part.genres)])] = 0.02
            liked[list(part.genres)] = 1.0
            wanted *= liked[:, None, None]
        if part.moods:
            wanted *= np.where(np.isin(np.arange(len(MOODS)), part.moods), 1.0, 0.06)[None, :, None]
        if part.eras:
            wanted *= np.where(np.isin(np.arange(len(ERAS)), part.eras), 1.0, 0.03)[None, None, :]
    flat = wanted.ravel()
    return flat / flat.sum()


def _family(family: str) -> int:
    """Number of a family, in order of first occurrence among the genres."""
    return list(dict.fromkeys(g[0] for g in GENRES)).index(family)


def _artists(rng: np.random.Generator, sizes: NDArray[np.int64]) -> NDArray[np.int32]:
    """Artist of each track: artists live in one genre and era, popular tracks more often belong to popular ones."""
    n_moods, n_eras = len(MOODS), len(ERAS)
    cell = np.repeat(np.arange(len(sizes)), sizes)
    rank = np.arange(len(cell)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    home = (cell // (n_moods * n_eras)) * n_eras + cell % n_eras
    tracks_at_home = np.bincount(home)
    per_home = np.maximum(5, np.round(POOL_ARTISTS * tracks_at_home / tracks_at_home.sum())).astype(np.int64)
    # The further down a cell, the more artists come into question.
    reach = np.maximum(4, per_home[home] * np.minimum(1.0, (0.02 + rank / sizes[cell])) ** 0.45)
    chosen = _ranks(rng.random(len(cell), np.float32), np.maximum(reach.astype(np.int64), 1), (4.0, 0.7))
    return ((np.cumsum(per_home) - per_home)[home] + chosen).astype(np.int32)


def world(world_number: int = 1) -> World:
    """Make the world; about 8 CPU-seconds."""
    rng = np.random.default_rng([world_number, 2018])
    share = _cell_shares()
    sizes = np.maximum(8, np.round(POOL_TRACKS * share.ravel() ** 0.85 / (share**0.85).sum())).astype(np.int64)
    cell_start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    popularity = np.concatenate([s * _pmf(n, _CELL) for s, n in zip(share.ravel(), sizes.tolist(), strict=True)])
    popularity *= rng.lognormal(0.0, 0.5, len(popularity))
    artist_of = _artists(rng, sizes)
    by_popularity = np.argsort(-popularity, kind="stable").astype(np.int32)
    artist_tracks = by_popularity[np.argsort(artist_of[by_popularity], kind="stable")]
    per_artist = np.bincount(artist_of, minlength=int(artist_of.max()) + 1)
    artist_start = np.concatenate([[0], np.cumsum(per_artist)]).astype(np.int64)

    planted = themes(rng)
    cells = [_theme_cells(t, share) for t in planted] + [share.ravel()]
    middle = (np.arange(QUANTILES) + 0.5) / QUANTILES
    quantiles = np.stack([np.searchsorted(np.cumsum(c), middle).clip(0, len(sizes) - 1) for c in cells])
    weight = np.array([t.weight for t in planted])
    count = np.maximum(3, N_TITLES * weight**0.5 / (weight**0.5).sum()).astype(int)
    groups = [title_candidates(t, int(n), rng) for t, n in zip(planted, count, strict=True)]
    groups.append(mute_candidates())

    fame = np.bincount(artist_of, weights=popularity)
    named = np.argsort(-fame, kind="stable")[:N_NAMED_ARTISTS].astype(np.int32)
    names = _artist_names(rng, len(per_artist))
    of_artist = [_about(names[a].lower(), rng) for a in named.tolist()]
    texts = [text for group in [*groups, *of_artist] for text in group]
    per_group = np.cumsum([0, *map(len, groups), *map(len, of_artist)])
    return World(
        cell_start=cell_start,
        hits=by_popularity,
        artist_of=artist_of,
        artist_tracks=artist_tracks,
        artist_start=artist_start,
        quantiles=quantiles.astype(np.uint16),
        theme_weight=weight / weight.sum(),
        theme_titles=per_group[: len(groups) + 1].astype(np.int64),
        titles=Pool.of([raw_forms(text) for text in texts]),
        named_artists=named,
        named_titles=per_group[len(groups) :].astype(np.int64),
        artist_names=names,
    )


def _about(name: str, rng: np.random.Generator) -> list[str]:
    """Titles that name an artist."""
    extra = ["best of {}", "{} mix", "{} radio", "{} songs", "all {}", "{} favorites", "{} essentials", "this is {}"]
    return [name, *(extra[i].format(name) for i in rng.permutation(len(extra))[: rng.integers(0, 3)])]


def _artist_names(rng: np.random.Generator, n: int) -> list[str]:
    """Distinct invented names, different also without case and accents."""
    heads, middles, tails = NAME_HEADS.split(), NAME_MIDDLES.split(), NAME_TAILS.split()
    total = len(heads) * len(middles) * len(tails)
    seconds = NAME_SECONDS.split("|")
    order = rng.permutation(total)
    kind = rng.integers(0, 12, n)
    names: list[str] = []
    taken: set[str] = set()

    def word(number: int) -> str:
        rest, tail = divmod(int(order[number % total]), len(tails))
        head, middle = divmod(rest, len(middles))
        return (heads[head] + middles[middle] + tails[tail]).capitalize()

    for i in range(n):
        k, base = kind[i], word(i)
        if k < 6:
            name = f"{base} {word(i * 7 + 3 + i // total)}"
        elif k == 6:
            name = f"The {base}s"
        elif k == 7:
            name = f"{base} & the {word(i * 5 + 1)}s"
        elif k == 8:
            name = ("DJ ", "Lil ", "MC ", "Young ")[i % 4] + base
        elif k == 9:
            name = f"{base} {seconds[i % len(seconds)]}"
        elif k == 10:
            name = base
        else:
            name = f"{base.replace('a', 'á', 1)} {word(i * 11 + 5)}"
        if name.lower() in taken:
            name = f"{base} {word(i * 13 + 7)} {seconds[i % len(seconds)]}"
        taken.add(name.lower())
        names.append(name)
    return names


def draw_playlists(planet: World, n: int, rng: np.random.Generator) -> Playlists:
    """Titles, themes and lengths of ``n`` playlists; no tracks yet."""
    n_themes = len(planet.theme_weight)
    kind = rng.random(n)
    theme = np.searchsorted(np.cumsum(planet.theme_weight), rng.random(n)).clip(0, n_themes - 1)
    mute, named = kind < 0.09, kind > 0.93
    first = np.where(mute, planet.theme_titles[n_themes], planet.theme_titles[theme])
    count = np.where(mute, planet.theme_titles[n_themes + 1], planet.theme_titles[theme + 1]) - first
    of_named = _ranks(rng.random(n, np.float32), len(planet.named_artists), (20.0, 1.05))
    first = np.where(named, planet.named_titles[of_named], first)
    count = np.where(named, planet.named_titles[of_named + 1] - planet.named_titles[of_named], count)
    title = first + _ranks(rng.random(n, np.float32), count, _TITLE)
    forms = planet.titles.start[title + 1] - planet.titles.start[title]
    raw = planet.titles.start[title] + _ranks(rng.random(n, np.float32), forms, _FORM)

    focus = planet.quantiles[theme[:, None], rng.integers(0, QUANTILES, (n, 2))]
    size = planet.cell_start[focus[:, 0].astype(np.int64) + 1] - planet.cell_start[focus[:, 0]]
    track = planet.cell_start[focus[:, 0]] + _ranks(rng.random(n, np.float32), size, _CELL)
    artist = np.where(named, planet.named_artists[of_named], planet.artist_of[track])
    # An artist's playlist strays to where that artist lives.
    home = np.searchsorted(planet.cell_start, planet.artist_tracks[planet.artist_start[artist]], "right") - 1
    focus[named] = home[named, None]
    lengths = np.clip(np.round(rng.lognormal(np.log(49.0), 0.84, n)), 5, 250).astype(np.int32)
    return Playlists(
        title=raw.astype(np.int32),
        theme=np.where(named, -1, theme).astype(np.int32),
        mute=mute,
        lengths=lengths,
        artist=artist.astype(np.int32),
        focus=focus.astype(np.uint16),
        purity=rng.beta(7.0, 1.6, n).astype(np.float32),
    )


def _tracks(planet: World, chosen: Playlists, of: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int32]:
    """One track for each entry of ``of`` (a playlist number)."""
    u = rng.random(len(of), np.float32)
    purity = chosen.purity[of]
    named = chosen.theme[of] < 0
    by_theme = np.where(named, 0.0, 0.50) * purity
    by_artist = by_theme + np.where(named, 0.70, 0.12) * purity
    theme = np.where(named, len(planet.theme_weight), chosen.theme[of])
    at = rng.integers(0, QUANTILES, len(of), dtype=np.int32)
    cell = np.where(u < by_theme, planet.quantiles[theme, at], chosen.focus[of, at & 1]).astype(np.int64)
    v = rng.random(len(of), np.float32)
    start = planet.cell_start[cell]
    track = start + _ranks(v, planet.cell_start[cell + 1] - start, _CELL)
    rows = np.flatnonzero((u >= by_theme) & (u < by_artist))
    first = planet.artist_start[chosen.artist[of[rows]]]
    size = planet.artist_start[chosen.artist[of[rows]] + 1] - first
    track[rows] = planet.artist_tracks[first + _ranks(v[rows], size, _ARTIST)]
    rows = np.flatnonzero(u >= purity)
    track[rows] = planet.hits[_ranks(v[rows], len(planet.hits), _HITS)]
    return track.astype(np.int32)


def draw(
    planet: World, n: int, rng: np.random.Generator
) -> tuple[Playlists, NDArray[np.int64], Iterator[NDArray[np.int32]]]:
    """Draw playlists: their heads, their row pointers (int64 ``(n + 1,)``), and their tracks block by block."""
    chosen = draw_playlists(planet, n, rng)
    indptr = np.zeros(n + 1, np.int64)
    np.cumsum(chosen.lengths, out=indptr[1:])

    def blocks() -> Iterator[NDArray[np.int32]]:
        for low in range(0, n, CHUNK):
            of = np.repeat(np.arange(low, min(n, low + CHUNK)), chosen.lengths[low : low + CHUNK])
            track = _tracks(planet, chosen, of, rng)
            for _ in range(3):  # what is left after that stays: people do put a track in twice
                key = (of - low) * np.int64(POOL_TRACKS * 2) + track
                order = np.argsort(key)
                again = order[1:][np.diff(key[order]) == 0]
                track[again] = _tracks(planet, chosen, of[again], rng)
            yield track

    return chosen, indptr, blocks()
