"""A model on loopback with OpenAI's APIs: for the demo, the tests, the benches and trials by hand.

    python -m demo.model_server --port 18080
    curl http://127.0.0.1:18080/v1/chat/completions -d '{"messages": [{"role": "user", "content": "hi"}]}'

It thinks nothing. By hand it repeats the last message of the user; a test gives it a script. The Responses
API (/v1/responses, without streaming) has the same script as the chat API.
"""

from __future__ import annotations

import argparse
import asyncio
import inspect
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

LONGEST_REQUEST = 64 * 2**20
"""Bytes."""

_START = 30.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One request: its headers, and its JSON body as it came, of whichever API."""

    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def messages(self) -> Sequence[Mapping[str, Any]]:
        """The messages as the chat API has them."""
        if "input" in self.body:
            return _chat_messages(self.body)
        messages: Sequence[Mapping[str, Any]] = self.body["messages"]
        return messages

    @property
    def last_text(self) -> str:
        """The text of the last message, whoever wrote it."""
        content = self.messages[-1].get("content") or ""
        if isinstance(content, str):
            return content
        return "\n".join(str(part["text"]) for part in content if part.get("type") in ("text", "input_text"))


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """A request to write down speech: its headers, its fields, and the file with its name."""

    headers: Mapping[str, str]
    fields: Mapping[str, str]
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the model wants to be called. `arguments` is JSON text, or what a confused model writes."""

    name: str
    arguments: str
    id: str = "call_1"


@dataclass(frozen=True, slots=True)
class Says:
    """An answer. `cut_after` ends the connection in mid-answer, after so many parts of the stream."""

    text: str = ""
    tool_calls: Sequence[ToolCall] = ()
    reasoning: str = ""
    finish_reason: str = ""
    prompt_tokens: int = 10
    completion_tokens: int = 5
    cut_after: int | None = None


@dataclass(frozen=True, slots=True)
class Raw:
    """Any HTTP answer. With `cut` the connection ends before the announced length."""

    body: bytes | str = b""
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False


def refuses(status: int, message: str = "no", *, retry_after: str = "") -> Raw:
    """An error as OpenAI's API words it."""
    body = json.dumps({"error": {"message": message, "type": "error", "code": status}})
    return Raw(body, status, headers={"Retry-After": retry_after} if retry_after else {})


Script = Callable[[ChatRequest], "Says | Raw | Awaitable[Says | Raw]"]


def repeat(request: ChatRequest) -> Says:
    """Repeats what it was told last."""
    return Says(request.last_text)


@dataclass(frozen=True, slots=True)
class Span:
    """When a request was there and when the last byte of its answer had been written, by `time.monotonic`."""

    began: float
    ended: float


Hear = Callable[[SpeechRequest], "str | Raw | Awaitable[str | Raw]"]


def count_bytes(request: SpeechRequest) -> str:
    """Hears how large the file is."""
    return f"{len(request.content)} bytes"


class ModelServer:
    """The server. `script` decides each answer, `requests` holds what came, `url` is its base URL.

    `models` stands in for the list of models, and `spans` holds the times of complete answers. `hear` decides
    what is said in a file, `heard` holds the requests for that.
    """

    def __init__(self, script: Script = repeat, hear: Hear = count_bytes) -> None:
        self.script = script
        self.hear = hear
        self.models: Raw | None = None
        self.requests: list[ChatRequest] = []
        self.heard: list[SpeechRequest] = []
        self.spans: list[Span] = []
        self.abandoned = asyncio.Event()
        """Set once a client has gone away before its answer was complete."""
        self.url = ""

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator[ModelServer]:
        """Serve on 127.0.0.1 as long as this is entered; port 0 takes any free one."""
        app = web.Application(client_max_size=LONGEST_REQUEST)
        app.router.add_post("/v1/chat/completions", self._completions)
        app.router.add_post("/v1/audio/transcriptions", self._transcriptions)
        app.router.add_post("/v1/responses", self._completions)
        app.router.add_get("/v1/models", self._models)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", port)
            await site.start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
            yield self
        finally:
            await runner.cleanup()

    async def _models(self, http: web.Request) -> web.StreamResponse:
        if self.models:
            return await self._raw(http, self.models)
        return web.json_response({"object": "list", "data": [{"id": "any", "object": "model"}]})

    async def _completions(self, http: web.Request) -> web.StreamResponse:
        began = time.monotonic()
        response = await self._answer(http)
        await response.write_eof()
        self.spans.append(Span(began, time.monotonic()))
        return response

    async def _answer(self, http: web.Request) -> web.StreamResponse:
        request = ChatRequest(dict(http.headers), await http.json())
        self.requests.append(request)
        try:
            answer = self.script(request)
            if inspect.isawaitable(answer):
                answer = await answer
            if isinstance(answer, Raw):
                return await self._raw(http, answer)
            if "input" in request.body:
                return await self._json(http, _response(request, answer))
            if request.body.get("stream"):
                return await self._stream(http, request, answer)
            return await self._json(http, _completion(request, answer))
        except (asyncio.CancelledError, ConnectionResetError):
            self.abandoned.set()
            raise

    async def _transcriptions(self, http: web.Request) -> web.StreamResponse:
        form = await http.post()
        sent = form["file"]
        assert isinstance(sent, web.FileField)
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        with sent.file as file:
            request = SpeechRequest(dict(http.headers), fields, sent.filename, file.read())
        self.heard.append(request)
        text = self.hear(request)
        if inspect.isawaitable(text):
            text = await text
        return await self._raw(http, text) if isinstance(text, Raw) else web.json_response({"text": text})

    async def _json(self, http: web.Request, answer: dict[str, Any]) -> web.StreamResponse:
        response = web.json_response(answer)
        await response.prepare(http)
        return response

    async def _raw(self, http: web.Request, answer: Raw) -> web.StreamResponse:
        body = answer.body.encode() if isinstance(answer.body, str) else answer.body
        headers = {**answer.headers, "Content-Type": answer.content_type}
        response = web.StreamResponse(status=answer.status, headers=headers)
        response.content_length = len(body) + 100 if answer.cut else len(body)
        await response.prepare(http)
        await response.write(body)
        if answer.cut and http.transport:
            http.transport.close()
        return response

    async def _stream(self, http: web.Request, request: ChatRequest, answer: Says) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        response.enable_chunked_encoding()
        await response.prepare(http)
        for number, chunk in enumerate(_chunks(request, answer)):
            if number == answer.cut_after and http.transport:
                http.transport.close()
                return response
            await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
        await response.write(b"data: [DONE]\n\n")
        return response


