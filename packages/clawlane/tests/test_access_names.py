"""Names: how they are compared at a look-up, what a pin is worth, and when messages can be decided."""

from __future__ import annotations

import unicodedata

import pytest

from clawlane.access.allowlists import Allowlist, GroupRule, GroupTable
from clawlane.access.decision import Rule
from clawlane.access.names import ConfigName, NameList, Pin, Pins, PinState, fold_name, slug
from clawlane.access.policy import AccessPolicy, Grants, ready_to_decide

HOA = ConfigName(NameList.ALLOW_FROM, "Chị Hoa")
WORK = ConfigName(NameList.GROUPS, "Work Chat")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Work Chat", "work-chat"),
        ("work-chat", "work-chat"),
        ("#Work   Chat!!", "work-chat"),
        ("Nhóm Việt", "nhom-viet"),
        ("Đà Nẵng 2026", "da-nang-2026"),
        ("ĐƯỜNG đua", "duong-dua"),
        ("Hội yêu 🐱 mèo", "hoi-yeu-meo"),
        ("nghiêng ngả – Ồ Ạ Ỷ", "nghieng-nga-o-a-y"),
        ("工作群", ""),
        ("🎉", ""),
        ("", ""),
    ],
)
def test_a_slug(name: str, expected: str) -> None:
    assert slug(name) == expected
    assert slug(unicodedata.normalize("NFD", name)) == expected
    assert slug(expected) == expected


def test_exact_means_the_same_letters_in_any_case_and_encoding() -> None:
    assert fold_name("NHÓM Việt ") == fold_name(unicodedata.normalize("NFD", "nhóm việt"))
    assert fold_name("Nhóm Việt") != fold_name("Nhom Viet")
    assert fold_name("Work Chat") != fold_name("Work  Chat")


@pytest.mark.parametrize(
    ("ids", "state", "user_id"),
    [((), PinState.UNRESOLVED, ""), (("5",), PinState.PINNED, "5"), (("5", "6"), PinState.AMBIGUOUS, "")],
)
def test_only_one_match_is_a_pin(ids: tuple[str, ...], state: PinState, user_id: str) -> None:
    pin = Pin(HOA, ids)
    assert (pin.state, pin.id) == (state, user_id)
    assert [found.name for found in Pins.of([pin]).on(NameList.ALLOW_FROM, "5")] == ([HOA] if user_id else [])


@pytest.mark.parametrize("bad", ["", "*", "x5", "5\n"])
def test_a_pin_to_something_that_is_no_id_matches_nothing(bad: str) -> None:
    pins = Pins.of([Pin(HOA, (bad,))])
    assert pins.on(NameList.ALLOW_FROM, bad) == ()
    assert not Allowlist.of(["Chị Hoa"], NameList.ALLOW_FROM).includes(bad, pins)


def test_a_pin_counts_only_while_its_entry_is_in_its_list() -> None:
    pins = Pins.of([Pin(HOA, ("5",))])
    assert Allowlist.of(["Chị Hoa"], NameList.ALLOW_FROM).includes("5", pins)
    assert not Allowlist.of(["Anh Ba"], NameList.ALLOW_FROM).includes("5", pins)
    assert not Allowlist.of(["Chị Hoa"], NameList.GROUP_ALLOW_FROM).includes("5", pins)
    assert not Allowlist.of(["Chị Hoa"]).includes("5", pins)


def test_a_list_tells_ids_names_and_anyone_apart() -> None:
    entries = Allowlist.of(["Chị Hoa", " 42 ", "Chị Hoa", "٤٢", ""], NameList.ALLOW_FROM)
    assert entries.names == ("Chị Hoa", "٤٢")
    assert "42" in entries
    assert "٤٢" not in entries
    assert not entries.empty
    assert Allowlist.of([]).empty


TWO_NAMES = AccessPolicy(
    allow=Allowlist.of(["Chị Hoa", "7"], NameList.ALLOW_FROM),
    group_table=GroupTable.of([GroupRule("Work Chat", Rule("groups")), GroupRule("777", Rule("groups"))]),
)
BOTH = Pins.of([Pin(HOA, ("5",)), Pin(WORK)])


def test_a_policy_tells_which_names_need_a_look_up() -> None:
    assert TWO_NAMES.names_to_pin() == (HOA, WORK)


@pytest.mark.parametrize(
    ("grants", "waited_ms", "expected"),
    [
        pytest.param(Grants("100", pins=BOTH), 0, True, id="own id and every look-up, whatever it found"),
        pytest.param(Grants("", pins=BOTH), 0, False, id="own id unknown"),
        pytest.param(Grants("100", pins=Pins.of([Pin(HOA, ("5",))])), 0, False, id="a name not looked up"),
        pytest.param(Grants("100", pins=BOTH), 19_999, True, id="earlier than the deadline"),
        pytest.param(Grants(), 19_999, False, id="just before the deadline"),
        pytest.param(Grants(), 20_000, True, id="at most 20 s"),
    ],
)
def test_messages_wait_for_own_id_and_pins(grants: Grants, waited_ms: int, expected: bool) -> None:
    assert ready_to_decide(TWO_NAMES, grants, waited_ms) is expected


def test_without_names_the_own_id_is_enough() -> None:
    assert ready_to_decide(AccessPolicy(), Grants("100"))
