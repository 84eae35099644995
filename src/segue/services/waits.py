"""How long to wait: between two requests to one host, and before asking again."""

from __future__ import annotations

import email.utils
import math
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["RateLimit", "back_off", "retry_after"]

_FIRST, _MOST = 1.0, 30.0  # seconds


@dataclass
class RateLimit:
    """Keeps requests to one host apart, by a clock that nobody sets back.

    Args:
        monotonic, sleep: clock and wait, in seconds.
    """

    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    _next: dict[str, float] = field(default_factory=dict)

    def wait(self, host: str, interval: float) -> None:
        """Wait until the host may be asked again, ``interval`` seconds after the last time."""
        now = self.monotonic()
        pause = self._next.get(host, now) - now
        if pause > 0:
            self.sleep(pause)
        self._next[host] = max(now, now + pause) + interval


def back_off(attempt: int) -> float:
    """Seconds to wait after so many failed attempts.

    >>> [back_off(n) for n in (1, 2, 3, 9)]
    [1.0, 2.0, 4.0, 30.0]
    """
    return min(_FIRST * 2.0 ** min(attempt - 1, 10), _MOST)


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds that a Retry-After field asks for: it holds seconds or a date; None where it says nothing sensible.

    Args:
        now: unix seconds.

    >>> retry_after("7", 0.0), retry_after("Thu, 01 Jan 1970 00:01:00 GMT", 20.0), retry_after("soon", 0.0)
    (7.0, 40.0, None)
    """
    if value is None or len(value) > 100:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - now
        except (ValueError, TypeError, OverflowError, IndexError):
            return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None
