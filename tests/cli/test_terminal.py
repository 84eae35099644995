from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.cli import terminal
from segue.cli.export import slug
from segue.cli.terminal import plain, progress


@given(st.text())
def test_plain_text_is_one_harmless_line(text: str) -> None:
    shown = plain(text)
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in shown)
    assert len(shown) <= 2_000
    assert plain(shown) == shown


def test_plain_text_keeps_what_people_write() -> None:
    for text in ("Beyoncé", "[bold]", "👩‍🚀 ☀️", "日本語", "العربية", "हिन्दी"):
        assert plain(text) == text


@given(st.text())
def test_a_slug_is_a_part_of_a_file_name(title: str) -> None:
    part = slug(title)
    assert all(c.isalnum() or c == " " for c in part)
    assert len(part) <= 60 and len(part.encode()) <= 120


def test_short_work_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as report:
        report(0, 2, "reading")
        report(2, 2, "reading")
    assert capsys.readouterr() == ("", "")


def test_long_work_says_plain_lines_on_stderr(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now)
    with progress() as report:
        for done in range(100):
            now += 0.5
            report(done, 100, "encoding" if done < 50 else f"epoch {done}, loss 0.{done}")
    said = capsys.readouterr()
    lines = said.err.splitlines()
    assert said.out == ""
    assert 4 <= len(lines) <= 8, lines
    assert lines[0] == "encoding: 1 of 100" and any(line.startswith("epoch") for line in lines)
    assert "\x1b" not in said.err


def test_a_terminal_gets_a_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "_PATIENCE", 0.0)
    monkeypatch.setattr(terminal.sys.stderr, "isatty", lambda: True)
    with progress() as report:
        report(1, 2, "read[bold]ing")
        report(2, 2, "\x1b[31mreading")
    assert capsys.readouterr().out == ""
