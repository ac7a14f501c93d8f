"""Webhooks that are told what happens, with a clock that the test turns and a receiver on this machine."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from packages.clawlane.tests.opened_store import LANE, NOW, Clock, opened_store
from packages.clawlane.tests.test_gateway_alerts import Receiver, receiving

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.channel import Phase
from clawlane.config.choices import PairingReply
from clawlane.config.webhooks import EventWebhook
from clawlane.gateway.redaction import redact
from clawlane.gateway.webhooks import EventTeller
from clawlane.messages import Attachment, Inbound, Quote, Thread, ThreadKind, Undone
from clawlane.ops.webhooks import WebhookStanding, standings
from clawlane.store import events, inbox, pairing, recall, webhooks
from clawlane.store.account_store import AccountStore
from clawlane.store.database import Store
from clawlane.store.events import Edit
from clawlane.store.models import NewMessage
from clawlane.webhook_sender import WebhookSender, signed, signing_key, webhook_sender

SECRET = "0123456789abcdef0123"
ADMITTED = Decision(Outcome.ADMIT, Reason.GROUP_ADMITTED, Rule("channels.zalouser.allowFrom"))
DROPPED = Decision(Outcome.DROP, Reason.DM_DISABLED, Rule("channels.zalouser.dmPolicy"))
DAY, HOUR = 86_400_000, 3_600_000
GROUP = Thread(ThreadKind.GROUP, "900")


def arrival(id_: str, decision: Decision = ADMITTED, text: str = "Đi ăn phở không?") -> NewMessage:
    quote = Quote("m0", "12", "Câu cũ")
    pictures = (Attachment("photo", "Ảnh gia đình", "https://example.net/1.jpg"),)
    said = Inbound("default", id_, GROUP, "11", "Nguyễn Lan", text, NOW, quote=quote, attachments=pictures)
    return NewMessage(said, decision, PairingReply.SILENT, NOW)


@dataclass
class Desk:
    """A store whose events a webhook is told."""

    store: Store
    account: AccountStore
    clock: Clock
    receiver: Receiver
    sender: WebhookSender

    async def hook(self, **more: Any) -> Hook:
        keys = {"url": self.receiver.url, "secret": SECRET, **more}
        webhook = EventWebhook.model_validate(keys)
        await self.store.change(webhooks.follow, [webhooks.key_of(webhook.url)])
        teller = EventTeller(
            self.store, "webhooks[0]", webhook, self.sender, {}, self.clock, jitter=lambda: 0.0
        )
        return Hook(self, webhook, teller)

    async def admit(self, *ids: str, decision: Decision = ADMITTED) -> None:
        for id_ in ids:
            await self.account.run(inbox.admit_all, [arrival(id_, decision)])

    def answers(self, *statuses: int) -> None:
        """What the receiver answers from now on, the last one for good."""
        left = list(statuses)

        async def answer(_: web.Request) -> web.StreamResponse:
            status = left.pop(0) if len(left) > 1 else left[0]
            return web.Response(status=status, headers={"Location": self.receiver.url})

        self.receiver.answer = answer

    def ids_of(self, bodies: list[dict[str, Any]]) -> list[str]:
        return [one["data"]["message_id"] for one in bodies]


@dataclass
class Hook:
    desk: Desk
    webhook: EventWebhook
    teller: EventTeller

    def standing(self) -> WebhookStanding:
        with self.desk.store.read() as reader:
            [found] = standings(reader, (self.webhook,))
        return found

    async def round(self) -> float:
        return await self.teller.round()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    clock = Clock()
    async with (
        opened_store(tmp_path, clock) as (store, account),
        receiving() as receiver,
        webhook_sender() as sender,
    ):
        yield Desk(store, account, clock, receiver, sender)


async def everything(desk: Desk) -> None:
    """One of each kind of event."""
    await desk.admit("m1")
    await desk.admit("m2", decision=DROPPED)
    await desk.account.run(recall.undone, Undone("default", GROUP, "m1", "11"), 1000)
    await desk.account.run(events.note_state, NOW, Phase.READY, "")
    await desk.account.by("cli", "pairing.reject").attempt(pairing.reject, "11")
    await desk.account.run(events.note_config, "abc123", Edit.IN_FORCE, {"dm_opened": 1}, {})


async def test_each_kind_is_told_in_order_without_names_and_words(desk: Desk) -> None:
    hook = await desk.hook()
    await everything(desk)
    await hook.round()
    told = desk.receiver.bodies()
    assert [one["type"] for one in told] == ["message", "decision", "recall", "state", "change", "config"]
    message, dropped, taken_back, state, change, config = (one["data"] for one in told)
    assert message == {
        "message_id": "m1",
        "thread": {"kind": "group", "id": "900"},
        "sender": {"id": "11"},
        "stage": "admission",
        "outcome": "admit",
        "reason": "group_admitted",
    }
    assert (dropped["outcome"], dropped["reason"]) == ("drop", "dm_disabled")
    assert (taken_back["message_id"], taken_back["by"]) == ("m1", "author")
    assert state == {"phase": "ready", "code": ""}
    assert (change["caller"], change["operation"]) == ("cli", "pairing.reject")
    assert config == {"revision": "abc123", "edit": "in_force", "widens": {"dm_opened": 1}, "narrows": {}}
    assert {one["account"] for one in told} == {LANE}
    came = b"".join(body for _, body in desk.receiver.came).decode()
    assert not any(word in came for word in ("Lan", "phở", "Câu", "gia"))
    assert hook.standing().waiting == 0


async def test_names_and_words_are_told_to_whom_they_may(desk: Desk) -> None:
    hook = await desk.hook(content=True)
    await desk.admit("m1", "m2")
    await desk.account.run(recall.undone, Undone("default", GROUP, "m2", "11"), 1000)
    await hook.round()
    first, taken_back, _ = (one["data"] for one in desk.receiver.bodies())
    assert first["sender"] == {"id": "11", "name": "Nguyễn Lan"}
    assert first["text"] == "Đi ăn phở không?"
    assert first["quote"] == {"message_id": "m0", "text": "Câu cũ"}
    assert first["attachments"] == [{"kind": "photo", "title": "Ảnh gia đình"}]
    assert taken_back["text"] is None, "what was taken back before it was told is not told"


async def test_a_webhook_picks_kinds_and_gets_each_event_once(desk: Desk) -> None:
    hook = await desk.hook(events=["decision"])
    await everything(desk)
    await hook.round()
    told = [(one["type"], one["data"]["outcome"]) for one in desk.receiver.bodies()]
    assert told == [("decision", "admit"), ("decision", "drop")]
    assert hook.standing().waiting == 0


async def test_every_request_is_signed(desk: Desk) -> None:
    hook = await desk.hook()
    await desk.admit("m1")
    await hook.round()
    [(headers, body)] = desk.receiver.came
    expected = signed(signing_key(SECRET), headers["webhook-id"], NOW, body)
    assert headers["webhook-signature"] == expected["webhook-signature"]
    assert headers["webhook-id"] == json.loads(body)["id"]


async def test_what_is_not_taken_is_tried_again_in_order_under_its_id(desk: Desk) -> None:
    hook = await desk.hook()
    await desk.admit("m1", "m2")
    desk.answers(500, 302, 200)
    assert await hook.round() == 0.0
    assert await hook.round() == 1.0
    desk.clock.ms += 1000
    await hook.round()
    standing = hook.standing()
    assert (standing.tries, standing.waiting, standing.failing_ms) == (2, 2, NOW)
    assert standing.error == "127.0.0.1 answered 302: a redirect, which is not followed"
    desk.clock.ms += 2000
    await desk.admit("m3")
    await hook.round()
    assert desk.ids_of(desk.receiver.bodies()) == ["m1", "m1", "m1", "m2", "m3"]
    assert len(set(desk.receiver.ids())) == 3
    assert desk.receiver.bodies()[0] == desk.receiver.bodies()[2]
    assert (hook.standing().tries, hook.standing().error) == (0, "")


async def test_what_is_a_day_old_is_given_up_and_its_number_told(desk: Desk) -> None:
    hook = await desk.hook(events=["message"])
    await desk.admit("m1")
    await desk.account.run(events.note_state, NOW, Phase.READY, "")
    await desk.admit("m2")
    desk.answers(503)
    await hook.round()
    desk.clock.ms = NOW + DAY + 1
    for _ in range(webhooks.FEWEST_TRIES - 2):
        await hook.round()
        desk.clock.ms += 2 * HOUR
    assert hook.standing().given_up == 0, "a clock that jumps is no day"
    await desk.admit("m3")
    await hook.round()
    assert (hook.standing().given_up, hook.standing().waiting) == (2, 1)
    desk.answers(200)
    desk.clock.ms += 2 * HOUR
    await desk.admit("m4")
    await hook.round()
    told = [(one["data"]["message_id"], one.get("missed")) for one in desk.receiver.bodies()[-2:]]
    assert told == [("m3", 2), ("m4", None)]


async def test_what_retention_took_is_told(desk: Desk, tmp_path: Path) -> None:
    hook = await desk.hook(events=["state"])
    for number in range(3):
        await desk.account.run(events.note_state, NOW, Phase.READY, f"c{number}")
    with closing(sqlite3.connect(tmp_path / "store.sqlite")) as connection, connection:
        connection.execute("DELETE FROM state_log WHERE code = 'c0'")
    await hook.round()
    told = [(one["data"]["code"], one.get("truncated")) for one in desk.receiver.bodies()]
    assert told == [("c1", True), ("c2", None)]


async def test_what_was_dropped_meanwhile_is_not_told(desk: Desk) -> None:
    hook = await desk.hook()
    key = webhooks.key_of(hook.webhook.url)
    await desk.admit("m1", "m2")
    desk.answers(500)
    await hook.round()
    assert await desk.store.change(webhooks.drop, key, 2, 2)
    await desk.store.change(webhooks.taken, key, 1)  # a try that was on its way
    desk.answers(200)
    await desk.admit("m3")
    await hook.round()
    assert desk.ids_of(desk.receiver.bodies()) == ["m1", "m3"]


async def test_a_new_webhook_hears_what_happens_from_then_on(desk: Desk) -> None:
    await desk.admit("m1")
    hook = await desk.hook()
    await desk.admit("m2")
    await hook.round()
    assert desk.ids_of(desk.receiver.bodies()) == ["m2"]


async def test_it_is_told_at_once_and_lives_until_it_is_cancelled(desk: Desk) -> None:
    hook = await desk.hook()
    came = asyncio.Event()

    async def answer(_: web.Request) -> web.StreamResponse:
        came.set()
        return web.Response()

    desk.receiver.answer = answer
    running = asyncio.create_task(hook.teller.run())
    async with asyncio.timeout(10):
        await desk.admit("m1")
        await came.wait()
    running.cancel()
    await asyncio.wait([running])


async def test_a_secret_that_is_not_there_is_told(desk: Desk) -> None:
    hook = await desk.hook(secret="${NO_SUCH_SECRET}")
    await desk.admit("m1")
    await hook.round()
    told = hook.standing().error
    assert told.startswith("its secret cannot be used: the variable NO_SUCH_SECRET is not set")
    assert redact(told) == told, "the log has it whole"
    assert desk.receiver.came == []


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.net/hook", "http:// is for this machine only"),
        ("https://user:pw@example.net/hook", "must not hold a password"),
        ("ftp://example.net/hook", "must be a URL"),
    ],
)
def test_addresses_that_may_not_be_told(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        EventWebhook.model_validate({"url": url, "secret": SECRET})
