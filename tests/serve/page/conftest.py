"""The page in Chromium, driven by Playwright, against a real service. Nothing may leave this machine."""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
import pytest

from segue.serve.settings import ServeSettings
from serve.conftest import Served, Start

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
EXPECTED = ("the server responded with a status of",)  # what Chromium itself logs for every problem that is answered


@dataclass
class Visit:
    """A page that is open, and everything that went wrong in it so far."""

    page: Page
    url: str
    wrong: list[str] = field(default_factory=list)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)

    def go(self, hash: str = "", path: str = "/") -> Visit:
        self.page.goto(f"{self.url}{path}{hash}")
        return self

    def make(self, title: str) -> Locator:
        """Type a title; the rows of its list, once they are there."""
        self.page.locator("#title").fill(title)
        self.page.locator("#result .row").first.wait_for()
        self.quiet()
        return self.rows

    @property
    def panel(self) -> Locator:
        return self.page.locator("[role=tabpanel]:visible")

    @property
    def rows(self) -> Locator:
        return self.page.locator("[role=tabpanel]:visible .row, #panel-shared .row")

    def names(self) -> list[str]:
        return self.rows.locator(".name").all_text_contents()

    def ids(self) -> list[str]:
        return self.rows.evaluate_all("rows => rows.map(row => row.dataset.key)")

    def quiet(self) -> None:
        """Wait until no answer is on its way and nothing slides."""
        self.page.wait_for_timeout(320)  # longer than typing is waited for
        self.page.wait_for_function(
            "() => !document.querySelector('.is-loading, .skeleton') && document.querySelector('#progress').hidden"
        )
        self.page.wait_for_function(
            "() => document.getAnimations().every(a => a.playState !== 'running'"
            " || a.effect.getComputedTiming().iterations === Infinity)"
        )

    def said(self) -> str:
        return self.page.locator("#live").text_content() or ""

    def bodies(self, path: str) -> list[Any]:
        """The bodies that were sent there, in order."""
        return [body for method, where, body in self.asked if method != "GET" and where == path]


Visiting = Callable[..., Visit]


# for a module: while Playwright runs, its event loop is this thread's, and no other test can run one of its own
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("there is no Chromium here; tools/chromium.sh installs Debian's")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        # Chromium's own sandbox needs a user that is not root
        opened = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture
def visiting(browser: Browser, served: Served) -> Iterator[Visiting]:
    """Open the page; at the end nothing may have been logged as an error, nor left this machine.

    ``url``: of another service. ``wrong``: whether errors are looked at by the test itself. Further arguments are
    those of a browser context.
    """
    visits: list[tuple[Visit, bool]] = []
    with ExitStack() as stack:

        def visit(url: str | None = None, *, wrong: bool = False, **context: Any) -> Visit:
            own = browser.new_context(
                **{"reduced_motion": "reduce", "viewport": {"width": 1200, "height": 900}, **context}
            )
            stack.callback(own.close)
            own.set_default_timeout(10_000)
            found = Visit(own.new_page(), url or served.url)
            visits.append((found, wrong))
            watch(found)
            return found

        yield visit
        for found, expected in visits:
            assert expected or not found.wrong, found.wrong


def watch(visit: Visit) -> None:
    def left(route: Any) -> None:
        visit.wrong.append(f"a request left this machine: {route.request.url}")
        route.abort()

    def noted(request: Any) -> None:
        path = urlsplit(request.url).path
        if path.startswith("/v1"):
            body = request.post_data
            visit.asked.append((request.method, path, msgspec.json.decode(body) if body else None))

    def logged(message: Any) -> None:
        if message.type in ("error", "warning") and not any(text in message.text for text in EXPECTED):
            visit.wrong.append(f"{message.type}: {message.text}")

    def asked(dialog: Any) -> None:
        visit.wrong.append(f"a dialog of a script: {dialog.message}")
        dialog.dismiss()

    # what stays here is not held up: only other addresses are caught
    visit.page.context.route(re.compile(rf"^(?!{re.escape(visit.url)}/|data:|blob:)"), left)
    visit.page.on("request", noted)
    visit.page.on("console", logged)
    visit.page.on("pageerror", lambda error: visit.wrong.append(f"uncaught: {error}"))
    visit.page.on("dialog", asked)


@pytest.fixture
def planted_map() -> dict[str, Any]:
    """A map of thirty titles in three themes."""
    names = ("rainy days", "summer hits", "gym")
    middles = ((0.2, 0.3), (0.8, 0.3), (0.5, 0.8))
    points = [
        {
            "x": middles[i % 3][0] + 0.01 * (i // 3),
            "y": middles[i % 3][1] + 0.012 * (i // 3),
            "title": f"{names[i % 3]} {i}",
            "n": 40 - i,
            "theme": i % 3,
        }
        for i in range(30)
    ]
    themes = [{"name": name, "x": x, "y": y, "n": 10} for name, (x, y) in zip(names, middles, strict=True)]
    return {"points": points, "themes": themes}


@pytest.fixture
def mapped(
    start: Start, serving_settings: ServeSettings, tmp_path: Path, planted_map: dict[str, Any]
) -> Iterator[Served]:
    """A service with every model and the planted map."""
    (tmp_path / "map.json").write_bytes(msgspec.json.encode(planted_map))
    with start(dataclasses.replace(serving_settings, map=tmp_path / "map.json")) as served:
        yield served
