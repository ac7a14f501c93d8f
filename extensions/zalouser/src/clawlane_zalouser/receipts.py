"""Typing, delivered, seen: what Zalo wants to know of a message for them, and the calls that show them."""

from __future__ import annotations

import msgspec

from clawlane.messages import Delivered, Seen, Signal, Typing
from clawlane_zalouser.outbound import zalo_thread
from zaloweb import events
from zaloweb.calls import receipts
from zaloweb.calls.call import Call
from zaloweb.calls.receipts import Marked
from zaloweb.client import Zalo

_TOKEN = msgspec.json.Decoder(Marked)


def token_of(message: events.Message) -> str:
    """What the gateway keeps for later receipts; empty when the message does not carry the ids they need."""
    marked = Marked.of(message)
    if not all((marked.msg_id, marked.cli_msg_id, marked.sender_id, marked.receiver_id)):
        return ""
    return msgspec.json.encode(marked).decode()


async def show(zalo: Zalo, signal: Signal) -> None:
    """Show a signal. Raises a `ZaloError`, and msgspec's `DecodeError` for a token that is none."""
    await zalo.call(_call(zalo, signal))


def _call(zalo: Zalo, signal: Signal) -> Call[object]:
    imei, own_id = zalo.session.credentials.imei, zalo.own_id
    thread = zalo_thread(signal.thread)
    match signal:
        case Typing():
            return receipts.typing(thread, imei=imei)
        case Delivered():
            marked = [_TOKEN.decode(signal.token)]
            return receipts.delivered(thread.kind, marked, own_id=own_id, imei=imei, seen=signal.seen)
        case Seen():
            return receipts.seen(thread.kind, [_TOKEN.decode(signal.token)], own_id=own_id, imei=imei)
