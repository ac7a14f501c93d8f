"""One turn: check access again, run the agent, store its reply as chunks, wait until they have left."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, field

from clawlane.access.context import HistoryMessage
from clawlane.access.decision import Outcome, ack_signals
from clawlane.access.in_force import Rules
from clawlane.access.rules import CLEARS_HISTORY
from clawlane.agents.arrivals import Arrivals
from clawlane.agents.contract import Agent, AsksOnce, Checks, FileUse, Lane, Routes, TurnInput, UsesFiles
from clawlane.agents.disclosure import Discloses, disclosure_text
from clawlane.agents.errors import (
    AgentBusy,
    AgentError,
    AgentInterrupted,
    AgentLimit,
    AgentMisconfigured,
    AgentSilent,
    BudgetSpent,
)
from clawlane.agents.reply import as_sent, chunks_of
from clawlane.backoff import Backoff, Sleep
from clawlane.channel import Channel, State, Vault
from clawlane.config.choices import OutboundMode
from clawlane.lane.access_checker import AccessChecker
from clawlane.lane.commands import Commands
from clawlane.lane.gate import Gate
from clawlane.lane.inbound_media import InboundMedia
from clawlane.lane.live_agents import LiveAgents
from clawlane.lane.live_settings import LaneSettings
from clawlane.lane.sender import Sender
from clawlane.messages import Inbound, Outgoing, Reaction, Reply, Thread, Typing
from clawlane.observing import Ran
from clawlane.store import drafts, owner_takeovers, turns
from clawlane.store.account_store import AccountStore
from clawlane.store.drafts import NewDraft
from clawlane.store.models import OPEN, History, OpenTurn
from clawlane.store.private_file import discard
from clawlane.store.states import TurnState

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 60.0
"""Seconds before a failed agent is asked again. A turn is set aside long before the longest."""

_TYPING_LASTS = 4.0
"""Seconds for which others are shown that somebody is typing, if it is not renewed."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TurnRunner:
    """Runs the turns of one account. `slots` caps how many agents run at once, across all accounts.

    A turn keeps the `settings` and the agent that it began with; the rules of now say who is admitted.
    `ready` returns once messages can be decided. Without `media` no file is fetched.
    """

    settings: Callable[[], LaneSettings]
    account_store: AccountStore
    sender: Sender
    channel: Channel
    agents: DrainableAgents
    access: AccessChecker
    gate: Gate
    ready: Callable[[], Awaitable[None]]
    slots: asyncio.Semaphore
    commands: Commands
    sleep: Sleep = asyncio.sleep
    vault: Vault | None = None
    state: Callable[[], State | None] = lambda: None
    media: InboundMedia | None = None
    arrivals: Arrivals = field(default_factory=Arrivals)
    stopped: dict[int, int] = field(default_factory=dict)
    """How many turns each `/stop` has ended that is not answered yet."""

    async def run(self, turn: OpenTurn) -> None:
        """Run a turn to its end. An error of the agent or the channel ends the turn, not the lane."""
        with self.sender.expecting(turn.seq) as settled:
            if turn.state is TurnState.REPLIED:
                waits = await self.account_store.run(turns.pending, turn.seq)
            else:
                waits = await self._answer(turn)
            if waits:
                await settled.wait()

    async def read(self, seq: int) -> OpenTurn | None:
        """A turn as the store has it now; None if it is over."""
        turn = await self.account_store.run(turns.whole, seq)
        return turn if turn and turn.state in OPEN else None

    async def stop(self, turn: OpenTurn) -> list[int]:
        """End the running turn of a thread and its unsent chunks, if the `/stop` is authorised."""
        await self.ready()
        if await self.access.recheck(turn.inbound) is not None:
            return []
        stopped = await self.account_store.run(turns.stop, turn.seq)
        self.stopped[turn.seq] = len(stopped)
        if stopped:
            log.info("%s was stopped by %s", turn.inbound.thread, turn.inbound.sender_id)
        return stopped

    async def _answer(self, turn: OpenTurn) -> bool:
        """Whether there is now something to send. A failed attempt is retried after a wait."""
        backoff = Backoff(_FIRST_WAIT, _LONGEST_WAIT)
        while True:
            await self.ready()
            if not self.commands.is_action(turn):
                await self.gate.opened(turn.inbound.thread)
            while turn.ready_ms and (wait_ms := await self.account_store.run(turns.ready_in, turn.seq)):  # noqa: ASYNC110
                await asyncio.sleep(wait_ms / 1000)  # more messages may join the turn meanwhile
            if await self._is_revoked(turn) or await self._is_forbidden(turn) or await self._is_left(turn):
                return False
            if self.commands.answers(turn):
                replied: bool | float | None = await self._command(turn)
            else:
                async with self.slots, self.agents.working() as agent:
                    replied = await self._run_agent(turn, agent)
            if isinstance(replied, bool):
                return replied
            await self.sleep(backoff.next() if replied is None else replied)

    async def _command(self, turn: OpenTurn) -> bool | None:
        """Answer a command without the agent. The result is that of `_run_agent`."""
        rules = self.access.rules()
        started = await self.account_store.run(turns.start, turn.seq, _context(turn.command))
        if started is None:
            return False
        thread = turn.inbound.thread
        try:
            text = await self.commands.reply(turn, self.stopped.pop(turn.seq, 0))
            outs = self.channel.plan(self.settings().account, thread, Reply(text, markdown=False))
        except Exception as error:
            return await self._failed(turn, error, started.run)
        log.info("%s: %s of %s is answered", thread, turn.command, turn.inbound.sender_id)
        if await self._lost_access(turn, rules) or await self._is_forbidden(turn):
            return False
        if replied := await self.account_store.run(turns.reply, turn.seq, outs, started.run):
            self.sender.wake()
        return replied

    async def _is_revoked(self, turn: OpenTurn) -> bool:
        """Whether the sender is no longer admitted, which ends the turn."""
        revoked = await self.access.recheck(turn.inbound)
        if revoked is None:
            return False
        await self.account_store.run(turns.revoke, turn.seq, revoked)
        log.info("turn %d: the sender is no longer admitted", turn.seq)
        return True

    async def _is_forbidden(self, turn: OpenTurn) -> bool:
        """Whether nothing may leave in the thread, which ends the turn: it is context from then on."""
        mode, rule = self.gate.outbound(turn.inbound.thread)
        if mode is not OutboundMode.OFF or self.commands.is_action(turn):
            return False
        limit = self.access.rules().policy.history_limit
        await self.account_store.run(turns.forbid, turn.seq, rule, limit)
        log.info("turn %d: nothing may leave in %s", turn.seq, turn.inbound.thread)
        return True

    async def _is_left(self, turn: OpenTurn) -> bool:
        """Whether the owner writes in the thread by hand, which ends a turn that is begun again."""
        if not self.gate.is_taken_over(turn.inbound.thread) or self.commands.is_action(turn):
            return False
        terms = self.access.takeover_terms("")
        await self.account_store.run(owner_takeovers.leave, turn.seq, terms)
        log.info("turn %d: it is left to the owner, who writes in %s", turn.seq, turn.inbound.thread)
        return True

    async def _lost_access(self, turn: OpenTurn, rules: Rules) -> bool:
        """The same for a turn that ran, if the rules have changed since it began.

        What is queued right after this, without a wait, is checked by every later change of the rules.
        """
        return self.access.rules() is not rules and await self._is_revoked(turn)

    async def _run_agent(self, turn: OpenTurn, agent: AgentInUse) -> bool | float | None:
        """Whether there is something to send.

        None if the agent failed and may be asked again; the seconds until then if it is busy and said so.
        """
        if await self._is_revoked(turn):  # it may have waited long for the agent
            return False
        settings = self.settings()  # with the rules that this was decided by: nothing waits in between
        once = agent.asks_once(self.account_store.account, turn.inbound.thread)
        start = turns.start_once if once else turns.start
        started = await self.account_store.run(start, turn.seq, _context(turn.command))
        if started is None:
            log.debug("turn %d is over before it started", turn.seq)
            return False
        log.debug("turn %d: run %d, %d messages", turn.seq, started.run, len(started.messages))
        ended = self._asking(turn, agent)
        try:
            history = tuple(map(HistoryMessage.of, started.history))
            lane = self._lane(settings, turn.seq, started.run, started.messages[-1])
            given = TurnInput(self.account_store.account, started.messages, history, lane)
            await agent.check(given)
            with self._typing(given.thread):
                async with self._with_files(given, started.numbers, agent) as whole:
                    reply = await agent.run(whole)
            outs = await self._plan(lane, given, reply) if reply else []
        except asyncio.CancelledError as error:
            if _cancelled():
                raise
            ended(Ran.FAILED)
            return await self._failed(turn, error, started.run)
        except AgentBusy as busy:
            ended(Ran.BUSY)
            log.info("turn %d waits %.0f s: %s", turn.seq, busy.retry_in_s, busy)
            reason = f"{busy.code}: {busy}"
            waits = await self.account_store.run(turns.postpone, turn.seq, reason, started.run)
            return busy.retry_in_s if waits else False
        except AgentSilent as silent:
            ended(Ran.SILENT)
            asked = not isinstance(silent, BudgetSpent)
            reason = f"{silent.code}: {silent}"
            await self.account_store.run(turns.stay_silent, turn.seq, reason, started.run, asked=asked)
            log.debug("turn %d ends in silence: %s", turn.seq, silent.code)
            return False
        except (Exception, SystemExit) as error:
            ended(Ran.FAILED)
            return await self._failed(turn, error, started.run)
        took_ms = 1000 * ended(Ran.ANSWERED if outs else Ran.SILENT)
        note = reply.note if reply else ""
        if await self._lost_access(turn, settings.rules) or (outs and await self._is_forbidden(turn)):
            if reply:
                discard(reply.files)
            return False
        mode, rule = self.gate.outbound(given.thread)
        if reply and outs and mode is OutboundMode.APPROVE:
            draft = NewDraft(
                rule.path, settings.draft_ms, as_sent(reply, lane), reply.text, lane.discloses.lead(outs)
            )
            return await self._keep_draft(turn, outs, draft, started.run, reply)
        replied = await self.account_store.run(turns.reply, turn.seq, outs, started.run, note)
        if reply and not replied:
            discard(reply.files)
        log.debug("turn %d: %d chunks after %.1f ms; to send: %s", turn.seq, len(outs), took_ms, replied)
        if replied:
            self.sender.wake()
        return replied

    def _asking(self, turn: OpenTurn, agent: AgentInUse) -> Callable[[Ran], float]:
        """The agent is asked now. What this gives is called once it has ended, and gives the seconds."""
        asked_at = time.perf_counter()

        def ended(how: Ran) -> float:
            took_s = time.perf_counter() - asked_at
            if (observer := self.account_store.observer) is not None:
                name = agent.name(self.account_store.account, turn.inbound.thread)
                observer.ran(name, how, took_s)
            return took_s

        return ended

    async def _keep_draft(
        self, turn: OpenTurn, outs: list[Outgoing], draft: NewDraft, run: int, reply: Reply
    ) -> bool:
        """Keep a reply for the owner to approve. Nothing is to be sent now."""
        number = await self.account_store.run(drafts.reply, turn.seq, outs, draft, run, reply.note)
        if number is None:
            discard(reply.files)
        else:
            thread = turn.inbound.thread
            log.info("%s: a reply waits for approval: openclaw drafts show %d", thread, number)
        return False

    def _with_files(
        self, turn: TurnInput, numbers: tuple[int, ...], agent: AgentInUse
    ) -> AbstractAsyncContextManager[TurnInput]:
        if self.media is None:
            return nullcontext(turn)
        return self.media.fetched(turn, numbers, agent.file_use(turn.account, turn.thread))

    def _lane(self, settings: LaneSettings, turn: int, run: int, asked: Inbound) -> Lane:
        mode, language = settings.disclosure, self.access.grants().language
        text = disclosure_text(mode, language, settings.disclosure_text)
        return Lane(
            settings.account,
            self.account_store,
            self.channel,
            turn,
            run,
            self.vault,
            settings.rules.policy,
            self.access.rules,
            self.access.grants,
            self.state,
            self.sender.wake,
            settings.prefix,
            settings.rules.edited,
            Discloses(mode, text, asked.sender_id, asked.thread),
            settings.draft_ms,
            settings.answering.zone,
            self.arrivals,
        )

    async def _plan(self, lane: Lane, given: TurnInput, reply: Reply) -> list[Outgoing]:
        """The reply as chunks: the text, its attachments, then the reaction."""
        thread, last = given.thread, given.messages[-1]
        outs = await chunks_of(reply, thread, lane)
        if reply.react:
            outs.append(Reaction(thread, last.message_id, reply.react, last.client_id))
        return outs

    @contextmanager
    def _typing(self, thread: Thread) -> Iterator[None]:
        """Show others that an answer is being written, as long as this is entered."""
        mode, _ = self.gate.outbound(thread)
        if not all(ack_signals(Outcome.ADMIT, policy.acks, mode).typing for policy in self.access.rules()):
            yield
            return
        loop = asyncio.get_running_loop()
        timer: asyncio.TimerHandle

        def show() -> None:
            nonlocal timer
            self.sender.show(Typing(thread))
            timer = loop.call_later(_TYPING_LASTS, show)

        show()
        try:
            yield
        finally:
            timer.cancel()

    async def _failed(self, turn: OpenTurn, error: BaseException, run: int) -> bool | None:
        """The error's text may quote messages: it is stored with the dead letter and never logged.

        An `AgentError` quotes nothing.
        """
        final = isinstance(error, AgentInterrupted | AgentLimit | AgentMisconfigured)
        name = type(error).__name__
        code, told = (error.code, str(error)) if isinstance(error, AgentError) else (name, name)
        reason = f"{code}: {error}"
        if not await self.account_store.run(turns.fail, turn.seq, reason, run, final=final):
            log.warning("turn %d failed and is tried again: %s", turn.seq, told)
            return None
        log.error(
            "turn %d failed (%s); its message is set aside: openclaw channels dead-letters list",
            turn.seq,
            told,
        )
        return False


