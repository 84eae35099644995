"""What is counted: Prometheus reads it, paths are routes, and processes share it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from segue.serve.measures import Measures
from serve.small_service import running, until


def _samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _requests(text: str) -> dict[tuple[str, str, str], float]:
    return {
        (dict(labels)["method"], dict(labels)["path"], dict(labels)["status"]): value
        for (name, labels), value in _samples(text).items()
        if name == "segue_requests_total"
    }


def test_requests_are_counted_under_their_routes(tmp_path: Path) -> None:
    with running(tmp_path) as served:
        get = served.client.get
        for i in range(30):
            get(f"/v1/text/{i}")
            get(f"/v1/shared/token{i}")
            get(f"/nowhere/{i}")
            served.client.request(f"METHOD{i}", "/")
        served.client.post("/v1/echo/private", json=[])
        served.client.post("/v1/echo/private", json={})
        get("/v1/error/unexpected")
        get("/v1/text/1", headers={"Host": "evil.example"})
        text = get("/metrics").text
    found = _requests(text)
    assert found[("GET", "/v1/text/{size}", "200")] == 30
    assert found[("GET", "/v1/shared/{token}", "200")] == 30
    assert found[("GET", "other", "404")] == 30
    assert found[("POST", "/v1/echo/{name}", "422")] == 1
    assert found[("POST", "/v1/echo/{name}", "200")] == 1
    assert found[("GET", "/v1/error/{kind}", "500")] == 1
    assert found[("GET", "other", "421")] == 1
    assert found[("other", "/", "405")] == 30
    assert len(found) == 8
    assert "private" not in text
    assert "token1" not in text
    samples = _samples(text)
    at_text = (("path", "/v1/text/{size}"),)
    assert samples[("segue_request_seconds_count", at_text)] == 30
    assert 0 < samples[("segue_request_seconds_sum", at_text)] < 30
    assert samples[("segue_requests_in_flight", ())] == 1  # the one that asks
    assert samples[("segue_model_generation", ())] == 1


def test_levels_follow_the_gate(tmp_path: Path) -> None:
    import threading

    with running(tmp_path, limits={"threads": 1, "waiting": 3}) as served:
        threads = [threading.Thread(target=lambda: served.client.get("/v1/work?hold=true")) for _ in range(3)]
        for thread in threads:
            thread.start()
        until(lambda: served.app.state.gate.waiting == 2)
        samples = _samples(served.client.get("/metrics").text)
        assert samples[("segue_threads_busy", ())] == 1
        assert samples[("segue_requests_waiting", ())] == 2
        assert samples[("segue_requests_in_flight", ())] == 4
        served.app.state.hold.set()
        for thread in threads:
            thread.join()
        samples = _samples(served.client.get("/metrics").text)
        assert samples[("segue_threads_busy", ())] == samples[("segue_requests_waiting", ())] == 0


def test_models_are_counted() -> None:
    measures = Measures()
    for worked in (True, True, False):
        measures.reloaded(worked)
    samples = _samples(measures.text()[0].decode())
    assert samples[("segue_model_generation", ())] == 3
    assert samples[("segue_model_reload_failures_total", ())] == 1


def test_apps_do_not_share_a_registry() -> None:
    first, second = Measures(), Measures()
    first.started()
    first.ended("GET", "/", 200, 0.1)
    assert _requests(first.text()[0].decode()) == {("GET", "/", "200"): 1}
    assert _requests(second.text()[0].decode()) == {}


_WORKER = """
import sys, json
from segue.serve.measures import Measures
measures = Measures()
for _ in range(int(sys.argv[1])):
    measures.started()
    measures.ended("GET", "/", 200, 0.1)
measures.started()
print(json.dumps(measures.text()[0].decode()), flush=True)
sys.stdin.read()
"""


def test_worker_processes_share_what_they_count(tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    command = [sys.executable, "-c", _WORKER]
    workers = []
    text = ""
    for n in (3, 4):
        worker = subprocess.Popen([*command, str(n)], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        workers.append(worker)
        assert worker.stdout is not None
        text = json.loads(worker.stdout.readline())
    assert _requests(text) == {("GET", "/", "200"): 7}
    assert _samples(text)[("segue_requests_in_flight", ())] == 2
    assert _samples(text)[("segue_model_generation", ())] == pytest.approx(1)
    for worker in workers:
        worker.communicate()
