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
"""Ways to recognise a track, the surest first; ``Owned.by`` holds positions in it. "isrc" stands for MusicBrainz ids,
too: they are ids of recordings as well."""
_CODE = BY.index("isrc")
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
    by_id, by_code = _by_id(catalogue, tracks), _by_code(model, tracks)
    found = np.zeros(library.n_tracks, bool)
    found[hits.owned] = found[by_id.owned] = found[by_code.owned] = True
    known = Artists.of(catalogue, artists)
    left = np.flatnonzero(~found)
    by_artist = known.tracks_of_others(catalogue, (artists[i] for i in left.tolist()))
    candidates = np.unique(np.concatenate([hits.rows, by_id.rows, by_artist]))
    matchable = tracks.select("track_id", "name", "artist", "location")
    state = _State.of(match(matchable, _outside(catalogue, candidates, counts)), candidates)
    state.take(_most_popular(by_code, counts), _CODE)
    if near:
        found_near = nearest(catalogue, counts, known, names, artists, np.flatnonzero(state.best < 0))
        state.take_near(found_near)
        swapped = _swapped(catalogue, names, artists, np.flatnonzero(state.best < 0))
        state.take(_most_popular(swapped, counts), _SWAPPED)
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
        words=Bm25Index.of(_texts(tracks.filter(pl.Series(heard == 0)))),
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

    def take(self, found: _Pairs, by: int) -> None:
        self.best[found.owned], self.by[found.owned], self.alike[found.owned] = found.rows, by, 1.0
        self.ambiguous[found.owned] = False


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


def _by_id(catalogue: Catalogue, tracks: pl.DataFrame) -> _Pairs:
    """Rows under the same id, in any of its spellings; the matcher says whether they are meant."""
    return _spelled(catalogue, tracks["track_id"].to_list())


def _spelled(catalogue: Catalogue, ids: Sequence[str | None]) -> _Pairs:
    texts: list[str] = []
    owned: list[int] = []
    for i, text in enumerate(ids):
        key = id_key(text)
        if text is None or key is None:
            continue
        uuid = key.removeprefix("mbid:")
        spelled = [form.format(uuid) for form in _MBID] if key.startswith("mbid:") else []
        for each in dict.fromkeys((text, key, *spelled)):
            texts.append(each)
            owned.append(i)
    return _looked_up(catalogue.by_id, texts, owned)


def _by_code(model: Model, tracks: pl.DataFrame) -> _Pairs:
    """Rows of the same recording by ISRC or MusicBrainz id, where the model's ids or its library have them."""
    pairs = [_Pairs(np.zeros(0, np.int64), np.zeros(0, np.int32))]
    if "mbid" in tracks.columns:
        pairs.append(_spelled(model.catalogue, [text and f"mbid:{text}" for text in tracks["mbid"].to_list()]))
    table = model.path / "library" / "tracks.parquet"
    schema = pl.read_parquet_schema(table) if table.is_file() else {}
    columns: list[str] = [name for name in ("isrc", "mbid") if name in tracks.columns and name in schema]
    for column in columns:
        theirs = pl.read_parquet(table, columns=[column]).with_row_index("row").drop_nulls()
        ours = tracks.select(column).with_row_index("owned").drop_nulls()
        there = ours.join(theirs, on=column, how="inner").sort("owned", "row")
        pairs.append(_Pairs(there["owned"].to_numpy().astype(np.int64), there["row"].to_numpy().astype(np.int32)))
    return _joined(*pairs)


def _most_popular(found: _Pairs, counts: NDArray[np.int32]) -> _Pairs:
    """One row for each owned one: that of most playlists, the first of equals."""
    order = np.lexsort((found.rows, -counts[found.rows], found.owned))
    owned, first = np.unique(found.owned[order], return_index=True)
    return _Pairs(owned, found.rows[order][first])


def _outside(catalogue: Catalogue, rows: NDArray[np.int32], counts: NDArray[np.int32]) -> Outside:
    listed = rows.tolist()
    texts = {name: [catalogue.texts[name][row] for row in listed] for name in ("track_id", "name", "artist")}
    named = [((n, a),) if n and a else () for n, a in zip(texts["name"], texts["artist"], strict=True)]
    return outside_of(
        "the model", "model", {}, Counter(), names=named, track_ids=texts["track_id"],
        stems=[catalogue.texts["location"][row] or None for row in listed],
        popularity=counts[rows].astype(float).tolist(),
    )  # fmt: skip


def _swapped(catalogue: Catalogue, names: Sequence[str], artists: Sequence[str], left: NDArray[np.int64]) -> _Pairs:
    """Tracks whose name and artist are each other's."""
    kept = [i for i in left.tolist() if names[i].strip() and artists[i].strip()]
    return _looked_up(catalogue.by_recording, [recording_key(artists[i], names[i]) for i in kept], kept)


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


def _texts(tracks: pl.DataFrame) -> list[str]:
    """What is written about tracks: name, artist, album, genre."""
    columns = [tracks[name].fill_null("").to_list() for name in ("name", "artist", "album", "genre")]
    return [" ".join(texts) for texts in zip(*columns, strict=True)]