def _cancelled() -> bool:
    """Whether the turn itself is cancelled, and not merely something inside the agent."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def _context(command: str) -> History:
    """Commands neither take the group's history nor clear it, except those that start over."""
    if not command:
        return History.INCLUDE
    return History.CLEAR if command in CLEARS_HISTORY else History.KEEP


@dataclass(frozen=True, slots=True)
class AgentInUse:
    """The agent of one turn."""

    agent: Agent

    async def run(self, turn: TurnInput) -> Reply | None:
        """The agent's answer."""
        return await self.agent.run(turn)

    async def check(self, turn: TurnInput) -> None:
        """Raises an `AgentError` for a turn that the agent would not begin."""
        if isinstance(self.agent, Checks):
            await self.agent.check(turn)

    def asks_once(self, account: str, thread: Thread) -> bool:
        """Whether the agent must not be given a turn of this thread twice."""
        return isinstance(self.agent, AsksOnce) and self.agent.asks_once(account, thread)

    def name(self, account: str, thread: Thread) -> str:
        """The name of the agent of a thread; empty where there is one without a name."""
        return self.agent.name_of(account, thread) if isinstance(self.agent, Routes) else ""

    def file_use(self, account: str, thread: Thread) -> FileUse:
        """Which files the agent can use in a thread."""
        return self.agent.file_use(account, thread) if isinstance(self.agent, UsesFiles) else FileUse.NOTHING


class DrainableAgents:
    """The agents in force as one run of an account uses them: they take turns until `finish`."""

    def __init__(self, agents: LiveAgents) -> None:
        self._agents = agents
        self._open = asyncio.Event()
        self._open.set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._running = 0

    @asynccontextmanager
    async def working(self) -> AsyncIterator[AgentInUse]:
        """The agent of a turn, entered while it has the turn. After `finish` nobody gets in any more."""
        await self._open.wait()
        self._running += 1
        self._idle.clear()
        try:
            with self._agents.used() as agent:
                yield AgentInUse(agent)
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    async def finish(self) -> None:
        """Start no more turns; returns once none is running."""
        self._open.clear()
        await self._idle.wait()
