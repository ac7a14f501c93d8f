"""`channels status`: how the accounts are, with or without a running gateway."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Any

import click

from clawlane.capabilities import ProbeResult
from clawlane.channel import Health, Phase
from clawlane.cli.context import CliContext, now_ms
from clawlane.cli.failure import CliError
from clawlane.cli.output import ago, echo_wrapped, gap_words, length, local, sanitize
from clawlane.cli.pause import pause_options, pause_words
from clawlane.credentials.profile import Consent
from clawlane.ops.account_status import (
    AccountStatus,
    ConfigStatus,
    Decisions,
    GatewayStatus,
    HeldReply,
    NameStatus,
    PolicyStatus,
    Problem,
)
from clawlane.ops.context import account_words
from clawlane.ops.operation import plain
from clawlane.ops.problems import sentence
from clawlane.ops.status import GetStatus, Status

_WORDS = (
    ("pacing.sameText.times", "the same reply again and again in this conversation"),
    ("pacing.sameText.threads", "the same reply to many conversations"),
    ("pacing.account", "as many messages as the account may send"),
    ("pacing.thread", "as many messages as one conversation may get"),
    ("pacing.strangers", "as many people who are not friends as may get messages"),
)


def rule_words(reason: str) -> str:
    """A hold in words, with the setting that makes it."""
    words = next((words for rule, words in _WORDS if reason.startswith(rule)), "")
    return f"{words} ({reason})" if words else reason


_PHASES = {
    Phase.STOPPED: "stopped",
    Phase.STARTING: "starting",
    Phase.CONNECTING: "connecting",
    Phase.READY: "ready",
    Phase.DEGRADED: "degraded",
    Phase.NEEDS_LOGIN: "needs a login",
    Phase.NEEDS_CONSENT: "needs its risk accepted",
    Phase.REPLACED: "replaced by another login",
    Phase.PAUSED: "paused",
    Phase.FAILED: "gave up",
}

_GAPS = 3
_HEALTH = {Health.UNKNOWN: "not seen yet", Health.OK: "ok", Health.BROKEN: "broken"}


def status_lines(found: Status, now_ms: int) -> Iterator[tuple[str, str]]:
    """The gateway, then every channel with its accounts: what a line begins with, and its text."""
    yield "", _gateway(found.gateway, now_ms)
    for line in _config(found.config):
        yield "", line
    for place in sorted({one.rehearsal for one in _accounts(found) if one.rehearsal}):
        yield (
            "",
            f"REHEARSAL: a simulator on {place} stands in for the real platform. Nothing here reaches it.",
        )
    for name, block in found.channels.items():
        note = " · unofficial · experimental" if block.unofficial else ""
        yield "", ""
        yield "", f"{block.label} [{name}]{note}"
        for one in block.accounts.values():
            words = account_words(name, one.id, one.id == block.default_account)
            yield from _account(one, words, found.gateway is not None, now_ms)
    if not found.channels:
        yield "", "No channel is configured; see: openclaw channels list --all"


def _gateway(gateway: GatewayStatus | None, now_ms: int) -> str:
    if gateway is None:
        return "Gateway: not running; start it: openclaw gateway run"
    since = gateway.started_ms
    return f"Gateway: running since {local(since)} ({ago(since, now_ms)}), pid {gateway.pid}"


def _config(config: ConfigStatus) -> Iterator[str]:
    """That the file is not the one that the gateway runs with."""
    if config.error:
        error = sanitize(config.error, 300)
        told = "the gateway goes on with the one it started with and could not start again"
        yield f"Config: broken now ({error}); {told}; run: openclaw config validate"
    elif config.changed:
        yield "Config: changed since the gateway started; restart the gateway to apply it"


def _accounts(found: Status) -> Iterator[AccountStatus]:
    for block in found.channels.values():
        yield from block.accounts.values()


def _account(one: AccountStatus, words: str, running: bool, now_ms: int) -> Iterator[tuple[str, str]]:
    called = f" · {sanitize(one.name)}" if one.name else ""
    yield "  ", f"{one.id} (profile {one.profile}){called}: {_phase(one, running)}"
    for head, text in _rows(one, now_ms):
        yield f"    {head:<11}", text
    if one.help:
        yield "    → ", one.help
    elif one.enabled and (not one.linked or (one.probe and one.probe.expired)):
        yield "    → ", f"openclaw channels login {words}"


def _phase(one: AccountStatus, running: bool) -> str:
    if not one.enabled:
        return "disabled"
    phase = _PHASES[one.phase] if running else "not running"
    return f"{phase}: {sanitize(one.reason, 200)}" if one.reason else phase


def _rows(one: AccountStatus, now_ms: int) -> Iterator[tuple[str, str]]:
    user = one.identity
    yield "linked", f"as {sanitize(user.name)} ({user.id})" if user else "no"
    if one.linked:
        abilities = {
            "auth": one.auth,
            "inbound": one.inbound,
            "outbound": one.outbound,
            "storing": one.storing,
        }
        yield "health", " · ".join(f"{ability} {_HEALTH[health]}" for ability, health in abilities.items())
    for problem in one.problems:
        yield "problem", f"{sanitize(sentence(problem), 300)}; run: {problem.command}"
    if one.noticed_ms:
        yield "silence", f"a dead connection is noticed within {length(one.noticed_ms)}"
    last_in, last_out = (_moment(ms, now_ms) for ms in (one.last_inbound_ms, one.last_outbound_ms))
    yield "last", f"inbound {last_in} · outbound {last_out}"
    yield "DMs", _policy(one.dm_policy)
    yield "groups", _policy(one.group_policy)
    if one.counters:
        yield "decisions", " · ".join(f"{reason} {count}" for reason, count in one.counters.items())
    if waiting := {state: count for state, count in one.outbox.items() if count}:
        yield "outbox", " · ".join(f"{state} {count}" for state, count in waiting.items())
    yield from _held_rows(one)
    for gap in one.gaps[-_GAPS:]:
        yield "gap", gap_words(gap.kind, gap.from_ms, gap.to_ms)
    if one.pairing.pending:
        told = f" ({one.pairing.silent} of them silent)" if one.pairing.silent else ""
        yield "pairing", f"{one.pairing.pending} waiting{told}; see: openclaw pairing list"
    for name in one.names:
        yield "name", _name(name, now_ms)
    yield "risk", _risk(one.consent)
    if one.probe:
        yield "probe", _probe(one.probe)
    for finding in one.findings:
        yield finding.severity, sanitize(str(finding), 400)


def _held_rows(one: AccountStatus) -> Iterator[tuple[str, str]]:
    """What does not leave now, until when, and what makes it leave."""
    waiting = f" · turns that wait: {one.waiting}" if one.waiting else ""
    for pause in one.pauses:
        yield "paused", f"{pause_words(pause)}{waiting}; go on with: openclaw resume {pause_options(pause)}"
    for held in one.held:
        yield "held", _held(held)
    yield from _decision_rows(one.decisions, one.look_ups)
    if one.expired:
        yield (
            "expired",
            f"{one.expired} at the last resume; answer them after all: openclaw resume --flush",
        )


def _held(held: HeldReply) -> str:
    passed = "; later replies pass it" if held.aside else ""
    until = f"until {local(held.until_ms)}"
    return f"{sanitize(held.thread)}: {held.chunks} · {rule_words(held.reason)} · {until}{passed}"


def _decision_rows(decisions: Decisions, look_ups: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What waits for the operator, with the command that decides."""
    if count := decisions.sends:
        yield (
            "to decide",
            f"nobody knows whether {count} sent message(s) arrived; decide: openclaw outbox list",
        )
    if count := decisions.dead_letters:
        yield (
            "to decide",
            f"{count} message(s) could not be answered; decide: openclaw channels dead-letters list",
        )
    if count := decisions.forgotten:
        yield "forgotten", f"{count} message(s) that could not be answered, as too many were kept undecided"
    if look_ups:
        yield "look-ups", f"find what was sent in: {', '.join(look_ups)}"
    elif decisions.sends:
        yield "look-ups", "off: nothing that was sent has come back in fetched history yet"


