"""What waits, what left, drafts and dead letters in Vietnamese: in 80 columns, and no line in English."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from packages.clawlane.tests.cli.test_cli_live import gateway
from packages.clawlane.tests.cli.test_cli_outbox import LAN, STRANGER, a_morning, hear

from clawlane.cli.output import columns
from clawlane.cli.recall import recall
from clawlane.clock import now_ms
from clawlane.messages import Text
from clawlane.ops.client import Client
from clawlane.ops.messages import Sent
from clawlane.ops.recall import FindRecallable
from clawlane.store import drafts, operator_sends, turns, unknown_sends
from clawlane.store.account_store import AccountStore
from clawlane.store.database import open_store
from clawlane.texts import ENGLISH, VIETNAMESE, in_locale
from clawlane.words.send_states import REASONS, reason_words
from english import english

SOURCE = Path(__file__).parents[2] / "src/clawlane"


async def an_afternoon(store: AccountStore) -> None:
    """Three drafts, of which one has expired and one is stale; a message was set aside, another dropped."""
    day = drafts.NewDraft("channels.parrot.outbound", 86_400_000)
    for name, life in (("Nam", day), ("Hoa", drafts.NewDraft(day.rule, 0)), ("Mai", day)):
        turn = await hear(store, STRANGER, name)
        await store.run(drafts.reply, turn, [Text(STRANGER, f"chào {name}") for _ in range(4)], life)
    aside = await hear(store, LAN, "Lan")
    await store.run(turns.fail, aside, turns.CRASHED, final=True)
    [number] = await store.run(operator_sends.queue, [Text(LAN, "thôi")])
    await store.run(unknown_sends.drop, number)


@pytest.fixture
def desk(perch: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    async def fill() -> None:
        paths = perch.paths
        async with (
            open_store(paths.store, paths.lock_file, now_ms) as opened,
            opened.own("parrot/default") as account_store,
        ):
            await a_morning(account_store)
            await an_afternoon(account_store)

    asyncio.run(fill())
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("CLAWLANE_LOCALE", VIETNAMESE)
    return perch


@pytest.mark.parametrize("live", [False, True])
def test_what_a_message_is_is_said_for_programs_too(desk: Any, live: bool) -> None:
    desk.link()
    with gateway("is ready") if live else nullcontext():
        [found] = desk("sent 2 --json").json
    assert found["messages"][0]["text"] == "(biểu cảm HEART)"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("outbox list --all", "cần bạn quyết định"),
        ("outbox list --all", "do người vận hành gửi, phần 2/2"),
        ("outbox list --all", "người vận hành đã bỏ"),
        ("sent --since 1h", "(biểu cảm HEART)"),
        ("sent --since 1h", "tới Nhóm Làm Việc (group:9100000000000000001), do người vận hành"),
        ("sent --since 0s", "Không có tin nào được gửi trong 0s vừa qua."),
        ("drafts list", "Còn 1 bản nháp đã hết hạn: openclaw drafts list --expired"),
        ("drafts list --expired", "Còn 2 bản nháp đang chờ: openclaw drafts list"),
        ("channels dead-letters list", "gateway gặp sự cố trong lúc trả lời tin này"),
    ],
)
def test_what_waits_and_what_left_is_told_in_vietnamese(desk: Any, line: str, said: str) -> None:
    told = desk(line)
    assert (told.code, english(told.out)) == (0, []), told.err
    assert [line for line in told.out.splitlines() if columns(line) > 80] == []
    assert said in " ".join(told.out.split())


def test_drafts_are_shown_and_decided_in_vietnamese(desk: Any) -> None:
    desk.configure("{ dmPolicy: 'open', allowFrom: ['*'] }")
    numbers = [one["number"] for one in desk("drafts list --json").json[0]["drafts"]]
    [expired] = [one["number"] for one in desk("drafts list --expired --json").json[0]["drafts"]]
    for line in (f"show {numbers[0]}", f"revive {expired}", f"edit {expired} --text chào", f"drop {expired}"):
        assert english(desk.shown(f"drafts {line}")) == []
    stale = desk(f"drafts approve {numbers[0]}")
    assert (stale.code, english(stale.err)) == (1, [])
    assert "chưa được gửi: cuộc trò chuyện đó đã có tin mới hơn" in " ".join(stale.err.split())
    assert english(desk.shown(f"drafts approve {numbers[0]} --stale-ok")) == []
    desk.configure("{}")
    refused = desk(f"drafts approve {numbers[1]}")
    assert (refused.code, english(refused.err)) == (1, [])
    assert "người gửi không còn được phép nhắn (channels.parrot.dmPolicy)" in " ".join(refused.err.split())
    gone = desk(f"drafts drop {expired}")
    assert gone.err.startswith(f"lỗi: bản nháp {expired} đã được quyết định rồi; xem: openclaw drafts list")


def test_a_run_that_takes_back_says_first_what_it_would_do(desk: Any, capsys: Any) -> None:
    with in_locale(VIETNAMESE):
        found = FindRecallable(Sent("parrot", None, 0))
        assert recall(Client(), found, yes=False, dry_run=True, as_json=False) == 1
    told = capsys.readouterr().out
    assert english(told) == []
    assert "Chạy thử: 2 tin sẽ được thu hồi. Chưa làm gì cả." in told


REFUSED = {
    "outbox resend 999": "không có tin 999; xem: openclaw outbox list",
    "outbox drop 1": "trạng thái của tin 1 là: đã gửi, nên không bỏ được",
    "drafts show 999": "không có bản nháp 999; xem: openclaw drafts list",
    "channels dead-letters drop m999": "không có tin 'm999' nào được để riêng",
    "sent 999 --recall": "kênh đó không có tin đã gửi nào mang số 999",
}


def test_what_the_gateway_refuses_is_said_in_the_language_of_the_command(desk: Any) -> None:
    desk.link()
    with gateway("is ready"):
        for line, said in REFUSED.items():
            told = desk(line)
            assert (told.code, english(told.err)) == (1, [])
            assert said in " ".join(told.err.split())
        desk.setenv("CLAWLANE_LOCALE", ENGLISH)
        assert all(english(desk(line).err) for line in REFUSED)


def test_a_reason_is_said_with_its_parts_and_words_of_a_platform_stay() -> None:
    with in_locale(VIETNAMESE):
        assert reason_words("no answer; nothing showed whether it arrived") == (
            "no answer; không có gì cho thấy tin đã tới hay chưa"
        )
    assert reason_words(REASONS[0]) == REASONS[0]


def test_the_reasons_that_are_translated_are_those_that_the_store_keeps() -> None:
    code = "".join(
        file.read_text(encoding="utf-8")
        for part in ("store", "lane")
        for file in (SOURCE / part).glob("*.py")
    )
    assert [one for one in REASONS if one not in code] == []
