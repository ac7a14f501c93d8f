"""A coding agent as a child process: a small client of the Agent Client Protocol, version 1.

JSON-RPC 2.0, one object a line. One child serves all conversations, each in a session of its own. The client
offers neither files nor terminals, and refuses every permission that the config does not allow.
Source: agentclientprotocol.com, November 2026.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from clawlane import __version__
from clawlane.agents.child import Program, drain
from clawlane.agents.errors import AgentError, AgentFailed, AgentInterrupted, AgentMisconfigured
from clawlane.store.codec import storable

LONGEST_LINE = 8 * 2**20
"""Bytes of one message of the agent."""

LONGEST_ANSWER = 2**20
"""Characters of one answer."""

_START = 60.0
"""Seconds that an agent may take to start and to open a session."""

_CANCEL = 5.0
"""Seconds that an agent may take to end a turn that was cancelled; then it is ended itself."""

_AUTH_REQUIRED, _NO_SUCH_METHOD = -32000, -32601
_ANSWERED = ("end_turn", "max_tokens", "max_turn_requests")


class _Refused(Exception):
    """The agent answered a request with an error."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class _Gone(Exception):
    """The connection is over; the text says why."""


@dataclass(slots=True)
class _Turn:
    """What an agent said in a turn, in parts: each tool call begins a new one.

    Only the last part is the answer; what it said before using a tool is about the tool.
    """

    parts: list[str] = field(default_factory=lambda: [""])
    kinds: dict[str, str] = field(default_factory=dict)

    def update(self, update: Mapping[str, Any]) -> None:
        match update:
            case {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": str(text)}}:
                self.parts[-1] = (self.parts[-1] + text)[: LONGEST_ANSWER + 1]
            case {"sessionUpdate": "tool_call", "toolCallId": str(call)}:
                self.kinds[call] = str(update.get("kind", "other"))
                if self.parts[-1].strip():
                    self.parts = [self.parts[-1], ""]

    @property
    def answer(self) -> str:
        """The last part that says something."""
        return next((part for part in reversed(self.parts) if part.strip()), "")


class _Connection:
    """A running agent: requests and their answers, and what it tells meanwhile."""

    def __init__(self, process: asyncio.subprocess.Process, allowed: Collection[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin, self._stdout = process.stdin, process.stdout
        self._allowed = allowed
        self._ids = count()
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self.turns: dict[str, _Turn] = {}
        self.sessions: dict[str, str] = {}
        """Session key → the agent's own id for it."""
        self.over = ""
        """Why the connection is over; empty while it lives."""

    async def call(self, method: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """One request. Raises `_Refused` and `_Gone`."""
        number = next(self._ids)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        try:
            await self.write({"id": number, "method": method, "params": params})
            result = await answer
        finally:
            del self._answers[number]
        return result if isinstance(result, dict) else {}

    async def write(self, message: Mapping[str, Any]) -> None:
        """Send one message. Raises `_Gone`."""
        if self.over:
            raise _Gone(self.over)
        self._stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        try:
            await self._stdin.drain()
        except OSError:
            raise _Gone("it does not read any more") from None

    async def read(self) -> None:
        """Read until the agent ends, or says what cannot be read. All open requests end then."""
        try:
            while line := await self._stdout.readline():
                if line.strip():
                    await self._read(json.loads(line))
            self.over = "it ended"
        except (ValueError, RecursionError):  # a line that is too long is a ValueError, too
            self.over = "it wrote what is not JSON, or too much"
        except _Gone as gone:
            self.over = str(gone)
        finally:
            self.over = self.over or "it was stopped"
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(_Gone(self.over))

    async def _read(self, message: Any) -> None:
        match message:
            case {"method": "session/update", "params": {"sessionId": str(session), "update": dict(update)}}:
                if turn := self.turns.get(session):
                    turn.update(update)
            case {"method": "session/request_permission", "id": number, "params": dict(params)}:
                await self.write({"id": number, "result": {"outcome": self._permission(params)}})
            case {"method": str(), "id": number}:
                error = {"code": _NO_SUCH_METHOD, "message": "this client offers no files and no terminals"}
                await self.write({"id": number, "error": error})
            case {"id": int(number), "error": error} if answer := self._answers.get(number):
                code = error.get("code") if isinstance(error, dict) else None
                if not answer.done():
                    answer.set_exception(_Refused(code if isinstance(code, int) else 0))
            case {"id": int(number), "result": result} if answer := self._answers.get(number):
                if not answer.done():
                    answer.set_result(result)

    def _permission(self, params: Mapping[str, Any]) -> Mapping[str, str]:
        """Allowed once if the config allows tools of this kind; refused otherwise."""
        call, turn = params.get("toolCall"), self.turns.get(str(params.get("sessionId")))
        call = call if isinstance(call, dict) else {}
        known = turn.kinds.get(str(call.get("toolCallId")), "other") if turn else ""
        # What it asks for must not be a smaller thing than what it said that it would do.
        kinds = {str(call.get("kind") or known), known} - {"other"} or {"other"}
        allowed = turn is not None and kinds <= set(self._allowed)
        wanted = ("allow_once",) if allowed else ("reject_once", "reject_always")
        options = params.get("options")
        for option in options if isinstance(options, list) else ():
            match option:
                case {"optionId": str(chosen), "kind": str(offered)} if offered in wanted:
                    return {"outcome": "selected", "optionId": chosen}
        return {"outcome": "cancelled"}


class AcpAgent:
    """An agent that runs as a child as long as it is entered, and is started again when it ends.

    `allowed` are the kinds of tools that it may use: read, edit, delete, move, search, execute, fetch, other.
    """

    def __init__(
        self, program: Program, environ: Mapping[str, str], allowed: Collection[str], timeout_s: float
    ) -> None:
        self._program = program
        self._environ = environ
        self._allowed = allowed
        self._timeout_s = timeout_s
        self._connection: _Connection | None = None
        self._child: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()

    async def __aenter__(self) -> AcpAgent:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()

    async def ask(self, session: str, prompt: str, first: str = "") -> str:
        """The answer to a prompt in the conversation `session`. Raises an `AgentError`.

        A conversation that the agent does not know begins with `first`. Cancelling ends the turn there.
        """
        connection = await self._start()
        own_id = connection.sessions.get(session)
        if own_id is None:
            own_id = await self._new_session(connection, session)
            prompt = f"{first}\n\n{prompt}" if first else prompt
        turn = connection.turns[own_id] = _Turn()
        try:
            return await self._prompt(connection, own_id, prompt, turn)
        finally:
            connection.turns.pop(own_id, None)

    async def reach(self) -> None:
        """Start the agent, and open a session in which nothing is asked. Raises an `AgentError`."""
        await self._new_session(await self._start(), "")
        self.forget("")

    def forget(self, session: str) -> None:
        """Begin the conversation anew when it is asked next."""
        if self._connection is not None:
            self._connection.sessions.pop(session, None)

    async def _prompt(self, connection: _Connection, own_id: str, prompt: str, turn: _Turn) -> str:
        params = {"sessionId": own_id, "prompt": [{"type": "text", "text": prompt}]}
        asking = asyncio.ensure_future(connection.call("session/prompt", params))
        try:
            async with asyncio.timeout(self._timeout_s):
                result = await asyncio.shield(asking)
        except TimeoutError:
            await self._cancel(connection, own_id, asking)
            raise self._interrupted(f"was stopped after {self._timeout_s:g} s without an answer") from None
        except asyncio.CancelledError:
            await asyncio.shield(self._cancel(connection, own_id, asking))
            raise
        except _Gone as gone:
            raise self._interrupted(f"gave no answer: {gone}") from None
        except _Refused as refused:
            raise self._interrupted(f"reported error {refused.code} in mid-turn") from None
        reason = str(result.get("stopReason"))
        if reason not in _ANSWERED:
            told = reason[:40] if reason.isidentifier() else "no reason"  # it must not write into the log
            raise self._interrupted(f"ended the turn without an answer ({told})")
        if len(turn.answer) > LONGEST_ANSWER:
            raise self._interrupted("wrote more than 1 MB")
        return storable(turn.answer)

    async def _cancel(self, connection: _Connection, own_id: str, asking: asyncio.Future[Any]) -> None:
        """End a turn; an agent that does not do so in time is ended itself."""
        with suppress(_Gone, _Refused, TimeoutError):
            async with asyncio.timeout(_CANCEL):
                await connection.write({"method": "session/cancel", "params": {"sessionId": own_id}})
                await asking
                return
        asking.cancel()
        if self._connection is connection:
            await self._end()

    async def _new_session(self, connection: _Connection, session: str) -> str:
        params = {"cwd": str(self._program.cwd.absolute()), "mcpServers": []}
        answer = await self._ask(connection, "session/new", params)
        if not isinstance(own_id := answer.get("sessionId"), str):
            raise self._failed("opened no session")
        if own_id in connection.sessions.values() or own_id in connection.turns:
            # The words of one conversation would turn up in the other.
            raise self._failed("gave two conversations the same session")
        connection.sessions[session] = own_id
        return own_id

    async def _start(self) -> _Connection:
        """The running agent; one that has ended is started again."""
        async with self._starting:
            if self._connection is not None and not self._connection.over:
                return self._connection
            await self._end()
            started: asyncio.Future[_Connection] = asyncio.get_running_loop().create_future()
            self._child = asyncio.create_task(self._run(started), name="acp agent")
            connection = await started
            try:
                await self._initialize(connection)
            except BaseException:
                await self._end()
                raise
            self._connection = connection
            return connection

    async def _run(self, started: asyncio.Future[_Connection]) -> None:
        """Keep the child until it ends or this is cancelled."""
        try:
            async with self._program.running(self._environ, LONGEST_LINE) as process:
                assert process.stderr is not None
                connection = _Connection(process, self._allowed)
                async with _besides(drain(process.stderr)):
                    started.set_result(connection)
                    await connection.read()
        except AgentError as error:
            started.set_exception(error)

    async def _initialize(self, connection: _Connection) -> None:
        params = {
            "protocolVersion": 1,
            "clientCapabilities": {"fs": {"readTextFile": False, "writeTextFile": False}, "terminal": False},
            "clientInfo": {"name": "clawlane", "version": __version__},
        }
        answer = await self._ask(connection, "initialize", params)
        if answer.get("protocolVersion") != 1:
            raise AgentMisconfigured(f"{self._name()} speaks no version of the protocol that we know")

    async def _ask(
        self, connection: _Connection, method: str, params: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """A request that changes nothing. Raises an `AgentError`."""
        try:
            async with asyncio.timeout(_START):
                return await connection.call(method, params)
        except TimeoutError:
            raise self._failed(f"did not answer {method} within {_START:g} s") from None
        except _Gone as gone:
            raise self._failed(f"did not answer {method}: {gone}") from None
        except _Refused as refused:
            if refused.code == _AUTH_REQUIRED:
                raise AgentMisconfigured(f"{self._name()} wants you to log in to it first") from None
            raise self._failed(f"refused {method} with error {refused.code}") from None

    async def _end(self) -> None:
        child, self._child, self._connection = self._child, None, None
        if child is not None:
            child.cancel()
            await asyncio.wait([child])  # awaiting it itself could swallow a cancellation of this task

    def _name(self) -> str:
        return f"{self._program.place}: {self._program.argv[0]}"

    def _failed(self, what: str) -> AgentFailed:
        return AgentFailed(f"{self._name()} {what}")

    def _interrupted(self, what: str) -> AgentInterrupted:
        return AgentInterrupted(f"{self._name()} {what}")


@asynccontextmanager
async def _besides(work: Any) -> AsyncIterator[None]:
    """Do something beside the body, until that ends."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