def _moment(ms: int | None, now_ms: int) -> str:
    return "never" if ms is None else f"{local(ms)} ({ago(ms, now_ms)})"


def _policy(policy: PolicyStatus) -> str:
    if policy.origin == "built-in":
        return f"{policy.value} (built-in; set it with {policy.path})"
    return f"{policy.value} (from {policy.path}, line {policy.line})"


def _name(name: NameStatus, now_ms: int) -> str:
    ids = ", ".join(name.ids) or "nobody"
    return f"{name.list} {sanitize(name.entry)!r} is {name.state}: {ids} ({ago(name.at_ms, now_ms)})"


def _risk(consent: Consent | None) -> str:
    if consent is None:
        return "not accepted yet"
    who = f" for user {consent.user_id}" if consent.user_id else ""
    return f"accepted {local(consent.accepted_ms)}{who} · expendable: {consent.expendable}"


def _probe(probe: ProbeResult) -> str:
    if probe.ok:
        return f"ok: {sanitize(probe.user_name)} ({probe.user_id}), {probe.elapsed_ms} ms"
    return ("session expired: " if probe.expired else "failed: ") + sanitize(probe.error, 200)


def status_json(found: Status) -> dict[str, Any]:
    """The status for programs: problems with their sentence, and `probe` only where it was asked for."""
    told: dict[str, Any] = plain(found)
    for channel, block in found.channels.items():
        for id_, one in block.accounts.items():
            account = told["channels"][channel]["accounts"][id_]
            account["problems"] = list(map(_problem_json, one.problems))
            if one.probe is None:
                del account["probe"]
    return told


