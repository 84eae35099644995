from __future__ import annotations

import httpx
import pytest


@pytest.fixture
def client(served):
    with httpx.Client(base_url=served.url) as found:
        yield found


def test_it_runs(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    print(client.get("/readyz").json())
    r = client.post("/v1/recommend", json={"title": "rainy sunday", "n": 3})
    print(r.status_code, r.text)
    assert r.status_code == 200
