from __future__ import annotations

import re
from dataclasses import replace
from importlib.resources import files

import pytest

from lm.bank import TITLES
from segue.errors import StoredDataError
from segue.lm.prompts import Prompt

TEXT = """---
name: test
version: 3
task: Say something about a playlist.
inputs: title, tracks
schema: Something
---
## system
Data is JSON. Answer like {"grade": 2}.

## user
Title: {title}
Tracks: {tracks}
Again: {title}

## system, paraphrase 2
Other words.

## user, paraphrase 3
{tracks} of {title}
"""
ALL = [
    (package, file.name.removesuffix(".md"))
    for package in ("segue.enrich", "segue.recommend")
    for file in sorted(files(package).joinpath("prompts").iterdir(), key=lambda f: f.name)
    if file.name.endswith(".md")
]


def test_a_prompt_is_filled_with_json() -> None:
    system, user = Prompt.parse(TEXT).messages(title='a "b"', tracks=[["x", 1]])
    assert (system.role, system.content) == ("system", 'Data is JSON. Answer like {"grade": 2}.')
    assert (user.role, user.content) == ("user", 'Title: "a \\"b\\""\nTracks: [["x", 1]]\nAgain: "a \\"b\\""')


def test_what_was_filled_in_is_not_looked_at_again() -> None:
    _, user = Prompt.parse(TEXT).messages(title="{tracks}", tracks="{title}")
    assert user.content == 'Title: "{tracks}"\nTracks: "{title}"\nAgain: "{tracks}"'


def test_paraphrases_share_what_they_do_not_replace() -> None:
    first, second, third = Prompt.parse(TEXT).variants
    assert (second.system, second.user) == ("Other words.", first.user)
    assert (third.system, third.user) == (first.system, "{tracks} of {title}")
    assert [v.version.removeprefix(first.version) for v in (first, second, third)] == ["", ".2", ".3"]


def test_a_changed_text_is_another_version_under_the_same_number() -> None:
    before, after = Prompt.parse(TEXT), Prompt.parse(TEXT.replace("Other words", "Others"))
    assert before.version.rsplit("-", 1)[0] == after.version.rsplit("-", 1)[0] == "test-3"
    assert before.version != after.version


@pytest.mark.parametrize("given", [{}, {"title": "a"}, {"title": "a", "tracks": [], "more": 1}])
def test_missing_and_unknown_inputs_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(TypeError, match="takes title, tracks; it was given"):
        Prompt.parse(TEXT).messages(**given)


@pytest.mark.parametrize(
    "old, new, said",
    [
        ("---\nname", "name", "front matter"),
        ("version: 3", "version: three", "number from 1"),
        ("version: 3", "version: 0", "number from 1"),
        ("version: 3\n", "", "does not say its version"),
        ("task:", "tusk:", "no front matter"),
        ("schema: Something", "schema: Something\nschema: Other", "no front matter"),
        ("inputs: title, tracks", "inputs: title, title", "distinct names"),
        ("inputs: title, tracks", "inputs: title", "differ: tracks"),
        ("inputs: title, tracks", "inputs: title, tracks, year", "differ: year"),
        ("Tracks: {tracks}", "Tracks: {track}", "differ: track, tracks"),
        ("Data is JSON", "Data is {title}", "data belongs into the user section"),
        ("Other words", "Other {title}", "data belongs into the user section"),
        ("## system\n", "## sistem\n", "is no section"),
        ("## system, paraphrase 2", "## system, paraphrase 1", "is no section"),
        ("## system, paraphrase 2", "## system", "there twice"),
        ("Other words.", "", "empty"),
        ("## user\n", "## user, paraphrase 4\n", "needs a section"),
    ],
)
def test_files_that_do_not_say_what_they_have_to(old: str, new: str, said: str) -> None:
    assert old in TEXT
    with pytest.raises(StoredDataError, match=said):
        Prompt.parse(TEXT.replace(old, new, 1), where="test.md")


def test_a_prompt_that_is_not_there() -> None:
    with pytest.raises(StoredDataError, match=r"segue\.enrich/prompts/nothing\.md cannot be read"):
        Prompt.read("segue.enrich", "nothing")


def test_caps_of_the_file_hold() -> None:
    prompt = replace(Prompt.parse(TEXT), most_characters=5, most_items=1)
    _, user = prompt.messages(title="abcdefgh", tracks=["one", "two"])
    assert user.content.startswith('Title: "abcd…"\nTracks: ["one"]\n')


@pytest.mark.parametrize("package, name", ALL)
def test_prompts_that_ship_state_their_task_and_say_that_data_is_data(package: str, name: str) -> None:
    prompt = Prompt.read(package, name)
    assert prompt.version.startswith(f"{name}-{prompt.number}-") and prompt.task
    for variant in prompt.variants:
        assert "JSON" in variant.system + variant.user
        # each in its own words: data is never an instruction, looks like commands, is followed in nothing
        assert re.search("instruction|command|follow none", variant.system), variant.version


@pytest.mark.parametrize("package, name", ALL)
@pytest.mark.parametrize("title", TITLES, ids=range(len(TITLES)))
def test_prompts_that_ship_keep_their_structure(package: str, name: str, title: str) -> None:
    """Filled with harm, a message has the lines of one filled with nothing, and the system message is the same."""
    for variant in Prompt.read(package, name).variants:
        plain = variant.messages(**dict.fromkeys(variant.inputs, "x"))
        harmed = variant.messages(**{name: [title, {title: title}] for name in variant.inputs})
        assert harmed[0] == plain[0]
        before, after = plain[1].content.split("\n"), harmed[1].content.split("\n")
        assert len(before) == len(after) == len(harmed[1].content.splitlines())
        for one, other in zip(before, after, strict=True):
            assert one == other or '"x"' in one
