"""Build what is known about artists, and the leave-one-out cases from which their shares are learnt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from segue.library import Interactions, Library
from segue.library.strings import HashIndex, StringArray
from segue.library.vote_parameters import ShareModel
from segue.recommend.mentions import FEATURES, ArtistStatistics, Mentions, artist_key, title_words
from segue.recommend.titles import TitleTable

__all__ = ["build_mentions", "share_cases", "uninformed"]

RICH_PLAYLISTS = 100  # kept per artist
_BLOCK_ROWS = 4_000_000
_MAX_CASES = 50_000
_MEMBERS = 200  # playlists of one title that are looked at; a title that thousands share says no more


def uninformed() -> ShareModel:
    """A model before any training: every artist is due a tenth of what the playlists so titled suggest."""
    d = len(FEATURES)
    zeros, pairs = (0.0,) * d, (0.0,) * (d + d * (d + 1) // 2)
    return ShareModel(FEATURES, zeros, (1.0,) * d, pairs, bias=-2.2)


def build_mentions(
    library: Library, titles: TitleTable, popularity: NDArray[np.int32], model: ShareModel
) -> Mentions:
    """Collect artist statistics from the playlists of a library.

    Args:
        popularity: playlists per track, int32 ``(n_tracks,)``.
        model: the share model to use; :func:`uninformed` where there is none yet.
    """
    artists, names = library.artist_rows, library.artist_names
    n = len(names)
    interactions = library.playlist_tracks.distinct()
    triples = _artist_shares(interactions, artists, n)
    playlist, artist, count, share = triples
    played = np.bincount(artist, minlength=n).astype(np.float32)
    rows = np.bincount(artist, weights=count, minlength=n).astype(np.float32)
    tracks = _tracks_by_artist(artists, n)
    keys = _best_artist_per_key(names, rows)
    texts = sorted(keys)
    mentions = Mentions(
        keys=HashIndex.of(texts),
        key_texts=StringArray.of(texts),
        key_artist=np.array([keys[t] for t in texts], np.int32),
        statistics=ArtistStatistics(
            playlists=played,
            rows=rows,
            tracks=np.bincount(artists[popularity > 0], minlength=n).astype(np.float32),
            titles=np.zeros(n, np.float32),
            title_share=np.zeros(n, np.float32),
            track_names=np.zeros(n, np.float32),
        ),
        model=model,
        tracks=tracks,
        popularity=popularity,
        **_rich(playlist, artist, share, n, library.n_playlists),  # type: ignore[arg-type]
        playlist_tracks=interactions,
    )
    named, named_share = np.zeros(n, np.float32), np.zeros(n, np.float32)
    for title, found in _title_candidates(mentions, titles):
        members = titles.playlists.row(title)[:_MEMBERS]
        for row in {c[0] for c in found}:
            named[row] += len(members)
            named_share[row] += sum(_share(interactions, artists, int(j), row) for j in members)
    in_names = _track_name_counts(library, mentions, popularity, n)
    statistics = replace(mentions.statistics, titles=named, title_share=named_share, track_names=in_names)
    return replace(mentions, statistics=statistics)


def share_cases(
    library: Library, titles: TitleTable, mentions: Mentions, *, rng_key: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Leave-one-out cases: features ``(n, d)`` and the artist's true share ``(n,)``.

    Each playlist whose title names an artist gives two: with itself left out, and with all playlists of its title
    left out, so that the model knows titles it has met and titles it has not.
    """
    artists, statistics = library.artist_rows, mentions.statistics
    interactions = mentions.playlist_tracks
    features: list[list[float]] = []
    shares: list[float] = []
    for title, found in _title_candidates(mentions, titles):
        words = title_words(titles.read[title])
        members = titles.playlists.row(title)[:_MEMBERS]
        for artist, begin, end, key, plural in found:
            each = np.array([_share(interactions, artists, int(j), artist) for j in members])
            for j, share in zip(members, each, strict=True):
                own_rows = share * max(1, int(interactions.lengths[j]))
                for taken, taken_share in ((1, share), (len(members), float(each.sum()))):
                    row = statistics.features(
                        artist,
                        key=key,
                        span_words=end - begin,
                        title_words=len(words),
                        plural=plural,
                        own={
                            "playlists": float(share > 0),
                            "rows": own_rows,
                            "tracks": float(share > 0),
                            "titles": float(taken),
                            "title_share": float(taken_share),
                        },
                    )
                    if row:
                        features.append(row)
                        shares.append(float(share))
    x, y = np.array(features, np.float64).reshape(-1, len(FEATURES)), np.array(shares, np.float64)
    if len(y) > _MAX_CASES:
        kept = np.sort(np.random.default_rng(rng_key).choice(len(y), _MAX_CASES, replace=False))
        x, y = x[kept], y[kept]
    return x, y


