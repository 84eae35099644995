"""Adventure and order, asked of a model: what lists become, and what stays as it was."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from segue.errors import QueryError
from segue.recommend.order import company
from segue.recommend.rules import Rules
from segue.recommend.tour import close_calls
from segue.sources.demo import CatalogueTrack
from segue.systems.model import Answer, Model
from segue.systems.requests import Order, Request
from systems.trained import Trained

SUBJECTS: dict[str, Callable[[CatalogueTrack], bool]] = {
    "country road trip": lambda t: t.genre in ("country", "folk"),
    "metal": lambda t: t.genre in ("metal", "rock", "grunge", "punk"),
    "worship songs": lambda t: t.genre in ("worship", "gospel") or "spiritual" in t.moods,
}
TITLES = (*SUBJECTS, "chill", "workout", "sad", "party", "rap")
WISHES = (-1.0, -0.5, 0.0, 0.5, 1.0)


def _asked(model: Model, title: str, adventure: float = 0.0, order: Order = "ranked", **rules: object) -> Answer:
    wanted = Rules(**{"n": 30, **rules})  # type: ignore[arg-type]
    return model.answer(Request(title, rules=wanted, adventure=adventure, order=order, explain=False))


def _rows(answer: Answer) -> list[int]:
    return [line.row for line in answer.tracks]


def test_without_wishes_nothing_is_touched(trained: Trained) -> None:
    for title in TITLES:
        query, _ = trained.model.query(Request(title))
        plain = trained.model.rank(query, Rules(n=30))
        assert _rows(_asked(trained.model, title)) == plain.rows.tolist()
        assert "adventure" not in _asked(trained.model, title).query


def test_lists_grow_rarer_with_adventure_and_keep_to_the_subject(
    trained: Trained, tracks: dict[str, CatalogueTrack]
) -> None:
    counts = trained.model.counts
    medians, fitting = [], []
    for wish in WISHES:
        answers = {title: _asked(trained.model, title, wish) for title in TITLES}
        medians.append(np.mean([np.median(counts[_rows(answer)]) for answer in answers.values()]))
        fits = [SUBJECTS[title](tracks[line.track.track_id]) for title in SUBJECTS for line in answers[title].tracks]
        fitting.append(np.mean(fits))
    assert all(later < earlier for earlier, later in pairwise(medians)), medians
    assert fitting[2] > 0.8
    assert min(fitting) >= 0.8 * fitting[2], fitting


def test_rules_come_before_adventure(trained: Trained) -> None:
    """Where few tracks may stay, wishes act among those."""
    model = trained.model
    left_out = tuple(artist for artist in np.unique(model.catalogue.artist_row).tolist() if artist % 6)
    plain, deep = (_rows(_asked(model, "metal", wish, exclude_artists=left_out)) for wish in (0.0, 1.0))
    assert not np.isin(model.catalogue.artist_row[deep], left_out).any()
    assert len(plain) == len(deep)
    assert np.median(model.counts[deep]) < np.median(model.counts[plain])


@pytest.mark.parametrize("adventure", [-1.0, 0.7])
def test_shorter_lists_are_heads_of_longer_ones(trained: Trained, adventure: float) -> None:
    for title in TITLES[:3]:
        longer = _rows(_asked(trained.model, title, adventure, n=60))
        assert _rows(_asked(trained.model, title, adventure, n=15)) == longer[:15]


def test_a_smooth_list_has_the_same_tracks_nearer_to_each_other(trained: Trained) -> None:
    model = trained.model
    before, after = [], []
    for title in TITLES:
        ranked, smooth = _asked(model, title), _asked(model, title, order="smooth")
        assert sorted(_rows(ranked)) == sorted(_rows(smooth))
        assert _rows(ranked)[0] == _rows(smooth)[0]
        for answer, means in ((ranked, before), (smooth, after)):
            near = company(np.array(_rows(answer), np.int32), model.playlist_tracks)
            means.append(float(near.diagonal(1).mean()))
        artists = model.catalogue.artist_row[_rows(smooth)]
        assert close_calls(artists, 1) <= close_calls(model.catalogue.artist_row[_rows(ranked)], 1)
        assert smooth.query["order"] == "smooth"
        assert [line.rank for line in smooth.tracks] == list(range(1, len(smooth.tracks) + 1))
    assert np.mean(after) > 1.2 * np.mean(before), (before, after)


@pytest.mark.parametrize("order", ["smooth", "arc"])
def test_spacing_is_kept_by_every_order(trained: Trained, order: Order) -> None:
    for title in TITLES:
        ranked = _asked(trained.model, title, artist_spacing=3)
        found = _asked(trained.model, title, order=order, artist_spacing=3)
        artists = [trained.model.catalogue.artist_row[_rows(answer)] for answer in (ranked, found)]
        assert close_calls(artists[1], 3) <= close_calls(artists[0], 3)


def test_an_arc_without_energies_says_so(trained: Trained) -> None:
    answer = _asked(trained.model, "rock", order="arc")
    assert _rows(answer) == _rows(_asked(trained.model, "rock"))
    assert any("energy of no track" in said for said in answer.ignored)


def test_wishes_that_are_none_are_refused() -> None:
    for wrong in (1.5, -2.0, float("nan")):
        with pytest.raises(QueryError, match="adventure"):
            Request("rock", adventure=wrong)
    with pytest.raises(QueryError, match="order"):
        Request("rock", order="wild")  # type: ignore[arg-type]
