"""The playlists of a search model as answers show them: mapped arrays, opened in no time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.errors import StoredDataError
from segue.library import Catalogue, Interactions
from segue.library.arrays import load_array, save_array
from segue.library.strings import HashIndex, StringArray
from segue.recommend.because import may_show
from segue.views.languages_of import LANGUAGES, UNKNOWN, language_of
from segue.views.text import text_column
from segue.views.titles import normalise

if TYPE_CHECKING:
    from segue.library import Library

__all__ = ["SearchCorpus"]

_TEXTS = ("playlist_id", "title", "description", "written", "written_by")
_TITLE_CAP, _TEXT_CAP = 500, 2_000  # characters that are kept of a title and of a description
_NAMED = 30  # first tracks whose names tell the language
_YEARS = (0.1, 0.9)  # quantiles of the years of a playlist's tracks that are its span


@dataclass(frozen=True, eq=False)
class SearchCorpus:
    """What is known of each playlist, row by row.

    Args:
        texts: ``playlist_id``, ``title``, ``description``, ``written``, ``written_by``; empty is "not known".
        sharing: playlists with the same normalised title, itself counted, 0 without a title; int32 ``(n,)``.
        language: place in ``LANGUAGES``, -1 for unknown; int8 ``(n,)``.
        years: first and last year of the middle 80 % of the tracks whose year is known, -1 if none; int16 ``(n, 2)``.
        by_id: look-up of ids. public: whether every title may be shown.
        tracks: the catalogue. playlist_tracks: ordered, duplicates kept.
    """

    texts: dict[str, StringArray]
    sharing: NDArray[np.int32]
    language: NDArray[np.int8]
    years: NDArray[np.int16]
    by_id: HashIndex
    public: bool
    tracks: Catalogue
    playlist_tracks: Interactions

    @classmethod
    def of(cls, library: Library, *, public: bool | None = None) -> SearchCorpus:
        """Pack the playlists of a library; ``public`` stands above what the library says, if given."""
        table = library.playlists
        texts: dict[str, list[str]] = {}
        for name in _TEXTS:
            column = table[name].fill_null("").to_list() if name in table.columns else [""] * len(table)
            cap = _TITLE_CAP if name == "title" else _TEXT_CAP
            texts[name] = column if name == "playlist_id" else [text[:cap] for text in column]
        keys = [normalise(title, "key") for title in library.titles]
        counts = Counter(keys)
        return cls(
            texts={name: StringArray.of(column) for name, column in texts.items()},
            sharing=np.array([counts[key] if key else 0 for key in keys], np.int32),
            language=_languages(library),
            years=_years(library),
            by_id=HashIndex.of(texts["playlist_id"]),
            public=library.public if public is None else public,
            tracks=Catalogue.of(library),
            playlist_tracks=library.playlist_tracks,
        )

    def __len__(self) -> int:
        return len(self.sharing)

    def may_show(self, row: int) -> bool:
        """Whether others may read what a playlist's maker wrote: title and description."""
        return may_show(int(self.sharing[row]), public=self.public)

    def find_id(self, playlist_id: str) -> int | None:
        """Row of a playlist id, or None."""
        for row in self.by_id.rows(playlist_id).tolist():
            if self.texts["playlist_id"][row] == playlist_id:
                return int(row)
        return None

    def language_of(self, row: int) -> str:
        """The language of a playlist's title and track names."""
        code = int(self.language[row])
        return LANGUAGES[code] if 0 <= code < len(LANGUAGES) else UNKNOWN

    def save(self, folder: Path) -> None:
        """Write the arrays into an existing folder."""
        for part in ("playlists", "tracks"):
            (folder / part).mkdir()
        for name, strings in self.texts.items():
            strings.save(folder / "playlists", name)
        self.by_id.save(folder / "playlists", "by_id")
        for name in ("sharing", "language", "years"):
            save_array(folder / "playlists" / f"{name}.npy", getattr(self, name))
        save_array(folder / "playlists" / "tracks.indptr.npy", self.playlist_tracks.indptr)
        save_array(folder / "playlists" / "tracks.indices.npy", self.playlist_tracks.indices)
        self.tracks.save(folder / "tracks")

    @classmethod
    def open(cls, folder: Path, *, public: bool) -> SearchCorpus:
        """Map the arrays of a folder.

        Raises:
            StoredDataError: a file is missing or damaged, or they do not fit; the message names it.
        """
        place = folder / "playlists"
        tracks = Catalogue.load(folder / "tracks")
        indptr = load_array(place / "tracks.indptr.npy", dtype=np.int64)
        indices = load_array(place / "tracks.indices.npy", dtype=np.int32)
        try:
            playlist_tracks = Interactions(indptr, indices, len(tracks))
        except ValueError as error:
            raise StoredDataError(f"{place / 'tracks.indptr.npy'} is damaged ({error}); index again") from error
        n = playlist_tracks.n_rows
        texts = {name: StringArray.load(place, name) for name in _TEXTS}
        for name, strings in texts.items():
            if len(strings) != n:
                raise StoredDataError(f"{place / name}.offsets.npy is damaged ({len(strings)} of {n}); index again")
        numbers = {}
        for name, dtype, shape in (
            ("sharing", "int32", (n,)),
            ("language", "int8", (n,)),
            ("years", "int16", (n, 2)),
        ):
            numbers[name] = load_array(place / f"{name}.npy", dtype=dtype)
            if numbers[name].shape != shape:
                raise StoredDataError(f"{place / name}.npy is damaged ({numbers[name].shape}); index again")
        by_id = HashIndex.load(place, "by_id")
        return cls(texts=texts, by_id=by_id, public=public, tracks=tracks, playlist_tracks=playlist_tracks, **numbers)


def _languages(library: Library) -> NDArray[np.int8]:
    names = text_column(library, "name")
    found = np.full(library.n_playlists, -1, np.int8)
    for row, title in enumerate(library.titles):
        heads = library.playlist_tracks.row(row)[:_NAMED].tolist()
        language = language_of([title, *(names[track] for track in heads)])
        if language != UNKNOWN:
            found[row] = LANGUAGES.index(language)
    return found


def _years(library: Library) -> NDArray[np.int16]:
    year = library.tracks["year"].fill_null(-1).to_numpy().astype(np.int16)
    spans = np.full((library.n_playlists, 2), -1, np.int16)
    for row in range(library.n_playlists):
        known = year[library.playlist_tracks.row(row)]
        known = np.sort(known[known >= 0])
        if len(known):
            spans[row] = known[np.rint(np.array(_YEARS) * (len(known) - 1)).astype(int)]
    return spans
