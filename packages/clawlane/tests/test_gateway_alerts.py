"""Telling the owner, with a clock that the test turns and a receiver on this machine."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from packages.clawlane.tests.child_processes import alive, until
from packages.clawlane.tests.opened_store import LANE, NOW, Clock, opened_store

from clawlane.access.decision import Rule
from clawlane.channel import Phase
from clawlane.config.alerts import Alerts
from clawlane.config.choices import OutboundMode
from clawlane.gateway.alert_targets import AlertTargets
from clawlane.gateway.alerts import AlertDispatcher
from clawlane.messages import Text, Thread, ThreadKind
from clawlane.store import alerts, deliveries, due
from clawlane.store.account_store import AccountStore
from clawlane.store.alerts import AlertKind
from clawlane.store.database import Store
from clawlane.store.deliveries import Delivery
from clawlane.webhook_sender import signed, signing_key, webhook_sender

SECRET = "0123456789abcdef0123"
OTHER = "zalouser/other"
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


@dataclass
class Receiver:
    """A webhook's other end: what came, and how it answers."""

    url: str = ""
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.came.append((dict(request.headers), await request.read()))
        return await self.answer(request) if self.answer else web.Response()

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.came]

    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.came]


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()


@dataclass
class Lane:
    """One account and its dispatcher."""

    store: Store
    account_store: AccountStore
    clock: Clock
    dispatcher: AlertDispatcher
    receiver: Receiver
    settings: dict[str, Any]

    def configure(self, **keys: Any) -> None:
        self.settings["now"] = Alerts.model_validate(keys)

    async def note(self, kind: AlertKind = AlertKind.ALARM, key: str = "kicked", **facts: Any) -> None:
        await self.account_store.run(alerts.note, kind, key, **facts)

    async def round(self) -> int | None:
        """Try all that is due. Gives when to look again."""
        found, next_ms = await self.dispatcher.due()
        for one in found:
            await self.dispatcher.attempt(one)
        return next_ms

    def waiting(self) -> list[Delivery]:
        with self.store.read() as reader:
            return reader.deliveries(LANE)


@asynccontextmanager
async def dispatching(
    folder: Path, clock: Clock | None = None, live: dict[str, Any] | None = None
) -> AsyncIterator[Lane]:
    clock = clock or Clock()
    settings: dict[str, Any] = {}
    async with (
        receiving() as receiver,
        webhook_sender() as webhooks,
        opened_store(folder, clock) as (store, account_store),
    ):
        environ = {"PATH": "/usr/bin:/bin", "HOOK_SECRET": SECRET, "HOME": str(folder)}
        targets = AlertTargets(LANE, live if live is not None else {}, environ, webhooks, clock)
        dispatcher = AlertDispatcher(
            store, account_store, targets, lambda: settings.get("now"), clock, lambda: 0.0
        )
        lane = Lane(store, account_store, clock, dispatcher, receiver, settings)
        lane.configure(webhook={"url": receiver.url, "secret": "${HOOK_SECRET}"})
        yield lane


@pytest.fixture
async def lane(tmp_path: Path) -> AsyncIterator[Lane]:
    async with dispatching(tmp_path) as lane:
        yield lane


async def test_the_first_leaves_at_once_and_others_together_a_minute_later(lane: Lane) -> None:
    await lane.note()
    assert await lane.round() is None
    for sender in ("11", "12"):
        await lane.note(AlertKind.PAIRING_REQUEST, sender, code="ABCD2345", friend=True)
    assert await lane.round() == NOW + MINUTE
    assert len(lane.receiver.came) == 1
    lane.clock.ms += MINUTE
    await lane.round()
    first, second = lane.receiver.bodies()
    assert [one["kind"] for one in first["alerts"]] == ["alarm"]
    assert [one["key"] for one in second["alerts"]] == ["11", "12"]
    assert second["alerts"][0]["command"] == "openclaw pairing approve zalouser ABCD2345"
    assert (second["account"], second["more"], lane.waiting()) == (LANE, 0, [])


