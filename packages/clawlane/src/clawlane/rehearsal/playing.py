"""Plays a scenario on a stage, step by step, and compares what happens with what is expected."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from clawlane.capabilities import CastError
from clawlane.channel import Account, Phase
from clawlane.ops import drafts
from clawlane.ops.client import ControlError
from clawlane.ops.pairing import Approve, Reject, Requests
from clawlane.ops.pause import BeginPause, EndPause
from clawlane.rehearsal.errors import RehearsalError
from clawlane.rehearsal.expectations import StepResult, mistakes, shown
from clawlane.rehearsal.fates import Fate, Left
from clawlane.rehearsal.reach import Named, cast_config
from clawlane.rehearsal.scenario import OWNER, STOCK, Decide, Outcome, Scenario, Step
from clawlane.rehearsal.stage import Stage
from clawlane.texts import later


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was written: its id, who wrote it, and the id of the thread that an answer goes to."""

    id: str
    sender: str
    thread_id: str
    account: str


@dataclass(frozen=True, slots=True)
class Spoken:
    """A step at which somebody wrote in a thread, after the thing of number `before` was seen."""

    result: StepResult
    thread_id: str
    before: int


class Player:
    """Plays one scenario. `names` has the name of everybody by id, once it has begun."""

    def __init__(self, stage: Stage, scenario: Scenario) -> None:
        self._stage = stage
        self._scenario = scenario
        self._people: dict[str, str] = {}
        self._groups: dict[str, str] = {}
        self._messages: dict[str, Message] = {}
        self._spoken: list[Spoken] = []
        self._left_drafts: set[str] = set()
        """The messages whose drafts the scenario decides itself."""
        self.names: dict[str, str] = {}

    async def play(self) -> AsyncIterator[StepResult]:
        """The steps as they end. The first that fails ends the scenario."""
        await self._cast_people()
        await self._stage.begin()
        steps = zip(self._scenario.steps, self._scenario.lines, strict=True)
        for number, (step, line) in enumerate(steps, 1):
            result = StepResult(number, line, step, self._words(step))
            await self._play(step, result)
            yield result
            if result.failed:
                return
        await self._stage.look()
        for silent in self._broken_silences():
            yield silent

    async def _cast_people(self) -> None:
        stage, account = self._stage, self._stage.account()
        named = await cast_config(stage) if self._scenario.config is None else Named()
        for handle, person in self._scenario.cast().items():
            name = person.name or handle
            uid = named.people.get(name) or await stage.cast.person(
                name, friend=person.friend, account=account
            )
            self._people[handle], self.names[uid] = uid, name if name == handle or handle in STOCK else handle
        for handle, members in self._scenario.groups.items():
            self._groups[handle] = await self._group(handle, members, named.groups.get(handle))
            self.names[self._groups[handle]] = handle

    async def _group(self, name: str, members: Sequence[str], known: str | None) -> str:
        """A group of these people: one that the config names, or a new one."""
        cast, account = self._stage.cast, self._stage.account()
        inside = [self._people[member] for member in members]
        if known is None:
            return await cast.group(name, inside, account=account)
        for uid in inside:
            with suppress(CastError):  # the config has put them there
                await cast.act(account, "join", {"group": known, "person": uid})
        return known

    async def _play(self, step: Step, result: StepResult) -> None:
        if unfit := self._unfit(step):
            result.skipped = unfit
            return
        await self._stage.look()
        before = self._stage.last
        try:
            thread_id = await self._act(step, result, before)
            if step.sees and not await self._stage.wait_for(step.sees, before):
                result.failed.append(later("the platform saw no '{kind}'", kind=step.sees))
            if step.state is not None:
                await self._stage.wait_for_phase(self._account(step), Phase(step.state))
        except (CastError, ControlError, RehearsalError) as error:
            result.failed.append(error.args[0])
            return
        await self._stage.look()
        for one in self._stage.left(before):
            (result.left if one.thread_id == thread_id or not thread_id else result.elsewhere).append(one)
        result.saw = self._stage.saw(before, thread_id) if thread_id else None
        result.failed += mistakes(result)
        if step.verb in ("says", "sends"):
            self._spoken.append(Spoken(result, thread_id, before))

    def _unfit(self, step: Step) -> str:
        """Why a step is left out, or empty."""
        account = self._account(step)
        for key, wanted in step.only_if.items():
            value = str(self._stage.config.effective(account, key).value)
            if value not in wanted:
                return later("{key} is '{value}'", key=key, value=value)
        return ""

    async def _act(self, step: Step, result: StepResult, before: int) -> str:
        """The id of the thread that the step is about, or empty."""
        match step.verb:
            case "says" | "sends":
                return await self._write(step, result, before)
            case "recalls" | "look":
                message = self._messages[step.recalls or step.look or ""]
                if step.recalls:
                    undone = {"from": message.sender, "message": message.id}
                    await self._stage.cast.act(self._account(step), "undo", undone)
                if step.look or step.expect:
                    result.fates = [await self._fate(message, step, before)]
                return message.thread_id
            case "draft":
                message = self._messages[step.draft or ""]
                await self._decide_draft(message, step)
                result.fates = [await self._fate(message, step, before)]
                return message.thread_id
            case "reacts":
                reacted = self._messages[step.reacts or ""]
                fields = {"from": self._person(step), "message": reacted.id, **step.fields}
                await self._stage.cast.act(self._account(step), "react", fields)
            case "approve" | "reject":
                await self._decide(step)
            case "do":
                await self._do(step.do or "", step)
            case "fault":
                await self._stage.cast.act(self._account(step), "fault", step.fault or {})
            case "wait":
                await asyncio.sleep(step.wait or 0)
        return ""

    async def _write(self, step: Step, result: StepResult, before: int) -> str:
        account = self._account(step)
        written = [await self._write_one(step, text, account) for text in _texts(step)]
        if step.label:
            self._messages[step.label] = written[-1]
        if step.who == OWNER:
            if step.expect and step.expect != (Outcome.NOTHING,):
                never = later("what the account's owner writes is never answered: `expect: nothing`")
                result.failed.append(never)
        else:
            result.fates = [await self._fate(one, step, before) for one in written]
        return written[-1].thread_id

    async def _write_one(self, step: Step, text: str, account: Account) -> Message:
        stage, sender = self._stage, self._person(step)
        group = self._groups[step.group] if step.group else ""
        to = self._people[step.to] if step.who == OWNER and step.to else ""
        if step.sends or to or step.who == OWNER:
            where = {"group": group} if group else {"to": to} if to else {}
            kind = {"kind": step.sends} if step.sends else {}
            fields = self._ids({"from": sender, "text": text, **where, **kind, **step.fields})
            told = await stage.cast.act(account, "say", fields)
            message_id = str(told.get("msgId", ""))
        else:
            message_id = await stage.cast.write(account, sender, text, group=group, mention=step.mention)
        return Message(message_id, sender, group or to or sender, account.id)

    async def _fate(self, message: Message, step: Step, before: int) -> Fate:
        account = self._stage.account(message.account)
        if Outcome.DRAFTED in step.expect or step.draft:
            self._left_drafts.add(message.id)
        fate = await self._stage.fate(
            account,
            message.id,
            unread=step.expect == (Outcome.UNREAD,),
            leave_drafts=message.id in self._left_drafts,
        )
        if fate.outcome is Outcome.CHALLENGED and not await self._stage.challenge_left(fate, before):
            return Fate(Outcome.WAITING, fate.story)
        return fate

    async def _decide(self, step: Step) -> None:
        account, who = self._account(step), step.approve or step.reject or ""
        waiting = await self._stage.ask(Requests(account.channel, account.id))
        request = next((one for one in waiting if one.sender_id == self._people[who]), None)
        if request is None:
            raise RehearsalError(later("{name} does not wait for an approval", name=who))
        if step.approve:
            await self._stage.ask(Approve(account.channel, request.code, account.id))
        else:
            await self._stage.ask(Reject(account.channel, request.code, account.id))

    async def _decide_draft(self, message: Message, step: Step) -> None:
        account = self._stage.account(message.account)
        waiting = (await self._stage.fate(account, message.id, leave_drafts=True)).drafts
        if not waiting:
            raise RehearsalError(later("no draft waits for the message '{name}'", name=step.draft))
        for number in waiting:
            match step.decide:
                case Decide.APPROVE:
                    await self._stage.ask(drafts.Approve(number, stale_ok=True))
                case Decide.EDIT:
                    await self._stage.ask(drafts.Edit(number, step.text or ""))
                case Decide.DROP:
                    await self._stage.ask(drafts.Drop(number))

    async def _do(self, action: str, step: Step) -> None:
        account, stage = self._account(step), self._stage
        where = (account.channel, account.id, self._thread(step))
        ours: Mapping[str, Callable[[], Awaitable[object]]] = {
            "stop": stage.gateway.stop,
            "start": stage.gateway.start,
            "restart": self._restart,
            "login": lambda: stage.log_in(account, force=True),
            "pause": lambda: stage.ask(BeginPause(*where)),
            "resume": lambda: stage.ask(EndPause(*where)),
            "cut": lambda: stage.cast.cut(account),
        }
        if action in ours:
            await ours[action]()
        else:
            await stage.cast.act(account, action, self._ids(step.fields))

    def _thread(self, step: Step) -> str | None:
        """The thread that a pause or its end is about, None for the whole account."""
        name = str(step.fields.get("thread", ""))
        if name in self._groups:
            return f"group:{self._groups[name]}"
        return f"dm:{self._people.get(name, name)}" if name else None

    async def _restart(self) -> None:
        await self._stage.gateway.stop()
        await self._stage.gateway.start()

    def _broken_silences(self) -> Iterator[StepResult]:
        """The steps after which something left that should not, before the next message of that thread."""
        for at, one in enumerate(self._spoken):
            if Outcome.NOTHING in one.result.step.expect:
                after = (other for other in self._spoken[at + 1 :] if other.thread_id == one.thread_id)
                end = next((other.before for other in after), self._stage.last)
                left = [
                    left.text for left in self._stage.left(one.before) if _within(left, one.thread_id, end)
                ]
                if left:
                    one.result.failed.append(later("expected nothing, but {left}", left=shown(left)))
                    yield one.result

    def _account(self, step: Step) -> Account:
        return self._stage.account(step.account or (step.to if step.who != OWNER else None))

    def _person(self, step: Step) -> str:
        if step.who == OWNER:
            return self._stage.figures[self._account(step).id].id
        return self._people[step.who or ""]

    def _ids(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields with ids instead of the scenario's names."""
        ids = {**self._people, **self._groups, **{name: one.id for name, one in self._messages.items()}}
        kept = ("text", "name", "kind")
        return {
            key: ids.get(one, one) if isinstance(one, str) and key not in kept else one
            for key, one in fields.items()
        }

    def _words(self, step: Step) -> str:
        """The step in words, with names as people see them."""
        who = self.names.get(self._people.get(step.who or "", ""), step.who or "")
        match step.verb:
            case "says":
                writes, said = _times(_placed(who, step), step.times), " / ".join(step.says or ())
                return later("{what}: {text}", what=writes, text=said)
            case "sends":
                sends = later("{who} sends {kind}", who=_placed(who, step), kind=step.sends)
                text = str(step.fields.get("text", ""))
                return later("{what}: {text}", what=sends, text=text) if text else sends
            case "reacts":
                return later("{who} reacts to {message}", who=who, message=step.reacts)
            case "recalls":
                return later("{who} recalls {message}", who=who, message=step.recalls)
            case "look":
                return later("what became of {message}", message=step.look)
            case "approve":
                return later("the operator approves {who}", who=step.approve)
            case "reject":
                return later("the operator rejects {who}", who=step.reject)
            case "draft":
                return _decided(step)
            case "do":
                return _placed(f"{step.do} {step.fields.get('thread', '')}".rstrip(), step)
            case "fault":
                return later("a fault of the platform: {fault}", fault=(step.fault or {}).get("does", ""))
            case "wait":
                return later("{n:g} s pass", n=step.wait)
        if step.sees:
            return later("wait until the platform sees {kind}", kind=step.sees)
        return later("wait until {state}", state=step.state)


def _placed(what: str, step: Step) -> str:
    """What happens, with the group or the person it is addressed to."""
    if step.group:
        return later("{what} in {group}", what=what, group=step.group)
    return later("{what} to {person}", what=what, person=step.to) if step.to else what


def _times(what: str, times: int) -> str:
    return later("{what} ({n} times)", what=what, n=times) if times > 1 else what


def _decided(step: Step) -> str:
    """What the operator does with a draft."""
    match step.decide:
        case Decide.APPROVE:
            return later("the operator approves the draft for {message}", message=step.draft)
        case Decide.DROP:
            return later("the operator drops the draft for {message}", message=step.draft)
    return later("the operator edits the draft for {message}: {text}", message=step.draft, text=step.text)


def _within(left: Left, thread_id: str, end: int) -> bool:
    return left.thread_id == thread_id and left.seq <= end


def _texts(step: Step) -> list[str]:
    said = list(step.says) if step.says is not None else [str(step.fields.get("text", ""))]
    if step.times == 1:
        return said
    return [text.replace("{n}", str(count)) for count in range(1, step.times + 1) for text in said]
