"""Pairing in the store: who gets a place, who goes behind, who is turned away, and clocks set back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from packages.clawlane.tests.opened_store import LANE, NOW, Clock, opened_store

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.access.pairing import CODE_LIFE_MS, LAPSED_MS, REJECTED_MS
from clawlane.config.choices import PairingReply
from clawlane.messages import Group, Inbound, Person, Receipt, Text, Thread, ThreadKind
from clawlane.store import directory, due, inbox, pairing, sending
from clawlane.store.account_store import AccountStore
from clawlane.store.database import Store
from clawlane.store.errors import PairingUnknown
from clawlane.store.models import AdmittedMessage, NewMessage
from clawlane.store.people import PairingRequest

MINUTE = 60_000
DAY = 86_400_000
ASK = Decision(Outcome.CHALLENGE, Reason.DM_PAIRING_REQUIRED, Rule("channels.zalouser.dmPolicy", "channel"))
ADMIT = Decision(Outcome.ADMIT, Reason.DM_OPEN, Rule("channels.zalouser.dmPolicy", "channel"))
CODE = PairingReply.CODE
REQUIRED, PENDING = Reason.DM_PAIRING_REQUIRED, Reason.DM_PAIRING_PENDING
FULL, REJECTED = Reason.DM_PAIRING_FULL, Reason.DM_REJECTED


@dataclass
class Lane:
    """An open store whose clock a test moves."""

    store: Store
    account_store: AccountStore
    clock: Clock
    count: int = 0

    async def ask(self, sender: str, friend: bool | None = False, name: str = "", **more: Any) -> Reason:
        """The reason of the sender's next message."""
        inbound = self._inbound(sender, name or f"name of {sender}", friend)
        arrival = replace(NewMessage(inbound, ASK, PairingReply.CODE, self.clock.ms), **more)
        [admitted] = await self.account_store.run(inbox.admit_all, [arrival])
        assert isinstance(admitted, AdmittedMessage)
        return admitted.decision.reason

    async def heard(self) -> None:
        """Something else happens on the account."""
        await self.account_store.run(
            inbox.admit_all, [NewMessage(self._inbound("77", "An", None), ADMIT, CODE, self.clock.ms)]
        )

    def requests(self) -> dict[str, PairingRequest]:
        with self.store.read() as reader:
            return {one.sender_id: one for one in reader.requests(self.clock.ms)}

    async def texts(self) -> list[str]:
        waiting = (await self.account_store.run(due.waiting)).chunks
        return [chunk.out.text for chunk in waiting if isinstance(chunk.out, Text)]

    def _inbound(self, sender: str, name: str, friend: bool | None) -> Inbound:
        self.count += 1
        id, thread = f"m{self.count}-{self.clock.ms}", Thread(ThreadKind.DM, sender)
        return Inbound("default", id, thread, sender, name, "chào", self.clock.ms, sender_is_friend=friend)


@asynccontextmanager
async def opened(folder: Path, ms: int = NOW) -> AsyncIterator[Lane]:
    clock = Clock(ms)
    async with opened_store(folder, clock) as (store, account_store):
        yield Lane(store, account_store, clock)


@pytest.fixture
async def lane(tmp_path: Path) -> AsyncIterator[Lane]:
    async with opened(tmp_path) as lane:
        yield lane


async def test_friends_neither_count_nor_are_kept_out(lane: Lane) -> None:
    for friend in ("51", "52", "53", "54"):
        assert await lane.ask(friend, True) is REQUIRED
    for stranger in ("11", "12", "13"):
        assert await lane.ask(stranger) is REQUIRED
    assert await lane.ask("14") is FULL
    assert await lane.ask("55", True) is REQUIRED
    assert list(lane.requests())[:5] == ["51", "52", "53", "54", "55"]


async def test_where_the_channel_cannot_tell_the_last_look_up_says_who_is_a_friend(lane: Lane) -> None:
    await lane.account_store.run(directory.keep_peers, [Person("51", "Lan", is_friend=True)])
    for stranger in ("11", "12", "13"):
        assert await lane.ask(stranger, None) is REQUIRED
    assert await lane.ask("14", None) is FULL
    assert await lane.ask("51", None) is REQUIRED
    assert lane.requests()["51"].is_friend is True
    assert lane.requests()["11"].is_friend is None


async def test_three_hourly_strangers_do_not_keep_anybody_out(lane: Lane) -> None:
    hourly = ("11", "12", "13")
    for _ in range(3):
        for stranger in hourly:
            assert await lane.ask(stranger) is REQUIRED
        lane.clock.ms += CODE_LIFE_MS
    for stranger in hourly:
        assert await lane.ask(stranger) is REQUIRED
    for newcomer in ("21", "22", "23"):
        assert await lane.ask(newcomer) is REQUIRED
    assert sorted(lane.requests()) == ["21", "22", "23"]
    assert await lane.ask("24") is FULL
    assert await lane.ask("11") is FULL
    assert len(await lane.texts()) == 3, "whoever gave way is not sent a code that does not hold"


