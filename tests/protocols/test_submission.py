from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from protocols.planted import planted
from segue.errors import InputError, OutputError, SourceError
from segue.library import Catalogue, Query, Ranking
from segue.protocols.submission import (
    Team,
    ToContinue,
    check_submission,
    read_challenge_set,
    submission_problems,
    write_submission,
)
from segue.recommend.popularity import Popularity

TEAM = Team("the segues", "team@example.org")


def uri(row: int) -> str:
    return f"spotify:track:{row:022d}"


CHALLENGE = [
    ToContinue(1000, "rock", ()),
    ToContinue(1001, "", tuple(uri(i) for i in (5, 3, 9))),
    ToContinue(1002, "folk", (uri(7), "spotify:track:NotInTheCatalogue00000")),
]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.of(planted())


@pytest.fixture(scope="module")
def popularity() -> Popularity:
    return Popularity.fitted(planted().playlist_tracks)


@pytest.fixture
def written(tmp_path: Path, catalogue: Catalogue, popularity: Popularity) -> Path:
    path = tmp_path / "submission.csv.gz"
    write_submission(CHALLENGE, popularity, catalogue, path, TEAM)
    return path


def lines_of(path: Path) -> list[str]:
    return gzip.decompress(path.read_bytes()).decode().splitlines()


def rewritten(path: Path, lines: list[str]) -> Path:
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    return path


def test_a_challenge_set_is_read_with_its_tracks_in_order(tmp_path: Path) -> None:
    data = {
        "version": "v1",
        "date": "2018-01-16 08:47:28.198015",
        "playlists": [
            {"pid": 1, "num_holdouts": 11, "num_samples": 0, "num_tracks": 11, "tracks": [], "name": "Party 🎉"},
            {
                "pid": 2,
                "num_holdouts": 5,
                "tracks": [
                    {"pos": 7, "track_uri": uri(1), "artist_name": "b", "track_name": "b"},
                    {"pos": 0, "track_uri": uri(2), "artist_name": "a", "track_name": "a"},
                ],
            },
        ],
    }
    path = tmp_path / "challenge_set.json"
    path.write_text(json.dumps(data), "utf-8")
    expected = [ToContinue(1, "Party 🎉", ()), ToContinue(2, "", (uri(2), uri(1)))]
    assert read_challenge_set(path) == expected
    packed = tmp_path / "challenge_set.json.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert read_challenge_set(packed) == expected


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no challenge set"),
        (b'{"playlists": [{"name": "no pid"}]}', "pid"),
        (b'{"playlists": []}', "no playlist"),
        (b'{"playlists": [{"pid": 1, "tracks": []}, {"pid": 1, "tracks": []}]}', "pid 1"),
        (b'[{"pid": 1}]', "no challenge set"),
    ],
)
def test_a_file_that_is_no_challenge_set_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "challenge_set.json"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=says) as error:
        read_challenge_set(path)
    assert "challenge_set.json" in str(error.value)


def test_a_truncated_or_missing_challenge_set_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        read_challenge_set(tmp_path / "missing.json")
    packed = tmp_path / "cut.json.gz"
    packed.write_bytes(gzip.compress(b'{"playlists": []}' * 100)[:-12])
    with pytest.raises(SourceError, match="cannot be read"):
        read_challenge_set(packed)


def test_a_submission_passes_the_rules(written: Path) -> None:
    checked = check_submission(CHALLENGE, written)
    assert checked.n_playlists == 3
    assert checked.team == ("main", "the segues", "team@example.org")
    first = next(line for line in lines_of(written) if line and not line.startswith("#"))
    assert first == "team_info,main,the segues,team@example.org"


def test_given_tracks_never_come_back_and_unknown_ones_are_counted(
    tmp_path: Path, catalogue: Catalogue, popularity: Popularity
) -> None:
    path = tmp_path / "deep" / "s.csv.gz"
    result = write_submission(CHALLENGE, popularity, catalogue, path, TEAM)
    assert (result.n_playlists, result.n_given, result.n_given_unknown) == (3, 5, 1)
    by_pid = {line.split(",")[0]: line.split(",")[1:] for line in lines_of(path) if line[:1].isdigit()}
    assert not {uri(5), uri(3), uri(9)} & set(by_pid["1001"])
    assert all(len(set(uris)) == 500 for uris in by_pid.values())


def test_the_same_submission_has_the_same_bytes(
    tmp_path: Path, catalogue: Catalogue, popularity: Popularity, written: Path
) -> None:
    other = tmp_path / "other.csv.gz"
    write_submission(CHALLENGE, popularity, catalogue, other, TEAM)
    assert other.read_bytes() == written.read_bytes()


def test_comments_blank_lines_and_blanks_around_commas_are_allowed(written: Path) -> None:
    lines = [line.replace(",", " , ") for line in lines_of(written)]
    spaced = ["# mine", "", *lines[:3], "   ", "# between", *lines[3:], ""]
    assert submission_problems(CHALLENGE, rewritten(written, spaced)) == []


