"""The rules in force while a widening waits: of two configs the stricter one decides, message by message."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from clawlane.access.allowlists import Allowlist, GroupRule, GroupTable
from clawlane.access.decision import Outcome, Reason, Rule
from clawlane.access.in_force import Rules
from clawlane.access.outgoing import Acquaintance
from clawlane.access.policy import AccessPolicy, Grants
from clawlane.access.rules import decide
from clawlane.config.choices import DmPolicy, GroupPolicy, PairingReply
from clawlane.messages import Inbound, Mention, Thread, ThreadKind

NOW = 1_700_000_000_000
GRANTS = Grants(own_id="100", paired=frozenset({"7"}), skew_ms=0)
ORDER = [Outcome.DROP, Outcome.PEND, Outcome.CHALLENGE, Outcome.ADMIT]


def policy(revision: str, **settings: object) -> AccessPolicy:
    return replace(AccessPolicy(revision=revision), **settings)  # type: ignore[arg-type]


POLICIES = [
    policy("open", dm=DmPolicy.OPEN, groups=GroupPolicy.OPEN),
    policy(
        "pairing", group_allow=Allowlist.of(["5"]), group_table=GroupTable.of([GroupRule("9", Rule("g"))])
    ),
    policy("silent", pairing_reply=PairingReply.SILENT, history_limit=0, groups=GroupPolicy.OPEN),
    policy(
        "list", dm=DmPolicy.ALLOWLIST, allow=Allowlist.of(["5"]), groups=GroupPolicy.OPEN, history_limit=3
    ),
    policy("closed", dm=DmPolicy.DISABLED, groups=GroupPolicy.DISABLED),
]


def messages() -> list[Inbound]:
    said = []
    for sender, group, mention in product(("5", "6", "7", "x"), ("", "8", "9"), (True, False)):
        thread = Thread(ThreadKind.GROUP, group) if group else Thread(ThreadKind.DM, sender)
        mentions = (Mention("100", 0, 4),) if mention else ()
        said.append(Inbound("default", "m", thread, sender, "", "@bot chào", NOW, mentions))
    return said


@pytest.mark.parametrize("before", POLICIES, ids=lambda one: one.revision)
@pytest.mark.parametrize("edited", POLICIES, ids=lambda one: one.revision)
def test_who_gets_in_is_let_in_by_both_and_decided_wholly_by_one(
    before: AccessPolicy, edited: AccessPolicy
) -> None:
    for message in messages():
        found, by = Rules(before, edited).decide(message, GRANTS, NOW)
        each = {one.revision: decide(message, one, GRANTS, NOW) for one in (before, edited)}
        assert found == each[by.revision]
        assert found.revision == by.revision
        assert ORDER.index(found.outcome) == min(ORDER.index(one.outcome) for one in each.values())
        if each[before.revision].outcome == each[edited.revision].outcome == Outcome.ADMIT:
            assert by is edited, "the newer one, where both agree"


def test_without_a_waiting_edit_the_one_config_decides() -> None:
    for one, message in product(POLICIES, messages()):
        assert Rules(one).decide(message, GRANTS, NOW) == (decide(message, one, GRANTS, NOW), one)


@pytest.mark.parametrize("swap", [False, True])
def test_of_two_challenges_the_one_that_says_less_counts(swap: bool) -> None:
    tells, silent = policy("tells"), policy("silent", pairing_reply=PairingReply.SILENT)
    rules = Rules(tells, silent) if swap else Rules(silent, tells)
    message = next(one for one in messages() if one.sender_id == "6")
    assert rules.decide(message, GRANTS, NOW)[1] is silent
    assert not rules.challenges("6", GRANTS, friend=False)
    assert Rules(tells).challenges("6", GRANTS, friend=False)


@pytest.mark.parametrize(
    ("one", "sender", "friend", "asks"),
    [
        (policy(""), "6", False, True),
        (policy(""), "7", False, False),  # approved meanwhile
        (policy("", pairing_reply=PairingReply.FRIENDS_SILENT), "6", True, False),
        (policy("", pairing_reply=PairingReply.FRIENDS_SILENT), "6", None, False),
        (policy("", pairing_reply=PairingReply.FRIENDS_SILENT), "6", False, True),
        (policy("", dm=DmPolicy.DISABLED), "6", False, False),
        (policy("", dm=DmPolicy.OPEN), "6", False, False),
    ],
)
def test_a_code_is_sent_only_to_whom_a_message_now_would_get_it(
    one: AccessPolicy, sender: str, friend: bool | None, asks: bool
) -> None:
    assert Rules(one).challenges(sender, GRANTS, friend) is asks


def test_owners_recipients_and_rechecks_have_to_suit_both() -> None:
    left, right = policy("a", owners=Allowlist.of(["5", "6"])), policy("b", owners=Allowlist.of(["6"]))
    assert [Rules(left, right).is_owner(one, GRANTS.pins) for one in ("5", "6")] == [False, True]
    friend, known = Thread(ThreadKind.DM, "6"), Acquaintance(friend=True)
    assert Rules(POLICIES[0]).may_write_to(friend, GRANTS, known)
    assert not Rules(POLICIES[0], POLICIES[4]).may_write_to(friend, GRANTS, known)
    message = next(one for one in messages() if one.sender_id == "6" and one.thread == friend)
    again = Rules(POLICIES[0], POLICIES[4]).decide_again(message, GRANTS)
    assert again is not None
    assert (again.reason, again.revision) == (Reason.REVOKED_BEFORE_RUN, "closed")
    assert Rules(POLICIES[0]).decide_again(message, GRANTS) is None
