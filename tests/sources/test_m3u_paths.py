"""M3U8 beside music: paths from the list, with slashes, and back to the very same files, whatever they are called."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from segue.library import Track
from segue.sources.m3u import is_plain, read_m3u, write_m3u

PIECES = st.one_of(
    st.sampled_from([
        "a", "ß", "日本", "☂", "#", "#EXTINF:1,x", "C:", "c:\\x", "\\", "%20", "..", " ", "?", "a:b", "\n", "\r\n",
        "\x85", "~", "-", "file:", "http:",
    ]),
    st.text(max_size=4),
)  # fmt: skip
PART = st.lists(PIECES, min_size=1, max_size=3).map(
    lambda pieces: "".join(pieces).replace("/", "").replace("\0", "").encode("utf-8", "ignore").decode()
)
PART = PART.filter(lambda part: part not in ("", ".", ".."))
PLACES = st.lists(PART, min_size=1, max_size=4).map(lambda parts: "/m/" + "/".join(parts) + ".mp3")
FOLDERS = st.lists(PART.filter(is_plain), max_size=3).map(lambda parts: Path("/m", *parts))


@given(place=PLACES, base=FOLDERS)
@example("/m/#1 hits/C:.mp3", Path("/m"))
@example("/m/c:\\x.mp3", Path("/m"))
@example("/m/ .mp3", Path("/m/b"))
@example("/m/a\nb.mp3", Path("/m"))
@example("/m/http:.mp3", Path("/m"))
def test_a_file_is_found_again_from_the_list(place: str, base: Path) -> None:
    data = write_m3u("t", [Track("local:1", "n", "a", location=place)], base=base)
    (entry,) = [line for line in data.decode().split("\n") if line and line[0] != "#"]
    _, (track,) = read_m3u(data.decode(), label="x", base=base)
    assert track.location == os.path.normpath(place)
    if is_plain(place):
        assert not entry.startswith("/") and entry == entry.strip()
        relative = os.path.normpath(base / entry)
        assert relative == os.path.normpath(place)  # as every player reads it
    else:
        assert entry.startswith("file:///")


@given(place=PLACES)
def test_without_a_folder_files_are_named_whole(place: str) -> None:
    data = write_m3u("t", [Track("local:1", "n", "a", location=place)])
    _, (track,) = read_m3u(data.decode(), label="x", base=Path("/elsewhere"))
    assert track.location == os.path.normpath(place)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/m/a b/ç.mp3", "../a b/ç.mp3"),
        ("/other/x.mp3", "../../other/x.mp3"),
        ("C:\\Music\\x.mp3", "C:\\Music\\x.mp3"),  # there is no way there from here
        ("http://radio.example/a b", "http://radio.example/a b"),
        ("rel/x.mp3", "rel/x.mp3"),
        ("#1.mp3", "./#1.mp3"),
        ("a\nb.mp3", "a b.mp3"),
        (None, "local:1"),
    ],
)
def test_entries(location: str | None, expected: str) -> None:
    data = write_m3u("t", [Track("local:1", "n", "a", location=location)], base=Path("/m/lists"))
    assert data.decode().splitlines()[-1] == expected
