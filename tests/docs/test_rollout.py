"""docs/rollout.md in both languages, from an empty machine to one person and one group that are answered."""

from __future__ import annotations

import json

import pytest

from demo.stage import Simulator
from docs.shell_blocks import Typist, commands
from end_to_end.steps import say

BOT = "Nguyễn Minh Anh"
REHEARSE = "openclaw rehearse"
"""It brings its own simulator; docs/rehearsal.md has it, too, and tests/end_to_end/test_rehearsal_docs.py."""

pytestmark = [pytest.mark.long, pytest.mark.timeout(300), pytest.mark.row("S82")]


@pytest.mark.parametrize("page", ["docs/rollout.md", "docs/rollout.vi.md"])
def test_each_step_leads_to_what_it_says(page: str, typist: Typist) -> None:
    for command in (one for one in commands(page) if one != REHEARSE):
        if command.startswith("openclaw gateway run"):  # the ritual alone takes what a first day may send
            typist.type("openclaw config set channels.zalouser.pacing.warmUp false")
        if "DRAFT" in command and "DRAFT" not in typist.known:
            typist.known["DRAFT"] = draft_of(typist, typist.known["ID"], "em chào")
        typist.type(command)
        if command.startswith("openclaw drafts approve"):
            assert answered(typist.zalo, typist.known["ID"], "em chào")
        if command.startswith("openclaw policy explain --from ID"):
            say(typist.zalo, typist.known["ID"], "không cần duyệt")
            assert answered(typist.zalo, typist.known["ID"], "không cần duyệt")
    group, lan = typist.known["GROUP"], typist.known["PERSON"]
    say(typist.zalo, lan, f"@{BOT} ơi", group=group, mentions=[BOT])
    typist.gateway.said(f"group:{group}: a reply waits for approval")


def draft_of(typist: Typist, person: str, text: str) -> str:
    """Somebody who is approved writes; the number of the draft that answers them."""
    say(typist.zalo, person, text)
    typist.gateway.said(f"dm:{person}: a reply waits for approval")
    [draft] = json.loads(typist.operator.run("drafts", "list", "--json").stdout)["drafts"]
    return str(draft["number"])


def answered(zalo: Simulator, thread: str, text: str) -> bool:
    return text in str(zalo.wait("sent", lambda one: one["thread_id"] == thread)["text"])
