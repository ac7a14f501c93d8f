"""An agent that lives elsewhere and speaks OpenAI's chat completions API.

Source of the format: OpenAI's API reference, "Chat Completions".
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

import aiohttp

from clawlane.agents.errors import AgentBusy, AgentFailed, AgentInterrupted, AgentMisconfigured, unanswered
from clawlane.store.codec import storable

LONGEST_ANSWER = 8 * 2**20
"""Bytes of an answer on the wire, with all that surrounds its text."""

MOST_TOKENS = 10**9
"""More than any request takes: a server that says more is not believed."""

_CONNECT = 10.0
"""Seconds."""

NOT_AS_IT_STANDS = (400, 413, 415, 422)
"""The statuses of servers for what they do not take, such as pictures."""

_WAIT, _LONGEST_WAIT = 20.0, 3600.0
"""Seconds until a busy provider is asked again: if it does not say when, and at most."""


_HEARD = (200, 400, 422, 500)
"""What a server may answer to a request without messages that came through to the agent behind it."""


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a conversation, as the API has it. `role` is system, user or assistant.

    `images` are the addresses of pictures that are shown with it: `data:` and the picture itself.
    """

    role: str
    content: str
    images: Sequence[str] = field(default=(), repr=False)

    def written(self) -> dict[str, Any]:
        """The message as JSON."""
        if not self.images:
            return {"role": self.role, "content": self.content}
        pictures = [{"type": "image_url", "image_url": {"url": url}} for url in self.images]
        return {"role": self.role, "content": [{"type": "text", "text": self.content}, *pictures]}


