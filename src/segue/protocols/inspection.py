"""One held-out playlist looked at closely: what was hidden, who is near, what came out, what it scored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError
from segue.evaluate.html import figure
from segue.evaluate.lists import content_neighbours
from segue.evaluate.metrics import METRICS, per_query
from segue.library import Library, Query, Ranking, Recommender
from segue.library.names import one_line
from segue.protocols.common import DEPTH, ask
from segue.recommend.because import may_show
from segue.split.challenge import playlist_queries
from segue.split.holdout import Split

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["InspectedTrack", "Inspection", "Neighbour", "inspect_playlist"]

Explain = Callable[[Query, Ranking], Sequence[Sequence[str]]]
"""Query and ranking -> for each track sentences about why it is there."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A training playlist near the hidden one by its tracks; its title only where it may be shown, else None."""

    playlist_id: str
    title: str | None
    n_tracks: int
    shared: int


@dataclass(frozen=True, slots=True)
class InspectedTrack:
    """One line of the list."""

    rank: int
    name: str
    artist: str
    hit: bool
    playlists: int
    because: tuple[str, ...]


@dataclass(frozen=True)
class Inspection:
    """All about one playlist. It names playlists' contents: print it, do not publish it.

    Args:
        part: ``test``, ``validation`` or ``train``; on training playlists the figures mean nothing.
        n_hidden: distinct tracks. n_unknown: those in no training playlist, which no vote can find.
        neighbours: nearest the *hidden* tracks, i.e. what a perfect title model would have asked.
        figures: metric -> value.
    """

    playlist_id: str
    title: str
    part: str
    n_hidden: int
    n_unknown: int
    neighbours: tuple[Neighbour, ...]
    tracks: tuple[InspectedTrack, ...]
    figures: dict[str, float]
    ignored: tuple[str, ...]

    def print(self, console: Console | None = None) -> None:
        """Print it; names are plain text, never markup and never control characters."""
        from rich.console import Console  # imported late: only a terminal needs it
        from rich.table import Table
        from rich.text import Text

        def text(of_others: str, style: str = "") -> Text:
            return Text(one_line(of_others), style=style)

        console = console or Console()
        console.print(text(f"{self.playlist_id} · {self.title!r} · {self.part} part", "bold"))
        if self.part == "train":
            console.print(Text("This playlist is in training: the model has seen it, its figures say nothing."))
        console.print(Text(f"{self.n_hidden} hidden tracks, {self.n_unknown} of them in no training playlist"))
        near = Table(title="nearest training playlists by hidden tracks", title_justify="left")
        for heading in ("playlist", "title", "tracks", "shared"):
            near.add_column(heading, justify="right" if heading in ("tracks", "shared") else "left")
        for one in self.neighbours:
            title = text("(not shown)", "dim") if one.title is None else text(one.title)
            near.add_row(text(one.playlist_id), title, str(one.n_tracks), str(one.shared))
        console.print(near)
        listed = Table(title="list", title_justify="left")
        for heading in ("", "hit", "track", "artist", "playlists", "because"):
            listed.add_column(heading, justify="right" if heading in ("", "playlists") else "left")
        for t in self.tracks:
            because = text("; ".join(t.because))
            listed.add_row(str(t.rank), "●" if t.hit else "", text(t.name), text(t.artist), str(t.playlists), because)
        console.print(listed)
        for sentence in self.ignored:
            console.print(text(sentence, "dim"))
        console.print(Text("  ".join(f"{name} {figure(name, value)}" for name, value in self.figures.items())))


def inspect_playlist(
    library: Library,
    split: Split,
    recommender: Recommender,
    playlist_id: str,
    *,
    n: int = 66,
    n_neighbours: int = 10,
    explain: Explain | None = None,
) -> Inspection:
    """Ask for one playlist by its title and lay its hidden tracks beside the answer.

    Args:
        recommender: trained on ``split.train``. explain: gives reasons for a ranking, where there are any.

    Raises:
        InputError: there is no such playlist, or it has no track or no title.
    """
    ids = library.playlists["playlist_id"].to_list()
    if playlist_id not in ids:
        raise InputError(f"the library has no playlist {playlist_id!r}; ids are listed in playlists.parquet")
    row = ids.index(playlist_id)
    training = library.select_playlists(split.train)
    popularity = training.playlist_tracks.column_counts()
    queries, qrels = playlist_queries(library, np.array([row]), popularity=popularity)
    if not queries:
        raise InputError(f"playlist {playlist_id!r} has no track or no title; there is nothing to ask")
    hidden = qrels.relevant[playlist_id]
    run = ask("inspected", recommender, queries, DEPTH)
    question = Query(queries[0].title)
    ranking = recommender.recommend(question, n)
    reasons = explain(question, ranking) if explain is not None else [()] * len(ranking)
    names = library.tracks[ranking.rows.tolist()].select("name", "artist").fill_null("").rows()
    near = content_neighbours(qrels, training.playlist_tracks, n_neighbours)[0]
    figures = per_query(run, qrels, METRICS)
    sharing = Counter(training.titles)
    return Inspection(
        playlist_id=playlist_id,
        title=queries[0].title,
        part="test" if row in split.test else "validation" if row in split.validation else "train",
        n_hidden=len(hidden),
        n_unknown=int((popularity[hidden] == 0).sum()),
        neighbours=tuple(
            _neighbour(training, int(one), hidden, sharing) for one in near if one >= 0 and split.train[one] != row
        ),
        tracks=tuple(
            InspectedTrack(rank, name, artist, bool(track in hidden), int(popularity[track]), tuple(because))
            for rank, (track, (name, artist), because) in enumerate(
                zip(ranking.rows.tolist(), names, reasons, strict=True), start=1
            )
        ),
        figures={name: float(values[0]) for name, values in figures.items()},
        ignored=ranking.ignored,
    )


def _neighbour(training: Library, row: int, hidden: NDArray[np.int32], sharing: Mapping[str, int]) -> Neighbour:
    title = training.titles[row]
    tracks = np.unique(training.playlist_tracks.row(row))
    return Neighbour(
        playlist_id=training.playlists["playlist_id"][row],
        title=title if may_show(sharing[title], public=training.public) else None,
        n_tracks=len(tracks),
        shared=int(np.isin(tracks, hidden).sum()),
    )
