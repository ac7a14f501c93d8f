"""Agents that are programs on this machine, asked in turns: coding agents, and programs run once for each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from clawlane.access.context import HistoryMessage
from clawlane.agents.acp import AcpAgent
from clawlane.agents.command import Command
from clawlane.agents.contract import Attached, FileUse, TurnInput
from clawlane.agents.errors import AgentFailed, AgentInterrupted
from clawlane.agents.memory import Conversation, SessionMemory
from clawlane.agents.prompt import instructions, user_prompt, with_fates
from clawlane.agents.reply import read_reply, remembered, reply_of
from clawlane.config.agents import SessionSettings
from clawlane.config.routing import AgentSettings
from clawlane.messages import Quote, Reply, Thread


@dataclass(frozen=True, slots=True)
class CodingAgent:
    """Answers turns by asking a coding agent, which remembers by itself."""

    agent: AgentSettings
    acp: AcpAgent
    session: SessionSettings
    names: dict[tuple[str, Thread], str] = field(default_factory=dict)
    """The names of the conversations that it has."""

    async def run(self, turn: TurnInput) -> Reply | None:
        settings = self.agent.settings
        memory = SessionMemory(self.agent, self.session)
        entered = await memory.enter(turn)
        session = entered.session
        place = (turn.account, turn.thread)
        if (before := self.names.get(place, session)) != session:
            self.acp.forget(before)
        self.names[place] = session
        notes = {file.path: f"at {file.path}" for file in turn.files}
        longest = settings.max_input_chars
        prompt = with_fates(user_prompt(turn, longest, notes), entered.outcomes, longest)
        try:
            answer = await self.acp.ask(session, prompt, first=instructions(settings.instructions))
        except AgentInterrupted as interrupted:
            if settings.retry_interrupted:
                raise AgentFailed(str(interrupted)) from None
            raise
        await memory.heard(turn, entered)
        return read_reply(answer, self.agent)

    async def reach(self) -> str:
        await self.acp.reach()
        return ""

    def asks_once(self, _account: str, _thread: Thread) -> bool:
        return not self.agent.settings.retry_interrupted

    def file_use(self, _account: str, _thread: Thread) -> FileUse:
        return FileUse.ALL


@dataclass(frozen=True, slots=True)
class CommandAgent:
    """Answers turns by running a program."""

    agent: AgentSettings
    command: Command
    environ: Mapping[str, str]
    session: SessionSettings

    async def run(self, turn: TurnInput) -> Reply | None:
        memory = SessionMemory(self.agent, self.session)
        conversation = await memory.begin(turn)
        answer = await self.command.ask(command_input(turn, self.agent, conversation), self.environ)
        reply = reply_of(answer, self.agent)
        await memory.answered(turn, remembered(reply))
        return reply

    async def reach(self) -> str:
        """A program is not started: it might act."""
        await asyncio.to_thread(self.command.program.check, self.environ)
        return ""

    def asks_once(self, _account: str, _thread: Thread) -> bool:
        return self.command.once

    def file_use(self, _account: str, _thread: Thread) -> FileUse:
        return FileUse.ALL


def command_input(turn: TurnInput, agent: AgentSettings, conversation: Conversation) -> dict[str, Any]:
    """What a program is told of a turn, as plain values."""
    message = turn.message
    longest = agent.settings.max_input_chars
    attached = turn.attached or [Attached(one, 0, number) for number, one in enumerate(message.attachments)]
    return {
        "message": message.text[:longest],
        "history": [*_earlier(conversation, longest), *map(_context, turn.history)],
        "quote": _quote(message.quote, attached),
        "attachments": [_attachment(one) for one in attached if one.number is not None],
        "thread": {"kind": str(turn.thread.kind), "id": turn.thread.id},
        "sender": {"id": message.sender_id, "name": message.sender_name},
        "account": turn.account,
        "session": conversation.session,
        "sent_ms": message.sent_ms,
        "message_ids": [one.message_id for one in turn.messages],
    }


def _earlier(conversation: Conversation, longest: int) -> Iterator[dict[str, Any]]:
    """What was asked before (`user`), what was answered (`assistant`), and what the group said (`group`)."""
    for exchange in conversation.exchanges:
        yield from map(_context, exchange.asked.history)
        said = exchange.asked.message
        yield _entry("user", said.sender_id, said.sender_name, said.text[:longest], said.sent_ms)
        yield {"role": "assistant", "text": exchange.reply}


def _context(one: HistoryMessage) -> dict[str, Any]:
    role = "owner" if one.by_owner else "group"
    return _entry(role, one.sender_id, one.sender_name, one.text, one.sent_ms)


def _entry(role: str, sender_id: str, name: str, text: str, sent_ms: int) -> dict[str, Any]:
    return {"role": role, "sender": {"id": sender_id, "name": name}, "text": text, "sent_ms": sent_ms}


def _quote(quote: Quote | None, attached: Sequence[Attached]) -> dict[str, Any] | None:
    if quote is None:
        return None
    there = [Attached(quote.attachment, 0, None)] if quote.attachment else []
    there = [one for one in attached if one.number is None] or there
    return {
        "message_id": quote.message_id,
        "sender_id": quote.owner_id,
        "text": quote.text,
        "attachment": _attachment(there[0]) if there else None,
    }


def _attachment(one: Attached) -> dict[str, Any]:
    """An attachment; one that was fetched has a `path`, and its type by its content."""
    attachment, file = one.attachment, one.file
    told: dict[str, Any] = {"kind": attachment.kind, "title": attachment.title, "size": attachment.size}
    if file is not None:
        told |= {"path": str(file.path), "mime": file.mime, "size": file.size}
    if attachment.transcript:
        told["transcript"] = attachment.transcript
    if one.why_not:
        told["why_not"] = one.why_not
    return told
