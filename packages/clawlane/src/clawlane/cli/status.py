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
    PolicyStatus,
    ProblemCode,
    RetentionStatus,
)
from clawlane.ops.alarm_text import status_line
from clawlane.ops.client import Client
from clawlane.ops.context import account_words
from clawlane.ops.finding_text import finding_json, one_line, problem_text
from clawlane.ops.operation import plain
from clawlane.ops.rules_from import FILE, GATEWAY, RulesFrom
from clawlane.ops.speakers import speakers_text
from clawlane.ops.status import GetStatus, Status
from clawlane.ops.verification_state import VerificationState, verification_text

_RULES = {
    "pacing.sameText.times": "the same reply again and again in this conversation",
    "pacing.sameText.threads": "the same reply to many conversations",
    "pacing.warmUp": "as many replies as a new session may send",
    "pacing.account": "as many messages as the account may send",
    "pacing.thread": "as many messages as one conversation may get",
    "pacing.strangers": "as many people who are not friends as may get messages",
}
"""What holds a reply, by the setting."""

_GAPS = 3
_GROUPS = 5
"""Groups that are listed with who may speak there."""

_HEALTH = {Health.UNKNOWN: "not seen yet", Health.OK: "ok", Health.BROKEN: "broken"}


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
        waits = "the file was edited, which waits for: openclaw config apply" if found.config.waiting else ""
        raise CliError(f"the config has no block for {name}, so it is off", waits, code)
    code, rules = exit_code(found), _rules(found, str(client.paths.config_file))
    if as_json:
        head = {"ok": code is Exit.WELL, "exit_code": int(code), "running": bool(found.gateway)}
        print_json(**head, rules=rules, **_status_json(found))
        return code
    for begin, text in _lines(found, rules):
        echo_wrapped(text, begin, " " * len(begin) or "    ")
    return code


def _rules(found: Status, file: str) -> RulesFrom:
    """Where the rules of the answer were read: by whom it was given."""
    config, running = found.config, found.gateway is not None
    return RulesFrom(
        GATEWAY if running else FILE, file, config.changed, config.error or "", bool(config.waiting), running
    )


def _lines(found: Status, rules: RulesFrom) -> Iterator[tuple[str, str]]:
    """The gateway, then every channel with its accounts: what a line begins with, and its text."""
    now = now_ms()
    if gateway := found.gateway:
        yield "", f"Gateway: running since {when(gateway.started_ms, now)}, pid {gateway.pid}"
    else:
        start = "; start it: openclaw gateway run" if found.channels else ""
        yield "", f"Gateway: not running{start}"
    yield from _config_lines(found.config, now)
    yield "", rules_line(rules, error_told=True)
    for agent in found.echoes if found.channels else ():
        yield "", f"Agent: {sanitize(agent)} answers with an echo: configure `brain` or `model`"
    for place in sorted({one.rehearsal for one in _accounts(found) if one.rehearsal}):
        stands_in = f"a simulator on {place} stands in for the real platform"
        yield "", f"REHEARSAL: {stands_in}. Nothing here reaches it."
    for name, block in found.channels.items():
        note = f" ({UNOFFICIAL})" if block.unofficial else ""
        yield "", ""
        yield "", f"{block.label} [{name}]{note}"
        for one in block.accounts.values():
            words = account_words(name, one.id, one.id == block.default_account)
            yield from _account(one, words, found.gateway is not None, now)
    for off in found.off:
        yield "", ""
        yield "", off_words(off)
    if not found.channels and not found.off:
        yield "", "No channel is configured; set one up: openclaw onboard"


def _config_lines(config: ConfigStatus, now: int) -> Iterator[tuple[str, str]]:
    """Since when the config is in force, and what is to be said of a file that differs."""
    if config.applied_ms is None:
        return
    since = f"in force since {when(config.applied_ms, now)}"
    if config.error:
        yield "", f"Config: broken now ({sanitize(config.error, 300)})"
        tried = ""
        if config.again_ms is not None:
            tried = f"; tried again in {length(max(0, config.again_ms - now))}"
        yield "    → ", f"the last good one is {since}{tried}; run: openclaw config validate"
    elif config.waiting:
        yield "", f"Config: {since}; the file widens access, which waits for: openclaw config apply"
        for sentence in config.waiting:
            yield "    → ", sanitize(sentence, 300)
    elif config.changed:
        yield "", f"Config: {since}; the file was edited just now and is about to be applied"
    else:
        yield "", f"Config: {since}"


def _accounts(found: Status) -> Iterator[AccountStatus]:
    for block in found.channels.values():
        yield from block.accounts.values()


