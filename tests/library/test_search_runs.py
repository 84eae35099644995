from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.errors import SourceError
from segue.library.search_runs import RankedQuery, SearchRun

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
lines = st.builds(
    RankedQuery,
    query_id=texts,
    query=texts,
    playlist_id=st.none() | texts,
    ranking=st.lists(texts, unique=True, max_size=5).map(tuple),
)


@given(lines=st.lists(lines, unique_by=lambda line: line.query_id, max_size=5), name=texts)
def test_a_run_comes_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, lines: list[RankedQuery], name: str
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    path = SearchRun(name, tuple(lines)).write(folder)
    assert path.parent == folder and len(path.name.encode()) < 200, "a name never leads out of the folder"
    again = SearchRun.read(path)
    assert again.queries == tuple(lines)
    assert SearchRun(again.name, again.queries).write(folder) == path


def test_a_name_of_many_bytes_is_cut(tmp_path: Path) -> None:
    assert len(SearchRun("夜" * 300, ()).write(tmp_path).name.encode()) < 200


def test_a_query_is_answered_once_and_a_playlist_ranked_once(tmp_path: Path) -> None:
    line = RankedQuery("q", "rain", None, ("a",))
    with pytest.raises(ValueError, match="answers query 'q' twice"):
        SearchRun("x", (line, line))
    with pytest.raises(ValueError, match="holds a playlist twice"):
        RankedQuery("q", "rain", None, ("a", "a"))
    file = tmp_path / "x.jsonl"
    file.write_text('{"query_id":"q","query":"","playlist_id":null,"ranking":["a","a"]}\n')
    with pytest.raises(SourceError, match=r"line 1.*twice|twice.*line 1"):
        SearchRun.read(file)
    file.write_text('{"query_id":"q","query":"","playlist_id":null,"ranking":["a"]}\n' * 2)
    with pytest.raises(SourceError, match="answers query 'q' twice"):
        SearchRun.read(file)
