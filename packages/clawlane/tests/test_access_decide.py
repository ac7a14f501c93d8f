"""The tables of the access rules, row by row."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawlane.access.decide import decide
from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.access.entries import SenderList
from clawlane.access.policy import Grants, Policy
from clawlane.config.policy import DmPolicy
from clawlane.messages import Attachment, Inbound, Quote, Thread, ThreadKind

NOW = 1_700_000_000_000
MINUTE = 60_000
ME, OTHER_ACCOUNT, ALICE = "100", "200", "1471383327500481391"


def message(**changes: object) -> Inbound:
    plain = Inbound(
        account="default",
        message_id="m1",
        thread=Thread(ThreadKind.DM, ALICE),
        sender_id=ALICE,
        sender_name="Alice",
        text="xin chào",
        sent_ms=NOW,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def verdict(inbound: Inbound, policy: Policy, grants: Grants | None = None) -> Decision:
    return decide(inbound, policy, grants or Grants(ME, frozenset({OTHER_ACCOUNT})), NOW)


OPEN = Policy(dm=DmPolicy.OPEN)


@pytest.mark.parametrize(
    ("inbound", "reason"),
    [
        (message(sender_id=ME), Reason.SELF),
        (message(sender_id=OTHER_ACCOUNT), Reason.OWN_ACCOUNT),
        (message(sender_id=""), Reason.MALFORMED_ID),
        (message(sender_id="alice"), Reason.MALFORMED_ID),
        (message(sender_id="12 34"), Reason.MALFORMED_ID),
        (message(sender_id="١٢٣"), Reason.MALFORMED_ID),
        (message(sender_id="123\n"), Reason.MALFORMED_ID),
        (message(text=""), Reason.EMPTY),
        (message(text=" \n\u3000"), Reason.EMPTY),
        (message(sent_ms=NOW - 15 * MINUTE - 1), Reason.TOO_OLD),
        (message(sent_ms=NOW - 20 * MINUTE, live=False), Reason.TOO_OLD),
    ],
)
def test_before_the_tables_a_message_is_dropped(inbound: Inbound, reason: Reason) -> None:
    decision = verdict(inbound, OPEN)
    assert (decision.outcome, decision.reason) == (Outcome.DROP, reason)


@pytest.mark.parametrize(
    "inbound",
    [
        message(text="", attachments=(Attachment("sticker"),)),
        message(text="", quote=Quote("m0", ME, "earlier")),
        message(sent_ms=NOW - 15 * MINUTE),
        message(sent_ms=NOW + 5 * MINUTE),
    ],
)
def test_content_within_the_age_passes(inbound: Inbound) -> None:
    assert verdict(inbound, OPEN).admitted


def test_an_unknown_own_id_is_nobody() -> None:
    assert verdict(message(), OPEN, Grants(own_id="")).admitted


LISTED, ANYONE, NOBODY = SenderList.of([ALICE]), SenderList.of(["*"]), SenderList.of(["999"])
PAIRED = frozenset({ALICE})
YES, ASK, NO = Outcome.ADMIT, Outcome.CHALLENGE, Outcome.DROP


@pytest.mark.parametrize(
    ("dm", "allow", "paired", "outcome", "reason"),
    [
        (DmPolicy.PAIRING, LISTED, frozenset(), YES, Reason.DM_ALLOWLISTED),
        (DmPolicy.PAIRING, ANYONE, PAIRED, YES, Reason.DM_ALLOWLISTED),
        (DmPolicy.PAIRING, NOBODY, PAIRED, YES, Reason.DM_PAIRED),
        (DmPolicy.PAIRING, NOBODY, frozenset(), ASK, Reason.DM_PAIRING_REQUIRED),
        (DmPolicy.ALLOWLIST, LISTED, frozenset(), YES, Reason.DM_ALLOWLISTED),
        (DmPolicy.ALLOWLIST, ANYONE, frozenset(), YES, Reason.DM_ALLOWLISTED),
        (DmPolicy.ALLOWLIST, NOBODY, PAIRED, NO, Reason.DM_NOT_ALLOWLISTED),
        (DmPolicy.OPEN, NOBODY, frozenset(), YES, Reason.DM_OPEN),
        (DmPolicy.OPEN, LISTED, PAIRED, YES, Reason.DM_OPEN),
        (DmPolicy.DISABLED, ANYONE, PAIRED, NO, Reason.DM_DISABLED),
    ],
)
def test_direct_messages(
    dm: DmPolicy, allow: SenderList, paired: frozenset[str], outcome: Outcome, reason: Reason
) -> None:
    decision = verdict(message(), Policy(dm=dm, allow=allow), Grants(ME, paired=paired))
    assert (decision.outcome, decision.reason) == (outcome, reason)


def test_the_rule_names_the_place_that_decided() -> None:
    rule = Rule("channels.zalouser.dmPolicy", "channel")
    assert verdict(message(), Policy(dm=DmPolicy.DISABLED, dm_rule=rule)).rule == rule
    assert verdict(message(), Policy(), Grants(paired=PAIRED)).rule.origin == "pairing store"


def test_the_trail_names_the_gates_in_order() -> None:
    assert verdict(message(text=""), OPEN).trail == ("not_self", "not_own_account", "not_malformed_id")


def test_a_name_matches_nobody() -> None:
    entries = SenderList.of(["Alice", " 42 ", "*"])
    assert entries.names == ("Alice",)
    assert "Alice" not in entries
    assert "42" in entries


ids = st.text(alphabet="0123456789", min_size=1, max_size=30)
entries = st.lists(ids | st.just("*") | st.text(max_size=6), max_size=6)
policies = st.sampled_from(DmPolicy)


@given(entries, ids, st.frozensets(ids, max_size=3))
def test_disabled_beats_everything(written: list[str], sender: str, paired: frozenset[str]) -> None:
    policy = Policy(dm=DmPolicy.DISABLED, allow=SenderList.of(written))
    assert verdict(message(sender_id=sender), policy, Grants(paired=paired)).outcome is Outcome.DROP


@given(policies, entries, st.text(max_size=6) | ids, ids, st.frozensets(ids, max_size=3))
def test_one_more_entry_never_shuts_anybody_out(
    dm: DmPolicy, written: list[str], added: str, sender: str, paired: frozenset[str]
) -> None:
    grants = Grants(paired=paired)
    before = verdict(message(sender_id=sender), Policy(dm=dm, allow=SenderList.of(written)), grants)
    after = verdict(message(sender_id=sender), Policy(dm=dm, allow=SenderList.of([*written, added])), grants)
    assert after.admitted or not before.admitted


@given(policies, entries, st.text(max_size=8).filter(lambda text: not (text.isascii() and text.isdigit())))
def test_no_list_admits_an_empty_or_malformed_id(dm: DmPolicy, written: list[str], sender: str) -> None:
    policy = Policy(dm=dm, allow=SenderList.of([*written, sender, "*"]))
    assert not verdict(message(sender_id=sender), policy, Grants(paired=frozenset({sender}))).admitted
    assert sender not in policy.allow
