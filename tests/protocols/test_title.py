from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from rich.console import Console

from protocols.planted import THEMES, planted
from segue.errors import InputError
from segue.evaluate.report import load_report
from segue.library import Library, Query, Ranking
from segue.protocols.common import ask, read_titles, title_lists
from segue.protocols.title import TitleReport, run_title
from segue.recommend.same_title import SameTitle
from segue.split import Split, holdout


@dataclass
class Shuffled:
    """Answers any title with tracks drawn by the title's text; remembers what it was asked."""

    library: Library
    asked: list[Query] = field(default_factory=list)
    fingerprint: str = "shuffled"

    def recommend(self, query: Query, n: int) -> Ranking:
        self.asked.append(query)
        rng = np.random.default_rng(zlib.crc32(query.title.encode()))
        rows = rng.permutation(self.library.n_tracks)
        rows = rows[~np.isin(rows, query.seed_tracks)][:n].astype(np.int32)
        return Ranking(rows, np.zeros(len(rows), np.float32))


@dataclass(frozen=True)
class Letters:
    """A title encoder for tests: which letters are there."""

    d: int = 26
    fingerprint: str = "letters"

    def encode(self, texts: Sequence[str], *, progress: object = None) -> np.ndarray:
        out = np.full((len(texts), 26), 0.01, np.float32)
        for row, text in enumerate(texts):
            for c in text.lower():
                if "a" <= c <= "z":
                    out[row, ord(c) - 97] += 1
        return out / np.linalg.norm(out, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def library() -> Library:
    return planted()


@pytest.fixture(scope="module")
def found(library: Library) -> TitleReport:
    split = holdout(library)
    return run_title(
        library,
        split,
        {"published": Shuffled(library), "<i>hostile</i>": Shuffled(library)},
        encoder=Letters(),
        titles=["rock", "<script>alert(1)</script>"],
    )


def test_baselines_are_always_rows_and_come_first(found: TitleReport) -> None:
    assert list(found.report.methods) == ["popularity", "same_title", "published", "<i>hostile</i>"]
    for name in found.report.methods:
        assert found.report.row(name, "all").n_queries == found.report.n_queries


def test_seen_and_unseen_titles_are_rows_of_their_own(found: TitleReport) -> None:
    seen, unseen = (found.report.row("same_title", s) for s in ("seen titles", "unseen titles"))
    assert seen.n_queries + unseen.n_queries == found.report.n_queries
    assert found.report.mean("same_title", "seen titles", "ndcg@500") > 1.5 * found.report.mean(
        "published", "seen titles", "ndcg@500"
    )


def test_the_same_title_vote_wins_where_titles_say_it_all(found: TitleReport) -> None:
    versus = found.report.row("same_title", "seen titles").versus["r_precision"]
    assert versus.p_holm is not None
    assert versus.p_holm < 0.01
    assert versus.difference.low is not None
    assert versus.difference.low > 0
    assert found.report.mean("same_title", "seen titles", "content_lift@66") > 1
    assert found.report.mean("same_title", "seen titles", "title_lift@66") > 0.2
    assert found.report.mean("popularity", "all", "popularity_overlap@66") == 1
    assert found.report.mean("popularity", "all", "list_diversity@66") == pytest.approx(1)
    assert found.report.mean("published", "all", "list_diversity@66") < 0.2
    assert found.report.row("published", "all").versus == {}


def test_a_recommender_learns_neither_ids_nor_truth(library: Library) -> None:
    shuffled = Shuffled(library)
    found = run_title(library, holdout(library), {"shuffled": shuffled}, titles=[])
    assert {query.query_id for query in shuffled.asked} == {""}
    distinct = {query.title for query in found.queries}
    assert len(shuffled.asked) == len(distinct)  # each title is asked once
    assert found.report.reference is None
    assert any("not among the methods" in note for note in found.report.notes)


def test_a_test_playlist_cannot_vote_for_itself() -> None:
    library = planted(unique_tracks=True)
    split = holdout(library)
    found = run_title(library, split, {}, titles=[])
    own = {f"p{row}": len(THEMES) * 120 + row for row in split.test.tolist()}
    relevant = found.qrels.relevant
    for name, run in found.runs.items():
        for query_id, rows in run.rankings.items():
            assert own[query_id] in relevant[query_id]
            assert own[query_id] not in rows, name  # the track that only the hidden playlist holds
    assert not any("in no training playlist" in note for note in found.report.notes)

    # trained on everything, the test playlists do vote for themselves, and the report says that something is wrong
    leaking = run_title(library, split, {"leak": SameTitle.fitted(library)}, titles=[])
    assert any(note.startswith("leak hit") for note in leaking.report.notes)

    # and no split can put a playlist on both sides
    with pytest.raises(ValueError, match="disjoint"):
        Split(train=np.concatenate([split.train, split.test]), validation=split.validation, test=split.test)


def test_the_report_survives_disk_and_is_the_same_twice(found: TitleReport, library: Library, tmp_path) -> None:  # type: ignore[no-untyped-def]
    as_json, as_html = found.save(tmp_path / "report")
    assert load_report(as_json) == found.report
    again = run_title(
        library,
        holdout(library),
        {"published": Shuffled(library), "<i>hostile</i>": Shuffled(library)},
        encoder=Letters(),
        titles=["rock", "<script>alert(1)</script>"],
    )
    second, page = again.save(tmp_path / "again")
    assert as_json.read_bytes() == second.read_bytes()
    assert as_html.read_bytes() == page.read_bytes()


def test_the_page_escapes_what_others_wrote(found: TitleReport, tmp_path) -> None:  # type: ignore[no-untyped-def]
    page = found.save(tmp_path)[1].read_text("utf-8")
    assert "<script" not in page
    assert "<i>hostile" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert page.count("<svg") >= 4


def test_the_terminal_shows_names_as_they_are(library: Library) -> None:
    found = run_title(library, holdout(library), {"[red]bold[/red]": Shuffled(library)}, titles=[])
    console = Console(width=250, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    found.print(console)
    console.file.close()
    text = console.export_text()
    assert "[red]bold[/red]" in text
    for heading in ("all (n =", "seen titles", "unseen titles", "ndcg@500"):
        assert heading in text


def test_lists_show_catalogue_names_only(library: Library) -> None:
    lists = title_lists(["rock", "💤"], {"a": Shuffled(library), "b": Shuffled(library)}, library)
    assert [(one.title, one.method) for one in lists] == [("rock", "a"), ("rock", "b"), ("💤", "a"), ("💤", "b")]
    names = set(library.tracks["name"].to_list())
    assert all(len(one.tracks) == 10 and {t.name for t in one.tracks} <= names for one in lists)


def test_faulty_recommenders_are_found_out(library: Library) -> None:
    class Returns:
        fingerprint = "returns"

        def __init__(self, rows: list[int]) -> None:
            self.rows = np.array(rows, np.int32)

        def recommend(self, query: Query, n: int) -> Ranking:
            return Ranking(self.rows, np.zeros(len(self.rows), np.float32))

    asked = [Query("rock", (3,), "q")]
    with pytest.raises(ValueError, match="given"):
        ask("bad", Returns([1, 3]), asked)
    with pytest.raises(ValueError, match="twice"):
        ask("bad", Returns([1, 1]), asked)
    with pytest.raises(ValueError, match="asked for"):
        ask("bad", Returns([1, 2, 4]), asked, n=2)


def test_files_of_titles(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "titles.txt"
    path.write_text("# a remark\n\n#tbt\n  road trip \n#\n", "utf-8")
    assert read_titles(path) == ["#tbt", "road trip"]
    path.write_text("# nothing\n", "utf-8")
    with pytest.raises(InputError, match="0 titles"):
        read_titles(path)
    path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(InputError, match="UTF-8"):
        read_titles(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_titles(tmp_path / "missing.txt")
