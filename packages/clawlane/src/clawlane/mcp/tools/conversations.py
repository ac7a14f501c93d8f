"""Reading conversations."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from mcp_types import AudioContent, BlobResourceContents, CallToolResult, EmbeddedResource, ImageContent
from pydantic import Field

from clawlane.mcp.tool import READS, Tool
from clawlane.mcp.values import (
    Account,
    ConversationKey,
    Cursor,
    Limit,
    MessageId,
    NextCursor,
    Query,
    Theirs,
    Value,
    Whose,
    key_of,
    moment,
    name_of,
    read_key,
    text_of,
)
from clawlane.messages import Attachment as Attached
from clawlane.ops import attachments, conversations
from clawlane.ops.asking import Asks
from clawlane.store import conversations as stored
from clawlane.store.conversations import Author


class Attachment(Value):
    """What came with a message. `number` is for `attachments_fetch`; `transcript` is what a voice says."""

    number: int
    kind: str
    name: str
    size: int
    transcript: str


class Message(Value):
    """One message. The one with `whose: ours` is the account's own: do not answer it.

    `state` says what became of one of ours (queued, sending, sent, refused, unknown …). `context` marks what
    was not said to the account. `cut` says that the text goes on.
    """

    whose: Whose
    author: Author
    message_ids: list[str]
    at: str | None
    kind: str
    text: str
    cut: bool = False
    sender_id: str = ""
    sender_name: str = ""
    quoted: str = ""
    attachments: list[Attachment] = Field(default_factory=list)
    state: str = ""
    context: bool = False


class Conversation(Value):
    """A conversation: with a person (`user`) or in a `group`. `whose` is about its name."""

    conversation: str
    account: str
    kind: str
    id: str
    whose: Theirs = "theirs"
    name: str
    last_at: str | None
    last: Message | None = None


class Conversations(Value):
    """Conversations, the one with the newest message first."""

    conversations: list[Conversation]
    next_cursor: NextCursor = ""


class Messages(Value):
    """Messages of a conversation, newest last. `next_cursor` leads to older ones."""

    conversation: str
    messages: list[Message]
    next_cursor: NextCursor = ""


class File(Value):
    """A file that came with a message; its content stands beside this. `whose` is about name and content."""

    whose: Theirs = "theirs"
    kind: str
    mime_type: str
    name: str
    size: int


@dataclass(frozen=True, slots=True)
class ConversationTools:
    asks: Asks

    def all(self) -> Sequence[Tool]:
        return (
            Tool("conversations_list", "List conversations", self.list_, READS),
            Tool("conversation_get", "Get a conversation", self.get, READS),
            Tool("messages_read", "Read messages", self.read, READS),
            Tool("attachments_fetch", "Fetch an attachment", self.fetch, READS),
        )

    async def list_(
        self, account: Account = "", search: Query = "", limit: Limit = 20, cursor: Cursor = ""
    ) -> Conversations:
        """List the conversations of the accounts, newest first, each with its last message.

        Only people and groups that the account's owner let in are here. Reading shows nobody "seen".
        """
        found = await self.asks.call(conversations.List(account.strip(), search.strip(), limit, cursor))
        return Conversations(
            conversations=list(map(_conversation, found.conversations)), next_cursor=found.cursor
        )

    async def get(self, conversation: ConversationKey) -> Conversation:
        """Get one conversation: what it is called, and its last message."""
        account, thread = read_key(conversation)
        found = await self.asks.call(conversations.Read(account, thread, 1))
        return _conversation(found.conversation)

    async def read(self, conversation: ConversationKey, limit: Limit = 20, cursor: Cursor = "") -> Messages:
        """Read the newest messages of a conversation, in their order, or older ones by the cursor.

        What the account itself said is among them (`whose: ours`), also what waits to be sent, so that you
        need not answer yourself. Nobody is shown "seen".
        """
        account, thread = read_key(conversation)
        found = await self.asks.call(conversations.Read(account, thread, limit, cursor))
        return Messages(
            conversation=key_of(account, thread),
            messages=list(map(_message, found.messages)),
            next_cursor=found.cursor,
        )

    async def fetch(
        self,
        conversation: ConversationKey,
        message_id: MessageId,
        number: Annotated[int, Field(ge=0, le=100, description="Which attachment of the message.")] = 0,
    ) -> Annotated[CallToolResult, File]:
        """Fetch a file that came with a message, from the private folder of the gateway.

        Only what was kept for an agent is there; nothing is downloaded.
        """
        account, thread = read_key(conversation)
        found = await self.asks.call(attachments.Fetch(account, thread, message_id, number))
        about = File(kind=found.kind, mime_type=found.mime, name=name_of(found.name), size=found.size)
        return CallToolResult(
            content=[_content(found, f"clawlane://{key_of(account, thread)}/{number}")],
            structured_content=about.model_dump(mode="json"),
        )


def _content(found: attachments.FetchedFile, uri: str) -> ImageContent | AudioContent | EmbeddedResource:
    data = base64.b64encode(found.content).decode()
    family = found.mime.partition("/")[0]
    if family == "image":
        return ImageContent(type="image", data=data, mime_type=found.mime)
    if family == "audio":
        return AudioContent(type="audio", data=data, mime_type=found.mime)
    blob = BlobResourceContents(uri=uri, blob=data, mime_type=found.mime)
    return EmbeddedResource(type="resource", resource=blob)


def _conversation(one: stored.Conversation) -> Conversation:
    key = key_of(one.account, one.thread)
    return Conversation(
        conversation=key,
        account=one.account,
        kind=key.rpartition("/")[2].partition(":")[0],
        id=one.thread.id,
        name=name_of(one.name),
        last_at=moment(one.last_ms),
        last=_message(one.last) if one.last else None,
    )


def _message(one: stored.Said) -> Message:
    text, cut = text_of(one.text)
    return Message(
        whose="theirs" if one.author is Author.PERSON else "ours",
        author=one.author,
        message_ids=list(one.message_ids),
        at=moment(one.at_ms),
        kind=one.kind,
        text=text,
        cut=cut,
        sender_id=one.sender_id,
        sender_name=name_of(one.sender_name),
        quoted=text_of(one.quoted)[0],
        attachments=[_attachment(number, attached) for number, attached in enumerate(one.attachments)],
        state=one.state or "",
        context=one.context,
    )


def _attachment(number: int, one: Attached) -> Attachment:
    said, _ = text_of(one.transcript)
    return Attachment(number=number, kind=one.kind, name=name_of(one.title), size=one.size, transcript=said)