async def test_a_webhook_is_signed_over_its_id_its_time_and_its_body(lane: Lane) -> None:
    await lane.note()
    await lane.round()
    [(headers, body)] = lane.receiver.came
    expected = signed(SECRET.encode(), headers["webhook-id"], NOW, body)
    assert {name: headers[name] for name in expected if name != "content-type"} == {
        name: value for name, value in expected.items() if name != "content-type"
    }


@pytest.mark.parametrize(("secret", "key"), [("whsec_" + "QUJD" * 6, b"ABC" * 6), ("x" * 16, b"x" * 16)])
def test_a_secret_is_base64_after_its_prefix_and_else_itself(secret: str, key: bytes) -> None:
    assert signing_key(secret) == key


@pytest.mark.parametrize("secret", ["short", "whsec_QUJD", "whsec_???"])
def test_a_weak_secret_signs_nothing(secret: str) -> None:
    with pytest.raises(ValueError, match="secret"):
        signing_key(secret)


async def test_a_refused_webhook_is_tried_again_under_its_id_and_later_each_time(lane: Lane) -> None:
    async def refuse(_: web.Request) -> web.StreamResponse:
        return web.Response(status=500, text="11 said a secret")

    lane.receiver.answer = refuse
    await lane.note()
    waits = []
    for _ in range(14):
        await lane.round()
        [waiting] = lane.waiting()
        waits.append(waiting.due_ms - lane.clock.ms)
        lane.clock.ms = waiting.due_ms
    assert waits[:4] == [1000, 2000, 4000, 8000]
    assert waits[-1] == HOUR
    assert waiting.error == "127.0.0.1 answered 500"
    lane.receiver.answer = None
    await lane.round()
    assert len(set(lane.receiver.ids())) == 1
    assert lane.waiting() == []


async def test_after_a_day_it_is_set_aside_until_the_operator_decides(lane: Lane) -> None:
    async def refuse(_: web.Request) -> web.StreamResponse:
        return web.Response(status=503)

    lane.receiver.answer = refuse
    await lane.note()
    while not (lane.waiting() and lane.waiting()[0].dead_ms):
        next_ms = await lane.round()
        lane.clock.ms = max(lane.clock.ms, next_ms or lane.waiting()[0].due_ms)
    assert DAY <= lane.clock.ms - NOW <= DAY + 2 * HOUR
    tries = len(lane.receiver.came)
    assert await lane.round() is None
    assert len(lane.receiver.came) == tries
    lane.receiver.answer = None
    assert await lane.account_store.run(deliveries.retry, lane.waiting()[0].id) == 1
    await lane.round()
    assert lane.waiting() == []
    assert len({body for _, body in lane.receiver.came}) == 1


async def test_a_clock_that_jumps_ahead_is_no_day_of_tries(lane: Lane) -> None:
    async def refuse(_: web.Request) -> web.StreamResponse:
        return web.Response(status=503)

    lane.receiver.answer = refuse
    await lane.note()
    await lane.round()
    lane.clock.ms += 3 * DAY
    await lane.round()
    [waiting] = lane.waiting()
    assert (waiting.tries, waiting.dead_ms) == (2, None)


async def test_a_clock_set_back_delays_nothing(lane: Lane) -> None:
    async def refuse(_: web.Request) -> web.StreamResponse:
        return web.Response(status=503)

    lane.receiver.answer = refuse
    await lane.note()
    await lane.round()
    lane.receiver.answer = None
    lane.clock.ms -= 3 * DAY
    await lane.note(key="later")
    lane.clock.ms += MINUTE
    await lane.round()
    await lane.round()
    assert lane.waiting() == []
    first, again, _ = lane.receiver.came
    assert first[1] == again[1]
    assert [one["key"] for body in lane.receiver.bodies()[1:] for one in body["alerts"]] == [
        "kicked",
        "later",
    ]


