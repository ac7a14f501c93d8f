"""What the owner writes in a chat is carried out by the operations; the same words of others are not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from sqlite3 import connect

import pytest
from packages.clawlane.tests.lane_bench import until
from packages.clawlane.tests.test_ops_pause import LANE, House, Installed, Quiet

from clawlane.agents.echo import EchoAgent
from clawlane.channel import Account, Host, Phase, State
from clawlane.config.load import load
from clawlane.config.paths import Paths
from clawlane.gateway.accounts import Accounts
from clawlane.lane.live_agents import LiveAgents
from clawlane.messages import Attachment, Inbound, Outgoing, Own, Quote, Receipt, Text, Thread, ThreadKind
from clawlane.store import owner_texts
from clawlane.store.codec import inbound_body
from clawlane.store.database import open_store
from clawlane.store.draft_told import Draft

OWN, OWNER, LAN, STRANGER = "1", "11", "12", "13"
ME = Thread(ThreadKind.DM, OWN)
CONFIG = {
    "dmPolicy": "pairing",
    "allowFrom": [OWNER, LAN],
    "groupPolicy": "open",
    "groups": {"*": {"requireMention": False}},
    "pacing": {"enabled": False},
    "ownerCommands": True,
}


@dataclass
class Chat(Quiet):
    """A channel whose people the test plays. What is sent comes back if it `echoes`, under foreign ids."""

    now_ms: Callable[[], int] = int
    incoming: asyncio.Queue[Inbound | Own] = field(default_factory=asyncio.Queue)
    sent: asyncio.Queue[tuple[Thread, str]] = field(default_factory=asyncio.Queue)
    echoes: bool = True
    count: int = 0

    async def run(self, account: Account, host: Host) -> None:
        host.report(State(Phase.READY, user_id=OWN))
        while True:
            item = await self.incoming.get()
            await (host.admit(item) if isinstance(item, Inbound) else host.observe(item))

    async def send(self, account: Account, out: Outgoing) -> Receipt:
        assert isinstance(out, Text)
        self.count += 1
        self.sent.put_nowait((out.thread, out.text))
        if self.echoes and out.thread == ME:
            self.incoming.put_nowait(Own("default", f"foreign{self.count}", "", ME, out.text, self.now_ms()))
        return Receipt((f"r{self.count}",))

    async def next(self) -> tuple[str, str]:
        """Where the next text went, and what it said."""
        async with asyncio.timeout(10):
            thread, text = await self.sent.get()
        return str(thread), text


@dataclass
class Play:
    """A gateway with one account, and everybody who writes to it."""

    house: House
    chat: Chat
    accounts: Accounts
    number: int = 0

    def says(self, sender: str, text: str, group: str = "", **more: object) -> None:
        self.number += 1
        thread = Thread(ThreadKind.GROUP, group) if group else Thread(ThreadKind.DM, sender)
        message = Inbound("default", f"m{self.number}", thread, sender, "Lan", text, self.house.ms, **more)  # type: ignore[arg-type]
        self.chat.incoming.put_nowait(message)

    def notes(self, text: str, id_: str = "", age_ms: int = 0, to: Thread = ME, **more: object) -> None:
        """The owner writes on a phone, into the thread with oneself unless it is `to` another."""
        self.number += 1
        ids = (id_ or f"o{self.number}", f"c{self.number}")
        own = Own("default", *ids, to, text, self.house.ms - age_ms, **more)  # type: ignore[arg-type]
        self.chat.incoming.put_nowait(own)

    def logged(self) -> list[tuple[str, str]]:
        """Who changed what."""
        with closing(connect(self.house.paths.store)) as db:
            return [
                tuple(row) for row in db.execute("SELECT caller, operation FROM operator_log ORDER BY id")
            ]

    def reasons(self) -> list[str]:
        """Why each turn that is over ended, in order."""
        with closing(connect(self.house.paths.store)) as db:
            rows = db.execute("SELECT reason FROM turns WHERE settled_ms IS NOT NULL ORDER BY turn")
            return [row[0] for row in rows]

    async def drafted(self) -> int:
        """The number of a draft, once there is one."""
        found: list[Draft] = []

        def there() -> bool:
            with self.accounts.store.read() as reader:
                found[:] = reader.drafts(self.house.ms)
            return bool(found)

        await until(there)
        return found[0].number

    def code(self) -> str:
        with self.accounts.store.read() as reader:
            [request] = reader.requests(self.house.ms)
        return request.code


@asynccontextmanager
async def playing(folder: Path, **keys: object) -> AsyncIterator[Play]:
    state = folder / "state"
    state.mkdir(mode=0o700, exist_ok=True)
    house = House(Paths(state, folder / "config.json5"))
    block = {**CONFIG, **keys}
    house.configure(json.dumps({"channels": {"zalouser": block}, "commands": {"ownerAllowFrom": [OWNER]}}))
    config, chat = load(house.paths, Installed(house.paths), {}), Chat(house.now_ms)
    async with (
        open_store(house.paths.store, house.paths.lock_file, house.now_ms) as store,
        asyncio.TaskGroup() as group,
    ):
        agents = LiveAgents(EchoAgent())
        accounts = Accounts(config, house.paths, store, {"zalouser": chat}, agents, house.now_ms, {})
        task = group.create_task(accounts.run())
        await accounts.begun.wait()
        yield Play(house, chat, accounts)
        task.cancel()


@pytest.fixture
async def play(tmp_path: Path) -> AsyncIterator[Play]:
    async with playing(tmp_path) as play:
        yield play


async def test_a_pause_holds_everything_but_what_the_owner_hears_of_it(play: Play) -> None:
    play.says(OWNER, "/pause 2h")
    assert await play.chat.next() == ("dm:11", "Paused for 2h: nothing is sent. To go on earlier: /resume")
    [pause] = play.accounts.supervisors[LANE].pauses
    assert pause.until_ms is not None
    assert pause.thread is None
    play.says(LAN, "hello")
    play.says(OWNER, "/pause now")
    assert await play.chat.next() == ("dm:11", "Usage: /pause or /pause 2h (30m, 2h, 1d)")
    play.says(OWNER, "/resume")
    assert sorted([await play.chat.next(), await play.chat.next()]) == [
        ("dm:11", "Resumed."),
        ("dm:12", "hello"),
    ]
    assert play.logged() == [("owner", "pause.pause"), ("owner", "pause.resume")]


async def test_the_thread_with_oneself_is_read_and_answered_there(play: Play) -> None:
    play.says(STRANGER, "hi")
    assert (await play.chat.next())[0] == "dm:13"
    play.notes("buy milk")
    play.notes(f"/approve {play.code().lower()}")
    assert await play.chat.next() == ("dm:1", "Approved Lan (13).")
    play.says(STRANGER, "hi again")
    assert await play.chat.next() == ("dm:13", "hi again")
    assert play.logged() == [("owner", "pairing.approve")]
    play.notes("/help")
    told = await play.chat.next()
    assert told[0] == "dm:1"
    assert "/approve CODE – let somebody in who asked to write" in told[1]


async def test_a_command_that_comes_again_or_late_is_not_carried_out_again(play: Play) -> None:
    play.notes("/pause", id_="same")
    assert (await play.chat.next())[1].startswith("Paused")
    play.notes("/resume")
    assert await play.chat.next() == ("dm:1", "Resumed.")
    play.notes("/pause", id_="same")
    play.notes("/pause", age_ms=3_600_000)
    play.notes("/resume")
    assert await play.chat.next() == ("dm:1", "Nothing was paused.")


async def test_what_the_gateway_sent_there_is_no_command(play: Play) -> None:
    """Not even the words of a command, under ids that nobody knows."""
    account_store = play.accounts.supervisors[LANE].account_store
    assert account_store is not None
    await account_store.run(owner_texts.note, Own("default", "o", "", ME, "/resume", 0), play.house.ms)
    await account_store.run(owner_texts.done, "o", [Text(ME, "/pause")])
    play.accounts.supervisors[LANE].wake()
    assert await play.chat.next() == ("dm:1", "/pause")
    play.notes("/resume")
    assert await play.chat.next() == ("dm:1", "Nothing was paused.")


@pytest.mark.parametrize(
    ("sender", "group", "more"),
    [
        (LAN, "", {}),
        (LAN, "900", {}),
        (OWNER, "900", {}),
        (OWNER, "", {"attachments": (Attachment("photo"),)}),
        (OWNER, "", {"forwarded": True}),
    ],
    ids=["another person", "a group", "the owner in a group", "the caption of a picture", "forwarded"],
)
async def test_the_same_words_elsewhere_are_for_the_agent(
    play: Play, sender: str, group: str, more: dict[str, object]
) -> None:
    play.says(sender, "/pause 2h", group, **more)
    where, said = await play.chat.next()
    assert where == (f"group:{group}" if group else f"dm:{sender}")
    assert said.startswith("/pause 2h")
    assert play.accounts.supervisors[LANE].pauses == []


async def test_a_stranger_and_what_is_quoted_pause_nothing(play: Play) -> None:
    play.says(STRANGER, "/pause")
    assert (await play.chat.next())[0] == "dm:13"
    play.says(OWNER, "look at this", quote=Quote("q", STRANGER, "/pause", ""))
    assert await play.chat.next() == ("dm:11", "look at this")
    play.says(OWNER, "he wrote: /pause")
    assert await play.chat.next() == ("dm:11", "he wrote: /pause")
    assert play.accounts.supervisors[LANE].pauses == []


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("/approve", "Usage: /approve CODE"),
        ("/approve NOSUCHCODE", "no pending request has the code 'NOSUCHCODE'; see: openclaw pairing list"),
        ("/reject nobody", "no pending request has the code or id 'nobody'; see: openclaw pairing list"),
        ("/reject 99", "Rejected 99."),
        ("/pause 0s", "Usage: /pause or /pause 2h (30m, 2h, 1d)"),
        ("/pause 999999999d", "Usage: /pause or /pause 2h (30m, 2h, 1d)"),
        ("/draft 3", "Usage: /draft N ok or /draft N drop"),
        ("/draft 3 ok", "there is no draft 3; see: openclaw drafts list"),
        ("/RESUME", "Nothing was paused."),
    ],
)
async def test_each_command_is_answered_by_one_line(play: Play, text: str, answer: str) -> None:
    play.says(OWNER, text)
    where, said = await play.chat.next()
    assert where == "dm:11"
    assert said.startswith(answer)
    assert "\n" not in said


async def test_help_lists_them_for_owners(play: Play) -> None:
    play.says(OWNER, "/help")
    _, said = await play.chat.next()
    assert "/stop – stop the answer" in said
    assert "/pause [2h] – pause everything that leaves" in said


async def test_without_the_setting_they_are_words(tmp_path: Path) -> None:
    async with playing(tmp_path, ownerCommands=False) as play:
        play.notes("/pause")
        play.says(OWNER, "/pause")
        assert await play.chat.next() == ("dm:11", "/pause")
        assert play.accounts.supervisors[LANE].pauses == []


async def test_a_command_that_a_crash_interrupted_is_carried_out_after_it(tmp_path: Path) -> None:
    async with playing(tmp_path, ownerCommands=False) as play:
        account_store = play.accounts.supervisors[LANE].account_store
        assert account_store is not None
        await account_store.run(owner_texts.note, Own("default", "o", "", ME, "/pause", 0), play.house.ms)
    async with playing(tmp_path) as play:
        assert (await play.chat.next())[1].startswith("Paused: nothing is sent any more.")
        assert len(play.accounts.supervisors[LANE].pauses) == 1


@pytest.mark.parametrize("more", [{"forwarded": True}, {"attachments": (Attachment("photo"),)}], ids=str)
async def test_what_the_owner_only_passes_on_is_a_note(play: Play, more: dict[str, object]) -> None:
    play.notes("/pause", **more)
    play.notes("/resume")
    assert await play.chat.next() == ("dm:1", "Nothing was paused.")


async def test_a_forwarded_text_that_was_stored_undecided_is_still_forwarded() -> None:
    inbound = Inbound(
        "default", "m1", Thread(ThreadKind.DM, OWNER), OWNER, "Lan", "/pause", 1, forwarded=True
    )
    assert json.loads(inbound_body(inbound))["forwarded"] is True


async def test_where_nothing_may_leave_it_is_done_without_an_answer(tmp_path: Path) -> None:
    async with playing(tmp_path, outbound="off") as play:
        play.says(OWNER, "/pause 2h")
        play.says(OWNER, "hello")
        play.says(OWNER, "/resume")
        await until(lambda: len(play.reasons()) == 2)
        assert play.logged() == [("owner", "pause.pause"), ("owner", "pause.resume")]
        assert play.chat.sent.empty()
        assert play.reasons() == ["outbound_off", "outbound_off"]


async def test_where_the_owner_writes_by_hand_it_is_done_and_answered(tmp_path: Path) -> None:
    async with playing(tmp_path, ownerTakeover="30m") as play:
        play.notes("I am here myself", to=Thread(ThreadKind.DM, OWNER))
        play.says(OWNER, "hello")
        play.says(OWNER, "/pause 2h")
        assert (await play.chat.next())[1].startswith("Paused for 2h")
        play.notes("still here", to=Thread(ThreadKind.DM, OWNER))
        play.says(OWNER, "/resume")
        assert await play.chat.next() == ("dm:11", "Resumed.")
        play.says(LAN, "hi")
        assert await play.chat.next() == ("dm:12", "hi"), "hello was left to the owner"


async def test_the_command_that_sends_a_draft_does_not_make_it_stale(tmp_path: Path) -> None:
    async with playing(tmp_path, outbound="approve") as play:
        play.says(OWNER, "hello")
        number = await play.drafted()
        play.says(OWNER, f"/draft {number} ok")
        sent = {await play.chat.next(), await play.chat.next()}
        assert ("dm:11", "hello") in sent


@pytest.mark.parametrize("echoes", [True, False])
async def test_a_thread_with_oneself_that_does_not_come_back_is_known(play: Play, echoes: bool) -> None:
    play.chat.echoes = echoes
    play.notes("/resume")
    await play.chat.next()
    play.says(LAN, "hello")  # and what came before it is stored
    await play.chat.next()
    with play.accounts.store.read() as reader:
        assert reader.own_thread_silent_ms(LANE, ME, play.house.ms) is None
        later_ms = play.house.ms + owner_texts.WITHIN_MS + 1000
        assert (reader.own_thread_silent_ms(LANE, ME, later_ms) is None) is echoes
