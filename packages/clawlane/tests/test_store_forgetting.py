"""What a person said is forgotten: searched for in the raw file, after an end at any step."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from packages.clawlane.tests.opened_store import (
    LANE,
    NOW,
    POSTGRES,
    Clock,
    current_engine,
    dumped,
    opened_store,
)

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.config.choices import PairingReply
from clawlane.lane.forgetter import Forgetter
from clawlane.messages import Attachment, Inbound, Quote, Receipt, Text, Thread, ThreadKind
from clawlane.store import due, forgetting, inbox, sending, sessions, steps, tool_calls, turns
from clawlane.store.account_store import AccountStore
from clawlane.store.database import Store
from clawlane.store.forgetting import Whom
from clawlane.store.media_files import FilePlace, MediaFiles
from clawlane.store.models import AdmittedMessage, History, NewMessage, RecallResult
from clawlane.store.repetition import Repetition
from clawlane.store.retention import Keep, prune

LAN, HUNG = "8200000000000000002", "8200000000000000003"
DM, GROUP = Thread(ThreadKind.DM, LAN), Thread(ThreadKind.GROUP, "88")
ADMIT = Decision(Outcome.ADMIT, Reason.DM_OPEN, Rule("channels.zalouser.dmPolicy", "channel"))
PEND = Decision(Outcome.PEND, Reason.MENTION_REQUIRED, Rule("groups"), keep_as_history=True)
WAIT = Decision(Outcome.CHALLENGE, Reason.DM_PAIRING_REQUIRED, Rule("dmPolicy"))
SECRET = "xyzzysecret"
"""In every word of Lan's, and nowhere else."""


def words(number: int) -> str:
    return f"{SECRET} một hai ba bốn {number}"


@dataclass
class Desk:
    folder: Path
    store: Store
    account_store: AccountStore
    clock: Clock
    recalled: list[RecallResult] = field(default_factory=list)
    number: int = 0

    @property
    def files(self) -> MediaFiles:
        return MediaFiles(self.folder / "media" / "inbound")

    async def read(
        self, text: str, sender: str, thread: Thread, decision: Decision | None = ADMIT, **more: object
    ) -> int:
        self.number += 1
        inbound = Inbound("default", f"m{self.number}", thread, sender, "Lan", text, self.clock.ms, **more)  # type: ignore[arg-type]
        arrival = NewMessage(inbound, decision, PairingReply.CODE, self.clock.ms, history_limit=50)
        [result] = await self.account_store.run(inbox.admit_all, [arrival])
        return result.seq if isinstance(result, AdmittedMessage) else -1

    async def talk(self, turn: int, thread: Thread, answer: str, *, send: bool = True) -> None:
        """A model answers a turn, with a step and a call of a tool."""
        run = self.account_store.run
        started = await run(turns.start, turn, History.INCLUDE)
        assert started is not None
        await run(sessions.begin, "main", thread, turn, started.run, lambda *_: False)
        await run(steps.add, turn, started.run, 1, f'"step {answer}"', ())
        await run(tool_calls.begin, turn, started.run, 1, 1, "look")
        await run(tool_calls.finish, turn, 1, 1, f"result {answer}")
        await run(sessions.answered, turn, started.run, answer)
        await run(turns.reply, turn, [Text(thread, answer)], started.run)
        if send:
            chunks = (await run(due.waiting)).chunks
            await run(sending.begin, [chunk.id for chunk in chunks])
            for chunk in chunks:
                await run(sending.sent, chunk.id, Receipt((f"r{chunk.id}",)))

    async def fill(self) -> None:
        """Words of Lan wherever there can be some, among those of others."""
        run = self.account_store.run
        for number in range(3):
            await self.talk(await self.read(words(number), LAN, DM), DM, f"you said: {words(number)}")
        summed = await run(sessions.look, "main", DM)
        await run(sessions.cut, "main", DM, summed, [summed.turns[0].turn], f"sum: {words(0)}")
        await self.read(words(10), LAN, GROUP, PEND)
        asked = await self.read("what did she say?", HUNG, GROUP)
        await self.talk(asked, GROUP, f"she said {words(10)}")
        await self.read(words(11), LAN, GROUP, PEND)
        quote = Quote("m4", LAN, words(10), "", Attachment("photo", SECRET))
        await self.talk(await self.read("indeed", HUNG, GROUP, quote=quote), GROUP, "hm")
        later = await self.read("once more?", HUNG, GROUP)
        await self.talk(later, GROUP, f"again: {words(11)}", send=False)
        dead = await self.read(words(12), LAN, DM, attachments=(Attachment("photo", SECRET, "http://x/1"),))
        started = await run(turns.start, dead, History.INCLUDE)
        assert started is not None
        await run(turns.fail, dead, f"ValueError: {SECRET}", started.run, final=True)
        place = FilePlace(LANE, dead, 0, "http://x/1")
        scratch = self.files.scratch(place)
        scratch.write_bytes(SECRET.encode())
        self.files.keep(place, scratch, "jpg")
        await self.read(words(13), LAN, DM, None)
        await self.talk(
            await self.read("chào", HUNG, Thread(ThreadKind.DM, HUNG)),
            Thread(ThreadKind.DM, HUNG),
            "chào Hùng",
        )

    async def forget(self, whom: Whom, id_: str, batches: int = 10**6) -> dict[str, int]:
        """Forget; stop after so many batches, as an end of the process would."""
        forgetter = Forgetter(self.account_store, self.files, self.folder / "out", self.recalled.append)
        async for number in forgetter.run(whom, id_):
            if number >= batches:
                return {}
        return await self.account_store.run(forgetting.finish, whom, id_)

    def count(self, what: str) -> int:
        with self.store.read() as reader:
            (found,) = reader._connection.execute(f"SELECT count(*) FROM {what}").fetchone()
        return int(found)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Desk]:
    clock = Clock()
    async with opened_store(folder, clock) as (store, account_store):
        yield Desk(folder, store, account_store, clock)


