"""What all calls that send a message share: thread, mentions, record, delivery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from zaloweb.sim.api import ApiCall, bad_parameters
from zaloweb.sim.contents import Content
from zaloweb.sim.errors import Refusal
from zaloweb.sim.event_log import Sent, ThreadName
from zaloweb.sim.faults import ForeignEcho
from zaloweb.sim.messages import Message
from zaloweb.sim.registry import Group, User

NOT_A_MEMBER = 166
_NOT_A_MEMBER_TEXT = "Bạn không phải là thành viên của nhóm"


@dataclass(frozen=True, slots=True)
class Thread:
    """The thread a call sends to: a user, or a group of the account."""

    id: str
    in_group: bool

    @property
    def name(self) -> ThreadName:
        """What the records call this kind of thread."""
        return "group" if self.in_group else "user"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What a call sends, beside its content."""

    client_id: str
    text: str = ""
    ttl_ms: int = 0
    mentions: Sequence[dict[str, Any]] = ()
    styles: list[dict[str, Any]] = field(default_factory=list)
    quote: dict[str, Any] | None = None
    url: str = ""
    forwarded: bool = False


def own_group(call: ApiCall) -> Group:
    """The group in the parameter `grid`, in which the account must be."""
    return group_of(call, call.text("grid"))


def group_of(call: ApiCall, gid: str) -> Group:
    """The group with this id, in which the account must be."""
    group = call.backend.registry.groups.get(gid)
    if group is None or call.account.uid not in group.members:
        raise Refusal(NOT_A_MEMBER, _NOT_A_MEMBER_TEXT)
    return group


def somebody(call: ApiCall, name: str) -> User:
    """The user a parameter names."""
    person = call.backend.registry.people.get(call.text(name))
    if person is None:
        raise bad_parameters(f"no user has the id in {name}")
    return person


def thread(call: ApiCall, user: str = "toid") -> Thread:
    """The thread of the call: `grid` for a group path, else the parameter called `user`."""
    if call.path.startswith("/api/group/"):
        return Thread(own_group(call).gid, in_group=True)
    return Thread(somebody(call, user).uid, in_group=False)


def mentions(call: ApiCall) -> list[dict[str, Any]]:
    """The mentions of a call that has any."""
    if "mentionInfo" not in call.params:
        return []
    found: list[dict[str, Any]] = call.json("mentionInfo", list[dict[str, Any]])
    if not found or any(mention.keys() != {"pos", "uid", "len", "type"} for mention in found):
        raise bad_parameters("mentionInfo must list mentions of pos, uid, len and type")
    return found


def send(call: ApiCall, to: Thread, content: Content, outgoing: Outgoing) -> Message:
    """Accept a message of the account, record it, and deliver it once the call is answered."""
    store = call.backend.message_store
    message = store.accept(
        call.account,
        to.id,
        content,
        in_group=to.in_group,
        client_id=outgoing.client_id,
        ttl_ms=outgoing.ttl_ms,
        mentions=outgoing.mentions,
        quote=outgoing.quote,
        forwarded=outgoing.forwarded,
    )
    stored = call.backend.media.at(outgoing.url) if outgoing.url else None
    call.record(
        Sent(
            thread=to.name,
            thread_id=to.id,
            text=outgoing.text,
            msg_id=message.msg_id,
            client_id=message.cli_msg_id,
            ttl_ms=message.ttl_ms,
            quoted=str(call.params.get("qmsgId", "")),
            mentions=list(message.mentions),
            styles=outgoing.styles,
            msg_type=message.msg_type,
            path=call.path,
            params=call.params,
            url=outgoing.url,
            size=stored.size if stored else 0,
            md5=stored.md5 if stored else "",
        )
    )
    fault = call.fault(ForeignEcho)
    if fault is None:
        call.then(store.deliver(message))
        return message
    echo = store.replace_echo(message, msg_id=fault.message_id, client_id=fault.client_id)
    for account in store.readers(message):
        call.then(store.deliver(echo if account is call.account else message, account))
    return message
