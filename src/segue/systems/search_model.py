"""A search model folder: playlists, the channels that find them, and the encoder of queries. Asked without torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder
from segue.errors import InputError, QueryError, StoredDataError
from segue.index.bm25 import words
from segue.index.exact import ExactIndex
from segue.index.fuse import Candidates, standardised, weighted
from segue.library import Hits
from segue.library.arrays import fingerprint
from segue.systems.search_answers import Found, SearchAnswer, found_playlist, why
from segue.systems.search_channels import Asked, Channel, DenseChannel, build_channels
from segue.systems.search_corpus import SearchCorpus
from segue.systems.search_filters import Filters
from segue.systems.search_settings import SearchSettings
from segue.views.playlist_text import QUERY_CAP, plain_text

if TYPE_CHECKING:
    from segue.library import Library

__all__ = ["KIND", "NO_FILTERS", "SearchModel"]

KIND = "segue search model"
_NONSENSE = 200  # made-up queries that say what no meaning scores
_RNG_KEY = 11
_COMMON = 0.2  # a word in more of the texts says nothing about what is asked

Progress = Callable[[int, int, str], None]
NO_FILTERS = Filters()


@dataclass(frozen=True, eq=False)
class SearchModel:
    """Everything that finds playlists for words; frozen, safe to share between threads.

    Args:
        corpus: the playlists. channels: in the order of ``settings.channels``. settings: weights, scale, depth.
        encoder: of queries; None leaves shared words alone. encoder_folder: where it lies, to be copied; None where
            it writes itself. about: fingerprints and counts of the library, what built it; JSON-able.
        stored: the fingerprint that a folder gave, so that opening one does not read all of it. path: that folder.
    """

    corpus: SearchCorpus
    channels: tuple[Channel, ...]
    settings: SearchSettings
    encoder: Encoder | None = None
    encoder_folder: Path | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    stored: str = ""
    path: Path | None = None

    def __post_init__(self) -> None:
        if [c.spec.name for c in self.channels] != [c.name for c in self.settings.channels]:
            raise ValueError("the channels are not those of the settings")

    @classmethod
    def build(
        cls,
        library: Library,
        encoder: Encoder | None,
        settings: SearchSettings | None = None,
        *,
        encoder_folder: Path | None = None,
        public: bool | None = None,
        progress: Progress | None = None,
    ) -> SearchModel:
        """Index the playlists of a library.

        Written texts that somebody rejected are left out. Without an encoder the dense channels are.

        Args:
            public: whether every title may be shown; None asks the library.

        Raises:
            InputError: no playlists, or no channel is left. MissingDependency: an approximate index without faiss.
        """
        from segue.enrich.review import accepted

        settings = settings or SearchSettings()
        if not library.n_playlists:
            raise InputError("the library has no playlists to search; ingest some with 'segue ingest'")
        read = accepted(library)
        channels = build_channels(read, settings.channels, encoder, index=settings.index, progress=progress)
        if not channels:
            raise InputError("all channels compare vectors, and there is no encoder; give one, or a bm25 channel")
        settings = replace(settings, channels=tuple(channel.spec for channel in channels))
        if encoder is not None:
            channels = _with_floors(channels, encoder)
        about = {"library": library.fingerprint, "n_playlists": library.n_playlists, "n_tracks": library.n_tracks}
        corpus = SearchCorpus.of(read, public=public)
        return cls(corpus, channels, settings, encoder, encoder_folder, about)

    def with_channel(self, channel: Channel) -> SearchModel:
        """The same with one more channel, or with another in the place of the one that has its name."""
        kept = {c.spec.name: c for c in self.channels} | {channel.spec.name: channel}
        if isinstance(channel, DenseChannel) and not channel.floor and self.encoder is not None:
            kept[channel.spec.name] = _with_floors((channel,), self.encoder)[0]
        settings = replace(self.settings, channels=tuple(c.spec for c in kept.values()))
        return replace(self, channels=tuple(kept.values()), settings=settings, stored="")

    def with_encoder(self, encoder: Encoder | None) -> SearchModel:
        """The same, asked with another encoder of the same fingerprint: without a cache before it, say.

        Raises:
            ValueError: it has another fingerprint.
        """
        if (encoder and encoder.fingerprint) != (self.encoder and self.encoder.fingerprint):
            raise ValueError("the vectors of the playlists were made with another encoder")
        return replace(self, encoder=encoder)

    def weighted(self, weights: Mapping[str, float], scale: Any = None) -> SearchModel:
        """The same with other weights by the channels' names, and perhaps another scale.

        Raises:
            InputError: a name that no channel has, or a weight that makes no sense.
        """
        settings = self.settings.weighted(weights, scale)
        pairs = zip(self.channels, settings.channels, strict=True)
        channels = tuple(replace(channel, spec=spec) for channel, spec in pairs)
        return replace(self, settings=settings, channels=channels, stored="")

    @cached_property
    def fingerprint(self) -> str:
        """Digest of everything that answers depend on."""
        if self.stored:
            return self.stored
        encoder = "" if self.encoder is None else self.encoder.fingerprint
        return fingerprint(
            KIND, encoder, self.settings.to_json(), self.about.get("library", ""), self.corpus.public,
            [channel.fingerprint for channel in self.channels],
        )  # fmt: skip

    def ask(self, query: str) -> Asked:
        """Read a query.

        Raises:
            QueryError: it holds no letter, digit or sign that means anything.
        """
        text = plain_text(query)
        if not words(text):
            raise QueryError("the query holds no word to search for; write what the playlist should be about")
        vector = None if self.encoder is None else self.encoder.encode([text])[0]
        return Asked(text, vector if vector is not None and vector.any() else None)

    def candidates(self, query: str | Asked, allowed: NDArray[np.bool_] | None = None) -> Candidates:
        """The best rows of every channel that counts, and every channel's score of each of them.

        Args:
            allowed: bool ``(n_playlists,)``; None allows all.
        """
        asked = self.ask(query) if isinstance(query, str) else query
        looks = [channel.look(asked) for channel in self.channels]
        depth = self.settings.depth
        best = [
            channel.best(look, depth, allowed)
            for channel, look in zip(self.channels, looks, strict=True)
            if channel.spec.weight > 0
        ]
        rows = np.unique(np.concatenate(best)).astype(np.int32)
        scores = [channel.scores(look, rows) for channel, look in zip(self.channels, looks, strict=True)]
        return Candidates(rows, np.stack(scores).astype(np.float32))

    @property
    def weights(self) -> list[float]:
        """Of the channels, in their order."""
        return [channel.weight for channel in self.settings.channels]

    def rank(self, query: str, filters: Filters = NO_FILTERS) -> Hits:
        """Playlist rows for a query, best first; all candidates.

        Raises:
            QueryError: the query or a filter cannot be used.
        """
        return weighted(
            self.candidates(query, filters.allowed(self.corpus)[0]), self.weights, scale=self.settings.scale
        )

    def search(self, query: str, k: int = 10, filters: Filters = NO_FILTERS) -> list[Found]:
        """The best ``k`` playlists for a query; none where nothing fits.

        Raises:
            QueryError: the query or a filter cannot be used.
        """
        return list(self.answer(query, k, filters).playlists)

    def answer(self, query: str, n: int = 10, filters: Filters = NO_FILTERS) -> SearchAnswer:
        """The best ``n`` playlists for a query, with reasons, and what could not be used of it.

        Raises:
            QueryError: the query or a filter cannot be used.
            StoredDataError: the model's arrays hold what cannot be; the message names the files, if there are any.
        """
        if n < 1:
            raise QueryError(f"{n} playlists cannot be listed; ask for one or more")
        try:
            return self._answer(query, n, filters)
        except (ArithmeticError, LookupError, ValueError) as error:
            if self.path is not None:
                from segue.systems.search_folder import verify

                verify(self.path)
            raise StoredDataError(
                f"the search model seems to be damaged ({error!r:.200}); index the library again"
            ) from error

    def _answer(self, query: str, n: int, filters: Filters) -> SearchAnswer:
        allowed, said = filters.allowed(self.corpus)
        ignored = list(said)
        shown = query[:QUERY_CAP].encode("utf-8", "replace").decode()  # half a surrogate pair cannot be written
        if len(query) > QUERY_CAP:
            ignored.append(f"only the first {QUERY_CAP:,} characters of the query were read")
        asked = self.ask(query)
        if allowed is not None and not allowed.any():
            ignored.append("no playlist passes the filters; loosen them")
            return SearchAnswer(shown, filters.to_json(), self.fingerprint, tuple(ignored), ())
        found = self.candidates(asked, allowed)
        if not self._fits(asked, found):
            ignored.append("nothing fits these words; use other or more of them, or name an artist or a genre")
            return SearchAnswer(shown, filters.to_json(), self.fingerprint, tuple(ignored), ())
        parts = standardised(found.scores, self.settings.scale) * np.array(self.weights)[:, None]
        hits = weighted(found, self.weights, scale=self.settings.scale)
        playlists = []
        for rank, (row, score) in enumerate(zip(hits.rows[:n].tolist(), hits.scores[:n].tolist(), strict=True), 1):
            at = int(np.searchsorted(found.rows, row))
            reasons = why(self.corpus, asked.text, row, self.channels, found.scores[:, at], parts[:, at])
            first = self.settings.first_tracks
            playlists.append(
                found_playlist(self.corpus, row, rank=rank, score=score, reasons=reasons, first_tracks=first)
            )
        return SearchAnswer(shown, filters.to_json(), self.fingerprint, tuple(ignored), tuple(playlists))

    def _fits(self, asked: Asked, found: Candidates) -> bool:
        """Whether a word that says something is shared, or something is nearer than to a query of no meaning."""
        for channel, scores in zip(self.channels, found.scores, strict=True):
            if not len(scores):
                continue
            if isinstance(channel, DenseChannel):
                if asked.vector is not None and float(scores.max()) > channel.floor:
                    return True
                continue
            most = max(_COMMON * len(self.corpus), 5)
            if any(0 < channel.index.frequency(word) <= most for word in words(asked.text)) and scores.max() > 0:
                return True
        return False

    def save(self, path: Path | str) -> dict[str, Any]:
        """Write the folder, atomically; returns its manifest.

        Raises:
            InputError: the encoder lies in no folder. OutputError: the place cannot be written to.
        """
        from segue.systems.search_folder import save

        return save(self, Path(path))

    @classmethod
    def open(cls, path: Path | str) -> SearchModel:
        """Open a folder; arrays are mapped, not read.

        Raises:
            StoredDataError: it is missing, damaged or of a newer format; the message names the file.
        """
        from segue.systems.search_folder import open_model

        return open_model(Path(path))


def _with_floors(channels: Sequence[Channel], encoder: Encoder) -> tuple[Channel, ...]:
    """Dense channels that know what a query of no meaning scores: half of two hundred made-up ones score less."""
    rng = np.random.default_rng(_RNG_KEY)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    made_up = [
        " ".join("".join(rng.choice(letters, rng.integers(4, 10))) for _ in range(rng.integers(1, 4)))
        for _ in range(_NONSENSE)
    ]
    vectors = encoder.encode(made_up)
    out: list[Channel] = []
    for channel in channels:
        if isinstance(channel, DenseChannel):
            looks = np.stack([channel.look(Asked("", vector)) for vector in vectors])
            best = [float(hits.scores[0]) for hits in ExactIndex(channel.vectors).search(looks, 1) if len(hits)]
            channel = replace(channel, floor=round(float(np.median(best)), 6) if best else 0.0)
        out.append(channel)
    return tuple(out)
