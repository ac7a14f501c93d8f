"""What an operator reads in Vietnamese: every line of a status, and how it fits a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from clawlane.alarm_kinds import AlarmKind
from clawlane.cli.alarms import lines as alarm_lines
from clawlane.cli.output import columns, echo_line, echo_wrapped
from clawlane.cli.verify import View
from clawlane.clock import now_ms
from clawlane.condition import Health, Phase, ProbeResult
from clawlane.credentials.profile import Consent
from clawlane.ops.account_status import (
    AccountStatus,
    ConfigStatus,
    Decisions,
    GatewayStatus,
    HeldReply,
    NameStatus,
    PairingCounts,
    PolicyStatus,
    QuietStatus,
    RetentionStatus,
    User,
    WarmUpStatus,
)
from clawlane.ops.alarm_info import AlarmInfo
from clawlane.ops.alert_text import alert_text
from clawlane.ops.findings import Finding, Severity
from clawlane.ops.pause import PauseInfo, TakeoverInfo
from clawlane.ops.problems import problems
from clawlane.ops.ritual.life import DECLINED
from clawlane.ops.ritual.steps import Instruction, Report, StepEnded, StepName, StepResult, StepState
from clawlane.ops.rules_from import GATEWAY, RulesFrom
from clawlane.ops.status import ChannelStatus, Status
from clawlane.ops.upgrade import UpgradeInfo
from clawlane.ops.verification_state import Verification, VerificationState
from clawlane.store.alerts import Alert, AlertKind
from clawlane.store.draft_told import DraftCount
from clawlane.store.told import Gap, PauseLevel
from clawlane.store.transaction import Noted
from clawlane.texts import in_locale, t
from clawlane.threads import ThreadKind
from clawlane.words.status import lines
from english import english

NOW = now_ms()
AGO = NOW - 3 * 86_400_000
LANE, LAN = "zalouser/default", "1471383327500481391"
EVIDENCE: dict[AlarmKind, dict[str, str | int | bool | list[str] | None]] = {
    AlarmKind.PLATFORM_WARNING: {"message": "7012345678901", "sender": LAN},
    AlarmKind.LOGIN_REFUSED: {"stage": "login_info", "last_ms": AGO},
    AlarmKind.KICKED: {"kicks": 2, "first_ms": AGO, "last_ms": AGO},
    AlarmKind.REFUSALS: {"threads": 3, "code": 123, "last_ms": AGO, "refused": [f"dm:{LAN}", "dm:222"]},
    AlarmKind.FRIENDS_FELL: {"before": 120, "now": 4, "fell_ms": AGO},
    AlarmKind.OUTBOUND_FAILS: {"failed": 6, "since_ms": AGO, "waiting": 4, "oldest_ms": AGO},
    AlarmKind.INBOUND_SILENT: {"missed": 3, "first_ms": AGO, "connected_ms": AGO, "pushed_ms": AGO},
    AlarmKind.NODE_LOST: {"node": "b", "gone_ms": AGO, "waiting": 2, "held_up": ["zalouser/a", "zalouser/b"]},
}


def alarm(number: int, kind: AlarmKind) -> AlarmInfo:
    return AlarmInfo(
        id=number,
        account=LANE,
        kind=kind,
        first_ms=AGO,
        last_ms=AGO,
        times=2,
        evidence=dict(EVIDENCE[kind]),
        open=True,
        ended_ms=None,
        acknowledged_ms=None,
        paused=True,
        command="openclaw why --last 20",
        page=kind.page,
        seen=False,
        source="",
    )


def troubled() -> AccountStatus:
    """An account with something in every row."""
    found = AccountStatus(
        id="default",
        profile="default",
        name="Cửa hàng hoa",
        enabled=True,
        linked=True,
        identity=User("42", "Nguyễn Thị Hoa"),
        consent=Consent("zalouser", "default", AGO, "42", "no", "terminal"),
        phase=Phase.READY,
        code="ready",
        since_ms=AGO,
        reason="",
        help="",
        auth=Health.OK,
        inbound=Health.BROKEN,
        outbound=Health.UNKNOWN,
        noticed_ms=90_000,
        skew_ms=-400_000,
        dm_policy=PolicyStatus("pairing", "built-in", "channels.zalouser.dmPolicy", None),
        group_policy=PolicyStatus("allowlist", "channel", "channels.zalouser.groupPolicy", 7),
        modes=[PolicyStatus("approve", "channel", "channels.zalouser.outbound", 9)],
        rehearsal="127.0.0.1:9000",
        last_inbound_ms=AGO,
        counters={"dm_paired": 12, "mention_required": 30},
        outbox={"queued": 2, "unknown": 1},
        too_old=3,
        gaps=[Gap(ThreadKind.DM, AGO, NOW, NOW), Gap(ThreadKind.GROUP, AGO, NOW, NOW)],
        pairing=PairingCounts(4, 2, 0),
        pauses=[
            PauseInfo(LANE, None, PauseLevel.OFFLINE, AGO, NOW, "platform_warning"),
            PauseInfo(LANE, f"dm:{LAN}", PauseLevel.MUTE, AGO, None),
        ],
        takeovers=[TakeoverInfo(LANE, f"dm:{LAN}", "Lan", AGO, NOW)],
        takeovers_off=True,
        waiting=3,
        expired=2,
        held=[HeldReply(f"dm:{LAN}", 2, "pacing.strangers", NOW, 4, aside=True)],
        decisions=Decisions(1, 2, 3),
        storing=Health.BROKEN,
        storing_reason="disk I/O error",
        names=[
            NameStatus("groups['Work Chat'].allowFrom", "Chị Hai Lúa ở chợ Bến Thành", state, (), AGO)
            for state in ("pinned", "unresolved", "ambiguous")
        ],
        findings=[Finding(one, "dm_nobody", "channels.zalouser.dmPolicy") for one in Severity],
        drafts=DraftCount(3, AGO, 2),
        verification=Verification(VerificationState.PARTLY, AGO, ("reply", "restart"), ("acks",)),
        probe=ProbeResult(ok=False, error="no answer", expired=True),
        address_book_ms=AGO,
        warm_up=WarmUpStatus(2, 7, 5, 20),
        quiet=QuietStatus("hold", NOW),
        upgrade=UpgradeInfo(LANE, AGO, "0.9", "1.0", ["opens: …"], waits=True),
        restored_ms=AGO,
        alarms=[alarm(number, kind) for number, kind in enumerate(AlarmKind)],
        retention=RetentionStatus(3, NOW + 86_400_000, [f"person {LAN}"]),
    )
    return replace(found, problems=list(problems(found)))


STATUS = Status(
    GatewayStatus(7, AGO, "1.0", 1 << 20, "abc"),
    {"zalouser": ChannelStatus("Zalo Personal", True, "default", {"default": troubled()})},
    ConfigStatus(applied_ms=AGO, error="config.json5:3:1: gateway.relaod: no such key", again_ms=NOW),
    ["main"],
)
RULES = RulesFrom(GATEWAY, "config.json5", True, "", False, True)


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """The status as it is printed into 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")

    def show(locale: str) -> list[str]:
        with in_locale(locale):
            for begin, text in lines(STATUS, RULES):
                echo_wrapped(text, begin, " " * len(begin) or "    ")
        return capsys.readouterr().out.splitlines()

    return show


