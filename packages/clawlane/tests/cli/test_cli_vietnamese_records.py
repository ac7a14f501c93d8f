"""Backups, `forget`, `export` and both audits in Vietnamese: no line is English, and all fit 80 columns."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packages.clawlane.tests.cli.conftest import Perch
from packages.clawlane.tests.cli.test_cli_audit_log import LANE, WORK, cut, sent
from packages.clawlane.tests.cli.test_cli_live import gateway

from clawlane.cli.audit_log import fault_words
from clawlane.cli.output import columns
from clawlane.clock import now_ms
from clawlane.store.audit_told import Fault
from clawlane.texts import in_locale

SENTENCE = re.compile(r"[A-Za-z]{2,},? [A-Za-z]{2,}")
COMMAND = re.compile(r"^ *openclaw |^ +\d+ [KMG]?B ")
FAULTS = (
    *("changed", "missing", "order", "link", "tail", "head", "gap", "head_missing", "head_damaged"),
    *("rewritten", "anchor", "triggers", "expected", "unreadable"),
)


@pytest.fixture
def lane(perch: Perch, tmp_path: Path) -> Perch:
    """A linked account that wrote to somebody and to a group."""
    perch.setenv("CLAWLANE_BACKUP_PASSPHRASE", "mật khẩu sao lưu")
    perch.setenv("COLUMNS", "80")
    perch.setenv("HOME", str(tmp_path))
    perch.link()
    sent(perch, "một", "hai")
    sent(perch, "ba", thread=WORK)
    return perch


def said(perch: Perch, line: str, english: str = "") -> str:
    """What a command prints in Vietnamese: not a line of it is what it prints in English."""
    told = {}
    for locale, typed in (("en", english or line), ("vi", line)):
        perch.setenv("CLAWLANE_LOCALE", locale)
        found = perch(typed)
        told[locale] = (found.out + found.err).splitlines()
    same = [
        one for one in told["vi"] if one in told["en"] and SENTENCE.search(one) and not COMMAND.search(one)
    ]
    assert same == [], line
    wide = [one for one in told["vi"] if columns(one) > 80 and "/" not in one]
    assert wide == [], "only a path may be wider"
    return " ".join(" ".join(told["vi"]).split())


def test_a_backup_and_its_restore(lane: Perch, tmp_path: Path) -> None:
    file = tmp_path / "b"
    told = said(lane, f"backup {file} --force")
    assert f"Đã sao lưu vào {file} (" in told
    assert "kho dữ liệu, cấu hình, danh sách plugin, 1 lần chấp nhận rủi ro" in told
    listed = said(lane, f"restore --list {file}")
    assert "tài khoản parrot/default đăng nhập không" in listed
    for refused, why in (
        (f"backup {file}", "đã có rồi; hãy nêu tệp khác, hoặc thay tệp đó bằng --force"),
        (f"restore {file}", "không trống (audit); hãy khôi phục vào một thư mục trống"),
        (f"restore {tmp_path}/gone", "không đọc được"),
        (f"restore --list --force {file}", "--list không thay đổi gì"),
        (f"backup {file} --passphrase-file /dev/null", "không phải là tệp thông thường"),
    ):
        assert why in said(lane, refused), refused
    lane.setenv("CLAWLANE_STATE_DIR", str(tmp_path / "there"))
    restored = said(lane, f"restore {file} --force")
    assert "1. Hãy đăng xuất gateway cũ" in restored
    assert "3. Cho nó trả lời những gì mọi người viết từ đó trở đi: openclaw resume" in restored


def test_what_is_kept_of_a_person_and_removed(lane: Perch, tmp_path: Path) -> None:
    assert f"{LANE}: sẽ xóa mọi lời của người 11: " in said(lane, "forget --person 11 --dry-run")
    assert f"{LANE}: sẽ xóa mọi lời của nhóm 77: " in said(lane, "forget --group 77 --dry-run")
    assert said(lane, "forget").startswith("lỗi: hãy nêu cần xóa lời của ai")
    lane.setenv("CLAWLANE_LOCALE", "vi")
    assert lane("export --person 11").out.startswith(f"{LANE}: những gì đang giữ về người 11\n")
    assert "Tệp này chứa những gì mọi người đã viết." in said(
        lane, f"export --person 11 --output {tmp_path}/p"
    )
    lane.setenv("CLAWLANE_LOCALE", "vi")
    assert f"{LANE}: đã xóa mọi lời của người 11: 2 " in lane("forget --person 11").out.replace("\n  ", " ")
    assert said(lane, "forget --person 11").startswith("Ở đây không giữ lời nào của người 11.")


def test_the_record(lane: Perch, tmp_path: Path) -> None:
    assert said(lane, "audit show").startswith("SỐ THỜI GIAN LOẠI VIỆC BỞI CHI TIẾT")
    assert said(lane, "audit show --thread 99") == "Sổ ghi không có mục nào như vậy."
    assert said(lane, f"audit export --out {tmp_path}/r") == f"Đã ghi 4 mục vào {tmp_path}/r."
    assert f"{LANE}: 4 mục (1 đến 4), nguyên vẹn điểm cuối 4:" in said(lane, "audit verify")
    cut(lane, 2)
    assert "3 mục (1 đến 4), KHÔNG NGUYÊN VẸN thiếu mục 2 điểm cuối" in said(lane, "audit verify")
    assert "mã băm của điểm cuối có 64 chữ số" in said(lane, "audit verify --expect 2:ab")


def test_what_the_lanes_are_like(lane: Perch) -> None:
    told = said(lane, "security audit")
    assert re.search(r" \d phát hiện: .* lưu ý, .*; mã thoát 0$", told), told
    assert " rủi ro chấp nhận lúc " in told
    Path(lane.vault().where).write_bytes(b"no session")
    assert "phiên đăng nhập của parrot/default bị hỏng" in said(lane, "security audit")


@pytest.mark.parametrize("code", FAULTS)
@pytest.mark.parametrize(("last", "at_ms"), [(0, None), (9, None), (9, 1)])
def test_every_fault_of_a_record(code: str, last: int, at_ms: int | None) -> None:
    fault = Fault(LANE, code, 3, last, at_ms and now_ms())
    english = fault_words(fault)
    with in_locale("vi"):
        told = fault_words(fault)
    assert "mục 3" in told or "mục từ 3 đến 9" in told
    assert "entr" in english
    assert "entr" not in told


def test_an_error_of_the_gateway_is_said_in_the_language_of_the_command(lane: Perch) -> None:
    lane.setenv("CLAWLANE_LOCALE", "en")
    with gateway("is ready"):
        lane.setenv("CLAWLANE_LOCALE", "vi")
        refused = lane("forget --person Lan").err.replace("\n  ", " ")
        told = lane("forget --person 12").out
        unknown = lane("audit verify --expect x").err.replace("\n  ", " ")
    assert refused == "lỗi: 'Lan' không phải là ID; hãy tìm bằng: openclaw directory peers list\n"
    assert "- các bản sao lưu bạn đã làm, và các bản sao hay bản chụp của ổ đĩa\n" in told
    assert unknown.startswith("lỗi: 'x' không phải là điểm cuối: điểm cuối có dạng NUMBER:HASH")
