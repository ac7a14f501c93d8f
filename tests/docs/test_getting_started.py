"""docs/getting-started.md, each of its two ways from an empty machine to a lane that answers."""

from __future__ import annotations

import json

import pytest

from demo.stage import Simulator
from docs.shell_blocks import Typist, blocks, commands
from end_to_end.steps import say

PAGE = "docs/getting-started.md"
BOT = "Nguyễn Minh Anh"
pytestmark = [pytest.mark.long, pytest.mark.row("S06", "S35", "S82")]


def by_hand() -> list[str]:
    """The commands of the second way."""
    typed = commands(PAGE)
    return typed[typed.index("chmod 600 ~/.clawlane/config.json5") :]


def with_onboard() -> list[str]:
    """The commands of the first way without a terminal, and the login that belongs to them."""
    typed = commands(PAGE)
    begin = next(number for number, line in enumerate(typed) if line.startswith("openclaw onboard --"))
    return typed[begin : begin + 2]


def answered(zalo: Simulator, thread: str, text: str) -> bool:
    return text in str(zalo.wait("sent", lambda one: one["thread_id"] == thread)["text"])


def test_by_hand_it_ends_in_a_group_that_is_answered_when_mentioned(typist: Typist) -> None:
    zalo = typist.zalo
    typist.state.mkdir(mode=0o700)
    (typist.state / "config.json5").write_text(blocks(PAGE, "json5")[0], encoding="utf-8")
    for command in by_hand():
        if "--mention" in command:
            typist.type("openclaw config apply")
            group, lan = typist.known["GROUP"], typist.known["PERSON"]
            say(zalo, lan, "không gọi ai", group=group)
            say(zalo, lan, f"@{BOT} ơi", group=group, mentions=[BOT])
            assert answered(zalo, group, "ơi")
        typist.type(command)
        if "pairing approve" in command:
            say(zalo, typist.known["ID"], "em chào")
            assert answered(zalo, typist.known["ID"], "em chào")


def test_the_flags_of_the_setup_are_enough(typist: Typist) -> None:
    for command in with_onboard():
        typist.type(command)
    typist.type("openclaw gateway run")
    typist.known = typist.meet()
    typist.type("openclaw pairing approve zalouser CODE")
    say(typist.zalo, typist.known["ID"], "em chào")
    typist.gateway.said("a reply waits for approval")
    [draft] = json.loads(typist.operator.run("drafts", "list", "--json").stdout)["drafts"]
    typist.type(f"openclaw drafts approve {draft['number']}")
    assert answered(typist.zalo, typist.known["ID"], "em chào")
    assert "friends-silent" in (typist.state / "config.json5").read_text(encoding="utf-8")
