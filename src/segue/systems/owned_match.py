"""Which rows of a model's catalogue the tracks of a library are: candidates by hashed names, then the one matcher.

The catalogue is not walked through: ids, names and recordings are looked up in its hash indexes, and of the artists
only the distinct names are read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from segue.index.bm25 import Bm25Index
from segue.library import Catalogue, Interactions, Library
from segue.library.arrays import fingerprint
from segue.library.names import fold, recording_key
from segue.library.strings import HashIndex, hash64
from segue.sources.match import BY as EXACT
from segue.sources.match import Match, match
from segue.sources.match_keys import first_artist, id_key, sounds_otherwise
from segue.sources.outside import Outside, outside_of
from segue.systems.model import Model
from segue.systems.owned_artists import Artists
from segue.systems.owned_near import Near, nearest
from segue.systems.owned_tracks import Owned

__all__ = ["BY", "matched"]

BY = (*EXACT, "near name", "near artist", "swapped")
"""Ways to recognise a track, the surest first; ``Owned.by`` holds positions in it."""
_NEAR_NAME, _NEAR_ARTIST, _SWAPPED = (BY.index(name) for name in ("near name", "near artist", "swapped"))
_MBID = ("mbid:{}", "{}", "https://musicbrainz.org/recording/{}", "http://musicbrainz.org/recording/{}")


def matched(model: Model, library: Library, *, near: bool = True) -> Owned:
    """Find the tracks of a library in a model's catalogue: by id, MusicBrainz id, ISRC, names, versions, likeness.

    Args:
        near: whether names that are only alike count.
    """
    catalogue, tracks = model.catalogue, library.tracks
    counts = np.asarray(model.counts)
    names, artists = (tracks[column].fill_null("").to_list() for column in ("name", "artist"))
    hits = _by_hash(catalogue, names, artists)
    by_id = _by_id(model, tracks)
    found = np.zeros(library.n_tracks, bool)
    found[hits.owned] = found[by_id.owned] = True
    known = Artists.of(catalogue, artists)
    left = np.flatnonzero(~found)
    by_artist = known.tracks_of(catalogue, (artists[i] for i in left.tolist()))
    candidates = np.unique(np.concatenate([hits.rows, by_id.rows, by_artist]))
    exact = match(_with_ids(tracks, by_id, catalogue), _outside(catalogue, candidates, counts))
    state = _State.of(exact, candidates)
    if near:
        found_near = nearest(catalogue, counts, known, names, artists, np.flatnonzero(state.best < 0))
        state.take_near(found_near)
        state.take_swapped(_swapped(catalogue, counts, names, artists, np.flatnonzero(state.best < 0)))
    rows = _versions(catalogue, state.best)
    heard = _sums(counts, rows)
    own = Catalogue.of(library)
    artist_rows = known.rows_of(artists)
    at = state.best >= 0
    artist_rows[at] = catalogue.artist_row[state.best[at]]
    return Owned(
        catalogue=own,
        rows=rows,
        by=state.by,
        alike=state.alike,
        ambiguous=state.ambiguous,
        counts=heard,
        artists=artist_rows,
        artist_sizes=_artist_sizes(catalogue, counts, artist_rows),
        words=Bm25Index.of(_texts(tracks, heard)),
        fingerprint=fingerprint(
            model.fingerprint, library.fingerprint, rows.indptr, rows.indices, state.by, own.year, own.duration_ms
        ),
    )


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Owned rows and rows of the catalogue that may be them, int64 and int32 of one length."""

    owned: NDArray[np.int64]
    rows: NDArray[np.int32]


