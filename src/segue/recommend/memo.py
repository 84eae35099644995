"""The last few answers of a pure function: a list and its reasons ask for the same within one request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["Memo"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Memo(Generic[K, V]):
    """Remembers what was made for the last ``most`` keys; for threads. What is kept is not None, and not changed.

    >>> made = []
    >>> memo = Memo(most=2)
    >>> [memo.get(key, lambda key=key: made.append(key) or key * 2) for key in (1, 2, 1, 3, 2)]
    [2, 4, 2, 6, 4]
    >>> made
    [1, 2, 3, 2]
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[K, V] = {}
        self._lock = threading.Lock()

    def known(self, key: K) -> V | None:
        """What was made for a key, None where that is forgotten."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept[key] = value = self._kept.pop(key)
            return value

    def get(self, key: K, make: Callable[[], V]) -> V:
        """What was made for a key, or is made now; two threads that ask at once may both make it."""
        found = self.known(key)
        if found is not None:
            return found
        value = make()
        with self._lock:
            self._kept[key] = value
            while len(self._kept) > self._most:
                del self._kept[next(iter(self._kept))]
        return value