class ImagesRefused(AgentFailed):
    """A request with pictures was refused as it stands; without them it may be taken."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What came back: the text, and the tokens that the server counted (0 if it did not say)."""

    text: str
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an agent is asked. `place` is its place in the config, for errors.

    A request takes at most `timeout_s` seconds. `once` says that it must not be made twice: without an answer
    it was interrupted, not failed.
    """

    place: str
    url: str
    model: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    session_headers: Sequence[str] = ()
    session_as_user: bool = False
    stream: bool = True
    once: bool = False
    timeout_s: float = 600.0

    async def ask(
        self, http: aiohttp.ClientSession, messages: Sequence[ChatMessage], session: str
    ) -> Completion:
        """One request, one answer. Raises an `AgentError`; cancelling closes the connection."""
        headers = {**self.headers, **dict.fromkeys(self.session_headers, session)}
        request = http.post(
            f"{self.url}/chat/completions",
            json=self._body(messages, session),
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT),
            allow_redirects=False,
        )
        try:
            async with asyncio.timeout(self.timeout_s), request as response:
                if response.status in NOT_AS_IT_STANDS and any(one.images for one in messages):
                    raise ImagesRefused(f"{self.place}: {self._host()} answered HTTP {response.status}")
                if response.status != 200:
                    raise self._refusal(response)
                return await self._read(response)
        except ImagesRefused:
            raise
        except AgentFailed as error:
            raise unanswered(str(error), once=self.once) from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise AgentFailed(
                f"{self.place}: {self._host()} cannot be reached: {network_reason(error)}"
            ) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._lost(network_reason(error)) from None

    async def reach(self, http: aiohttp.ClientSession) -> str:
        """Ask for the list of models; a server without one gets a request that nobody can answer or act on.

        Raises an `AgentError`. Returns what should be known although the server answers.
        """
        try:
            async with self._trying(http.get, "models") as response:
                if response.status == 200:
                    return self._listed(self._json(await self._whole(response)))
                if response.status not in (404, 405, 501):
                    raise self._refusal(response)
            body = self._body((), "")
            async with self._trying(http.post, "chat/completions", json=body) as response:
                if response.status not in _HEARD:
                    raise self._refusal(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise AgentFailed(
                f"{self.place}: {self._host()} cannot be reached: {network_reason(error)}"
            ) from None
        return ""

    def _trying(self, method: Callable[..., Any], path: str, **more: Any) -> Any:
        timeout = aiohttp.ClientTimeout(total=_CONNECT, sock_connect=_CONNECT)
        url = f"{self.url}/{path}"
        return method(url, headers=self.headers, timeout=timeout, allow_redirects=False, **more)

    def _listed(self, answer: Mapping[str, Any]) -> str:
        """A remark if the server lists models and ours is not among them."""
        listed = answer.get("data")
        ids = (
            [str(one.get("id")) for one in listed if isinstance(one, dict)]
            if isinstance(listed, list)
            else []
        )
        known = not ids or self.model == "default" or {self.model, f"{self.model}:latest"} & set(ids)
        return "" if known else f"{self._host()} does not list the model '{self.model}'"

    def _body(self, messages: Sequence[ChatMessage], session: str) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [one.written() for one in messages],
            "stream": self.stream,
        }
        if self.stream:
            body["stream_options"] = {"include_usage": True}
        if self.session_as_user:
            body["user"] = session
        return body

    async def _read(self, response: aiohttp.ClientResponse) -> Completion:
        kind = response.content_type
        if kind == "text/event-stream":
            return await self._read_stream(response)
        if kind != "application/json":
            raise AgentFailed(
                f"{self.place}: {self._host()} answered with {kind}, not with JSON; is `url` right?"
            )
        answer = self._json(await self._whole(response))
        return _Answer().add(answer, "message").completion(self)

    async def _whole(self, response: aiohttp.ClientResponse) -> bytes:
        content = bytearray()
        async for part in response.content.iter_any():
            content += part
            self._check_size(len(content))
        return bytes(content)

    async def _read_stream(self, response: aiohttp.ClientResponse) -> Completion:
        answer, ended = _Answer(), False
        async for data in self._events(response):
            if data == b"[DONE]":
                ended = True
                break
            chunk = self._json(data)
            if "error" in chunk:
                raise AgentFailed(f"{self.place}: {self._host()} reported an error in mid-answer")
            answer.add(chunk, "delta")
        if not ended and not answer.finish_reason:
            raise self._lost("the answer ended in the middle")
        return answer.completion(self)

    async def _events(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        """The data of each server-sent event. A last event without an end does not count."""
        rest, size = bytearray(), 0
        async for part in response.content.iter_any():
            size += len(part)
            self._check_size(size)
            rest += part
            if b"\n" not in part:  # a long line that comes in small parts is not looked at again and again
                continue
            *lines, rest = rest.split(b"\n")
            for line in lines:
                if line.startswith(b"data:"):
                    yield bytes(line[5:].strip())

    def _check_size(self, size: int) -> None:
        if size > LONGEST_ANSWER:
            # A second answer would cost as much and be as long, like a reply that is too long to be sent.
            raise AgentMisconfigured(
                f"{self.place}: the answer is larger than {LONGEST_ANSWER // 2**20} MB; ask for shorter ones"
            )

    def _json(self, content: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(content)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise AgentFailed(f"{self.place}: {self._host()} sent an answer that is not JSON")
        return answer

    def _refusal(self, response: aiohttp.ClientResponse) -> AgentBusy | AgentMisconfigured | AgentFailed:
        status, host = response.status, self._host()
        if status in (429, 503):
            return AgentBusy(f"{self.place}: {host} is busy (HTTP {status})", retry_in(response.headers))
        if status in (401, 403):
            return AgentMisconfigured(f"{self.place}: {host} refused the key (HTTP {status})")
        if status == 404:
            return AgentMisconfigured(
                f"{self.place}: {host} knows no such address or model (HTTP 404); check `url` and `model`"
            )
        if 300 <= status < 400:
            return AgentMisconfigured(
                f"{self.place}.url: {host} redirects elsewhere; write the final address"
            )
        return AgentFailed(f"{self.place}: {host} answered with HTTP {status}")

    def _lost(self, reason: str) -> AgentFailed | AgentInterrupted:
        return unanswered(f"{self.place}: no answer from {self._host()}: {reason}", once=self.once)

    def _host(self) -> str:
        return self.url.split("/")[2]


@dataclass(slots=True)
class _Answer:
    """An answer while its parts come in. Thoughts (`reasoning`, `reasoning_content`) are never kept."""

    text: list[str] = field(default_factory=list)
    finish_reason: str = ""
    tools: bool = False
    usage: Mapping[str, Any] = field(default_factory=dict)

    def add(self, answer: Mapping[str, Any], part: str) -> _Answer:
        usage, choices = answer.get("usage"), answer.get("choices")
        if isinstance(usage, dict):
            self.usage = usage
        choice = choices[0] if isinstance(choices, list) and choices else {}
        if not isinstance(choice, dict):
            return self
        message = choice.get(part)
        if isinstance(message, dict):
            if isinstance(content := message.get("content"), str):
                self.text.append(content)
            self.tools = self.tools or bool(message.get("tool_calls"))
        self.finish_reason = str(choice.get("finish_reason") or self.finish_reason)
        return self

    def completion(self, endpoint: Endpoint) -> Completion:
        text = storable("".join(self.text))
        if not text.strip() and self.tools:
            raise AgentFailed(
                f"{endpoint.place}: the agent asked for a tool; an endpoint runs its own, "
                "tools of ours need `kind: 'model'`"
            )
        if not self.finish_reason and not text:
            raise AgentFailed(
                f"{endpoint.place}: {endpoint.url.split('/')[2]} sent an answer without a message"
            )
        return Completion(text, _count(self.usage, "prompt_tokens"), _count(self.usage, "completion_tokens"))


def _count(usage: Mapping[str, Any], key: str) -> int:
    value = usage.get(key)
    return min(value, MOST_TOKENS) if isinstance(value, int) and value > 0 else 0


def retry_in(headers: Mapping[str, str]) -> float:
    """Seconds to wait by `Retry-After`, which is a number of seconds or a date."""
    written = headers.get("Retry-After", "").strip()
    try:
        seconds = float(written) if written.replace(".", "", 1).isdigit() else _until(written)
    except (ValueError, TypeError, OverflowError):
        return _WAIT
    return min(max(seconds, 1.0), _LONGEST_WAIT)


def _until(date: str) -> float:
    return parsedate_to_datetime(date).timestamp() - time()


def network_reason(error: BaseException) -> str:
    """What went wrong on the network, without addresses or contents."""
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return "its certificate is not trusted"
        case aiohttp.ClientConnectorDNSError():
            return "its name is unknown"
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, ConnectionRefusedError):
            return "nothing listens there"
        case aiohttp.ClientConnectorError():
            return error.os_error.strerror or "no connection"
        case TimeoutError():
            return "it took too long"
        case aiohttp.ClientPayloadError() | aiohttp.ServerDisconnectedError():
            return "the connection was closed"
        case aiohttp.ClientResponseError():
            return "what came is no HTTP"
    return type(error).__name__