class _State:
    """The best row of each owned track, and how it was found."""

    def __init__(self, best: NDArray[np.int32], by: NDArray[np.int8], ambiguous: NDArray[np.bool_]) -> None:
        self.best, self.by, self.ambiguous = best, by, ambiguous
        self.alike = (best >= 0).astype(np.float32)

    @classmethod
    def of(cls, exact: Match, candidates: NDArray[np.int32]) -> _State:
        best = np.full(len(exact.rows), -1, np.int32)
        there = exact.rows >= 0
        best[there] = candidates[exact.rows[there]]
        return cls(best, exact.by.copy(), exact.ambiguous.copy())

    def take_near(self, found: Iterable[Near]) -> None:
        for near in found:
            self.best[near.owned], self.alike[near.owned] = near.row, near.alike
            self.by[near.owned] = _NEAR_NAME if near.same_artist else _NEAR_ARTIST
            self.ambiguous[near.owned] = near.ambiguous

    def take_swapped(self, found: _Pairs) -> None:
        self.best[found.owned], self.by[found.owned], self.alike[found.owned] = found.rows, _SWAPPED, 1.0


def _looked_up(index: HashIndex, keys: Sequence[str], owned: Sequence[int]) -> _Pairs:
    """All rows under each key; the arrays of the index are searched once for all keys."""
    if not keys:
        return _Pairs(np.zeros(0, np.int64), np.zeros(0, np.int32))
    wanted = hash64(keys)
    first, last = np.searchsorted(index.hashes, wanted, "left"), np.searchsorted(index.hashes, wanted, "right")
    lengths = last - first
    at = np.repeat(first - (np.cumsum(lengths) - lengths), lengths) + np.arange(int(lengths.sum()))
    return _Pairs(np.repeat(np.asarray(owned, np.int64), lengths), np.asarray(index.order[at], np.int32))


def _joined(*parts: _Pairs) -> _Pairs:
    return _Pairs(np.concatenate([p.owned for p in parts]), np.concatenate([p.rows for p in parts]))


def _by_hash(catalogue: Catalogue, names: Sequence[str], artists: Sequence[str]) -> _Pairs:
    exact: list[str] = []
    versions: list[str] = []
    owned: list[int] = []
    for i, (name, artist) in enumerate(zip(names, artists, strict=True)):
        if name.strip() and artist.strip():
            for who in dict.fromkeys((artist, first_artist(artist))):
                exact.append(f"{fold(name)}\t{fold(who)}")
                versions.append(recording_key(name, who))
                owned.append(i)
    return _joined(_looked_up(catalogue.by_name, exact, owned), _looked_up(catalogue.by_recording, versions, owned))


def _by_id(model: Model, tracks: pl.DataFrame) -> _Pairs:
    """Rows under the same id, MusicBrainz id or ISRC; the latter two where the model's library has them."""
    texts: list[str] = []
    owned: list[int] = []
    for column in ("track_id", "mbid"):
        if column not in tracks.columns:
            continue
        for i, text in enumerate(tracks[column].to_list()):
            key = id_key(text)
            if text is None or key is None:
                continue
            uuid = key.removeprefix("mbid:")
            spelled = [form.format(uuid) for form in _MBID] if key.startswith("mbid:") else []
            for each in dict.fromkeys((text, key, *spelled)):
                texts.append(each)
                owned.append(i)
    pairs = [_looked_up(model.catalogue.by_id, texts, owned)]
    table = model.path / "library" / "tracks.parquet"
    both: list[str] = [name for name in ("isrc", "mbid") if name in tracks.columns]
    if both and table.is_file():
        schema = pl.read_parquet_schema(table)
        for column in (name for name in both if name in schema):
            theirs = pl.read_parquet(table, columns=[column]).with_row_index("row").drop_nulls()
            ours = tracks.select(column).with_row_index("owned").drop_nulls()
            there = ours.join(theirs, on=column, how="inner").sort("owned", "row")
            pairs.append(_Pairs(there["owned"].to_numpy().astype(np.int64), there["row"].to_numpy().astype(np.int32)))
    return _joined(*pairs)