def places(folder: Path) -> list[str]:
    """The files that hold a word of Lan's; in a database, its tables."""
    if current_engine() == POSTGRES:
        return [name for name, rows in dumped(folder).items() if SECRET in rows]
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return sorted(path.name for path in paths if SECRET.encode() in path.read_bytes())


async def test_after_forgetting_a_person_no_file_holds_a_word_of_theirs(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.fill()
        assert places(tmp_path)
        await desk.account_store.run(forgetting.begin, Whom.PERSON, LAN)
        removed = await desk.forget(Whom.PERSON, LAN)
        assert places(tmp_path) == [], "while the gateway runs"
        assert removed["messages"] == 7
        assert removed["files"] == 1
        assert desk.count("turns WHERE state = 'dead' OR settled_ms IS NULL") == 0, "nothing is on its way"
        assert desk.count("forgetting") == 0
        with desk.store.read() as reader:
            hung = reader.session(LANE, "main", Thread(ThreadKind.DM, HUNG))
            assert [one.answer for one in hung.turns] == ["chào Hùng"], "others are remembered"
            assert [
                one.text for turn in reader.session(LANE, "main", GROUP).turns for one in turn.messages
            ] != []
            assert reader.forgetting(LANE) == []
        assert desk.count("messages") == 11, "ids stay"
        again = await desk.read(words(0), LAN, DM)
        assert again > 0, "what comes later is new"


@pytest.mark.parametrize("batches", [1, 2, 3])
async def test_an_end_in_the_middle_loses_nothing_of_a_request(tmp_path: Path, batches: int) -> None:
    async with opened(tmp_path) as desk:
        await desk.fill()
        await desk.account_store.run(forgetting.begin, Whom.PERSON, LAN)
        await desk.forget(Whom.PERSON, LAN, batches)
    async with opened(tmp_path) as desk:
        [asked] = await desk.account_store.run(forgetting.open_requests)
        assert (asked.whom, asked.id) == (Whom.PERSON, LAN)
        await desk.forget(asked.whom, asked.id)
        assert places(tmp_path) == []


async def test_a_group_is_forgotten_and_its_people_elsewhere_are_not(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.fill()
        await desk.account_store.run(forgetting.begin, Whom.GROUP, GROUP.id)
        await desk.forget(Whom.GROUP, GROUP.id)
        assert desk.count("messages WHERE thread_kind = 'group' AND body IS NOT NULL") == 0
        assert desk.count("history") == 0
        with desk.store.read() as reader:
            assert reader.session(LANE, "main", GROUP).turns == ()
            assert len(reader.session(LANE, "main", DM).turns) == 2


async def test_an_approved_person_stays_so_unless_that_is_taken_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.read("xin chào", LAN, DM, WAIT)
        assert desk.count("pairing") == 1
        await desk.account_store.run(forgetting.begin, Whom.PERSON, LAN)
        await desk.forget(Whom.PERSON, LAN)
        assert desk.count("pairing") == 0


async def test_what_is_pruned_by_its_age_is_gone_from_the_file(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.fill()
        desk.clock.ms = NOW + 10_000
        keep = Keep(text_ms=1, history_ms=1, sessions_ms=1)
        await desk.account_store.run(turns.stop, desk.number + 100)
        while await desk.account_store.run(prune, keep):
            pass
        assert desk.count("messages WHERE body IS NOT NULL") <= 1, "a reply that waits keeps its message"


def test_words_in_a_row_are_a_repetition() -> None:
    said = Repetition()
    assert not said
    said.add("Chiều nay họp lúc ba giờ ở quán cũ", "ok", "mười hai")
    assert said.is_in("Lan bảo: chiều nay HỌP lúc ba giờ.")
    assert said.is_in('{"text": "chi\\u1ec1u nay h\\u1ecdp l\\u00fac ba gi\\u1edd"}')
    assert said.is_in("số mười hai")
    assert not said.is_in("ok, họp lúc ba giờ")