def _problem_json(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "text": sentence(problem),
        "command": problem.command,
        "degrades": problem.degrades,
    }


class Exit(IntEnum):
    """What the exit code says. Of several accounts the highest counts."""

    WELL = 0
    DEGRADED = 2
    NOT_LINKED = 3
    STOPPED = 4
    GATEWAY_DOWN = 5


@click.command()
@click.option("--channel", help="Only this channel (default: all).")
@click.option("--account", help="Only this account (default: all).")
@click.option("--probe", is_flag=True, help="Also ask the platform whether the sessions hold.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(channel: str | None, account: str | None, probe: bool, as_json: bool) -> int:
    """Show how the accounts are.

    \b
    Exit code, the highest of all enabled accounts:
      0  every one is authenticated, can receive and can send
      1  wrong usage, wrong config, unknown channel
      2  degraded (it says by what), not connected yet, something waits for your decision, or the config file
         is broken now
      3  not linked, session expired, risk not accepted, or no enabled account
      4  paused or replaced by another login
      5  the gateway is not running
    """
    setup = CliContext()
    found = setup.call(GetStatus(channel, account, probe))
    if not found.channels and (channel or account):
        code = Exit.NOT_LINKED if found.gateway else Exit.GATEWAY_DOWN
        name = setup.manifest(channel).id
        raise CliError(f"the config has no block for {name}, so it is off", code=code)
    code = _exit_code(found)
    if as_json:
        body = {"ok": code is Exit.WELL, "exit_code": int(code), "running": bool(found.gateway)}
        click.echo(json.dumps({**body, **status_json(found)}, ensure_ascii=False))
        return code
    for head, text in status_lines(found, now_ms()):
        echo_wrapped(text, head, " " * len(head) or "    ")
    return code


def _exit_code(found: Status) -> Exit:
    codes = [_of_account(one) for one in _accounts(found) if one.enabled] or [Exit.NOT_LINKED]
    if not found.gateway:
        codes.append(Exit.GATEWAY_DOWN)
    if found.config.error:
        codes.append(Exit.DEGRADED)
    return max(codes)


def _of_account(one: AccountStatus) -> Exit:
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
