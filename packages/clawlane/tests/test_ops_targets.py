"""Targets of the operator: how they may be written, and whom each means."""

from __future__ import annotations

import pytest

from clawlane.messages import Group, Person, Thread, ThreadKind
from clawlane.ops.operation import OpError
from clawlane.ops.targets import NobodyKnown, find_recipient, read_target
from clawlane.store.directory import Known

DM, GROUP = ThreadKind.DM, ThreadKind.GROUP
LAN, HUNG, NAMESAKE, BOTH = (
    "800000000000000001",
    "800000000000000002",
    "800000000000000003",
    "800000000000000009",
)
XOM, CHO = "900000000000000001", "900000000000000002"
KNOWN = Known(
    peers=(
        Person(LAN, "Trần Lan", ("Lan béo",)),
        Person(HUNG, "Hùng"),
        Person(NAMESAKE, "Hùng"),
        Person(BOTH, "Đạt"),
    ),
    groups=(Group(XOM, "Xóm"), Group(CHO, "Chợ"), Group(BOTH, "Đôi")),
    peers_ms=1,
    groups_ms=1,
)


def meant(written: str) -> Thread:
    target = read_target(written, ("zalouser", "zlu"), 15, "find it")
    return find_recipient(target, KNOWN, own_id="700000000000000001").thread


@pytest.mark.parametrize(
    "written",
    [
        f"user:{LAN}",
        f"User: {LAN} ",
        f" USER:{LAN}",
        f"dm:{LAN}",
        f"zalouser:user:{LAN}",
        f"ZLU:user:{LAN}",
        f"zlu: {LAN}",
        LAN,
        f"  {LAN}\t",
        "Trần Lan",
        "trần lan",
        "user:Trần Lan",
        "Tra\u0302\u0300n Lan",
        "Lan béo",
        "zalouser:Trần Lan",
    ],
)
def test_a_friend_can_be_written_in_many_ways(written: str) -> None:
    assert meant(written) == Thread(DM, LAN)


@pytest.mark.parametrize(
    "written", [f"group:{XOM}", f"Group:{XOM}", f"zlu:group:{XOM}", XOM, "Xóm", "group:xóm"]
)
def test_and_so_can_a_group(written: str) -> None:
    assert meant(written) == Thread(GROUP, XOM)


@pytest.mark.parametrize("written", ["user:1", "user:11", "user:123456789012345678", "user:0001"])
def test_anybody_can_be_named_with_a_prefix(written: str) -> None:
    assert meant(written) == Thread(DM, written.partition(":")[2])


def test_a_stranger_is_told_from_a_friend() -> None:
    known = [find_recipient(read_target(f"user:{id_}", (), 15), KNOWN).known for id_ in (LAN, "5")]
    assert known == [True, False]
    outside = find_recipient(read_target("group:77", (), 15), KNOWN)
    assert (outside.thread, outside.known) == (Thread(GROUP, "77"), False)


def test_the_prefix_decides_about_an_id_of_both() -> None:
    assert (meant(f"user:{BOTH}"), meant(f"group:{BOTH}")) == (Thread(DM, BOTH), Thread(GROUP, BOTH))


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("", "a target has 1 to 200 characters"),
        ("   ", "a target has 1 to 200 characters"),
        ("x" * 201, "a target has 1 to 200 characters"),
        ("user:", "names nobody"),
        ("zlu:group: ", "names nobody"),
        ("user:0", "is no id"),
        ("user:" + "9" * 33, "is no id"),
        ("+84 98 765 4321", "looks like a telephone number"),
        ("0987654321", "looks like a telephone number"),
        ("user:+84987654321", "looks like a telephone number"),
        ("tel: 0987654321", "looks like a telephone number"),
        ("８０００００００００００００００００１", "written with the digits 0 to 9"),
        ("user:٨٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠١", "written with the digits 0 to 9"),
        ("123456789012345678", "is no friend or group that the account knows"),
        (f"user:{XOM}", "is a group (Xóm)"),
        (f"group:{LAN}", "is a friend (Trần Lan)"),
        (BOTH, "is the id of a friend and of a group"),
        ("user:700000000000000001", "is the account itself"),
        ("Hùng", f"several are called 'Hùng': user:{HUNG} (Hùng), user:{NAMESAKE} (Hùng)"),
        ("hung", "no friend or group is called 'hung'"),
        ("Ai đó", "no friend or group is called 'Ai đó'"),
        ("group:Trần Lan", "no friend or group is called 'Trần Lan'"),
        ("file:///etc", "no friend or group is called"),
        (f"{LAN},{HUNG}", "no friend or group is called"),
    ],
)
def test_what_is_not_clear_is_refused(written: str, told: str) -> None:
    with pytest.raises(OpError) as refused:
        meant(written)
    assert told in str(refused.value)
    assert "\n" not in f"{refused.value}{refused.value.help}"


def test_close_names_are_proposed_with_their_ids() -> None:
    with pytest.raises(NobodyKnown) as refused:
        meant("lan")
    assert refused.value.help == f"did you mean user:{LAN} (Trần Lan)?"


def test_names_from_outside_cannot_control_the_terminal() -> None:
    known = Known(peers=(Person("1", "Evil\x1b[31m\nx"), Person("2", "Evil\x1b[31m\nx")), peers_ms=1)
    with pytest.raises(OpError) as refused:
        find_recipient(read_target("Evil\x1b[31m\nx", (), 15), known)
    assert "\x1b" not in str(refused.value)
    assert "\n" not in str(refused.value)
