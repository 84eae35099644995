from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from contracts.encoder import TEXTS, EncoderContract
from segue.encode.base import Progress
from segue.encode.cache import CachedEncoder
from segue.encode.ngrams import NgramEncoder


class Counting:
    """An n-gram encoder that remembers what it was asked."""

    def __init__(self, fingerprint: str | None = None, dies_after: int | None = None) -> None:
        self.inner = NgramEncoder.fitted(["road trip", "rap"], buckets=256, dimension=16)
        self.asked: list[str] = []
        self._fingerprint, self._dies_after = fingerprint, dies_after

    @property
    def d(self) -> int:
        return self.inner.d

    @property
    def fingerprint(self) -> str:
        return self._fingerprint or self.inner.fingerprint

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> NDArray[np.float32]:
        if len(self.asked) == self._dies_after:
            raise KeyboardInterrupt
        self.asked += texts
        return self.inner.encode(texts, progress=progress)


class TestCachedContract(EncoderContract):
    zero_for = ("", " ")

    @pytest.fixture
    def encoder(self, tmp_path: Path) -> CachedEncoder:
        return CachedEncoder(NgramEncoder.fitted(TEXTS, buckets=2**14), tmp_path)


def test_no_text_is_encoded_twice(tmp_path: Path) -> None:
    counting = Counting()
    cached = CachedEncoder(counting, tmp_path)
    first = cached.encode(["a", "b", "a", "\ud800"])
    np.testing.assert_array_equal(first, counting.inner.encode(["a", "b", "a", "\ud800"]))
    np.testing.assert_array_equal(cached.encode(["b", "c", "a"])[[2, 0]], first[[0, 1]])
    again = Counting()
    np.testing.assert_array_equal(CachedEncoder(again, tmp_path).encode(["a", "b", "a", "\ud800"]), first)
    assert counting.asked == ["a", "b", "\ud800", "c"] and again.asked == []


def test_another_fingerprint_or_kind_of_encoder_shares_nothing(tmp_path: Path) -> None:
    CachedEncoder(Counting(), tmp_path).encode(["a"])
    other, kind = Counting("0123456789abcdef"), NgramEncoder.fitted(["road trip", "rap"], buckets=256, dimension=16)
    CachedEncoder(other, tmp_path).encode(["a"])
    assert other.asked == ["a"]
    assert kind.fingerprint == Counting().fingerprint
    assert CachedEncoder(kind, tmp_path).place != CachedEncoder(Counting(), tmp_path).place


def test_a_killed_build_keeps_finished_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segue.encode.cache._SHARD", 2)

    with pytest.raises(KeyboardInterrupt):
        CachedEncoder(Counting(dies_after=4), tmp_path).encode(["a", "b", "c", "d", "e"])
    counting = Counting()
    CachedEncoder(counting, tmp_path).encode(["a", "b", "c", "d", "e"])
    assert counting.asked == ["e"]


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY", None])
def test_a_damaged_shard_is_encoded_again(tmp_path: Path, damage: bytes | None) -> None:
    cached = CachedEncoder(Counting(), tmp_path)
    vectors = cached.encode(["a", "b"])
    (shard,) = cached.place.glob("*.npy")
    shard.write_bytes(shard.read_bytes()[:-10] if damage is None else damage)
    counting = Counting()
    np.testing.assert_array_equal(CachedEncoder(counting, tmp_path).encode(["a", "b"]), vectors)
    assert counting.asked == ["a", "b"]
    np.testing.assert_array_equal(CachedEncoder(Counting(), tmp_path).encode(["a", "b"]), vectors)


def test_two_processes_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from segue.encode.cache import CachedEncoder; from segue.encode.ngrams import NgramEncoder\n"
        "import segue.encode.cache as cache; cache._SHARD = 7\n"
        "e = NgramEncoder.fitted(['a'], buckets=256, dimension=16)\n"
        f"CachedEncoder(e, Path({str(tmp_path)!r})).encode([str(i) for i in range(200)])"
    )
    running = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [process.wait() for process in running] == [0, 0]
    encoder = NgramEncoder.fitted(["a"], buckets=256, dimension=16)
    texts = [str(i) for i in range(200)]
    cached = CachedEncoder(encoder, tmp_path)
    np.testing.assert_array_equal(cached.encode(texts), encoder.encode(texts))
    assert not list(cached.place.glob(".*"))


def test_progress_counts_all_texts(tmp_path: Path) -> None:
    cached = CachedEncoder(Counting(), tmp_path)
    cached.encode(["a"])
    seen: list[tuple[int, int]] = []
    cached.encode(["a", "b", "c"], progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (3, 3)]
