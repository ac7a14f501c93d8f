"""What `message` says of what was sent: in Vietnamese, and in lines of 80 columns."""

from __future__ import annotations

from typing import Any

import pytest

from clawlane.channel import Capability
from clawlane.cli.message_report import report
from clawlane.cli.output import columns
from clawlane.messages import Thread, ThreadKind
from clawlane.ops.client import Client
from clawlane.ops.message import Outcomes, Part, Queued, SendWarning
from clawlane.store.operator_sends import ChunkStatus
from clawlane.store.states import ChunkState
from clawlane.texts import in_locale
from english import english

LANE, LAN = "zalouser/default", "1471383327500481391"
KINDS = (Capability.TEXT, Capability.PHOTO, Capability.REACTION, Capability.UNDO)


class Answering(Client):
    """A client for which every question has the same answer."""

    def __init__(self, found: Outcomes) -> None:
        super().__init__()
        self._found = found

    def call(self, request: Any) -> Any:
        return self._found


def queued(states: list[ChunkState], paused: str = "") -> tuple[Queued, Outcomes]:
    """What was queued, of several kinds, and what became of it."""
    thread = Thread(ThreadKind.DM, LAN)
    parts = tuple(Part(number, KINDS[number % 4], "xin chào") for number, _ in enumerate(states, 1))
    told = tuple(
        ChunkStatus(number, thread, state, "", ("7012345678901",), 1, None, needs_decision=False)
        for number, state in enumerate(states, 1)
    )
    whole = Queued(LANE, f"user:{LAN}", "Nguyễn Thị Hoa", parts, tuple(SendWarning), paused, cancelled=1)
    return whole, Outcomes(told, paused)


def shown(capsys: pytest.CaptureFixture[str], states: list[ChunkState], paused: str = "") -> list[str]:
    sent, found = queued(states, paused)
    with in_locale("vi"):
        report(Answering(found), sent, 1, as_json=False)
        report(Answering(found), sent, 1, as_json=False, dry_run=True)
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("paused", ["", "openclaw resume --channel zalouser"])
def test_what_became_of_messages_is_said_in_vietnamese(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, paused: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    printed = shown(capsys, list(ChunkState), paused) + shown(capsys, [ChunkState.SENT])
    assert [line for line in printed if columns(line) > 80] == []
    assert english(printed) == []


def test_a_message_that_has_arrived_takes_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    sent, found = queued([ChunkState.SENT])
    plain = Queued(LANE, sent.target, sent.name, (Part(1, Capability.TEXT, "xin chào"),))
    with in_locale("vi"):
        assert report(Answering(found), plain, 1, as_json=False) == 0
    assert capsys.readouterr().out == (
        f"đã tới: tin 7012345678901, hàng chờ gửi: số 1 · Nguyễn Thị Hoa (user:{LAN})\n"
    )


def test_a_program_reads_the_states_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    sent, found = queued([ChunkState.REFUSED])
    with in_locale("vi"):
        assert report(Answering(found), sent, 1, as_json=True) == 1
    printed = capsys.readouterr().out
    assert '"state": "refused"' in printed
    assert '"kind": "photo"' in printed
