"""Decisions about messages that are stuck, as operations without a gateway."""

from __future__ import annotations

import pytest
from packages.clawlane.tests.ops_alone import LANE, NOW, context, owned

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.config.choices import PairingReply
from clawlane.config.paths import Paths
from clawlane.messages import Inbound, Text, Thread, ThreadKind
from clawlane.ops.messages import (
    Arrived,
    DeadLetters,
    Drop,
    DropDeadLetter,
    Outbox,
    Resend,
    Resubmit,
    Waiting,
    arrived,
    dead_letters,
    drop,
    drop_dead_letter,
    outbox,
    resend,
    resubmit,
)
from clawlane.ops.operation import decode, encode
from clawlane.store import due, inbox, sending, turns
from clawlane.store.account_store import AccountStore
from clawlane.store.errors import NoDeadLetter, NotInOutbox
from clawlane.store.models import AdmittedMessage, History, LostSend, NewMessage
from clawlane.store.turns import TRIES

WORK = "zalouser/work"
ALICE = Thread(ThreadKind.DM, "11")
ADMIT = Decision(Outcome.ADMIT, Reason.DM_OPEN, Rule("channels.zalouser.dmPolicy", "channel"))


async def hear(account_store: AccountStore, id_: str = "m1") -> int:
    message = Inbound("default", id_, ALICE, "11", "Lan", "xin chào", NOW)
    [found] = await account_store.run(inbox.admit_all, [NewMessage(message, ADMIT, PairingReply.CODE, NOW)])
    assert isinstance(found, AdmittedMessage)
    return found.seq


async def lose(paths: Paths) -> None:
    """The first part of a reply may or may not have arrived, the second waits behind it."""
    async with owned(paths) as account_store:
        turn = await hear(account_store)
        await account_store.run(turns.start, turn, History.INCLUDE)
        await account_store.run(turns.reply, turn, [Text(ALICE, "one"), Text(ALICE, "two")])
        chunk = (await account_store.run(due.waiting)).chunks[0]
        await account_store.run(sending.begin, [chunk.id])
        await account_store.run(sending.unknown, chunk.id, LostSend("no answer"))


async def fail(paths: Paths, account: str = LANE) -> None:
    """A message is set aside."""
    async with owned(paths, account) as account_store:
        turn = await hear(account_store)
        for _ in range(TRIES):
            await account_store.run(turns.start, turn, History.INCLUDE)
            await account_store.run(turns.fail, turn, "RuntimeError: told to fail")


async def states(paths: Paths, *, settled: bool = False) -> list[tuple[str, str]]:
    rows = (await outbox(context(paths), Outbox(settled))).messages
    return [("needs_decision" if row.needs_decision else str(row.state), row.text) for row in rows]


async def test_where_nothing_was_stored_nothing_is_found_and_nothing_made(paths: Paths) -> None:
    async with context(paths) as ctx:
        assert (await outbox(ctx, Outbox())).messages == []
        assert await dead_letters(ctx, DeadLetters("zalouser")) == []
        with pytest.raises(NotInOutbox, match="there is no message 7; see: openclaw outbox list"):
            await drop(ctx, Drop(7))
        with pytest.raises(NoDeadLetter, match="see: openclaw channels dead-letters list"):
            await resubmit(ctx, Resubmit("zalouser", "m1"))
    assert not paths.store.exists()


async def test_a_message_of_unknown_fate_is_listed_and_sent_again(paths: Paths) -> None:
    await lose(paths)
    assert await states(paths) == [("needs_decision", "one"), ("held", "two")]
    async with context(paths) as ctx:
        waiting = await outbox(ctx, Outbox())
        assert decode(encode(waiting), Waiting) == waiting, "it travels"
        rows = waiting.messages
        decided = await resend(ctx, Resend(rows[0].id))
        assert (decided.running, decided.account, decided.id) == (False, LANE, rows[0].id)
        with pytest.raises(NotInOutbox, match="is queued: it cannot be sent again"):
            await resend(ctx, Resend(rows[0].id))
    assert await states(paths) == [("queued", "one"), ("queued", "two")]


async def test_a_message_that_arrived_lets_the_rest_follow_and_one_that_is_dropped_does_not(
    paths: Paths,
) -> None:
    await lose(paths)
    first, second = (await outbox(context(paths), Outbox())).messages
    async with context(paths) as ctx:
        await arrived(ctx, Arrived(first.id))
        assert await states(paths) == [("queued", "two")]
        await drop(ctx, Drop(second.id))
    assert await states(paths) == []
    assert await states(paths, settled=True) == [("cancelled", "two")]


async def test_a_message_that_was_set_aside_is_given_to_the_agent_again_or_dropped(paths: Paths) -> None:
    await fail(paths)
    async with context(paths) as ctx:
        [letter] = await dead_letters(ctx, DeadLetters("zalouser"))
        assert (letter.account, letter.message_id, letter.tries) == (LANE, "m1", TRIES)
        assert await dead_letters(ctx, DeadLetters("telegram")) == []
        decided = await resubmit(ctx, Resubmit("zalouser", "m1"))
        assert (decided.running, decided.account, decided.message_id) == (False, LANE, "m1")
        with pytest.raises(NoDeadLetter):
            await drop_dead_letter(ctx, DropDeadLetter("zalouser", "m1"))


async def test_a_message_that_was_set_aside_on_two_accounts_needs_the_account(paths: Paths) -> None:
    paths.config_file.write_text("{}")
    await fail(paths)
    await fail(paths, WORK)
    async with context(paths) as ctx:
        with pytest.raises(NoDeadLetter, match="on zalouser/default, zalouser/work; name one with"):
            await drop_dead_letter(ctx, DropDeadLetter("zalouser", "m1"))


async def test_a_message_that_is_given_to_the_agent_again_has_all_its_tries(paths: Paths) -> None:
    await fail(paths)
    async with context(paths) as ctx:
        await resubmit(ctx, Resubmit("zalouser", "m1"))
    async with owned(paths) as account_store:
        [turn] = await account_store.run(turns.open_turns)
        for number in range(1, TRIES + 1):
            await account_store.run(turns.start, turn.seq, History.INCLUDE)
            assert await account_store.run(turns.fail, turn.seq, "no idea") is (number == TRIES)
