"""Where a service's answer may send us: fuzzed against the parser that then connects."""

from __future__ import annotations

import http.server
import ipaddress
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from segue.errors import InputError
from segue.lm.addresses import checked, connection
from segue.lm.base import LanguageModelError
from segue.serve.client import SegueClient, ServiceProblem
from segue.services.addresses import check_base, is_loopback, is_private, redirected
from segue.services.base import Service, Unavailable
from segue.sources.addresses import link_of

OPEN = Service("echo", "https://echo.example/v1", "SEGUE_TEST_UNSET_URL", hosts=frozenset({"cdn.example"}))
HOME = Service("home", "http://192.168.1.5:4533/rest", "SEGUE_TEST_UNSET_URL", at_home=True)
ALLOWED = {
    OPEN.name: {("https", "echo.example", 443), ("https", "cdn.example", 443)},
    HOME.name: {("http", "192.168.1.5", 4533)},
}

# every spelling of an address of this machine, its network or a cloud's metadata that some resolver takes
INSIDE = [
    *("127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "0"),
    *("0.0.0.0", "127.0.0.1.", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]"),
    *("[0:0:0:0:0:ffff:7f00:1]", "[64:ff9b::7f00:1]", "[fe80::1%25eth0]", "[fd00::1]", "localhost", "LOCALHOST"),
    *("localhost.", "169.254.169.254", "[::ffff:169.254.169.254]", "2852039166", "0xa9fea9fe", "10.0.0.1"),
    *("172.16.0.1", "192.168.1.1", "100.64.0.1", "①②⑦.⓪.⓪.①", "127。0。0。1", "１２７.0.0.1", "ⓛocalhost"),
    *("127.0.0.1.nip.io", "metadata.google.internal", "192.168.1.5", "3232235781"),
]
_scheme = st.sampled_from(
    ["https:", "http:", "HTTPS:", "", "file:", "ftp:", "gopher:", "javascript:", "https", " https:", "h\ttps:"]
)
_slashes = st.sampled_from(["//", "/", "///", "\\\\", "/\\", "", "//\t", "////"])
_user = st.sampled_from(
    ["", "", "", "echo.example@", "a:b@", "echo.example%40", "echo.example\\@", "@", "echo.example:443@", "#@", "?@"]
)
_host = st.sampled_from(
    [
        *INSIDE,
        "echo.example",
        "ECHO.example",
        "cdn.example",
        "echo.example.",
        "echo.example.evil.example",
        "evil.example",
        "echo.example\x00.evil.example",
        "echo。example",
        "xn--echo.example",
        "evil.example#.echo.example",
        "echo.example\n.evil.example",
        "",
    ]
)
_port = st.sampled_from(["", ":443", ":80", ":8443", ":0", ":99999", ":", ":4533", ":443x", ":-1"])
_path = st.sampled_from(["", "/", "/x", "?q", "#f", "/../..", "\\x", "/\r\nX: y", "@evil.example", "/x y", ";"])
_location = st.builds(lambda *parts: "".join(parts), _scheme, _slashes, _user, _host, _port, _path)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.sampled_from([OPEN, HOME]), _location | st.text(max_size=30))
@example(OPEN, "https://echo.example\\@127.0.0.1/")
@example(OPEN, "https://echo.example:443@127.0.0.1/")
@example(OPEN, "//[::ffff:127.0.0.1]/")
@example(HOME, "http://192.168.1.5:22/")
@example(HOME, "https://192.168.1.5/")
def test_a_redirect_leads_nowhere_but_to_the_service(service: Service, location: str) -> None:
    asked = f"{service.base}/x"
    try:
        there = redirected(service, asked, location)
    except Unavailable:
        return
    try:
        parsed = httpx.URL(there)  # what the client really connects to
    except httpx.InvalidURL:
        return
    usual = {"https": 443, "http": 80}
    place = (parsed.scheme, parsed.host.rstrip("."), parsed.port or usual.get(parsed.scheme, 0))
    assert place in ALLOWED[service.name], (location, there)
    assert not parsed.userinfo


