from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's own players are asked."""
    for name in list(os.environ):
        if name.startswith(("SEGUE_", "SPOTIFY_", "LISTENBRAINZ_")):
            monkeypatch.delenv(name)
