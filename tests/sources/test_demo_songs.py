"""Features, texts and listeners of the demo are synthetic, reproducible, and carry what was planted in them."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections import Counter
from importlib.resources import files
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest

from segue.errors import InputError, OutputError
from segue.library import Library
from segue.library.tables import AUDIO_FEATURES, LYRICS_STATUS
from segue.sources.annotations import annotate
from segue.sources.demo import CatalogueTrack, catalogue, songs_library, write_songs
from segue.sources.demo.features import features
from segue.sources.demo.listeners import Taste, listeners, listeners_with_tastes
from segue.sources.demo.songs import tracks_table
from segue.sources.demo.verses import SOURCE, Song, song, topic_of, topics
from segue.sources.demo.verses import songs as all_songs
from segue.sources.ingest import ingest
from segue.sources.listeners import Listener, listeners_library, user_key
from segue.sources.listeners_csv import read_listeners

# Change whenever the catalogue, the vocabularies or the generator change; say so in the changelog.
FINGERPRINTS = {
    "features": "8eda40564421eed8ea2d36a86d5c5d0efc3d01c191e2e912d0386d146c913896",
    "songs": "2961ca1799dcf2ad719cff0c2837757f8d187cdfd5259105236636066861904d",
    "listeners": "b4a450fdf6e20025decf495046988c881da6fe45ce5bdbce3efa921086ed1a3c",
}


@pytest.fixture(scope="module")
def tracks() -> list[CatalogueTrack]:
    return catalogue()


@pytest.fixture(scope="module")
def songs() -> list[Song]:
    return list(all_songs())


@pytest.fixture(scope="module")
def people() -> list[tuple[Taste, Listener]]:
    return list(listeners_with_tastes())


@pytest.fixture(scope="module")
def library() -> Library:
    return songs_library(60, 40)


def digest(found: object) -> str:
    return hashlib.sha256(msgspec.json.encode(found)).hexdigest()


def test_the_same_key_gives_the_same_bits(tracks: list[CatalogueTrack], songs: list[Song]) -> None:
    made = {
        "features": digest([features(track) for track in tracks[::20]]),
        "songs": digest(songs[::20]),
        "listeners": digest(list(listeners(20))),
    }
    assert made == FINGERPRINTS


def test_another_key_gives_other_ones(tracks: list[CatalogueTrack], songs: list[Song]) -> None:
    some = tracks[:60]
    assert sum(features(t, rng_key=1).get("tempo") == features(t).get("tempo") for t in some) < 10
    assert sum(song(t, rng_key=1).lyrics == s.lyrics != None for t, s in zip(some, songs, strict=False)) == 0  # noqa: E711
    assert digest(list(listeners(3, rng_key=1))) != digest(list(listeners(3)))
    # listeners are numbered, so more of them move nobody
    assert list(listeners(3)) == list(listeners(8))[:3]
    for n, key in ((-1, 0), (1, -1)):
        with pytest.raises(InputError, match="must not be negative"):
            listeners(n, rng_key=key)


class TestFeatures:
    def test_are_in_their_units(self) -> None:
        table = tracks_table()
        assert 0.01 < table["tempo"].null_count() / table.height < 0.06
        known = table.filter(pl.col("tempo").is_not_null()).select(AUDIO_FEATURES)
        assert not any(known.null_count().row(0)) and not known.select(pl.all().is_nan().any()).row(0)[0]
        bounds = {"loudness": (-40, -1), "tempo": (52, 212), "key": (0, 11), "time_signature": (3, 4)}
        for name in AUDIO_FEATURES:
            low, high = bounds.get(name, (0, 1))
            values = known[name].to_numpy()
            assert low <= values.min() and values.max() <= high and values.std() > 0, name
        assert set(known["mode"].to_list()) == {0.0, 1.0}

    def test_say_what_genre_and_mood_a_track_has(self, tracks: list[CatalogueTrack]) -> None:
        of_genre = {g: [features(t) for t in tracks if t.genre == g] for g in ("metal", "folk", "techno", "hip hop")}
        mean = {
            genre: {name: float(np.mean([f[name] for f in found if f])) for name in AUDIO_FEATURES}
            for genre, found in of_genre.items()
        }
        assert mean["metal"]["energy"] > mean["folk"]["energy"] + 0.3
        assert mean["folk"]["acousticness"] > mean["metal"]["acousticness"] + 0.4
        assert mean["techno"]["instrumentalness"] > mean["hip hop"]["instrumentalness"] + 0.5
        assert mean["hip hop"]["speechiness"] > mean["folk"]["speechiness"] + 0.1
        valence = {m: np.mean([features(t)["valence"] for t in tracks if m == t.moods[0] and features(t)])
                   for m in ("happy", "sad")}  # fmt: skip
        assert valence["happy"] > valence["sad"] + 0.2

    def test_genre_centroids_of_one_half_name_the_genre_in_the_other(self, tracks: list[CatalogueTrack]) -> None:
        table = tracks_table()
        kept = table["tempo"].is_not_null().to_numpy()
        x = table.select(AUDIO_FEATURES).to_numpy()[kept]
        genre = np.array([t.genre for t in tracks])[kept]
        even = np.arange(len(x)) % 2 == 0
        x = (x - x[even].mean(0)) / x[even].std(0)
        names = np.unique(genre)
        centroids = np.array([x[even & (genre == g)].mean(0) for g in names])
        nearest = names[((x[~even, None] - centroids) ** 2).sum(2).argmin(1)]
        chance = max(Counter(genre[~even].tolist()).values()) / (~even).sum()
        assert np.mean(nearest == genre[~even]) > 2 * chance


class TestVerses:
    def test_lengths_and_states(self, tracks: list[CatalogueTrack], songs: list[Song]) -> None:
        states = Counter(s.lyrics_status for s in songs)
        assert set(states) <= set(LYRICS_STATUS)
        assert 0.02 < states["not_found"] / len(songs) < 0.06 and states["instrumental"] > 195
        for track, made in zip(tracks, songs, strict=True):
            assert (made.lyrics is not None) == (made.lyrics_status == "found")
            if track.language == "zxx":
                assert made.lyrics_status == "instrumental"
            if made.lyrics is not None:
                assert 60 <= len(made.lyrics.split()) <= 200 and made.lyrics.count("\n\n") + 1 >= 2
            assert (made.summary is None) == (made.lyrics_status == "not_found")
        lengths = [len(s.summary.split()) for s in songs if s.summary]
        assert 22 <= np.mean(lengths) <= 28 and max(lengths) <= 36
        assert len({s.lyrics for s in songs if s.lyrics}) == states["found"]

    def test_every_word_is_from_the_vocabulary(self, songs: list[Song]) -> None:
        text = (files("segue.sources.demo") / "words" / "verses.toml").read_text(encoding="utf-8")
        known = set(re.findall(r"[\w'-]+", re.sub(r"\{\w+\}", " ", text).lower())) | {"an"}
        for made in songs:
            for words in (made.lyrics, made.summary and made.summary.split(" ", 3)[-1]):
                assert set(re.findall(r"[\w'-]+", (words or "").lower())) <= known | {"music"}, words
        said = "\n".join(s.lyrics for s in songs if s.lyrics)
        assert "{" not in said and not re.search(r"\b[Aa] [aeiou]", said)

    def test_texts_say_what_they_are_about(self, tracks: list[CatalogueTrack], songs: list[Song]) -> None:
        words = tomllib.loads((files("segue.sources.demo") / "words" / "verses.toml").read_text(encoding="utf-8"))
        phrases = {
            name: [p for part in ("thing", "things", "place", "act") for p in topic[part]]
            for name, topic in words["topics"].items()
        }
        found = [(t, s) for t, s in zip(tracks, songs, strict=True) if s.lyrics][::15]
        best = [max(phrases, key=lambda name: sum(s.lyrics.count(p) for p in phrases[name])) for _, s in found]  # type: ignore[union-attr]
        assert np.mean([name == s.topic for name, (_, s) in zip(best, found, strict=True)]) > 0.97
        assert all(topic_of(t) == s.topic and s.topic in topics() for t, s in found)

    def test_artists_have_a_favourite_topic(self, tracks: list[CatalogueTrack], songs: list[Song]) -> None:
        by_artist: dict[str, list[str]] = {}
        for track, made in zip(tracks, songs, strict=True):
            by_artist.setdefault(track.artist, []).append(made.topic)
        shares = [Counter(t).most_common(1)[0][1] / len(t) for t in by_artist.values() if len(t) >= 6]
        of_all = Counter(s.topic for s in songs).most_common(1)[0][1] / len(songs)
        assert len(shares) > 20 and np.mean(shares) > 2 * of_all

    def test_tags_name_the_genre_first(self, tracks: list[CatalogueTrack], songs: list[Song]) -> None:
        tagged = [(t, s.tags.split("; ")) for t, s in zip(tracks, songs, strict=True) if s.tags]
        assert 0.9 < len(tagged) / len(tracks) < 1
        assert all(tags[0] == track.genre for track, tags in tagged)
        assert np.mean([track.moods[0] in tags for track, tags in tagged]) > 0.7


class TestListeners:
    def test_have_countries_and_15_to_120_tracks(self, people: list[tuple[Taste, Listener]]) -> None:
        countries = Counter(person.country for _, person in people)
        assert len(people) == 400 and len(countries) > 10 and 0 < countries[None] < 60
        lengths = [len(person.tracks) for _, person in people]
        assert min(lengths) >= 12 and max(lengths) <= 120 and 40 < np.mean(lengths) < 75
        assert all(len(set(person.tracks)) == len(person.tracks) for _, person in people)

    def test_love_what_they_were_drawn_to_like(
        self, people: list[tuple[Taste, Listener]], tracks: list[CatalogueTrack], songs: list[Song]
    ) -> None:
        by_id = {t.track_id: (t, s.topic) for t, s in zip(tracks, songs, strict=True)}
        liked, first, last, about = [], [], [], []
        for taste, person in people:
            loved = [by_id[t.track_id or ""] for t in person.tracks]
            hits = [t.genre in taste.genres for t, _ in loved]
            share = np.mean([t.genre in taste.genres for t in tracks])
            liked.append(np.mean(hits) / share)
            about.append(np.mean([topic == taste.topic for _, topic in loved]))
            of_artists = [t.artist in taste.artists for t, _ in loved]
            first.append(np.mean(of_artists[: len(loved) // 3]))
            last.append(np.mean(of_artists[-(len(loved) // 3) :]))
        chance = [np.mean([s.topic == taste.topic for s in songs]) for taste, _ in people]
        assert np.median(liked) > 3
        assert np.mean(about) > 2 * np.mean(chance)
        assert np.mean(first) > 1.3 * np.mean(last)  # the most loved come first

    def test_hear_the_languages_of_their_country(
        self, people: list[tuple[Taste, Listener]], tracks: list[CatalogueTrack]
    ) -> None:
        language = {t.track_id: t.language for t in tracks}

        def share(code: str, *countries: str) -> float:
            heard = [language[t.track_id or ""] for _, p in people if p.country in countries for t in p.tracks]
            return heard.count(code) / len(heard)

        assert share("fr", "France") > 5 * share("fr", "United States", "Germany")
        assert share("es", "Mexico", "Spain") > 5 * share("es", "United Kingdom", "Sweden")


class TestLibrary:
    def test_has_everything_and_says_that_it_is_synthetic(self, library: Library, tmp_path: Path) -> None:
        assert library.n_tracks == 3180 and library.n_playlists == 60
        assert library.users is not None and library.users.height == 40
        assert "synthetic" in library.notes["synthetic"] and library.notes["listeners"]["source"] == "synthetic"
        assert set(library.tracks["lyrics_source"].to_list()) == {SOURCE}
        library.save(tmp_path / "l")
        again = Library.load(tmp_path / "l")
        assert again.fingerprint == library.fingerprint and again.tracks.equals(library.tracks)
        assert again.users is not None and again.users["user_id"][0] == user_key("synthetic listener 0")
        assert songs_library(5, 0).users is None

    def test_the_files_give_the_same(self, library: Library, tmp_path: Path) -> None:
        places = write_songs(tmp_path, 60, 40)
        read = ingest([places["playlists"]])
        found, _ = read_listeners([places["listeners"]])
        given = [places[name] for name in ("tracks", "features", "lyrics", "summaries")]
        read = annotate(read, given)[0]
        columns = ("genre", *AUDIO_FEATURES, "lyrics", "lyrics_status", "summary", "tags")
        whole = library.tracks.filter(pl.col("track_id").is_in(read.tracks["track_id"].to_list())).sort("track_id")
        annotated = read.tracks.sort("track_id")
        for column in columns:
            known = pl.DataFrame({"a": annotated[column], "b": whole[column]}).filter(pl.col("b").is_not_null())
            assert known.height > 300 and known["a"].equals(known["b"]), column
        read = listeners_library(found, base=read)
        assert read.users is not None and library.users is not None
        assert read.users.equals(library.users)
        assert read.user_tracks is not None and library.user_tracks is not None
        for part, other in ((read.user_tracks, library.user_tracks), (read.playlist_tracks, library.playlist_tracks)):
            ids = [[lib.tracks["track_id"][x.indices].to_list(), x.lengths.tolist()] for lib, x in
                   ((read, part), (library, other))]  # fmt: skip
            assert ids[0] == ids[1]

    def test_other_folders_are_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "lyrics.csv").write_text("mine")
        with pytest.raises(OutputError, match="holds other things"):
            write_songs(tmp_path, 1, 1)
        assert [p.name for p in tmp_path.iterdir()] == ["lyrics.csv"]
        with pytest.raises(OutputError, match="cannot write"):
            write_songs(tmp_path / "lyrics.csv" / "x", 1, 1)

    def test_the_package_stays_small(self) -> None:
        folder = files("segue.sources.demo")
        size = sum(
            len(p.read_bytes()) for place in (folder, folder / "words") for p in place.iterdir() if p.is_file()
        )
        assert size < 400_000