@pytest.mark.parametrize("host", INSIDE)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_spelling_of_an_inside_address_is_followed(host: str, scheme: str) -> None:
    location = f"{scheme}://{host}/x"
    with pytest.raises(Unavailable):
        redirected(OPEN, f"{OPEN.base}/x", location)
    if host[0] in "0123456789[" and host[-1] in "0123456789.]":  # a number: not even where somebody named it
        named = replace(OPEN, hosts=frozenset({host.strip("[]").lower()}))
        with pytest.raises(Unavailable):
            redirected(named, f"{OPEN.base}/x", location)


def test_a_server_at_home_is_asked_there_and_nowhere_else() -> None:
    base = "http://192.168.1.5:4533"
    assert redirected(HOME, HOME.base, "/rest/new") == f"{base}/rest/new"
    assert redirected(HOME, HOME.base, f"{base}/x") == f"{base}/x"
    for location in (
        "http://192.168.1.1/",
        "http://192.168.1.5/",
        "http://192.168.1.5:22/",
        "http://127.0.0.1:4533/",
    ):
        with pytest.raises(Unavailable):
            redirected(HOME, HOME.base, location)


@pytest.mark.parametrize("host", [h for h in INSIDE if h[0].isdigit() or h[0] == "["])
def test_what_counts_as_this_machine_really_is(host: str) -> None:
    """A key may go to this very machine unencrypted, so nothing else may be taken for it."""
    if is_loopback(f"http://{host}/"):
        assert ipaddress.ip_address(host.strip("[]")).is_loopback


def test_names_inside_and_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(*addresses: str) -> Any:
        return lambda *a, **b: [(0, 0, 0, "", (address, 0)) for address in addresses]

    cases = [
        (("192.168.1.5",), True),
        (("10.0.0.1", "fd00::1"), True),
        (("::ffff:10.0.0.1",), True),
        (("93.184.215.14",), False),
        (("10.0.0.1", "93.184.215.14"), False),
        (("::ffff:93.184.215.14",), False),
        ((), False),
    ]
    for addresses, private in cases:
        is_private.cache_clear()
        monkeypatch.setattr("socket.getaddrinfo", found(*addresses))
        assert is_private("name.example") == private, addresses
    is_private.cache_clear()


NONE = [
    *("http://u:s3cret@echo.example", "https://s3cret@echo.example", "file:///s3cret", "https://[::1/s3cret"),
    *("https://echo.example/?key=s3cret", "https://echo.example/#s3cret", "s3cret.example"),
]


@pytest.mark.parametrize("address", NONE)
def test_addresses_that_are_none_are_said_without_their_secrets(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGUE_TEST_UNSET_URL", address)
    with pytest.raises(InputError) as refused:
        check_base(OPEN, secret=True)
    assert "s3cret" not in str(refused.value)
    with pytest.raises(LanguageModelError) as refused_too:
        checked(address, "the model")
    assert "s3cret" not in str(refused_too.value)


@contextmanager
def _two_servers() -> Iterator[tuple[str, list[str]]]:
    """One that sends on to the other, and what the other was asked."""
    asked: list[str] = []

    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(str(self.headers))
            self.send_response(200)
            self.end_headers()

        do_POST = do_GET  # noqa: N815

        def log_message(self, *args: object) -> None: ...

    other = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Other)

    class First(Other):
        def do_GET(self) -> None:
            self.send_response(307)
            self.send_header("Location", f"http://127.0.0.1:{other.server_address[1]}/stolen")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET  # noqa: N815

    first = http.server.ThreadingHTTPServer(("127.0.0.1", 0), First)
    for server in (first, other):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{first.server_address[1]}", asked
    finally:
        for server in (first, other):
            server.shutdown()
            server.server_close()


def test_a_models_server_and_a_segue_service_cannot_send_a_key_on() -> None:
    with _two_servers() as (url, asked):
        with connection(url, 5.0) as client:
            assert client.post(url, headers={"Authorization": "Bearer secret"}).status_code == 307
        with SegueClient(url, key="segue_secret") as service, pytest.raises(ServiceProblem):
            service.model()
        assert asked == []


@settings(max_examples=150, deadline=None, derandomize=True)
@given(_location | st.text(max_size=50), st.none() | _location)
def test_links_of_tracks_are_web_addresses_or_nothing(track_id: str, location: str | None) -> None:
    """Ids and locations are strangers' texts, and the page makes links of them."""
    link = link_of(track_id, location)
    if link is not None:
        assert link.startswith(("https://", "http://"))
        assert link.isascii() and link.isprintable() and " " not in link
