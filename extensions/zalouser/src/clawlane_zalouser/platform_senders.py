"""What Zalo itself writes to an account: known by the sender's id or the kind of the notice, never by words.

`SENDERS` and `KINDS` say where each row is known from. Names, pictures and texts prove nothing: anybody may
call themselves Zalo. No id of Zalo's security account is published, so that an operator who has seen its
warning on the phone can add its id as `platformSenders`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from zaloweb import events


@dataclass(frozen=True, slots=True)
class Sender:
    """An id that Zalo itself writes from. `rehearsed` ones count in a rehearsal only."""

    id: str
    what: str
    source: str
    rehearsed: bool = False


SENDERS: Final = (
    Sender(
        "8299999999999999999",
        "the simulator's security account",
        "zaloweb.sim; that Zalo has such an account: zca-js#317, which tells neither its id nor its message",
        rehearsed=True,
    ),
)


@dataclass(frozen=True, slots=True)
class NoticeKind:
    """A `msgType` that no person's client can send, and that holds what Zalo tells the account."""

    msg_type: str
    source: str


KINDS: Final = (
    NoticeKind("chat.inform", "C: the own notice of an app of 2013; never seen on the web, and no payload"),
)

_TYPES = frozenset(kind.msg_type for kind in KINDS)


class PlatformSenders:
    """Tells what Zalo itself writes to one account."""

    def __init__(self, added: Collection[str] = (), *, rehearsed: bool = False) -> None:
        """`added` are further ids."""
        known = {one.id for one in SENDERS if rehearsed or not one.rehearsed}
        self._ids = frozenset({*known, *added})

    def wrote(self, item: events.Message | events.Notice, friend: bool | None) -> bool:
        """Whether Zalo itself wrote this in a direct chat. `friend` says whether its sender is a friend.

        A notice of such a kind counts only from somebody who is known to be no friend: in a chat with a
        friend it may be about something else.
        """
        sender = item.actor_id if isinstance(item, events.Notice) else item.sender_id
        thread = item.thread
        if item.is_self or thread.kind is not events.ThreadKind.USER or thread.id != sender:
            return False
        if sender in self._ids:
            return True
        return isinstance(item, events.Notice) and item.msg_type in _TYPES and friend is False
