from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

from protocols.planted import planted
from segue.errors import InputError
from segue.library import Library, Query, Ranking
from segue.protocols.challenge import ChallengeReport, run_challenge
from segue.split import SCENARIOS, holdout


class Theme:
    """Recommends the theme of the given tracks, or of the title."""

    fingerprint = "theme"

    def __init__(self, library: Library, weak: bool = False) -> None:
        self.n_tracks, self.weak = library.n_tracks, weak

    def recommend(self, query: Query, n: int) -> Ranking:
        theme = query.seed_tracks[0] // 120 if query.seed_tracks and not self.weak else 0
        rows = np.roll(np.arange(self.n_tracks), -theme * 120)
        rows = rows[~np.isin(rows, query.seed_tracks)][:n].astype(np.int32)
        return Ranking(rows, np.zeros(len(rows), np.float32))


@pytest.fixture(scope="module")
def found() -> ChallengeReport:
    library = planted()
    methods = {"published": Theme(library, weak=True), "ours": Theme(library), "a copy": Theme(library)}
    return run_challenge(
        library, holdout(library), methods, judged="ours", others=["popularity", "published", "same_title"]
    )


def test_scenarios_are_slices_and_those_too_long_are_named(found: ChallengeReport) -> None:
    # playlists have 40 tracks: 100 cannot be given
    assert found.report.slices == [s for s in SCENARIOS if not s.endswith("100")]
    assert sum("part is long enough" in note for note in found.report.notes) == 2
    assert {row.method for row in found.report.rows} == {"popularity", "same_title", "published", "ours", "a copy"}


def test_who_uses_given_tracks_is_above_who_does_not(found: ChallengeReport) -> None:
    by_slice = {row.slice: row for row in found.report.not_below}
    assert list(by_slice) == found.report.slices
    for name, row in by_slice.items():
        assert row.method == "ours"
        if name.startswith("first"):  # without a title, the vote of titles has nothing to say
            assert row.holds
            assert row.above
    assert not by_slice["title"].holds  # a title alone: ours always answers the first theme
    assert by_slice["title"].other == "same_title"


def test_equal_methods_are_not_below_each_other_and_not_above() -> None:
    library = planted()
    methods = {"ours": Theme(library), "a copy": Theme(library)}
    found = run_challenge(
        library, holdout(library), methods, scenarios=["first-5", "title+random-25"], judged="ours", others=["a copy"]
    )
    assert [(row.holds, row.above) for row in found.report.not_below] == [(True, False)] * 2
    assert found.report.slices == ["first-5", "title+random-25"]


def test_the_page_of_a_challenge_shows_scenarios(found: ChallengeReport, tmp_path) -> None:  # type: ignore[no-untyped-def]
    page = found.save(tmp_path)[1].read_text("utf-8")
    assert "By given tracks" in page
    assert "Not below the best single method" in page
    assert "not shown" in page


def test_unknown_names_are_said() -> None:
    library = planted(60)
    with pytest.raises(InputError, match="no scenario"):
        run_challenge(library, holdout(library), {}, scenarios=["title+last-5"])
    with pytest.raises(InputError, match="no method 'ease'"):
        run_challenge(library, holdout(library), {}, judged="popularity", others=["ease"])


def test_the_terminal_sets_scenarios_against_methods(found: ChallengeReport) -> None:
    console = Console(width=120, record=True, file=io.StringIO())
    found.print(console)
    lines = console.export_text().splitlines()
    assert any("scenario" in line and "same_title" in line and "a copy" in line for line in lines)
    assert any(line.startswith("│title+random-25") for line in lines)
    assert any("first-5: ours is above" in line for line in lines)
