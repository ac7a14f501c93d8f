"""Pacing and budgets in words: what is allowed, what is used of it, and what is held."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from clawlane.config.choices import QuietDo
from clawlane.texts import later, t
from clawlane.words.holds import hold_sentence
from clawlane.words.pauses import pause_words, resume_command, takeover_words
from clawlane.words.strangers import sanitize
from clawlane.words.times import local, local_minute

if TYPE_CHECKING:
    from clawlane.ops.account_status import HeldReply, QuietStatus
    from clawlane.ops.pacing import AccountPacing, AgentBudget, Allowance, WarmingUp

_SENT = {
    "pacing.account.minute": later("{used} of {limit} messages sent in the last minute"),
    "pacing.account.hour": later("{used} of {limit} messages sent in the last hour"),
    "pacing.account.day": later("{used} of {limit} messages sent in the last 24 h"),
    "pacing.thread.minute": later("{used} of {limit} messages to one conversation in the last minute{most}"),
    "pacing.thread.hour": later("{used} of {limit} messages to one conversation in the last hour{most}"),
    "pacing.thread.day": later("{used} of {limit} messages to one conversation in the last 24 h{most}"),
    "pacing.strangers.hour": later(
        "{used} of {limit} people who are not friends written to in the last hour"
    ),
    "pacing.strangers.day": later("{used} of {limit} people who are not friends written to in the last 24 h"),
    "budget.tokensPerDay": later("{used} of {limit} tokens used today"),
    "budget.usdPerDay": later("{used} of {limit} USD spent today"),
}
"""A limit and what is used of it, by the key."""

_UNLIMITED = {
    "budget.tokensPerDay": later("no limit; {used} tokens used today"),
    "budget.usdPerDay": later("no limit; {used} USD spent today"),
}
_SHARES = {
    "budget.perSender": later("one person may use up to {limit} of the day's budget"),
    "budget.perThread": later("one conversation may use up to {limit} of the day's budget"),
}
_PLAIN = {
    "pacing.gap": later("at least {value} between two messages"),
    "pacing.gapJitter": later("up to {value} more between two messages, at random"),
    "pacing.sameText.times": later("the same reply at most {value} times in one conversation"),
    "pacing.sameText.threads": later("the same reply to at most {value} conversations in an hour"),
    "pacing.sameText.wait": later("counted over the last {value}"),
}
"""A setting of which nothing is counted here, by the key."""

_OFF = later("no: only a warm-up holds anything")
_WINDOWS = {
    "minute": later("{used} of {limit} replies in a minute"),
    "hour": later("{used} of {limit} replies in an hour"),
    "day": later("{used} of {limit} replies in 24 h"),
}


def allowance_words(one: Allowance) -> str:
    """What a setting allows, and what is used of it."""
    if one.key in _SHARES and one.limit is not None:
        text = _share(one)
    elif one.key not in _SENT or one.used is None:
        return _uncounted(one)
    elif one.limit is None:
        return t(_UNLIMITED[one.key], used=_number(one.used))
    else:
        most = t(", most to {of}", of=sanitize(one.of)) if one.of else ""
        text = t(_SENT[one.key], used=_number(one.used), limit=_number(one.limit), most=most)
    return text if one.until_ms is None else t("{what}; more at {time}", what=text, time=local(one.until_ms))


def _share(one: Allowance) -> str:
    """How much of the budget one may use, and who has used the most."""
    text = t(_SHARES[one.key], limit=f"{one.limit:.0%}")
    if not one.of or one.used is None:
        return text
    return t("{what}; {of} has used the most, {used}", what=text, of=sanitize(one.of), used=f"{one.used:.0%}")


def _uncounted(one: Allowance) -> str:
    if one.key == "pacing.enabled" and not one.limit:
        return t(_OFF)
    if one.key in _PLAIN and one.limit is not None:
        return t(_PLAIN[one.key], value=one.limit)
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
    passed = t("; later replies pass it") if held.aside else ""
    until = t("until {time}", time=local(held.until_ms))
    return f"{sanitize(held.thread)}: {held.chunks} · {hold_sentence(held.reason)} · {until}{passed}"


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