async def test_whoever_let_a_request_expire_gets_a_free_place_like_anybody(lane: Lane) -> None:
    await lane.ask("11")
    lane.clock.ms += CODE_LIFE_MS
    assert await lane.ask("21") is REQUIRED
    assert await lane.ask("22") is REQUIRED
    assert await lane.ask("11") is REQUIRED
    assert await lane.ask("11") is PENDING


async def test_a_friend_takes_nobodys_place(lane: Lane) -> None:
    for stranger in ("11", "12", "13"):
        await lane.ask(stranger)
    lane.clock.ms += CODE_LIFE_MS
    for stranger in ("11", "12", "13"):
        await lane.ask(stranger)
    assert await lane.ask("51", True) is REQUIRED
    assert sorted(lane.requests()) == ["11", "12", "13", "51"]


async def test_one_who_was_told_no_code_gives_way_first(lane: Lane) -> None:
    for stranger in ("11", "12", "13"):
        await lane.ask(stranger)
    lane.clock.ms += CODE_LIFE_MS
    await lane.ask("11")
    await lane.ask("12", pairing_reply=PairingReply.SILENT)
    await lane.ask("13")
    assert await lane.ask("21") is REQUIRED
    assert sorted(lane.requests()) == ["11", "13", "21"]


async def test_a_request_says_where_the_text_with_its_code_stands(lane: Lane) -> None:
    await lane.ask("11", pairing_reply=PairingReply.SILENT)
    await lane.ask("12")
    assert {id: one.code_state for id, one in lane.requests().items()} == {"11": "", "12": "queued"}
    [chunk] = (await lane.account_store.run(due.waiting)).chunks
    await lane.account_store.run(sending.begin, [chunk.id])
    assert lane.requests()["12"].code_state == "sending"
    await lane.account_store.run(sending.sent, chunk.id, Receipt(("r1",)))
    lane.clock.ms += CODE_LIFE_MS - 1
    await lane.ask("12")
    assert await lane.texts() == [], "it is not repeated before it expires"
    assert lane.requests()["12"].code_state == "sent"


async def test_an_old_request_is_forgotten_after_a_month(lane: Lane) -> None:
    await lane.ask("11")
    lane.clock.ms += CODE_LIFE_MS + LAPSED_MS + 1
    for stranger in ("11", "12", "13"):
        assert await lane.ask(stranger) is REQUIRED
    assert await lane.ask("21") is FULL


async def test_an_approval_ends_that_somebody_goes_behind(lane: Lane) -> None:
    await lane.ask("11")
    lane.clock.ms += CODE_LIFE_MS
    await lane.ask("11")
    await lane.account_store.run(pairing.approve, lane.requests()["11"].code)
    await lane.account_store.run(pairing.revoke, "11")
    for stranger in ("11", "12", "13"):
        assert await lane.ask(stranger) is REQUIRED
    assert await lane.ask("21") is FULL


async def test_a_rejected_sender_frees_the_place_and_hears_nothing_for_thirty_days(tmp_path: Path) -> None:
    async with opened(tmp_path) as lane:
        for stranger in ("11", "12", "13"):
            await lane.ask(stranger)
        rejected = await lane.account_store.run(pairing.reject, "11")
        assert (rejected.sender_name, rejected.until_ms) == ("name of 11", NOW + REJECTED_MS)
        assert await lane.ask("11") is REJECTED
        assert await lane.ask("14") is REQUIRED
        assert len(await lane.texts()) == 3, "the code of the rejected one has not left"
    for ms, reason in (
        (NOW + CODE_LIFE_MS, REJECTED),
        (NOW + REJECTED_MS - 1, REJECTED),
        (NOW + REJECTED_MS, REQUIRED),
    ):
        async with opened(tmp_path, ms) as lane:
            assert await lane.ask("11") is reason


async def test_a_block_holds_until_it_is_taken_back(lane: Lane) -> None:
    await lane.account_store.run(pairing.reject, "11", block=True)
    lane.clock.ms += 400 * DAY
    assert await lane.ask("11") is REJECTED
    assert (await lane.account_store.run(pairing.reject, "11")).until_ms is None, "a block stays one"
    await lane.account_store.run(pairing.unblock, "11")
    assert await lane.ask("11") is REQUIRED
    with pytest.raises(PairingUnknown, match="not rejected"):
        await lane.account_store.run(pairing.unblock, "11")


async def test_a_rejected_friend_is_rejected(lane: Lane) -> None:
    await lane.account_store.run(pairing.reject, "51", block=True)
    assert await lane.ask("51", True) is REJECTED


async def test_who_is_approved_is_revoked_before_a_rejection(lane: Lane) -> None:
    await lane.ask("11")
    await lane.account_store.run(pairing.approve, lane.requests()["11"].code)
    with pytest.raises(PairingUnknown, match="openclaw pairing revoke zalouser 11"):
        await lane.account_store.run(pairing.reject, "11")
    assert await lane.ask("11") is Reason.DM_PAIRED


