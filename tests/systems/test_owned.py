"""Lists from one's own music: nothing else is listed, misspelled names are found, what no playlist has comes in."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.errors import StoredDataError
from segue.library import Interactions, Library
from segue.recommend.because import sentence
from segue.recommend.rules import Rules
from segue.systems import owned_cache, owned_match
from segue.systems.model import Model
from segue.systems.owned import Owned, owned_answer
from segue.systems.owned_match import BY
from segue.systems.owned_report import match_csv, match_json, match_lines, match_summary
from segue.systems.requests import Answer, Request
from systems.trained import Trained

TITLES = ("rainy sunday", "90s rap", "workout", "the beatles", "no such words xyzzy", "rock, no queen", "")


def mine(rows: pl.DataFrame | list[dict[str, Any]]) -> Library:
    """A library of tracks alone, with ids and places of its own."""
    table = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows, infer_schema_length=None)
    n = table.height
    table = table.with_columns(
        pl.Series("track_id", [f"own:{i}" for i in range(n)]),
        pl.Series("location", [f"/music/{i}.mp3" for i in range(n)]),
    )
    none = pl.DataFrame(schema={"playlist_id": pl.String, "title": pl.String})
    return Library(table, none, Interactions.of([], n_columns=n))


def asked(title: str = "", n: int = 20, **more: Any) -> Request:
    rules = more.pop("rules", {})
    return Request(title, rules=Rules(n=n, **rules), **more)


def ids(answer: Answer) -> list[str]:
    return [line.track.track_id for line in answer.tracks]


@pytest.fixture(scope="module")
def model(trained: Trained) -> Model:
    return trained.model


@pytest.fixture(scope="module")
def everything(trained: Trained) -> Owned:
    return Owned.match(trained.model, mine(trained.library.tracks))


@pytest.fixture(scope="module")
def heard(trained: Trained) -> tuple[Owned, np.ndarray]:
    """Every track that a playlist has is owned: the match, and the model's rows."""
    rows = np.flatnonzero(trained.model.counts > 0)
    return Owned.match(trained.model, mine(trained.library.tracks[rows])), rows


@pytest.fixture(scope="module")
def tenth(trained: Trained) -> tuple[Owned, np.ndarray]:
    """Every tenth track is owned: the match, and the model's rows."""
    rows = np.arange(0, trained.library.n_tracks, 10)
    return Owned.match(trained.model, mine(trained.library.tracks[rows])), rows


