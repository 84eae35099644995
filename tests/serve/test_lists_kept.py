"""Lists that are kept as they were sent: the same bytes, nobody else's, and gone with their generation."""

from __future__ import annotations

from typing import Any

import httpx
import pytest


@pytest.fixture
def client(served: Any) -> Any:
    with httpx.Client(base_url=served.url) as opened:
        yield opened


def test_a_kept_list_has_the_same_bytes(client: httpx.Client, served: Any) -> None:
    body = {"title": "kept lists 🌧", "n": 7}
    first = client.post("/v1/recommend", json=body)
    lists = served.serving.current.engine.lists
    asked = []
    real = type(served.serving.current.engine.model).answer
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(type(served.serving.current.engine.model), "answer", lambda *a: asked.append(a) or real(*a))
        again = client.post("/v1/recommend", json=body)
        assert not asked
        other = client.post("/v1/recommend", json={**body, "n": 8})
        assert len(asked) == 1
    assert again.content == first.content != other.content
    assert any(kept == first.content for kept in lists._kept.values())


def test_lists_of_a_person_are_never_kept(client: httpx.Client, served: Any) -> None:
    body = {"title": "kept for a person", "n": 5, "person": "somebody-9"}
    first = client.post("/v1/recommend", json=body)
    second = client.post("/v1/recommend", json=body)
    assert first.headers["segue-list-id"] != second.headers["segue-list-id"]
    titles = [request.title for request in served.serving.current.engine.lists._kept]
    assert body["title"] not in titles
