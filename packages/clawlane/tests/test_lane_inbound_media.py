"""Files of messages at the seam of the channel: limits, retries, recalls, and what is pruned."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from packages.clawlane.tests.lane_bench import NOW, Bench, Wire, message, until

from clawlane.agents.contract import FileUse, TurnInput
from clawlane.capabilities import NotFetched
from clawlane.channel import Account
from clawlane.config.settings import ChannelSettings
from clawlane.lane.inbound_media import MOST_FILES, MediaLimits
from clawlane.messages import Attachment, Inbound, Quote, Reply, Thread, Undone
from clawlane.store.media_files import FilePlace, MediaFiles

JPEG = b"\xff\xd8\xff\xe0" + b"x" * 96
LIMITS = MediaLimits(100, 3600, 10_000)


@dataclass
class FetchingWire(Wire):
    """A wire whose files are as large as their titles say, 100 bytes without one."""

    fetched: list[str] = field(default_factory=list)
    slow: asyncio.Event | None = None

    async def fetch(self, account: Account, attachment: Attachment, path: Path, max_bytes: int) -> int:
        self.fetched.append(attachment.url)
        await asyncio.to_thread(path.write_bytes, JPEG[:50])
        if self.slow is not None:
            self.slow.set()
            await asyncio.Event().wait()
        size = int(attachment.title or 100)
        if size > max_bytes:
            raise NotFetched("too large")
        await asyncio.to_thread(path.write_bytes, JPEG[:size])
        return size


@dataclass
class Looking:
    """An agent that keeps what it was given, and fails as often as it is told to."""

    fails: int = 0
    use: FileUse = FileUse.ALL
    turns: list[TurnInput] = field(default_factory=list)

    def file_use(self, account: str, thread: Thread) -> FileUse:
        return self.use

    async def run(self, turn: TurnInput) -> Reply | None:
        self.turns.append(turn)
        for file in turn.files:
            assert file.path.stat().st_size == file.size
        if len(self.turns) <= self.fails:
            raise RuntimeError("not this time")
        return Reply("seen")


@pytest.fixture
def files(bench: Bench) -> MediaFiles:
    files = MediaFiles(bench.folder / "media")
    bench.media = (files, LIMITS)
    return files


def photos(*sizes: int, kind: str = "photo") -> Inbound:
    attachments = (Attachment(kind, str(size), f"https://{number}") for number, size in enumerate(sizes))
    return replace(message(1), attachments=tuple(attachments))


async def answered(bench: Bench, wire: Wire, agent: Looking, inbound: Inbound) -> TurnInput:
    async with bench.running(wire, agent):
        wire.incoming.put_nowait(inbound)
        await wire.sent(1)
    return agent.turns[-1]


async def test_a_retry_takes_the_files_that_are_there(bench: Bench, files: MediaFiles) -> None:
    wire, agent = FetchingWire(), Looking(fails=2)
    turn = await answered(bench, wire, agent, photos(100, 40))
    assert [(file.size, file.mime) for file in turn.files] == [(100, "image/jpeg"), (40, "image/jpeg")]
    assert [len(one.files) for one in agent.turns] == [2, 2, 2]
    assert wire.fetched == ["https://0", "https://1"]


async def test_a_turn_has_only_so_many_files_and_so_many_bytes(bench: Bench, files: MediaFiles) -> None:
    wire, agent = FetchingWire(), Looking()
    turn = await answered(bench, wire, agent, photos(*[10] * (MOST_FILES + 2)))
    assert len(turn.files) == MOST_FILES
    assert [one.why_not for one in turn.attached[-2:]] == [
        f"not fetched: only {MOST_FILES} files are fetched for a turn"
    ] * 2


async def test_all_files_of_a_turn_share_a_limit(bench: Bench, files: MediaFiles) -> None:
    wire, agent = FetchingWire(), Looking()
    turn = await answered(bench, wire, agent, photos(100, 100, 90, 30, 10))
    assert [bool(one.file) for one in turn.attached] == [True, True, True, False, True]
    assert turn.attached[3].why_not == "not fetched: too large"


@pytest.mark.parametrize("kind", ["link", "contact", "location", "sticker", "card", "news"])
async def test_an_address_that_is_no_file_is_never_asked(bench: Bench, files: MediaFiles, kind: str) -> None:
    wire, agent = FetchingWire(), Looking()
    turn = await answered(bench, wire, agent, photos(10, kind=kind))
    assert wire.fetched == []
    assert [one.why_not for one in turn.attached] == [""]


@pytest.mark.parametrize(
    ("use", "kinds"),
    [
        (FileUse.NOTHING, []),
        (FileUse.PICTURES, ["photo", "file"]),
        (FileUse.SOUND, ["voice"]),
        (FileUse.ALL, ["photo", "voice", "video", "file", "file"]),
    ],
)
async def test_only_what_the_agent_can_use_is_fetched(
    bench: Bench, files: MediaFiles, use: FileUse, kinds: list[str]
) -> None:
    class Named(FetchingWire):
        async def fetch(self, account: Account, attachment: Attachment, path: Path, max_bytes: int) -> int:
            return await super().fetch(account, replace(attachment, title="50"), path, max_bytes)

    given = [("photo", ""), ("voice", ""), ("video", ""), ("file", "a.JPG"), ("file", "a.zip")]
    attachments = tuple(Attachment(kind, title, "https://a") for kind, title in given)
    turn = await answered(bench, Named(), Looking(use=use), replace(message(1), attachments=attachments))
    assert [file.kind for file in turn.files] == kinds


async def test_a_channel_that_cannot_fetch_is_no_hindrance(bench: Bench, files: MediaFiles) -> None:
    turn = await answered(bench, Wire(), Looking(), photos(10))
    assert [one.why_not for one in turn.attached] == ["not fetched: this channel cannot fetch files"]


async def test_a_quoted_file_is_there_for_its_turn(bench: Bench, files: MediaFiles) -> None:
    quote = Quote("m0", "12", "", attachment=Attachment("photo", "", "https://q"))
    turn = await answered(bench, FetchingWire(), Looking(), replace(message(1), quote=quote))
    [file] = turn.files
    assert turn.attached[0].number is None
    assert not file.path.exists()


async def test_a_recall_in_mid_download_leaves_nothing(bench: Bench, files: MediaFiles) -> None:
    begun = asyncio.Event()
    wire, agent = FetchingWire(slow=begun), Looking()
    inbound = photos(10)
    async with bench.running(wire, agent):
        wire.incoming.put_nowait(inbound)
        await begun.wait()
        wire.incoming.put_nowait(Undone("default", inbound.thread, inbound.message_id, inbound.sender_id))
        await until(lambda: not list((bench.folder / "media").iterdir()))
    assert agent.turns == []


async def test_files_of_forgotten_messages_and_old_files_are_pruned(bench: Bench, files: MediaFiles) -> None:
    wire, agent = FetchingWire(), Looking()
    [kept] = (await answered(bench, wire, agent, photos(10))).files
    place = FilePlace("zalouser/default", 4711, 0, "x")
    scratch = files.scratch(place)
    scratch.write_bytes(b"x")
    orphan = files.keep(place, scratch, "txt")
    async with bench.running(FetchingWire(), agent):
        await until(lambda: not orphan.exists())
    assert kept.path.exists()
    bench.clock.ms = NOW * 100
    async with bench.running(FetchingWire(), agent):
        await until(lambda: not kept.path.exists())


def test_limits_come_from_the_settings() -> None:
    settings = ChannelSettings.model_validate({"mediaMaxMb": 0.5, "mediaKeep": "2h", "mediaKeepMb": 10})
    assert MediaLimits.of(settings) == MediaLimits(2**19, 7200.0, 10 * 2**20)
    assert MediaLimits.of(ChannelSettings()) == MediaLimits(20 * 2**20, 7 * 86400.0, 500 * 2**20)
