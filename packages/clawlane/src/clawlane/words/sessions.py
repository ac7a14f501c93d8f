"""What agents remember, in words."""

from __future__ import annotations

from collections.abc import Iterator

from clawlane.ops.sessions import (
    Said,
    SessionReset,
    SessionShown,
    TurnShown,
)
from clawlane.texts import t, tn
from clawlane.words.strangers import cell, printable, sanitize
from clawlane.words.times import local

_INDENT = "  "


def kept(whole: int, summarised: int) -> str:
    """How many turns an agent has word by word, and how many as a summary."""
    return t("{whole} + {n} summed up", whole=whole, n=summarised) if summarised else str(whole)


def lines(shown: SessionShown) -> Iterator[tuple[str, str]]:
    """The conversation as paragraphs, each after its indent."""
    who, account = sanitize(shown.agent), shown.account
    yield "", t("{agent} in {thread} ({account})", agent=who, thread=shown.thread, account=account)
    if shown.summary:
        yield "", t("Summary of what was before:")
        yield from _indented(shown.summary)
    for turn in shown.turns:
        yield "", ""
        yield from _turn_lines(shown.agent, turn)


def _turn_lines(agent: str, turn: TurnShown) -> Iterator[tuple[str, str]]:
    for said in turn.history:
        yield from _said_lines(said, f" {t('(to the group)')}")
    for said in turn.messages:
        yield from _said_lines(said, "")
    yield "", f"{sanitize(agent)}:"
    for part in filter(None, (turn.answer, t(turn.note))):
        yield from _indented(part)


def _said_lines(said: Said, where: str) -> Iterator[tuple[str, str]]:
    yield "", f"{local(said.sent_ms)} {cell(said.sender_name)} ({sanitize(said.sender_id)}){where}:"
    yield from _indented(said.text)
    if said.attachments:
        yield _INDENT, t("attached: {kinds}", kinds=", ".join(map(sanitize, said.attachments)))


def _indented(text: str) -> Iterator[tuple[str, str]]:
    return ((_INDENT, line) for line in printable(text).splitlines())


def reset_sentence(one: SessionReset) -> str:
    """What was forgotten."""
    return tn(
        "{agent} has forgotten {n} turn of {thread} ({account}).",
        "{agent} has forgotten {n} turns of {thread} ({account}).",
        one.forgotten,
        agent=sanitize(one.agent),
        thread=one.thread,
        account=one.account,
    )
