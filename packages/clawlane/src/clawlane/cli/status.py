"""`channels status`: the status of the accounts, with or without a running gateway."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import Any

import click

from clawlane.cli.channel_off import off_words
from clawlane.cli.failure import CliError
from clawlane.cli.json_shapes import risk_json, user_json
from clawlane.cli.options import UNOFFICIAL, account_option, channel_option, json_option
from clawlane.cli.output import (
    ago,
    day_words,
    echo_wrapped,
    gap_words,
    local,
    local_minute,
    print_json,
    rules_line,
    sanitize,
    when,
)
from clawlane.cli.pause import pause_words, resume_command, takeover_words
from clawlane.cli.phases import PHASES
from clawlane.clock import length, now_ms
from clawlane.condition import Health, Phase, ProbeResult
from clawlane.config.choices import QuietDo
from clawlane.credentials.profile import Consent
from clawlane.ops.account_status import (
    AccountStatus,
    ConfigStatus,
    HeldReply,
    PairingCounts,
    PolicyStatus,
    ProblemCode,
    RetentionStatus,
    WarmUpStatus,
)
from clawlane.ops.alarm_text import status_line
from clawlane.ops.client import Client
from clawlane.ops.context import account_words
from clawlane.ops.finding_text import finding_json, one_line, problem_text, severity_word
from clawlane.ops.operation import plain
from clawlane.ops.rules_from import FILE, GATEWAY, RulesFrom
from clawlane.ops.speakers import speakers_text
from clawlane.ops.status import GetStatus, Status
from clawlane.ops.upgrade import UpgradeInfo
from clawlane.ops.verification_state import VerificationState, verification_text
from clawlane.store.draft_told import DraftCount
from clawlane.texts import later, t, tn

_RULES = {
    "pacing.sameText.times": later("the same reply again and again in this conversation"),
    "pacing.sameText.threads": later("the same reply to many conversations"),
    "pacing.warmUp": later("as many replies as a new session may send"),
    "pacing.account": later("as many messages as the account may send"),
    "pacing.thread": later("as many messages as one conversation may get"),
    "pacing.strangers": later("as many people who are not friends as may get messages"),
}
"""What holds a reply, by the setting."""

_VALIDATE = later("; run: openclaw config validate")
_RESTORED = later(
    "from a backup, {since}; log the gateway out that it is of. What people write before this one connects"
    " is not answered."
)
_TAKEOVERS_OFF = later(
    "takeovers are off: what the account sends comes back under ids that match nothing; they are tried again"
    " after the next login"
)
_NAMES = {"pinned": later("pinned"), "unresolved": later("unresolved"), "ambiguous": later("ambiguous")}
_ANSWERS = (later("yes"), later("no"), later("not asked"), later("accepted"))
"""What was answered about the risk, as its record has it."""

_GAPS = 3
_GROUPS = 5
"""Groups that are listed with who may speak there."""

_HEALTH = {Health.UNKNOWN: later("not seen yet"), Health.OK: later("ok"), Health.BROKEN: later("broken")}
_PARTS = {
    "auth": later("auth {health}"),
    "inbound": later("inbound {health}"),
    "outbound": later("outbound {health}"),
    "storing": later("storing {health}"),
}
"""What has a health of its own."""


class Exit(IntEnum):
    """What the exit code says. Of several accounts the highest counts."""

    WELL = 0
    DEGRADED = 2
    NOT_LINKED = 3
    STOPPED = 4
    GATEWAY_DOWN = 5


@click.command()
@channel_option("Only this channel (default: all).")
@account_option()
@click.option("--probe", is_flag=True, help="Also ask the platform whether the sessions are valid.")
@json_option
def status(channel: str | None, account: str | None, probe: bool, as_json: bool) -> int:
    """Show the status of the accounts.

    Personal Zalo (zalouser) is experimental, unofficial: see openclaw plugins info.

    \b
    Exit code, the highest of all enabled accounts:
      0  every account is logged in, can receive and can send
      1  wrong usage, wrong config, unknown channel
      2  degraded (the status says why), not connected yet, something waits for
         your decision, or the config file is broken now
      3  not linked, session expired, risk not accepted, or no enabled account
      4  paused or replaced by another login
      5  the gateway is not running

    \b
    Examples:
      openclaw channels status --probe
      openclaw channels status --json
    """
    client = Client()
    found = client.call(GetStatus(channel, account, probe))
    if not found.channels and (channel or account):
        code = Exit.NOT_LINKED if found.gateway else Exit.GATEWAY_DOWN
        from clawlane.ops.accounts import FindChannel

        name = client.call(FindChannel(channel))
        edited = t("the file was edited, which waits for: openclaw config apply")
        waits = edited if found.config.waiting else ""
        raise CliError(t("the config has no block for {name}, so it is off", name=name), waits, code)
    code, rules = exit_code(found), _rules(found, str(client.paths.config_file))
    if as_json:
        head = {"ok": code is Exit.WELL, "exit_code": int(code), "running": bool(found.gateway)}
        print_json(**head, rules=rules, **_status_json(found))
        return code
    for begin, text in lines(found, rules):
        echo_wrapped(text, begin, " " * len(begin) or "    ")
    return code


def _rules(found: Status, file: str) -> RulesFrom:
    """Where the rules of the answer were read: by whom it was given."""
    config, running = found.config, found.gateway is not None
    return RulesFrom(
        GATEWAY if running else FILE, file, config.changed, config.error or "", bool(config.waiting), running
    )


def lines(found: Status, rules: RulesFrom) -> Iterator[tuple[str, str]]:
    """The gateway, then every channel with its accounts: what a line begins with, and its text."""
    now = now_ms()
    if gateway := found.gateway:
        since = when(gateway.started_ms, now)
        yield "", t("Gateway: running since {since}, pid {pid}", since=since, pid=gateway.pid)
    elif found.channels:
        yield "", t("Gateway: not running; start it: openclaw gateway run")
    else:
        yield "", t("Gateway: not running")
    yield from _config_lines(found.config, now)
    yield "", rules_line(rules, error_told=True)
    for agent in found.echoes if found.channels else ():
        echoes = t("Agent: {agent} answers with an echo: configure `brain` or `model`", agent=sanitize(agent))
        yield "", echoes
    for place in sorted({one.rehearsal for one in _accounts(found) if one.rehearsal}):
        yield (
            "",
            t(
                "REHEARSAL: a simulator on {place} stands in for the real platform. Nothing here reaches it.",
                place=place,
            ),
        )
    for name, block in found.channels.items():
        note = f" ({t(UNOFFICIAL)})" if block.unofficial else ""
        yield "", ""
        yield "", f"{block.label} [{name}]{note}"
        for one in block.accounts.values():
            words = account_words(name, one.id, one.id == block.default_account)
            yield from _account(one, words, found.gateway is not None, now)
    for off in found.off:
        yield "", ""
        yield "", off_words(off)
    if not found.channels and not found.off:
        yield "", t("No channel is configured; set one up: openclaw onboard")


def _config_lines(config: ConfigStatus, now: int) -> Iterator[tuple[str, str]]:
    """Since when the config is in force, and what is to be said of a file that differs."""
    if config.applied_ms is None:
        return
    since = when(config.applied_ms, now)
    if config.error:
        yield "", t("Config: broken now ({error})", error=sanitize(config.error, 300))
        good = t("the last good one is in force since {since}", since=since)
        if config.again_ms is not None:
            wait = length(max(0, config.again_ms - now))
            good += t("; tried again in {wait}", wait=wait)
        yield "    → ", f"{good}{t(_VALIDATE)}"
    elif config.waiting:
        widens = later(
            "Config: in force since {since}; the file widens access, which waits for: openclaw config apply"
        )
        yield "", t(widens, since=since)
        for sentence in config.waiting:
            yield "    → ", sanitize(sentence, 300)
    elif config.changed:
        edited = later(
            "Config: in force since {since}; the file was edited just now and is about to be applied"
        )
        yield "", t(edited, since=since)
    else:
        yield "", t("Config: in force since {since}", since=since)


def _accounts(found: Status) -> Iterator[AccountStatus]:
    for block in found.channels.values():
        yield from block.accounts.values()


def _account(one: AccountStatus, words: str, running: bool, now: int) -> Iterator[tuple[str, str]]:
    called = f" · {sanitize(one.name)}" if one.name else ""
    phase = t(PHASES[one.phase]) if running else t("not running")
    reason = f": {sanitize(one.reason, 200)}" if one.reason else ""
    how = f"{phase}{reason}" if one.enabled else t("disabled")
    profile = t("{account} (profile {profile})", account=one.id, profile=one.profile)
    yield "  ", f"{profile}{called}: {how}"
    for head, text in (*_working_rows(one, words, now), *_waiting_rows(one, words), *_known_rows(one, now)):
        yield f"    {t(head):<11}", text
    if one.help:
        yield "    → ", one.help
    elif one.enabled and (not one.linked or (one.probe and one.probe.expired)):
        yield "    → ", f"openclaw channels login {words}"


def _working_rows(one: AccountStatus, words: str, now: int) -> Iterator[tuple[str, str]]:
    """Who is linked, the health of the connection, the policies and the decisions."""
    user = one.identity
    yield later("linked"), t("as {name} ({id})", name=sanitize(user.name), id=user.id) if user else t("no")
    yield later("verified"), _verified(one, words, now)
    if one.linked:
        parts = (t(part, health=t(_HEALTH[getattr(one, name)])) for name, part in _PARTS.items())
        yield later("health"), " · ".join(parts)
    for alarm in one.alarms:
        yield later("alarm"), sanitize(status_line(alarm, now), 400)
        yield "", t("run: {command}; read: openclaw help {page}", command=alarm.command, page=alarm.page)
    for problem in (it for it in one.problems if it.code is not ProblemCode.ALARM):
        what = sanitize(problem_text(problem), 300)
        yield later("problem"), t("{what}; run: {command}", what=what, command=problem.command)
    if one.noticed_ms:
        within = length(one.noticed_ms)
        yield later("silence"), t("a dead connection is noticed within {time}", time=within)
    last_in, last_out = when(one.last_inbound_ms, now), when(one.last_outbound_ms, now)
    yield later("last"), t("inbound {received} · outbound {sent}", received=last_in, sent=last_out)
    yield later("DMs"), _policy(one.dm_policy)
    yield later("groups"), _policy(one.group_policy)
    if one.own_modes or any(policy.value != "auto" for policy in one.modes):
        yield later("outbound"), " · ".join(dict.fromkeys(map(_policy, one.modes)))
    for policy in one.own_modes:
        yield "", sanitize(_policy(policy), 200)
    yield from _speakers(one)
    if one.counters:
        counted = " · ".join(f"{reason} {count}" for reason, count in one.counters.items())
        yield later("decisions"), counted


def _waiting_rows(one: AccountStatus, words: str) -> Iterator[tuple[str, str]]:
    """What is not sent now, until when, and which command sends it."""
    if states := {state: count for state, count in one.outbox.items() if count}:
        yield later("outbox"), " · ".join(f"{state} {count}" for state, count in states.items())
    if one.upgrade:
        yield later("upgrade"), _upgrade(one.upgrade)
    if one.restored_ms is not None:
        since = when(one.restored_ms, now_ms())
        yield later("restored"), t(_RESTORED, since=since)
    for pause in one.pauses:
        ends = resume_command(pause)
        if one.upgrade and pause.thread is None:
            ends = "openclaw upgrade accept"
        waiting = t(" · turns that wait: {n}", n=one.waiting) if one.waiting else ""
        paused = f"{pause_words(pause)}{waiting}"
        yield later("paused"), t("{what}; resume with: {command}", what=paused, command=ends)
    for taken in one.takeovers:
        end = f"openclaw resume {words} --thread {taken.thread}"
        what = takeover_words(taken)
        yield later("taken over"), t("{what}; end it: {command}", what=what, command=end)
    if one.takeovers_off:
        yield later("taken over"), t(_TAKEOVERS_OFF)
    if quiet := one.quiet:
        until = local_minute(quiet.until_ms)
        held = t("quiet hours until {time}: replies wait", time=until)
        dropped = t("quiet hours until {time}: replies are not sent", time=until)
        yield later("quiet"), held if quiet.do == QuietDo.HOLD else dropped
    if warm_up := one.warm_up:
        yield later("warm-up"), _warming_up(warm_up)
    for reply in one.held:
        yield later("held"), _held(reply)
    yield from _drafts_rows(one.drafts)
    yield from _decision_rows(one)
    if one.expired:
        answer = later("{n} at the last resume; answer them after all: openclaw resume --flush")
        yield later("expired"), t(answer, n=one.expired)


def _upgrade(upgrade: UpgradeInfo) -> str:
    return t(
        "{n} change(s) of version {version} wait for your word; see: openclaw upgrade show",
        n=len(upgrade.changes),
        version=upgrade.version,
    )


def _warming_up(warm_up: WarmUpStatus) -> str:
    return t(
        "day {day} of {days}: {replies} of {limit} replies in 24 h",
        day=warm_up.day,
        days=warm_up.days,
        replies=warm_up.replies,
        limit=warm_up.limit,
    )


def _drafts_rows(drafts: DraftCount) -> Iterator[tuple[str, str]]:
    if count := drafts.waiting:
        since = when(drafts.oldest_ms, now_ms())
        told = tn(
            "1 waits for your approval since {since}; see: openclaw drafts list",
            "{n} wait for your approval, the oldest since {since}; see: openclaw drafts list",
            count,
            since=since,
        )
        yield later("drafts"), told
    if count := drafts.expired:
        yield later("drafts"), t("{n} expired; see: openclaw drafts list --expired", n=count)


def _decision_rows(one: AccountStatus) -> Iterator[tuple[str, str]]:
    """What the operator has to decide, and what can settle it without."""
    decisions = one.decisions
    if count := decisions.sends:
        unknown = later("it is unknown whether {n} message(s) arrived; decide: openclaw outbox list")
        yield later("to decide"), t(unknown, n=count)
    if count := decisions.dead_letters:
        letters = later("{n} message(s) could not be answered; decide: openclaw channels dead-letters list")
        yield later("to decide"), t(letters, n=count)
    if count := decisions.forgotten:
        dropped = later("{n} message(s) dropped unanswered: too many were waiting for a decision")
        yield later("forgotten"), t(dropped, n=count)
    if one.look_ups:
        yield later("look-ups"), t("find what was sent in: {kinds}", kinds=", ".join(one.look_ups))
    elif decisions.sends:
        yield later("look-ups"), t("off: nothing that was sent has come back in fetched history yet")


def _known_rows(one: AccountStatus, now: int) -> Iterator[tuple[str, str]]:
    """Gaps, pairing requests, names, the accepted risk, the probe and the findings."""
    for gap in one.gaps[-_GAPS:]:
        yield later("gap"), gap_words(gap)
    if one.pairing.pending:
        yield later("pairing"), _pairing(one.pairing)
    for name in one.names:
        pinned = later("{list} {entry!r} is {state}: {ids} ({time})")
        ids = ", ".join(name.ids) or t("nobody")
        entry, time = sanitize(name.entry), ago(name.at_ms, now)
        yield (
            later("name"),
            t(pinned, list=name.list, entry=entry, state=t(_NAMES[name.state]), ids=ids, time=time),
        )
    if one.address_book_ms is not None:
        copied = later("copied {when}; see: openclaw directory export --help")
        yield later("contacts"), t(copied, when=when(one.address_book_ms, now))
    nobody_told = t("not set, so nobody is told that a program answers")
    yield later("disclosure"), one.disclosure or nobody_told
    yield from _retention_rows(one.retention, now)
    yield later("risk"), risk_words(one.consent)
    if one.probe:
        yield later("probe"), _probe(one.probe)
    for finding in one.findings:
        yield severity_word(finding), sanitize(one_line(finding), 400)


def _pairing(pairing: PairingCounts) -> str:
    if not pairing.silent:
        return t("{n} waiting; see: openclaw pairing list", n=pairing.pending)
    some_silent = later("{n} waiting ({silent} of them silent); see: openclaw pairing list")
    return t(some_silent, n=pairing.pending, silent=pairing.silent)


def _retention_rows(retention: RetentionStatus, now: int) -> Iterator[tuple[str, str]]:
    """What is forgotten next by its age, and what is being forgotten."""
    if retention.next_ms is not None and retention.texts is not None:
        taken = t("now") if retention.next_ms <= now else day_words(retention.next_ms, now)
        texts = tn("takes 1 text {when}", "takes {n} texts {when}", retention.texts, when=taken)
        yield later("retention"), texts
    for asked in retention.forgetting:
        whom, _, id_ = asked.partition(" ")
        run = f"openclaw forget --{whom} {id_}"
        yield later("forgetting"), t("{what} is not done; run: {command}", what=asked, command=run)


def _speakers(one: AccountStatus) -> Iterator[tuple[str, str]]:
    """Who may speak in which group; the first groups only."""
    head = later("may speak")
    for told in one.speakers[:_GROUPS]:
        yield head, sanitize(speakers_text(told), 300)
        head = ""
    if more := len(one.speakers[_GROUPS:]):
        yield "", t("and {n} more: openclaw security audit", n=more)


def _verified(one: AccountStatus, words: str, now: int) -> str:
    """What the ritual has proven; a login alone proves nothing of it."""
    text = verification_text(one.verification, now)
    if one.verification.state is VerificationState.VERIFIED:
        return text
    return t("{text}; prove it: {command}", text=text, command=f"openclaw verify {words}")


def _held(held: HeldReply) -> str:
    rule = next((words for rule, words in _RULES.items() if held.reason.startswith(rule)), "")
    why = f"{t(rule)} ({held.reason})" if rule else held.reason
    passed = t("; later replies pass it") if held.aside else ""
    until = t("until {time}", time=local(held.until_ms))
    return f"{sanitize(held.thread)}: {held.chunks} · {why} · {until}{passed}"


def _policy(policy: PolicyStatus) -> str:
    if policy.origin == "built-in":
        return t("{value} (built-in; set it with {path})", value=policy.value, path=policy.path)
    return t("{value} (from {path}, line {line})", value=policy.value, path=policy.path, line=policy.line)


def risk_words(consent: Consent | None) -> str:
    """When the risk was accepted, and whether the account is expendable."""
    if consent is None:
        return t("not accepted yet")
    time = local(consent.accepted_ms)
    accepted = t("accepted {time}", time=time)
    if consent.user_id:
        accepted = t("accepted {time} for user {id}", time=time, id=consent.user_id)
    told = t("expendable: {answer}", answer=t(consent.expendable))
    return f"{accepted} · {told} · {t('words of others: {answer}', answer=t(consent.others))}"


def _probe(probe: ProbeResult) -> str:
    if probe.ok:
        name = sanitize(probe.user_name)
        return t("ok: {name} ({id}), {ms} ms", name=name, id=probe.user_id, ms=probe.elapsed_ms)
    error = sanitize(probe.error, 200)
    return t("session expired: {error}", error=error) if probe.expired else t("failed: {error}", error=error)


def _status_json(found: Status) -> dict[str, Any]:
    """The status for programs: with words for findings and problems, and `probe` only if asked for."""
    told: dict[str, Any] = plain(found)
    for channel, block in found.channels.items():
        of_channel = told["channels"][channel]
        of_channel["default_account"] = f"{channel}/{block.default_account}"
        of_channel["risk"] = risk_json(block.risk, None, unofficial=block.unofficial)
        of_channel["accounts"] = {f"{channel}/{id_}": one for id_, one in of_channel["accounts"].items()}
        for id_, one in block.accounts.items():
            account = of_channel["accounts"][f"{channel}/{id_}"]
            del account["consent"]
            account["user"] = account.pop("identity")
            account["risk"] = risk_json(block.risk, one.consent, unofficial=block.unofficial)
            account["findings"] = list(map(finding_json, one.findings))
            for told_of, group in zip(account["speakers"], one.speakers, strict=True):
                told_of["text"] = speakers_text(group)
            account["problems"] = [
                {"code": it.code, "text": problem_text(it), "command": it.command, "degrades": it.degrades}
                for it in one.problems
            ]
            probe = account.pop("probe")
            if one.probe is not None:
                user = user_json(probe.pop("user_id"), probe.pop("user_name"))
                account["probe"] = {**probe, "user": user}
    return told


def exit_code(found: Status) -> Exit:
    """The highest code of all enabled accounts, of the gateway and of the config file."""
    codes = [exit_code_of(one) for one in _accounts(found) if one.enabled] or [Exit.NOT_LINKED]
    if not found.gateway:
        codes.append(Exit.GATEWAY_DOWN)
    if found.config.error:
        codes.append(Exit.DEGRADED)
    return max(codes)


def exit_code_of(one: AccountStatus) -> Exit:
    """The code of one account."""
    expired = one.probe is not None and one.probe.expired
    muted = any(pause.thread is None for pause in one.pauses)
    if muted or one.phase in (Phase.REPLACED, Phase.PAUSED):
        return Exit.STOPPED
    missing = one.phase in (Phase.NEEDS_LOGIN, Phase.NEEDS_CONSENT)
    if missing or not one.linked or one.auth is Health.BROKEN or expired:
        return Exit.NOT_LINKED
    healthy = Health.BROKEN not in (one.inbound, one.outbound, one.storing)
    healthy = healthy and not any(problem.degrades for problem in one.problems)
    healthy = healthy and (one.probe is None or one.probe.ok)
    return Exit.WELL if one.phase is Phase.READY and healthy else Exit.DEGRADED
