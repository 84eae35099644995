"""The bundled catalogue is what it says, and the synthetic playlists are reproducible, MPD-shaped and learnable."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from segue.errors import InputError, OutputError
from segue.sources.addresses import address_of, id_of
from segue.sources.demo import GENRES, MOODS, CatalogueTrack, catalogue, generate, generate_with_themes, write
from segue.sources.demo.draws import Draws
from segue.sources.demo.themes import columns, themes, typing_habits

# Changes whenever the catalogue, the vocabularies or the generator change; say so in the changelog.
FINGERPRINT_OF_500 = "06018177d7402787abcd771afdd1e1ce3bba43be9365955f5ada223e6109d371"

FAMILIES = {
    "genre", "era", "mood", "activity", "season", "time", "place", "artist", "party", "wedding", "worship", "holiday",
    "love", "breakup", "language", "kids", "throwback", "genre_era", "mood_activity", "era_party", "language_mood",
    "season_place", "personal", "generic", "track", "joke",
}  # fmt: skip

EMOJI = re.compile("[\u2600-\u27bf\U0001f300-\U0001faff\U0001f1e6-\U0001f1ff]")
SPREAD = re.compile(r"\w( \w){2,}(  \w( \w)*)*")

Planted = list[tuple[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def tracks() -> list[CatalogueTrack]:
    return catalogue()


@pytest.fixture(scope="module")
def planted() -> Planted:
    return list(generate_with_themes())


@pytest.fixture(scope="module")
def playlists(planted: Planted) -> list[dict[str, Any]]:
    return [playlist for _, playlist in planted]


def test_ids_are_written_as_they_are(tracks: list[CatalogueTrack]) -> None:
    for track in tracks[:50]:
        assert address_of(track.track_id) == track.track_id == id_of(track.track_id)


def fold(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def plain(title: str) -> str:
    """Return the title as section 6 of the design compares titles, with emoji left out."""
    kept = unicodedata.normalize("NFKC", title).lower().replace("'", "")
    return " ".join(re.sub(r"[^\w]+", " ", kept).split())


def fingerprint(found: list[dict[str, Any]]) -> str:
    return hashlib.sha256(msgspec.json.encode(found)).hexdigest()


class TestCatalogue:
    def test_is_large_and_has_no_duplicates(self, tracks: list[CatalogueTrack]) -> None:
        assert len(tracks) >= 3000
        assert len({track.artist for track in tracks}) >= 1200
        assert len({(fold(track.name), fold(track.artist)) for track in tracks}) == len(tracks)
        assert len({track.track_id for track in tracks}) == len(tracks)

    def test_an_artist_is_spelled_in_one_way(self, tracks: list[CatalogueTrack]) -> None:
        spellings = {track.artist for track in tracks}
        assert len({fold(artist) for artist in spellings}) == len(spellings)
        assert len({track.artist_id for track in tracks}) == len(spellings)

    def test_vocabularies(self, tracks: list[CatalogueTrack]) -> None:
        assert {track.genre for track in tracks} == set(GENRES)
        assert {mood for track in tracks for mood in track.moods} == set(MOODS)
        assert all(len(set(track.moods)) == len(track.moods) > 0 for track in tracks)

    def test_languages(self, tracks: list[CatalogueTrack]) -> None:
        n_by_language = Counter(track.language for track in tracks)
        assert all(n_by_language[code] >= 75 for code in ("en", "es", "fr", "de", "pt", "it", "ko", "ja", "hi"))
        assert all(n_by_language[code] >= 15 for code in ("sv", "tr", "ar", "ru", "zxx"))
        assert all(re.fullmatch("[a-z]{2}|zxx", code) for code in n_by_language)

    def test_years_and_durations_are_plausible(self, tracks: list[CatalogueTrack]) -> None:
        assert all(1930 <= track.year <= 2026 for track in tracks)
        assert all(60_000 <= track.duration_ms <= 1_800_000 for track in tracks)
        n_by_decade = Counter(track.year // 10 * 10 for track in tracks)
        assert all(n_by_decade[decade] >= 80 for decade in range(1950, 2030, 10))

    def test_many_artists_can_carry_a_playlist(self, tracks: list[CatalogueTrack]) -> None:
        n_by_artist = Counter(track.artist for track in tracks)
        assert sum(n >= 3 for n in n_by_artist.values()) >= 300
        assert max(n_by_artist.values()) <= 12

    def test_text_is_clean(self, tracks: list[CatalogueTrack]) -> None:
        for track in tracks:
            for text in (track.name, track.artist):
                assert text == unicodedata.normalize("NFC", text).strip()
                assert not any(unicodedata.category(character) == "Cc" for character in text)


class TestVocabularies:
    def test_words_name_only_genres_moods_and_names_that_exist(self, tracks: list[CatalogueTrack]) -> None:
        languages = {track.language for track in tracks}
        for family in themes().values():
            for theme in family.values():
                assert set(theme.genres) <= set(GENRES), theme.key
                assert set(theme.moods) <= set(MOODS), theme.key
                assert set(theme.languages) <= languages, theme.key
                assert theme.titles, theme.key
        assert set(typing_habits().everyday) <= set(GENRES)
        assert set(typing_habits().families) == FAMILIES

    def test_every_theme_has_tracks(self) -> None:
        for family in themes().values():
            for theme in family.values():
                language = next(iter(theme.titles))
                weights = columns().weights(theme, language=language)
                assert np.count_nonzero(weights > 0.2 * weights.max()) >= 5, theme.key


class TestDraws:
    def test_streams_are_pinned(self) -> None:
        assert Draws(2026, 1).uniforms(3).tolist() == Draws(2026, 1).uniforms(3).tolist()
        assert Draws(2026, 1).uniforms(3).tolist() != Draws(2026, 2).uniforms(3).tolist()

    def test_distinct_follows_the_weights(self) -> None:
        draws = Draws(7)
        cumulative = np.cumsum(np.array([0, 1, 3, 0, 4]))
        firsts = Counter(draws.distinct(cumulative, 2)[0] for _ in range(4000))
        assert set(firsts) == {1, 2, 4}
        assert firsts[4] / 4000 == pytest.approx(0.5, abs=0.04)
        assert firsts[2] / 4000 == pytest.approx(0.375, abs=0.04)

    def test_distinct_never_repeats_and_may_fall_short(self) -> None:
        found = Draws(7).distinct(np.cumsum(np.array([0, 5, 5])), 10)
        assert sorted(found) == [1, 2]
        assert Draws(7).distinct(np.cumsum(np.array([0, 0])), 3) == []


class TestDeterminism:
    def test_two_runs_are_equal_bit_for_bit(self, playlists: list[dict[str, Any]]) -> None:
        assert fingerprint(list(generate(500))) == fingerprint(playlists[:500])

    def test_the_fingerprint_is_pinned(self, playlists: list[dict[str, Any]]) -> None:
        assert fingerprint(playlists[:500]) == FINGERPRINT_OF_500

    def test_a_playlist_depends_on_its_pid_only(self, playlists: list[dict[str, Any]]) -> None:
        assert list(generate(20, first_pid=300)) == playlists[300:320]

    def test_another_key_is_another_world(self, playlists: list[dict[str, Any]]) -> None:
        other = list(generate(50, rng_key=7))
        assert all(a["tracks"] != b["tracks"] for a, b in zip(other, playlists, strict=False))

    @pytest.mark.parametrize("arguments", [{"n_playlists": -1}, {"rng_key": -1}, {"first_pid": -1}])
    def test_negative_arguments_are_refused(self, arguments: dict[str, int]) -> None:
        with pytest.raises(InputError, match="must not be negative"):
            next(generate(**arguments))


class TestShape:
    def test_keys_and_types_are_those_of_the_dataset(self, playlists: list[dict[str, Any]]) -> None:
        types = {
            "name": str, "pid": int, "collaborative": str, "modified_at": int, "num_tracks": int, "num_albums": int,
            "num_followers": int, "num_artists": int, "num_edits": int, "duration_ms": int, "tracks": list,
        }  # fmt: skip
        entry_types = {
            "pos": int, "track_name": str, "track_uri": str, "artist_name": str, "artist_uri": str,
            "duration_ms": int,
        }  # fmt: skip
        for pid, playlist in enumerate(playlists):
            assert set(playlist) - {"description"} == set(types)
            assert all(type(playlist[key]) is kind for key, kind in types.items())
            assert playlist["pid"] == pid
            assert playlist["collaborative"] in ("true", "false")
            assert playlist["name"].strip()
            entries = playlist["tracks"]
            assert [entry["pos"] for entry in entries] == list(range(playlist["num_tracks"]))
            assert playlist["num_artists"] == len({entry["artist_uri"] for entry in entries})
            assert playlist["duration_ms"] == sum(entry["duration_ms"] for entry in entries)
            assert set(entries[0]) == set(entry_types)
            assert all(type(entries[0][key]) is kind for key, kind in entry_types.items())

    def test_tracks_are_in_the_catalogue(self, tracks: list[CatalogueTrack], playlists: list[dict[str, Any]]) -> None:
        by_id = {track.track_id: track for track in tracks}
        for playlist in playlists[:500]:
            for entry in playlist["tracks"]:
                track = by_id[entry["track_uri"]]
                assert (track.name, track.artist) == (entry["track_name"], entry["artist_name"])

    def test_lengths_are_skewed(self, playlists: list[dict[str, Any]]) -> None:
        lengths = np.array([playlist["num_tracks"] for playlist in playlists])
        assert lengths.min() == 8
        assert lengths.max() <= 120
        assert 34 <= lengths.mean() <= 44
        assert np.median(lengths) < lengths.mean()

    def test_few_tracks_are_twice_in_a_playlist(self, playlists: list[dict[str, Any]]) -> None:
        twice = sum(
            len({entry["track_uri"] for entry in playlist["tracks"]}) < playlist["num_tracks"]
            for playlist in playlists
        )
        assert 0.03 <= twice / len(playlists) <= 0.1

    def test_popularity_is_skewed_but_nearly_all_tracks_occur(
        self, tracks: list[CatalogueTrack], playlists: list[dict[str, Any]]
    ) -> None:
        counts = Counter(entry["track_uri"] for playlist in playlists for entry in playlist["tracks"])
        assert len(counts) >= 0.98 * len(tracks)
        ordered = sorted(counts.values(), reverse=True)
        assert sum(ordered[: len(ordered) // 10]) >= 0.3 * sum(ordered)
        assert ordered[0] <= 0.2 * len(playlists)

    def test_some_descriptions_say_that_it_is_synthetic(self, playlists: list[dict[str, Any]]) -> None:
        found = [playlist["description"] for playlist in playlists if "description" in playlist]
        assert 0.05 <= len(found) / len(playlists) <= 0.12
        assert sum("synthetic" in text.lower() for text in found) >= 0.3 * len(found)


class TestTitles:
    def test_about_a_third_of_the_playlists_have_a_title_of_their_own(self, playlists: list[dict[str, Any]]) -> None:
        counts = Counter(plain(playlist["name"]) for playlist in playlists)
        assert 0.28 <= sum(n == 1 for n in counts.values()) / len(playlists) <= 0.42

    def test_people_use_emoji_and_spread_letters(self, playlists: list[dict[str, Any]]) -> None:
        titles = [playlist["name"] for playlist in playlists]
        assert 0.05 <= sum(bool(EMOJI.search(title)) for title in titles) / len(titles) <= 0.2
        assert 0.005 <= sum(bool(SPREAD.fullmatch(title)) for title in titles) / len(titles) <= 0.03
        assert any(title.islower() for title in titles) and any(title.isupper() for title in titles)

    @pytest.mark.parametrize(
        "title",
        ["gym", "christmas", "summer", "road trip", "2000s", "90s", "fiesta", "weihnachten", "natale", "공부"],
    )
    def test_common_titles_occur(self, playlists: list[dict[str, Any]], title: str) -> None:
        assert sum(plain(playlist["name"]) == title for playlist in playlists) >= 1

    def test_dated_titles_occur(self, playlists: list[dict[str, Any]]) -> None:
        assert (
            sum(bool(re.search(r"summer.?.?(20)?[12]\d", playlist["name"].lower())) for playlist in playlists) >= 10
        )


class TestThemes:
    def test_every_family_is_there(self, planted: Planted) -> None:
        counts = Counter(key.split("/")[0] for key, _ in planted)
        assert set(counts) == FAMILIES
        assert min(counts.values()) >= 20
        assert 0.045 <= counts["joke"] / len(planted) <= 0.075

    def test_every_theme_is_there(self, planted: Planted) -> None:
        drawn = {key for key, _ in planted}
        assert {theme.key for family in themes().values() for theme in family.values()} <= drawn

    def test_christmas_titles_have_christmas_tracks(
        self, tracks: list[CatalogueTrack], playlists: list[dict[str, Any]]
    ) -> None:
        festive = {track.track_id for track in tracks if track.genre == "christmas"}
        words = ("christmas", "xmas", "navidad", "noel", "noël", "weihnachten", "natale", "クリスマス", "크리스마스")

        def share(found: list[dict[str, Any]]) -> float:
            uris = [entry["track_uri"] for playlist in found for entry in playlist["tracks"]]
            return sum(uri in festive for uri in uris) / len(uris)

        titled = [playlist for playlist in playlists if any(word in playlist["name"].lower() for word in words)]
        others = [playlist for playlist in playlists if not any(word in playlist["name"].lower() for word in words)]
        assert len(titled) >= 40
        assert share(titled) >= 0.6
        assert share(others) <= 0.05

    @pytest.mark.parametrize(
        ("key", "genre", "least"),
        [("genre/country", "country", 0.7), ("genre/kpop", "k-pop", 0.6), ("worship/worship", "worship", 0.6)],
    )
    def test_genre_playlists_are_mostly_of_the_genre(
        self, tracks: list[CatalogueTrack], planted: Planted, key: str, genre: str, least: float
    ) -> None:
        genres = {track.track_id: track.genre for track in tracks}
        uris = [entry["track_uri"] for found, playlist in planted if found == key for entry in playlist["tracks"]]
        share = sum(genres[uri] == genre for uri in uris) / len(uris)
        assert least <= share < 0.98

    def test_artist_playlists_have_the_artists_tracks(self, planted: Planted) -> None:
        shares = []
        for key, playlist in planted:
            family, _, artist = key.partition("/")
            if family == "artist" and "+" not in artist:
                names = [entry["artist_name"] for entry in playlist["tracks"]]
                shares.append(names.count(artist) / len(names))
        assert min(shares) > 0
        assert 0.33 <= sum(shares) / len(shares) <= 0.8

    def test_jokes_say_nothing_about_their_tracks(self, planted: Planted) -> None:
        """Two jokes share no more than two playlists of different themes do, two gym playlists share more."""

        def overlap(family: str) -> float:
            sets = [{entry["track_uri"] for entry in found["tracks"]} for key, found in planted if key == family][:80]
            pairs = list(itertools.combinations(sets, 2))
            return sum(len(a & b) / len(a | b) for a, b in pairs) / len(pairs)

        assert overlap("joke/joke") * 2 < overlap("activity/gym")

    def test_nothing_is_newer_than_its_playlist(self, tracks: list[CatalogueTrack], planted: Planted) -> None:
        years = {track.track_id: track.year for track in tracks}
        for _, playlist in planted:
            made = int(np.datetime64(playlist["modified_at"], "s").astype("datetime64[Y]").astype(int)) + 1970
            newest = max(years[entry["track_uri"]] for entry in playlist["tracks"])
            assert newest <= made, playlist["name"]


class TestWrite:
    def test_writes_slices_as_the_dataset_has_them(self, tmp_path: Path) -> None:
        paths = write(tmp_path / "mpd", 1020)
        assert [path.name for path in paths] == ["mpd.slice.0-999.json", "mpd.slice.1000-1019.json"]
        second = json.loads(paths[1].read_text(encoding="utf-8"))
        assert second["info"]["slice"] == "1000-1019"
        assert "Synthetic" in second["info"]["description"]
        assert second["playlists"] == list(generate(20, first_pid=1000))
        assert sorted(tmp_path.glob("mpd/*")) == sorted(paths)

    def test_a_smaller_call_removes_what_is_no_longer_written(self, tmp_path: Path) -> None:
        write(tmp_path, 1005)
        assert write(tmp_path, 10) == [tmp_path / "mpd.slice.0-9.json"]
        assert [path.name for path in tmp_path.iterdir()] == ["mpd.slice.0-9.json"]

    def test_other_peoples_slices_are_left_alone(self, tmp_path: Path) -> None:
        theirs = tmp_path / "mpd.slice.0-999.json"
        theirs.write_text('{"info": {}, "playlists": []}')
        with pytest.raises(OutputError, match="choose an empty folder"):
            write(tmp_path, 10)
        assert theirs.read_text() == '{"info": {}, "playlists": []}'
        assert list(tmp_path.iterdir()) == [theirs]
