"""A thin typed client of the service: the API's own bodies in, its own bodies out, problems as errors.

::

    with SegueClient("http://127.0.0.1:8765") as segue:
        for track in segue.recommend("rainy sunday", n=20).tracks:
            print(track.rank, track.name, track.artist)
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from segue.errors import InputError, SegueError
from segue.serve.schemas import (
    ContinueIn,
    ExportIn,
    KnownTrack,
    ListenerIn,
    RecommendIn,
    RecommendOut,
    SearchIn,
    SimilarIn,
)
from segue.serve.schemas_answers import ListenerOut, ModelOut, SearchOut, TracksOut
from segue.serve.settings import HERE

__all__ = ["SegueClient", "ServiceProblem"]

Out = TypeVar("Out", bound=BaseModel)


class ServiceProblem(SegueError):
    """What the service answered in place of what was asked for.

    Args:
        status: of HTTP; 0 where there was no answer at all. detail: the service's sentence.
        retry_after: seconds after which asking again may help; None where it did not say.
        request_id: finds the request in the service's log.
    """

    def __init__(self, status: int, detail: str, *, retry_after: float | None = None, request_id: str = "") -> None:
        self.status, self.detail, self.retry_after, self.request_id = status, detail, retry_after, request_id
        super().__init__(f"the service says: {detail}" + (f" (status {status})" if status else ""))


class SegueClient:
    """Asks one service; may be shared by threads.

    Args:
        url: where it is. key: bearer key; None looks for SEGUE_KEY. timeout: seconds for an answer.
        transport: in place of the network, for tests.

    Raises:
        InputError: the address is none, or the key would travel in the clear to another machine.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8765",
        key: str | None = None,
        *,
        timeout: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
            raise InputError(f"{url[:100]!r} is no address of a service; give one like http://127.0.0.1:8765")
        key = key if key is not None else os.environ.get("SEGUE_KEY")
        if key and parts.scheme == "http" and parts.hostname not in HERE:
            raise InputError("the key would be sent in the clear; ask a service on another machine by https")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(
            base_url=url.rstrip("/"), headers=headers, timeout=timeout, transport=transport, follow_redirects=False
        )

    def recommend(self, title: str = "", **wishes: Any) -> RecommendOut:
        """A list for a title, given tracks, or both.

        Args:
            wishes: further fields of :class:`~segue.serve.schemas.RecommendIn`.

        Raises:
            InputError: a field that there is not, or a value that it cannot have. ServiceProblem: no list came.
        """
        return self._post("/v1/recommend", _body(RecommendIn, {"title": title, **wishes}), RecommendOut)

    def go_on(self, **wishes: Any) -> RecommendOut:
        """More tracks for a playlist, by ``playlist_id``, ``tracks`` or ``track_ids``; see :meth:`recommend`."""
        return self._post("/v1/continue", _body(ContinueIn, wishes), RecommendOut)

    def similar(self, **wishes: Any) -> RecommendOut:
        """Tracks near to ``tracks`` or ``track_ids``; fields of :class:`~segue.serve.schemas.SimilarIn`."""
        return self._post("/v1/similar", _body(SimilarIn, wishes), RecommendOut)

    def search(self, query: str, **wishes: Any) -> SearchOut:
        """Playlists for words; fields of :class:`~segue.serve.schemas.SearchIn`."""
        return self._post("/v1/search", _body(SearchIn, {"query": query, **wishes}), SearchOut)

    def for_listener(self, user_id: str = "-", **wishes: Any) -> ListenerOut:
        """Tracks for a listener, or with "-" for anybody who names ``tracks`` that they love."""
        path = f"/v1/listeners/{quote(user_id, safe='')}/recommend"
        return self._post(path, _body(ListenerIn, wishes), ListenerOut)

    def tracks(self, query: str, n: int = 10) -> list[KnownTrack]:
        """Tracks of the catalogue by the beginning of a name, as one types."""
        return self._ask("GET", "/v1/tracks", TracksOut, params={"query": query, "n": n}).tracks

    def model(self) -> ModelOut:
        """What answers: fingerprint, counts, abilities, limits."""
        return self._ask("GET", "/v1/model", ModelOut)

    def export(self, track_ids: list[str], title: str = "", format: str = "m3u8") -> bytes:
        """A list of tracks as a file."""
        body = _body(ExportIn, {"track_ids": track_ids, "title": title, "format": format})
        return self._send("POST", "/v1/export", content=body.model_dump_json(exclude_unset=True)).content

    def feedback(self, person: str, list_id: str, events: Sequence[Mapping[str, Any]]) -> None:
        """What a person did with a list: ``[{"action": "keep", "track_id": ..., "position": ...}]``."""
        self._send("POST", "/v1/feedback", json={"person": person, "list_id": list_id, "events": list(events)})

    def forget(self, person: str) -> None:
        """Delete everything that the service keeps of a person."""
        self._send("DELETE", f"/v1/feedback/{quote(person, safe='')}")

    def close(self) -> None:
        """Let go of all connections."""
        self._client.close()

    def __enter__(self) -> SegueClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _post(self, path: str, body: BaseModel, kind: type[Out]) -> Out:
        return self._ask("POST", path, kind, content=body.model_dump_json(exclude_unset=True))

    def _ask(self, method: str, path: str, kind: type[Out], **options: Any) -> Out:
        answer = self._send(method, path, **options)
        try:
            return kind.model_validate_json(answer.content)
        except ValidationError as error:
            raise ServiceProblem(answer.status_code, "this is no answer of a segue service") from error

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Content-Type": "application/json"} if "content" in options else {}
        try:
            answer = self._client.request(method, path, headers=headers, **options)
        except httpx.HTTPError as error:
            said = f"it cannot be reached ({type(error).__name__}); is 'segue serve' running?"
            raise ServiceProblem(0, said) from error
        if answer.is_success:
            return answer
        raise ServiceProblem(
            answer.status_code,
            _detail(answer),
            retry_after=_seconds(answer.headers),
            request_id=answer.headers.get("x-request-id", ""),
        )


def _body(kind: type[Out], fields: Mapping[str, Any]) -> Out:
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"{'.'.join(map(str, first['loc']))}: {first['msg'].lower()}") from error


def _detail(answer: httpx.Response) -> str:
    """The sentence of a problem; whatever else came is a stranger's page, of which nothing is repeated."""
    try:
        found = answer.json()
        return str(found["detail"])[:500]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "something that is no answer of a segue service"


def _seconds(headers: Mapping[str, str]) -> float | None:
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return None