async def test_a_stranger_who_bears_a_friends_name_is_marked(lane: Lane) -> None:
    await lane.account_store.run(
        directory.keep_peers, [Person("51", "Mẹ", ("Trần Thị Lan",)), Person("52", "Hoa")]
    )
    await lane.ask("11", name="tran thi  LAN.")
    await lane.ask("12", name="Lan")
    await lane.ask("52", True, name="Hoa")
    await lane.ask("51", None, name="Trần Thị Lan")
    marked = {id: one.namesake_id for id, one in lane.requests().items()}
    assert marked == {"11": "51", "12": "", "52": "", "51": ""}
    assert lane.requests()["11"].namesake == "Mẹ"


@pytest.mark.parametrize("back", [20 * MINUTE, DAY, 400 * DAY])
async def test_a_clock_that_goes_back_makes_no_code_live_longer(lane: Lane, back: int) -> None:
    await lane.ask("11")
    code = lane.requests()["11"].code
    lane.clock.ms += 50 * MINUTE
    await lane.heard()
    lane.clock.ms -= back
    assert lane.requests()["11"].expires_ms == lane.clock.ms + 10 * MINUTE
    await lane.heard()
    assert lane.requests()["11"].expires_ms == lane.clock.ms + 10 * MINUTE
    lane.clock.ms += 10 * MINUTE
    assert lane.requests() == {}
    with pytest.raises(PairingUnknown):
        await lane.account_store.run(pairing.approve, code)
    assert await lane.ask("11") is REQUIRED
    assert lane.requests()["11"].code != code


async def test_a_clock_that_was_wrong_at_the_last_start_is_noticed(tmp_path: Path) -> None:
    async with opened(tmp_path, NOW + DAY) as lane:
        await lane.ask("11")
        await lane.account_store.run(pairing.reject, "12")
    async with opened(tmp_path, NOW) as lane:
        assert lane.requests()["11"].expires_ms == NOW + CODE_LIFE_MS
        await lane.heard()
        lane.clock.ms += CODE_LIFE_MS
        assert lane.requests() == {}
        with lane.store.read() as reader:
            [rejected] = reader.rejected(lane.clock.ms)
        assert rejected.until_ms == NOW + REJECTED_MS


async def test_the_hourly_texts_are_not_blocked_for_the_length_of_a_jump(lane: Lane) -> None:
    lane.clock.ms += DAY
    for number in range(10):
        assert await lane.ask(f"2{number}", True) is REQUIRED
    assert await lane.ask("31", True) is Reason.DM_PAIRING_HELD
    lane.clock.ms -= DAY
    assert await lane.ask("32", True) is Reason.DM_PAIRING_HELD
    lane.clock.ms += CODE_LIFE_MS
    assert await lane.ask("33", True) is REQUIRED


async def test_a_list_that_cannot_be_right_leaves_the_former_one(lane: Lane) -> None:
    friends = [Person(str(number), f"F{number}") for number in range(10, 20)]
    groups = [Group(str(number), f"G{number}") for number in range(10, 20)]
    assert (await lane.account_store.run(directory.keep_peers, [])).doubted, "an empty first list"
    assert not (await lane.account_store.run(directory.keep_peers, friends)).doubted
    assert not (await lane.account_store.run(directory.keep_groups, groups)).doubted
    for doubtful in (0, 1, 4):
        kept = await lane.account_store.run(directory.keep_peers, friends[:doubtful])
        assert (kept.doubted, kept.before) == (True, 10)
        assert (await lane.account_store.run(directory.keep_groups, groups[:doubtful])).doubted
    with lane.store.read() as reader:
        known = reader.known(LANE)
    assert (len(known.peers), len(known.groups)) == (10, 10)
    assert not (await lane.account_store.run(directory.keep_peers, friends[:5])).doubted


async def test_the_same_short_list_is_believed_when_it_stays(lane: Lane) -> None:
    friends = [Person(str(number), f"F{number}") for number in range(10, 20)]
    await lane.account_store.run(directory.keep_peers, friends)
    for after, count, doubted in (
        (0, 2, True),
        (30 * MINUTE, 2, True),
        (50 * MINUTE, 2, True),
        (60 * MINUTE, 3, True),
        (70 * MINUTE, 2, True),
        (100 * MINUTE, 2, True),
        (129 * MINUTE, 2, True),
        (131 * MINUTE, 2, False),
    ):
        lane.clock.ms = NOW + after
        assert (await lane.account_store.run(directory.keep_peers, friends[:count])).doubted is doubted
    with lane.store.read() as reader:
        assert len(reader.known(LANE).peers) == 2


async def test_an_account_without_friends_is_believed_after_an_hour(lane: Lane) -> None:
    told = []
    for minutes in (0, 20, 40, 60, 80):
        lane.clock.ms = NOW + minutes * MINUTE
        told.append((await lane.account_store.run(directory.keep_peers, [])).doubted)
    assert told == [True, True, True, False, False]
