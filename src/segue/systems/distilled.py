"""A distilled describer, measured: wording, meaning, and what its descriptions change in search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Encoder
from segue.enrich.distil import DescriptionPairs, DistilledDescriber
from segue.enrich.rouge import rouge_l
from segue.errors import InputError
from segue.evaluate.page import page, table
from segue.evaluate.significance import Interval, Paired, interval, paired
from segue.index.bm25 import Bm25Index
from segue.index.exact import ExactIndex
from segue.index.fuse import reciprocal_rank
from segue.library import Library
from segue.library.arrays import write_bytes, write_json
from segue.systems.encoder_metrics import loss_curves

__all__ = ["CUTS", "DistilReport", "Example", "measure_distilled"]

CUTS = (1, 3, 10)
_DEPTH = 100
_MOST_QUERIES = 500
_EXAMPLES = 20
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Example:
    """A held-out playlist: what people wrote of it, and what the model writes."""

    title: str
    reference: str
    written: str


@dataclass(frozen=True, eq=False)
class DistilReport:
    """How good a distilled model is on playlists that it was not trained on.

    Args:
        n: test playlists with a description by people. corpus: playlists that were searched.
        rouge: mean ROUGE-L F1 against what people wrote. similarity: mean cosine to it; ``chance``: to another
            playlist's.
        recall: cut -> (without, with written descriptions, the difference).
        examples: for people.
    """

    n: int
    corpus: int
    rouge: Interval
    similarity: Interval
    chance: float
    recall: dict[int, tuple[Interval, Interval, Paired]]
    examples: tuple[Example, ...]
    manifest: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {
            "n": self.n,
            "corpus": self.corpus,
            "rouge_l": self.rouge.to_json(),
            "similarity": self.similarity.to_json(),
            "similarity_by_chance": self.chance,
            "recall": {
                str(cut): {
                    "without": without.to_json(),
                    "with": with_.to_json(),
                    "difference": difference.difference.to_json(),
                    "p": difference.p,
                }
                for cut, (without, with_, difference) in self.recall.items()
            },
            "examples": [{"title": e.title, "reference": e.reference, "written": e.written} for e in self.examples],
            "model": self.manifest,
        }

    def sentences(self) -> list[str]:
        """What people are told."""
        said = [
            f"{self.n} test playlists that people described: ROUGE-L {self.rouge:.3f}, cosine to what they wrote "
            f"{self.similarity:.3f} (another playlist's: {self.chance:.3f})"
        ]
        for cut, (without, with_, difference) in self.recall.items():
            said.append(
                f"recall@{cut} of these descriptions as queries among {self.corpus:,} playlists: {without:.3f} "
                f"without, {with_:.3f} with what the model wrote; difference {difference.difference:.3f}"
            )
        return said

    def save(self, folder: Path) -> None:
        """Write ``report.json`` and ``report.html``.

        Raises:
            OutputError: the place cannot be written to.
        """
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "report.json", self.to_json())
        losses = [{**e, "train_metric": None, "validation_metric": None} for e in self.manifest["history"]]
        curves = loss_curves({"history": losses, "best_epoch": self.manifest["best_epoch"]})
        body = [
            "<h1>A distilled describer</h1>",
            *(f"<p>{escape(sentence)}.</p>" for sentence in self.sentences()),
            *([] if curves is None else [f"<figure>{curves}</figure>"]),
            "<h2>Held-out playlists</h2>",
            table(
                ("title", "people wrote", "the model writes"),
                [(e.title, e.reference, e.written) for e in self.examples],
                texts=(0, 1, 2),
            ),
        ]
        write_bytes(folder / "report.html", page("A distilled describer", body).encode())


def measure_distilled(
    describer: DistilledDescriber,
    library: Library,
    pairs: DescriptionPairs,
    encoder: Encoder,
    *,
    texts: Callable[[Library, Sequence[int]], list[str]],
    distractors: int = 500,
    progress: Callable[[int, int, str], None] | None = None,
) -> DistilReport:
    """Measure a distilled model on the test part's playlists that people described.

    Each such description is a query for its own playlist. The corpus is these playlists and evenly spaced others;
    the model writes a description for every one of them, and search (BM25 and the encoder, fused by rank) is asked
    without and with these descriptions. What people wrote is never indexed.

    Args:
        texts: library, rows -> what is indexed of playlists without any description.
        distractors: other playlists, at most.

    Raises:
        InputError: no test playlist has a description by people.
    """
    test = pairs.of_part("test")
    rows = pairs.rows_of("test")[:_MOST_QUERIES]
    references = list(test.targets[:_MOST_QUERIES])
    if not rows:
        raise InputError("no playlist of the test part was described by people, so there is nothing to measure with")
    others = np.setdiff1d(np.arange(library.n_playlists), rows)
    others = others[library.playlist_tracks.lengths[others] > 0]
    chosen = others[np.unique(np.linspace(0, len(others) - 1, min(distractors, len(others))).astype(int))]
    # by row, not the queries' own first: ties break by row
    corpus = sorted([*rows, *chosen.tolist()])
    own = np.searchsorted(corpus, rows)
    report = None if progress is None else lambda done, n: progress(done, n, "playlists described")
    written = describer.describe(library, corpus, report)
    plain = texts(library, corpus)
    both = [f"{a} {b}".strip() for a, b in zip(plain, written, strict=True)]
    found = [_ranks(references, own, indexed, encoder) for indexed in (plain, both)]
    theirs = [written[place] for place in own]
    vectors = encoder.encode([*references, *theirs])
    a, b = vectors[: len(rows)], vectors[len(rows) :]
    cosines = np.einsum("ij,ij->i", a, b, dtype=np.float64)
    chance = float(np.einsum("ij,ij->i", a, np.roll(b, 1, 0), dtype=np.float64).mean()) if len(rows) > 1 else np.nan
    recall = {}
    for cut in CUTS:
        without, with_ = (np.where(ranks < cut, 1.0, 0.0) for ranks in found)
        recall[cut] = (interval(without), interval(with_), paired(with_, without))
    return DistilReport(
        n=len(rows),
        corpus=len(corpus),
        rouge=interval(np.array([rouge_l(w, r) for w, r in zip(theirs, references, strict=True)], np.float64)),
        similarity=interval(cosines),
        chance=chance,
        recall=recall,
        examples=tuple(
            Example(library.titles[row], reference, text)
            for row, reference, text in zip(rows[:_EXAMPLES], references, theirs, strict=False)
        ),
        manifest=describer.manifest,
    )


def _ranks(
    queries: Sequence[str], own: NDArray[np.integer], texts: Sequence[str], encoder: Encoder
) -> NDArray[np.int64]:
    """Rank of each query's own text, from 0; ``_DEPTH`` where it is not found before that. int64 ``(n_queries,)``."""
    lexical = Bm25Index.of(texts).search(queries, _DEPTH)
    dense = ExactIndex(encoder.encode(list(texts))).search(encoder.encode(list(queries)), _DEPTH)
    ranks = np.full(len(queries), _DEPTH, np.int64)
    for i, hits in enumerate(zip(lexical, dense, strict=True)):
        place = np.flatnonzero(reciprocal_rank(hits).rows == own[i])
        if len(place):
            ranks[i] = place[0]
    return ranks
