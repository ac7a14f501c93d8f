"""The tables of the access rules, row by row."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TypeVar

import pytest

from clawlane.access.allowlists import Allowlist
from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.access.policy import AccessPolicy, Grants
from clawlane.access.rules import decide, decide_again
from clawlane.config.choices import DmPolicy
from clawlane.messages import Attachment, Inbound, Quote, Thread, ThreadKind

NOW = 1_700_000_000_000
MINUTE = 60_000
T = TypeVar("T")
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


def verdict(inbound: Inbound, policy: AccessPolicy, grants: Grants | None = None) -> Decision:
    return decide(inbound, policy, grants or Grants(ME, frozenset({OTHER_ACCOUNT}), skew_ms=0), NOW)


OPEN = AccessPolicy(dm=DmPolicy.OPEN)


@pytest.mark.parametrize(
    ("inbound", "reason"),
    [
        pytest.param(message(sender_id=ME), Reason.SELF, id="the account's own"),
        pytest.param(message(sender_id=OTHER_ACCOUNT), Reason.OWN_ACCOUNT, id="another account here"),
        pytest.param(message(sender_id=""), Reason.MALFORMED_ID, id="sender id missing"),
        pytest.param(message(sender_id="alice"), Reason.MALFORMED_ID, id="sender id not digits"),
        pytest.param(message(sender_id="12 34"), Reason.MALFORMED_ID, id="a blank in it"),
        pytest.param(message(sender_id="١٢٣"), Reason.MALFORMED_ID, id="digits of another script"),
        pytest.param(message(sender_id="123\n"), Reason.MALFORMED_ID, id="a line end"),
        pytest.param(message(text=""), Reason.EMPTY, id="no text, attachment or quote"),
        pytest.param(message(text=" \n\u3000"), Reason.EMPTY, id="blanks"),
        pytest.param(
            message(sent_ms=NOW - 15 * MINUTE - 1), Reason.TOO_OLD, id="older than 15 min when read"
        ),
        pytest.param(message(sent_ms=NOW - 20 * MINUTE, live=False), Reason.TOO_OLD, id="after catch-up"),
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
        message(sent_ms=0),
    ],
)
def test_content_within_the_age_passes(inbound: Inbound) -> None:
    assert verdict(inbound, OPEN).admitted


def test_an_unknown_own_id_is_nobody() -> None:
    assert verdict(message(), OPEN, Grants(own_id="")).admitted


ANYONE = Allowlist.of(["*"])
PAIRED = frozenset({ALICE})

TABLE = """
dmPolicy  | in allowFrom | in store | outcome   | reason
pairing   | yes          | any      | admit     | dm_allowlisted
pairing   | no           | yes      | admit     | dm_paired
pairing   | no           | no       | challenge | dm_pairing_required
allowlist | yes          | any      | admit     | dm_allowlisted
allowlist | no           | any      | drop      | dm_not_allowlisted
open      | any          | any      | admit     | dm_open
disabled  | any          | any      | drop      | dm_disabled
"""
ALLOW_FROM = {
    "yes": [Allowlist.of([ALICE]), ANYONE, Allowlist.of(["999", ALICE])],
    "no": [Allowlist.of(["999"]), Allowlist.of([]), Allowlist.of(["Alice"]), Allowlist.of([ALICE[:-1]])],
}
STORE = {"yes": [PAIRED], "no": [frozenset[str](), frozenset({"999"})]}


@pytest.mark.parametrize("row", TABLE.strip().splitlines()[1:])
def test_direct_messages(row: str) -> None:
    dm, listed, stored, outcome, reason = (cell.strip() for cell in row.split("|"))
    for allow, paired in product(_meant(ALLOW_FROM, listed), _meant(STORE, stored)):
        decision = verdict(message(), AccessPolicy(dm=DmPolicy(dm), allow=allow), Grants(ME, paired=paired))
        assert (decision.outcome, decision.reason) == (outcome, reason)


def _meant(cases: dict[str, list[T]], cell: str) -> list[T]:
    return [one for word, some in cases.items() if cell in (word, "any") for one in some]


def test_the_rule_names_the_place_that_decided() -> None:
    rule = Rule("channels.zalouser.dmPolicy", "channel")
    assert verdict(message(), AccessPolicy(dm=DmPolicy.DISABLED, dm_rule=rule)).rule == rule
    assert verdict(message(), AccessPolicy(), Grants(paired=PAIRED)).rule.origin == "pairing store"


def test_the_trail_names_the_gates_in_order() -> None:
    assert verdict(message(text=""), OPEN).trail == ("not_self", "not_own_account", "not_malformed_id")


def test_a_name_matches_nobody() -> None:
    entries = Allowlist.of(["Alice", " 42 ", "*"])
    assert entries.names == ("Alice",)
    assert "Alice" not in entries
    assert "42" in entries


DAY = 24 * 60 * MINUTE


@pytest.mark.parametrize("skew_ms", [0, 20 * MINUTE, -20 * MINUTE, DAY, -DAY])
@pytest.mark.parametrize("live", [True, False])
def test_age_is_judged_by_the_platforms_clock(skew_ms: int, live: bool) -> None:
    grants = Grants(ME, skew_ms=skew_ms)
    platform_ms = NOW + skew_ms
    new = message(sent_ms=platform_ms - 15 * MINUTE, live=live)
    old = message(sent_ms=platform_ms - 15 * MINUTE - 1, live=live)
    assert verdict(new, OPEN, grants).admitted
    assert verdict(old, OPEN, grants).reason is Reason.TOO_OLD


def test_what_came_live_is_new_while_the_platforms_clock_is_not_known() -> None:
    grants = Grants(ME)
    assert verdict(message(sent_ms=NOW - DAY), OPEN, grants).admitted
    assert verdict(message(sent_ms=NOW - DAY, live=False), OPEN, grants).reason is Reason.TOO_OLD


@pytest.mark.parametrize("skew_ms", [None, 0, DAY])
@pytest.mark.parametrize("live", [True, False])
def test_a_message_that_cannot_tell_its_time_is_new(skew_ms: int | None, live: bool) -> None:
    assert verdict(message(sent_ms=0, live=live), OPEN, Grants(ME, skew_ms=skew_ms)).admitted


def test_a_clock_that_was_set_does_not_revoke_what_was_admitted() -> None:
    inbound = message(sent_ms=NOW - DAY)
    assert decide_again(inbound, OPEN, Grants(ME, skew_ms=DAY)) is None
