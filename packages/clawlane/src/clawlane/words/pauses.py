"""Pauses and takeovers in words."""

from __future__ import annotations

from clawlane.clock import length, now_ms
from clawlane.ops.pause import (
    AccountResumed,
    PauseInfo,
    TakeoverInfo,
)
from clawlane.texts import later, t
from clawlane.words.strangers import sanitize
from clawlane.words.times import local

_IS = {
    "mute": (later("{name} is muted{why}"), later("{name} is muted until {time}{why}")),
    "offline": (later("{name} is offline{why}"), later("{name} is offline until {time}{why}")),
}
"""How a pause is told, without and with its end."""


def pause_words(pause: PauseInfo) -> str:
    """`zalouser/default in dm:7 is muted until …`."""
    endless, ends = _IS[pause.level]
    why = t(" because of the alarm '{alarm}'", alarm=pause.reason) if pause.reason else ""
    if pause.until_ms is None:
        return t(endless, name=account_or_thread(pause), why=why)
    return t(ends, name=account_or_thread(pause), time=local(pause.until_ms), why=why)


def takeover_words(one: TakeoverInfo) -> str:
    """`Lan (dm:7), where you write by hand, until … (12 min left)`."""
    name = f"{sanitize(one.name)} ({sanitize(one.thread)})" if one.name else sanitize(one.thread)
    left = length(max(0, one.until_ms - now_ms()))
    written = later("{name}, where you wrote by hand, until {time} ({left} left)")
    return t(written, name=name, time=local(one.until_ms), left=left)


def resume_command(one: PauseInfo | AccountResumed) -> str:
    """The command that ends a pause."""
    channel, _, account = one.account.partition("/")
    thread = f" --thread {one.thread}" if one.thread else ""
    return f"openclaw resume --channel {channel} --account {account}{thread}"


def account_or_thread(one: PauseInfo | AccountResumed) -> str:
    """`zalouser/default`, or `zalouser/default in Lan (dm:7)`."""
    if not one.thread:
        return one.account
    name = sanitize(one.name) if isinstance(one, PauseInfo) else ""
    thread = f"{name} ({sanitize(one.thread)})" if name else sanitize(one.thread)
    return t("{account} in {thread}", account=one.account, thread=thread)
