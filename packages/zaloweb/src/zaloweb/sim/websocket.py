"""The simulator's WebSocket: handshake, keep-alive, and answers to what clients ask over it."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from zaloweb.errors import FrameError
from zaloweb.sim.backend import Backend
from zaloweb.sim.connections import CUT, Connection
from zaloweb.sim.event_log import AskedOld, Connected, Disconnected, Pinged, Refused, UnknownFrame
from zaloweb.sim.pushes import new_messages
from zaloweb.sim.registry import User
from zaloweb.wire.frames import Cmd, Frame, unpack

_CLOSE_SECONDS = 2.0
_NOT_LOGGED_IN = 401
_NEVER_SENT = (1005, 1006, 1015)
_Reactions = Literal["user reactions", "group reactions"]
_REACTIONS: dict[int, tuple[str, _Reactions]] = {
    Cmd.OLD_USER_REACTIONS: ("reacts", "user reactions"),
    Cmd.OLD_GROUP_REACTIONS: ("reactGroups", "group reactions"),
}


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
    connection = Connection(
        socket,
        transport,
        backend.rules.sealing,
        lambda cmd: backend.faults.for_push(cmd, account.uid),
    )
    try:
        await backend.connections.take_over(account, connection)
        backend.log.add(
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
        await _serve(backend, account, connection, socket)
    finally:
        backend.connections.release(account, connection)
        code = connection.dropped_with or socket.close_code or CUT
        backend.log.add(Disconnected(account=account.uid, code=code))
    return socket


async def _serve(
    backend: Backend, account: User, connection: Connection, socket: web.WebSocketResponse
) -> None:
    async for message in socket:
        if message.type is WSMsgType.PING and not connection.silent:
            await socket.pong(message.data)
        if message.type is not WSMsgType.BINARY or connection.silent:
            continue
        try:
            frame = unpack(message.data)
        except FrameError:
            frame = Frame(0, 0, 0, message.data)
        await _answer(backend, account, connection, frame)
    if connection.silent:
        await asyncio.Event().wait()  # a dead peer answers no close frame; the client's end cancels this
    if not socket.closed:  # a close code is answered with the same one, which is what a client reports
        code = socket.close_code or WSCloseCode.OK
        await socket.close(code=WSCloseCode.OK if code in _NEVER_SENT else code, drain=False)


async def _answer(backend: Backend, account: User, connection: Connection, frame: Frame) -> None:
    asked = _json(frame.body)
    if frame.cmd == Cmd.PING:
        backend.log.add(Pinged(account=account.uid, event_id=asked.get("eventId", 0)))
        await connection.pong()
    elif frame.cmd in (Cmd.OLD_USER_MESSAGES, Cmd.OLD_GROUP_MESSAGES):
        await _old_messages(backend, account, connection, frame.cmd, asked)
    elif frame.cmd in _REACTIONS:
        await _old_reactions(backend, account, connection, frame.cmd, asked)
    else:
        body = frame.body.decode("utf-8", "replace")
        backend.log.add(UnknownFrame(account=account.uid, cmd=frame.cmd, sub=frame.sub, body=body))


async def _old_messages(
    backend: Backend, account: User, connection: Connection, cmd: int, asked: dict[str, Any]
) -> None:
    """The newest messages, or those before `lastId`, oldest first; `more` is 1 while there are older ones."""
    group = cmd == Cmd.OLD_GROUP_MESSAGES
    last_id = _message_id(asked.get("lastId"))
    page = backend.rules.page
    found = backend.message_store.mailbox(account).messages(group=group, before=last_id, count=page + 1)
    messages = found[-page:]
    backend.log.add(
        AskedOld(
            account=account.uid,
            what="group messages" if group else "user messages",
            last_id=last_id,
            answered=len(messages),
        )
    )
    items = [message.item_for(account.uid) for message in messages]
    name = "groupMsgs" if group else "msgs"
    await connection.push(cmd, 1, {name: items, "more": int(len(found) > page)})


async def _old_reactions(
    backend: Backend, account: User, connection: Connection, cmd: int, asked: dict[str, Any]
) -> None:
    """The newest reactions, or those before `lastId`, oldest first."""
    name, what = _REACTIONS[cmd]
    last_id = _message_id(asked.get("lastId"))
    group = cmd == Cmd.OLD_GROUP_REACTIONS
    found = backend.message_store.mailbox(account).reactions(
        group=group, before=last_id, count=backend.rules.page
    )
    backend.log.add(AskedOld(account=account.uid, what=what, last_id=last_id, answered=len(found)))
    await connection.push(cmd, 1, {name: [reaction.item_for(account.uid) for reaction in found]})


def _message_id(told: object) -> str | None:
    return str(told) if str(told).isdecimal() else None


def _json(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.MsgspecError:
        return {}
