"""A model folder: load it, ask it, get tracks with reasons. Nothing here imports torch, polars or scipy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder
from segue.errors import QueryError, StoredDataError
from segue.library import Catalogue, Interactions, Query, Ranking
from segue.library.arrays import load_array
from segue.library.names import fold
from segue.library.ranking import Recommender
from segue.recommend.adventure import CANDIDATES, adventured
from segue.recommend.because import Because
from segue.recommend.explain import Explainer
from segue.recommend.order import ordered
from segue.recommend.rules import Rules, apply, filtered
from segue.recommend.taste import NO_TASTE, Taste, leaned, reasons
from segue.systems.manifest import FORMAT_VERSION, check_sizes, folder_state, read_manifest
from segue.systems.recipes import open_encoder, open_recommender
from segue.systems.requests import Answer, AnsweredTrack, Request
from segue.views.negation import split_negation

__all__ = ["FORMAT_VERSION", "MAX_SEED_TRACKS", "Answer", "Model", "Request", "without_versions"]

MAX_SEED_TRACKS = 1_000
_SPARE = 5  # how many times the wanted length is ranked, so that rules have something to choose from
_DEEPER = 8  # how much deeper the next try looks where the rules left too little
_ATTEMPTS = 50  # to open a folder that is being replaced
_DAMAGE = (ArithmeticError, AttributeError, LookupError, MemoryError, OSError, RecursionError, TypeError, ValueError)
_VERSIONS = {
    "live": ("live",),
    "remix": ("remix", "remixed", "mix"),
    "acoustic": ("acoustic", "unplugged"),
    "cover": ("cover",),
    "karaoke": ("karaoke",),
    "instrumental": ("instrumental",),
    "demo": ("demo",),
    "remaster": ("remaster", "remastered"),
}


@dataclass(frozen=True, eq=False)
class Model:
    """An opened model folder; frozen, safe to share between threads.

    Args:
        manifest: what ``manifest.json`` says. catalogue: its tracks. recommender: its recipe.
        playlist_tracks: distinct tracks of the playlists that vote.
    """

    path: Path
    manifest: dict[str, Any]
    catalogue: Catalogue
    recommender: Recommender
    playlist_tracks: Interactions
    encoder: Encoder | None

    @classmethod
    def load(cls, path: Path | str) -> Model:
        """Open a model folder; arrays are mapped, not read.

        A folder that is replaced meanwhile is opened again, so that a model is the old one or the new one.

        Raises:
            StoredDataError: no model, a damaged or newer one, or one whose parts do not belong together.
        """
        path = Path(path)
        for _ in range(_ATTEMPTS):
            before = folder_state(path)
            try:
                model = cls._open(path)
            except StoredDataError:
                if folder_state(path) == before:
                    raise
            except _DAMAGE as error:
                if folder_state(path) == before:
                    said = f"{path} is damaged ({error!r:.200}); 'segue doctor {path}' says where"
                    raise StoredDataError(said) from error
            else:
                if folder_state(path) == before:
                    return model
        raise StoredDataError(f"{path} is replaced again and again; try again when that has ended")

    @classmethod
    def _open(cls, path: Path) -> Model:
        manifest = read_manifest(path)
        check_sizes(path, manifest)
        catalogue = Catalogue.load(path / "tracks")
        indptr = load_array(path / "playlists.indptr.npy", dtype="int64")
        indices = load_array(path / "playlists.indices.npy", dtype="int32")
        try:
            playlist_tracks = Interactions(indptr, indices, len(catalogue))
        except ValueError as error:
            raise StoredDataError(f"{path}: playlists.*.npy and tracks/ do not fit ({error})") from error
        encoder = open_encoder(path, manifest)
        recommender = open_recommender(path, manifest, encoder, playlist_tracks)
        if recommender.fingerprint != manifest.get("recommender"):
            raise StoredDataError(
                f"{path}: the arrays are not those that manifest.json was written for "
                f"({recommender.fingerprint} instead of {manifest.get('recommender')}); train the model again"
            )
        return cls(path, manifest, catalogue, recommender, playlist_tracks, encoder)

    @property
    def fingerprint(self) -> str:
        """Digest of everything that answers depend on."""
        return str(self.manifest["fingerprint"])

    @cached_property
    def _explainer(self) -> Explainer:
        return Explainer(self.recommender, self.catalogue, self.playlist_tracks, public=bool(self.manifest["public"]))

    def query(self, request: Request) -> tuple[Query, tuple[str, ...]]:
        """Resolve a request's given tracks; returns the query and sentences about those that are not known.

        Raises:
            QueryError: more than a thousand given tracks.
        """
        if len(request.tracks) + len(request.track_ids) > MAX_SEED_TRACKS:
            raise QueryError(f"at most {MAX_SEED_TRACKS} tracks can be given")
        rows: dict[int, None] = {}
        ignored = []
        for track_id in request.track_ids:
            row = self.catalogue.find_id(track_id)
            if row is None:
                ignored.append(f"the catalogue has no track with the id {track_id[:80]!r}")
            else:
                rows[row] = None
        for text in request.tracks:
            found = self.catalogue.find(text)
            if not found:
                ignored.append(f"the catalogue has no track {text[:80]!r} (wanted: Name - Artist)")
            else:
                rows[self._best_known(found)] = None
        return Query(request.title, tuple(rows)), tuple(ignored)

    def _best_known(self, rows: list[int]) -> int:
        """Of several versions the one that most playlists have."""
        if len(rows) == 1:
            return rows[0]
        return max(rows, key=lambda row: (int(self.counts[row]), -row))

    @property
    def counts(self) -> NDArray[np.int32]:
        """In how many training playlists each track is, int32 ``(n_tracks,)``."""
        popularity: Any = getattr(self.recommender, "popularity", self.recommender)
        counts: NDArray[np.int32] = popularity.counts
        return counts

    def taste(self, request: Request) -> Taste:
        """The tracks that a person judged, as rows; ids that the catalogue does not have say nothing."""

        def rows(ids: tuple[str, ...]) -> tuple[int, ...]:
            found = (self.catalogue.find_id(track_id) for track_id in ids[:MAX_SEED_TRACKS])
            return tuple(dict.fromkeys(row for row in found if row is not None))

        return Taste(rows(request.kept), rows(request.more), rows(request.never))

    def rank(
        self,
        query: Query,
        rules: Rules,
        *,
        taste: Taste = NO_TASTE,
        adventure: float = 0.0,
        only: NDArray[np.bool_] | None = None,
    ) -> Ranking:
        """Rank deep enough for the rules and apply them.

        A title that wants no versions of a kind ("not live", "no remixes") is a rule on names too.

        Args:
            taste: what a person said about tracks. adventure: -1 (hits) to 1 (deep cuts).
            only: tracks that may be listed, bool ``(n_tracks,)``; None for all.
        """
        rules = without_versions(query.title, rules)
        if taste.never:
            rules = replace(rules, exclude_tracks=(*rules.exclude_tracks, *taste.never))
        deep = max(rules.most_tracks * _SPARE, CANDIDATES if adventure else 500)
        # a length in minutes is not known to be filled; with tracks of ten minutes it would be
        enough = rules.most_tracks if rules.minutes is None else rules.minutes / 10
        while True:
            ranking = leaned(self.recommender.recommend(query, deep), query, taste, self.recommender, deep)
            if only is not None:
                kept = only[ranking.rows]
                ranking = Ranking(ranking.rows[kept], ranking.scores[kept], ranking.ignored)
            if adventure:  # among what may be listed: the rare version of a hit is no deep cut
                ranking = adventured(filtered(ranking, self.catalogue, rules, query), self.counts, adventure)
            ranking = apply(ranking, self.catalogue, rules, query)
            if len(ranking) >= enough or deep >= len(self.catalogue):
                return ranking
            deep *= _DEEPER

    def ordered(
        self,
        ranking: Ranking,
        how: str,
        rules: Rules,
        *,
        catalogue: Catalogue | None = None,
        model_rows: NDArray[np.integer] | None = None,
    ) -> Ranking:
        """Put a finished list into one of :data:`~segue.systems.requests.ORDERS`; the rules' spacing is kept.

        Args:
            catalogue, model_rows: where the list is of another catalogue: that one, and the row here of each track of
                the list, -1 for none.
        """
        ridge = getattr(getattr(self.recommender, "title", self.recommender), "ridge", None)
        return ordered(
            ranking,
            how,
            self.catalogue if catalogue is None else catalogue,
            self.playlist_tracks,
            vectors=getattr(ridge, "factors", None),
            spacing=rules.artist_spacing,
            model_rows=model_rows,
        )

    def answer(self, request: Request) -> Answer:
        """Answer a request.

        Raises:
            QueryError: it holds more than can be looked at.
            StoredDataError: the model's arrays hold what cannot be.
        """
        try:
            return self._answer(request)
        except (LookupError, ValueError) as error:
            said = f"{self.path} seems to be damaged ({error!r:.200}); run 'segue doctor {self.path}'"
            raise StoredDataError(said) from error

    def _answer(self, request: Request) -> Answer:
        query, unknown = self.query(request)
        taste = self.taste(request)
        ranking = self.rank(query, request.rules, taste=taste, adventure=request.adventure)
        ranking = self.ordered(ranking, request.order, request.rules)
        because = reasons(self.explain, query, ranking, taste) if request.explain else [()] * len(ranking)
        return Answer(
            query=request.said([self.catalogue.texts["track_id"][row] for row in query.seed_tracks]),
            fingerprint=self.fingerprint,
            ignored=(*unknown, *ranking.ignored),
            tracks=tuple(
                AnsweredTrack(i + 1, row, track, score, tuple(why))
                for i, (row, track, score, why) in enumerate(
                    zip(
                        ranking.rows.tolist(),
                        self.catalogue.tracks(ranking.rows),
                        ranking.scores.tolist(),
                        because,
                        strict=True,
                    )
                )
            ),
        )

    def explain(self, query: Query, ranking: Ranking) -> list[tuple[Because, ...]]:
        """At most three reasons for each track of a ranking of this model."""
        return self._explainer.explain(query, ranking)


def without_versions(title: str, rules: Rules) -> Rules:
    """The rules, and that no names of versions be listed which a title does not want.

    >>> without_versions("rock, no remixes", Rules()).exclude_words
    ('remix', 'remixed', 'mix')
    """
    unwanted = {fold(text).removesuffix("es").removesuffix("s") for text in split_negation(title).unwanted}
    versions = [word for kind in sorted(unwanted) for word in _VERSIONS.get(kind, ())]
    return replace(rules, exclude_words=(*rules.exclude_words, *versions)) if versions else rules
