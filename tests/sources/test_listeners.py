"""Listeners come in whole, in order, under hashed names, and nothing else of them does."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.errors import InputError, SourceError
from segue.library import Interactions, Library
from segue.library.names import fold
from segue.sources.hetrec import hetrec_library, is_hetrec
from segue.sources.listeners import (
    ListenedTrack,
    Listener,
    listeners_library,
    playlists_as_listeners,
    user_key,
)
from segue.sources.listeners_csv import read_listeners

NAMES = st.sampled_from(["Toxic", "toxic", "Déjà Vu", "夜に駆ける", "", "!!!", "Jolene"])
TRACKS = st.lists(
    st.builds(
        ListenedTrack, NAMES, st.sampled_from(["A", "b", ""]), st.just(None), st.none() | st.integers(0, 4).map(float)
    ),
    max_size=8,
)


def texts_of(folder: Path) -> str:
    """Everything that a library folder says, compressed columns unpacked."""
    said = [repr(path.read_bytes()) for path in folder.iterdir()]
    for path in folder.glob("*.parquet"):
        table = pl.read_parquet(path)
        said += [repr(table.columns), repr(table.rows())]
    return "\n".join(said)


def loved(library: Library, row: int) -> list[str]:
    assert library.user_tracks is not None
    return library.tracks["name"][library.user_tracks.row(row)].to_list()


def base() -> Library:
    """Two rows of one recording, of which the second is in more playlists."""
    tracks = pl.DataFrame(
        {
            "track_id": ["x:1", "x:2", "x:3"],
            "name": ["Jolene", "JOLENE", "Déjà Vu"],
            "artist": ["Dolly Parton", "Dolly Parton", "Beyoncé"],
            "tempo": [111.0, None, 84.0],
        }
    )
    playlists = pl.DataFrame({"playlist_id": ["1", "2"], "title": ["country", "mix"]})
    return Library(tracks, playlists, Interactions.of([[1, 1, 2], [1, 0]], n_columns=3), notes={"ingest": {"n": 1}})


class TestKeys:
    def test_is_the_sha256_of_salt_and_name(self) -> None:
        assert user_key("rj", "pepper") == "user:" + hashlib.sha256(b"pepper\x1frj").hexdigest()[:16]

    @given(st.text(), st.text())
    def test_any_name_has_one_key_and_the_salt_counts(self, name: str, salt: str) -> None:
        key = user_key(name, salt)
        assert key == user_key(f" {name}\n", salt) and len(key) == 21
        assert key != user_key(name, salt + "x") and key != user_key("x" + name.strip(), salt)


class TestAssembly:
    @settings(max_examples=60)
    @given(st.lists(st.tuples(st.sampled_from(["ann", "bob", "cy"]), TRACKS), max_size=5), st.integers(1, 3))
    def test_users_and_tracks_are_those_planted(
        self, planted: list[tuple[str, list[ListenedTrack]]], min_tracks: int
    ) -> None:
        wanted: dict[str, list[str]] = {}
        for user, tracks in planted:
            ordered = sorted(tracks, key=lambda t: np.inf if t.weight is None else -t.weight)
            wanted.setdefault(user, []).extend(f"{fold(t.name)}/{fold(t.artist)}" for t in ordered if t.name)
        wanted = {user: list(dict.fromkeys(tracks)) for user, tracks in wanted.items()}
        wanted = {user: tracks for user, tracks in wanted.items() if len(tracks) >= min_tracks}
        listeners = [Listener(user, None, tracks) for user, tracks in planted]
        if not wanted:
            with pytest.raises(InputError, match="no listener"):
                listeners_library(listeners, min_tracks=min_tracks)
            return
        library = listeners_library(listeners, min_tracks=min_tracks)
        assert library.users is not None and library.user_tracks is not None
        assert library.users["user_id"].to_list() == [user_key(user) for user in wanted]
        keys = [f"{fold(n)}/{fold(a or '')}" for n, a in library.tracks.select("name", "artist").rows()]
        assert len(set(keys)) == len(keys)
        found = [[keys[i] for i in library.user_tracks.row(r).tolist()] for r in range(len(wanted))]
        assert found == list(wanted.values())

    def test_tracks_of_the_base_are_met_by_id_then_by_name_the_popular_one_first(self) -> None:
        tracks = [
            ListenedTrack("jolene", "dolly parton"),
            ListenedTrack("another name", "", "x:1"),
            ListenedTrack("Deja vu", "Beyonce", "unheard:9"),
            ListenedTrack("New", "N"),
            ListenedTrack("Jolene", "somebody else"),
        ]
        library = listeners_library(
            [Listener("ann", " Sweden ", tracks), Listener("bob", "None", tracks)], base=base()
        )
        assert library.user_tracks is not None and library.users is not None
        assert library.user_tracks.row(0).tolist() == [1, 0, 2, 3, 4]
        assert library.tracks["track_id"].to_list()[:3] == ["x:1", "x:2", "x:3"]
        assert library.tracks["tempo"].to_list() == [111.0, None, 84.0, None, None]
        assert library.users["country"].to_list() == ["Sweden", None]
        assert library.playlist_tracks.indices.tolist() == base().playlist_tracks.indices.tolist()
        told = library.notes["listeners"]
        assert (told["tracks_by_id"], told["tracks_by_name"], told["tracks_new"]) == (1, 2, 2)
        assert library.notes["ingest"] == {"n": 1} and told["users_with_a_country"] == 1

    def test_a_second_time_replaces_and_adds_nothing(self) -> None:
        first = listeners_library([Listener("ann", "SE", [ListenedTrack("Jolene", "Dolly Parton")])], base=base())
        again = listeners_library(
            [Listener("bob", None, [ListenedTrack("New", "N")]), Listener("ann", None, [ListenedTrack("New", "N")])],
            base=first,
        )
        assert again.users is not None and again.user_tracks is not None
        assert again.users["user_id"].to_list() == [user_key("bob"), user_key("ann")]
        assert [again.user_tracks.row(i).tolist() for i in range(2)] == [[3], [3]]
        same = [Listener("ann", "SE", [ListenedTrack("Jolene", "Dolly Parton")])]
        assert listeners_library(same, base=first).fingerprint == first.fingerprint

    def test_surrogates_and_endless_names_can_be_stored(self, tmp_path: Path) -> None:
        tracks = [ListenedTrack("\ud800" + "x" * 5_000, "\udfff")]
        listeners_library([Listener("\ud83d", "\ud800", tracks)]).save(tmp_path / "l")
        assert len(Library.load(tmp_path / "l").tracks["name"][0]) == 2_000

    def test_playlists_are_listeners(self) -> None:
        library = playlists_as_listeners(base(), salt="s")
        assert library.users is not None and library.user_tracks is not None
        assert library.users.rows() == [(user_key("1", "s"), None), (user_key("2", "s"), None)]
        assert [library.user_tracks.row(i).tolist() for i in range(2)] == [[1, 2], [1, 0]]
        assert library.n_playlists == 2 and library.notes["listeners"]["source"] == "playlists"
        with pytest.raises(InputError, match="3 or more"):
            playlists_as_listeners(base(), min_tracks=3)


class TestTables:
    def read(self, folder: Path, *tables: str, keep: tuple[str, ...] = (), suffix: str = ".csv") -> Library:
        paths = []
        for i, text in enumerate(tables):
            paths.append(folder / f"{i}{suffix}")
            paths[-1].write_text(text, encoding="utf-8")
        listeners, notes = read_listeners(paths, keep=keep)
        return listeners_library(listeners, notes=notes)

    @pytest.mark.parametrize(
        ("header", "separator"),
        [
            ("user,track,artist,country", ","),
            ("UserID\tTrack Name\tArtist Name(s)\tUser Country", "\t"),
            ("user_sha1;Song Title;artname;nation", ";"),
            ("Listener,traname,Band,Country Code", ","),
            ("\ufeffusername,name,Artist,COUNTRY", ","),
        ],
    )
    def test_usual_headers(self, tmp_path: Path, header: str, separator: str) -> None:
        rows = [
            ["ann", "Jolene", "Dolly Parton", "SE"],
            ["ann", "Toxic", "Britney", ""],
            ["bob", "Toxic", "Britney", ""],
        ]
        library = self.read(tmp_path, "\n".join([header, *(separator.join(row) for row in rows)]))
        assert library.users is not None
        assert library.users.rows() == [(user_key("ann"), "SE"), (user_key("bob"), None)]
        assert loved(library, 0) == ["Jolene", "Toxic"] and loved(library, 1) == ["Toxic"]

    @pytest.mark.parametrize(
        ("column", "cells"),
        [
            ("rank", ("3", "1", "2", "")),
            ("plays", ("5", "70", "6.5", "")),
            ("uts", ("100", "1000", "200", "")),
            ("loved at", ("2011-01-01", "2012-03-01T10:00:00Z", "2012-03-01 09:59", "")),
            ("date", ("08 May 2009, 17:04", "10 Jan 2010, 00:00", "31 Dec 2009, 23:59", "")),
        ],
    )
    def test_the_most_loved_come_first(self, tmp_path: Path, column: str, cells: tuple[str, ...]) -> None:
        rows = [f'u,{name},x,"{cell}"' for name, cell in zip("cabd", cells, strict=True)]
        assert loved(self.read(tmp_path, "\n".join([f"user,track,artist,{column}", *rows])), 0) == list("abcd")

    def test_without_any_of_them_what_comes_often_is_first(self, tmp_path: Path) -> None:
        library = self.read(tmp_path, "user,track,artist\n" + "".join(f"u,{name},x\n" for name in "abcbcdc"))
        assert loved(library, 0) == ["c", "b", "a", "d"]

    def test_a_log_of_plays_is_counted_and_dates_break_ties(self, tmp_path: Path) -> None:
        rows = "u,a,x,5\nu,b,x,1\nu,b,x,2\nu,c,x,9\nu,d,x,7\n"
        assert loved(self.read(tmp_path, "user,track,artist,timestamp\n" + rows), 0) == ["b", "c", "d", "a"]

    def test_profiles_add_countries_and_artists_can_be_the_items(self, tmp_path: Path) -> None:
        plays = "user-mboxsha1\tmusicbrainz-artist-id\tartist-name\tplays\nu\t\tA\t1\nu\t\tB\t2\nv\t\tA\t1\n".replace(
            "user-mboxsha1", "user"
        )
        profiles = "#id\tgender\tage\tcountry\tregistered\nv\tf\t31\tFinland\t2005\nw\tm\t99\tPeru\t2006\n"
        library = self.read(tmp_path, plays, profiles, suffix=".tsv")
        assert library.users is not None
        assert library.users.rows() == [(user_key("u"), None), (user_key("v"), "Finland")]
        assert loved(library, 0) == ["B", "A"] and library.notes["listeners"]["items"] == "artists"

    def test_names_age_and_gender_reach_no_file(self, tmp_path: Path) -> None:
        table = "user,track,artist,country,Age,gender\nann-secret,Jolene,Dolly,SE,age-secret,gender-secret\n"
        self.read(tmp_path, table).save(tmp_path / "l")
        said = texts_of(tmp_path / "l")
        assert "secret" not in said and "Jolene" in said
        assert "gender" not in said.casefold() and "'age'" not in said.casefold()

    def test_what_is_named_is_kept(self, tmp_path: Path) -> None:
        table = "user,track,artist,Age,gender\nann-secret,Jolene,Dolly,age-secret,gender-secret\n"
        self.read(tmp_path, table, keep=("AGE",)).save(tmp_path / "l")
        said = texts_of(tmp_path / "l")
        assert "age-secret" in said and "gender-secret" not in said and "ann-secret" not in said
        users = Library.load(tmp_path / "l").users
        assert users is not None and users.columns == ["user_id", "country", "age"]
        for name, match in (("height", "no file has a column 'height'"), ("user id", "cannot be kept")):
            with pytest.raises(InputError, match=match):
                self.read(tmp_path, table, keep=(name,))

    def test_a_parquet_table_reads_as_a_csv_does(self, tmp_path: Path) -> None:
        rows = {
            "user": ["u", "u", None],
            "track": ["a", "b", "c"],
            "artist": ["x"] * 3,
            "plays": [1, 2, 3],
            "age": [1] * 3,
        }
        pl.DataFrame(rows).write_parquet(tmp_path / "t.parquet")
        pl.DataFrame(rows).write_csv(tmp_path / "t.csv")
        made = [listeners_library(read_listeners([tmp_path / f"t.{suffix}"])[0]) for suffix in ("parquet", "csv")]
        assert made[0].fingerprint == made[1].fingerprint and loved(made[0], 0) == ["b", "a"]

    @pytest.mark.parametrize(
        ("table", "said"),
        [
            ("track,artist\na,b\n", "no column names users"),
            ("user,plays\na,1\n", "no column names tracks, artists or countries"),
            ("user,track,plays\nu,a,many\n", r"weight is 'many', which cannot be read \(row 1\)"),
            ("user,track,rank\nu,a,nan\n", "rank is 'nan'"),
            ("user,track,date\nu,a,yesterday\n", "date is 'yesterday'"),
            ("user,track\nu,a,b,c\n", "a row has 4 cells"),
            ("", "is empty"),
        ],
    )
    def test_what_cannot_be_read_is_named(self, tmp_path: Path, table: str, said: str) -> None:
        with pytest.raises(SourceError, match=said):
            self.read(tmp_path, table)

    @settings(max_examples=60)
    @given(st.binary(max_size=200) | st.text(alphabet='user,track\n"1;\t=', max_size=80).map(str.encode))
    def test_any_bytes_are_listeners_or_a_source_error(
        self, tmp_path_factory: pytest.TempPathFactory, data: bytes
    ) -> None:
        path = tmp_path_factory.mktemp("any") / "t.csv"
        for head in (b"", b"user,track,artist,plays,country,date\n"):
            path.write_bytes(head + data)
            with contextlib.suppress(InputError):
                listeners_library(read_listeners([path])[0])


class TestHetRec:
    def write(self, folder: Path, **changes: bytes) -> Path:
        given = ((2, 1, 3), (3, 1, 2), (4, 1, 2), (5, 1, 1), (5, 7, 77))
        files = {
            "artists.dat": "1\tBeyoncé\thttp://x\thttp://y\n7\t=SUM(A1)\tu\tp\r\n9\tNobody\tu\tp\n".encode(),
            "tags.dat": b"tagID\ttagValue\n1\tpop\n2\tr\xe9tro; old\n3\tdance\n",
            "user_artists.dat": b"//userID\tartistID\tweight\n2\t1\t10\n2\t7\t99\n3\t7\t5\n3\t8\t5\n",
            "user_taggedartists.dat": b"userID\tartistID\ttagID\tday\tmonth\tyear\n"
            + b"".join(b"%d\t%d\t%d\t1\t4\t2009\n" % row for row in given),
        }
        folder.mkdir(exist_ok=True)
        for name, data in {**files, **{k.replace("_dat", ".dat"): v for k, v in changes.items()}}.items():
            (folder / f"{name}.gz").write_bytes(gzip.compress(data))
        return folder

    def test_artists_are_the_tracks(self, tmp_path: Path) -> None:
        folder = self.write(tmp_path / "h")
        assert is_hetrec(folder) and not is_hetrec(tmp_path)
        library = hetrec_library(folder)
        assert library.tracks.select("track_id", "name", "artist", "tags").rows() == [
            ("hetrec:artist:1", "Beyoncé", "Beyoncé", "rétro, old; dance; pop"),
            ("hetrec:artist:7", "=SUM(A1)", "=SUM(A1)", None),
            ("hetrec:artist:9", "Nobody", "Nobody", None),
            ("hetrec:artist:8", None, None, None),
        ]
        assert library.users is not None and library.user_tracks is not None
        assert library.users["user_id"].to_list() == [user_key("hetrec:2"), user_key("hetrec:3")]
        assert [library.user_tracks.row(i).tolist() for i in range(2)] == [[1, 0], [1, 3]]
        told = library.notes["listeners"]
        assert told["items"] == "artists" and told["artists_without_a_name"] == 1
        library.save(tmp_path / "l")
        assert Library.load(tmp_path / "l").fingerprint == library.fingerprint

    def test_plain_files_and_none_of_tags_do_as_well(self, tmp_path: Path) -> None:
        folder = self.write(tmp_path / "h")
        for name in ("artists.dat", "user_artists.dat"):
            (folder / name).write_bytes(gzip.decompress((folder / f"{name}.gz").read_bytes()))
            (folder / f"{name}.gz").unlink()
        (folder / "tags.dat.gz").unlink()
        library = hetrec_library(folder)
        assert library.tracks["tags"].null_count() == library.n_tracks == 4

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"user_artists_dat": b"2\t1\t10\n2\tx\t1\n"}, r"user_artists.dat.gz: .*line 2"),
            ({"user_artists_dat": b"2\t1\n"}, "is not 3 cells"),
            ({"artists_dat": b"id\tname\nabc\n"}, "line 2"),
            ({"user_artists_dat": b""}, "no listener with 1 or more artists"),
        ],
    )
    def test_damage_is_named(self, tmp_path: Path, changes: dict[str, bytes], said: str) -> None:
        with pytest.raises(InputError, match=said):
            hetrec_library(self.write(tmp_path / "h", **changes))

    def test_short_listeners_are_left_out_and_counted(self, tmp_path: Path) -> None:
        rows = b"2\t1\t10\n2\t7\t99\n3\t7\t5\n"
        library = hetrec_library(self.write(tmp_path / "h", user_artists_dat=rows), min_tracks=2)
        assert library.users is not None and library.users.height == 1
        assert library.notes["listeners"]["users_with_too_few_tracks"] == 1
