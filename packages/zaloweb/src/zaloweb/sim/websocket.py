"""The simulator's WebSocket: handshake, keep-alive, and answers to what clients ask over it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from zaloweb.errors import FrameError
from zaloweb.sim.backend import Backend
from zaloweb.sim.connections import CUT, Connection
from zaloweb.sim.event_log import AskedOld, Connected, Disconnected, OldItems, Pinged, Refused, UnknownFrame
from zaloweb.sim.messages import Message, Reaction
from zaloweb.sim.pushes import new_messages
from zaloweb.wire.frames import Cmd, Frame, unpack

_CLOSE_SECONDS = 2.0
_NOT_LOGGED_IN = 401
_NEVER_SENT = (1005, 1006, 1015)
_OLD: dict[int, tuple[OldItems, str]] = {
    Cmd.OLD_USER_MESSAGES: ("user messages", "msgs"),
    Cmd.OLD_GROUP_MESSAGES: ("group messages", "groupMsgs"),
    Cmd.OLD_USER_REACTIONS: ("user reactions", "reacts"),
    Cmd.OLD_GROUP_REACTIONS: ("group reactions", "reactGroups"),
}
"""What each request for old items asks for, and the name of its list in the answer."""


async def listen(backend: Backend, request: web.Request) -> web.StreamResponse:
    """Serve one WebSocket from its upgrade to its end. Without a session's cookies the answer is 401."""
    session = backend.sessions.of(request.cookies)
    if session is None:
        refusal = f"HTTP {_NOT_LOGGED_IN}: no session has these cookies"
        backend.log.add(Refused(host=request.host, path=request.path, code=_NOT_LOGGED_IN, message=refusal))
        return web.Response(status=_NOT_LOGGED_IN)
    account = session.account
    socket = web.WebSocketResponse(compress=False, autoclose=False, autoping=False, timeout=_CLOSE_SECONDS)
    await socket.prepare(request)
    transport = request.transport
    assert isinstance(transport, asyncio.Transport)
    connection = Connection(account, socket, transport, backend.rules.sealing, backend.faults)
    noted = None
    try:
        await backend.connections.take_over(connection)
        noted = backend.log.add(
            Connected(
                account=account.uid,
                host=request.host,
                t=request.query.get("t", ""),
                origin=request.headers.get("Origin", ""),
                user_agent=request.headers.get("User-Agent", ""),
            )
        )
        missed = backend.message_store.mailbox(account).take_missed()
        if backend.pushes_backlog:
            await backend.connections.push(new_messages(account.uid, missed))
        await _serve(backend, connection, socket)
    finally:
        backend.connections.release(connection)
        code = connection.dropped_with or socket.close_code or CUT
        if noted:  # else the client was gone before it had its key
            backend.log.add(Disconnected(account=account.uid, code=code))
    return socket


async def _serve(backend: Backend, connection: Connection, socket: web.WebSocketResponse) -> None:
    async for message in socket:
        if message.type is WSMsgType.PING and not connection.silent:
            await socket.pong(message.data)
        if message.type is not WSMsgType.BINARY or connection.silent:
            continue
        try:
            frame = unpack(message.data)
        except FrameError:
            frame = Frame(0, 0, 0, message.data)
        await _answer(backend, connection, frame)
    if connection.silent:
        await asyncio.Event().wait()  # a dead peer answers no close frame; the client's end cancels this
    if not socket.closed:  # a close code is answered with the same one, which is what a client reports
        code = socket.close_code or WSCloseCode.OK
        await socket.close(code=WSCloseCode.OK if code in _NEVER_SENT else code, drain=False)


async def _answer(backend: Backend, connection: Connection, frame: Frame) -> None:
    try:
        asked = msgspec.json.decode(frame.body, type=dict[str, Any])
    except msgspec.MsgspecError:
        asked = {}
    account = connection.account
    if frame.cmd == Cmd.PING:
        backend.log.add(Pinged(account=account.uid, event_id=asked.get("eventId", 0)))
        await connection.pong()
    elif frame.cmd in _OLD:
        await _answer_old(backend, connection, frame.cmd, str(asked.get("lastId")))
    else:
        body = frame.body.decode("utf-8", "replace")
        backend.log.add(UnknownFrame(account=account.uid, cmd=frame.cmd, sub=frame.sub, body=body))


async def _answer_old(backend: Backend, connection: Connection, cmd: int, last_id: str) -> None:
    """The newest items, or those before `last_id`, oldest first; of messages also whether there are more."""
    account, (what, name) = connection.account, _OLD[cmd]
    page = backend.rules.page
    before = int(last_id) if last_id.isdecimal() else None
    mailbox, in_group = backend.message_store.mailbox(account), what.startswith("group")
    answer: dict[str, Any] = {}
    found: Sequence[Message | Reaction]
    if what.endswith("messages"):
        found = mailbox.messages[in_group].before(before, page + 1)
        answer["more"] = int(len(found) > page)
    else:
        found = mailbox.reactions[in_group].before(before, page)
    items = [item.item_for(account.uid) for item in found[-page:]]
    given = None if before is None else last_id
    backend.log.add(AskedOld(account=account.uid, what=what, last_id=given, answered=len(items)))
    await connection.push(cmd, 1, {name: items, **answer})
