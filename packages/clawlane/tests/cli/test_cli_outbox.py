"""`outbox list`, `sent` and dead letters: what waits and what left, with names, on a screen of 80 columns."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.clock import now_ms
from clawlane.config.choices import PairingReply
from clawlane.messages import Group, Inbound, Person, Reaction, Receipt, Text, Thread, ThreadKind
from clawlane.store import directory, due, inbox, operator_sends, sending, taken_back, turns
from clawlane.store.account_store import AccountStore
from clawlane.store.database import open_store
from clawlane.store.models import History, LostSend, NewMessage

LAN, XOM = Thread(ThreadKind.DM, "8200000000000000002"), Thread(ThreadKind.GROUP, "9100000000000000001")
STRANGER = Thread(ThreadKind.DM, "8200000000000000009")
LONG = "một câu dài hơn cả một dòng trên màn hình, để thấy nó được cắt ở đâu và có vỡ chữ nào không " * 2
ADMIT = Decision(Outcome.ADMIT, Reason.DM_OPEN, Rule("channels.parrot.dmPolicy", "channel"))


async def send_next(store: AccountStore, message_id: str) -> None:
    chunk = next(one for one in (await store.run(due.waiting)).chunks)
    await store.run(sending.begin, [chunk.id])
    await store.run(sending.sent, chunk.id, Receipt((message_id,)))


async def hear(store: AccountStore, thread: Thread, name: str) -> int:
    message = Inbound("default", f"m{name}", thread, thread.id, name, "chào", now_ms())
    [heard] = await store.run(inbox.admit_all, [NewMessage(message, ADMIT, PairingReply.CODE, now_ms())])
    await store.run(turns.start, heard.seq, History.INCLUDE)
    return int(heard.seq)


async def a_morning(store: AccountStore) -> None:
    """Four arrive, of which one is taken back; one may have arrived, the rest of it waits; one is queued."""
    await store.run(directory.keep_peers, [Person(LAN.id, "Trần Thị Lan")])
    await store.run(directory.keep_groups, [Group(XOM.id, "Nhóm Làm Việc")])
    await store.run(operator_sends.queue, [Text(LAN, LONG)])
    await send_next(store, "p1")
    await store.run(operator_sends.queue, [Reaction(XOM, "m9", "HEART", "c9")])
    await send_next(store, "p2")
    await store.run(turns.reply, await hear(store, STRANGER, "Người Lạ"), [Text(STRANGER, "chào bạn")])
    await send_next(store, "p3")
    await store.run(operator_sends.queue, [Text(LAN, "nhầm")])
    await send_next(store, "p4")
    await store.run(taken_back.forget, "p4")
    await store.run(operator_sends.queue, [Text(XOM, "một"), Text(XOM, "hai")])
    [chunk] = (await store.run(due.waiting)).chunks
    await store.run(sending.begin, [chunk.id])
    await store.run(sending.unknown, chunk.id, LostSend("no answer"))
    await store.run(operator_sends.queue, [Text(LAN, "sáng mai gặp")])


@pytest.fixture
def desk(perch: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    async def fill() -> None:
        paths = perch.paths
        async with (
            open_store(paths.store, paths.lock_file, now_ms) as opened,
            opened.own("parrot/default") as account_store,
        ):
            await a_morning(account_store)

    asyncio.run(fill())
    monkeypatch.setenv("COLUMNS", "80")
    return perch


def test_what_left_is_told_with_numbers_and_names(desk: Any) -> None:
    told = desk.shown("sent --since 1h")
    assert "to Trần Thị Lan (user:8200000000000000002), by the operator" in told
    assert "to Nhóm Làm Việc (group:9100000000000000001), by the operator, reaction" in told
    assert "to Người Lạ (user:8200000000000000009), reply" in told
    assert "may or may not have arrived" in told
    assert "sáng mai gặp" not in told, "it has not left"
    [found] = desk("sent --json").json
    fates = [(one["number"], one["kind"], one["state"], one["taken_back"]) for one in found["messages"]]
    assert fates == [
        (1, "text", "sent", False),
        (2, "reaction", "sent", False),
        (3, "text", "sent", False),
        (4, "text", "sent", True),
        (5, "text", "needs_decision", False),
    ]
    assert [one["message_ids"] for one in found["messages"]] == [["p1"], ["p2"], ["p3"], ["p4"], []]
    assert (found["messages"][0]["name"], found["messages"][3]["text"]) == ("Trần Thị Lan", "")


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        ("--thread group:9100000000000000001", [2, 5]),
        ("--thread người --channel parrot", None),
        ("--thread user:8200000000000000009", [3]),
        ("--thread 8200000000000000002 --account default", [1, 4]),
        ("--since 0s", []),
    ],
)
def test_what_left_can_be_asked_by_thread_and_time(
    desk: Any, options: str, numbers: list[int] | None
) -> None:
    done = desk(f"sent {options} --json")
    if numbers is None:
        assert (done.code, "no friend or group is called 'người'" in done.out) == (1, True)
        return
    assert [one["number"] for one in done.json[0]["messages"]] == numbers


def test_a_wrong_time_is_refused(desk: Any) -> None:
    done = desk("sent --since yesterday")
    assert (done.code, done.err) == (1, "error: --since must be a time such as '15m', '30s', '2h' or '1d'\n")


def test_what_waits_says_to_whom_and_why(desk: Any) -> None:
    assert "The gateway is not running, and nothing is sent" in desk.shown("outbox list")
    desk("pause --channel parrot --account default")
    told = desk.shown("outbox list --all")
    assert "needs a decision" in told
    assert "to Nhóm Làm Việc (group:9100000000000000001), by the operator, part 2 of 2" in told
    assert "paused; to go on: openclaw resume --channel parrot --account default" in told
    assert [one["paused"] for one in desk("outbox list --json").json[0]["messages"]] == [False, True, True]


@pytest.mark.parametrize(
    "line",
    ["pause --thread dm:8200000000000000002 --for 2h", "resume", "pairing reject parrot 820000000000000002"],
)
def test_what_a_command_did_fits_the_screen(desk: Any, line: str) -> None:
    desk("pause")
    desk.shown(line)
