"""The status in lines: the gateway, its config, and every account."""

from __future__ import annotations

from collections.abc import Iterator

from clawlane.clock import length, now_ms
from clawlane.ops.account_status import (
    AccountStatus,
    ConfigStatus,
)
from clawlane.ops.context import account_words
from clawlane.ops.exit_codes import accounts_of
from clawlane.ops.rules_from import RulesFrom
from clawlane.ops.status import Status
from clawlane.texts import later, t
from clawlane.words.account_rows import account_rows
from clawlane.words.channel_off import off_words
from clawlane.words.phases import PHASES
from clawlane.words.rules import rules_line
from clawlane.words.strangers import sanitize
from clawlane.words.times import when
from clawlane.words.unofficial import UNOFFICIAL

_SERVED = {"console": later("Console"), "metrics": later("Metrics")}
"""What a gateway serves besides the lane, by the name in its status."""

_VALIDATE = later("; run: openclaw config validate")


def lines(found: Status, rules: RulesFrom) -> Iterator[tuple[str, str]]:
    """The gateway, then every channel with its accounts: what a line begins with, and its text."""
    now = now_ms()
    yield "", gateway_line(found, now)
    yield from config_lines(found.config, now)
    yield from serves_lines(found)
    yield "", rules_line(rules, error_told=True)
    for agent in found.echoes if found.channels else ():
        echoes = t("Agent: {agent} answers with an echo: configure `brain` or `model`", agent=sanitize(agent))
        yield "", echoes
    yield from webhook_lines(found, now)
    for place in sorted({one.rehearsal for one in accounts_of(found) if one.rehearsal}):
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
            yield from _account(found, one, words, now)
    for off in found.off:
        yield "", ""
        yield "", off_words(off)
    if not found.channels and not found.off:
        yield "", t("No channel is configured; set one up: openclaw onboard")


def gateway_line(found: Status, now: int) -> str:
    """Whether a gateway runs, here or elsewhere."""
    if gateway := found.gateway:
        since = when(gateway.started_ms, now)
        return t("Gateway: running since {since}, pid {pid}", since=since, pid=gateway.pid)
    if any(one.node for one in accounts_of(found)):
        return t("Gateway: not running on this machine; other nodes run accounts")
    if found.channels:
        return t("Gateway: not running; start it: openclaw gateway run")
    return t("Gateway: not running")


def phase_words(found: Status, one: AccountStatus) -> str:
    """The phase of an account, which nobody keeps without a gateway that runs it."""
    if not one.enabled:
        return t("disabled")
    return t(PHASES[one.phase]) if found.gateway or one.node else t("not running")


def on_node(one: AccountStatus) -> str:
    """The node that runs an account, to be put after its name; empty without one."""
    return t(" on node {name}", name=sanitize(one.node)) if one.node else ""


def webhook_lines(found: Status, now: int) -> Iterator[tuple[str, str]]:
    """The webhooks that fail, since when and why."""
    for hook in found.webhooks:
        fails = later("Webhook {number} ({host}) fails since {since}: {error}; see: openclaw webhooks list")
        said = {"host": sanitize(hook.host), "error": sanitize(hook.error, 200)}
        yield "", t(fails, number=hook.number, since=when(hook.since_ms, now), **said)


def serves_lines(found: Status) -> Iterator[tuple[str, str]]:
    """What the gateway serves besides the lane, and where, or why it cannot."""
    for name, one in found.gateway.serves.items() if found.gateway else ():
        head = t(_SERVED[name])
        if one.problem:
            yield "", f"{head}: {sanitize(one.problem, 300)}"
            yield "    → ", t("the lane goes on without it")
        else:
            yield "", f"{head}: {one.address}"


def config_lines(config: ConfigStatus, now: int) -> Iterator[tuple[str, str]]:
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


def _account(found: Status, one: AccountStatus, words: str, now: int) -> Iterator[tuple[str, str]]:
    called = f" · {sanitize(one.name)}" if one.name else ""
    reason = f": {sanitize(one.reason, 200)}" if one.reason and one.enabled else ""
    profile = t("{account} (profile {profile})", account=one.id, profile=one.profile)
    yield "  ", f"{profile}{called}{on_node(one)}: {phase_words(found, one)}{reason}"
    for head, text in account_rows(one, words, now):
        yield f"    {t(head):<11}", text
    if helps := help_of(one, words):
        yield "    → ", helps


def help_of(one: AccountStatus, words: str) -> str:
    """What helps an account that does not work; empty if nothing is known to."""
    if one.help:
        return one.help
    expired = not one.linked or (one.probe and one.probe.expired)
    return f"openclaw channels login {words}" if one.enabled and expired else ""
