from __future__ import annotations

import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.views.titles import CAP, Variant, normalise

VARIANTS: list[Variant] = ["read", "seen", "challenge", "key"]

# Text as hostile as it gets (lone surrogates, NUL), and text made of what the rules look at.
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=400)
# fmt: off
PIECES = [
    "a", "b", "I", " ", "  ", "summer", "class of", "dec", "17", "'17", "25", "00", "2", "9", "0", "s", "80's",
    "r o a d", "'", "’", "$", "!", "_", "&", "<3", ":)", ":", ")", "(", "é", "\u0301", "\u0345", "İ", "ß", "ς", "Σ",
    "ﷺ", "ﬁ", "हि", "🙂", "❤️", "🏽", "1️⃣", "©", "👨\u200d👩\u200d👧", "🇧🇷", "\u200d", "\u202e", "\ud800",
    "\x00", "x" * 90,
]
# fmt: on
TRICKY = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


@pytest.mark.parametrize(
    ("title", "read"),
    [
        ("Road Trip", "road trip"),
        ("r o a d  t r i p", "road trip"),
        ("R O A D   T R I P", "road trip"),
        ("v i b e s", "vibes"),
        ("r  o  a  d    t  r  i  p", "road trip"),
        ("c l a s s  o f  2 0 1 7", "class of 2017"),
        ("H e l l o world", "hello world"),
        ("g o  t o  w o r k", "go to work"),
        ("r.o.a.d", "road"),
        ("plan b", "plan b"),
        ("x y", "x y"),
        ("1 2 3", "1 2 3"),
        ("summer 17", "summer 2017"),
        ("Summer '17", "summer 2017"),
        ("Summer ’17!", "summer 2017"),
        ("summer17", "summer 2017"),
        ("fall2016", "fall 2016"),
        ("summer of 69", "summer of 1969"),
        ("class of '09", "class of 2009"),
        ("'98", "1998"),
        ("oct 17", "oct 2017"),
        ("december 25", "december 25"),
        ("july 4th", "july 4th"),
        ("june 17th", "june 17th"),
        ("blink 182", "blink 182"),
        ("17", "17"),
        ("00's", "2000s"),
        ("00s", "2000s"),
        ("2000's", "2000s"),
        ("80's", "80s"),
        ("90 s", "90s"),
        ("'90s", "90s"),
        ("1980s", "80s"),
        ("10s", "2010s"),
        ("100s", "100s"),
        ("🙂", "slightly smiling face"),
        ("rainy sunday 🌧", "rainy sunday cloud with rain"),
        ("❤️", "red heart"),
        ("👍🏽", "thumbs up"),
        ("🇧🇷 samba", "brazil samba"),
        ("1️⃣ best", "1 best"),
        ("i <3 u", "i heart u"),
        (":)", "smiling face"),
        ("throwbacks:)", "throwbacks smiling face"),
        ("go to :(", "go to sad face"),
        ("feels ):", "feels sad face"),
        ("mix: (old)", "mix old"),
        ("💤💤💤", "zzz"),
        ("LIT🔥 🔥🔥", "lit fire"),
        ("🇧🇷🇧🇷", "brazil"),
        ("🔥🌊🔥", "fire water wave fire"),
        ("hype$$$", "hype"),
        ("$uicideboy$", "suicideboys"),
        ("don't stop", "dont stop"),
        ("Beyoncé", "beyoncé"),
        ("P!nk", "pink"),
        ("Ke$ha", "kesha"),
        ("A$AP", "asap"),
        ("100$", "100"),
        ("R&B", "r and b"),
        ("rnb hits", "r and b hits"),
        ("R 'n' B", "r and b"),
        ("PBR&B", "pbr and b"),
        ("rock n roll", "rock and roll"),
        ("Drum & Bass", "drum and bass"),
        ("&", "&"),
        ("me &", "me"),
        ("!!!", "!!!"),
        ("-_-", "-_-"),
        ("", ""),
        ("   ", ""),
        ("\x00\x07", ""),
        ("\ud83d", ""),
        ("\u202eabc\u202c", "abc"),
        ("𝓛𝓸𝓿𝓮", "love"),
        ("हिंदी गाने", "हिंदी गाने"),
        ("東京", "東京"),
    ],
)
def test_read(title: str, read: str) -> None:
    assert normalise(title) == read


@pytest.mark.parametrize(
    ("title", "variant", "expected"),
    [
        ("Don't Stop!", "seen", "dont stop"),
        ("R&B", "seen", "r b"),
        ("🙂 ", "seen", "🙂"),
        ("snake_case", "seen", "snake case"),
        ("!!!", "seen", "!!!"),
        ("ＦＵＬＬ", "seen", "full"),
        ("Running", "seen", "running"),
        ("Don't Stop!", "challenge", "don't stop"),
        ("a.b,c/d#e!f$g%h^i*j;k:l{m}n=o_p`q~r(s)t@u", "challenge", "a b c d e f g h i j k l m n o p q r s t u"),
        ("  Rock & Roll  ", "challenge", "rock & roll"),
        ("Running Songs", "key", "run song"),
        ("Café", "key", "cafe"),
        ("Cafés", "key", "cafe"),
        ("ROAD TRIPS", "key", "road trip"),
    ],
)
def test_other_variants(title: str, variant: Variant, expected: str) -> None:
    assert normalise(title, variant) == expected


@pytest.mark.parametrize("variant", ["read", "seen", "challenge"])
@settings(max_examples=400, deadline=None)
@given(text=ANY_TEXT | TRICKY)
def test_idempotent(variant: Variant, text: str) -> None:
    once = normalise(text, variant)
    assert normalise(once, variant) == once


@pytest.mark.parametrize("variant", VARIANTS)
@settings(max_examples=200, deadline=None)
@given(text=ANY_TEXT | TRICKY)
def test_bounded_and_clean(variant: Variant, text: str) -> None:
    out = normalise(text, variant)
    assert len(out) <= CAP
    assert out == out.strip() and "\x00" not in out
    out.encode("utf-8")


@settings(max_examples=200, deadline=None)
@given(text=ANY_TEXT | TRICKY)
def test_case_does_not_matter_where_it_folds_back(text: str) -> None:
    shouted = text.upper()
    if shouted.lower() == text.lower() and text.isascii():
        assert normalise(shouted) == normalise(text)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    "text", ["x" * 10_240, "🎉" * 3000, "a " * 5000, " " * 9999 + "a", "\u0301" * 10_000, "ﷺ" * 10_000, "$!" * 5000]
)
def test_ten_kilobytes_take_no_time(variant: Variant, text: str) -> None:
    normalise("🎉", variant)  # the emoji tables are read once
    start = time.process_time()
    assert len(normalise(text, variant)) <= CAP
    assert time.process_time() - start < 0.25


def test_ascii_titles_never_pay_for_the_emoji_package() -> None:
    code = (
        "import sys\nfrom segue.views.titles import normalise\n"
        "normalise('road trip <3'); normalise('Café'); assert 'emoji' not in sys.modules\n"
        "normalise('🙂'); assert 'emoji' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_unknown_variant() -> None:
    with pytest.raises(ValueError, match="unknown variant"):
        normalise("a", "other")  # type: ignore[arg-type]
