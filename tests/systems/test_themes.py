from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from cluster.planted_themes import THEMES, ByFirstWord, same_partition, themed
from recommend.corpora import library_of
from segue.errors import InputError, OutputError
from segue.library import Interactions, Library
from segue.library.themes import Themes
from segue.split.holdout import holdout
from segue.systems import theme_choice, theme_report
from segue.systems.theme_choice import choose_k
from segue.systems.themes import ThemeSettings, make_themes, track_encoder

K = len(THEMES)


@pytest.fixture
def drawn() -> None:
    """For tests that look at plots; the others do without, as each takes a second."""


@pytest.fixture(autouse=True)
def undrawn(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "drawn" not in request.fixturenames:
        for module in (theme_report, theme_choice):
            monkeypatch.setattr(module, "_plots", lambda _: [])


def made(library: Library, out: Path, encoder: ByFirstWord | None = None, **settings: Any) -> Themes:
    return make_themes(library, out, ThemeSettings(**{"k": K, **settings}), encoder or ByFirstWord())


@pytest.mark.parametrize("vectors", ["content", "collaborative", "joint"])
def test_planted_themes_are_found_and_those_without_a_common_title_go(tmp_path: Path, vectors: str) -> None:
    library, truth = themed()
    found = made(library, tmp_path / "t", vectors=vectors, d=K)
    split = holdout(library)
    assert same_partition(found.cluster[split.train], truth[split.train])
    assert (found.cluster[np.setdiff1d(np.arange(400), split.train)] == -1).all()
    assert same_partition(found.assigned, truth), "held-out playlists are placed where they belong"
    of_cluster = {int(found.cluster[row]): THEMES[truth[row]] for row in split.train}
    gone = {of_cluster[number] for number in np.flatnonzero(~found.kept)}
    assert gone == {"choir", "polka"}
    for number, theme in of_cluster.items():
        assert not found.kept[number] or found.names[number].split(", ")[0] == theme
    report = found.report
    assert report["n_kept"] == 6 and report["n_miscellaneous"] == 2
    shares = np.isin(truth[split.train], [THEMES.index(t) for t in gone]).mean()
    assert report["miscellaneous_percent"] == pytest.approx(100 * shares, abs=0.01)
    assert report["miscellaneous_percent_by_share"] == 0, "of twenty, any title is above 2 %"
    assert report["title_lift"] > 4
    for part in ("train", "validation", "test"):
        labels = found.labels(library, part)
        assert sorted(set(labels.classes.tolist())) == list(range(6)), part
    assert sum(report["split"].values()) == report["playlists_kept"]


def test_the_report_shows_what_counting_says(tmp_path: Path) -> None:
    library, _ = themed(120)
    found = made(library, tmp_path / "t")
    assert found.report == json.loads((tmp_path / "t" / "report.json").read_text())
    for about in found.report["clusters"]:
        mine = np.flatnonzero(found.cluster == about["cluster"])
        assert about["playlists"] == len(mine)
        titles = [library.titles[row] for row in mine]
        assert all(titles.count(title) == n for title, n in about["titles"])
        assert about["match"] == pytest.approx(100 * max(map(titles.count, titles)) / len(mine), abs=0.01)
        counts = np.bincount(library.playlist_tracks.select(mine).indices, minlength=library.n_tracks)
        assert [t["playlists"] for t in about["tracks"]] == np.sort(counts)[::-1][:5].tolist()
        names = library.tracks["name"].to_list()
        assert all(counts[names.index(t["name"])] == t["playlists"] for t in about["tracks"])


@pytest.mark.parametrize("vectors", ["content", "collaborative", "joint"])
def test_held_out_playlists_shape_nothing(tmp_path: Path, vectors: str) -> None:
    library, _ = themed(200)
    split = holdout(library)
    held_out = np.concatenate([split.validation, split.test])
    tracks = [library.playlist_tracks.row(row) for row in range(200)]
    for row in held_out:
        tracks[row] = np.array([row % 7, 50 + row % 3, 239], np.int32)
    titles = ["choir" if row in held_out else title for row, title in enumerate(library.titles)]
    table = library.playlists.with_columns(title=pl.Series(titles))
    changed = Library(library.tracks, table, Interactions.of(tracks, n_columns=library.n_tracks), public=True)
    options = {"vectors": vectors, "coverage": 0.8, "k": 12}
    one, two = made(library, tmp_path / "1", **options), made(changed, tmp_path / "2", **options)
    assert one.library != two.library
    for name in ("cluster", "part", "kept", "match"):
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes(), name
    assert one.names == two.names
    assert one.assigned.tobytes() != two.assigned.tobytes()


def test_all_takes_every_playlist_and_says_so(tmp_path: Path) -> None:
    library, truth = themed(200)
    found = made(library, tmp_path / "t", part="all")
    assert same_partition(found.cluster, truth) and found.sees_everything
    assert found.settings["part"] == "all" and found.report["held_out"] == {}
    assert not made(library, tmp_path / "t").sees_everything


def test_two_runs_give_the_same_bits_and_what_was_saved_is_what_was_made(tmp_path: Path, drawn: None) -> None:
    library, _ = themed(160)
    one, _ = (made(library, tmp_path / name, vectors="joint", k=11) for name in "ab")
    files = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert files == sorted(p.name for p in (tmp_path / "b").iterdir())
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    assert Themes.load(tmp_path / "a").fingerprint == one.fingerprint
    assert {"manifest.json", "report.json", "report.html", "cluster.npy"} <= set(files)
    other = made(library, tmp_path / "c", vectors="joint", k=11, rng_key=9)
    assert other.fingerprint != one.fingerprint


def test_batches_find_the_same_planted_themes(tmp_path: Path) -> None:
    library, truth = themed(240)
    found = made(library, tmp_path / "t", minibatch=True)
    rows = holdout(library).train
    assert same_partition(found.cluster[rows], truth[rows])


def test_normalised_titles_match_more(tmp_path: Path) -> None:
    library, _ = themed(160, rename=lambda i, title: title.upper() if i // K % 2 else f"{title}!")
    raw, read = made(library, tmp_path / "raw"), made(library, tmp_path / "read", titles="normalised")
    assert raw.cluster.tobytes() == read.cluster.tobytes()
    assert (read.match >= raw.match).all() and read.match.sum() > raw.match.sum()


def test_clusters_too_small_to_split_are_counted(tmp_path: Path) -> None:
    library = library_of(
        [("gym", [0, 1]), ("gym", [0, 1]), *[("calm", [2, 3])] * 3, *[("", [4, 5])] * 3, ("nothing", [])],
        names=["a x", "a y", "b x", "b y", "c x", "c y"],
    )
    found = made(library, tmp_path / "t", k=3, part="all")
    report = found.report
    assert (report["n_kept"], report["n_miscellaneous"], report["n_too_small_to_split"]) == (1, 2, 1)
    assert report["n_without_vector"] == 1 and found.cluster[-1] == -1
    assert found.part.tolist() == [-1, -1, *found.part[2:5].tolist(), -1, -1, -1, -1]
    assert sorted(found.part[2:5].tolist()) == [0, 1, 2]
    assert {a["why_not"] for a in report["clusters"]} == {"", "too small to split", "no title occurs twice"}


def test_identical_titles_and_clusters_of_one(tmp_path: Path) -> None:
    library, _ = themed(60, rename=lambda *_: "x")
    found = made(library, tmp_path / "same", part="all")
    assert found.kept.all() and (found.match == 100).all()
    alone = made(library, tmp_path / "alone", part="all", k=60)
    assert alone.k == 60 and not alone.kept.any() and (alone.part == -1).all()
    assert "no cluster is kept" in (tmp_path / "alone" / "report.html").read_text()
    assert alone.labels(library, "train").texts == ()


def test_playlists_that_coincide_make_fewer_clusters(tmp_path: Path) -> None:
    library = library_of([("gym", [0, 1])] * 6 + [("calm", [2, 3])] * 6, names=["a", "a", "b", "b"])
    found = made(library, tmp_path / "t", k=5, part="all")
    assert found.k == 2 and found.kept.all()
    assert "5 clusters were asked for" in (tmp_path / "t" / "report.html").read_text()


HOSTILE = ("<script>alert(1)</script>", "\x1b]0;title\x07", "\u202egnirts", "&amp; \"'", "a\nb")


def test_hostile_titles_are_escaped(tmp_path: Path, drawn: None) -> None:
    library, _ = themed(160, rename=lambda i, _: HOSTILE[i % len(HOSTILE)])
    names = [f"<img src=x onerror=alert({i})>" for i in range(library.n_tracks)]
    tracks = library.tracks.with_columns(name=pl.Series(names))
    hostile = Library(tracks, library.playlists, library.playlist_tracks, public=True)
    found = made(hostile, tmp_path / "t", vectors="collaborative", d=K)
    choose_k(hostile, tmp_path / "c", [2, 4, 8], ThemeSettings(vectors="collaborative", d=K), None)
    assert any(about["titles"] for about in found.report["clusters"])
    for folder in "tc":
        shown = (tmp_path / folder / "report.html").read_text(encoding="utf-8")
        assert "<script" not in shown and "<img" not in shown and "onerror=alert(1)>" not in shown
        assert not any(c in shown for c in "\x1b\x07\u202e")
    shown = (tmp_path / "t" / "report.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;" in shown and "<svg" in shown


def test_rare_titles_of_a_private_library_are_not_shown(tmp_path: Path) -> None:
    library, _ = themed(160, public=False)
    found = made(library, tmp_path / "t")
    shown = {title for about in found.report["clusters"] for title, _ in about["titles"]}
    assert shown == {t for t in set(library.titles) if library.titles.count(t) >= 5} and shown
    words = {word for name in found.names for word in name.split(", ")}
    assert not any(word.isdigit() for word in words), "numbers are words of single playlists here"
    page = (tmp_path / "t" / "report.html").read_text()
    assert "not marked public" in page and not any(f"{theme} 7" in page.split("<summary>")[0] for theme in ("folk",))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"k": 0}, "k is 0"),
        ({"coverage": 0.0}, "coverage is 0"),
        ({"coverage": 1.5}, "coverage is 1.5"),
        ({"joint_weight": -1.0}, "joint_weight"),
        ({"min_match": 100.0}, "min_match"),
        ({"n_init": 0}, "n_init"),
        ({"rng_key": -1}, "rng_key"),
        ({"d": 0}, "d is 0"),
        ({"d": 100_000}, "at most 10000"),
    ],
)
def test_settings_that_make_no_sense_are_named(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        ThemeSettings(**settings)


def test_libraries_that_cannot_be_clustered(tmp_path: Path) -> None:
    library, _ = themed(60)
    encoder = ByFirstWord()
    with pytest.raises(InputError, match=r"200 clusters cannot be made of \d\d playlists"):
        made(library, tmp_path / "t", encoder, k=200)
    with pytest.raises(InputError, match="has a title"):
        made(themed(60, rename=lambda *_: " ")[0], tmp_path / "t", encoder)
    one = library_of([("gym", [0, 1])])
    for part in ("train", "all"):
        with pytest.raises(InputError, match="at least 2 playlists"):
            made(one, tmp_path / "t", encoder, k=1, part=part)
    assert encoder.asked == [], "said before anything is encoded"
    with pytest.raises(InputError, match="no track is in two playlists"):
        made(library_of([("a", [0]), ("b", [1])]), tmp_path / "t", k=1, vectors="collaborative", part="all")
    with pytest.raises(InputError, match="with a vector"):
        made(library_of([("a", []), ("b", [])], n_tracks=1), tmp_path / "t", k=1, part="all")
    with pytest.raises(InputError, match="need an encoder"):
        make_themes(library, tmp_path / "t", ThemeSettings(k=4))
    assert not (tmp_path / "t").exists()
    library.save(tmp_path / "lib")
    with pytest.raises(OutputError, match="not a segue themes"):
        made(library, tmp_path / "lib", encoder)
    assert encoder.asked == []


def test_a_failed_run_leaves_the_old_themes(tmp_path: Path) -> None:
    library, _ = themed(80)
    before = made(library, tmp_path / "t")
    with pytest.raises(KeyboardInterrupt):
        made(library, tmp_path / "t", ByFirstWord(dies_after=50), k=3)
    assert Themes.load(tmp_path / "t").fingerprint == before.fingerprint
    assert [p.name for p in tmp_path.iterdir()] == ["t"]


def test_the_encoder_of_tracks_sees_the_clustered_part_alone(tmp_path: Path) -> None:
    library, truth = themed(200)
    settings = ThemeSettings(k=K)
    encoder = track_encoder(library, tmp_path, settings, "ngrams")
    found = make_themes(library, tmp_path / "t", settings, encoder)
    assert same_partition(found.cluster[holdout(library).train], truth[holdout(library).train])
    assert found.settings["encoder"] == encoder.fingerprint
    fewer = library.select_playlists(holdout(library).train)
    assert track_encoder(fewer, tmp_path, ThemeSettings(k=K, part="all"), "ngrams").fingerprint == encoder.fingerprint
    assert track_encoder(library, tmp_path, ThemeSettings(vectors="collaborative"), "ngrams") is None


def test_the_choice_finds_the_planted_number(tmp_path: Path, drawn: None) -> None:
    library, _ = themed(300, incoherent=())
    found = choose_k(library, tmp_path / "c", [2, 4, 6, 8, 12, 16, 32], ThemeSettings(), ByFirstWord(), sample=150)
    assert found["suggested_k"] == K
    assert found == json.loads((tmp_path / "c" / "report.json").read_text())
    assert any("published elbow was at about 22" in said and "200" in said for said in found["said"])
    page = (tmp_path / "c" / "report.html").read_text()
    assert "<svg" in page and "k = 8" in page
    again = choose_k(library, tmp_path / "c", [2, 4, 6, 8, 12, 16, 32], ThemeSettings(), ByFirstWord(), sample=150)
    assert again == found
    with pytest.raises(InputError, match="999 clusters"):
        choose_k(library, tmp_path / "c", [2, 999], ThemeSettings(), ByFirstWord())
    with pytest.raises(OutputError, match="choice"):
        made(library, tmp_path / "c")