async def redirect(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound(str(request.url))


async def flood(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(status=500)
    await answer.prepare(request)
    for _ in range(10):
        await answer.write(b"x" * 1024 * 1024)
    return answer


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (redirect, "127.0.0.1 answered 302: a redirect, which is not followed"),
        (flood, "127.0.0.1 answered 500"),
    ],
)
async def test_redirects_and_long_answers_are_left_alone(lane: Lane, answer: Any, error: str) -> None:
    lane.receiver.answer = answer
    await lane.note()
    await lane.round()
    assert [one.error for one in lane.waiting()] == [error]
    assert len(lane.receiver.came) == 1


async def test_nobody_there_and_no_secret_are_said(lane: Lane) -> None:
    lane.configure(webhook={"url": "http://127.0.0.1:1/", "secret": "${HOOK_SECRET}"})
    await lane.note()
    await lane.round()
    [waiting] = lane.waiting()
    assert waiting.error.startswith("127.0.0.1 cannot be reached (")
    lane.configure(webhook={"url": "http://127.0.0.1:1/", "secret": "${NOT_SET}"})
    lane.clock.ms += HOUR
    await lane.round()
    assert "the variable NOT_SET is not set" in lane.waiting()[0].error


async def test_in_quiet_hours_only_alarms_are_told(lane: Lane) -> None:
    def at(hour: int, minute: int = 0) -> int:
        return int(datetime(2026, 3, 2, hour, minute).astimezone().timestamp() * 1000)

    webhook = {"url": lane.receiver.url, "secret": "${HOOK_SECRET}"}
    lane.configure(webhook=webhook, quiet={"from": "22:00", "to": "07:00"})
    lane.clock.ms = at(23)
    await lane.note(AlertKind.BUDGET_SPENT, "main")
    await lane.note(AlertKind.ALARM, "kicked")
    await lane.round()
    lane.clock.ms = at(23, 59)
    await lane.round()
    assert [one["kind"] for body in lane.receiver.bodies() for one in body["alerts"]] == ["alarm"]
    lane.clock.ms = at(23, 59) + 7 * HOUR + MINUTE
    await lane.round()
    assert lane.receiver.bodies()[-1]["alerts"][0]["kind"] == "budget_spent"


async def test_a_batch_is_bounded_and_the_rest_follows(lane: Lane) -> None:
    for number in range(alerts.MOST_IN_BATCH + 1):
        await lane.note(AlertKind.DECISION_NEEDED, f"send:{number}", what="send", number=number)
    assert await lane.round() == NOW + MINUTE
    lane.clock.ms += MINUTE
    await lane.round()
    first, second = lane.receiver.bodies()
    assert (len(first["alerts"]), first["more"], len(second["alerts"])) == (alerts.MOST_IN_BATCH, 1, 1)
    assert first["text"].endswith("• and 1 more")


async def test_without_a_target_nothing_piles_up(lane: Lane) -> None:
    lane.settings.clear()
    await lane.note()
    assert await lane.round() is None
    with lane.store.read() as reader:
        assert (reader.alerts(LANE), reader.deliveries(LANE)) == ([], [])


async def test_names_are_told_only_where_the_config_says_so(tmp_path: Path) -> None:
    async with dispatching(tmp_path) as lane:
        await lane.account_store.run(
            lambda tx: tx.db.execute(
                "INSERT INTO pairing (account, sender_id, sender_name, code, reason, created_ms, expires_ms)"
                " VALUES (?, '11', 'Đặng Lan', 'ABCD2345', 'dm_pairing_required', 0, 0)",
                (LANE,),
            )
        )
        await lane.note(AlertKind.PAIRING_REQUEST, "11", code="ABCD2345")
        await lane.round()
        webhook = {"url": lane.receiver.url, "secret": "${HOOK_SECRET}"}
        lane.configure(webhook=webhook, texts=True)
        await lane.note(AlertKind.PAIRING_REQUEST, "11", code="ABCD2345")
        lane.clock.ms += MINUTE
        await lane.round()
    (_, without), (_, with_texts) = lane.receiver.came
    assert "Lan" not in without.decode()
    assert json.loads(with_texts)["alerts"][0]["words"] == {"name": "Đặng Lan"}


