"""What was seen to work, what was refused, and what leaves in a plain form by that."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from packages.clawlane.tests.opened_store import LANE, NOW, Clock, opened_store, reading_in

from clawlane.abilities import Ability, Off
from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.config.choices import PairingReply
from clawlane.messages import Inbound, Mention, Outgoing, Photos, Receipt, Text, Thread, ThreadKind, Undo
from clawlane.store import abilities, due, inbox, operator_sends, outbox, plain_forms, sending, turns
from clawlane.store.abilities import Standing
from clawlane.store.account_store import AccountStore
from clawlane.store.models import NewMessage, Purpose

GROUP = Thread(ThreadKind.GROUP, "55")
MENTIONING = Text(GROUP, "@Lan ơi", mentions=(Mention("7", 0, 4),))
ALBUM = Photos(GROUP, ("/tmp/a.png", "/tmp/b.png", "/tmp/c.png"))
ADMIT = Decision(Outcome.ADMIT, Reason.DM_OPEN, Rule("channels.zalouser.groupPolicy", "channel"))


class Desk:
    """An account that sends, and what a platform answers."""

    def __init__(self, folder: Path, account_store: AccountStore, clock: Clock) -> None:
        self.folder, self.account_store, self.clock = folder, account_store, clock

    async def send(self, out: Outgoing, *, refused: bool = False) -> int:
        """The number of a chunk that was sent once, and taken or refused."""
        [number, *_] = await self.account_store.run(outbox.queue, None, [out], Purpose.OPERATOR)
        await self.account_store.run(sending.begin, [number])
        if refused:
            await self.account_store.run(sending.refused_by_platform, number, "no")
        else:
            await self.account_store.run(sending.sent, number, Receipt(("m1",)))
        return number

    async def queued(self) -> list[Outgoing]:
        """What waits to be sent, in order."""
        found = []
        while chunks := (await self.account_store.run(due.waiting, frozenset(), {}, {}, 1)).chunks:
            found.append(chunks[0].out)
            await self.account_store.run(sending.begin, [chunks[0].id])
            await self.account_store.run(sending.cancelled, chunks[0].id, "")
            await self.account_store.run(sending.sent, chunks[0].id, Receipt(("m",)), proves=False)
        return found

    def standing(self, ability: Ability, *, simulated: bool = False) -> Standing:
        with reading_in(self.folder) as reader:
            found = reader.abilities(LANE, simulated=simulated)
        return next(one for one in found if one.ability is ability)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    clock = Clock()
    async with opened_store(tmp_path, clock) as (_, account_store):
        yield Desk(tmp_path, account_store, clock)


async def test_what_is_refused_leaves_again_in_the_same_words(desk: Desk) -> None:
    await desk.send(MENTIONING, refused=True)
    [again] = await desk.queued()
    assert isinstance(again, Text)
    assert (again.text, again.mentions) == (MENTIONING.text, ())
    assert desk.standing(Ability.MENTIONS).refusals == 1


async def test_two_refusals_switch_off_what_waits_too(desk: Desk) -> None:
    await desk.send(ALBUM, refused=True)
    assert len(await desk.queued()) == 3
    [waiting] = await desk.account_store.run(outbox.queue, None, [ALBUM], Purpose.OPERATOR)
    await desk.send(ALBUM, refused=True)
    assert desk.standing(Ability.ALBUM).off is Off.REFUSALS
    pictures = await desk.queued()
    assert waiting
    assert len(pictures) == 6
    assert len({one.client_id for one in pictures}) == 6
    assert await desk.account_store.run(outbox.queue, None, [ALBUM], Purpose.OPERATOR) != []
    assert len(await desk.queued()) == 3


async def test_a_plain_form_that_is_refused_too_acquits(desk: Desk) -> None:
    for _ in range(3):
        number = await desk.send(MENTIONING, refused=True)
        await desk.account_store.run(sending.begin, [number])
        outcome = await desk.account_store.run(sending.refused_by_platform, number, "no")
        assert outcome is not None
    assert desk.standing(Ability.MENTIONS) == Standing(Ability.MENTIONS)


async def test_what_was_seen_to_work_is_never_switched_off(desk: Desk) -> None:
    await desk.send(MENTIONING, refused=True)
    await desk.queued()
    await desk.send(MENTIONING)
    for _ in range(3):
        await desk.send(MENTIONING, refused=True)
    found = desk.standing(Ability.MENTIONS)
    assert (found.seen_ms, found.refusals, found.off) == (NOW, 0, None)
    assert await desk.queued() == [], "a refusal is about the message then"


async def test_a_simulator_proves_nothing_of_the_platform(desk: Desk) -> None:
    await desk.account_store.run(abilities.begin, simulated=True)
    await desk.send(MENTIONING)
    assert desk.standing(Ability.MENTIONS).seen_ms is None
    assert desk.standing(Ability.MENTIONS, simulated=True).seen_ms == NOW
    await desk.account_store.run(abilities.begin, simulated=False)
    await desk.send(MENTIONING, refused=True)
    assert desk.standing(Ability.MENTIONS).refusals == 1


async def test_the_first_use_is_told_once(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "clawlane.store.abilities"):
        for _ in range(3):
            await desk.send(ALBUM)
    assert [one.message.partition(";")[0] for one in caplog.records] == [
        f"{LANE}: sending several pictures as an album is used for the first time"
    ]


async def test_the_last_time_is_kept_to_the_day(desk: Desk) -> None:
    day_ms = 86_400_000
    for after_ms in (0, day_ms // 2, day_ms):
        desk.clock.ms = NOW + after_ms
        await desk.send(MENTIONING)
        found = desk.standing(Ability.TEXT)
        assert (found.seen_ms, found.last_ms) == (NOW, NOW if after_ms < day_ms else NOW + day_ms)


async def test_what_the_operator_says_arrived_proves_nothing(desk: Desk) -> None:
    [number] = await desk.account_store.run(outbox.queue, None, [MENTIONING], Purpose.OPERATOR)
    await desk.account_store.run(sending.begin, [number])
    await desk.account_store.run(sending.sent, number, Receipt(()), proves=False)
    assert desk.standing(Ability.TEXT).seen_ms is None


async def test_why_tells_what_a_reply_goes_without(desk: Desk) -> None:
    await desk.account_store.run(abilities.switch, Ability.MENTIONS, on=False, simulated=False)
    inbound = Inbound("default", "m1", GROUP, "7", "Lan", "hả", NOW)
    [read] = await desk.account_store.run(
        inbox.admit_all, [NewMessage(inbound, ADMIT, PairingReply.CODE, NOW)]
    )
    seq = read.seq  # type: ignore[union-attr]
    await desk.account_store.run(turns.reply, seq, [MENTIONING])
    with reading_in(desk.folder) as reader:
        [recorded] = reader.decided("m1")
    assert recorded.standing is not None
    assert recorded.standing.note == "texts leave without mentions, in the same words"
    [out] = await desk.queued()
    assert isinstance(out, Text)
    assert (out.text, out.mentions) == (MENTIONING.text, ())


async def test_what_waits_to_take_something_back_is_cancelled(desk: Desk) -> None:
    await desk.account_store.run(operator_sends.queue, [Undo(GROUP, "m1", "1")])
    await desk.account_store.run(abilities.switch, Ability.UNDO, on=False, simulated=False)
    await desk.account_store.run(plain_forms.follow, Ability.UNDO)
    assert await desk.queued() == []
