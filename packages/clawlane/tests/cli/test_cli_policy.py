"""`policy explain` and `why`: the same decision in the same words, for people and for programs."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.config.choices import PairingReply
from clawlane.messages import Group, Inbound, Person, Thread, ThreadKind
from clawlane.store import directory, inbox
from clawlane.store.database import open_store
from clawlane.store.models import NewMessage

NOW = 1_700_000_000_000
DROP = Decision(
    Outcome.DROP, Reason.DM_NOT_ALLOWLISTED, Rule("channels.parrot.allowFrom", "channel", 3), ("not_self",)
)


def store_messages(perch, *arrivals: NewMessage) -> None:
    in_store(perch, (inbox.admit_all, arrivals))


def in_store(perch, *transitions: tuple[Any, ...]) -> None:
    """Run transitions with their arguments, as the gateway does."""

    async def store() -> None:
        paths = perch.paths
        async with (
            open_store(paths.store, paths.lock_file, lambda: NOW) as opened,
            opened.own("parrot/default") as account_store,
        ):
            for transition, *arguments in transitions:
                await account_store.run(transition, *arguments)

    asyncio.run(store())


def message(message_id: str, decision: Decision | None) -> NewMessage:
    thread = Thread(ThreadKind.DM, "11")
    inbound = Inbound("default", message_id, thread, "11", "Lan", "secret words", NOW)
    return NewMessage(inbound, decision, PairingReply.CODE, NOW)


def test_explain_names_the_line_that_decides_and_what_would_change_it(perch) -> None:
    perch.configure("{ dmPolicy: 'allowlist', allowFrom: ['5'] }")
    told = perch("policy explain --channel parrot --from 11")
    assert told.code == 0
    assert told.out.startswith("drop (dm_not_allowlisted): ")
    assert "channels.parrot.allowFrom (line 1)" in told.out
    assert "add '11'" in told.out


@pytest.mark.parametrize(
    ("options", "outcome", "reason"),
    [
        ("--from 5", "drop", "group_not_allowlisted"),
        ("--from 5 --group 9", "pend", "mention_required"),
        ("--from 5 --group 9 --mention", "admit", "group_admitted"),
        ("--from 5 --group 9 --quote", "admit", "group_admitted"),
        ("--from 5 --group 9 --mention --text /new", "admit", "group_admitted"),
        ("--from 6 --group 9 --mention", "drop", "group_sender_not_allowed"),
    ],
)
def test_explain_asks_about_groups_too(perch, options: str, outcome: str, reason: str) -> None:
    perch.configure("{ groupAllowFrom: ['5'], groups: { '9': {} } }")
    perch.link()
    group = "" if "--group" in options else " --group 8"
    told = json.loads(perch(f"policy explain --channel parrot {options}{group} --json").out)
    assert (told["outcome"], told["reason"]) == (outcome, reason)
    assert told["account"] == "parrot/default"


def test_explain_takes_targets_and_shows_names(perch) -> None:
    perch.configure(
        "{ dmPolicy: 'allowlist', allowFrom: ['11'], groupAllowFrom: ['11'], groups: { '9': {} } }"
    )
    perch.link()
    admit = Decision(Outcome.ADMIT, Reason.DM_ALLOWLISTED, DROP.rule)
    in_store(
        perch,
        (inbox.admit_all, [message("m1", admit)]),
        (directory.keep_groups, [Group("9", "Xóm"), Group("7", "Chợ")]),
        (directory.keep_members, "9", [Person("12", "Hùng")]),
    )
    asked = json.loads(perch("policy explain --from Lan --json").out)
    assert (asked["reason"], asked["sender"], asked["sender_name"]) == ("dm_allowlisted", "11", "Lan")
    told = perch("policy explain --from parrot:user:11 --group xóm --mention").out
    assert "lets the group Xóm (9) in" in told
    assert "asked about: a message in Xóm (9) from Lan (11)" in told
    assert "passed" not in told
    member = json.loads(perch("policy explain --from hùng --group group:9 --json").out)
    assert (member["reason"], member["sender"]) == ("group_sender_not_allowed", "12")
    assert "The sender Hùng (12) is not in" in member["sentence"]
    assert member["change"].endswith("add '12'")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("--from group:9", "'group:9' is a group, not a person"),
        ("--from 5 --group user:9", "'user:9' is a person, not a group"),
        ("--from nobody", "no friend or group is called 'nobody'"),
        ("--from 5 --group nowhere", "openclaw directory groups list --channel parrot --query NAME"),
        ("--from 0", "'0' is no id"),
    ],
)
def test_explain_refuses_who_nobody_is_with_one_line(perch, asked: str, told: str) -> None:
    perch.configure("{}")
    done = perch(f"policy explain {asked}")
    assert (done.code, told in done.err, len(done.err.splitlines())) == (1, True, 1)


def test_explain_says_which_names_are_not_known_yet(perch) -> None:
    perch.configure("{ dmPolicy: 'allowlist', allowFrom: ['Lan'] }")
    assert "not looked up yet, so they match nobody: Lan" in perch("policy explain --from 11").out


def test_why_tells_the_recorded_decision_in_one_sentence(perch) -> None:
    perch.configure("{}")
    assert perch("why").out == "No message has been read yet.\n"
    store_messages(perch, message("m1", DROP), message("m2", None))
    told = perch("why m1").out
    assert "drop (dm_not_allowlisted): " in told
    assert "channels.parrot.allowFrom (line 3)" in told
    assert "secret words" not in told
    assert "not decided yet" in perch("why m2").out
    assert [one["message_id"] for one in json.loads(perch("why --dropped --json").out)["messages"]] == ["m1"]
    assert len(json.loads(perch("why --last 1 --json").out)["messages"]) == 1


def test_why_refuses_what_it_cannot_tell(perch) -> None:
    perch.configure("{}")
    assert perch("why m9").err == "error: no message 'm9' was read; run: openclaw why --last 10\n"
    assert perch("why m9 --dropped").code == 1
    assert perch("why --last 0").code == 1


def test_revoking_somebody_who_was_never_approved_says_where_to_look(perch) -> None:
    perch.configure("{}")
    told = perch("pairing revoke parrot 11")
    assert told.code == 1
    assert "openclaw pairing approved parrot" in told.err
    assert perch("pairing approved parrot").out == "Nobody was approved by pairing on parrot.\n"
    assert perch("pairing revoke").code == 1
