"""`import` and `config import` in Vietnamese: what would come over, what would not, and what ends them."""

from __future__ import annotations

import os
import pty
import sys
from pathlib import Path

import pytest

from clawlane.clock import now_ms
from clawlane.store.sqlite.marker import IMPORTING
from openclaw_home import OpenClawHome, tree

CONFIG = """\
{
  meta: { lastTouchedVersion: '2026.9.6' },
  gateway: { port: 1 },
  channels: {
    telegram: { botToken: '123:abc' },
    parrot: { dmPolicy: 'open', allowFrom: ['100000000000001'], nonsense: 1, groups: { '900': {} } },
  },
}
"""
BINH, HOA = "100000000000002", "100000000000003"


@pytest.fixture
def home(perch, tmp_path: Path) -> OpenClawHome:
    perch.setenv("CLAWLANE_LOCALE", "vi")
    made = OpenClawHome.at(tmp_path / "openclaw", CONFIG)
    made.allow("parrot", [BINH, "*", 1471383327500481391])
    made.allow("parrot", [BINH], "work")
    waiting = made.request(HOA, "ABCDEFGH", now_ms() - 60_000, "Hoa")
    made.pend("parrot", waiting, {"id": "7"}, made.request("8", "ABCDEFGJ", 1))
    return made


@pytest.mark.parametrize("here", [None, "{ dmPolicy: 'pairing', allowFrom: ['7'] }"])
def test_no_line_about_an_import_is_english(perch, home: OpenClawHome, here: str | None) -> None:
    perch.paths.config_file.unlink() if here is None else perch.configure(here)
    line = f"import {home.root} --dry-run"
    vietnamese = perch(line).out.splitlines()
    perch.setenv("CLAWLANE_LOCALE", "en")
    english = perch(line).out.splitlines()
    same = [one for one in vietnamese if one in english]
    assert [one for one in same if one[:3] not in ("  @", "  +", "  -")] == []
    assert len(vietnamese) == len(english) > 12


def test_an_import_fits_80_columns_and_says_what_is_done(perch, home: OpenClawHome) -> None:
    perch.paths.config_file.unlink()
    perch.setenv("COLUMNS", "80")
    told = perch(f"import {home.root} --yes")
    told.out = told.out.replace(str(home.root), "…").replace(str(perch.paths.state), "…")
    assert [line for line in told.out.splitlines() if len(line) > 80] == []
    for line in (
        "bỏ ra: channels.telegram (dòng 5): OpenClaw có kênh này, clawlane thì không",
        "bỏ ra: người gửi của parrot/work: cấu hình không có tài khoản này",
        f"Vẫn chờ, với mã đang có: Hoa ({HOA})",
        "Đã nhập: 1 người được chấp thuận, 1 người đang chờ.",
        "Kiểm tra thiết lập: clawlane doctor",
    ):
        assert line in told.out.splitlines()
    assert "Không có gì để nhập" in perch(f"import {home.root}").out


def test_what_programs_read_has_its_sentences_in_vietnamese(perch, home: OpenClawHome) -> None:
    [told] = perch(f"import {home.root} --dry-run --json").json
    no_section = "OpenClaw có phần này, clawlane thì không"
    assert told["left_out"][0] == {"path": "meta", "line": 2, "reason": no_section}
    assert told["left_out"][-1]["path"] == "người gửi của parrot/work"
    only = "chỉ có hiệu lực khi dmPolicy là 'pairing'; hiện là 'allowlist'"
    assert told["widens"][0] == f"parrot/default: 1 người được chấp thuận ({only}): {BINH}"


def test_an_import_is_agreed_to_in_vietnamese(
    perch, home: OpenClawHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(perch.paths.state)
    for typed, done in ((b"k\n", False), (b"c\xc3\xb3\n", True)):
        ours, theirs = pty.openpty()
        os.write(ours, typed)
        with os.fdopen(theirs, encoding="utf-8") as keyboard:
            monkeypatch.setattr(sys, "stdin", keyboard)
            told = perch(f"import {home.root}")
        os.close(ours)
        assert "Nhập những thứ này? [có/Không]" in told.out
        assert (told.code == 0, "chưa nhập gì" in told.err) == (done, not done)
        assert (tree(perch.paths.state) == before) is not done


def test_what_ends_an_import_is_said_in_vietnamese(perch, home: OpenClawHome) -> None:
    file = home.write("parrot-allowFrom.json", '{"allowFrom": [], "allowFrom": ["1"]}')
    assert perch(f"import {home.root}").err == (
        f"lỗi: {file} không phải JSON dùng được: trong đó có một khóa xuất hiện hai lần; chưa nhập gì\n"
    )
    file.unlink()
    file.symlink_to(file)
    assert perch(f"import {home.root}").err == f"lỗi: {file} là liên kết không dẫn tới đâu; chưa nhập gì\n"
    nowhere = home.root / "nowhere"
    assert perch(f"import {nowhere}").err == (
        f"lỗi: không có thư mục {nowhere}; hãy nêu thư mục trạng thái của OpenClaw\n"
    )
    cut_off = perch.paths.state / IMPORTING
    cut_off.write_text("{")
    told = perch(f"import {home.root}").err
    assert told.startswith(f"lỗi: không dùng được {cut_off}: ")
    assert told.endswith("; hãy xóa tệp đó, rồi nhập lại\n")


def test_a_config_comes_over_in_vietnamese(perch, home: OpenClawHome) -> None:
    given, here = home.root / "openclaw.json", perch.paths.config_file
    assert perch(f"config import {given}").err == (
        f"lỗi: {here} đã có rồi; --force sẽ thay tệp này, và giữ bản cũ là ….bak\n"
    )
    told = perch(f"config import {given} --force")
    assert told.out.splitlines() == [
        f"Đã ghi: {here} (bản trước: {here}.bak)",
        "Không có gateway nào đang chạy; lần khởi động tới sẽ áp dụng.",
        "Hãy xem lại tệp, rồi kiểm tra thiết lập: openclaw doctor",
    ]
    assert told.err.splitlines()[-1].startswith("đã đổi: channels.parrot.dmPolicy (dòng 6): 'open' mà không")
