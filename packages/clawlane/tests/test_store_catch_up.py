"""Where catching up begins and what stays missing, in a real store."""

from __future__ import annotations

from packages.clawlane.tests.opened_store import LANE, NOW

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.channel import Cursor
from clawlane.config.choices import PairingReply
from clawlane.messages import Inbound, Text, Thread, ThreadKind
from clawlane.store import catch_up, due, inbox, sending, turns
from clawlane.store.account_store import AccountStore
from clawlane.store.database import Store
from clawlane.store.models import AdmittedMessage, History, LostSend, NewMessage
from clawlane.store.told import Gap

BACKLOG = 900_000
DM, GROUP = ThreadKind.DM, ThreadKind.GROUP
DROP = Decision(Outcome.DROP, Reason.DM_DISABLED, Rule("channels.zalouser.dmPolicy"))
ADMIT = Decision(Outcome.ADMIT, Reason.DM_OPEN, Rule("channels.zalouser.dmPolicy"))


async def read(
    account_store: AccountStore, id_: str, sent_ms: int, kind: ThreadKind = DM, how: Decision = DROP
) -> int:
    message = Inbound("default", id_, Thread(kind, "11"), "11", "A name", "xin chào", sent_ms)
    [result] = await account_store.run(inbox.admit_all, [NewMessage(message, how, PairingReply.CODE, NOW)])
    assert isinstance(result, AdmittedMessage)
    return result.seq


async def unknown_reply(account_store: AccountStore, to: int) -> None:
    """A reply of which nobody knows whether it arrived."""
    assert await account_store.run(turns.start, to, History.KEEP) is not None
    await account_store.run(turns.reply, to, [Text(Thread(DM, "11"), "xin chào")])
    [chunk] = (await account_store.run(due.waiting)).chunks
    await account_store.run(sending.begin, [chunk.id])
    await account_store.run(sending.unknown, chunk.id, LostSend("no answer"))


async def test_an_account_that_read_nothing_begins_with_what_may_still_be_answered(
    account_store: AccountStore,
) -> None:
    assert await account_store.run(catch_up.cursor, DM, BACKLOG) == Cursor(
        0, "", NOW - BACKLOG, NOW - BACKLOG
    )


async def test_kinds_are_apart_and_the_newest_message_counts_in_whatever_order_it_was_read(
    account_store: AccountStore,
) -> None:
    await read(account_store, "m2", NOW - 2_000)
    await read(account_store, "m1", NOW - 3_000)
    await read(account_store, "g1", NOW - 1_000, GROUP)
    dm, group = (
        await account_store.run(catch_up.cursor, DM, BACKLOG),
        await account_store.run(catch_up.cursor, GROUP, BACKLOG),
    )
    assert (dm.at_ms, dm.message_id, dm.reach_ms) == (NOW - 2_000, "m2", NOW - 2_000)
    assert (group.at_ms, group.message_id) == (NOW - 1_000, "g1")


async def test_a_message_from_the_future_does_not_move_the_cursor_there(account_store: AccountStore) -> None:
    await read(account_store, "m1", NOW + 86_400_000)
    assert (await account_store.run(catch_up.cursor, DM, BACKLOG)).at_ms == NOW


async def test_the_cursor_stays_over_restarts_until_everything_was_read(store: Store) -> None:
    async with store.own(LANE) as account_store:
        await read(account_store, "m1", NOW - 9_000)
        first = await account_store.run(catch_up.cursor, DM, BACKLOG)
        await read(account_store, "live", NOW - 1_000)
    async with store.own(LANE) as account_store:
        assert await account_store.run(catch_up.cursor, DM, BACKLOG) == first
        assert await account_store.run(catch_up.caught_up, DM, first.at_ms) is None
        assert (await account_store.run(catch_up.cursor, DM, BACKLOG)).message_id == "live"


async def test_what_does_not_reach_the_cursor_is_a_gap_that_is_kept(
    store: Store, account_store: AccountStore
) -> None:
    await read(account_store, "m1", NOW - 9_000)
    await account_store.run(catch_up.cursor, DM, BACKLOG)
    gap = Gap(DM, NOW - 9_000, NOW - 4_000, NOW)
    assert await account_store.run(catch_up.caught_up, DM, NOW - 4_000) == gap
    with store.read() as reader:
        assert reader.gaps(LANE, NOW) == [gap]
        assert reader.gaps(LANE, NOW + 1) == []
        assert reader.gaps() == [gap]


async def test_nothing_was_missed_while_connected_however_little_comes(account_store: AccountStore) -> None:
    await read(account_store, "m1", NOW - 9_000)
    await account_store.run(catch_up.cursor, DM, BACKLOG)
    assert await account_store.run(catch_up.caught_up, DM, NOW, missed=False) is None


async def test_a_reply_of_unknown_fate_is_searched_for_from_its_question_on(
    account_store: AccountStore,
) -> None:
    question = await read(account_store, "m1", NOW - 8_000, how=ADMIT)
    await unknown_reply(account_store, question)
    await read(account_store, "m2", NOW - 1_000)
    found = await account_store.run(catch_up.cursor, DM, BACKLOG)
    assert (found.at_ms, found.reach_ms) == (NOW - 1_000, NOW - 8_000)
    assert await account_store.run(catch_up.to_look_up, 60_000) == []
