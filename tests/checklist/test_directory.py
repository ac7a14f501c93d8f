"""The directory: rows S57 to S60, and names in the first config, S35."""

from __future__ import annotations

import pytest

from checklist.desk import ACCOUNT, Desk

pytestmark = pytest.mark.long


@pytest.mark.row("S57")
def test_the_account_itself_or_a_clear_no(bare: Desk) -> None:
    bare.write("{ channels: { zalouser: {} } }")
    bare.install()
    assert "channels login" in bare.refused("directory", "self", "--channel", "zalouser")
    bare.log_in()
    assert ACCOUNT in bare.ok("directory", "self", "--channel", "zalouser")


@pytest.mark.row("S58", "S60")
def test_friends_by_a_part_of_their_name_with_ids_twins_both(desk: Desk) -> None:
    ids = {desk.person("Nguyễn Thị Mơ", friend=True) for _ in range(2)}
    words = ("directory", "peers", "list", "--channel", "zalouser", "--query", "thị MƠ")
    assert {one["id"] for one in desk.json(*words)["peers"]} == ids
    told = desk.ok(*words)
    assert all(id_ in told for id_ in ids)


@pytest.mark.row("S59")
def test_groups_by_a_part_of_their_name(desk: Desk) -> None:
    gid = desk.group("Work Chat", "Trần Thị Lan")
    told = desk.ok("directory", "groups", "list", "--channel", "zalouser", "--query", "work")
    assert gid in told
    assert "Work Chat" in told