class TestTheList:
    @pytest.mark.parametrize("title", TITLES)
    def test_who_owns_all_that_was_heard_gets_the_model_s_list(
        self, model: Model, heard: tuple[Owned, np.ndarray], title: str
    ) -> None:
        owned, rows = heard
        for request in (
            asked(title),
            asked(title, n=100, rules={"artist_cap": 1, "year_from": 1990}),
            asked(title, adventure=1.0),
            asked(title, adventure=-0.5, order="smooth"),
        ):
            own, theirs = owned_answer(model, owned, request), model.answer(request)
            assert all(model.counts[line.row] for line in theirs.tracks)  # else this says nothing
            assert [int(rows[line.row]) for line in own.tracks] == [line.row for line in theirs.tracks]
            assert [line.because for line in own.tracks] == [line.because for line in theirs.tracks]
            assert own.ignored == theirs.ignored and own.query == theirs.query

    @pytest.mark.parametrize("title", TITLES)
    def test_only_owned_tracks_in_the_model_s_order(
        self, model: Model, tenth: tuple[Owned, np.ndarray], title: str
    ) -> None:
        owned, rows = tenth
        request = asked(title, n=40)
        only = np.zeros(len(model.catalogue), bool)
        only[rows] = True
        query, _ = model.query(request)
        ranking = model.rank(query, request.rules, only=only)
        answer = owned_answer(model, owned, request)
        heard = [line.row for line in answer.tracks if owned.counts[line.row] > 0]
        expected = [row for row in ranking.rows.tolist() if model.counts[row] > 0]
        assert [int(rows[row]) for row in heard] == expected[: len(heard)] and len(heard) >= 30
        assert all(line.track.track_id.startswith("own:") for line in answer.tracks)
        assert all(line.track.location == f"/music/{line.row}.mp3" for line in answer.tracks)

    def test_the_same_question_has_the_same_answer(self, model: Model, tenth: tuple[Owned, np.ndarray]) -> None:
        first, second = (owned_answer(model, tenth[0], asked("road trip")).to_json() for _ in range(2))
        assert first == second and len(first["tracks"]) == 20

    def test_rules_see_the_owned_tracks_own_values(self, model: Model, trained: Trained) -> None:
        table = trained.library.tracks[:200].with_columns(
            pl.lit(1950, pl.Int16).alias("year"),
            pl.Series("duration_ms", [60_000 + i for i in range(200)], pl.Int32),
            pl.Series("explicit", [i % 2 == 0 for i in range(200)]),
        )
        owned = Owned.match(model, mine(table))
        assert len(owned_answer(model, owned, asked("rock", rules={"year_from": 1960})).tracks) == 0
        fine = owned_answer(
            model,
            owned,
            asked("rock", n=50, rules={"year_to": 1960, "allow_explicit": False, "max_track_minutes": 1.001}),
        )
        assert 0 < len(fine.tracks) <= 30
        assert all(line.track.year == 1950 and line.track.explicit is False for line in fine.tracks)
        assert all((line.track.duration_ms or 0) <= 60_060 for line in fine.tracks)

    def test_given_kept_and_rejected_tracks_by_owned_ids(self, model: Model, everything: Owned) -> None:
        name, artist = (everything.catalogue.texts[what][3] for what in ("name", "artist"))
        theirs = model.answer(asked("", track_ids=(model.catalogue.texts["track_id"][3],)))
        for request in (asked("", track_ids=("own:3",)), asked("", tracks=(f"{name} - {artist}",))):
            own = owned_answer(model, everything, request)
            assert [line.row for line in own.tracks] == [line.row for line in theirs.tracks]
            assert own.query["tracks"] == ["own:3"] and "own:3" not in ids(own)
        plain = owned_answer(model, everything, asked("rock"))
        never = tuple(ids(plain)[:3])
        assert not set(never) & set(ids(owned_answer(model, everything, asked("rock", never=never))))
        by_model = tuple(model.catalogue.texts["track_id"][line.row] for line in plain.tracks[:3])
        assert ids(owned_answer(model, everything, asked("rock", never=by_model))) == ids(
            owned_answer(model, everything, asked("rock", never=never))
        )

    def test_what_was_kept_leans_the_list_as_it_does_the_model_s(
        self, model: Model, heard: tuple[Owned, np.ndarray]
    ) -> None:
        owned, rows = heard
        theirs = tuple(model.catalogue.texts["track_id"][row] for row in (3, 40, 41))
        own = tuple(f"own:{int(np.searchsorted(rows, row))}" for row in (3, 40, 41))
        answers = [owned_answer(model, owned, asked("90s rap", kept=k[:1], more=k[1:])) for k in (own, theirs)]
        assert ids(answers[0]) == ids(answers[1]) != ids(owned_answer(model, owned, asked("90s rap")))
        # the model leans only what it ranked deep enough for its own list, so ends of lists may differ
        listed = {line.row for line in model.answer(asked("90s rap", kept=theirs[:1], more=theirs[1:])).tracks}
        assert len(listed & {int(rows[line.row]) for line in answers[0].tracks}) >= 16
        assert any(reason.kind == "given" for line in answers[0].tracks for reason in line.because)

    def test_artists_are_left_out_by_row_by_name_and_by_the_title(self, model: Model, everything: Owned) -> None:
        artist = "Queen"
        rows = everything.catalogue.artist_row
        of_artist = {i for i in range(len(everything)) if everything.catalogue.texts["artist"][i] == artist}
        assert of_artist and everything.has_artist("queen") and not everything.has_artist("nobody at all")
        their_row = int(model.catalogue.artist_row[next(iter(of_artist))])
        for answer in (
            owned_answer(model, everything, asked("rock", n=3_000, explain=False), exclude_artists=["QUEEN"]),
            owned_answer(
                model, everything, asked("rock", n=3_000, explain=False, rules={"exclude_artists": (their_row,)})
            ),
            owned_answer(model, everything, asked("rock, no queen", n=3_000, explain=False)),
        ):
            assert len(answer.tracks) > 2_000 and not of_artist & {line.row for line in answer.tracks}
        assert len(rows) == len(everything)

    def test_nothing_owned_and_nothing_known(self, model: Model) -> None:
        table = pl.DataFrame(schema={"track_id": pl.String, "name": pl.String, "artist": pl.String})
        empty = Owned.match(model, mine(table))
        answer = owned_answer(model, empty, asked("rock"))
        assert answer.tracks == () and answer.ignored == ("only 0 of 20 tracks satisfy the rules",)
        odd = Owned.match(model, mine([{"name": None, "artist": None}, {"name": "x", "artist": ""}]))
        assert odd.best.tolist() == [-1, -1]
        assert len(owned_answer(model, odd, asked("rock", tracks=("nothing - nobody",))).tracks) == 2


