"""The thread with oneself: what the owner writes there on another device is carried out and answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from clawlane.access.rules import owner_action
from clawlane.channel import Channel
from clawlane.lane.access_checker import AccessChecker
from clawlane.lane.live_settings import LaneSettings
from clawlane.lane.sender import Sender
from clawlane.messages import Fact, Own, Reply, Thread, ThreadKind
from clawlane.store import owner_texts
from clawlane.store.account_store import AccountStore, Clock

_HELP = "/help"
_LONGEST = 200
"""Characters of a command. What is longer is a note to oneself."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class OwnThread:
    """The commands in it. `act` carries one out and gives the answer. Other texts there are left alone."""

    account_store: AccountStore
    channel: Channel
    settings: Callable[[], LaneSettings]
    access: AccessChecker
    sender: Sender
    act: Callable[[str], Awaitable[str]]
    now_ms: Clock
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def observe(self, fact: Fact) -> None:
        """Keep a command before anything else is read. What is older than `backlogMaxAge` is not one."""
        grants, rules = self.access.grants(), self.access.rules()
        mine = Thread(ThreadKind.DM, grants.own_id)
        if not isinstance(fact, Own) or not grants.own_id or fact.thread != mine:
            return
        written_ms = fact.sent_ms - (grants.skew_ms or 0)
        oldest_ms = self.now_ms() - max(policy.backlog_max_age_ms for policy in rules)
        if not (rules.owner_commands and _is_command(fact)) or written_ms < oldest_ms:
            await self.account_store.run(owner_texts.see)
        elif await self.account_store.run(owner_texts.note, fact, written_ms):
            self._news.set()

    async def run(self, *, at_once: bool) -> None:
        """Carry out what waits, in order. Lives until cancelled. Unless `at_once`, nothing waits yet."""
        if not at_once:
            await self._news.wait()
        while True:
            self._news.clear()
            for one in await self.account_store.run(owner_texts.open_texts):
                answer = await self.act(one.text)
                thread = Thread(ThreadKind.DM, self.access.grants().own_id)
                plan = partial(self.channel.plan, self.settings().account, thread)
                outs = plan(Reply(answer, markdown=False))
                await self.account_store.run(owner_texts.done, one.id, outs)
                log.info("%s: %s is answered in the thread with oneself", self.account_store.account, one.id)
                self.sender.wake()
            await self._news.wait()


def _is_command(fact: Own) -> bool:
    """Whether the owner wrote a command, and nothing but that: a caption and a forwarded text are notes."""
    if fact.attachments or fact.forwarded or len(fact.text) > _LONGEST:
        return False
    return bool(owner_action(fact.text)) or fact.text.strip().lower() == _HELP
