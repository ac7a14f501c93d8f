"""One message is one, under however many ids it comes; and notices are kept beside the messages."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from packages.clawlane.tests.opened_store import LANE, NOW, Clock

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.config.choices import PairingReply
from clawlane.messages import Attachment, Inbound, Notice, Receipt, Text, Thread, ThreadKind, Unreadable
from clawlane.store import due, inbox, notices, outbox, retention, sending, turns
from clawlane.store.account_store import AccountStore
from clawlane.store.database import Store
from clawlane.store.models import AdmittedMessage, NewMessage
from clawlane.store.retention import IDS_MS
from clawlane.store.told import NotedItem
from clawlane.store.why_search import Wanted

DM = Thread(ThreadKind.DM, "11")
GROUP = Thread(ThreadKind.GROUP, "11")
ADMIT = Decision(Outcome.ADMIT, Reason.DM_OPEN, Rule("dmPolicy"))
BASE = Inbound("default", "m1", DM, "11", "An", "xin chào", NOW, client_id="c1")


@dataclass
class Desk:
    store: Store
    account_store: AccountStore
    clock: Clock

    async def new(self, *inbounds: Inbound) -> list[bool]:
        """Which of these are new messages."""
        arrivals = [NewMessage(inbound, ADMIT, PairingReply.CODE, self.clock.ms) for inbound in inbounds]
        return [
            isinstance(one, AdmittedMessage)
            for one in await self.account_store.run(inbox.admit_all, arrivals)
        ]

    def noted(self) -> list[NotedItem]:
        with self.store.read() as reader:
            return reader.search(Wanted(), 10).notices


@pytest.fixture
def desk(store: Store, account_store: AccountStore, clock: Clock) -> Desk:
    return Desk(store, account_store, clock)


@pytest.mark.parametrize(
    "other",
    [
        replace(BASE, message_id="m2"),
        replace(BASE, message_id="0"),
        replace(BASE, message_id=""),
        replace(BASE, client_id="c2"),
        replace(BASE, client_id=""),
        replace(BASE, text="edited", client_id="c2"),
    ],
)
async def test_these_are_the_same_message(desk: Desk, other: Inbound) -> None:
    assert await desk.new(BASE, other) == [True, False]
    with desk.store.read() as reader:
        [told] = reader.decided("m1")
    assert told.repeats == 1


@pytest.mark.parametrize(
    "other",
    [
        replace(BASE, message_id="m2", client_id="c2"),
        replace(BASE, message_id="m2", text="other words"),
        replace(BASE, message_id="m2", kind="photo"),
        replace(BASE, message_id="m2", attachments=(Attachment("photo"),)),
        replace(BASE, thread=GROUP),
        replace(BASE, sender_id="12"),
        replace(BASE, message_id="0", client_id="0"),
    ],
)
async def test_these_are_two(desk: Desk, other: Inbound) -> None:
    assert await desk.new(BASE, other) == [True, True]


async def test_an_id_learned_from_a_repeat_counts_from_then_on(desk: Desk) -> None:
    third = replace(BASE, message_id="m2", client_id="")
    assert await desk.new(BASE, replace(BASE, message_id="m2"), third) == [True, False, False]


@pytest.mark.parametrize(("message_id", "client_id"), [("0", "0"), ("", ""), ("0", ""), ("", "0")])
async def test_without_ids_author_time_and_content_tell(desk: Desk, message_id: str, client_id: str) -> None:
    bare = replace(BASE, message_id=message_id, client_id=client_id)
    later, other = replace(bare, sent_ms=NOW + 1), replace(bare, text="other")
    assert await desk.new(bare, bare, later, other) == [True, False, True, True]


async def test_a_quote_of_an_own_message_is_known_by_either_id(desk: Desk) -> None:
    await desk.new(BASE)
    [turn] = await desk.account_store.run(turns.open_turns)
    await desk.account_store.run(turns.reply, turn.seq, [Text(DM, "answer")])
    [chunk] = (await desk.account_store.run(due.waiting)).chunks
    assert not await desk.account_store.run(outbox.is_receipt, "", chunk.out.client_id), "it has not left"
    await desk.account_store.run(sending.begin, [chunk.id])
    await desk.account_store.run(sending.sent, chunk.id, Receipt(("r1",)))
    assert await desk.account_store.run(outbox.is_receipt, "r1")
    assert await desk.account_store.run(outbox.is_receipt, "0", chunk.out.client_id)
    assert not await desk.account_store.run(outbox.is_receipt, "0", "")


async def test_notices_are_kept_once_counted_and_forgotten_with_the_ids(desk: Desk) -> None:
    call = Notice("default", DM, "n1", "chat.recommended", "[call]", NOW, actor_id="11", client_id="c9")
    broken = Unreadable("default", "the content is no object", "chat.sticker", DM, "u1", "11")
    lost = Unreadable("default", "no ids at all")
    await desk.account_store.run(
        inbox.admit_all, [call, call, replace(call, message_id="n2"), broken, broken, lost, lost]
    )
    told = [(one.message_id, one.unreadable, one.text, one.repeats) for one in reversed(desk.noted())]
    assert told == [
        ("n1", False, "[call]", 1),
        ("n2", False, "[call]", 0),
        ("u1", True, "the content is no object", 1),
        ("", True, "no ids at all", 0),
        ("", True, "no ids at all", 0),
    ]
    with desk.store.read() as reader:
        counters = reader.activity(LANE).counters
        await desk.new(BASE)
        [found] = notices.of_message(reader._connection, "n1")
    assert (counters["notice"], counters["unreadable"]) == (2, 3)
    assert (found.thread, found.actor_id, found.kind) == (DM, "11", "chat.recommended")
    desk.clock.ms += IDS_MS + 1
    await desk.account_store.run(retention.prune)
    assert desk.noted() == []
