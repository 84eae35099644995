"""Lists of several models for titles, to be marked by people: which tracks fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from segue.evaluate.pooling import Pair, Pool
from segue.library.names import recording_key
from segue.recommend.rules import Rules
from segue.systems.model import Model
from segue.systems.requests import Request

__all__ = ["title_pool"]


def title_pool(
    models: Mapping[str, Model],
    titles: Sequence[str],
    *,
    n: int = 10,
    progress: Callable[[int, int, str], None] | None = None,
) -> tuple[Pool, dict[Pair, str]]:
    """Ask each model for a list for each title.

    Recordings are one when their names and artists are, versions aside, so that models over different catalogues can
    stand on one sheet.

    Returns:
        the pool, its ids being recordings, and how each is shown ("Artist - Name").
    """
    titles = list(dict.fromkeys(titles))
    lists: dict[str, dict[str, tuple[str, ...]]] = {}
    shown: dict[Pair, str] = {}
    for name, model in models.items():
        lists[name] = {}
        for done, title in enumerate(titles):
            if progress is not None:
                progress(done, len(titles), f"asking {name}")
            answer = model.answer(Request(title=title, rules=Rules(n=n), explain=False))
            keys = []
            for found in answer.tracks:
                keys.append(recording_key(found.track.name, found.track.artist))
                shown.setdefault((title, keys[-1]), f"{found.track.artist or 'unknown artist'} - {found.track.name}")
            lists[name][title] = tuple(dict.fromkeys(keys))
    return Pool(tuple(titles), lists, n, {}), shown