def _account(one: AccountStatus, words: str, running: bool, now: int) -> Iterator[tuple[str, str]]:
    called = f" · {sanitize(one.name)}" if one.name else ""
    phase = PHASES[one.phase] if running else "not running"
    reason = f": {sanitize(one.reason, 200)}" if one.reason else ""
    how = f"{phase}{reason}" if one.enabled else "disabled"
    yield "  ", f"{one.id} (profile {one.profile}){called}: {how}"
    for head, text in (*_working_rows(one, words, now), *_waiting_rows(one, words), *_known_rows(one, now)):
        yield f"    {head:<11}", text
    if one.help:
        yield "    → ", one.help
    elif one.enabled and (not one.linked or (one.probe and one.probe.expired)):
        yield "    → ", f"openclaw channels login {words}"


def _working_rows(one: AccountStatus, words: str, now: int) -> Iterator[tuple[str, str]]:
    """Who is linked, the health of the connection, the policies and the decisions."""
    user = one.identity
    yield "linked", f"as {sanitize(user.name)} ({user.id})" if user else "no"
    yield "verified", _verified(one, words, now)
    if one.linked:
        names = ("auth", "inbound", "outbound", "storing")
        yield "health", " · ".join(f"{name} {_HEALTH[getattr(one, name)]}" for name in names)
    for alarm in one.alarms:
        yield "alarm", sanitize(status_line(alarm, now), 400)
        yield "", f"run: {alarm.command}; read: openclaw help {alarm.page}"
    for problem in (it for it in one.problems if it.code is not ProblemCode.ALARM):
        yield "problem", f"{sanitize(problem_text(problem), 300)}; run: {problem.command}"
    if one.noticed_ms:
        yield "silence", f"a dead connection is noticed within {length(one.noticed_ms)}"
    last_in, last_out = when(one.last_inbound_ms, now), when(one.last_outbound_ms, now)
    yield "last", f"inbound {last_in} · outbound {last_out}"
    yield "DMs", _policy(one.dm_policy)
    yield "groups", _policy(one.group_policy)
    if one.own_modes or any(policy.value != "auto" for policy in one.modes):
        yield "outbound", " · ".join(dict.fromkeys(map(_policy, one.modes)))
    for policy in one.own_modes:
        yield "", sanitize(_policy(policy), 200)
    yield from _speakers(one)
    if one.counters:
        yield "decisions", " · ".join(f"{reason} {count}" for reason, count in one.counters.items())


def _waiting_rows(one: AccountStatus, words: str) -> Iterator[tuple[str, str]]:
    """What is not sent now, until when, and which command sends it."""
    if states := {state: count for state, count in one.outbox.items() if count}:
        yield "outbox", " · ".join(f"{state} {count}" for state, count in states.items())
    waiting = f" · turns that wait: {one.waiting}" if one.waiting else ""
    if one.upgrade:
        told = f"{len(one.upgrade.changes)} change(s) of version {one.upgrade.version} wait for your word"
        yield "upgrade", f"{told}; see: openclaw upgrade show"
    if one.restored_ms is not None:
        told = f"from a backup, {when(one.restored_ms, now_ms())}; log the gateway out that it is of"
        yield "restored", f"{told}. What people write before this one connects is not answered."
    for pause in one.pauses:
        ends = resume_command(pause)
        if one.upgrade and pause.thread is None:
            ends = "openclaw upgrade accept"
        yield "paused", f"{pause_words(pause)}{waiting}; resume with: {ends}"
    for taken in one.takeovers:
        yield (
            "taken over",
            f"{takeover_words(taken)}; end it: openclaw resume {words} --thread {taken.thread}",
        )
    if one.takeovers_off:
        told = "takeovers are off: what the account sends comes back under ids that match nothing"
        yield "taken over", f"{told}; they are tried again after the next login"
    if quiet := one.quiet:
        told = "replies wait" if quiet.do == QuietDo.HOLD else "replies are not sent"
        yield "quiet", f"quiet hours until {local_minute(quiet.until_ms)}: {told}"
    if warm_up := one.warm_up:
        yield (
            "warm-up",
            f"day {warm_up.day} of {warm_up.days}: {warm_up.replies} of {warm_up.limit} replies in 24 h",
        )
    for held in one.held:
        yield "held", _held(held)
    if count := one.drafts.waiting:
        since = when(one.drafts.oldest_ms, now_ms())
        told = f"{count} wait for your approval, the oldest since {since}"
        told = told if count > 1 else f"1 waits for your approval since {since}"
        yield "drafts", f"{told}; see: openclaw drafts list"
    if count := one.drafts.expired:
        yield "drafts", f"{count} expired; see: openclaw drafts list --expired"
    decisions = one.decisions
    if count := decisions.sends:
        told = f"it is unknown whether {count} message(s) arrived"
        yield "to decide", f"{told}; decide: openclaw outbox list"
    if count := decisions.dead_letters:
        told = f"{count} message(s) could not be answered"
        yield "to decide", f"{told}; decide: openclaw channels dead-letters list"
    if count := decisions.forgotten:
        yield (
            "forgotten",
            f"{count} message(s) dropped unanswered: too many were waiting for a decision",
        )
    if one.look_ups:
        yield "look-ups", f"find what was sent in: {', '.join(one.look_ups)}"
    elif decisions.sends:
        yield "look-ups", "off: nothing that was sent has come back in fetched history yet"
    if one.expired:
        told = f"{one.expired} at the last resume"
        yield "expired", f"{told}; answer them after all: openclaw resume --flush"


