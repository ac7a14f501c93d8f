"""`webhooks`: how far each is, trying them out, and deciding about one that fails; on 80 columns."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from clawlane.channel import Phase
from clawlane.clock import now_ms
from clawlane.store import events, webhooks
from clawlane.store.database import open_store

OTHER = "https://example.net/a-secret-path"


@pytest.fixture
def address() -> Iterator[str]:
    """A receiver that takes every test."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))  # closing would reset the connection
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def desk(perch: Any, address: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two webhooks; the second one fails, and two events wait for it."""

    async def fill() -> None:
        async with (
            open_store(perch.paths.store, perch.paths.lock_file, now_ms) as store,
            store.own("parrot/default") as account,
        ):
            keys = [webhooks.key_of(address), webhooks.key_of(OTHER)]
            await store.change(webhooks.follow, keys)
            for code in ("a", "b"):
                await account.run(events.note_state, now_ms(), Phase.READY, code)
            await store.change(webhooks.failed, keys[1], "example.net answered 500", 0.0)

    asyncio.run(fill())
    secret = "secret: '${HOOK}'"
    first, second = f"{{ url: '{address}', {secret} }}", f"{{ url: '{OTHER}', {secret}, content: true }}"
    perch.paths.config_file.write_text(f"{{ channels: {{ parrot: {{}} }}, webhooks: [{first}, {second}] }}")
    monkeypatch.setenv("HOOK", "a secret that is long enough")
    monkeypatch.setenv("COLUMNS", "80")
    return perch


def test_what_waits_and_what_fails_is_told(desk: Any) -> None:
    told = desk.shown("webhooks list")
    assert "example.net answered 500" in told
    assert "2 events wait" in told
    assert "1 try" in told
    assert "a-secret-path" not in told
    assert max(map(len, told.splitlines())) <= 80
    [listed] = desk("webhooks list --json").json
    assert [(one["waiting"], one["tries"]) for one in listed["webhooks"]] == [(2, 0), (2, 1)]
    assert "Webhook 2 (example.net) fails since" in desk("channels status").out
    [status] = desk("channels status --json").json
    assert [(one["number"], one["waiting"]) for one in status["webhooks"]] == [(2, 2)]
    assert "the webhook at example.net does not take" in desk("doctor").out


def test_a_test_says_what_became_of_it(desk: Any) -> None:
    told = desk("webhooks test 1")
    assert (told.code, "took it" in told.out) == (0, True)
    refused = desk("webhooks test 3")
    assert (refused.code, "there is no webhook 3; the config has 2" in refused.err) == (1, True)


def test_one_that_fails_is_tried_again_or_given_up(desk: Any) -> None:
    assert desk.shown("webhooks retry").startswith("1 webhook is tried again. The gateway is not running;")
    assert desk.shown("webhooks drop 2") == "example.net is not told of 1 event.\n"
    assert desk.shown("webhooks drop 2 --all") == "example.net is not told of 1 event.\n"
    assert "webhook 2 (example.net) does not fail" in desk("webhooks drop 2").err
    assert "2 events were given up" in desk.shown("webhooks list")


def test_a_config_without_webhooks_says_so(perch: Any) -> None:
    perch.configure("{}")
    assert perch.shown("webhooks list") == "The config has no webhooks.\n"
    assert "the config has no webhooks" in perch("webhooks test").err


@pytest.mark.parametrize(
    ("webhooks", "why"),
    [
        ("[{ url: 'http://example.net/x', secret: '${HOOK}' }]", "http:// is for this machine only"),
        ("[{ url: 'https://a.example/x', secret: '${HOOK}', events: ['mesage'] }]", "message"),
        ("[" + "{ url: 'https://a.example/x', secret: '${HOOK}' }," * 2 + "]", "are the same"),
    ],
)
def test_a_config_that_cannot_be_told_is_refused(perch: Any, webhooks: str, why: str) -> None:
    perch.paths.config_file.write_text(f"{{ channels: {{ parrot: {{}} }}, webhooks: {webhooks} }}")
    refused = perch("config validate")
    assert (refused.code, why in refused.err + refused.out) == (1, True)
