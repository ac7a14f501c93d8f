"""What a change of the rules opens and closes: by deciding, and in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from clawlane.access.allowlists import Allowlist, GroupRule, GroupTable
from clawlane.access.comparison import compare
from clawlane.access.decision import Rule
from clawlane.access.exposure import Exposure, Known
from clawlane.access.names import ConfigName, NameList, Pin, Pins
from clawlane.access.policy import AccessPolicy
from clawlane.config.choices import DmPolicy, GroupPolicy, PairingReply
from clawlane.config.patterns import compile_pattern
from clawlane.messages import Group, Person
from clawlane.ops.exposure_text import change_text, sentences

LANE = "zalouser/default"
LAN, HUNG, BOSS, STRANGER = "1471383327500481391", "222", "333", "444"
WORK, FAMILY = "9001", "9002"
KNOWN = Known(
    friends=(Person(LAN, "Lan"), Person(HUNG, "Hùng")),
    groups=(Group(WORK, "Work Chat"), Group(FAMILY, "Family")),
    approved=(Person(BOSS, "Boss"),),
    seen=(Person(STRANGER, "Somebody"), Person(LAN, "Lan")),
)


def people(*entries: str, where: NameList = NameList.ALLOW_FROM) -> Allowlist:
    return Allowlist.of(entries, where)


def groups(*keys: str, mention: bool = True, denies: bool = False) -> GroupTable:
    return GroupTable.of(GroupRule(key, Rule(f"groups.{key}"), denies, mention) for key in keys)


def policy(**keys: Any) -> AccessPolicy:
    return AccessPolicy(**keys)


def told(before: AccessPolicy | None, after: AccessPolicy | None, known: Known = KNOWN) -> Exposure:
    was, now = ({LANE: one} if one is not None else {} for one in (before, after))
    return compare(was, now, {LANE: known})


def widened(before: AccessPolicy | None, after: AccessPolicy | None, known: Known = KNOWN) -> list[str]:
    """What opens, where nothing closes; and the way back closes as many things."""
    there, back = told(before, after, known), told(after, before, known)
    assert not there.narrows
    if before is not None:
        assert not back.widens
        assert len(back.narrows) == len(there.widens)
    return list(map(change_text, there.widens))


def narrowed(before: AccessPolicy, after: AccessPolicy | None) -> list[str]:
    found = told(before, after)
    assert not found.widens
    return list(map(change_text, found.narrows))


PAIRING = policy()
ANYONE = people("*", where=NameList.GROUP_ALLOW_FROM)


def test_nothing_changes_for_the_same_rules() -> None:
    assert not told(PAIRING, PAIRING)
    assert not told(None, None)


def test_open_lets_strangers_and_friends_in_without_a_code() -> None:
    assert widened(PAIRING, policy(dm=DmPolicy.OPEN)) == [
        "DMs: anybody is answered without a pairing code (was: sent a pairing code); 3 known so far"
    ]


def test_who_is_approved_and_no_longer_answered_is_named() -> None:
    assert narrowed(PAIRING, policy(dm=DmPolicy.ALLOWLIST)) == [
        "DMs: anybody is ignored (was: sent a pairing code); 3 known so far",
        "DMs: 1 approved sender is no longer answered: Boss (333)",
    ]


def test_a_listed_person_is_named_beside_the_others() -> None:
    lists = policy(dm=DmPolicy.ALLOWLIST, allow=people(LAN))
    assert widened(policy(dm=DmPolicy.ALLOWLIST), lists) == [
        f"DMs: 1 person is answered (was: ignored): Lan ({LAN})"
    ]
    assert narrowed(policy(allow=people(LAN, "777")), PAIRING) == [
        f"DMs: 2 people are no longer answered but are sent a pairing code: Lan ({LAN}), 777"
    ]


def test_a_reply_that_sends_text_now_is_a_widening() -> None:
    silent, friends = (
        policy(pairing_reply=one) for one in (PairingReply.SILENT, PairingReply.FRIENDS_SILENT)
    )
    assert widened(silent, friends) == [
        "DMs: strangers are sent a pairing code (were: told nothing); 1 of them wrote lately"
    ]
    assert widened(friends, PAIRING) == [
        "DMs: friends are sent a pairing code (were: told nothing); 2 of them now"
    ]


def test_groups_become_reachable_and_say_by_whom() -> None:
    opened = policy(groups=GroupPolicy.OPEN)
    assert widened(policy(groups=GroupPolicy.DISABLED), opened) == [
        "2 groups become reachable by anyone who mentions the account: Work Chat (9001), Family (9002)",
        "any other group becomes reachable by anyone who mentions the account",
    ]
    assert narrowed(opened, policy(groups=GroupPolicy.DISABLED)) == [
        "2 groups become unreachable: Work Chat (9001), Family (9002)",
        "any other group becomes unreachable",
    ]


def test_one_group_that_few_may_speak_in() -> None:
    listed = people(LAN, HUNG, where=NameList.GROUP_ALLOW_FROM)
    assert widened(PAIRING, policy(group_table=groups(WORK), group_allow=listed)) == [
        "the group Work Chat (9001) becomes reachable by 2 people who mention the account"
    ]


def test_who_may_speak_in_a_group_is_compared() -> None:
    few = policy(group_table=groups(WORK), group_allow=people(LAN, where=NameList.GROUP_ALLOW_FROM))
    more = replace(few, group_allow=people(LAN, HUNG, where=NameList.GROUP_ALLOW_FROM))
    all_ = replace(few, group_allow=ANYONE)
    assert widened(few, more) == ["in the group Work Chat (9001): Hùng (222) may speak"]
    assert widened(more, all_) == ["in the group Work Chat (9001): anyone may speak (was: 2 people)"]
    assert narrowed(all_, more) == ["in the group Work Chat (9001): only 2 people may speak (was: anyone)"]


def test_the_own_list_of_a_group_counts() -> None:
    base = policy(group_table=groups(WORK, FAMILY), group_allow=people(LAN, where=NameList.GROUP_ALLOW_FROM))
    own = GroupRule(WORK, Rule("w"), senders=people("555", LAN, where=NameList.GROUP_SENDERS))
    table = GroupTable.of([own, GroupRule(FAMILY, Rule("f"))])
    assert widened(base, replace(base, group_table=table)) == ["in the group Work Chat (9001): 555 may speak"]


def test_a_mention_that_is_not_needed_any_more() -> None:
    asks = policy(group_table=groups("*"), group_allow=ANYONE)
    free = replace(asks, group_table=groups("*", mention=False))
    assert widened(asks, free) == [
        "no mention is needed in 2 groups: Work Chat (9001), Family (9002)",
        "in any other group: no mention is needed",
    ]


def test_patterns_owners_and_the_backlog_count() -> None:
    base = policy(group_table=groups(WORK), group_allow=ANYONE)
    assert widened(base, replace(base, mention_patterns=(compile_pattern("bot"),))) == [
        "in groups a text that fits 'bot' counts as a mention"
    ]
    opened = policy(groups=GroupPolicy.OPEN, group_table=groups(WORK))
    assert widened(opened, replace(opened, owners=people(BOSS))) == [
        "Boss (333) may use control commands in 2 groups: Work Chat (9001), Family (9002)",
        "in any other group: Boss (333) may use control commands",
        "owners: Boss (333) may use control commands",
    ]
    assert widened(base, replace(base, backlog_max_age_ms=3_600_000)) == [
        "messages up to 60 min old are answered (was: up to 15 min)"
    ]


def test_a_pattern_for_any_text_is_as_good_as_no_mention() -> None:
    base = policy(group_table=groups(WORK), group_allow=ANYONE)
    found = widened(base, replace(base, mention_patterns=(compile_pattern("."),)))
    assert "in the group Work Chat (9001): no mention is needed" in found


def test_names_count_for_whom_they_are_pinned_to() -> None:
    pins = Pins.of(
        [
            Pin(ConfigName(NameList.GROUPS, "Work Chat"), (WORK,)),
            Pin(ConfigName(NameList.GROUP_ALLOW_FROM, "Lan"), (LAN,)),
        ]
    )
    by_name = policy(
        group_table=groups("Work Chat"), group_allow=people("Lan", where=NameList.GROUP_ALLOW_FROM)
    )
    assert widened(PAIRING, by_name, replace(KNOWN, pins=pins)) == [
        "the group Work Chat (9001) becomes reachable by 1 person who mentions the account"
    ]


def test_a_name_that_no_look_up_has_pinned_counts_as_somebody_in_any_list() -> None:
    open_to_few = policy(group_table=groups(WORK), group_allow=people(LAN, where=NameList.GROUP_ALLOW_FROM))
    assert widened(PAIRING, policy(allow=people("Lan Nguyen"))) == [
        "DMs: 1 person is answered without a pairing code (was: sent a pairing code): Lan Nguyen (no id yet)"
    ]
    listed = replace(open_to_few, group_allow=people(LAN, "Nga", where=NameList.GROUP_ALLOW_FROM))
    assert widened(open_to_few, listed) == ["in the group Work Chat (9001): Nga (no id yet) may speak"]
    assert widened(open_to_few, replace(open_to_few, group_table=groups(WORK, "Book Club"))) == [
        "the group Book Club (no id yet) becomes reachable by 1 person who mentions the account"
    ]
    own, more = (
        GroupRule(WORK, Rule("w"), senders=Allowlist.of(one, NameList.GROUP_SENDERS, WORK))
        for one in ((LAN,), (LAN, "Nga"))
    )
    was, now = (replace(open_to_few, group_table=GroupTable.of([one])) for one in (own, more))
    assert widened(was, now) == ["in the group Work Chat (9001): Nga (no id yet) may speak"]


def test_a_look_up_that_found_nobody_or_several_may_find_one_next_time() -> None:
    name = ConfigName(NameList.ALLOW_FROM, "Lan Nguyen")
    for ids in ((), (LAN, HUNG)):
        known = replace(KNOWN, pins=Pins.of([Pin(name, ids)]))
        assert len(widened(PAIRING, policy(allow=people("Lan Nguyen")), known)) == 1
        same = policy(allow=people("Lan Nguyen"), merge_ms=1)
        assert not told(policy(allow=people("Lan Nguyen")), same, known)


def test_a_name_that_denies_closes_others_until_it_is_known() -> None:
    asks, free, closed = (
        [GroupRule(key, Rule(key), denies, senders=senders) for key, denies, senders in table]
        for table in (
            [("*", False, None), ("Bad", True, None)],
            [("*", False, None)],
            [("*", False, None), ("Bad", False, people(where=NameList.GROUP_SENDERS))],
        )
    )
    base = policy(group_table=GroupTable.of(asks), group_allow=ANYONE)
    assert "Bad (no id yet)" in widened(base, replace(base, group_table=GroupTable.of(free)))[0]
    found = told(base, replace(base, group_table=GroupTable.of(closed)))
    assert "any other group becomes reachable by anyone who mentions the account" in map(
        change_text, found.widens
    )


def test_a_sender_whose_id_a_known_group_has_too_is_a_sender() -> None:
    assert widened(PAIRING, policy(allow=people(WORK))) == [
        "DMs: 1 person is answered without a pairing code (was: sent a pairing code): 9001"
    ]
    few = policy(group_table=groups(FAMILY), group_allow=people(LAN, where=NameList.GROUP_ALLOW_FROM))
    more = replace(few, group_allow=people(LAN, WORK, where=NameList.GROUP_ALLOW_FROM))
    assert widened(few, more) == ["in the group Family (9002): 9001 may speak"]


def test_an_account_that_goes_on_and_off() -> None:
    assert widened(None, PAIRING) == [
        "the account is on",
        "DMs: anybody is sent a pairing code (was: ignored); 3 known so far",
        "DMs: 1 approved sender is answered (was: ignored): Boss (333)",
    ]
    assert narrowed(PAIRING, None) == ["the account is off, so nobody reaches it"]


def test_what_several_accounts_share_is_said_once_and_much_is_counted() -> None:
    found = compare({}, {"zalouser/a": PAIRING, "zalouser/b": PAIRING}, {})
    assert sentences(found.widens) == [
        "zalouser/a, zalouser/b: the account is on",
        "zalouser/a, zalouser/b: DMs: anybody is sent a pairing code (was: ignored)",
    ]
    many = {f"zalouser/a{n}": policy(allow=people(*map(str, range(n)))) for n in range(1, 30)}
    assert sentences(compare({}, many, {}).widens)[-1] == "and 11 more changes like these"


def test_of_many_only_some_are_named() -> None:
    known = Known(groups=tuple(Group(str(9000 + n), "") for n in range(12)))
    [first, _] = widened(policy(groups=GroupPolicy.DISABLED), policy(groups=GroupPolicy.OPEN), known)
    assert first.endswith("the account: 9000, 9001, 9002, 9003 and 8 more")


ids = st.sampled_from([LAN, HUNG, BOSS, STRANGER, "555", WORK])
lists = st.lists(st.one_of(ids, st.sampled_from(["*", "Lan", "Nga"])), max_size=3)
any_policy = st.builds(
    lambda dm, allow, reply, kind, keys, closed, mention, senders: AccessPolicy(
        dm=dm,
        allow=people(*allow),
        pairing_reply=reply,
        groups=kind,
        group_table=GroupTable.of(
            GroupRule(key, Rule(key), key in closed, mention) for key in dict.fromkeys(keys)
        ),
        group_allow=None if senders is None else people(*senders, where=NameList.GROUP_ALLOW_FROM),
    ),
    st.sampled_from(DmPolicy),
    lists,
    st.sampled_from(PairingReply),
    st.sampled_from(GroupPolicy),
    st.lists(st.sampled_from([WORK, FAMILY, "9003", "*", "Bad"]), max_size=3),
    st.lists(st.sampled_from([WORK, "*", "Bad"]), max_size=1),
    st.booleans(),
    st.one_of(st.none(), lists),
)


@settings(max_examples=150, deadline=None)
@given(any_policy, any_policy)
def test_the_way_back_closes_what_the_way_there_opens(one: AccessPolicy, other: AccessPolicy) -> None:
    there, back = told(one, other), told(other, one)
    assert bool(there.widens) == bool(back.narrows)
    assert bool(there.narrows) == bool(back.widens)
    for change in (*there.widens, *there.narrows):
        assert change_text(change) != change.code


def test_an_account_that_nothing_is_known_of() -> None:
    found = compare({LANE: PAIRING}, {LANE: policy(dm=DmPolicy.OPEN)}, {})
    assert [one.code for one in found.widens] == ["dm"]
