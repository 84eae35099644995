"""A model folder: load it, ask it, get tracks with reasons. Nothing here imports torch, polars or scipy."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from segue.encode.base import Encoder
from segue.errors import QueryError, StoredDataError
from segue.library import Catalogue, Interactions, Query, Ranking, Track
from segue.library.arrays import load_array
from segue.library.names import fold
from segue.library.ranking import Recommender
from segue.recommend.explain import Because, Explainer
from segue.recommend.rules import Rules, apply
from segue.systems.manifest import FORMAT_VERSION, check_sizes, folder_state, read_manifest
from segue.systems.recipes import open_encoder, open_recommender
from segue.views.negation import split_negation

__all__ = ["FORMAT_VERSION", "Answer", "AnsweredTrack", "Model", "Request"]

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


@dataclass(frozen=True)
class Request:
    """What a person asks for.

    Args:
        title: as typed. tracks: given tracks as typed ("Name - Artist"). track_ids: given tracks by id.
        rules: what the list must look like.
        explain: whether each track says why it is there.
    """

    title: str = ""
    tracks: tuple[str, ...] = ()
    track_ids: tuple[str, ...] = ()
    rules: Rules = field(default_factory=Rules)
    explain: bool = True


@dataclass(frozen=True)
class AnsweredTrack:
    """One line of an answer."""

    rank: int
    row: int
    track: Track
    score: float
    because: tuple[Because, ...]


@dataclass(frozen=True)
class Answer:
    """A playlist, why, and what could not be served."""

    query: dict[str, Any]
    fingerprint: str
    ignored: tuple[str, ...]
    tracks: tuple[AnsweredTrack, ...]

    def to_json(self) -> dict[str, Any]:
        """The stable JSON shape of ``segue recommend --json``."""
        return {
            "query": self.query,
            "model": {"fingerprint": self.fingerprint},
            "ignored": list(self.ignored),
            "tracks": [
                {
                    "rank": t.rank,
                    "track_id": t.track.track_id,
                    "name": t.track.name,
                    "artist": t.track.artist,
                    "score": round(t.score, 6),
                    "because": [b.to_json() for b in t.because],
                }
                for t in self.tracks
            ],
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
        popularity: Any = getattr(self.recommender, "popularity", self.recommender)
        counts = popularity.counts
        return max(rows, key=lambda row: (int(counts[row]), -row))

    def rank(self, query: Query, rules: Rules) -> Ranking:
        """Rank deep enough for the rules and apply them.

        A title that wants no versions of a kind ("not live", "no remixes") is a rule on names too.
        """
        unwanted = {fold(text).removesuffix("es").removesuffix("s") for text in split_negation(query.title).unwanted}
        versions = [word for kind in sorted(unwanted) for word in _VERSIONS.get(kind, ())]
        if versions:
            rules = replace(rules, exclude_words=(*rules.exclude_words, *versions))
        deep = max(rules.most_tracks * _SPARE, 500)
        # a length in minutes is not known to be filled; with tracks of ten minutes it would be
        enough = rules.most_tracks if rules.minutes is None else rules.minutes / 10
        while True:
            ranking = apply(self.recommender.recommend(query, deep), self.catalogue, rules, query)
            if len(ranking) >= enough or deep >= len(self.catalogue):
                return ranking
            deep *= _DEEPER

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
        ranking = self.rank(query, request.rules)
        because = self._explainer.explain(query, ranking) if request.explain else [()] * len(ranking)
        return Answer(
            query={
                "title": request.title,
                "tracks": [self.catalogue.texts["track_id"][row] for row in query.seed_tracks],
                "rules": request.rules.to_json(),
            },
            fingerprint=self.fingerprint,
            ignored=(*unknown, *ranking.ignored),
            tracks=tuple(
                AnsweredTrack(i + 1, int(row), self.catalogue.track(int(row)), float(score), tuple(why))
                for i, (row, score, why) in enumerate(zip(ranking.rows, ranking.scores, because, strict=True))
            ),
        )
