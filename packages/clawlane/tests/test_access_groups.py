"""Groups, gates 1 to 4: policy, entry, route and sender, row by row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from clawlane.access.allowlists import Allowlist, GroupRule, GroupTable
from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.access.explain import explain
from clawlane.access.names import ConfigName, Match, NameList, Pin, Pins
from clawlane.access.policy import AccessPolicy, Grants
from clawlane.access.rules import decide
from clawlane.config.choices import GroupPolicy
from clawlane.messages import Inbound, Mention, Thread, ThreadKind

NOW = 1_700_000_000_000
ME, ALICE, BOB = "100", "1471383327500481391", "222"
GROUP, OTHER_GROUP = "777", "888"
OPEN, ALLOWLIST, DISABLED = GroupPolicy.OPEN, GroupPolicy.ALLOWLIST, GroupPolicy.DISABLED


def table(*rules: GroupRule | str) -> GroupTable:
    return GroupTable.of(rule if isinstance(rule, GroupRule) else entry(rule) for rule in rules)


def entry(key: str, denies: bool = False) -> GroupRule:
    return GroupRule(key, Rule(f"groups[{key!r}]", "channel"), denies)


def pinned(key: str, *ids: str, match: Match = Match.EXACT, where: NameList = NameList.GROUPS) -> Pin:
    return Pin(ConfigName(where, key), ids, match)


def anyone() -> Allowlist:
    return Allowlist.of(["*"], NameList.GROUP_ALLOW_FROM)


def mentioning(group: str = GROUP, sender: str = ALICE) -> Inbound:
    return Inbound(
        "default", "m1", Thread(ThreadKind.GROUP, group), sender, "", "@Bot hi", NOW, (Mention(ME, 0, 4),)
    )


def verdict(policy: AccessPolicy, pins: Iterable[Pin] = (), inbound: Inbound | None = None) -> Decision:
    return decide(inbound or mentioning(), policy, Grants(ME, pins=Pins.of(pins)), NOW)


CLOSED = entry(GROUP, denies=True)


@pytest.mark.parametrize(
    ("group_policy", "keys", "reason"),
    [
        pytest.param(DISABLED, table(GROUP), Reason.GROUP_DISABLED, id="disabled | any | drop"),
        pytest.param(DISABLED, table(CLOSED), Reason.GROUP_DISABLED, id="disabled | closed | drop"),
        pytest.param(OPEN, table(CLOSED), Reason.GROUP_ENTRY_DISABLED, id="open | allow: false | drop"),
        pytest.param(
            ALLOWLIST, table(CLOSED), Reason.GROUP_ENTRY_DISABLED, id="allowlist | allow: false | drop"
        ),
        pytest.param(ALLOWLIST, table(), Reason.GROUP_NO_ALLOWLIST, id="allowlist | no groups | drop"),
        pytest.param(
            ALLOWLIST, table(OTHER_GROUP), Reason.GROUP_NOT_ALLOWLISTED, id="allowlist | none found | drop"
        ),
        pytest.param(OPEN, table(), Reason.GROUP_ADMITTED, id="open | no groups | go on"),
        pytest.param(OPEN, table(OTHER_GROUP), Reason.GROUP_ADMITTED, id="open | none found | go on"),
        pytest.param(OPEN, table(GROUP), Reason.GROUP_ADMITTED, id="open | found | go on"),
        pytest.param(ALLOWLIST, table(GROUP), Reason.GROUP_ADMITTED, id="allowlist | found | go on"),
        pytest.param(ALLOWLIST, table("*"), Reason.GROUP_ADMITTED, id="allowlist | found as * | go on"),
    ],
)
def test_the_route(group_policy: GroupPolicy, keys: GroupTable, reason: Reason) -> None:
    decision = verdict(AccessPolicy(groups=group_policy, group_table=keys, group_allow=anyone()))
    assert decision.reason is reason
    assert decision.admitted is (reason is Reason.GROUP_ADMITTED)


WORK, WORK_CHAT, WORK_LOWER = "Work", "Work Chat", "work chat"


@pytest.mark.parametrize(
    ("keys", "pins", "found"),
    [
        pytest.param(["*", f"group:{GROUP}", GROUP], [], GROUP, id="the id first"),
        pytest.param(["*", WORK, f"group:{GROUP}"], [pinned(WORK, GROUP)], f"group:{GROUP}", id="group:<id>"),
        pytest.param(["*", f"GROUP: {GROUP} "], [], f"GROUP: {GROUP} ", id="group:<id> in any case"),
        pytest.param(
            ["*", WORK, WORK_CHAT],
            [pinned(WORK, GROUP, match=Match.SLUG), pinned(WORK_CHAT, GROUP)],
            WORK_CHAT,
            id="pinned by exact name before pinned by slug",
        ),
        pytest.param(
            ["*", WORK_CHAT, WORK_LOWER],
            [pinned(WORK_LOWER, GROUP), pinned(WORK_CHAT, GROUP)],
            WORK_CHAT,
            id="of two pinned alike the first in the file",
        ),
        pytest.param(["*", WORK], [pinned(WORK, GROUP, match=Match.SLUG)], WORK, id="by slug before *"),
        pytest.param(["*", WORK], [pinned(WORK, OTHER_GROUP)], "*", id="pinned to another group"),
        pytest.param(["*", WORK], [pinned(WORK, GROUP, OTHER_GROUP)], "*", id="ambiguous matches nothing"),
        pytest.param(["*", WORK], [pinned(WORK)], "*", id="unresolved matches nothing"),
        pytest.param(["*"], [pinned(WORK, GROUP)], "*", id="a pin whose key left the config"),
        pytest.param(
            ["*", WORK], [pinned(WORK, GROUP, where=NameList.ALLOW_FROM)], "*", id="a pin of another list"
        ),
        pytest.param([WORK], [], None, id="a name without a pin"),
        pytest.param([f"group:{WORK}"], [], None, id="group:<name> is a name"),
    ],
)
def test_the_first_key_that_exists_is_the_entry(keys: list[str], pins: list[Pin], found: str | None) -> None:
    rule = table(*keys).find(GROUP, Pins.of(pins))
    assert (rule.key if rule else None) == found


@pytest.mark.parametrize("group_policy", [OPEN, ALLOWLIST])
@pytest.mark.parametrize("pins", [[], [pinned("Secret")], [pinned("Secret", "1", "2")]])
def test_an_unpinned_name_that_denies_closes_the_wildcard(group_policy: GroupPolicy, pins: list[Pin]) -> None:
    keys = table("*", entry("Secret", denies=True), OTHER_GROUP)
    policy = AccessPolicy(groups=group_policy, group_table=keys, group_allow=anyone())
    decision = verdict(policy, pins)
    assert (decision.outcome, decision.reason) == (Outcome.DROP, Reason.GROUP_DENY_UNRESOLVED)
    assert decision.rule.path == "groups['Secret']"
    assert verdict(policy, pins, mentioning(OTHER_GROUP)).admitted


def test_a_denying_name_that_is_pinned_closes_its_group_alone() -> None:
    keys = table("*", entry("Secret", denies=True))
    policy = AccessPolicy(group_table=keys, group_allow=anyone())
    pins = [pinned("Secret", OTHER_GROUP)]
    assert verdict(policy, pins).admitted
    assert verdict(policy, pins, mentioning(OTHER_GROUP)).reason is Reason.GROUP_ENTRY_DISABLED


def test_under_open_a_denying_name_that_is_not_pinned_keeps_every_unlisted_group_out() -> None:
    policy = AccessPolicy(groups=OPEN, group_table=table(entry("Secret", denies=True)))
    assert verdict(policy).reason is Reason.GROUP_DENY_UNRESOLVED


def senders(*entries: str, where: NameList = NameList.GROUP_ALLOW_FROM) -> Allowlist:
    return Allowlist.of(entries, where)


UNSET = None
NO_ONE = senders(where=NameList.ALLOW_FROM)
ALICE_DIRECTLY = senders(ALICE, where=NameList.ALLOW_FROM)
EMPTY, NOT_ALLOWED, IN = (
    Reason.GROUP_SENDER_LIST_EMPTY,
    Reason.GROUP_SENDER_NOT_ALLOWED,
    Reason.GROUP_ADMITTED,
)


@pytest.mark.parametrize(
    ("group_policy", "group_allow_from", "allow_from", "reason"),
    [
        pytest.param(ALLOWLIST, senders(ALICE), NO_ONE, IN, id="contains the sender"),
        pytest.param(ALLOWLIST, senders("*"), NO_ONE, IN, id="contains *"),
        pytest.param(
            ALLOWLIST, senders(BOB), ALICE_DIRECTLY, NOT_ALLOWED, id="set: allowFrom does not count"
        ),
        pytest.param(ALLOWLIST, senders(), ALICE_DIRECTLY, EMPTY, id="[] is nobody"),
        pytest.param(ALLOWLIST, UNSET, ALICE_DIRECTLY, IN, id="allowlist, unset: allowFrom"),
        pytest.param(ALLOWLIST, UNSET, senders(BOB), NOT_ALLOWED, id="allowlist, unset: not in allowFrom"),
        pytest.param(ALLOWLIST, UNSET, NO_ONE, EMPTY, id="allowlist, unset: allowFrom is empty"),
        pytest.param(OPEN, UNSET, NO_ONE, IN, id="open, unset: anyone"),
        pytest.param(OPEN, senders(BOB), ALICE_DIRECTLY, NOT_ALLOWED, id="open, set: the list counts"),
        pytest.param(OPEN, senders(), NO_ONE, EMPTY, id="open, []: nobody"),
        pytest.param(OPEN, senders(ALICE), NO_ONE, IN, id="open, set: contains the sender"),
    ],
)
def test_the_sender(
    group_policy: GroupPolicy, group_allow_from: Allowlist | None, allow_from: Allowlist, reason: Reason
) -> None:
    policy = AccessPolicy(
        groups=group_policy, group_table=table(GROUP), group_allow=group_allow_from, allow=allow_from
    )
    assert verdict(policy).reason is reason


def listing(*entries: str, key: str = GROUP) -> GroupRule:
    """A group with a sender list of its own."""
    own = Allowlist.of(entries, NameList.GROUP_SENDERS, key)
    rule = Rule(f"groups[{key!r}].allowFrom", "channel", 9)
    return replace(entry(key), senders=own, senders_rule=rule)


@pytest.mark.parametrize(
    ("group_policy", "own", "group_allow_from", "allow_from", "reason"),
    [
        pytest.param(ALLOWLIST, listing(ALICE), senders(BOB), NO_ONE, IN, id="in its own list alone"),
        pytest.param(
            ALLOWLIST, listing(BOB), senders(ALICE), ALICE_DIRECTLY, NOT_ALLOWED, id="not in its own list"
        ),
        pytest.param(ALLOWLIST, listing("*"), senders(), NO_ONE, IN, id="* in its own list is anyone"),
        pytest.param(
            ALLOWLIST, listing(), senders("*"), ALICE_DIRECTLY, EMPTY, id="[] is nobody in this group"
        ),
        pytest.param(ALLOWLIST, listing(ALICE), UNSET, NO_ONE, IN, id="before allowFrom"),
        pytest.param(OPEN, listing(BOB), UNSET, NO_ONE, NOT_ALLOWED, id="open: a group's list counts"),
        pytest.param(OPEN, listing(ALICE), senders(BOB), NO_ONE, IN, id="open: before groupAllowFrom"),
        pytest.param(OPEN, listing(), UNSET, NO_ONE, EMPTY, id="open, []: nobody in this group"),
        pytest.param(ALLOWLIST, listing(ALICE, key="*"), senders(BOB), NO_ONE, IN, id="the entry *"),
        pytest.param(
            ALLOWLIST, listing(BOB, key="*"), senders(ALICE), NO_ONE, NOT_ALLOWED, id="not in that of *"
        ),
        pytest.param(
            OPEN, listing(BOB, key=OTHER_GROUP), UNSET, NO_ONE, IN, id="open: the list of another group"
        ),
    ],
)
def test_the_list_of_a_group_replaces_the_shared_one(
    group_policy: GroupPolicy,
    own: GroupRule,
    group_allow_from: Allowlist | None,
    allow_from: Allowlist,
    reason: Reason,
) -> None:
    policy = AccessPolicy(
        groups=group_policy, group_table=table(own), group_allow=group_allow_from, allow=allow_from
    )
    decision = verdict(policy)
    assert decision.reason is reason
    if reason is not IN:
        assert decision.rule == own.senders_rule
    elif own.key != OTHER_GROUP:
        assert f"sender:{own.senders_rule.path} (line 9)" in decision.trail
        told = explain(decision, ALICE, Thread(ThreadKind.GROUP, GROUP)).sentence
        assert f"{own.senders_rule.path} (line 9) lets the sender speak" in told


def test_the_entry_that_counts_for_a_group_brings_its_list_and_no_other() -> None:
    keys = table(listing(ALICE, key="*"), entry(GROUP), listing(ALICE, key=OTHER_GROUP))
    policy = AccessPolicy(group_table=keys, group_allow=senders(BOB))
    assert verdict(policy).reason is NOT_ALLOWED, "the group has an entry without a list"
    assert verdict(policy, inbound=mentioning("999")).admitted, "the list of '*'"


def test_the_list_of_a_group_gives_no_right_to_commands() -> None:
    policy = AccessPolicy(group_table=table(listing("*")), group_allow=senders(BOB))
    command = replace(mentioning(), text="/new", mentions=())
    assert verdict(policy, inbound=command).reason is Reason.COMMAND_UNAUTHORIZED
    bobs = replace(command, sender_id=BOB)
    assert verdict(policy, inbound=bobs).command == "/new"


def test_a_name_in_the_list_of_a_group_is_pinned_for_that_group() -> None:
    policy = AccessPolicy(group_table=table(listing("Alice"), entry(OTHER_GROUP)))
    own = ConfigName(NameList.GROUP_SENDERS, "Alice", GROUP)
    assert policy.names_to_pin() == (own,)
    assert own.place == "groups['777'].allowFrom"
    assert verdict(policy).reason is NOT_ALLOWED
    assert verdict(policy, [Pin(own, (ALICE,))]).admitted
    elsewhere = ConfigName(NameList.GROUP_SENDERS, "Alice", OTHER_GROUP)
    assert not verdict(policy, [Pin(elsewhere, (ALICE,))]).admitted
    assert not verdict(policy, [pinned("Alice", ALICE, where=NameList.GROUP_ALLOW_FROM)]).admitted


def test_an_approved_pairing_counts_in_no_group() -> None:
    policy = AccessPolicy(group_table=table(GROUP), allow=senders(BOB))
    grants = Grants(ME, paired=frozenset({ALICE}))
    assert decide(mentioning(), policy, grants, NOW).reason is NOT_ALLOWED


def test_a_name_in_a_sender_list_matches_whom_it_is_pinned_to_and_nobody_by_name() -> None:
    policy = AccessPolicy(group_table=table(GROUP), group_allow=senders("Alice"))
    assert verdict(policy).reason is NOT_ALLOWED
    assert verdict(policy, [pinned("Alice", ALICE, where=NameList.GROUP_ALLOW_FROM)]).admitted
    assert not verdict(policy, [pinned("Alice", ALICE, where=NameList.ALLOW_FROM)]).admitted
    assert not verdict(policy, [pinned("Alice", ALICE, BOB, where=NameList.GROUP_ALLOW_FROM)]).admitted


def test_what_a_group_or_a_sender_is_called_now_changes_nothing() -> None:
    policy = AccessPolicy(group_table=table(WORK_CHAT, "work-chat"), group_allow=senders("Alice"))
    inbound = Inbound(
        "default", "m1", Thread(ThreadKind.GROUP, GROUP), BOB, "Alice", "@Bot", NOW, (Mention(ME, 0, 4),)
    )
    assert decide(inbound, policy, Grants(ME), NOW).reason is Reason.GROUP_NOT_ALLOWLISTED


def test_a_group_id_that_is_no_id_is_dropped_before_any_wildcard() -> None:
    policy = AccessPolicy(groups=OPEN, group_table=table("*"), group_allow=anyone())
    for group in ("", "*", "Work", "7 7"):
        assert verdict(policy, inbound=mentioning(group)).reason is Reason.MALFORMED_ID


def test_the_trail_names_each_gate_in_order() -> None:
    decision = verdict(AccessPolicy(group_table=table(GROUP), group_allow=anyone()))
    assert decision.trail == (
        "not_self", "not_own_account", "not_malformed_id", "not_empty", "not_too_old",
        "policy:allowlist", "entry:777", "route", "sender:groupAllowFrom", "mention:explicit",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "kept"),
    [
        pytest.param(
            AccessPolicy(group_table=table(GROUP), group_allow=anyone()), True, id="passes gates 1 to 4"
        ),
        pytest.param(
            AccessPolicy(group_table=table(), group_allow=anyone()), False, id="stopped by the route"
        ),
        pytest.param(
            AccessPolicy(group_table=table(GROUP), group_allow=senders(BOB)), False, id="by the sender"
        ),
        pytest.param(
            AccessPolicy(group_table=table(GROUP), group_allow=anyone(), history_limit=0),
            False,
            id="history is off",
        ),
    ],
)
def test_a_group_message_that_is_too_old_is_kept_as_history_if_it_could_have_been_heard(
    policy: AccessPolicy, kept: bool
) -> None:
    decision = decide(mentioning(), policy, Grants(ME, skew_ms=0), NOW + 16 * 60_000)
    assert (decision.outcome, decision.reason) == (Outcome.DROP, Reason.TOO_OLD)
    assert decision.keep_as_history is kept
