"""Groups, gates 5 to 7: commands, and whether a message is meant for the account."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest

from clawlane.access.allowlists import Allowlist, GroupRule, GroupTable
from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.access.names import NameList
from clawlane.access.policy import AccessPolicy, Grants
from clawlane.access.rules import COMMANDS, command_in, decide, decide_again
from clawlane.config.choices import DmPolicy, GroupPolicy
from clawlane.config.patterns import compile_pattern
from clawlane.messages import Inbound, Mention, Quote, Thread, ThreadKind

NOW = 1_700_000_000_000
ME, ALICE, BOB, GROUP = "100", "1471383327500481391", "222", "777"
GRANTS = Grants(ME, receipts=frozenset({"sent-by-me"}))


def group(require_mention: bool = True) -> GroupTable:
    return GroupTable.of([GroupRule(GROUP, Rule("groups"), require_mention=require_mention)])


def people(*ids: str, where: NameList = NameList.ALLOW_FROM) -> Allowlist:
    return Allowlist.of(ids, where)


HEARD = AccessPolicy(group_table=group(), group_allow=people("*"))
ANYBODY = AccessPolicy(groups=GroupPolicy.OPEN)


def message(text: str = "hi", *mentions: Mention, quote: Quote | None = None) -> Inbound:
    thread = Thread(ThreadKind.GROUP, GROUP)
    return Inbound("default", "m1", thread, ALICE, "Alice", text, NOW, mentions, quote)


def verdict(inbound: Inbound, policy: AccessPolicy = HEARD, grants: Grants = GRANTS) -> Decision:
    return decide(inbound, policy, grants, NOW)


BOT, SUFFIXED, SOMEBODY = Mention(ME, 0, 4), Mention(f"{ME}_3", 0, 4), Mention(BOB, 0, 4)
ALL = Mention("-1", 0, 4, everyone=True)
ALL_AS_ME = Mention(ME, 0, 4, everyone=True)


@pytest.mark.parametrize(
    ("inbound", "how"),
    [
        pytest.param(message("@Bot hi", BOT), "explicit", id="own id in the mention list"),
        pytest.param(message("@Bot hi", SUFFIXED), "explicit", id="own id with a suffix"),
        pytest.param(message("@Bob @Bot", SOMEBODY, Mention(ME, 5, 4)), "explicit", id="among others"),
        pytest.param(message("ok", quote=Quote("x", ME, "")), "quote", id="a quote of the own id"),
        pytest.param(
            message("ok", quote=Quote("x", f"{ME}_0", "")), "quote", id="of the own id with a suffix"
        ),
        pytest.param(message("ok", quote=Quote("sent-by-me", "", "")), "quote", id="a quote of a receipt"),
        pytest.param(message("/status"), "command", id="an authorised command that mentions nobody"),
        pytest.param(message("@Bot /status", BOT), "explicit", id="a command with a mention"),
        pytest.param(message("hi"), "", id="nothing of it"),
        pytest.param(message("@Bob hi", SOMEBODY), "", id="somebody else"),
        pytest.param(message("@All hi", ALL), "", id="@All"),
        pytest.param(message("@All hi", ALL_AS_ME), "", id="@All under any id"),
        pytest.param(message("@Bot hi"), "", id="a name that is only typed"),
        pytest.param(message("@Bot hi", Mention("1001", 0, 4)), "", id="an id that begins alike"),
        pytest.param(message("ok", quote=Quote("x", BOB, "")), "", id="a quote of somebody else"),
        pytest.param(message("ok", quote=Quote("", "", "")), "", id="a quote of nothing"),
        pytest.param(message("@All /status", ALL), "", id="a command that mentions @All"),
        pytest.param(message("@Bob /status", SOMEBODY), "", id="a command that mentions somebody"),
    ],
)
def test_a_mention_is_recognised(inbound: Inbound, how: str) -> None:
    decision = verdict(inbound)
    assert decision.mention == how
    assert decision.reason is (Reason.GROUP_ADMITTED if how else Reason.MENTION_REQUIRED)
    assert decision.outcome is (Outcome.ADMIT if how else Outcome.PEND)
    assert decision.keep_as_history is not bool(how)


@pytest.mark.parametrize(
    ("require_mention", "inbound", "own_id", "patterns", "outcome", "reason"),
    [
        pytest.param(True, message("@Bot", BOT), ME, (), Outcome.ADMIT, Reason.GROUP_ADMITTED, id="present"),
        pytest.param(False, message(), ME, (), Outcome.ADMIT, Reason.GROUP_ADMITTED, id="not needed"),
        pytest.param(False, message(), "", (), Outcome.ADMIT, Reason.GROUP_ADMITTED, id="not needed, no id"),
        pytest.param(True, message(), ME, (), Outcome.PEND, Reason.MENTION_REQUIRED, id="absent"),
        pytest.param(
            True, message(), "", ("bot",), Outcome.PEND, Reason.MENTION_REQUIRED, id="no id, a pattern"
        ),
        pytest.param(
            True,
            message(),
            "",
            (),
            Outcome.DROP,
            Reason.MENTION_UNDETECTABLE,
            id="own id unknown, no pattern",
        ),
        pytest.param(
            True,
            message("/new"),
            "",
            (),
            Outcome.ADMIT,
            Reason.GROUP_ADMITTED,
            id="a command comes before that",
        ),
    ],
)
def test_the_mention_gate(
    require_mention: bool,
    inbound: Inbound,
    own_id: str,
    patterns: tuple[str, ...],
    outcome: Outcome,
    reason: Reason,
) -> None:
    policy = replace(
        HEARD, group_table=group(require_mention), mention_patterns=tuple(map(compile_pattern, patterns))
    )
    decision = verdict(inbound, policy, Grants(own_id))
    assert (decision.outcome, decision.reason) == (outcome, reason)


def test_without_an_entry_a_mention_is_required() -> None:
    decision = verdict(message(), ANYBODY)
    assert decision.reason is Reason.MENTION_REQUIRED
    assert decision.rule.path == "groups['777'].requireMention"


def test_history_that_is_off_keeps_nothing() -> None:
    decision = verdict(message(), replace(HEARD, history_limit=0))
    assert decision.outcome is Outcome.PEND
    assert not decision.keep_as_history


NAMED = replace(HEARD, mention_patterns=(compile_pattern(r"\bbé\s+claw\b"),))


@pytest.mark.parametrize(
    ("inbound", "found"),
    [
        pytest.param(message("này bé claw ơi"), True, id="in the text"),
        pytest.param(message("BÉ  Claw!"), True, id="in any case"),
        pytest.param(message(unicodedata.normalize("NFD", "bé claw")), True, id="with accents taken apart"),
        pytest.param(message("be claw"), False, id="without the accent"),
        pytest.param(message("xong", quote=Quote("x", BOB, "bé claw")), False, id="only in the quote"),
    ],
)
def test_a_pattern_is_searched_in_the_own_text(inbound: Inbound, found: bool) -> None:
    assert verdict(inbound, NAMED).mention == ("pattern" if found else "")


AT_BOT = Mention(ME, 0, 9)


@pytest.mark.parametrize(
    ("inbound", "command"),
    [
        *((message(command), command) for command in sorted(COMMANDS)),
        (message(" /Status\n"), "/status"),
        (message("@Claw Bot /stop", AT_BOT), "/stop"),
        (message("@Claw Bot/stop", AT_BOT), "/stop"),
        (message("/stop @Bot", Mention(ME, 6, 4)), "/stop"),
        (message("@Bot @Bot /stop", Mention(ME, 0, 4), Mention(ME, 5, 4)), "/stop"),
        (message("@Bot /stop"), "/stop"),
        (message("@Bob /stop", SOMEBODY), "/stop"),
        (message("@Claw Bot /stop"), ""),
        (message("/stop now"), ""),
        (message("please /stop"), ""),
        (message("/stopp"), ""),
        (message("/model"), ""),
        (message("/"), ""),
        (message("@Bot /stop", Mention(ME, -5, 2)), ""),
        (message("/stop", Mention(ME, 0, 0)), "/stop"),
        (message("/stop", Mention(ME, 90, 9)), "/stop"),
    ],
)
def test_a_command_is_the_whole_text(inbound: Inbound, command: str) -> None:
    assert command_in(inbound, ME) == command


@pytest.mark.parametrize(
    ("policy", "authorised"),
    [
        pytest.param(replace(ANYBODY), False, id="in none of the lists"),
        pytest.param(replace(ANYBODY, group_allow=people(ALICE)), True, id="groupAllowFrom"),
        pytest.param(replace(ANYBODY, group_allow=people("*")), True, id="groupAllowFrom with *"),
        pytest.param(replace(ANYBODY, allow=people(ALICE)), True, id="allowFrom"),
        pytest.param(replace(ANYBODY, owners=Allowlist.of([ALICE])), True, id="commands.ownerAllowFrom"),
        pytest.param(replace(ANYBODY, owners=Allowlist.of(["Alice"])), False, id="a name among the owners"),
    ],
)
def test_a_command_needs_a_sender_on_a_list(policy: AccessPolicy, authorised: bool) -> None:
    decision = verdict(message("/new"), policy)
    assert decision.reason is (Reason.GROUP_ADMITTED if authorised else Reason.COMMAND_UNAUTHORIZED)
    assert decision.command == ("/new" if authorised else "")


def test_an_unauthorised_command_is_dropped_even_with_a_mention_and_is_not_kept() -> None:
    decision = verdict(message("@Bot /new", BOT), ANYBODY)
    assert (decision.outcome, decision.reason) == (Outcome.DROP, Reason.COMMAND_UNAUTHORIZED)
    assert not decision.keep_as_history


def test_without_text_commands_a_command_is_text() -> None:
    assert verdict(message("/new"), replace(HEARD, text_commands=False)).reason is Reason.MENTION_REQUIRED
    decision = verdict(message("@Bot /new", BOT), replace(ANYBODY, text_commands=False))
    assert (decision.admitted, decision.command) == (True, "")


def test_the_trail_names_command_and_mention() -> None:
    assert verdict(message("/NEW")).trail[-2:] == ("command:/new", "mention:command")
    decision = verdict(message(), replace(HEARD, group_table=group(require_mention=False)))
    assert decision.trail[-1] == "mention:not_needed"


def test_everybody_admitted_directly_may_use_commands() -> None:
    inbound = replace(message("/Stop"), thread=Thread(ThreadKind.DM, ALICE))
    paired = Grants(ME, paired=frozenset({ALICE}))
    assert verdict(inbound, AccessPolicy(), paired).command == "/stop"
    assert verdict(inbound, AccessPolicy(dm=DmPolicy.ALLOWLIST), paired).command == ""


def test_a_sender_who_left_the_list_is_out_when_the_turn_is_about_to_run() -> None:
    inbound = message("@Bot hi", BOT)
    assert decide_again(inbound, HEARD, GRANTS) is None
    again = decide_again(inbound, replace(HEARD, group_allow=people(BOB)), GRANTS)
    assert again is not None
    assert (again.outcome, again.reason) == (Outcome.DROP, Reason.REVOKED_BEFORE_RUN)
    assert again.rule.path == "groupAllowFrom"


def test_what_would_only_be_pended_now_does_not_run_and_is_not_kept_either() -> None:
    again = decide_again(message(), HEARD, GRANTS)
    assert again is not None
    assert (again.outcome, again.keep_as_history) == (Outcome.DROP, False)