@pytest.fixture(scope="module")
def owned(trained: Trained) -> Owned:
    table = trained.library.tracks[::10].select("name", "artist", "genre", "album", "year").to_dicts()
    more = [
        {"name": "An Early Tape", "artist": "The Beatles", "genre": None, "album": None, "year": 1960},
        {"name": "Steps", "artist": "Nobody You Know", "genre": "Zydeco", "album": "Bayou", "year": 1999},
        {"name": "Zydeco Stomp", "artist": "Nobody Else", "genre": None, "album": None, "year": None},
        {"name": "Silence", "artist": "Unheard Of", "genre": None, "album": None, "year": None},
    ]
    return Owned.match(trained.model, mine([*table, *more]))


class TestWhatNoPlaylistHas:
    def test_they_come_in_by_their_artist(self, model: Model, owned: Owned) -> None:
        row = len(owned) - 4
        assert owned.best[row] == -1 and owned.artists[row] >= 0 and owned.artist_sizes[row] > 0
        answer = owned_answer(model, owned, asked("the beatles", n=10))
        line = next(line for line in answer.tracks if line.row == row)
        assert line.because[0].kind == "same_artist" and line.because[0].text == "The Beatles"
        assert "The Beatles" in sentence(line.because[0]) and line.score > 0
        # where the artist has no place, neither has the tape
        assert row not in [line.row for line in owned_answer(model, owned, asked("zydeco", n=10)).tracks]

    def test_they_come_in_by_words_of_genre_and_name(self, model: Model, owned: Owned) -> None:
        answer = owned_answer(model, owned, asked("zydeco", n=30))
        by_words = {line.row: line.because for line in answer.tracks if line.because[0].kind == "words"}
        assert set(by_words) == {len(owned) - 3, len(owned) - 2}
        assert all(because[0].text == "zydeco" for because in by_words.values())
        avoided = owned_answer(model, owned, asked("party, no zydeco", n=30))
        assert not set(by_words) & {line.row for line in avoided.tracks if line.score > 0}

    def test_they_do_not_push_out_what_playlists_say(self, model: Model, owned: Owned) -> None:
        for title in ("rainy sunday", "workout", "90s rap"):
            lines = owned_answer(model, owned, asked(title, n=10)).tracks
            assert sum(owned.counts[line.row] == 0 for line in lines) <= 2
        every = owned_answer(model, owned, asked("rainy sunday", n=len(owned)))
        assert {len(owned) - 1} <= {line.row for line in every.tracks}  # even what nothing is known of is there, last
        assert every.tracks[-1].because[0].kind == "popularity" and every.tracks[-1].score == 0

    def test_a_given_track_that_says_nothing_is_said(self, model: Model, owned: Owned) -> None:
        answer = owned_answer(model, owned, asked("rock", track_ids=(f"own:{len(owned) - 1}", "own:none")))
        assert any("'Silence'" in sentence for sentence in answer.ignored)
        assert any("own:none" in sentence for sentence in answer.ignored)
        assert len(owned) - 1 not in [line.row for line in answer.tracks]


