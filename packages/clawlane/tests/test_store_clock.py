"""A wall clock that jumps back: what was planned by the old time does not wait for it to come round again."""

from __future__ import annotations

from packages.clawlane.tests.opened_store import NOW, Clock

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.config.choices import PairingReply
from clawlane.messages import Inbound, Person, Receipt, Text, Thread, ThreadKind
from clawlane.store import directory, inbox, sending, turns
from clawlane.store.account_store import AccountStore
from clawlane.store.due import LONGEST_RETRY_MS, LOOK_UP_MS, UNASKED_MS, waiting
from clawlane.store.models import AdmittedMessage, Chunk, Hold, LostSend, NewMessage

HOUR = 3_600_000
LAN = Thread(ThreadKind.DM, "11")
ADMIT = Decision(Outcome.ADMIT, Reason.DM_OPEN, Rule("channels.zalouser.dmPolicy", "channel"))


async def answer(account_store: AccountStore, message_id: str) -> None:
    """Admit a message and put its reply into the outbox."""
    inbound = Inbound("default", message_id, LAN, LAN.id, "Lan", "chào", NOW)
    [admitted] = await account_store.run(
        inbox.admit_all, [NewMessage(inbound, ADMIT, PairingReply.CODE, NOW)]
    )
    assert isinstance(admitted, AdmittedMessage)
    assert await account_store.run(turns.reply, admitted.seq, [Text(LAN, f"re {message_id}")])


async def due(account_store: AccountStore) -> tuple[Chunk, ...]:
    return (await account_store.run(waiting)).chunks


async def test_a_chunk_that_was_due_by_the_old_time_is_due(account_store: AccountStore, clock: Clock) -> None:
    await answer(account_store, "m1")
    clock.ms -= HOUR
    assert [chunk.out.text for chunk in await due(account_store) if isinstance(chunk.out, Text)] == ["re m1"]


async def test_a_retry_waits_no_longer_than_any_retry_does(account_store: AccountStore, clock: Clock) -> None:
    await answer(account_store, "m1")
    [chunk] = await due(account_store)
    await account_store.run(sending.begin, [chunk.id])
    await account_store.run(sending.retry, chunk.id, "the line is down", clock.ms + 60_000)
    clock.ms -= HOUR
    assert await due(account_store) == ()
    clock.ms += LONGEST_RETRY_MS
    assert len(await due(account_store)) == 1


async def test_a_chunk_of_unknown_fate_does_not_keep_its_thread_for_the_length_of_the_jump(
    account_store: AccountStore, clock: Clock
) -> None:
    await answer(account_store, "m0")
    [chunk] = await due(account_store)
    await account_store.run(sending.begin, [chunk.id])
    await account_store.run(sending.sent, chunk.id, Receipt(("r0",)))
    await answer(account_store, "m1")
    [chunk] = await due(account_store)
    await account_store.run(sending.begin, [chunk.id])
    await account_store.run(sending.unknown, chunk.id, LostSend("no answer", settle_ms=LOOK_UP_MS))
    clock.ms -= HOUR
    await answer(account_store, "m2")
    assert await due(account_store) == ()
    clock.ms += LOOK_UP_MS + UNASKED_MS - 1
    assert await due(account_store) == ()
    clock.ms += 1
    assert len(await due(account_store)) == 1


async def test_a_reply_that_others_may_pass_is_not_held_for_the_length_of_the_jump(
    account_store: AccountStore, clock: Clock
) -> None:
    await answer(account_store, "m1")
    [chunk] = await due(account_store)
    await account_store.run(sending.hold, {chunk.id: Hold("pacing.sameText", NOW + 60_000, aside=True)})
    assert await due(account_store) == ()
    clock.ms -= HOUR
    assert [one.id for one in await due(account_store)] == [chunk.id]


async def test_a_doubtful_list_is_believed_an_hour_after_the_jump(
    account_store: AccountStore, clock: Clock
) -> None:
    await account_store.run(directory.keep_peers, [Person("1", "An"), Person("2", "Lan")])
    assert (await account_store.run(directory.keep_peers, [])).doubted
    clock.ms -= HOUR
    for _ in range(2):
        assert (await account_store.run(directory.keep_peers, [])).doubted
        clock.ms += HOUR // 2
    assert not (await account_store.run(directory.keep_peers, [])).doubted