def _title_candidates(
    mentions: Mentions, titles: TitleTable
) -> Sequence[tuple[int, list[tuple[int, int, int, str, bool]]]]:
    found = ((row, mentions.candidates(title_words(text))) for row, text in enumerate(titles.read.to_list()))
    return [(row, candidates) for row, candidates in found if candidates]


def _share(interactions: Interactions, artists: NDArray[np.int32], playlist: int, artist: int) -> float:
    tracks = interactions.row(playlist)
    return float((artists[tracks] == artist).mean()) if len(tracks) else 0.0


def _best_artist_per_key(names: Sequence[str], rows: NDArray[np.float32]) -> dict[str, int]:
    keys: dict[str, int] = {}
    for artist, name in enumerate(names):
        if rows[artist] > 0:
            key = artist_key(name)
            if len(key) >= 3 and (key not in keys or rows[artist] > rows[keys[key]]):
                keys[key] = artist
    return keys


def _tracks_by_artist(artists: NDArray[np.int32], n: int) -> Interactions:
    order = np.argsort(artists, kind="stable")
    indptr = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(artists, minlength=n), out=indptr[1:])
    return Interactions(indptr, order.astype(np.int32), len(artists))


def _artist_shares(
    interactions: Interactions, artists: NDArray[np.int32], n: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """(playlist, artist, tracks, share) of every pair that occurs, block by block to bound the memory."""
    parts = []
    begin = 0
    while begin < interactions.n_rows:
        end = int(np.searchsorted(interactions.indptr, interactions.indptr[begin] + _BLOCK_ROWS, "right")) - 1
        end = min(max(end, begin + 1), interactions.n_rows)
        lengths = interactions.lengths[begin:end]
        at = np.repeat(np.arange(begin, end, dtype=np.int64), lengths)
        of = artists[interactions.indices[interactions.indptr[begin] : interactions.indptr[end]]]
        pairs, counts = np.unique(at * n + of, return_counts=True)
        playlist = pairs // n
        share = counts / np.maximum(interactions.lengths[playlist], 1)
        parts.append((playlist.astype(np.int32), (pairs % n).astype(np.int32), counts.astype(np.int32), share))
        begin = end
    if not parts:
        empty = np.zeros(0, np.int32)
        return empty, empty, empty, np.zeros(0, np.float32)
    playlist, artist, count = (np.concatenate([p[i] for p in parts]).astype(np.int32) for i in range(3))
    return playlist, artist, count, np.concatenate([p[3] for p in parts]).astype(np.float32)


def _rich(
    playlist: NDArray[np.int32],
    artist: NDArray[np.int32],
    share: NDArray[np.float32],
    n: int,
    n_playlists: int,
) -> dict[str, object]:
    """The playlists with the largest share of each artist, largest first."""
    order = np.lexsort((playlist, -share, artist))
    of = artist[order]
    first = np.searchsorted(of, np.arange(n))
    rank = np.arange(len(of)) - first[of]
    kept = order[rank < RICH_PLAYLISTS]
    indptr = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(artist[kept], minlength=n), out=indptr[1:])
    return {"rich": Interactions(indptr, playlist[kept], n_playlists), "rich_shares": share[kept]}


def _track_name_counts(
    library: Library, mentions: Mentions, popularity: NDArray[np.int32], n: int
) -> NDArray[np.float32]:
    """In how many track names each artist's name occurs as words: "Queen" in "Dancing Queen" means little."""
    known = {mentions.key_texts[i]: int(a) for i, a in enumerate(mentions.key_artist)}
    counts = np.zeros(n, np.float32)
    played = np.flatnonzero(popularity > 0)
    for name in library.tracks["name"][played].fill_null("").to_list():
        words = title_words(name)
        for artist in {
            known[key]
            for i in range(len(words))
            for j in range(i + 1, min(len(words), i + 4) + 1)
            if (key := "".join(words[i:j])) in known
        }:
            counts[artist] += 1
    return counts
