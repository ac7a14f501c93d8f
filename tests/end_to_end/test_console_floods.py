"""The console under connections that ask nothing, and without file descriptors."""

from __future__ import annotations

import resource
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from clawlane.console.watching import MOST_READERS
from demo.stage import PATIENCE, Gateway, Operator, Simulator
from end_to_end.browsing import Browser, Live, signed_in
from end_to_end.steps import listening as lane_listening
from end_to_end.steps import person, say
from end_to_end.test_console_hostile import config_text

__all__ = ["config_text"]
MORE_THAN_FIT = 300


@pytest.fixture
def browser(linked: Operator, gateway: Gateway) -> Browser:
    lane_listening(gateway)
    gateway.said("the console listens on")
    return signed_in(linked)


@pytest.fixture
def flood(browser: Browser) -> Iterator[Flood]:
    with Flood(browser.base) as one:
        yield one


class Flood(ExitStack):
    """Connections to the console of `base`, all open until the end."""

    def __init__(self, base: str) -> None:
        super().__init__()
        where = urlsplit(base)
        self._address = where.hostname or "", where.port or 0

    def connect(self, begin: bytes = b"") -> socket.socket:
        line = self.enter_context(socket.create_connection(self._address, PATIENCE))
        line.sendall(begin)
        return line


def ended(line: socket.socket) -> None:
    """Returns once the other side has closed it."""
    with suppress(ConnectionError):
        while line.recv(4096):
            pass


def open_files(gateway: Gateway) -> int:
    return len(list(Path(f"/proc/{gateway.pid}/fd").iterdir()))


@pytest.mark.long
def test_what_asks_nothing_makes_way_for_what_asks(
    browser: Browser, flood: Flood, gateway: Gateway, zalo: Simulator
) -> None:
    feed, before = Live(browser, "/now/events"), open_files(gateway)
    feed.until("<")
    for begin in (b"", b"GET / HTTP/1.1\r\nHost: 127", b"GET /static/no HTTP/1.1\r\nHost: x\r\n\r\n"):
        first = flood.connect(begin)
        for _ in range(MORE_THAN_FIT):
            flood.connect(begin)
        assert browser.get("/").status == 200
        assert browser.get("/sign-in").status == 200
        ended(first)
        assert open_files(gateway) < before + 260
    say(zalo, person(zalo, "Lan", friend=False), "một")
    feed.until("Lan")
    feed.close()


@pytest.mark.long
def test_a_page_too_many_is_refused_with_the_headers_of_every_answer(browser: Browser) -> None:
    path = "/login/zalouser/default/events"
    with ExitStack() as open_pages:
        for _ in range(MOST_READERS):
            open_pages.callback(Live(browser, path).close)
        refused = browser.get(path)
        assert refused.status == 503
        assert "default-src 'none'" in refused.headers["Content-Security-Policy"]


@pytest.mark.long
@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux sets limits of others")
def test_without_file_descriptors_it_waits_and_goes_on(
    browser: Browser, flood: Flood, gateway: Gateway, zalo: Simulator
) -> None:
    soft, hard = resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE)
    assert soft == min(hard, 65_536), "raised at the start"
    resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (open_files(gateway) + 5, hard))
    for _ in range(20):
        flood.connect()
    gateway.said("connections have to wait: Too many open files")
    resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (soft, hard))
    assert browser.get("/").status == 200
    say(zalo, person(zalo, "Lan", friend=False), "một")
    assert zalo.wait("sent")
    told = [line for line in gateway.printed() if "connections have to wait" in line]
    assert len(told) == 1


@pytest.mark.long
def test_doctor_names_a_limit_of_open_files_that_is_too_small(installed: Operator) -> None:
    limited = ["sh", "-c", 'ulimit -n 512; exec "$@"', "sh", *installed.command("doctor")]
    told = subprocess.run(limited, env=installed.env, capture_output=True, text=True, timeout=PATIENCE)
    assert "may have only 512 files and sockets open" in " ".join(told.stdout.split())
    assert "files and sockets" not in installed.run("doctor").stdout
