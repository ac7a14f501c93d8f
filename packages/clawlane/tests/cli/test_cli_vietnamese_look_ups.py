"""Config, directory, doctor, rules, agents, sessions and abilities in Vietnamese: no line is English."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from packages.clawlane.tests.cli.conftest import Perch
from packages.clawlane.tests.cli.test_cli_live import ASK, gateway
from packages.clawlane.tests.cli.test_cli_policy import in_store
from packages.clawlane.tests.cli.test_cli_sessions import DM, GROUP, remember

from clawlane.abilities import Ability, Off, Source
from clawlane.cli.capabilities import proven_lines
from clawlane.cli.output import columns, echo_wrapped
from clawlane.messages import Group, Person
from clawlane.ops.capabilities import Described, Proven
from clawlane.store import directory
from clawlane.texts import in_locale

SENTENCE = re.compile(r"[A-Za-z]{2,},? [A-Za-z]{2,}")
COMMAND = re.compile(r"^ *[-+@]|openclaw ")
DAY = 86_400_000


@pytest.fixture
def lane(perch: Perch) -> Iterator[Perch]:
    """A linked account that knows somebody and a group, and whose agent remembers two conversations."""
    perch.setenv("COLUMNS", "80")
    perch.setenv("LANGUAGE", "")  # a command sets it for click
    perch.configure("{ dmPolicy: 'allowlist', allowFrom: ['11', 'Chị Hai'], groups: { '55': {} } }")
    with in_locale("en"):
        perch.link()
        in_store(
            perch,
            (directory.keep_peers, [Person("11", "Trần Thị Lan")]),
            (directory.keep_groups, [Group("55", "Nhóm Làm Việc", 12)]),
        )
        remember(perch, DM, "chào", "dạ")
        remember(perch, GROUP, "@bot ơi", "dạ", before="mọi người ơi")
        yield perch


def said(perch: Perch, line: str) -> str:
    """What a command prints in Vietnamese: not a line of it is what it prints in English."""
    printed = {}
    for locale in ("vi", "en"):
        perch.setenv("CLAWLANE_LOCALE", locale)
        found = perch(line)
        printed[locale] = (found.out + found.err).splitlines()
    same = [one for one in printed["vi"] if one in printed["en"]]
    assert [one for one in same if SENTENCE.search(one) and not COMMAND.search(one)] == [], line
    assert [one for one in printed["vi"] if columns(one) > 80 and "/" not in one] == [], (
        "only a path is wider"
    )
    return " ".join(" ".join(printed["vi"]).split())


LOOKS = (
    ("channels capabilities", "Gửi và hiển thị: "),
    ("channels capabilities --enable wings", "lỗi: không có khả năng nào tên là 'wings'; những khả năng"),
    ("channels list", "[parrot] (thử nghiệm, không chính thức) default: đã bật, liên kết với"),
    ("config validate", "hợp lệ: "),
    ("config get --effective channels.parrot", "KHÓA"),
    ("config get --effective channels.parrot.allowFrom", "Lấy từ: channels.parrot.allowFrom, dòng 1"),
    ("config get --effective channels.parrot.wings", "lỗi: channels.parrot.wings không phải là khóa"),
    ("config get --account work", "lỗi: --channel và --account chỉ dùng cùng --effective"),
    ("config set channels.parrot.allowFrom ['12'] --dry-run", "ghi chú: channels.parrot.allowFrom mất 11, "),
    ("config set historyLimit -1", "lỗi: Không có tùy chọn '-1'; giá trị bắt đầu bằng dấu gạch"),
    ("config apply", "Không có gateway nào đang chạy; lần khởi động tới sẽ áp dụng tệp này."),
    ("config schema wings", "lỗi: wings không phải là khóa của cấu hình"),
    ("directory groups members 55 --group-id 66", "lỗi: '55' và '66' là hai nhóm khác nhau"),
    ("directory groups members", "lỗi: hãy ghi ID của nhóm"),
    ("doctor", "lưu ý"),
    ("doctor --fix --dry-run", "Không có gì trong tệp cấu hình sửa được; tệp vẫn như cũ."),
    ("policy explain --from user:12 --group 55", "một tin nhắn trong Nhóm Làm Việc (55) của 12, một người"),
    ("agent list", "main · echo trả lời mọi nơi không có binding nào nêu agent khác trạng thái tiếng vọng"),
    ("agent ask chào --agent wings", "lỗi: không có agent 'wings'"),
    ("sessions list", "CUỘC TRÒ CHUYỆN TÊN AGENT LƯỢT GẦN NHẤT"),
    ("sessions show 56", "lỗi: không agent nào nhớ gì về cuộc trò chuyện '56'"),
    ("sessions reset", "lỗi: hãy nêu một cuộc trò chuyện bằng --thread, hoặc tất cả bằng --all"),
)

CHANGES = (
    ("sessions show 55", "main trong group:55 (parrot/default)"),
    ("channels capabilities --disable album", "parrot/default: "),
    ("channels logout", "phiên đăng nhập đã được xóa khỏi máy này."),
    ("config set channels.parrot.dmPolicy pairing", "Đã ghi: "),
    ("sessions reset --thread 11", "main đã quên 1 lượt của dm:11 (parrot/default)."),
)


@pytest.mark.parametrize("lines", [LOOKS, CHANGES], ids=["looks", "changes"])
def test_a_command_says_it_in_vietnamese(lane: Perch, lines: tuple[tuple[str, str], ...]) -> None:
    told = {line: said(lane, line) for line, _ in lines}
    assert [(line, told[line]) for line, expected in lines if expected not in told[line]] == []


def test_what_a_gateway_refuses_and_what_it_lets_wait(lane: Perch) -> None:
    lane.configure("{ dmPolicy: 'pairing' }", ASK)
    with gateway("is ready"):
        refused = said(lane, "channels capabilities --enable text")
        unknown = said(lane, "config get --effective channels.parrot.wings")
        waits = said(lane, "config set channels.parrot.dmPolicy open")
        otherwise = said(lane, "policy explain --from user:12")
        again = said(lane, "sessions show 56")
        applied = said(lane, "config apply")
    assert refused.startswith("lỗi: không bật tắt được 'text'; những khả năng bật tắt được: undo, ")
    assert "các khóa có ở đó: " in unknown
    assert "phần còn lại chờ: openclaw config apply" in waits
    assert "gateway đang chạy quyết định khác: challenge (dm_pairing_required): " in otherwise
    assert again.startswith("lỗi: không agent nào nhớ gì về cuộc trò chuyện '56'")
    assert "bất kỳ ai được trả lời mà không cần mã ghép nối" in applied
    assert "Đang có hiệu lực: " in applied


def proven(ability: Ability, **stands: object) -> Proven:
    known = {
        "seen_ms": None,
        "last_ms": None,
        "verified_ms": None,
        "refusals": 0,
        "off": None,
        "off_ms": None,
    }
    return Proven(ability, "gửi ảnh", Source.REPORTED, "", "", True, **{**known, **stands})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (proven(Ability.PHOTO), "photo: gửi ảnh. Báo cáo công khai; chưa từng thấy hoạt động ở đây."),
        (proven(Ability.PHOTO, refusals=2), "; chưa từng thấy hoạt động ở đây, bị từ chối 2 lần."),
        (
            proven(Ability.PHOTO, seen_ms=DAY, last_ms=2 * DAY, verified_ms=DAY),
            "; thấy hoạt động ở đây từ 1970-01-02, lần gần nhất 1970-01-03, kiểm chứng ngày 1970-01-02.",
        ),
        (
            proven(Ability.ALBUM, off=Off.REFUSALS, off_ms=DAY),
            "; TẮT từ 1970-01-02: nền tảng đã từ chối 2 lần, nên ảnh được gửi từng tấm một; bật lại: ",
        ),
    ],
)
def test_what_is_proven_of_an_ability(one: Proven, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    head = ("parrot", "Parrot", "default", True, (), (), (), None, None, (), ())
    with in_locale("vi"):
        for line in proven_lines(Described(*head, "", (one,))):
            echo_wrapped(line)
    assert expected in capsys.readouterr().out
