"""An endpoint for embeddings as an encoder."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from urllib.parse import urlsplit

import msgspec
import numpy as np
from numpy.typing import NDArray
from pydantic import SecretStr

from segue.encode.base import Progress, distinct, unit_rows
from segue.library.arrays import fingerprint
from segue.lm.base import LanguageModelError, Temporary
from segue.lm.endpoint import Endpoint
from segue.lm.reading import clean
from segue.services.waits import back_off

__all__ = ["EndpointEncoder"]

_ATTEMPTS = 5
_MOST_PATIENCE = 120.0  # seconds that a server may ask us to wait
_PROBE = "playlist"


class EndpointEncoder:
    """An :class:`~segue.encode.base.Encoder` behind any server that speaks OpenAI's ``/embeddings``.

    The dimension is learnt from the first answer. Texts without a character that can be seen are not sent and have a
    zero row. What a server changes behind the same name cannot be noticed: the fingerprint is made of host, model and
    dimension.

    Args:
        model: its name on the server.
        base_url, key, timeout, allow_http: see :class:`~segue.lm.endpoint.Endpoint`.
        batch: texts in a request.
        most_characters: of a text; the rest is not sent.
        sleep: waits so many seconds.

    Raises:
        LanguageModelError: the address or the key cannot be used.
        MissingDependency: the extra ``lm`` is not installed.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        key: str | SecretStr | None = None,
        batch: int = 64,
        most_characters: int = 8_000,
        timeout: float = 60.0,
        allow_http: bool | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not model.strip() or not model.isprintable():
            raise LanguageModelError("the embedding model has no name; give one that its server knows")
        if batch < 1 or most_characters < 1:
            raise ValueError("a request needs room for a text, and a text for a character")
        self.model, self.batch, self.most_characters, self._sleep = model, batch, most_characters, sleep
        self.endpoint = Endpoint(base_url, key, timeout=timeout, allow_http=allow_http)
        self._d: int | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"EndpointEncoder({self.model!r}, base_url={self.endpoint.url!r})"

    @property
    def d(self) -> int:
        """Dimension of the vectors; asks for that of one word where nothing has been encoded yet.

        Raises:
            LanguageModelError: see :meth:`encode`.
        """
        if self._d is None:
            self._ask([_PROBE])
        assert self._d is not None
        return self._d

    @cached_property
    def fingerprint(self) -> str:
        """Digest of host, model, dimension and the cap on texts."""
        return fingerprint("endpoint", urlsplit(self.endpoint.url).netloc, self.model, self.d, self.most_characters)

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> NDArray[np.float32]:
        """Encode texts to float32 ``(n, d)``; each distinct one is sent once.

        Raises:
            LanguageModelError: the server refuses, does not answer after several attempts
                (:class:`~segue.lm.base.Temporary`), or answers with what are no such vectors.
        """
        kept, rows = distinct([clean(text) for text in texts], self.most_characters)
        sent = [row for row, text in enumerate(kept) if _has_something(text)]
        # the shape is needed even where nothing is sent
        vectors = np.zeros((len(kept), 0 if sent else self.d), np.float32)
        for first in range(0, len(sent), self.batch):
            part = sent[first : first + self.batch]
            found = self._ask([kept[row] for row in part])
            if not vectors.shape[1]:
                vectors = np.zeros((len(kept), found.shape[1]), np.float32)
            vectors[part] = found
            if progress is not None:
                progress(first + len(part), len(sent))
        return vectors[rows]

    def close(self) -> None:
        """Let go of all connections."""
        self.endpoint.close()

    def _ask(self, texts: list[str]) -> NDArray[np.float32]:
        """Unit rows of a batch, asked for again as long as that may help."""
        attempt = 1
        while True:
            try:
                body = self.endpoint.embeddings(model=self.model, input=texts, encoding_format="float")
                return self._read(body, len(texts))
            except Temporary as error:
                if attempt == _ATTEMPTS or (error.after or 0.0) > _MOST_PATIENCE:
                    raise
                self._sleep(error.after if error.after is not None else back_off(attempt))
                attempt += 1

    def _read(self, body: bytes, n: int) -> NDArray[np.float32]:
        try:
            reply = msgspec.json.decode(body, type=_Reply)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise self._wrong("with what are no embeddings") from error
        if len(reply.data) != n:
            raise self._wrong(f"with {len(reply.data):,} vectors for {n:,} texts")
        # servers that do not number their vectors keep the order
        order = [each.index if each.index is not None else row for row, each in enumerate(reply.data)]
        if sorted(order) != list(range(n)):
            raise self._wrong("with vectors whose numbers are not those of the texts")
        lengths = {len(each.embedding) for each in reply.data}
        if len(lengths) != 1 or not all(lengths):
            raise self._wrong("with vectors of different or no dimensions")
        d = lengths.pop()
        with self._lock:
            if self._d is None:
                self._d = d
            elif self._d != d:
                raise self._wrong(f"with vectors of {d:,} dimensions after some of {self._d:,}")
        found = np.empty((n, d), np.float64)
        for row, each in zip(order, reply.data, strict=True):
            found[row] = each.embedding
        largest = np.abs(found).max(axis=1, keepdims=True)
        if not np.isfinite(largest).all() or not largest.all():
            raise self._wrong("with vectors that are zero or hold what is no number")
        return unit_rows(found / largest)  # the square of a large number may be too large

    def _wrong(self, how: str) -> LanguageModelError:
        return LanguageModelError(
            f"{urlsplit(self.endpoint.url).netloc} answers {how}; is {self.model[:100]} an embedding model?"
        )


def _has_something(text: str) -> bool:
    return any(c.isprintable() and not c.isspace() for c in text)


class _Vector(msgspec.Struct):
    embedding: list[float]
    index: int | None = None


class _Reply(msgspec.Struct):
    data: list[_Vector]