def test_the_line_of_the_relaunch_is_allowed_too(
    tmp_path: Path, catalogue: Catalogue, popularity: Popularity
) -> None:
    path = tmp_path / "s.csv.gz"
    write_submission(CHALLENGE, popularity, catalogue, path, Team("a", "a@b.c", track=None))
    assert check_submission(CHALLENGE, path).team == ("a", "a@b.c")


def change(lines: list[str], pid: str, new: list[str] | None) -> list[str]:
    out = []
    for line in lines:
        if line.startswith(f"{pid},"):
            if new is not None:
                out.append(",".join([pid, *new]))
        else:
            out.append(line)
    return out


FIVE_HUNDRED = [uri(i) for i in range(100, 600)]


@pytest.mark.parametrize(
    ("pid", "new", "says"),
    [
        ("1000", FIVE_HUNDRED[:499], "499 tracks instead of 500"),
        ("1000", [*FIVE_HUNDRED, uri(700)], "501 tracks instead of 500"),
        ("1000", [*FIVE_HUNDRED[:499], FIVE_HUNDRED[0]], "repeats 1 tracks"),
        ("1001", [uri(5), uri(9), *FIVE_HUNDRED[:498]], "2 of the given tracks"),
        ("1000", ["http://example.org", *FIVE_HUNDRED[:499]], "no Spotify track URI"),
        ("1002", None, "1 playlists are missing, the first is 1002"),
        ("1000", [], "0 tracks instead of 500"),
    ],
)
def test_what_the_rules_refuse_is_refused(written: Path, pid: str, new: list[str] | None, says: str) -> None:
    path = rewritten(written, change(lines_of(written), pid, new))
    assert any(says in problem for problem in submission_problems(CHALLENGE, path))
    with pytest.raises(InputError, match=r"line|missing"):
        check_submission(CHALLENGE, path)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (",".join(["4711", *FIVE_HUNDRED]), "4711 is not in the challenge set"),
        (",".join(["1000", *FIVE_HUNDRED]), "1000 was there before"),
        ("hello,world", "'hello' is no playlist number"),
    ],
)
def test_lines_too_many_are_refused(written: Path, more: str, says: str) -> None:
    assert any(says in p for p in submission_problems(CHALLENGE, rewritten(written, [*lines_of(written), more])))


@pytest.mark.parametrize(
    "line",
    [
        "team_info,creative",
        "team_info,mine,a,a@b.c",
        "team_info,main,,a@b.c",
        "team_info,main,a,nowhere",
        "team,a,a@b.c",
    ],
)
def test_a_wrong_team_line_is_refused(written: Path, line: str) -> None:
    lines = [line if old.startswith("team_info") else old for old in lines_of(written)]
    assert len(submission_problems(CHALLENGE, rewritten(written, lines))) == 1


def test_empty_and_damaged_submissions_are_refused(written: Path) -> None:
    assert submission_problems(CHALLENGE, rewritten(written, ["# nothing"])) == ["there is no team_info line"]
    written.write_bytes(b"no gzip")
    with pytest.raises(SourceError, match="gzip"):
        check_submission(CHALLENGE, written)
    written.write_bytes(gzip.compress(b"team_info,main,a,a@b.c\n" * 9)[:-8])
    with pytest.raises(SourceError, match="gzip"):
        check_submission(CHALLENGE, written)


@pytest.mark.parametrize(
    ("name", "email"), [("", "a@b.c"), ("a,b", "a@b.c"), ("a\nb", "a@b.c"), ("a", "nowhere"), ("a", "a@b.c,d")]
)
def test_a_team_that_would_break_its_line_is_refused(name: str, email: str) -> None:
    with pytest.raises(InputError):
        Team(name, email)


def test_a_catalogue_that_cannot_submit_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    other = Catalogue.of(planted(30))
    path = tmp_path / "s.csv.gz"

    class Few:
        fingerprint = "few"

        def recommend(self, query: Query, n: int) -> Ranking:
            return Ranking(np.arange(20, dtype=np.int32), np.zeros(20, np.float32))

    with pytest.raises(InputError, match="20 tracks and the rules ask for 500"):
        write_submission(CHALLENGE[:1], Few(), other, path, TEAM)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OutputError, match=r"csv\.gz"):
        write_submission(CHALLENGE, Few(), other, tmp_path / "s.csv", TEAM)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        write_submission(CHALLENGE, Few(), other, tmp_path / "file" / "s.csv.gz", TEAM)


def test_a_catalogue_without_spotify_uris_is_refused(tmp_path: Path, popularity: Popularity) -> None:
    import polars as pl

    from segue.library import Library

    library = planted()
    plain = Library(
        library.tracks.with_columns(pl.Series("track_id", [f"local-{i}" for i in range(library.n_tracks)])),
        library.playlists,
        library.playlist_tracks,
    )
    with pytest.raises(InputError, match="no Spotify URI"):
        write_submission(CHALLENGE, popularity, Catalogue.of(plain), tmp_path / "s.csv.gz", TEAM)