async def test_a_program_gets_it_on_its_standard_input_and_ends_with_its_children(
    lane: Lane, tmp_path: Path
) -> None:
    script = tmp_path / "tell.py"
    script.write_text(
        "import json, os, subprocess, sys\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        "told = json.load(sys.stdin)\n"
        "seen = {'told': told, 'argv': sys.argv[1:], 'env': dict(os.environ), 'child': child.pid}\n"
        f"json.dump(seen, open({str(tmp_path / 'seen.json')!r}, 'w'))\n"
    )
    lane.configure(command=[sys.executable, str(script), "--tell"])
    await lane.note(AlertKind.ALARM, "kicked")
    await lane.round()
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert seen["told"]["alerts"][0]["key"] == "kicked"
    assert seen["argv"] == ["--tell"]
    assert "HOOK_SECRET" not in seen["env"]
    assert lane.waiting() == []
    await until(lambda: not alive(seen["child"]))


async def test_a_program_that_fails_or_is_missing_is_said(lane: Lane) -> None:
    lane.configure(command=[sys.executable, "-c", "raise SystemExit(3)"])
    await lane.note()
    await lane.round()
    assert lane.waiting()[0].error.endswith("ended with exit code 3")
    lane.configure(command=["/nowhere/tell"])
    lane.clock.ms += HOUR
    await lane.round()
    assert "/nowhere/tell does not start" in lane.waiting()[0].error


async def test_another_account_takes_a_text_exactly_once(tmp_path: Path) -> None:
    live: dict[str, Any] = {}
    async with dispatching(tmp_path, live=live) as lane, lane.store.own(OTHER) as other:
        woken: list[bool] = []
        modes = [OutboundMode.OFF]

        def plan(_account: object, thread: Thread, reply: Any) -> list[Text]:
            return [Text(thread, reply.text)]

        live[OTHER] = SimpleNamespace(
            account_store=None,
            account=SimpleNamespace(),
            state=SimpleNamespace(phase=Phase.READY, reason=""),
            channel=SimpleNamespace(plan=plan),
            wake=lambda: woken.append(True),
            outbound=lambda _thread: (modes[-1], Rule("channels.zalouser.outbound")),
        )
        lane.configure(thread={"account": "other", "to": "user:77"})
        await lane.note(AlertKind.ALARM, "kicked")
        await lane.round()
        assert lane.waiting()[0].error == f"{OTHER} does not run"
        live[OTHER].account_store = other
        lane.clock.ms += HOUR
        await lane.round()
        assert lane.waiting()[0].error.endswith("to dm:77: channels.zalouser.outbound is 'off'")
        modes.append(OutboundMode.AUTO)
        lane.clock.ms += HOUR
        [delivery], _ = await lane.dispatcher.due()
        await lane.dispatcher.attempt(delivery)
        await lane.dispatcher.attempt(delivery)
        [chunk] = (await other.run(due.waiting)).chunks
        assert isinstance(chunk.out, Text)
        assert chunk.out.thread == Thread(ThreadKind.DM, "77")
        assert chunk.out.text.startswith("• ALARM on zalouser/default: kicked")
        assert woken
        assert lane.waiting() == []


async def test_a_target_that_hangs_keeps_neither_others_nor_later_ones(lane: Lane, tmp_path: Path) -> None:
    hangs, came = asyncio.Event(), asyncio.Event()

    async def hang(_: web.Request) -> web.StreamResponse:
        came.set()
        await hangs.wait()
        return web.Response()

    lane.receiver.answer = hang
    seen = tmp_path / "seen"
    webhook = {"url": lane.receiver.url, "secret": "${HOOK_SECRET}"}
    lane.configure(webhook=webhook, command=["/bin/sh", "-c", f"cat > {seen}"])
    await lane.note()
    running = asyncio.create_task(lane.dispatcher.run())
    await came.wait()
    async with asyncio.timeout(10):
        while [one.target for one in lane.waiting()] != ["alerts.webhook"]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert json.loads(seen.read_text())["alerts"]
    hangs.set()
    running.cancel()
