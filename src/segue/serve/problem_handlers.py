"""Every error as problem details: those of the app, of the framework, and those that nobody expected."""

from __future__ import annotations

from fastapi import FastAPI

__all__ = ["install"]


def install(app: FastAPI) -> None:
    """Have an app tell every error as problem+json."""