def _known_rows(one: AccountStatus, now: int) -> Iterator[tuple[str, str]]:
    """Gaps, pairing requests, names, the accepted risk, the probe and the findings."""
    for gap in one.gaps[-_GAPS:]:
        yield "gap", gap_words(gap)
    if one.pairing.pending:
        told = f" ({one.pairing.silent} of them silent)" if one.pairing.silent else ""
        yield "pairing", f"{one.pairing.pending} waiting{told}; see: openclaw pairing list"
    for name in one.names:
        pinned = f"is {name.state}: {', '.join(name.ids) or 'nobody'} ({ago(name.at_ms, now)})"
        yield "name", f"{name.list} {sanitize(name.entry)!r} {pinned}"
    if one.address_book_ms is not None:
        yield "contacts", f"copied {when(one.address_book_ms, now)}; see: openclaw directory export --help"
    yield "disclosure", one.disclosure or "not set, so nobody is told that a program answers"
    yield from _retention_rows(one.retention, now)
    yield "risk", risk_words(one.consent)
    if one.probe:
        yield "probe", _probe(one.probe)
    for finding in one.findings:
        yield finding.severity, sanitize(one_line(finding), 400)


def _retention_rows(retention: RetentionStatus, now: int) -> Iterator[tuple[str, str]]:
    """What is forgotten next by its age, and what is being forgotten."""
    if retention.next_ms is not None:
        texts = "1 text" if retention.texts == 1 else f"{retention.texts} texts"
        when_taken = "now" if retention.next_ms <= now else day_words(retention.next_ms, now)
        yield "retention", f"takes {texts} {when_taken}"
    for asked in retention.forgetting:
        whom, _, id_ = asked.partition(" ")
        yield "forgetting", f"{asked} is not done; run: openclaw forget --{whom} {id_}"


def _speakers(one: AccountStatus) -> Iterator[tuple[str, str]]:
    """Who may speak in which group; the first groups only."""
    head = "may speak"
    for told in one.speakers[:_GROUPS]:
        yield head, sanitize(speakers_text(told), 300)
        head = ""
    if more := len(one.speakers[_GROUPS:]):
        yield "", f"and {more} more: openclaw security audit"


def _verified(one: AccountStatus, words: str, now: int) -> str:
    """What the ritual has proven; a login alone proves nothing of it."""
    text = verification_text(one.verification, now)
    if one.verification.state is VerificationState.VERIFIED:
        return text
    return f"{text}; prove it: openclaw verify {words}"


def _held(held: HeldReply) -> str:
    rule = next((words for rule, words in _RULES.items() if held.reason.startswith(rule)), "")
    why = f"{rule} ({held.reason})" if rule else held.reason
    passed = "; later replies pass it" if held.aside else ""
    return f"{sanitize(held.thread)}: {held.chunks} · {why} · until {local(held.until_ms)}{passed}"


def _policy(policy: PolicyStatus) -> str:
    if policy.origin == "built-in":
        return f"{policy.value} (built-in; set it with {policy.path})"
    return f"{policy.value} (from {policy.path}, line {policy.line})"


def risk_words(consent: Consent | None) -> str:
    """When the risk was accepted, and whether the account is expendable."""
    if consent is None:
        return "not accepted yet"
    who = f" for user {consent.user_id}" if consent.user_id else ""
    told = f"expendable: {consent.expendable} · words of others: {consent.others}"
    return f"accepted {local(consent.accepted_ms)}{who} · {told}"


def _probe(probe: ProbeResult) -> str:
    if probe.ok:
        return f"ok: {sanitize(probe.user_name)} ({probe.user_id}), {probe.elapsed_ms} ms"
    return ("session expired: " if probe.expired else "failed: ") + sanitize(probe.error, 200)


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
