"""From playlists on disk to an explained answer: the golden run on the bundled catalogue."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from segue.library import Query
from segue.recommend.rules import Rules
from segue.sources.demo import CatalogueTrack
from segue.split.holdout import holdout, part_of
from segue.systems.model import Model, Request
from systems.trained import Trained

GOLDEN: dict[str, Callable[[CatalogueTrack], bool]] = {
    "country road trip": lambda t: t.genre in ("country", "folk"),
    "christmas 🎄": lambda t: t.genre == "christmas" or "festive" in t.moods,
    "metal": lambda t: t.genre in ("metal", "rock", "grunge", "punk"),
    "worship songs": lambda t: t.genre in ("worship", "gospel") or "spiritual" in t.moods,
    "90s": lambda t: 1988 <= t.year <= 2001,
    "queen": lambda t: t.artist == "Queen" or t.genre in ("classic rock", "rock"),
}
N = 15


def answered(model: Model, title: str, **more: object) -> dict[str, object]:
    request = Request(title, rules=Rules(n=N), **more)  # type: ignore[arg-type]
    value: dict[str, object] = json.loads(json.dumps(model.answer(request).to_json()))
    return value


@pytest.mark.parametrize("title", GOLDEN)
def test_most_tracks_have_what_was_planted(trained: Trained, tracks: dict[str, CatalogueTrack], title: str) -> None:
    rows = trained.model.answer(Request(title, rules=Rules(n=N))).tracks
    fitting = [GOLDEN[title](tracks[t.track.track_id]) for t in rows]
    assert len(fitting) == N and sum(fitting) > N / 2, [(t.track.name, t.track.artist) for t in rows]
    # more than popularity gives to anybody
    popular = trained.model.answer(Request("", rules=Rules(n=N))).tracks
    assert sum(fitting) > sum(GOLDEN[title](tracks[t.track.track_id]) for t in popular)


def test_an_answer_has_the_promised_shape(trained: Trained) -> None:
    answer = answered(trained.model, "country, no taylor swift", tracks=("Nothing - Nobody",))
    assert list(answer) == ["query", "model", "ignored", "tracks"]
    assert answer["model"] == {"fingerprint": trained.manifest["fingerprint"]}
    assert isinstance(answer["query"], dict) and answer["query"]["title"] == "country, no taylor swift"
    assert isinstance(answer["ignored"], list) and any("Nothing - Nobody" in s for s in answer["ignored"])
    assert isinstance(answer["tracks"], list) and len(answer["tracks"]) == N
    for rank, track in enumerate(answer["tracks"], start=1):
        assert list(track) == [
            "rank", "track_id", "name", "artist", "album", "year", "duration_ms", "explicit", "link", "score",
            "because",
        ]  # fmt: skip
        assert track["rank"] == rank and isinstance(track["score"], float)
        assert track["name"] and track["artist"] and track["artist"] != "Taylor Swift"
        assert 1 <= len(track["because"]) <= 3
        for reason in track["because"]:
            assert list(reason) == ["kind", "text", "share", "count"]
            assert 0 < reason["share"] <= 1
    scores = [track["score"] for track in answer["tracks"]]
    assert scores == sorted(scores, reverse=True)


def test_reasons_name_titles_and_artists(trained: Trained) -> None:
    by_artist = trained.model.answer(Request("queen", rules=Rules(n=3))).tracks
    assert any(reason.kind == "artist" and reason.text == "Queen" for t in by_artist for reason in t.because)
    by_title = trained.model.answer(Request("christmas", rules=Rules(n=3))).tracks
    assert any(reason.kind == "playlists" and reason.text for t in by_title for reason in t.because)
    assert not trained.model.answer(Request("queen", explain=False)).tracks[0].because


def test_given_tracks_continue_the_playlist(trained: Trained, tracks: dict[str, CatalogueTrack]) -> None:
    given = [t for t in tracks.values() if t.artist == "Metallica"][:2]
    request = Request(tracks=tuple(f"{t.name} - {t.artist}" for t in given), rules=Rules(n=N))
    answer = trained.model.answer(request)
    assert answer.query["tracks"] == [t.track_id for t in given]
    found = [t.track.track_id for t in answer.tracks]
    assert not set(found) & {t.track_id for t in given}
    assert sum(tracks[i].genre in ("metal", "rock", "grunge", "punk", "classic rock") for i in found) > N / 2
    assert any(reason.kind == "given" for t in answer.tracks for reason in t.because)
    by_id = trained.model.answer(Request(track_ids=tuple(t.track_id for t in given), rules=Rules(n=N)))
    assert [t.row for t in by_id.tracks] == [t.row for t in answer.tracks]


@pytest.mark.parametrize(
    "title", ["", "🔥", "a" * 10_000, "zxqv", "\x00", "\u202eabc", "no queen", "rock without queen"]
)
def test_any_title_is_answered(trained: Trained, title: str) -> None:
    answer = trained.model.answer(Request(title))
    assert len(answer.tracks) == 66 and all(t.because for t in answer.tracks)
    if "queen" in title:
        assert "Queen" not in {t.track.artist for t in answer.tracks}
    if title in ("", "\x00", "a" * 10_000, "no queen"):
        assert answer.ignored


def test_held_out_playlists_are_not_in_the_model(trained: Trained) -> None:
    from segue.library import Library

    voters = Library.load(trained.path / "library")
    assert voters.n_playlists == trained.manifest["n_playlists"] < trained.library.n_playlists
    assert all(part_of(i) != 0 for i in voters.playlists["playlist_id"].to_list())
    split = holdout(trained.library)
    ids = trained.library.playlists["playlist_id"].to_list()
    assert {ids[r] for r in split.test.tolist()}.isdisjoint(voters.playlists["playlist_id"].to_list())
    assert len(trained.model.playlist_tracks.indptr) - 1 == trained.library.n_playlists - len(split.test)


def test_a_test_playlist_cannot_vote_for_itself(trained: Trained) -> None:
    """What only test playlists have gets no score, not even under their own titles."""
    split = holdout(trained.library)
    counts = trained.library.select_playlists(np.delete(np.arange(800), split.test)).playlist_tracks.column_counts()
    held = np.bincount(trained.model.playlist_tracks.indices, minlength=len(trained.model.catalogue))
    assert counts.tolist() == held.tolist()
    only = [
        int(t)
        for row in split.test
        for t in trained.library.playlist_tracks.row(int(row))
        if counts[t] == 0 and trained.library.titles[row].strip()
    ]
    assert only  # tracks that no voter has, in playlists whose title we ask
    rows_of = {t: row for row in split.test for t in trained.library.playlist_tracks.row(int(row)).tolist()}
    for track in only[:20]:
        scores = trained.model.recommender.recommend(Query(trained.library.titles[rows_of[track]]), 10_000)
        assert scores.scores[scores.rows == track].tolist() in ([], [0.0])


def test_a_query_imports_nothing_heavy(trained: Trained) -> None:
    code = (
        "import sys\n"
        "from segue.systems.model import Model, Request\n"
        "model = Model.load(sys.argv[1])\n"
        "for r in (Request('queen 🌧'), Request('rock', track_ids=(model.catalogue.track(3).track_id,))):\n"
        "    assert model.answer(r).tracks\n"
        "print(sorted({'torch', 'polars', 'scipy', 'sklearn', 'pandas', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(trained.path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
