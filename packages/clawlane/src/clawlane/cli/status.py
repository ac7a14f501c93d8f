"""`channels status`: how the accounts are, with or without a running gateway."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Any

import click

from clawlane.channel import Health, Phase
from clawlane.cli.context import CliContext
from clawlane.cli.failure import CliError
from clawlane.cli.output import ago, echo_wrapped, gap_words, length, local, sanitize
from clawlane.cli.pause import pause_options, pause_words
from clawlane.config.errors import ConfigError
from clawlane.ops.context import account_words
from clawlane.ops.pause import PauseInfo

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


Fields = Mapping[str, Any]

_PHASES = {
    "stopped": "stopped",
    "starting": "starting",
    "connecting": "connecting",
    "ready": "ready",
    "degraded": "degraded",
    "needs_login": "needs a login",
    "needs_consent": "needs its risk accepted",
    "replaced": "replaced by another login",
    "paused": "paused",
    "gave_up": "gave up",
}

_GAPS = 3
_HEALTH = {"unknown": "not seen yet", "ok": "ok", "broken": "broken"}


def status_lines(found: Fields, now_ms: int) -> Iterator[tuple[str, str]]:
    """The gateway, then every channel with its accounts: what a line begins with, and its text."""
    yield "", _gateway(found["gateway"], now_ms)
    for line in _config(found["config"]):
        yield "", line
    for place in sorted({one["rehearsal"] for one in _accounts(found) if one["rehearsal"]}):
        yield (
            "",
            f"REHEARSAL: a simulator on {place} stands in for the real platform. Nothing here reaches it.",
        )
    for name, block in found["channels"].items():
        note = " · unofficial · experimental" if block["unofficial"] else ""
        yield "", ""
        yield "", f"{block['label']} [{name}]{note}"
        for one in block["accounts"].values():
            words = account_words(name, one["id"], one["id"] == block["default_account"])
            yield from _account(one, words, found["gateway"] is not None, now_ms)
    if not found["channels"]:
        yield "", "No channel is configured; see: openclaw channels list --all"


def _gateway(gateway: Fields | None, now_ms: int) -> str:
    if gateway is None:
        return "Gateway: not running; start it: openclaw gateway run"
    since = gateway["started_ms"]
    return f"Gateway: running since {local(since)} ({ago(since, now_ms)}), pid {gateway['pid']}"


def _config(config: Fields) -> Iterator[str]:
    """That the file is not the one that the gateway runs with."""
    if config["error"]:
        error = sanitize(config["error"], 300)
        told = "the gateway goes on with the one it started with and could not start again"
        yield f"Config: broken now ({error}); {told}; run: openclaw config validate"
    elif config["changed"]:
        yield "Config: changed since the gateway started; restart the gateway to apply it"


def _accounts(found: Fields) -> Iterator[Fields]:
    for block in found["channels"].values():
        yield from block["accounts"].values()


def _account(one: Fields, words: str, running: bool, now_ms: int) -> Iterator[tuple[str, str]]:
    called = f" · {sanitize(one['name'])}" if one["name"] else ""
    yield "  ", f"{one['id']} (profile {one['profile']}){called}: {_phase(one, running)}"
    for head, text in _rows(one, now_ms):
        yield f"    {head:<11}", text
    if one["help"]:
        yield "    → ", one["help"]
    elif one["enabled"] and (not one["linked"] or (one.get("probe") or {}).get("expired")):
        yield "    → ", f"openclaw channels login {words}"


def _phase(one: Fields, running: bool) -> str:
    if not one["enabled"]:
        return "disabled"
    phase = _PHASES.get(one["phase"], str(one["phase"])) if running else "not running"
    reason = str(one["reason"])
    return f"{phase}: {sanitize(reason, 200)}" if reason else phase


def _rows(one: Fields, now_ms: int) -> Iterator[tuple[str, str]]:
    yield "linked", _identity(one["identity"])
    if one["linked"]:
        abilities = ("auth", "inbound", "outbound", "storing")
        yield "health", " · ".join(f"{ability} {_HEALTH[one[ability]]}" for ability in abilities)
    for problem in one["problems"]:
        yield "problem", f"{sanitize(problem['text'], 300)}; run: {problem['command']}"
    if one["noticed_ms"]:
        yield "silence", f"a dead connection is noticed within {length(one['noticed_ms'])}"
    last_in, last_out = (_moment(one[f"last_{way}_ms"], now_ms) for way in ("inbound", "outbound"))
    yield "last", f"inbound {last_in} · outbound {last_out}"
    yield "DMs", _policy(one["dm_policy"])
    yield "groups", _policy(one["group_policy"])
    if one["counters"]:
        yield "decisions", " · ".join(f"{reason} {count}" for reason, count in one["counters"].items())
    if waiting := {state: count for state, count in one["outbox"].items() if count}:
        yield "outbox", " · ".join(f"{state} {count}" for state, count in waiting.items())
    yield from _held_rows(one)
    for gap in one["gaps"][-_GAPS:]:
        yield "gap", gap_words(gap["kind"], gap["from_ms"], gap["to_ms"])
    if pending := one["pairing"].get("pending"):
        silent = one["pairing"].get("silent")
        told = f" ({silent} of them silent)" if silent else ""
        yield "pairing", f"{pending} waiting{told}; see: openclaw pairing list"
    for name in one["names"]:
        yield "name", _name(name, now_ms)
    yield "risk", _risk(one["consent"])
    if probe := one.get("probe"):
        yield "probe", _probe(probe)
    for finding in one["findings"]:
        yield finding["severity"], _finding(finding)


def _finding(finding: Fields) -> str:
    place = finding["path"] if finding["line"] is None else f"{finding['path']} (line {finding['line']})"
    text = f"{place}: {finding['text']}" + (f"; {finding['mend']}" if finding["mend"] else "")
    return sanitize(text, 400)


def _held_rows(one: Fields) -> Iterator[tuple[str, str]]:
    """What does not leave now, until when, and what makes it leave."""
    waiting = f" · turns that wait: {one['waiting']}" if one["waiting"] else ""
    for pause in (PauseInfo(**pause) for pause in one["pauses"]):
        yield "paused", f"{pause_words(pause)}{waiting}; go on with: openclaw resume {pause_options(pause)}"
    for held in one["held"]:
        yield "held", _held(held)
    yield from _decision_rows(one["decisions"], one["look_ups"])
    if one["expired"]:
        yield (
            "expired",
            f"{one['expired']} at the last resume; answer them after all: openclaw resume --flush",
        )


def _held(held: Fields) -> str:
    passed = "; later replies pass it" if held["aside"] else ""
    until = f"until {local(held['until_ms'])}"
    return f"{sanitize(held['thread'])}: {held['chunks']} · {rule_words(held['reason'])} · {until}{passed}"


def _decision_rows(decisions: Fields, look_ups: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What waits for the operator, with the command that decides."""
    if count := decisions["sends"]:
        yield (
            "to decide",
            f"nobody knows whether {count} sent message(s) arrived; decide: openclaw outbox list",
        )
    if count := decisions["dead_letters"]:
        yield (
            "to decide",
            f"{count} message(s) could not be answered; decide: openclaw channels dead-letters list",
        )
    if count := decisions["forgotten"]:
        yield "forgotten", f"{count} message(s) that could not be answered, as too many were kept undecided"
    if look_ups:
        yield "look-ups", f"find what was sent in: {', '.join(look_ups)}"
    elif decisions["sends"]:
        yield "look-ups", "off: nothing that was sent has come back in fetched history yet"


