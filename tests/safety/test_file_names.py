"""Names of files made from strangers' titles."""

from __future__ import annotations

import re
from email.message import Message
from pathlib import Path, PureWindowsPath
from urllib.parse import unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from segue.cli.export import slug
from segue.errors import InputError
from segue.library.file_names import content_disposition, file_name

_reserved = st.sampled_from(["CON", "nul", "Aux", "PRN", "COM1", "lpt9", "COM¹", "CONIN$", "conout$", "clock$"])
_pieces = st.sampled_from(
    [
        "..",
        "/",
        "\\",
        ".",
        " ",
        "~",
        "-",
        ":",
        "\x00",
        "\r\n",
        '"',
        "%2e%2e",
        "\u202e",
        "\ud800",
        "é",
        "🌊",
        ";",
        "$(x)",
        "`x`",
        "C:",
        "a",
    ]
)
_titles = (
    st.text(max_size=40)
    | st.lists(_pieces | _reserved, max_size=8).map("".join)
    | _reserved
    | st.text(min_size=150, max_size=400)
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(_titles, st.sampled_from(["m3u8", "csv", "xspf"]))
@example("../../etc/passwd", "csv")
@example("NUL", "csv")
@example("con .txt", "csv")
@example("a" * 300 + "..", "csv")
@example("🌊" * 200, "csv")
@example("-rf", "csv")
@example("\ud7fc\ue000\u200d.", "csv")
@example("\u202egnp.exe", "csv")
def test_any_title_is_one_plain_name(title: str, ext: str) -> None:
    name = file_name(title, ext)
    assert len(name.encode("utf-8")) <= 200
    assert name.endswith(f".{ext}")
    assert name.replace("\u200d", "").replace("\u200c", "").isprintable()
    assert not set(name) & set('/\\:*?"<>|`$;%\x00')
    assert not name.startswith((".", "-", "~", " "))
    stem = name.removesuffix(f".{ext}")
    assert stem
    assert not stem.endswith((".", " "))
    assert Path(name).name == name
    windows = PureWindowsPath(name)
    assert windows.name == name
    assert not windows.drive
    assert not windows.is_reserved()
    assert file_name(title, ext) == name


def test_a_name_can_really_be_written(tmp_path: Path) -> None:
    for title in ("../../x", "a/b", "NUL", "🌊" * 200, "é" * 300, "\x00", "", "."):
        file = tmp_path / file_name(title, "csv")
        file.write_text(title.encode("utf-8", "replace").decode())
        assert file.parent == tmp_path
    assert not (tmp_path.parent / "x.csv").exists()


@pytest.mark.parametrize("ext", ["", "../x", "a/b", "csv\r\nX: y", "a" * 11, ".csv", "c v"])
def test_endings_that_are_none(ext: str) -> None:
    with pytest.raises(InputError, match="ending"):
        file_name("a", ext)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(_titles)
@example('a"; filename="b.exe')
@example("a\r\nSet-Cookie: b")
@example("a\\")
def test_a_header_holds_the_name_and_nothing_else(title: str) -> None:
    for name in (file_name(title, "csv"), title):  # also where somebody forgot to make a name of it
        header = content_disposition(name)
        assert header.isascii()
        assert header.isprintable()
        header.encode("latin-1")
        assert re.fullmatch(
            r"""attachment; filename="[^"\\%]*"; filename\*=UTF-8''[A-Za-z0-9!#$&+.^_`|~%-]*""", header
        )
        exact = header.rsplit("''", 1)[1]
        assert unquote(exact) == name.encode("utf-8", "replace").decode()
        parsed = Message()  # as a mail program would read it
        parsed["Content-Disposition"] = header
        assert parsed.get_content_disposition() == "attachment"


@settings(max_examples=80, deadline=None, derandomize=True)
@given(_titles)
def test_names_of_exported_playlists_stay_in_their_folder(title: str) -> None:
    part = slug(title)
    assert not set(part) & set("/\\.:*?\"<>|'`$;&\x00\r\n")
    assert len(part) <= 60
