"""The rules of pacing in words, for those who read the status."""

from __future__ import annotations

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
