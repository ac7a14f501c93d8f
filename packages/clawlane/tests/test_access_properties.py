"""What holds for every policy and every message."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from clawlane.access.allowlists import Allowlist, GroupRule, GroupTable
from clawlane.access.decision import Outcome, Reason, Rule
from clawlane.access.explain import as_dict
from clawlane.access.names import ConfigName, Match, NameList, Pin, Pins
from clawlane.access.policy import AccessPolicy, Grants
from clawlane.access.rules import decide
from clawlane.config.choices import DmPolicy, GroupPolicy
from clawlane.config.patterns import compile_pattern
from clawlane.messages import Inbound, Mention, Quote, Thread, ThreadKind

NOW = 1_700_000_000_000
ids = st.sampled_from(["1", "2", "3", "1471383327500481391", "1234567890123456789012345"]) | st.text(
    alphabet="0123456789", min_size=1, max_size=30
)
names = st.sampled_from(["Alice", "Chị Hoa", "Work Chat", "work chat"])
broken = st.text(max_size=8).filter(lambda text: not (text.isascii() and text.isdecimal()))
entries = st.lists(ids | names | st.just("*") | st.text(max_size=4), max_size=5)
texts = st.sampled_from(["hi", "@Bot hi", "/new", "@Bot /stop", "claw", ""]) | st.text(max_size=12)


def in_list(where: NameList) -> st.SearchStrategy[Allowlist]:
    return entries.map(lambda written: Allowlist.of(written, where))


group_rules = st.builds(
    GroupRule,
    ids | names | st.just("*") | ids.map("group:{}".format),
    st.just(Rule("groups")),
    denies=st.booleans(),
    require_mention=st.booleans(),
)
policies = st.builds(
    AccessPolicy,
    dm=st.sampled_from(DmPolicy),
    allow=in_list(NameList.ALLOW_FROM),
    groups=st.sampled_from(GroupPolicy),
    group_allow=st.none() | in_list(NameList.GROUP_ALLOW_FROM),
    group_table=st.lists(group_rules, max_size=4, unique_by=lambda rule: rule.key).map(GroupTable.of),
    mention_patterns=st.sampled_from([(), (compile_pattern("claw"),)]),
    owners=entries.map(Allowlist.of),
    text_commands=st.booleans(),
    history_limit=st.sampled_from([0, 50]),
)
pins = st.lists(
    st.builds(
        Pin,
        st.builds(ConfigName, st.sampled_from(NameList), names),
        st.lists(ids, max_size=2, unique=True).map(tuple),
        st.sampled_from(Match),
    ),
    max_size=4,
).map(Pins.of)
grants = st.builds(
    Grants,
    own_id=st.sampled_from(["", "100"]),
    other_own_ids=st.frozensets(ids, max_size=1),
    paired=st.frozensets(ids, max_size=2),
    pins=pins,
    receipts=st.frozensets(ids, max_size=2),
)
mentions = st.lists(
    st.builds(
        Mention, ids | st.sampled_from(["100", "100_1", "-1", ""]), st.integers(-2, 9), st.integers(-2, 9)
    ),
    max_size=2,
).map(tuple)
quotes = st.none() | st.builds(Quote, ids | st.just(""), ids | st.sampled_from(["100", ""]), st.just("claw"))

any_kind = st.sampled_from(ThreadKind)


def messages(
    senders: st.SearchStrategy[str] = ids,
    kinds: st.SearchStrategy[ThreadKind] = any_kind,
) -> st.SearchStrategy[Inbound]:
    return st.builds(
        Inbound,
        account=st.just("default"),
        message_id=st.just("m1"),
        thread=st.builds(Thread, kinds, ids),
        sender_id=senders,
        sender_name=names,
        text=texts,
        sent_ms=st.sampled_from([NOW, NOW - 20 * 60_000]),
        mentions=mentions,
        quote=quotes,
    )


@given(policies, grants, messages())
def test_disabled_beats_everything(policy: AccessPolicy, granted: Grants, inbound: Inbound) -> None:
    off = replace(policy, dm=DmPolicy.DISABLED, groups=GroupPolicy.DISABLED)
    decision = decide(inbound, off, granted, NOW)
    assert decision.outcome is Outcome.DROP
    assert not decision.keep_as_history


_RANK = {Outcome.DROP: 0, Outcome.CHALLENGE: 1, Outcome.PEND: 1, Outcome.ADMIT: 2}


@given(policies, grants, messages(), entries, entries)
def test_one_more_entry_in_allow_from_never_shrinks_access(
    policy: AccessPolicy, granted: Grants, inbound: Inbound, written: list[str], added: list[str]
) -> None:
    before = replace(policy, allow=Allowlist.of(written, NameList.ALLOW_FROM))
    after = replace(policy, allow=Allowlist.of([*written, *added], NameList.ALLOW_FROM))
    first, second = decide(inbound, before, granted, NOW), decide(inbound, after, granted, NOW)
    assert _RANK[second.outcome] >= _RANK[first.outcome]


@given(policies, grants, messages(), entries, entries)
def test_one_more_entry_in_a_group_allow_from_that_is_set_never_shrinks_access(
    policy: AccessPolicy, granted: Grants, inbound: Inbound, written: list[str], added: list[str]
) -> None:
    before = replace(policy, group_allow=Allowlist.of(written, NameList.GROUP_ALLOW_FROM))
    after = replace(policy, group_allow=Allowlist.of([*written, *added], NameList.GROUP_ALLOW_FROM))
    first, second = decide(inbound, before, granted, NOW), decide(inbound, after, granted, NOW)
    assert _RANK[second.outcome] >= _RANK[first.outcome]


@given(policies, grants, messages(broken), st.data())
def test_no_list_admits_an_empty_or_malformed_id(
    policy: AccessPolicy, granted: Grants, inbound: Inbound, data: st.DataObject
) -> None:
    listing = Allowlist.of([inbound.sender_id, "*", *data.draw(entries)], NameList.ALLOW_FROM)
    everywhere = replace(policy, allow=listing, group_allow=listing, owners=listing)
    paired = replace(granted, paired=granted.paired | {inbound.sender_id})
    decision = decide(inbound, everywhere, paired, NOW)
    assert decision.outcome is Outcome.DROP
    assert not listing.includes(inbound.sender_id, granted.pins)


@given(policies, grants, messages())
def test_the_same_arguments_give_the_same_decision_and_the_same_words(
    policy: AccessPolicy, granted: Grants, inbound: Inbound
) -> None:
    first, second = decide(inbound, policy, granted, NOW), decide(inbound, policy, granted, NOW)
    assert first == second
    told = as_dict(first, inbound.sender_id, inbound.thread)
    assert told == as_dict(second, inbound.sender_id, inbound.thread)
    assert (told["outcome"], told["reason"]) == (first.outcome, first.reason)


@given(policies, grants, messages(), names)
def test_the_senders_name_and_unpinned_names_change_nothing(
    policy: AccessPolicy, granted: Grants, inbound: Inbound, name: str
) -> None:
    renamed = replace(inbound, sender_name=name)
    assert decide(renamed, policy, granted, NOW) == decide(inbound, policy, granted, NOW)


@given(policies, grants, messages())
def test_what_is_admitted_went_through_every_gate(
    policy: AccessPolicy, granted: Grants, inbound: Inbound
) -> None:
    decision = decide(inbound, policy, granted, NOW)
    if not decision.admitted:
        assert not decision.command
        return
    assert "not_too_old" in decision.trail
    if inbound.thread.kind is ThreadKind.GROUP:
        gates = [gate.partition(":")[0] for gate in decision.trail[5:]]
        assert [gate for gate in gates if gate != "command"] == [
            "policy",
            "entry",
            "route",
            "sender",
            "mention",
        ]


@given(policies, grants, messages(kinds=st.just(ThreadKind.GROUP)))
def test_only_what_passed_the_sender_gate_is_kept_as_history(
    policy: AccessPolicy, granted: Grants, inbound: Inbound
) -> None:
    decision = decide(inbound, policy, granted, NOW)
    if decision.keep_as_history:
        assert decision.reason in (Reason.MENTION_REQUIRED, Reason.TOO_OLD)
        assert policy.history_limit > 0
        assert any(gate.startswith("sender:") for gate in decision.trail)
