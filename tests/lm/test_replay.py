from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from contracts.language_model import HOSTILE, LanguageModelContract, Number, answer_to, question
from lm.server import KEY, ChatServer, echoes_the_key, said, serving_chat, too_many
from segue.errors import OutputError, StoredDataError
from segue.lm.base import InvalidReply, LanguageModel, LanguageModelError, Message, Prices, Temporary, Usage
from segue.lm.replay import Recording, Replay

ASK = [Message("user", "Which year?")]


class Year(BaseModel):
    year: int


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    with serving_chat(lambda asked: {"year": 1999}) as server:
        yield server


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "replies.jsonl"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The questions of the contract and their answers, all but three of the hostile ones."""
    path = tmp_path_factory.mktemp("replay") / "replies.jsonl"
    with serving_chat(lambda asked: answer_to(asked.text)) as server:
        model = Recording(server.model(), path)
        for messages in [*map(question, range(16)), *(question(7, extra) for extra in HOSTILE[3:])]:
            model.complete(messages, Number, prompt="number-1", max_tokens=64)
    return path


class TestReplay(LanguageModelContract):
    only_recorded = True

    @pytest.fixture
    def model(self, recorded: Path) -> LanguageModel:
        return Replay(recorded, prices=Prices(1.0, 2.0))

    @pytest.fixture
    def broken(self, chat: ChatServer, path: Path) -> LanguageModel:
        chat.answer = lambda asked: "seven\nand more"
        with pytest.raises(InvalidReply):
            Recording(chat.model(), path).complete(question(7), Number, prompt="number-1")
        return Replay(path)


class TestRecording(LanguageModelContract):
    @pytest.fixture
    def model(self, chat: ChatServer, path: Path) -> Iterator[LanguageModel]:
        chat.answer = lambda asked: answer_to(asked.text)
        inner = chat.model(prices=Prices(1.0, 2.0))
        yield Recording(inner, path)
        inner.close()

    @pytest.fixture
    def broken(self, model: LanguageModel, chat: ChatServer) -> LanguageModel:
        chat.answer = lambda asked: {"number": "seven\nand more"}
        return model


def test_a_run_that_is_repeated_is_the_same_run(chat: ChatServer, path: Path) -> None:
    """Equal in every field, the name included, and the server is not asked."""
    chat.first(said("not yet"))  # repaired
    model = Recording(chat.model(prices=Prices(1.0, 2.0)), path)
    made = [model.complete(ASK, Year, prompt="year-1"), model.complete(ASK, Year, prompt="year-2")]
    asked = len(chat.chats)
    replay = Replay(path, prices=Prices(1.0, 2.0))
    assert replay.name == "openai:test" == model.name and len(replay) == 2
    assert [replay.complete(ASK, Year, prompt=prompt, max_tokens=9) for prompt in ("year-1", "year-2")] == made
    assert len(chat.chats) == asked == 3


def test_what_was_not_asked_is_not_known(chat: ChatServer, path: Path) -> None:
    class Other(BaseModel):
        year: int
        more: str = ""

    Recording(chat.model(), path).complete(ASK, Year, prompt="year-1")
    replay = Replay(path)
    assert replay.complete(ASK, Year, prompt="year-1").value.year == 1999
    for messages, schema, prompt, temperature in [
        ([Message("user", "Which Year?")], Year, "year-1", 0.0),
        ([Message("system", "Which year?")], Year, "year-1", 0.0),
        ([*ASK, *ASK], Year, "year-1", 0.0),
        (ASK, Other, "year-1", 0.0),
        (ASK, Year, "year-2", 0.0),
        (ASK, Year, "year-1", 0.7),
    ]:
        with pytest.raises(LanguageModelError, match="holds no reply of openai:test to this request") as raised:
            replay.complete(messages, schema, prompt=prompt, temperature=temperature)
        assert not isinstance(raised.value, InvalidReply | Temporary)


def test_what_was_invalid_is_invalid_again_and_no_answer_is_not_recorded(chat: ChatServer, path: Path) -> None:
    model = Recording(chat.model(), path)
    chat.first(said({"year": 1}, finish="length"))  # would fit, but was not whole
    with pytest.raises(InvalidReply) as first:
        model.complete(ASK, Year)
    chat.first(too_many(1))
    with pytest.raises(Temporary):
        model.complete([Message("user", "other")], Year)
    replay = Replay(path)
    with pytest.raises(InvalidReply) as again:
        replay.complete(ASK, Year)
    assert str(first.value) == str(again.value) and "max_tokens" in str(again.value)
    assert (
        (first.value.raw, first.value.usage) == (again.value.raw, again.value.usage) == ('{"year": 1}', Usage(7, 2))
    )
    assert len(replay) == 1


def test_the_first_reply_to_a_question_counts(chat: ChatServer, path: Path) -> None:
    model = Recording(chat.model(), path)
    model.complete(ASK, Year)
    chat.answer = lambda asked: {"year": 2000}
    Recording(chat.model(), path).complete(ASK, Year)
    assert len(path.read_bytes().splitlines()) == 2
    assert Replay(path).complete(ASK, Year).value.year == 1999


def test_one_file_of_two_models(chat: ChatServer, path: Path) -> None:
    Recording(chat.model("one"), path).complete(ASK, Year)
    chat.answer = lambda asked: {"year": 2000}
    Recording(chat.model("two"), path).complete(ASK, Year)
    with pytest.raises(LanguageModelError, match="openai:one, openai:two"):
        Replay(path)
    found = Replay(path, model="openai:two")
    assert found.complete(ASK, Year).value.year == 2000 and found.name == "openai:two"
    with pytest.raises(StoredDataError, match="no replies of openai:three"):
        Replay(path, model="openai:three")


def test_no_key_in_the_file(chat: ChatServer, path: Path) -> None:
    chat.first(echoes_the_key(), said({"year": 1, "key": KEY}))
    Recording(chat.model(), path).complete(ASK, Year)
    chat.first(echoes_the_key(), echoes_the_key())
    with pytest.raises(InvalidReply):
        Recording(chat.model(), path).complete([Message("user", "again")], Year)
    data = path.read_bytes()
    assert b"***" in data and KEY.encode() not in data


def test_a_line_that_broke_off_is_left_out_and_taken_away(chat: ChatServer, path: Path) -> None:
    model = Recording(chat.model(), path)
    model.complete(ASK, Year)
    whole = path.read_bytes()
    for end in (1, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole + whole[:end])
        assert len(Replay(path)) == 1
        path.write_bytes(whole[:end])
        with pytest.raises(StoredDataError, match="holds no replies"):
            Replay(path)
        model = Recording(chat.model(), path)
        assert path.read_bytes() == b""
        model.complete(ASK, Year)
        assert path.read_bytes() == whole
    path.write_bytes(whole + b"x" * 200_000)
    Recording(chat.model(), path)
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "damage", [b"{}\n", b"nonsense\n", b"\xff\n", b'{"model": 7}\n', b"[" * 50_000 + b"\n", b"null\n"]
)
def test_damage_in_the_middle_is_named(chat: ChatServer, path: Path, damage: bytes) -> None:
    Recording(chat.model(), path).complete(ASK, Year)
    path.write_bytes(path.read_bytes() + damage)
    with pytest.raises(StoredDataError, match=r"replies\.jsonl: line 2 is no recorded reply"):
        Replay(path)


def test_places_that_cannot_be_used(chat: ChatServer, path: Path, tmp_path: Path) -> None:
    with pytest.raises(StoredDataError, match="is missing"):
        Replay(path)
    with pytest.raises(StoredDataError, match="cannot be read"):
        Replay(tmp_path)
    with pytest.raises(OutputError, match="cannot write"):
        Recording(chat.model(), tmp_path)
    with pytest.raises(OutputError, match="cannot write"):
        Recording(chat.model(), tmp_path / "none" / "replies.jsonl")


def test_threads_and_recordings_share_a_file(chat: ChatServer, path: Path) -> None:
    chat.answer = lambda asked: answer_to(asked.text)
    models = [Recording(chat.model(), path) for _ in range(2)]

    def work(worker: int) -> None:
        for number in range(worker, 40, 8):
            models[worker % 2].complete(question(number), Number)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    replay = Replay(path)
    assert len(replay) == 40
    assert [replay.complete(question(number), Number).value.number for number in range(40)] == list(range(40))


WRITER = """
import sys
from pydantic import BaseModel
from segue.lm.base import Completion, Message, Usage
from segue.lm.replay import Recording

class Year(BaseModel):
    year: int

class Fast:
    name, prices = "fast:1", None
    def complete(self, messages, schema, *, prompt, temperature, max_tokens):
        return Completion(Year(year=1), '{"year": 1}' + " " * 5_000, Usage(1, 1), None, self.name, prompt)

model = Recording(Fast(), sys.argv[1])
for number in range(10**9):
    model.complete([Message("user", str(number))], Year)
    if number == 20:
        print("on it", flush=True)
"""


def test_a_killed_recording_loses_nothing_that_it_said(path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout:
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.wait()
    replay = Replay(path)
    assert len(replay) >= 21
    assert all(replay.complete([Message("user", str(n))], Year).value.year == 1 for n in range(21))
    assert all(json.loads(line)["model"] == "fast:1" for line in path.read_bytes().splitlines()[:-1])
    assert os.path.getsize(path) > 21 * 5_000
