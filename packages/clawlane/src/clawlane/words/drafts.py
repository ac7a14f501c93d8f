"""Drafts in words."""

from __future__ import annotations

from collections.abc import Iterator

from clawlane.ops.drafts import Approved, Dropped
from clawlane.store.draft_told import Draft, Staleness
from clawlane.store.states import DraftState
from clawlane.texts import later, t, tn
from clawlane.threads import Thread, ThreadKind
from clawlane.words.strangers import Said, sanitize
from clawlane.words.times import local

_LATER = later(" The gateway is not running; this happens once it runs.")
_LONGEST = 200
"""Characters of what was said around a question."""

STALE = {
    Staleness.NEWER_MESSAGE: later("a newer message has come in that chat"),
    Staleness.OWN_MESSAGE: later("something else went out to that chat since"),
}


def whom(draft: Draft) -> str:
    name = thread_name(draft.thread, draft.name)
    if draft.by_client:
        return t("to {whom}, by an MCP client", whom=name)
    return t("to {whom}, by a tool of the agent", whom=name) if draft.tool else t("to {whom}", whom=name)


def thread_name(thread: Thread, name: str) -> str:
    whom = f"{'group' if thread.kind is ThreadKind.GROUP else 'user'}:{thread.id}"
    return f"{sanitize(name)} ({whom})" if name else whom


def asker(draft: Draft) -> str:
    """Who wrote what it answers, in a group also where; empty for what answers nobody."""
    if draft.by_client or not (draft.sender or draft.sender_id):
        return ""
    name = person(draft.sender, draft.sender_id)
    if draft.thread.kind is ThreadKind.GROUP and not draft.tool:
        return t("{name} in {where}", name=name, where=thread_name(draft.thread, draft.name))
    return name


def person(name: str, id_: str) -> str:
    """`Lan (11)`, or the id alone of somebody without a name."""
    return f"{sanitize(name)} ({id_})" if sanitize(name) else id_


def question_line(draft: Draft, longest: int) -> str:
    """Who wrote what, in one line; empty for what answers nobody."""
    who, said = asker(draft), sanitize(draft.question, longest)
    if not who:
        return ""
    return t("{name} wrote: {text}", name=who, text=said) if said else t("{name} wrote", name=who)


def context_lines(draft: Draft) -> Iterator[str]:
    """What the agent was shown with the question: what it quotes, and what was said in the group before."""
    for one in draft.before:
        yield t(
            "before it, {name} wrote: {text}", name=person(one.sender, one.sender_id), text=_short(one.text)
        )
    if draft.quoted:
        yield t("it quotes: {text}", text=_short(draft.quoted))


def _short(text: str) -> str:
    return sanitize(text, _LONGEST)


def about(draft: Draft) -> Iterator[str]:
    yield Said(whom(draft))
    if draft.state is DraftState.EXPIRED:
        yield t("expired; to bring it back: openclaw drafts revive {number}", number=draft.number)
    else:
        until = local(draft.expires_ms)
        yield t("waits for your approval until {time}, by {rule}", time=until, rule=draft.rule)
    if draft.stale is not None:
        yield stale(draft)
    if draft.edited:
        yield t("edited by you")


def approved_sentence(done: Approved) -> str:
    from clawlane.ops.draft_text import held_by

    kind, _, id_ = done.thread.partition(":")
    told = tn(
        "Draft {number} is approved: {n} message to {whom}.",
        "Draft {number} is approved: {n} messages to {whom}.",
        len(done.chunks),
        number=done.number,
        whom=thread_name(Thread(ThreadKind(kind), id_), done.name),
    )
    until = "" if done.quiet_until_ms is None else local(done.quiet_until_ms)
    if held := held_by(done, done.paused, until):
        told += held
    elif done.running:
        told += t(" It leaves as pacing lets it; what still waits: openclaw outbox list")
    return told + ("" if done.running else t(_LATER))


def stale(draft: Draft) -> str:
    """Why it may no longer fit."""
    return t("stale: {why}", why=t(STALE[draft.stale])) if draft.stale else ""


def stale_sentence(number: int, why: Staleness) -> str:
    """That a draft was not sent, for it may no longer fit."""
    return t("draft {number} was not sent: {why}", number=number, why=t(STALE[why]))


def edited_sentence(draft: Draft) -> str:
    """That a draft says something else now."""
    return t("Draft {number} is changed, and still waits.", number=draft.number)


def dropped_sentence(dropped: Dropped) -> str:
    """That a draft was given up."""
    return t("Draft {number} is dropped.", number=dropped.number)


def revived_sentence(draft: Draft) -> str:
    """That an expired draft waits again."""
    return t("Draft {number} waits again, until {time}.", number=draft.number, time=local(draft.expires_ms))