def typo(text: str) -> str:
    at = max(len(text) // 2, 1)
    return text[:at] + text[at + 1 :]


PERTURBED: dict[str, tuple[Callable[[str, str], tuple[str, str]], float, set[str]]] = {
    "same": (lambda n, a: (n, a), 1.0, {"name"}),
    "case": (lambda n, a: (n.upper(), a.lower()), 1.0, {"name"}),
    "marks": (lambda n, a: (unicodedata.normalize("NFD", n), "".join(c + "\u0301" for c in a)), 1.0, {"name"}),
    "feat.": (lambda n, a: (f"{n} (feat. Somebody)", a), 1.0, {"version", "other version"}),
    "several artists": (lambda n, a: (n, f"{a}; Somebody Else"), 1.0, {"version", "other version"}),
    "remaster": (lambda n, a: (f"{n} - 2011 Remaster", a), 1.0, {"version", "other version"}),
    "live": (lambda n, a: (f"{n} (Live at Wembley)", a), 1.0, {"version", "other version"}),
    "the": (lambda n, a: (n, a[4:] if a.startswith("The ") else f"The {a}"), 0.98, {"near name", "near artist"}),
    "swapped": (lambda n, a: (a, n), 0.98, {"swapped"}),
    "typo in the name": (lambda n, a: (typo(n) if len(n) > 7 else n, a), 0.97, {"near name", "name"}),
    "typo in the artist": (lambda n, a: (n, typo(a) if len(a) > 8 else a), 0.93, {"near artist", "near name"}),
}


@pytest.mark.parametrize("kind", PERTURBED)
def test_misspelled_names_are_found(trained: Trained, kind: str) -> None:
    how, recall, ways = PERTURBED[kind]
    rows = np.arange(0, trained.library.n_tracks, 16)
    named = [trained.model.catalogue.track(int(row)) for row in rows]
    changed = [how(track.name, track.artist) for track in named]
    owned = Owned.match(trained.model, mine([{"name": n, "artist": a} for n, a in changed]))
    found = owned.best >= 0
    assert (owned.best == rows).mean() >= recall
    assert (owned.best[found] == rows[found]).mean() >= 0.99
    assert {BY[by] for by in owned.by[found].tolist()} <= ways | {"name", "version", "other version"}


@pytest.mark.parametrize(
    ("name", "artist", "found"),
    [
        ("Part 1", "Band", "Part 1"),
        ("Part 3", "Band", None),  # numbers are not typos
        ("Pt 1", "Band", None),  # too short to be sure
        ("Prt 1", "Band", "Part 1"),
        ("Another Grey Morning", "Band", "Another Gray Morning"),
        ("Another Gray Evening", "Band", None),
        ("Evening - Live", "Band", "Evening - Live"),  # not the studio version
        ("Love Theme (From the Motion Picture of the Year)", "Band", None),  # only its tail is alike
        ("Evening", "Bund", None),
        ("Long Enough a Name", "Quite a Band Nane", "Long Enough a Name"),
        ("Long Enough a Nose", "Quite a Band Nane", None),
        ("Evening", "Nobody", None),
    ],
)
def test_what_is_alike_and_what_is_not(trained: Trained, name: str, artist: str, found: str | None) -> None:
    model = planted(trained, [
        ("Part 1", "Band", 3), ("Part 2", "Band", 5), ("Another Gray Morning", "Band", 1), ("Evening", "Band", 9),
        ("Evening - Live", "Band", 1), ("Main Theme (From the Motion Picture of the Year)", "Band", 1),
        ("Long Enough a Name", "Quite a Band Name", 1),
    ])  # fmt: skip
    owned = Owned.match(model, mine([{"name": name, "artist": artist}]))
    row = int(owned.best[0])
    assert (model.catalogue.texts["name"][row] if row >= 0 else None) == found


def planted(trained: Trained, tracks: list[tuple[str, str, int]], **columns: list[Any]) -> Model:
    """A model whose catalogue is these tracks, each with its number of playlists; it can only be matched."""
    from segue.library import Catalogue
    from segue.recommend.popularity import Popularity

    table = pl.DataFrame({
        "track_id": [f"theirs:{i}" for i in range(len(tracks))], "name": [t[0] for t in tracks],
        "artist": [t[1] for t in tracks], **columns,
    })  # fmt: skip
    none = pl.DataFrame(schema={"playlist_id": pl.String, "title": pl.String})
    library = Library(table, none, Interactions.of([], n_columns=len(tracks)))
    most = max(t[2] for t in tracks)
    lists = [[row for row, t in enumerate(tracks) if t[2] > j] for j in range(most)]
    popularity = Popularity.fitted(Interactions.of(lists, n_columns=len(tracks)))
    return replace(
        trained.model, path=Path("nowhere"), catalogue=Catalogue.of(library), recommender=popularity
    )  # fmt: skip


def test_versions_of_a_recording_count_together_and_live_ones_apart(trained: Trained) -> None:
    model = planted(trained, [
        ("Heroes", "David Bowie", 4), ("Heroes - 2017 Remaster", "David Bowie", 6),
        ("Heroes - Live", "David Bowie", 9), ("Heroes", "David Bowie", 1),
    ])  # fmt: skip
    owned = Owned.match(
        model,
        mine(
            [
                {"name": "“Heroes” (2002 Remaster)", "artist": "David Bowie"},
                {"name": "Heroes (Live)", "artist": "David Bowie"},
            ]
        ),
    )
    assert set(owned.rows.row(0).tolist()) == {0, 1, 3} and owned.counts.tolist() == [11, 9]
    assert owned.best[0] == 1 and owned.rows.row(1).tolist() == [2]


def test_ambiguity_is_recorded_and_the_more_popular_is_taken(trained: Trained) -> None:
    model = planted(trained, [("Morning Song", "Band", 2), ("Morning Sang", "Band", 7), ("Alone", "Band", 1)])
    owned = Owned.match(
        model, mine([{"name": "Morning Seng", "artist": "Band"}, {"name": "Alone", "artist": "Band"}])
    )
    assert owned.ambiguous.tolist() == [True, False] and owned.best.tolist() == [1, 2]
    lines = list(match_lines(owned))
    assert [line.status for line in lines] == ["ambiguous", "found"]
    summary = match_summary(model, owned)
    assert (summary["found"], summary["ambiguous"], summary["missing"]) == (1, 1, 0)


def test_ids_of_recordings_are_believed_before_names(trained: Trained, tmp_path: Path) -> None:
    uuid = "0a1b2c3d-0000-4000-8000-00000000000f"
    model = planted(
        trained, [("Right", "Band", 1), ("Wrong", "Band", 8), ("By Code", "Band", 1), ("Spotified", "B", 1)]
    )
    table = pl.DataFrame({
        "track_id": ["a", f"https://musicbrainz.org/recording/{uuid}", "c", "spotify:track:4uLU6hMCjMI75M1A2tKUQC"],
        "name": ["Right", "Wrong", "By Code", "Spotified"], "artist": ["Band", "Band", "Band", "B"],
        "isrc": [None, None, "DEA000000001", None],
    })  # fmt: skip
    none = pl.DataFrame(schema={"playlist_id": pl.String, "title": pl.String})
    theirs = Library(table, none, Interactions.of([], n_columns=4))
    theirs.save(tmp_path / "model" / "library")
    from segue.library import Catalogue

    model = replace(model, path=tmp_path / "model", catalogue=Catalogue.of(theirs))
    own = mine([
        {"name": "Other Words", "artist": "Someone", "mbid": uuid, "isrc": None},
        {"name": "Altogether Else", "artist": "Someone", "mbid": None, "isrc": "DEA000000001"},
        {"name": "Right", "artist": "Band", "mbid": None, "isrc": "XXA000000001"},
    ])  # fmt: skip
    spotify = own.tracks.with_columns(pl.Series("track_id", ["a:1", "a:2", "4uLU6hMCjMI75M1A2tKUQC"]))
    assert Owned.match(model, own).best.tolist() == [1, 2, 0]
    own = Library(spotify.with_columns(name=pl.lit("?")), own.playlists, own.playlist_tracks)
    assert Owned.match(model, own).best.tolist() == [1, 2, 3]


NAMES = st.text(alphabet="abcdeé()-' 12", min_size=0, max_size=12)


@settings(max_examples=25)
@given(
    own=st.lists(st.tuples(NAMES, NAMES), max_size=6),
    theirs=st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=6),
)
def test_any_names_match_or_do_not(
    trained: Trained, own: list[tuple[str, str]], theirs: list[tuple[str, str]]
) -> None:
    """What is the same is found; the order of owned tracks does not matter; nothing raises."""
    model = planted(trained, [(n, a, 1 + i % 3) for i, (n, a) in enumerate(theirs)])
    schema = {"name": pl.String, "artist": pl.String}
    table = pl.DataFrame(own, schema=schema, orient="row")
    owned = Owned.match(model, mine(table))
    backwards = Owned.match(model, mine(table[::-1]))
    assert owned.best.tolist() == backwards.best.tolist()[::-1]
    for row, (name, artist) in enumerate(own):
        if (name, artist) in theirs and name.strip() and artist.strip():
            found = int(owned.best[row])
            assert found >= 0 and owned.alike[row] == 1.0
    match_csv(model, owned).decode()


