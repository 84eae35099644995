"""One line of what ``segue doctor`` reports."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Finding"]


@dataclass(frozen=True)
class Finding:
    """What was looked at and found; ``advice`` says what to do where ``ok`` is False or something is optional."""

    what: str
    found: str
    ok: bool = True
    advice: str = ""
