"""Pacing and budgets in words: what is allowed, what is used of it, and what is held."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from clawlane.config.choices import QuietDo
from clawlane.texts import later, t
from clawlane.words.pauses import pause_words, resume_command, takeover_words
from clawlane.words.strangers import sanitize
from clawlane.words.times import local, local_minute

if TYPE_CHECKING:
    from clawlane.ops.account_status import HeldReply, QuietStatus
    from clawlane.ops.pacing import AccountPacing, AgentBudget, Allowance, WarmingUp

_RULES = {
    "pacing.sameText.times": later("the same reply again and again in this conversation"),
    "pacing.sameText.threads": later("the same reply to many conversations"),
    "pacing.warmUp": later("as many replies as a new session may send"),
    "pacing.account": later("as many messages as the account may send"),
    "pacing.thread": later("as many messages as one conversation may get"),
    "pacing.strangers": later("as many people who are not friends as may get messages"),
}
"""What holds a reply, by the setting."""

_USED = {
    "pacing.account": later("{used} of {limit} messages"),
    "pacing.thread": later("{used} of {limit} messages in one conversation{of}"),
    "pacing.strangers": later("{used} of {limit} people who are not friends"),
    "budget.tokensPerDay": later("{used} of {limit} tokens"),
    "budget.usdPerDay": later("{used} of {limit} USD"),
    "budget.perSender": later("{used} of {limit} of it by one sender{of}"),
    "budget.perThread": later("{used} of {limit} of it in one conversation{of}"),
}
"""How a setting is told of which something is counted, by the beginning of its key."""

_UNLIMITED = {
    "budget.tokensPerDay": later("no limit; {used} tokens today"),
    "budget.usdPerDay": later("no limit; {used} USD today"),
}
_OFF = later("no: only a warm-up holds anything")
_WINDOWS = {
    "minute": later("{used} of {limit} replies in a minute"),
    "hour": later("{used} of {limit} replies in an hour"),
    "day": later("{used} of {limit} replies in 24 h"),
}


def allowance_words(one: Allowance) -> str:
    """What a setting allows, and what is used of it."""
    told = next((words for key, words in _USED.items() if one.key.startswith(key)), None)
    if told is None or one.used is None:
        return _uncounted(one)
    if one.limit is None:
        return t(_UNLIMITED[one.key], used=_number(one.used))
    used, limit = _number(one.used), _number(one.limit)
    if one.key.startswith("budget.per"):
        used, limit = f"{one.used:.0%}", f"{one.limit:.0%}"
    text = t(told, used=used, limit=limit, of=f" ({sanitize(one.of)})" if one.of else "")
    return text if one.until_ms is None else t("{what}; more at {time}", what=text, time=local(one.until_ms))


def _uncounted(one: Allowance) -> str:
    if one.key == "pacing.enabled" and not one.limit:
        return t(_OFF)
    if one.key.startswith("budget.per") and one.limit is not None:
        return t("{limit} of the budget of a day", limit=f"{one.limit:.0%}")
    return _plain(one.limit)


def line_words(one: Allowance) -> str:
    """Which line of the config sets it, or `built-in`: what fits beside the key in a terminal."""
    return t("built-in") if one.line is None else t("line {line}", line=one.line)


def place_words(one: Allowance) -> str:
    """Where a setting is set: the line of the config, or `built-in`."""
    if one.line is None:
        return t("built-in")
    return t("{place}, line {line}", place=one.set_at, line=one.line)


def now_lines(one: AccountPacing) -> Iterator[str]:
    """What holds an account back now, and until when."""
    if one.warm_up:
        yield from _warming_up(one.warm_up)
    if one.quiet:
        yield quiet_words(one.quiet)
    for pause in one.pauses:
        yield t("{what}; resume with: {command}", what=pause_words(pause), command=resume_command(pause))
    yield from map(takeover_words, one.takeovers)
    for reply in one.held:
        yield t("held: {what}", what=held_words(reply))
    if not (one.quiet or one.pauses or one.takeovers or one.held):
        yield t("Nothing is held.")


def resets_words(one: AgentBudget) -> str:
    """When a budget begins anew."""
    return t("The budget begins anew at {time}.", time=local(one.resets_ms))


def held_words(held: HeldReply) -> str:
    """Where replies are held, by which rule and until when."""
    rule = next((words for rule, words in _RULES.items() if held.reason.startswith(rule)), "")
    why = f"{t(rule)} ({held.reason})" if rule else held.reason
    passed = t("; later replies pass it") if held.aside else ""
    until = t("until {time}", time=local(held.until_ms))
    return f"{sanitize(held.thread)}: {held.chunks} · {why} · {until}{passed}"


def quiet_words(quiet: QuietStatus) -> str:
    """Until when it is quiet, and what becomes of replies."""
    until = local_minute(quiet.until_ms)
    held = t("quiet hours until {time}: replies wait", time=until)
    return (
        held if quiet.do == QuietDo.HOLD else t("quiet hours until {time}: replies are not sent", time=until)
    )


def _warming_up(one: WarmingUp) -> Iterator[str]:
    why = t("by {setting}", setting="pacing.warmUp")
    if not one.by_setting:
        why = t("because the account is not expendable")
    told = later("warm-up: day {day} of {days}, {why}; it allows more at {grows} and ends at {ends}")
    yield t(told, day=one.day, days=one.days, why=why, grows=local(one.grows_ms), ends=local(one.ends_ms))
    for window in one.windows:
        text = t(_WINDOWS[window.window], used=window.used, limit=window.limit)
        more = "" if window.until_ms is None else t("; more at {time}", time=local(window.until_ms))
        yield t("warm-up: {what}", what=f"{text}{more}")


def _plain(value: Any) -> str:
    if value is None:
        return t("not set")
    if isinstance(value, bool):
        return t("yes") if value else t("no")
    if isinstance(value, list):
        return ", ".join(map(str, value)) or t("none")
    return str(value)


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.4f}"