def _with_ids(tracks: pl.DataFrame, found: _Pairs, catalogue: Catalogue) -> pl.DataFrame:
    """The owned table with the catalogue's ids where an id, a MusicBrainz id or an ISRC says so.

    Files carry two ids, and the matcher knows one: a track's own id is replaced by that under which it was found.
    """
    ids = tracks["track_id"].to_list()
    theirs = catalogue.texts["track_id"]
    for owned, row in zip(reversed(found.owned.tolist()), reversed(found.rows.tolist()), strict=True):
        ids[owned] = theirs[row]
    columns = [pl.Series("track_id", ids, pl.String), tracks["name"], tracks["artist"], tracks["location"]]
    return pl.DataFrame(columns)


def _outside(catalogue: Catalogue, rows: NDArray[np.int32], counts: NDArray[np.int32]) -> Outside:
    listed = rows.tolist()
    texts = {name: [catalogue.texts[name][row] for row in listed] for name in ("track_id", "name", "artist")}
    named = [((n, a),) if n and a else () for n, a in zip(texts["name"], texts["artist"], strict=True)]
    return outside_of(
        "the model", "model", {}, Counter(), names=named, track_ids=texts["track_id"],
        stems=[catalogue.texts["location"][row] or None for row in listed],
        popularity=counts[rows].astype(float).tolist(),
    )  # fmt: skip


def _swapped(
    catalogue: Catalogue,
    counts: NDArray[np.int32],
    names: Sequence[str],
    artists: Sequence[str],
    left: NDArray[np.int64],
) -> _Pairs:
    """Tracks whose name and artist are each other's, the most popular."""
    kept = [i for i in left.tolist() if names[i].strip() and artists[i].strip()]
    found = _looked_up(catalogue.by_recording, [recording_key(artists[i], names[i]) for i in kept], kept)
    order = np.lexsort((found.rows, -counts[found.rows], found.owned))
    owned, first = np.unique(found.owned[order], return_index=True)
    return _Pairs(owned, found.rows[order][first])


def _versions(catalogue: Catalogue, best: NDArray[np.int32]) -> Interactions:
    """The best row of each owned track and the other rows of that recording that sound like it."""
    owned = np.flatnonzero(best >= 0)
    index, wanted = catalogue.by_recording, catalogue.recording[best[owned]]
    first, last = np.searchsorted(index.hashes, wanted, "left"), np.searchsorted(index.hashes, wanted, "right")
    names = catalogue.texts["name"]
    sounds: dict[int, bool] = {}

    def otherwise(row: int) -> bool:
        if row not in sounds:
            sounds[row] = sounds_otherwise(names[row])
        return sounds[row]

    lists: list[list[int]] = [[] for _ in range(len(best))]
    for i, begin, end in zip(owned.tolist(), first.tolist(), last.tolist(), strict=True):
        row = int(best[i])
        lists[i] = [row]
        if end - begin > 1:
            others = np.sort(index.order[begin:end]).tolist()
            lists[i] += [other for other in others if other != row and otherwise(other) == otherwise(row)]
    return Interactions.of(lists, n_columns=len(catalogue))


def _sums(counts: NDArray[np.int32], rows: Interactions) -> NDArray[np.int32]:
    of = np.repeat(np.arange(rows.n_rows), rows.lengths)
    return np.bincount(of, counts[rows.indices], rows.n_rows).astype(np.int32)


def _artist_sizes(catalogue: Catalogue, counts: NDArray[np.int32], artists: NDArray[np.int32]) -> NDArray[np.int32]:
    sizes = np.bincount(catalogue.artist_row[np.flatnonzero(counts > 0)], minlength=int(artists.max(initial=-1)) + 1)
    return np.where(artists >= 0, sizes[artists], 0).astype(np.int32)


def _texts(tracks: pl.DataFrame, heard: NDArray[np.int32]) -> list[str]:
    """What is written about the tracks that no playlist has; nothing for all others."""
    columns = [tracks[name].fill_null("").to_list() for name in ("name", "artist", "album", "genre")]
    return [" ".join(texts) if not n else "" for *texts, n in zip(*columns, heard.tolist(), strict=True)]
