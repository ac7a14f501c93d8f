"""The rules that hold a reply, in words. The store keeps them in English."""

from __future__ import annotations

import re

from clawlane.texts import later, t

_RULES = {
    "pacing.sameText.times": later("the same reply again and again in this conversation"),
    "pacing.sameText.threads": later("the same reply to many conversations"),
    "pacing.warmUp": later("as many replies as a new session may send"),
    "pacing.account": later("as many messages as the account may send"),
    "pacing.thread": later("as many messages as one conversation may get"),
    "pacing.strangers": later("as many people who are not friends as may get messages"),
}
"""What holds a reply, by the setting."""

_WARM_UP = re.compile(r"pacing\.warmUp day (\d+) of (\d+) \((\w+): (\d+)\)")
_REPLIES = {
    "minute": later("pacing.warmUp, day {day} of {days}: {limit} replies in a minute"),
    "hour": later("pacing.warmUp, day {day} of {days}: {limit} replies in an hour"),
    "day": later("pacing.warmUp, day {day} of {days}: {limit} replies in 24 h"),
}
_SHARED = ", the rest is for others"


def hold_words(rule: str) -> str:
    """A rule as the store keeps it, with its setting and its limit: `pacing.thread.minute (8)`."""
    if found := _WARM_UP.fullmatch(rule):
        day, days, window, limit = found.groups()
        return t(_REPLIES[window], day=day, days=days, limit=limit)
    if rule.endswith(_SHARED):
        return t("{rule}, the rest is for others", rule=rule.removesuffix(_SHARED))
    return t(rule)


def hold_sentence(rule: str) -> str:
    """What the rule is for, with the rule itself."""
    plain = next((words for setting, words in _RULES.items() if rule.startswith(setting)), "")
    return f"{t(plain)} ({hold_words(rule)})" if plain else hold_words(rule)
