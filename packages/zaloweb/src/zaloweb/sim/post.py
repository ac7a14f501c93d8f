"""The post of a world: gives messages their ids, keeps them for those who may read them, and pushes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zaloweb.clock import Clock
from zaloweb.sim.cast import Cast
from zaloweb.sim.messages import Message
from zaloweb.sim.people import Person

_MESSAGE_IDS = 6_800_000_000_000
_ACTION_IDS = 11_800_000_000


class Post:
    """Carries messages. Ids rise strictly, and so do the client ids it makes up (milliseconds)."""

    def __init__(self, cast: Cast, clock: Clock) -> None:
        self._cast = cast
        self._clock = clock
        self._count = 0
        self._last_client_id = 0

    def accept(
        self,
        sender: Person,
        receiver: str,
        content: str | dict[str, Any],
        *,
        in_group: bool,
        client_id: str = "",
        msg_type: str = "webchat",
        ttl_ms: int = 0,
        mentions: Sequence[dict[str, Any]] = (),
        quote: dict[str, Any] | None = None,
    ) -> Message:
        """A new message, kept for every account that may read it; it is not pushed yet."""
        self._count += 1
        message = Message(
            msg_id=str(_MESSAGE_IDS + self._count),
            cli_msg_id=client_id or self._client_id(),
            action_id=str(_ACTION_IDS + self._count),
            sender=sender,
            receiver=receiver,
            in_group=in_group,
            content=content,
            sent_ms=self._clock.now_ms(),
            msg_type=msg_type,
            ttl_ms=ttl_ms,
            mentions=mentions,
            quote=quote,
        )
        for account in self._cast.readers(message):
            account.remember(message)
        return message

    async def deliver(self, message: Message) -> None:
        """Push a message to every connected account that may read it."""
        for account in self._cast.readers(message):
            if account.listener is not None:
                await account.listener.push_messages(account.uid, [message])

    def _client_id(self) -> str:
        self._last_client_id = max(self._last_client_id + 1, self._clock.now_ms())
        return str(self._last_client_id)
