"""Artists in titles: spans, statistics and leave-one-out cases against counting by hand and by rebuilding."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recommend.corpora import library_of
from segue.errors import StoredDataError
from segue.library import Library
from segue.library.arrays import is_mapped
from segue.library.vote_parameters import ShareModel
from segue.recommend.mention_table import build_mentions, share_cases, uninformed
from segue.recommend.mentions import FEATURES, MAX_WORDS, Mention, Mentions, artist_key, spans
from segue.recommend.scores import Scores
from segue.recommend.titles import TitleTable

# fmt: off
TRACKS = [
    ("Bohemian Rhapsody", "Queen"), ("Radio Ga Ga", "Queen"), ("Flash", "Queen"),                      # 0 1 2
    ("Help!", "The Beatles"), ("Yesterday", "The Beatles"),                                             # 3 4
    ("Lithium", "Nirvana"), ("Breed", "Nirvana"),                                                       # 5 6
    ("The Boxer", "Simon & Garfunkel"),                                                                 # 7
    ("U.N.I.T.Y.", "Queen Latifah"), ("Poetry Man", "Queen Latifah"),                                   # 8 9
    ("Dancing Queen", "ABBA"), ("Queen", "Perfume Genius"), ("Never Played", "Oasis"),                  # 10 11 12
    ("Heart-Shaped Box", "nirvana"), ("Up", "U2"),                                                      # 13 14
]
PLAYLISTS = [
    ("Queen", [0, 1, 10, 0]),
    ("queen!", [0, 2]),
    ("best of queen", [0, 1, 2, 3]),
    ("queen latifah", [8, 9]),
    ("beatles and nirvana", [3, 4, 5, 13]),
    ("The Beatles", [3, 10]),
    ("Simon and Garfunkel", [7, 3]),
    ("grunge", [5, 6, 14]),
    ("grunge", [5, 8, 11]),
    ("nirvana", []),
    ("", [8, 3]),
]
# fmt: on
QUEEN, BEATLES, NIRVANA, SIMON, LATIFAH, ABBA, GENIUS, OASIS, U2 = range(9)


@pytest.fixture(scope="module")
def tiny() -> Library:
    names, artists = zip(*TRACKS, strict=True)
    return library_of(PLAYLISTS, artists=artists, names=names)


def mentions_of(library: Library, model: ShareModel | None = None) -> Mentions:
    popularity = library.playlist_tracks.column_counts().astype(np.int32)
    return build_mentions(library, TitleTable.of(library), popularity, model or uninformed())


@pytest.fixture(scope="module")
def mentions(tiny: Library) -> Mentions:
    return mentions_of(tiny)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Rolling Stones", "rolling stones"),
        ("Beyoncé", "beyonce"),
        ("AC/DC", "ac dc"),
        ("Guns N' Roses", "guns n roses"),
        ("Simon & Garfunkel", "Simon and Garfunkel"),
        ("blink-182", "Blink 182"),
        ("twenty one pilots", "twentyone pilots"),
    ],
)
def test_spellings_of_one_artist_have_one_key(one: str, other: str) -> None:
    assert artist_key(one) == artist_key(other) != ""


def test_keys_of_different_artists_differ() -> None:
    names = ["The The", "Them", "The Who", "Yes", "!!!", "Earth, Wind & Fire"]
    assert len({artist_key(name) for name in names}) == len(names)


def test_spans_are_all_runs_of_one_to_four_words() -> None:
    assert spans(["a", "b", "c"]) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    assert spans([]) == []
    assert max(j - i for i, j in spans(list("abcdefg"))) == 4
    assert len(spans(list("abcdefg"))) == 7 + 6 + 5 + 4


@pytest.mark.parametrize(
    ("title", "wanted"),
    [
        ("queen", [(QUEEN, "queen")]),
        ("Queen Latifah", [(LATIFAH, "queen latifah")]),  # the longest span wins
        ("queen latifah and queen", [(LATIFAH, "queen latifah"), (QUEEN, "queen")]),
        ("simon & garfunkel songs", [(SIMON, "simon and garfunkel")]),
        ("queen and beatles", [(QUEEN, "queen"), (BEATLES, "beatles")]),
        ("old beatles", [(BEATLES, "beatles")]),
        ("the beatles", [(BEATLES, "the beatles")]),
        ("all the queens", [(QUEEN, "the queens")]),  # a plural
        ("road trip", []),
        ("u2", []),  # two letters are too few
        ("oasis", []),  # in no playlist
        (" ".join(["queen"] * (MAX_WORDS + 1)), []),  # a sentence names artists by chance
        ("", []),
    ],
)
def test_artists_are_found_in_titles(mentions: Mentions, title: str, wanted: list[tuple[int, str]]) -> None:
    words = title.lower().replace("&", "and").split()
    if len(words) <= MAX_WORDS:
        found = [(artist, " ".join(words[i:j])) for artist, i, j, _, _ in mentions.candidates(words)]
        assert sorted(found) == sorted(wanted)
    assert {m.artist_row for m in mentions.find(title)} <= {artist for artist, _ in wanted}


def test_plurals_are_said_to_be_such(mentions: Mentions) -> None:
    assert [c[4] for c in mentions.candidates(["queens"])] == [True]
    assert [c[4] for c in mentions.candidates(["beatles"])] == [False]


def test_rare_artists_count_only_as_a_whole_title(mentions: Mentions) -> None:
    assert [m.text for m in mentions.find("simon & garfunkel")] == ["simon and garfunkel"]  # one playlist has them
    assert mentions.find("simon & garfunkel songs") == []
    assert [m.artist_row for m in mentions.find("queen songs")] == [QUEEN]


def counted(library: Library, mentions: Mentions) -> dict[str, np.ndarray]:
    """The statistics by plain counting."""
    n = len(library.artist_names)
    stats = {name: np.zeros(n) for name in ("playlists", "rows", "titles", "title_share")}
    tracks: dict[int, set[int]] = {a: set() for a in range(n)}
    for j, title in enumerate(library.titles):
        rows = list(dict.fromkeys(library.playlist_tracks.row(j).tolist()))
        held = Counter(int(library.artist_rows[t]) for t in rows)
        for artist, count in held.items():
            stats["playlists"][artist] += 1
            stats["rows"][artist] += count
            tracks[artist] |= {t for t in rows if library.artist_rows[t] == artist}
        words = title.lower().replace("&", "and").replace("!", "").split()
        for artist in {c[0] for c in mentions.candidates(words)} if rows else ():
            stats["titles"][artist] += 1
            stats["title_share"][artist] += held[artist] / len(rows)
    stats["tracks"] = np.array([len(tracks[a]) for a in range(n)])
    return stats


def test_statistics_are_counts(tiny: Library, mentions: Mentions) -> None:
    for name, wanted in counted(tiny, mentions).items():
        np.testing.assert_allclose(getattr(mentions.statistics, name), wanted, rtol=1e-6, err_msg=name)


def test_statistics_by_hand(mentions: Mentions) -> None:
    s = mentions.statistics
    assert s.playlists[[QUEEN, BEATLES, NIRVANA, OASIS]].tolist() == [3, 5, 3, 0]
    assert s.rows[[QUEEN, NIRVANA]].tolist() == [7, 5]  # a track twice in a playlist counts once
    assert s.tracks[[QUEEN, BEATLES, NIRVANA]].tolist() == [3, 2, 3]
    assert s.titles[[QUEEN, BEATLES, NIRVANA]].tolist() == [3, 2, 1]  # "nirvana" without tracks is no playlist
    assert s.title_share[QUEEN] == pytest.approx(2 / 3 + 1 + 3 / 4)
    assert s.track_names[QUEEN] == 2  # Dancing Queen, and "Queen" by another


def test_of_two_artists_with_one_key_the_more_played_is_meant() -> None:
    library = library_of([("x", [0]), ("y", [1, 2])], artists=["The Band", "Band", "Band"])
    mentions = mentions_of(library)
    assert mentions.artist_of("band") == 1


def test_leave_one_out_cases_are_those_of_a_library_without_the_playlist(tiny: Library) -> None:
    """The first case of each playlist, against statistics that were counted without it."""
    titles, mentions = TitleTable.of(tiny), mentions_of(tiny)
    x, y = share_cases(tiny, titles, mentions)
    at = {name: i for i, name in enumerate(FEATURES)}
    wanted = []
    for u in range(len(titles)):
        words = titles.read[u].split()
        for artist, begin, end, _, _ in mentions.candidates(words):
            for j in titles.playlists.row(u):
                rows = np.unique(tiny.playlist_tracks.row(int(j)))
                share = float((tiny.artist_rows[rows] == artist).mean())
                left = tiny.select_playlists([i for i in range(tiny.n_playlists) if i != j])
                stats = mentions_of(left).statistics
                playlists, whole = stats.playlists[artist], end - begin == len(words)
                if playlists < 1 or (playlists < 3 and not whole):
                    continue
                expected = (stats.title_share[artist] + 0.05) / (stats.titles[artist] + 1)
                wanted.append((share, np.log(playlists), np.log1p(stats.titles[artist]), expected))
    names = ("log_playlists", "log_titles", "expected_share")
    found = [(float(s), *(float(row[at[n]]) for n in names)) for row, s in zip(x, y, strict=True)]
    assert len(wanted) >= 4
    for case in wanted:
        assert any(np.allclose(case, other, atol=1e-5) for other in found), case
    assert len(found) == 2 * len(wanted)


def test_the_second_case_has_never_met_the_title(tiny: Library) -> None:
    x, _ = share_cases(tiny, TitleTable.of(tiny), mentions_of(tiny))
    at = {name: i for i, name in enumerate(FEATURES)}
    second = x[1::2]
    # "queen" has two playlists; without them one title that names Queen is left, "best of queen" with 3/4
    queen = second[(second[:, at["whole_title"]] == 1) & (second[:, at["letters"]] == 5)]
    assert len(queen) == 2
    np.testing.assert_allclose(queen[:, at["expected_share"]], (0.75 + 0.05) / 2, rtol=1e-5)
    assert (queen[:, at["in_no_title"]] == 0).all()


def test_too_many_cases_are_sampled_alike(tiny: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    titles, mentions = TitleTable.of(tiny), mentions_of(tiny)
    whole, _ = share_cases(tiny, titles, mentions)
    monkeypatch.setattr("segue.recommend.mention_table._MAX_CASES", 5)
    x, y = share_cases(tiny, titles, mentions)
    again, _ = share_cases(tiny, titles, mentions)
    assert x.shape == (5, len(FEATURES)) and y.shape == (5,)
    assert x.tolist() == again.tolist() and all(row in whole.tolist() for row in x.tolist())


def test_statistics_do_not_depend_on_blocks(tiny: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = mentions_of(tiny)
    monkeypatch.setattr("segue.recommend.mention_table._BLOCK_ROWS", 2)
    parts = mentions_of(tiny)
    for name in whole.statistics.NAMES:
        assert getattr(whole.statistics, name).tolist() == getattr(parts.statistics, name).tolist()
    assert whole.rich.indices.tolist() == parts.rich.indices.tolist()
    assert whole.rich_shares.tolist() == parts.rich_shares.tolist()


def test_rich_playlists_are_those_with_the_largest_share(mentions: Mentions) -> None:
    begin, end = mentions.rich.indptr[QUEEN], mentions.rich.indptr[QUEEN + 1]
    assert mentions.rich.indices[begin:end].tolist() == [1, 2, 0]
    np.testing.assert_allclose(mentions.rich_shares[begin:end], [1, 3 / 4, 2 / 3], rtol=1e-6)


def distribution(scores: Scores, n: int) -> np.ndarray:
    found = np.zeros(n)
    found[scores.rows] = scores.values
    return found


def test_the_mix_gives_everyone_their_share(tiny: Library, mentions: Mentions) -> None:
    n = tiny.n_tracks
    vote = Scores(np.array([14, 5, 0], np.int32), np.array([6, 3, 1], np.float32))
    named = [Mention(QUEEN, "queen", 0.5), Mention(BEATLES, "beatles", 0.1)]
    found = distribution(mentions.mix(vote, named), n)
    popularity = tiny.playlist_tracks.column_counts()
    wanted = 0.4 * 0.8 * distribution(vote, n) / 10
    for mention in named:
        own = np.where(tiny.artist_rows == mention.artist_row, popularity**0.75, 0)
        rich = np.zeros(n)
        for j in range(tiny.n_playlists):
            rows = np.unique(tiny.playlist_tracks.row(j))
            if len(rows):
                rich[rows] += (tiny.artist_rows[rows] == mention.artist_row).mean() / len(rows)
        rest = 0.4 * 0.2 * mention.share / 0.6
        wanted += 0.7 * mention.share * own / own.sum() + (0.3 * mention.share + rest) * rich / rich.sum()
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-7)
    assert found.sum() == pytest.approx(1, abs=1e-5)
    assert found[tiny.artist_rows == QUEEN].sum() > 0.5 * 0.7
    assert mentions.mix(vote, []) is vote


def test_shares_stay_below_the_most(tiny: Library) -> None:
    d = len(FEATURES)
    greedy = replace(uninformed(), bias=9.0)
    found = mentions_of(tiny, greedy).find("queen beatles nirvana")
    assert len(found) == 3 and sum(m.share for m in found) == pytest.approx(0.95)
    assert len({round(m.share, 6) for m in found}) == 1
    assert mentions_of(tiny, replace(uninformed(), bias=-9.0)).find("queen") == []
    assert len(greedy.weights) == d + d * (d + 1) // 2


def test_an_artist_named_twice_is_named_once(tiny: Library) -> None:
    assert [m.artist_row for m in mentions_of(tiny).find("queen queen queen")] == [QUEEN]


def test_what_was_saved_answers_alike(tiny: Library, mentions: Mentions, tmp_path: Path) -> None:
    notes = mentions.save(tmp_path)
    again = Mentions.load(tmp_path, notes, mentions.popularity, mentions.playlist_tracks)
    assert is_mapped(again.statistics.playlists) and is_mapped(again.tracks.indices)
    for title in ("queen", "best of the beatles", "queens", "nothing"):
        assert again.find(title) == mentions.find(title)
        vote = Scores(np.array([14], np.int32), np.array([1], np.float32))
        a, b = (m.mix(vote, m.find(title)) for m in (again, mentions))
        assert a.rows.tobytes() == b.rows.tobytes() and a.values.tobytes() == b.values.tobytes()


def test_damage_is_named(mentions: Mentions, tmp_path: Path) -> None:
    notes = mentions.save(tmp_path)
    for damaged in ({}, notes | {"rich_part": None}, notes | {"share_model": {}}, notes | {"share_model": 3}):
        with pytest.raises(StoredDataError):
            Mentions.load(tmp_path, damaged, mentions.popularity, mentions.playlist_tracks)
    (tmp_path / "artist_rows.npy").unlink()
    with pytest.raises(StoredDataError, match=r"artist_rows\.npy"):
        Mentions.load(tmp_path, notes, mentions.popularity, mentions.playlist_tracks)


def test_a_library_without_artists_names_none() -> None:
    library = library_of([("queen", [0])], artists=[""])
    assert mentions_of(library).find("queen") == []
    x, y = share_cases(library, TitleTable.of(library), mentions_of(library))
    assert x.shape == (0, len(FEATURES)) and y.shape == (0,)
