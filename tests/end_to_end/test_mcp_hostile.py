"""The MCP server, asked as no client of good will asks, and after what it follows is gone."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from demo.model_server import ModelServer
from demo.stage import PATIENCE, Operator, Simulator
from end_to_end import mcp_clients
from end_to_end.machine import Host
from end_to_end.mcp_clients import over_http
from end_to_end.steps import all_sent
from end_to_end.test_mcp_server import ALL, Lane, lane, model, token_in

__all__ = ["lane", "model"]
pytestmark = pytest.mark.long
DAY = 86_400
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


class Raw:
    """Requests to the server at `url`, with the token and what else a client sends."""

    def __init__(self, url: str, token: str) -> None:
        self._where = urlsplit(url)
        self._own = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        }

    def ask(self, body: bytes | object = b"", method: str = "POST", **headers: str) -> int:
        """The status of the answer."""
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {**self._own, **{name.replace("_", "-"): value for name, value in headers.items()}}
        connection = http.client.HTTPConnection(
            self._where.hostname or "", self._where.port, timeout=PATIENCE
        )
        try:
            connection.request(method, self._where.path, sent or None, given)
            answer = connection.getresponse()
            assert b"Traceback" not in answer.read()
            return answer.status
        finally:
            connection.close()

    def connect(self) -> socket.socket:
        return socket.create_connection((self._where.hostname or "", self._where.port or 0), PATIENCE)


async def test_over_http_what_is_no_call_is_refused_and_nobody_keeps_others_out(lane: Lane) -> None:
    lane.start()
    token_file = lane.state.parent / "token"
    with mcp_clients.served(lane.operator, token_file, *ALL) as url, ExitStack() as stack:
        raw = Raw(url, token_in(token_file))
        for method in ("GET", "DELETE", "PUT", "OPTIONS"):
            assert raw.ask(method=method) == 405, "GET would wait for what never comes"
        assert raw.ask(LIST) == 200
        assert raw.ask(LIST, Content_Type="text/plain") == 400
        assert raw.ask(LIST, Accept="text/html") == 406
        assert raw.ask(LIST, Mcp_Protocol_Version="1999-01-01") == 400
        assert raw.ask(LIST, Mcp_Session_Id="of somebody else") == 200, "there are no sessions to take over"
        assert raw.ask(b"x" * (2 << 20)) == 413
        for body in (b"{", b"\xff", b"[" * 100_000, b'{"a":' * 50_000, [], [LIST] * 50, {}, None, 1):
            assert raw.ask(body) == 400
        for id_ in (10**30, -1, "x" * 100_000):
            assert raw.ask({**LIST, "id": id_}) == 200
        for version in ("x", "2099-01-01", 1, "x" * 100_000):
            about = {"capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
            params = {"protocolVersion": version, **about}
            assert raw.ask({**LIST, "method": "initialize", "params": params}) == 200
        for _ in range(300):
            stack.enter_context(raw.connect())
            assert raw.ask({"jsonrpc": "2.0", "method": "notifications/cancelled"}) == 202
        await too_many_calls_are_refused(url, token_in(token_file))
        assert raw.ask(LIST) == 200


async def too_many_calls_are_refused(url: str, token: str) -> None:
    async with over_http(url, token) as client:
        cursor = (await client.call("events_poll"))["next_cursor"]
        waits = [client.call("events_wait", cursor=cursor, seconds=2) for _ in range(100)]
        fates = await asyncio.gather(*waits, return_exceptions=True)
        assert sum(not isinstance(one, BaseException) for one in fates) >= 60
        assert any(isinstance(one, BaseException) for one in fates)
        assert (await client.call("status"))["gateway_running"]


async def test_what_belongs_to_others_is_not_there(lane: Lane) -> None:
    lane.start()
    others = [
        lane.key.replace("/user:", "/group:"),
        lane.key.replace("/default/", "/other/"),
        lane.key.replace("zalouser/", "telegram/"),
        f"zalouser/default/user:{'9' * 32}",
        "zalouser/%2e%2e/user:1",
        "zalouser/default/user:٣",
        "x" * 1000,
    ]
    async with lane.client("pipes", *ALL) as client:
        for key in others:
            await client.refused("conversation_get", conversation=key)
            await client.refused("messages_read", conversation=key)
            await client.refused("attachments_fetch", conversation=key, message_id=lane.first)
            await client.refused("messages_send", conversation=key, text="x")
            await client.refused("react", conversation=key, message_id=lane.first, icon="HEART")
        for account in ("zalouser/other", "telegram/default"):
            for tool in ("conversations_list", "directory_self", "directory_peers", "events_poll"):
                await client.refused(tool, account=account)
            await client.refused("events_wait", cursor="newest", account=account)
        for group in (lane.lan, "1", "../x"):
            await client.refused("directory_members", group_id=group)
        for id_ in ("draft:1", f"draft:{'9' * 30}", "draft:-1", "draft:٣", "pairing:zalouser/default/1", ""):
            await client.refused("permissions_respond", id=id_, decision="deny")
        for tool, unknown in (("why", "account"), ("messages_send", "dry_run"), ("status", "account")):
            told = await client.refused(tool, **{unknown: "zalouser/default"})
            assert f"`{unknown}`" in told, "a filter that is not one would give everything"
    assert all_sent(lane.zalo) == ["thấy rồi"]
    assert "reacted" not in {one["kind"] for one in lane.zalo.since(0)}


async def test_a_cursor_that_retention_has_passed_says_so(
    linked: Operator, zalo: Simulator, host: Host, state: Path, model: ModelServer
) -> None:
    lane = Lane(linked, zalo, host.gateway, state, model)
    host.set_ahead(-100 * DAY)
    lane.start()
    async with lane.client("pipes") as client:
        old = (await client.call("events_poll", cursor="", limit=1))["next_cursor"]
        kept = await client.call("events_poll", cursor=old)
        assert (bool(kept["events"]), kept["truncated"]) == (True, False)
        host.gateway.stop()
        host.set_ahead(0)
        host.gateway.start()
        host.gateway.said("is ready")
        async with asyncio.timeout(PATIENCE):
            while not (told := await client.call("events_poll", cursor=old))["truncated"]:
                await client.call("events_wait", cursor="newest", seconds=1)
        assert {one["cursor"] for one in kept["events"]} - {one["cursor"] for one in told["events"]}
        waited = await client.call("events_wait", cursor=old, seconds=1)
        assert waited["truncated"]
        again = await client.call("events_poll", cursor=told["next_cursor"])
        assert not again["truncated"], "it is said once"