def test_a_status_fits_80_columns_in_every_language(shown: Callable[[str], list[str]]) -> None:
    for locale in ("en", "vi"):
        printed = shown(locale)
        assert [line for line in printed if columns(line) > 80] == []
        assert not any("…" in line for line in printed if "opens" not in line), "something was cut"


def test_an_alarm_fits_80_columns_and_says_what_an_alert_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with in_locale("vi"):
        for kind in AlarmKind:
            for line in alarm_lines(alarm(1, kind)):
                echo_line(line)
        facts: dict[str, Noted] = {"alarm_kind": "kicked", "paused": True}
        told = alert_text(Alert(LANE, AlertKind.ALARM, "1", AGO, AGO, 2, facts))
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in printed if columns(line) > 80] == []
    assert "  bằng chứng 2 lần (mã đóng 3003); lần đầu 3 ngày trước; lần gần nhất 3 ngày" in printed
    assert told == (
        "CẢNH BÁO trên zalouser/default: nền tảng đã kết thúc phiên đăng nhập hai lần trong một giờ;"
        " tài khoản bị tắt tiếng (2 lần)"
    )


def test_a_ritual_fits_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with in_locale("vi"):
        steps = tuple(StepResult(one, StepState.SKIPPED, t(DECLINED), ms=90_000) for one in StepName)
        view = View()
        view.show(Instruction(StepName.STRANGER, t(DECLINED) * 3, "openclaw pairing list zalouser"))
        for one in steps:
            view.show(StepEnded(one))
        view.end(Report(LANE, AGO, "", "", False, steps))
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in printed if columns(line) > 80] == []
    assert printed[-1].startswith("Chưa chứng minh được gì (0 đạt, 0 không đạt, 12 bỏ qua")


def test_the_heads_of_a_status_leave_a_gap_before_what_they_name() -> None:
    with in_locale("vi"):
        heads = [begin for begin, _ in lines(STATUS, RULES) if begin.startswith("    ") and "→" not in begin]
    assert len(heads) > 40
    assert [head for head in heads if columns(head) != 15 or not head.endswith(" ")] == []


def test_nothing_of_a_vietnamese_status_is_english(shown: Callable[[str], list[str]]) -> None:
    by_platform = ("no such key", "no answer")
    assert [line for line in english(shown("vi")) if not any(one in line for one in by_platform)] == []
