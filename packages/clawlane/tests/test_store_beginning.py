"""The store: what a run of an account finds when it begins."""

from __future__ import annotations

from packages.clawlane.tests.opened_store import NOW, Clock

from clawlane.abilities import Ability
from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.config.choices import PairingReply
from clawlane.messages import Inbound, Media, MediaKind, Own, Text, Thread, ThreadKind
from clawlane.store import abilities, beginning, due, inbox, outbox, owner_texts, send_log, sending, turns
from clawlane.store.account_store import AccountStore
from clawlane.store.beginning import Begun
from clawlane.store.models import (
    AdmittedMessage,
    History,
    Judged,
    NewMessage,
    Purpose,
    RecoveryResult,
    TakeoverTerms,
)
from clawlane.store.send_log import SentChunk

LAN = Thread(ThreadKind.DM, "11")
RULE = Rule("channels.zalouser.dmPolicy", "channel")
OFF = TakeoverTerms(0, RULE)


async def begun(account_store: AccountStore, *, simulated: bool = False) -> Begun:
    return await account_store.run(beginning.begin, OFF, 0, 1, simulated=simulated)


async def admit(account_store: AccountStore, id_: str) -> int:
    inbound = Inbound("default", id_, LAN, LAN.id, "Lan", "chào", NOW)
    new = NewMessage(inbound, Decision(Outcome.ADMIT, Reason.DM_OPEN, RULE), PairingReply.CODE, NOW)
    [admitted] = await account_store.run(inbox.admit_all, [new])
    assert isinstance(admitted, AdmittedMessage)
    return admitted.seq


async def test_an_account_with_nothing_left_over_begins_with_nothing(account_store: AccountStore) -> None:
    nothing = Begun(RecoveryResult(0, 0), Judged(off=True), frozenset(), (), (), (), False, False, False)
    assert await begun(account_store) == nothing


async def test_what_was_left_over_is_put_in_order_and_goes_on(
    account_store: AccountStore, clock: Clock
) -> None:
    first, second = await admit(account_store, "m1"), await admit(account_store, "m2")
    await account_store.run(turns.start, first, History.INCLUDE)
    outs = [Text(LAN, "xin chào"), Media(LAN, MediaKind.FILE, "/out/a.pdf", "a.pdf")]
    [lost, waits] = await account_store.run(outbox.queue, None, outs, Purpose.NOTICE)
    await account_store.run(due.waiting)
    await account_store.run(sending.begin, [lost])
    await account_store.run(send_log.note_send, SentChunk(lost, LAN, clock.ms, "", False, 0))
    own = Own("default", "o1", "c1", Thread(ThreadKind.DM, "1"), "/pause", clock.ms)
    assert await account_store.run(owner_texts.note, own, clock.ms)

    found = await begun(account_store)

    assert found.recovered == RecoveryResult(unknown=1, set_aside=0)
    assert (found.open_chunks, found.files) == ((lost, waits), {"a.pdf"})
    assert [one.chunk for one in found.sent] == [lost]
    assert [turn.seq for turn in found.turns] == [first], "in batches"
    assert [turn.seq for turn in await account_store.run(turns.open_turns, first)] == [second]
    assert (found.drafts, found.owner_texts, found.forgetting) == (False, True, False)


async def test_what_works_counts_where_the_account_runs_now(account_store: AccountStore) -> None:
    await begun(account_store, simulated=True)
    await account_store.run(abilities.seen, (Ability.LOGIN,))
    assert await account_store.run(abilities.is_seen, Ability.LOGIN)
    await begun(account_store, simulated=False)
    assert not await account_store.run(abilities.is_seen, Ability.LOGIN)