def _identity(identity: Fields | None) -> str:
    return f"as {sanitize(identity['name'])} ({identity['id']})" if identity else "no"


def _moment(ms: int | None, now_ms: int) -> str:
    return "never" if ms is None else f"{local(ms)} ({ago(ms, now_ms)})"


def _policy(policy: Fields) -> str:
    if policy["origin"] == "built-in":
        return f"{policy['value']} (built-in; set it with {policy['path']})"
    return f"{policy['value']} (from {policy['path']}, line {policy['line']})"


def _name(name: Fields, now_ms: int) -> str:
    ids = ", ".join(name["ids"]) or "nobody"
    return (
        f"{name['list']} {sanitize(name['entry'])!r} is {name['state']}: {ids} ({ago(name['at_ms'], now_ms)})"
    )


def _risk(consent: Fields | None) -> str:
    if consent is None:
        return "not accepted yet"
    who = f" for user {consent['user_id']}" if consent["user_id"] else ""
    return f"accepted {local(consent['accepted_ms'])}{who} · expendable: {consent['expendable']}"


def _probe(probe: Fields) -> str:
    if probe["ok"]:
        return f"ok: {sanitize(probe['user_name'])} ({probe['user_id']}), {probe['elapsed_ms']} ms"
    return ("session expired: " if probe["expired"] else "failed: ") + sanitize(probe["error"], 200)


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
    found = _narrowed(setup, channel, account, _ask(setup, probe))
    code = _exit_code(found)
    if as_json:
        body = {"ok": code is Exit.WELL, "exit_code": int(code), "running": bool(found["gateway"]), **found}
        click.echo(json.dumps(body, ensure_ascii=False))
        return code
    for head, text in status_lines(found, time.time_ns() // 1_000_000):
        echo_wrapped(text, head, " " * len(head) or "    ")
    return code


def _ask(setup: CliContext, probe: bool) -> Fields:
    """The status from the gateway, or, where none runs, from what is stored."""
    from clawlane.ops.client import ControlClient, GatewayDown

    try:
        found = ControlClient(setup.places).status(probe)
        return {**found, "config": _config_now(setup, found["gateway"].get("config_revision", ""))}
    except GatewayDown:
        from clawlane.cli.status_offline import offline_status

        return {**offline_status(setup, probe), "config": {"error": None, "changed": False}}


def _config_now(setup: CliContext, revision: str) -> Fields:
    """How the config file stands now: what is wrong with it, and whether the gateway runs with another."""
    try:
        source = setup.config.source
    except ConfigError as error:
        return {"error": str(error.problems[0]), "changed": True}
    return {"error": None, "changed": source.revision != revision}


def _narrowed(setup: CliContext, channel: str | None, account: str | None, found: Fields) -> Fields:
    if channel is None and account is None:
        return found
    meant = setup.meant(channel, account)
    block = found["channels"].get(meant.manifest.id)
    if block is None:
        raise CliError(
            f"the config has no block for {meant.manifest.id}, so it is off", code=_no_block(found)
        )
    accounts = block["accounts"]
    if account is not None:
        accounts = {name: one for name, one in accounts.items() if name == meant.account.id}
    return {**found, "channels": {meant.manifest.id: {**block, "accounts": accounts}}}


def _no_block(found: Fields) -> int:
    return Exit.NOT_LINKED if found["gateway"] else Exit.GATEWAY_DOWN


def _exit_code(found: Fields) -> Exit:
    accounts = [one for block in found["channels"].values() for one in block["accounts"].values()]
    codes = [_of_account(one) for one in accounts if one["enabled"]] or [Exit.NOT_LINKED]
    if not found["gateway"]:
        codes.append(Exit.GATEWAY_DOWN)
    if found["config"]["error"]:
        codes.append(Exit.DEGRADED)
    return max(codes)


def _of_account(one: Mapping[str, Any]) -> Exit:
    probe = one.get("probe") or {"ok": True, "expired": False}
    muted = any(pause["thread"] is None for pause in one["pauses"])
    if muted or one["phase"] in (Phase.REPLACED, Phase.PAUSED):
        return Exit.STOPPED
    degraded = any(problem["degrades"] for problem in one["problems"])
    missing = one["phase"] in (Phase.NEEDS_LOGIN, Phase.NEEDS_CONSENT)
    if missing or not one["linked"] or one["auth"] == Health.BROKEN or probe["expired"]:
        return Exit.NOT_LINKED
    able = all(one[ability] != Health.BROKEN for ability in ("inbound", "outbound", "storing"))
    healthy = able and not degraded
    return Exit.WELL if one["phase"] == Phase.READY and healthy and probe["ok"] else Exit.DEGRADED
