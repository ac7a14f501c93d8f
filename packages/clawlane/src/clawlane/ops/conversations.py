"""Conversations of the accounts, to be read: reading shows nobody anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from clawlane.access.names import fold_name, without_diacritics
from clawlane.ops.context import OpContext
from clawlane.ops.operation import OpError, Request, operation
from clawlane.ops.targets import target_words
from clawlane.store.conversations import Conversation, Said
from clawlane.store.errors import CursorUnknown
from clawlane.store.reader import Reader
from clawlane.texts import later
from clawlane.threads import Thread

MOST = 100
"""How many conversations, or messages of one, are given at once."""


@dataclass(frozen=True, slots=True)
class List(Request["Listed"]):
    """The conversations of all accounts, or of one (`channel/id`), the newest first.

    `search` is a part of a name or id. `cursor` goes on where a former answer ended.
    """

    account: str = ""
    search: str = ""
    limit: int = 20
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """Conversations, each with what was said last, and the cursor for those behind them; empty at the end."""

    conversations: list[Conversation]
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Read(Request["Messages"]):
    """What was said in a thread of an account (`channel/id`). `cursor` goes on with what is older."""

    account: str
    thread: Thread
    limit: int = 20
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Messages:
    """The messages of a conversation, newest last, and the cursor for older ones; empty at the beginning."""

    conversation: Conversation
    messages: list[Said]
    cursor: str = ""


@operation
async def conversations(ctx: OpContext, request: List) -> Listed:
    """Raises `CursorUnknown`, and `OpError` for an account that there is not."""
    if request.account:
        channel, _, id_ = request.account.partition("/")
        ctx.target(channel, id_)
    limit, after = _limited(request.limit), _place(request.cursor)
    wanted = without_diacritics(fold_name(request.search))

    def find(reader: Reader) -> Listed:
        accounts = [request.account] if request.account else _accounts(ctx)
        found = [one for account in accounts for one in reader.conversations(account)]
        found = [one for one in found if _fits(one, wanted) and (after is None or _key(one) > after)]
        found = sorted(found, key=_key)
        more = len(found) > limit
        listed = [_with_last(reader, one) for one in found[:limit]]
        return Listed(listed, _cursor(listed[-1]) if more else "")

    return await ctx.ask(find)


@operation
async def read(ctx: OpContext, request: Read) -> Messages:
    """Raises `OpError` where there is no such conversation, and `CursorUnknown`."""
    limit = _limited(request.limit)

    def find(reader: Reader) -> Messages:
        found, more = reader.conversation(request.account, request.thread, limit, request.cursor)
        if not found and not reader.has_conversation(request.account, request.thread):
            raise no_conversation(request.account, request.thread)
        name = reader.thread_name(request.account, request.thread)
        last, _ = reader.conversation(request.account, request.thread, 1)
        last_ms = last[-1].at_ms if last else 0
        about = Conversation(request.account, request.thread, name, last_ms, last[-1] if last else None)
        return Messages(about, found, found[0].cursor if more else "")

    return await ctx.ask(find)


def no_conversation(account: str, thread: Thread) -> OpError:
    """The error for a thread in which nothing was said that somebody may read."""
    told = later("{account} has no conversation {thread}", account=account, thread=target_words(thread))
    return OpError(told)


def _accounts(ctx: OpContext) -> Sequence[str]:
    return [str(one) for block in ctx.config.channels.values() for one in block.accounts]


def _limited(limit: int) -> int:
    return max(1, min(limit, MOST))


def _fits(one: Conversation, wanted: str) -> bool:
    return wanted in without_diacritics(fold_name(one.name)) or wanted in one.thread.id


def _with_last(reader: Reader, one: Conversation) -> Conversation:
    last, _ = reader.conversation(one.account, one.thread, 1)
    return replace(one, last=last[-1]) if last else one


def _key(one: Conversation) -> tuple[int, str, str, str]:
    return -one.last_ms, one.account, one.thread.kind, one.thread.id


def _cursor(one: Conversation) -> str:
    return f"{one.last_ms}:{one.account}:{one.thread.kind}:{one.thread.id}"


def _place(cursor: str) -> tuple[int, str, str, str] | None:
    """The key of the conversation that a cursor stands behind. Raises `CursorUnknown`."""
    if not cursor:
        return None
    last_ms, _, rest = cursor.partition(":")
    account, kind, id_ = ([*rest.rsplit(":", 2), "", ""])[:3]
    if not (last_ms.isascii() and last_ms.isdecimal() and len(last_ms) < 19 and id_):
        raise CursorUnknown(later("that is no cursor of this list; read it from the start"))
    return -int(last_ms), account, kind, id_
