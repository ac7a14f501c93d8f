"""Messages that the agent could not answer, in words."""

from __future__ import annotations

from clawlane.store.turns import DeadLetter
from clawlane.texts import later, t, tn
from clawlane.words.send_states import reason_words
from clawlane.words.strangers import Said, sanitize
from clawlane.words.times import when

_LATER = later(" The gateway is not running; this happens once it runs.")
_LONGEST = 70


def head(row: DeadLetter, now_ms: int) -> str:
    """Since when it is set aside, after how many tries, and on which account."""
    aside = t("set aside {time}", time=when(row.set_aside_ms, now_ms))
    return f"{aside} · {tn('{n} try', '{n} tries', row.tries)} · {row.account}"


def lines(row: DeadLetter) -> tuple[str, ...]:
    """Whose message it is, what it says, and why it was not answered."""
    sender = f"{sanitize(row.sender_name)} ({row.sender_id})" if row.sender_name else row.sender_id
    thread = f"{sanitize(row.group_name)} ({row.thread})" if row.group_name else str(row.thread)
    whence = t("from {sender} in {thread}", sender=sender, thread=thread)
    said = tuple(map(Said, filter(None, (whence, sanitize(row.text, _LONGEST)))))
    return (*said, *filter(None, (sanitize(reason_words(row.reason), 200),)))


def resubmitted_sentence(message: str, *, running: bool) -> str:
    """That a message goes to the agent again."""
    given = t("Message {message} is given to the agent again.", message=message)
    return given + ("" if running else t(_LATER))


def dropped_sentence(message: str) -> str:
    """That a message was given up."""
    return t("Message {message} is dropped.", message=message)
