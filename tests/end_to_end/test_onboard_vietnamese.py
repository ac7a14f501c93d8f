"""A newcomer with a Vietnamese terminal sets a lane up, and nothing on the screen is English."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from clawlane.config.source import read_source
from demo.stage import Operator, Simulator
from end_to_end.terminal import CTRL_C, DOWN, ENTER, TAB, Terminal, terminal
from tools.texts import LOCALES, PACKAGES, read

pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning"),  # a terminal needs a fork
]
_SENTENCE = 3
"""Words from which a text counts as a sentence; shorter ones may be names or keys."""


@pytest.fixture
def newcomer(zalo: Simulator, state: Path) -> Operator:
    operator = Operator.at(state, zalo.network)
    operator.env["LC_ALL"] = "vi_VN.UTF-8"
    return operator


def english() -> Iterator[str]:
    """The parts between the values of every sentence that has another text in Vietnamese."""
    for package in PACKAGES:
        for locale in LOCALES:
            for one in read(package, locale):
                said, other = map(_joined, (one.id, one.string or ""))
                for part in re.split(r"\{\w*[^}]*\}|%\(\w+\)s", said):
                    if len(part.split()) >= _SENTENCE and part.strip() not in other:
                        yield " ".join(part.split())


def _joined(forms: str | Sequence[str]) -> str:
    return forms if isinstance(forms, str) else " ".join(forms)


def test_a_whole_setup_says_nothing_in_english(newcomer: Operator, zalo: Simulator, state: Path) -> None:
    with terminal(newcomer.command("onboard"), newcomer.env, 80, 40) as screen:
        _walk(screen, zalo)
        screen.answer("Bạn muốn chạy gateway bằng cách nào?", CTRL_C)
        assert screen.ended() in (0, 130)
        said = " ".join(" ".join(screen.printed).split())
    assert [one for one in english() if one in said] == []
    source = read_source(state / "config.json5")
    assert source.data["locale"] == "vi"
    assert source.data["channels"]["zalouser"]["dmPolicy"] == "pairing"
    assert "// Tin nhắn riêng. 'pairing': người mới" in (state / "config.json5").read_text(encoding="utf-8")
    assert newcomer.run("config", "validate").returncode == 0


def _walk(screen: Terminal, zalo: Simulator) -> None:
    screen.answer("Cài @openclaw/zalouser?", "c", ENTER)
    screen.shows("Lời của những người chưa từng đồng ý")
    screen.answer("Bạn có chấp nhận rủi ro này không?", "có", ENTER)
    screen.answer("Nếu mất tài khoản này", "k", ENTER)
    screen.answer("Đăng nhập ngay bây giờ?", ENTER)
    screen.shows("Đang chờ quét")
    zalo.do("/scan")
    zalo.do("/confirm")
    screen.shows("Đã liên kết với Nguyễn Minh Anh")
    screen.answer("Ai được nhắn riêng cho tài khoản?", ENTER)
    screen.answer("đã đánh dấu 0", "tran thi lan", TAB, ENTER)
    screen.answer("Gửi mã ghép nối", ENTER)
    screen.answer("Làn trả lời nghe trong những nhóm nào?", DOWN, ENTER)
    screen.answer("đã đánh dấu 0", "lam viec", TAB, ENTER)
    screen.answer("Ai được nói trong Nhóm Làm Việc", ENTER)
    screen.answer("Thành viên của Nhóm Làm Việc", "hung", TAB, ENTER)
    screen.answer("Những gì agent viết được gửi đi thế nào?", ENTER)
    screen.answer("Giờ yên lặng, hoặc 'off'", ENTER)
    screen.answer("Múi giờ, để tính", ENTER)
    screen.answer("Ai trả lời?", ENTER)
    screen.answer("Báo cho mọi người biết", ENTER)
    screen.answer("Bạn muốn được báo bằng cách nào?", ENTER)
    screen.answer("Có nhận những lệnh như vậy", "không", ENTER)
    screen.answer("Khi nào một chỉnh sửa cấu hình có hiệu lực?", ENTER)
    screen.answer("Ghi ", ENTER)
    screen.shows("Chỉ bạn đọc được")
