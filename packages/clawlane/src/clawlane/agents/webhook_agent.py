"""An agent that is asked by a signed request, and answers in the response or later.

A response of 200 is the answer, 204 is silence, and 202 says that the answer comes to `/callback/<turn>`.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from clawlane.agents.child_agents import command_input
from clawlane.agents.contract import Lane, TurnInput
from clawlane.agents.endpoint import network_reason, retry_in
from clawlane.agents.errors import AgentBusy, AgentFailed, AgentLimit, AgentMisconfigured
from clawlane.agents.memory import SessionMemory
from clawlane.agents.reply import remembered, reply_of
from clawlane.agents.written_answer import AnswerUnreadable, WrittenAnswer, read_posted, read_written
from clawlane.config.agents import SessionSettings
from clawlane.config.routing import AgentSettings
from clawlane.messages import Reply
from clawlane.store import callbacks
from clawlane.webhook_sender import signed

LONGEST_ANSWER: Final = 2**20
"""Bytes of a response."""

_CONNECT: Final = 10.0
"""Seconds."""

_AS_IT_IS: Final = {"Accept-Encoding": "identity"}
"""A few compressed bytes can become many."""

_LATER, _SILENCE = 202, 204
_HEARD = (200, _LATER, _SILENCE, 400, 422)
"""What a server may answer to a test that came through."""


@dataclass(frozen=True, slots=True)
class WebhookAgent:
    """Answers turns by asking a server. Where it `may_wait`, the server can answer later."""

    agent: AgentSettings
    url: str
    key: bytes = field(repr=False)
    http: aiohttp.ClientSession
    session: SessionSettings
    may_wait: bool

    async def run(self, turn: TurnInput) -> Reply | None:
        memory = SessionMemory(self.agent, self.session)
        conversation = await memory.begin(turn)
        answer = await self._answer(turn, command_input(turn, self.agent, conversation))
        reply = reply_of(answer, self.agent)
        await memory.answered(turn, remembered(reply))
        return reply

    async def reach(self) -> str:
        """A signed request of the type `test`, which the server need not understand."""
        status, _ = await self._post(f"turn_{secrets.token_hex(16)}", {"type": "test"}, reads=False)
        if status in _HEARD:
            return ""
        raise self._refusal(status)

    async def _answer(self, turn: TurnInput, asked: Mapping[str, Any]) -> WrittenAnswer:
        lane, seconds = turn.lane, self.agent.settings.timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                if lane is None:
                    return await self._at_once(asked)
                return await self._of_turn(lane, asked)
        except TimeoutError:
            raise AgentLimit(f"{self.agent.place}: no answer from {self._host} within {seconds} s") from None

    async def _at_once(self, asked: Mapping[str, Any]) -> WrittenAnswer:
        """Asked from a terminal, where nobody could take a later answer."""
        id_ = f"turn_{secrets.token_hex(16)}"
        status, answer = await self._post(id_, {"type": "turn", "turn": id_, **asked})
        if answer is not None:
            return answer
        if status == _LATER:
            host = self._host
            raise AgentFailed(f"{self.agent.place}: {host} answers later, which only a channel can wait for")
        raise self._refusal(status)

    async def _of_turn(self, lane: Lane, asked: Mapping[str, Any]) -> WrittenAnswer:
        """The answer that came to the turn already, or comes now."""
        store, turn, run = lane.account_store, lane.turn, lane.run
        begun = await store.run(callbacks.ask, turn, run, self.agent.id)
        if begun is None:
            raise AgentFailed(f"{self.agent.place}: the turn is over")
        with lane.arrivals.expecting(turn) as arrived:
            text = begun.answer
            if text is None:
                told = {"type": "turn", "turn": begun.id, "callback": f"/callback/{begun.id}", **asked}
                status, answer = await self._post(begun.id, told)
                if answer is not None:
                    text = await store.run(callbacks.answer, turn, run, answer.as_json())
                elif status != _LATER or not self.may_wait:
                    raise self._refusal(status)
            while text is None:
                text = await store.run(callbacks.answered, turn)
                if text is None:
                    await arrived.wait()
                    arrived.clear()
        return read_written(text)

    async def _post(
        self, id_: str, body: Mapping[str, Any], *, reads: bool = True
    ) -> tuple[int, WrittenAnswer | None]:
        """The status of the response, and the answer that it holds, if it is one and somebody `reads` it."""
        written = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        request = self.http.post(
            self.url,
            data=written,
            headers={**_AS_IT_IS, **signed(self.key, id_, time.time_ns() // 1_000_000, written)},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT),
            allow_redirects=False,
        )
        try:
            async with request as response:
                if response.status == _SILENCE:
                    return _SILENCE, WrittenAnswer("NO_REPLY")
                if response.status == 200 and reads:
                    return 200, await self._read(response)
                if response.status in (429, 503):
                    busy = f"{self.agent.place}: {self._host} is busy (HTTP {response.status})"
                    raise AgentBusy(busy, retry_in(response.headers))
                return response.status, None
        except (aiohttp.ClientError, OSError) as error:
            reason = network_reason(error)
            raise AgentFailed(f"{self.agent.place}: no answer from {self._host}: {reason}") from None

    async def _read(self, response: aiohttp.ClientResponse) -> WrittenAnswer:
        place = self.agent.place
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise AgentFailed(f"{place}: the answer is compressed, which was not asked for")
        content = bytearray()
        async for part in response.content.iter_any():
            content += part
            if len(content) > LONGEST_ANSWER:
                size = LONGEST_ANSWER // 2**20
                raise AgentMisconfigured(
                    f"{place}: the answer is larger than {size} MB; ask for shorter ones"
                )
        try:
            return read_posted(bytes(content), response.content_type, response.charset)
        except AnswerUnreadable as error:
            raise AgentFailed(f"{place}: {error}") from None

    def _refusal(self, status: int) -> AgentMisconfigured | AgentFailed:
        """What a response without an answer means."""
        place, host = self.agent.place, self._host
        if status == _LATER:
            return AgentMisconfigured(
                f"{place}: {host} answers later (HTTP 202), to the console, which is not enabled;"
                " write console: { enabled: true }"
            )
        if status in (401, 403):
            return AgentMisconfigured(
                f"{place}: {host} refused the signature (HTTP {status}); check `secret`"
            )
        if status in (404, 410):
            return AgentMisconfigured(f"{place}: {host} knows no such address (HTTP {status}); check `url`")
        if 300 <= status < 400:
            return AgentMisconfigured(f"{place}.url: {host} redirects elsewhere; write the final address")
        return AgentFailed(f"{place}: {host} answered with HTTP {status}")

    @property
    def _host(self) -> str:
        return urlsplit(self.url).netloc
