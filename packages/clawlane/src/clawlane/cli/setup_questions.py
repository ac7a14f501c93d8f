"""The questions of a setup, as data: the flag of each, what is proposed, and how it is asked and answered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from clawlane.cli.failure import CliError
from clawlane.cli.login import FLAG
from clawlane.cli.setup_agent import AGENTS, ask_agent, read_agent
from clawlane.cli.setup_alerts import ALERTS, ask_alerts, ask_owner_commands, read_alerts
from clawlane.cli.setup_hours import ask_quiet_hours, ask_timezone, read_quiet_hours, read_timezone
from clawlane.cli.setup_interview import Given, Interview, Question
from clawlane.cli.setup_policies import (
    HALF_AN_HOUR,
    OPEN,
    OPEN_DM,
    OPEN_GROUPS,
    ask_allow_from,
    ask_disclosure,
    ask_dm_policy,
    ask_group_policy,
    ask_outbound,
    ask_pairing_reply,
    ask_reload,
    read_policy,
    read_takeover,
)
from clawlane.config.choices import Disclosure, DmPolicy, GroupPolicy, OutboundMode, PairingReply, Reload
from clawlane.ops.setup_answers import AgentChoice, AlertChoice, Answers
from clawlane.texts import later, t
from clawlane.zone import machine_zone


def open_questions(interview: Interview) -> Iterator[Question]:
    """The questions that neither an answer nor the file settles, each at its time."""
    settled = {one.question for one in interview.look.settings}
    for one in QUESTIONS:
        if one.name not in settled and getattr(interview.answers, one.name) is None and one.wanted(interview):
            yield one


def pruned(interview: Interview) -> Answers:
    """The answers without those to questions that others have made pointless."""
    wanted = {one.name for one in QUESTIONS if one.wanted(interview)}
    names = {one.name for one in QUESTIONS}
    return replace(interview.answers, **dict.fromkeys(names - wanted))


def check_given(interview: Interview) -> None:
    """Refuse at once what cannot work out, before anything is done. Raises `CliError`."""
    given = interview.given
    read_agent(given.agent)
    read_alerts(given.alerts)
    read_timezone(given.timezone or "")
    read_quiet_hours(given.quiet_hours or "")
    for one in interview.look.settings:
        if any(question.given(given) for question in QUESTIONS if question.name == one.question):
            change = f"openclaw config set {one.path} VALUE"
            raise CliError(t("{path} is set already, in line {line}", path=one.path, line=one.line), change)
    interview.people.refuse_at_once(given.allow_from, anyone=False)
    interview.people.refuse_at_once(given.group_allow_from, anyone=True)
    if interview.prompts is None:
        _check_alone(interview)


def _check_alone(interview: Interview) -> None:
    """Whether the flags say everything where nobody can be asked."""
    given = interview.given
    lacking: list[str] = []
    if not interview.look.accepted:
        lacking += [] if given.accept_risk else [FLAG]
        lacking += [] if given.expendable else ["--expendable yes|no"]
    ahead, foreseen = replace(interview), set()
    for one in open_questions(ahead):
        foreseen.add(one.name)
        said = one.given(given) or (one.proposal if one.optional or given.yes else None)
        if said is None:
            lacking.append(one.flag)
        elif one.name in _POLICIES:
            _refuse_open(str(said), given, _POLICIES[one.name])
            ahead.answers = replace(ahead.answers, **{one.name: said})
    if lacking:
        more = later("see: openclaw onboard --help; --yes accepts the defaults where there are any")
        raise CliError(
            t("without a terminal the answers have to be flags; missing: {flags}", flags=", ".join(lacking)),
            t("see: openclaw onboard --help") if given.yes else t(more),
        )
    for one in QUESTIONS:
        if one.given(given) and one.name not in foreseen:
            raise CliError(t("{flag} does not go with the policy that was chosen", flag=one.flag.split()[0]))


def _refuse_open(word: str, given: Given, warning: str) -> None:
    if word == OPEN and not given.yes:
        raise CliError(
            t("'open' has to be confirmed. {warning}", warning=t(warning)), t("add --yes if you mean it")
        )


def _senders(interview: Interview, entries: tuple[str, ...], *, anyone: bool) -> Any:
    return interview.people.senders(entries, anyone=anyone)


def _is_new(interview: Interview) -> bool:
    """Whether the config does not have the account yet. Others are left as they are."""
    return not interview.look.configured


_POLICIES = {"dm_policy": OPEN_DM, "group_policy": OPEN_GROUPS}
"""Questions on whose answer it depends which others are asked, each with the warning about `open`."""

_ALLOW_FROM = Question(
    "allow_from",
    "--allow-from ID|NAME",
    lambda given: given.allow_from,
    ask_allow_from,
    lambda one: _senders(one, one.given.allow_from, anyone=False),
    wanted=lambda one: one.said("dm_policy") == DmPolicy.ALLOWLIST,
)

QUESTIONS = (
    Question(
        "dm_policy",
        "--dm-policy pairing|allowlist|open|disabled",
        lambda given: given.dm_policy,
        ask_dm_policy,
        lambda one: DmPolicy(read_policy(one, str(one.given.dm_policy), OPEN_DM)),
        DmPolicy.PAIRING,
        title=later("Direct messages"),
    ),
    _ALLOW_FROM,
    replace(
        _ALLOW_FROM,
        proposed=(),
        wanted=lambda one: one.said("dm_policy") == DmPolicy.PAIRING,
        optional=True,
    ),
    Question(
        "pairing_reply",
        "--pairing-reply friends-silent|code|silent",
        lambda given: given.pairing_reply,
        ask_pairing_reply,
        lambda one: PairingReply(str(one.given.pairing_reply)),
        PairingReply.FRIENDS_SILENT,
        wanted=lambda one: one.said("dm_policy") == DmPolicy.PAIRING,
    ),
    Question(
        "group_policy",
        "--group-policy disabled|allowlist|open",
        lambda given: given.group_policy,
        ask_group_policy,
        lambda one: GroupPolicy(read_policy(one, str(one.given.group_policy), OPEN_GROUPS)),
        GroupPolicy.DISABLED,
        title=later("Groups"),
    ),
    Question(
        "group_allow_from",
        "--group-allow-from ID|NAME|'*'",
        lambda given: given.group_allow_from,
        lambda _one: None,  # asked for each group
        lambda one: _senders(one, one.given.group_allow_from, anyone=True),
        wanted=lambda one: one.said("group_policy") == GroupPolicy.ALLOWLIST,
    ),
    Question(
        "groups",
        "--group ID|NAME",
        lambda given: given.group,
        lambda one: one.people.pick_groups(
            t("Groups in which the lane listens:"), speakers=one.answers.group_allow_from is None
        ),
        lambda one: one.people.groups(one.given.group),
        wanted=lambda one: one.said("group_policy") == GroupPolicy.ALLOWLIST,
    ),
    Question(
        "outbound",
        "--outbound approve|auto|off",
        lambda given: given.outbound,
        ask_outbound,
        lambda one: OutboundMode(str(one.given.outbound)),
        OutboundMode.APPROVE,
        wanted=lambda one: _is_new(one) or one.given.outbound is not None,
        optional=True,
        title=later("What leaves"),
    ),
    Question(
        "owner_takeover",
        "--owner-takeover 30m|0",
        lambda given: given.owner_takeover,
        lambda _one: HALF_AN_HOUR,  # nobody is asked: the comment in the file says what it is
        read_takeover,
        HALF_AN_HOUR,
        wanted=lambda one: _is_new(one) or one.given.owner_takeover is not None,
        optional=True,
    ),
    Question(
        "quiet_hours",
        "--quiet-hours 22:00-07:00|off",
        lambda given: given.quiet_hours,
        ask_quiet_hours,
        lambda one: read_quiet_hours(str(one.given.quiet_hours)),
        "",
        wanted=lambda one: _is_new(one) or one.given.quiet_hours is not None,
        optional=True,
        title=later("Hours"),
    ),
    Question(
        "timezone",
        "--timezone NAME",
        lambda given: given.timezone,
        ask_timezone,
        lambda one: read_timezone(str(one.given.timezone)),
        machine_zone,
        wanted=lambda one: _is_new(one) or one.given.timezone is not None,
        optional=True,
    ),
    Question(
        "warm_up",
        "",
        lambda _given: None,
        lambda _one: True,  # everybody begins so
        lambda _one: None,
        True,
        wanted=_is_new,
        optional=True,
    ),
    Question(
        "agent",
        f"--agent {'|'.join(AGENTS)}",
        lambda given: given.agent.kind,
        lambda one: ask_agent(one.asked),
        lambda one: read_agent(one.given.agent),
        AgentChoice(),
        title=later("Agent"),
    ),
    Question(
        "disclosure",
        "--disclosure first|prefix|off",
        lambda given: given.disclosure,
        ask_disclosure,
        lambda one: Disclosure(str(one.given.disclosure)),
        # Without anybody to ask it stays open, and a finding: nobody decides it by the way.
        wanted=lambda one: (
            one.given.disclosure is not None or (one.prompts is not None and not one.given.yes)
        ),
        title=later("Telling people"),
    ),
    Question(
        "alerts",
        f"--alerts {'|'.join(ALERTS)}",
        lambda given: given.alerts.kind,
        lambda one: ask_alerts(one.asked, one.look.others),
        lambda one: read_alerts(one.given.alerts),
        AlertChoice(),
        wanted=lambda one: _is_new(one) or bool(one.given.alerts.kind),
        optional=True,
        title=later("Telling you"),
    ),
    Question(
        "owner_commands",
        "--owner-commands yes|no",
        lambda given: given.owner_commands,
        lambda one: ask_owner_commands(one.asked),
        lambda one: one.given.owner_commands == "yes",
        False,
        wanted=lambda one: _is_new(one) or one.given.owner_commands is not None,
        optional=True,
    ),
    Question(
        "reload",
        "--reload ask|auto",
        lambda given: given.reload,
        ask_reload,
        lambda one: Reload(str(one.given.reload)),
        Reload.ASK,
        title=later("Edits of the config"),
    ),
)
