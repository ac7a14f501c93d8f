"""Names and ids as they are typed into a setup, and whom they stand for."""

from __future__ import annotations

import pytest

from clawlane.config.senders import ListContext
from clawlane.messages import Group, Person
from clawlane.ops.setup_answers import EVERYBODY, Named
from clawlane.ops.setup_names import Directory, Doubt, find_group, find_sender

CONTEXT = ListContext(("zalouser", "zlu"), {}, 15)
LAN = Person("820000000000000002", "Trần Thị Lan", ("Lan Béo",), is_friend=True)
OTHER_LAN = Person("820000000000000005", "Trần Thị Lan", is_friend=True)
HUNG = Person("820000000000000003", "Lê Văn Hùng", is_friend=True)
WORK, WORK_2 = Group("910000000000000001", "Nhóm Làm Việc", 3), Group("910000000000000002", "Nhóm Chơi", 9)
KNOWN = Directory((LAN, OTHER_LAN, HUNG), (WORK, WORK_2))
NOBODY = Directory(known=False)


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("lê văn hùng", Named(HUNG.id, HUNG.name)),
        (" zlu: Lê Văn Hùng ", Named(HUNG.id, HUNG.name)),
        ("lan béo", Named(LAN.id, LAN.name)),
        (HUNG.id, Named(HUNG.id, HUNG.name)),
        ("820000000000000099", Named("820000000000000099")),
    ],
)
def test_an_exact_name_or_an_id_is_that_person(typed: str, wanted: Named) -> None:
    assert find_sender(typed, KNOWN, CONTEXT, anyone=False).found == wanted


@pytest.mark.parametrize(
    ("typed", "doubt", "candidates"),
    [
        ("Trần Thị Lan", Doubt.SEVERAL, (LAN, OTHER_LAN)),
        ("hung", Doubt.UNKNOWN, (HUNG,)),
        ("Le Van Hunh", Doubt.UNKNOWN, (HUNG,)),
        ("Ai Đó Xa Lạ", Doubt.UNKNOWN, ()),
        ("0987 654 321", Doubt.PHONE, ()),
        ("+84 987654321", Doubt.PHONE, ()),
        (WORK.id, Doubt.GROUP, (WORK,)),
        ("*", Doubt.EVERYBODY, ()),
        ("group:1", Doubt.MALFORMED, ()),
        ("", Doubt.MALFORMED, ()),
    ],
)
def test_anything_else_is_a_doubt_with_whoever_is_near(
    typed: str, doubt: Doubt, candidates: tuple[Person | Group, ...]
) -> None:
    found = find_sender(typed, KNOWN, CONTEXT, anyone=False)
    assert (found.found, found.doubt, found.candidates) == (None, doubt, candidates)


def test_everybody_may_speak_in_groups() -> None:
    assert find_sender("*", KNOWN, CONTEXT, anyone=True).found == EVERYBODY


def test_without_a_login_only_ids_are_known() -> None:
    assert find_sender(HUNG.id, NOBODY, CONTEXT, anyone=False).found == Named(HUNG.id)
    assert find_sender("Lê Văn Hùng", NOBODY, CONTEXT, anyone=False).doubt is Doubt.NOT_LOOKED_UP
    assert find_group("Nhóm Chơi", NOBODY, CONTEXT).doubt is Doubt.NOT_LOOKED_UP


@pytest.mark.parametrize("typed", ["nhóm làm việc", "nhom-lam-viec", WORK.id, f"group:{WORK.id}"])
def test_a_group_is_found_by_name_slug_or_id(typed: str) -> None:
    assert find_group(typed, KNOWN, CONTEXT).found == Named(WORK.id, WORK.name)


@pytest.mark.parametrize(
    ("typed", "doubt"),
    [(HUNG.id, Doubt.PERSON), ("*", Doubt.EVERYBODY), ("", Doubt.MALFORMED), ("nhóm", Doubt.UNKNOWN)],
)
def test_what_is_no_group_is_a_doubt(typed: str, doubt: Doubt) -> None:
    assert find_group(typed, KNOWN, CONTEXT).doubt is doubt