class TestTheCache:
    @pytest.fixture(autouse=True)
    def own_cache(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        yield

    @pytest.fixture
    def folder(self, trained: Trained, tmp_path: Path) -> Path:
        mine(trained.library.tracks[:50]).save(tmp_path / "mine")
        return tmp_path / "mine"

    def test_a_match_is_made_once(self, model: Model, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        first = Owned.open(model, folder)
        assert first.matched_now
        monkeypatch.setattr(owned_match, "matched", None)
        second = Owned.open(model, folder)
        assert not second.matched_now and second.fingerprint == first.fingerprint
        for title in TITLES:
            assert owned_answer(model, second, asked(title)) == owned_answer(model, first, asked(title))
        assert second.root == Path("/music") and second.track_of("own:3") == first.track_of("own:3") is not None

    def test_what_changed_is_matched_anew(self, model: Model, folder: Path) -> None:
        first = Owned.open(model, folder)
        library = Library.load(folder)
        moved = library.tracks.with_columns(location=pl.lit("/elsewhere/x.mp3"))
        Library(moved, library.playlists, library.playlist_tracks).save(folder)
        second = Owned.open(model, folder)
        assert second.matched_now and second.catalogue.track(0).location == "/elsewhere/x.mp3"
        assert first.catalogue.track(0).location == "/music/0.mp3"  # what was opened stays what it was

    @pytest.mark.parametrize(
        "name", ["manifest.json", "rows.indices.npy", "by.npy", "tracks/year.npy", "words/starts.npy"]
    )
    def test_a_damaged_cache_is_made_anew(self, model: Model, folder: Path, tmp_path: Path, name: str) -> None:
        first = Owned.open(model, folder)
        (place,) = (tmp_path / "cache" / "segue" / "owned").iterdir()
        (place / name).write_bytes((place / name).read_bytes()[:40])
        again = Owned.open(model, folder)
        assert again.matched_now and owned_answer(model, again, asked("rock")) == owned_answer(
            model, first, asked("rock")
        )

    def test_a_cache_that_cannot_be_written_costs_nothing_but_time(
        self, model: Model, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
        assert Owned.open(model, folder).matched_now and Owned.open(model, folder).matched_now

    def test_few_matches_are_kept(self, model: Model, trained: Trained, tmp_path: Path) -> None:
        for i in range(owned_cache.MOST + 2):
            mine(trained.library.tracks[i : i + 3]).save(tmp_path / f"mine{i}")
            Owned.open(model, tmp_path / f"mine{i}")
        assert len(list((tmp_path / "cache" / "segue" / "owned").iterdir())) == owned_cache.MOST

    def test_no_library_is_an_error(self, model: Model, tmp_path: Path) -> None:
        with pytest.raises(StoredDataError, match=r"manifest\.json"):
            Owned.open(model, tmp_path)


def test_the_report_guards_its_cells(trained: Trained) -> None:
    owned = Owned.match(trained.model, mine([{"name": "=1+1", "artist": "@evil"}, {"name": "x\ny", "artist": "a,b"}]))
    text = match_csv(trained.model, owned).decode()
    assert "'=1+1" in text and "'@evil" in text and '"x\ny"' in text
    found = match_json(trained.model, owned)
    assert [line["status"] for line in found["lines"]] == ["missing", "missing"] and found["missing"] == 2
