"""Direct messages: rows S24 to S37."""

from __future__ import annotations

import re

import pytest

from checklist.desk import Desk

BIG = "1471383327500481391"
pytestmark = pytest.mark.long


@pytest.mark.row("S24")
def test_pairing_is_what_holds_where_nothing_is_said(desk: Desk) -> None:
    desk.write("{ channels: { zalouser: {} } }")
    told = desk.json("config", "get", "--effective", "channels.zalouser.dmPolicy")
    [told] = told["values"]
    assert (told["value"], told["origin"]) == ("pairing", "built-in")


@pytest.mark.row("S25")
def test_another_word_is_refused_with_the_four(desk: Desk) -> None:
    told = desk.refused("config", "set", "channels.zalouser.dmPolicy", "everyone")
    for word in ("pairing", "allowlist", "open", "disabled"):
        assert word in told


@pytest.mark.row("S26", "S27", "S28", "S29", "S30", "S63")
def test_a_stranger_is_challenged_approved_and_answered_and_nobody_else_is(desk: Desk) -> None:
    desk.channel("dmPolicy: 'pairing', groupPolicy: 'disabled'")
    desk.listen()
    lan, minh = desk.person("Lan"), desk.person("Minh")
    message = desk.says(lan, "Chào anh")
    challenge = desk.reply(lan)["text"]
    [code] = re.findall(r"\b[A-HJ-NP-Z2-9]{8}\b", challenge)
    assert desk.decision(message)["reason"] == "dm_pairing_required"
    told = desk.ok("pairing", "list", "zalouser")
    for part in (code, lan, "Lan"):
        assert part in told
    desk.ok("pairing", "approve", "zalouser", code.lower())
    desk.refused("pairing", "approve", "zalouser", code)
    desk.says(lan, "Em hỏi lại")
    assert "Em hỏi lại" in desk.reply(lan)["text"]
    desk.says(minh, "Còn em?")
    assert re.search(r"\b[A-HJ-NP-Z2-9]{8}\b", desk.reply(minh)["text"])
    assert desk.explained(lan)["reason"] == "dm_paired"


@pytest.mark.row("S31", "S33")
def test_allowlist_and_disabled_do_not_ask_the_pairings(desk: Desk) -> None:
    approved = desk.json("pairing", "approved", "zalouser")["approved"][0]["sender_id"]
    desk.channel(f"dmPolicy: 'allowlist', allowFrom: ['{BIG}']")
    assert desk.explained(BIG)["reason"] == "dm_allowlisted"
    assert desk.explained(approved)["reason"] == "dm_not_allowlisted"
    desk.channel("dmPolicy: 'disabled'")
    message = desk.says(approved, "Còn ai không?")
    assert desk.decision(message)["reason"] == "dm_disabled"
    stranger = desk.person("Vy")
    desk.decision(desk.says(stranger, "Alo"))
    assert desk.sent_to(stranger) == []


@pytest.mark.row("S32")
def test_open_is_written_only_with_its_critical_finding(desk: Desk) -> None:
    told = desk.ok("config", "set", "channels.zalouser.dmPolicy", "open")
    assert "critical" in told
    assert desk.explained("555000111222333444")["reason"] == "dm_open"
    found = {one["code"]: one["severity"] for one in desk.json("security", "audit")["findings"]}
    assert found["dm_open"] == "critical"


@pytest.mark.row("S34")
def test_ids_stand_as_numbers_or_texts_and_keep_every_digit(desk: Desk) -> None:
    for entry in (BIG, f"'{BIG}'", f"'zalouser:{BIG}'"):
        desk.channel(f"dmPolicy: 'allowlist', allowFrom: [{entry}]")
        desk.ok("config", "validate")
        assert desk.explained(BIG)["reason"] == "dm_allowlisted"
        assert desk.explained(BIG[:-2] + "00")["reason"] == "dm_not_allowlisted"
    desk.ok("config", "set", "channels.zalouser.allowFrom", f"[{BIG}]")
    assert BIG in (desk.state / "config.json5").read_text()


@pytest.mark.row("S36", "S37", "S78")
def test_a_name_that_nobody_has_is_reported_and_one_that_fits_becomes_an_id(desk: Desk) -> None:
    hoa = desk.person("Trần Thị Hoa", friend=True)
    desk.channel("dmPolicy: 'allowlist', allowFrom: ['Trần Thị Hoa', 'Không Ai Cả']")
    desk.gateway.said("'Không Ai Cả' was not found")
    found = desk.json("doctor")["findings"]
    assert any("Không Ai Cả" in one["text"] for one in found)
    assert any("Trần Thị Hoa" in one["text"] and hoa in one["text"] for one in found)
    assert "Không Ai Cả" in desk.refused("doctor", "--fix"), "what is left is an error"
    text = (desk.state / "config.json5").read_text(encoding="utf-8")
    assert hoa in text
    assert "Trần Thị Hoa" not in text
