"""How often one may ask: buckets, and who shares one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.serve.guard_rate import Rates, address_name
from segue.serve.key_file import add_key
from serve.small_service import problem_of, running


def test_a_rate_is_kept_and_says_when(tmp_path: Path) -> None:
    with running(tmp_path, limits={"per_minute": 5}) as served:
        assert [served.client.get("/v1/text/1").status_code for _ in range(6)] == [200] * 5 + [429]
        answer = served.client.get("/v1/text/1")
        problem_of(answer, 429)
        assert 1 <= int(answer.headers["retry-after"]) <= 13
        assert served.client.get("/").is_success  # the page, and signs of life, always


def test_the_rate_is_each_keys_own(tmp_path: Path) -> None:
    secrets = [add_key(tmp_path / "keys.json", name)[1] for name in ("one", "two")]
    with running(tmp_path, keys=True, limits={"per_minute": 3}) as served:

        def status(secret: str) -> int:
            return served.client.get("/v1/text/1", headers={"Authorization": f"Bearer {secret}"}).status_code

        assert [status(secrets[0]) for _ in range(4)] == [200, 200, 200, 429]
        assert status(secrets[1]) == 200
        # who guesses keys is counted by address
        assert [status("wrong") for _ in range(4)] == [401, 401, 401, 429]
        assert status(secrets[1]) == 200


class _Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 100), st.lists(st.floats(0, 30), min_size=1, max_size=60))
def test_buckets_do_what_a_bucket_does(per_minute: int, pauses: list[float]) -> None:
    """Against the sentence: never more than what was there at the start and has been refilled since."""
    clock = _Clock()
    rates = Rates(per_minute, clock=clock)
    tokens, taken = float(per_minute), 0
    for pause in pauses:
        clock.now += pause
        tokens = min(tokens + pause * per_minute / 60, per_minute)
        wait = rates.take("a")
        if abs(tokens - 1) > 1e-6:
            assert (wait == 0) == (tokens > 1)
        if wait:
            assert wait == pytest.approx((1 - tokens) * 60 / per_minute, abs=1e-6)
        else:
            tokens, taken = max(tokens - 1, 0.0), taken + 1
    assert taken <= per_minute + sum(pauses) * per_minute / 60 + 1
    rates.close()


def test_processes_share_buckets(tmp_path: Path) -> None:
    clock = _Clock()
    first, second = (Rates(4, tmp_path / "rates.bin", clock=clock) for _ in range(2))
    waits = [rates.take("a") for rates in (first, second, first, second, first, second)]
    assert [wait == 0 for wait in waits] == [True] * 4 + [False] * 2
    assert second.take("b") == 0
    clock.now = 5.0  # the machine was started again
    assert first.take("a") == 0
    (tmp_path / "rates.bin").write_bytes(b"\xff" * (tmp_path / "rates.bin").stat().st_size)
    assert first.take("a") == 0  # rubbish in the table is no bucket
    assert (tmp_path / "rates.bin").stat().st_mode & 0o777 == 0o600
    first.close()
    second.close()


def test_many_addresses_do_not_push_out_one_that_is_at_its_limit_soon_nor_fill_the_memory() -> None:
    clock = _Clock()
    rates = Rates(10, clock=clock)
    for i in range(20_000):
        clock.now += 0.0001
        assert rates.take(f"address {i}") == 0
        if i % 100 == 0:
            rates.take("busy")
    assert rates.take("busy") > 0
    rates.close()


def test_addresses_of_one_network_are_one() -> None:
    assert address_name("2001:db8:0:1::5") == address_name("2001:db8:0:1:ffff::6") != address_name("2001:db8:0:2::5")
    assert address_name("::ffff:192.0.2.7") == address_name("192.0.2.7")
    assert address_name("fe80::1%eth0") == address_name("fe80::2")
    assert address_name("no:address") == "no:address"