def _message(answer: Says) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or None}
    if answer.reasoning:
        message["reasoning"] = answer.reasoning
    if answer.tool_calls:
        message["tool_calls"] = [_call(call) for call in answer.tool_calls]
    return message


def _call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _finish_reason(answer: Says) -> str:
    return answer.finish_reason or ("tool_calls" if answer.tool_calls else "stop")


def _usage(answer: Says) -> dict[str, int]:
    total = answer.prompt_tokens + answer.completion_tokens
    return {
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "total_tokens": total,
    }


def _head(request: ChatRequest, kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1_700_000_000, "model": request.body.get("model")}


def _completion(request: ChatRequest, answer: Says) -> dict[str, Any]:
    choice = {"index": 0, "message": _message(answer), "finish_reason": _finish_reason(answer)}
    return {**_head(request, "chat.completion"), "choices": [choice], "usage": _usage(answer)}


def _chunks(request: ChatRequest, answer: Says) -> list[dict[str, Any]]:
    """The parts of a streamed answer: the text word by word, each tool call in two parts, the usage last."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    if answer.reasoning:
        deltas.append({"reasoning": answer.reasoning})
    words = answer.text.split(" ")
    deltas += [
        {"content": word if number == 0 else f" {word}"} for number, word in enumerate(words) if answer.text
    ]
    for index, call in enumerate(answer.tool_calls):
        opening = {**_call(call), "index": index}
        opening["function"] = {"name": call.name, "arguments": ""}
        deltas.append({"tool_calls": [opening]})
        deltas.append({"tool_calls": [{"index": index, "function": {"arguments": call.arguments}}]})
    head = _head(request, "chat.completion.chunk")
    chunks = [{**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    last = {"index": 0, "delta": {}, "finish_reason": _finish_reason(answer)}
    chunks.append({**head, "choices": [last]})
    if (request.body.get("stream_options") or {}).get("include_usage"):
        chunks.append({**head, "choices": [], "usage": _usage(answer)})
    return chunks


@contextmanager
def served(script: Script = repeat) -> Iterator[ModelServer]:
    """A server in a thread of its own, for what is not asynchronous."""
    server, loop = ModelServer(script), asyncio.new_event_loop()
    ready, done = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with server.serving():
            ready.set()
            await done.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    ready.wait(_START)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()
        loop.close()


def _chat_messages(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The input of the Responses API as messages of the chat API."""
    messages: list[Mapping[str, Any]] = []
    if instructions := body.get("instructions"):
        messages.append({"role": "system", "content": instructions})
    items = body["input"]
    for item in [{"role": "user", "content": items}] if isinstance(items, str) else items:
        match item.get("type"):
            case "function_call":
                call = ToolCall(item["name"], item["arguments"], item["call_id"])
                messages.append({"role": "assistant", "content": None, "tool_calls": [_call(call)]})
            case "function_call_output":
                output = {"role": "tool", "tool_call_id": item["call_id"], "content": item["output"]}
                messages.append(output)
            case _:
                messages.append(item)
    return messages


def _response(request: ChatRequest, answer: Says) -> dict[str, Any]:
    """An answer of the Responses API."""
    output: list[dict[str, Any]] = []
    if answer.reasoning:
        summary = [{"type": "summary_text", "text": answer.reasoning}]
        output.append({"type": "reasoning", "id": "rs_1", "summary": summary})
    if answer.text:
        content = [{"type": "output_text", "text": answer.text, "annotations": []}]
        output.append(
            {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content}
        )
    for call in answer.tool_calls:
        named = {"call_id": call.id, "name": call.name, "arguments": call.arguments}
        output.append({"type": "function_call", "id": f"fc_{call.id}", "status": "completed", **named})
    cut = answer.finish_reason == "length"
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_700_000_000,
        "model": request.body.get("model"),
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": answer.prompt_tokens,
            "output_tokens": answer.completion_tokens,
            "total_tokens": answer.prompt_tokens + answer.completion_tokens,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        },
    }


async def _serve(port: int) -> None:
    async with ModelServer().serving(port) as server:
        print(f"a model that repeats what it is told: {server.url}", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="A model on loopback that repeats what it is told.")
    parser.add_argument("--port", type=int, default=18080)
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
