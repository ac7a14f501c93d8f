"""An account that the operator sends from: whom it knows, what it may send, and what holds it back."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import BinaryIO

from clawlane.access.context import shortened
from clawlane.capabilities import DirectoryError
from clawlane.channel import Capability, Channel, Phase
from clawlane.config.choices import OutboundMode
from clawlane.messages import Person, ReplyFile, Thread, ThreadKind
from clawlane.ops.client import how_to_start
from clawlane.ops.context import LiveAccount, OpContext, Target
from clawlane.ops.directory import lookup
from clawlane.ops.operation import Caller, OpError
from clawlane.ops.targets import NobodyKnown, Recipient, Written, find_recipient, target_of, thread_stored
from clawlane.store.private_file import NotCopied, copy_of, discard
from clawlane.texts import later

MOST_FILES = 10
_CANNOT = {
    Capability.REACTION: later("the channel {channel} cannot react to messages"),
    Capability.UNDO: later("the channel {channel} cannot take messages back"),
    Capability.QUOTE: later("the channel {channel} cannot quote messages"),
}
_CANNOT_SEND = (Phase.STOPPED, Phase.NEEDS_LOGIN, Phase.NEEDS_CONSENT, Phase.REPLACED, Phase.FAILED)


@dataclass(frozen=True, slots=True)
class SendingAccount:
    """One account and the gateway that runs it; `live` is None where nothing is to be sent."""

    ctx: OpContext
    target: Target
    live: LiveAccount | None

    @classmethod
    def of(
        cls, ctx: OpContext, channel: str | None, account: str | None, *, sends: bool = True
    ) -> SendingAccount:
        """Raises `OpError` for an account that cannot send, unless nothing is to be sent."""
        if sends and not ctx.in_gateway:
            words, command = how_to_start(ctx.paths)
            told = later("the gateway is not running, and only it may hold the connection")
            raise OpError(told, later("{how}: {command}", how=words, command=command))
        found = cls(ctx, target := ctx.target(channel, account), ctx.live.get(str(target.account)))
        if sends and found.stopped:
            reason, help = found.trouble()
            raise OpError(later("{name} cannot send: {reason}", name=found.name, reason=reason), help)
        return found

    @property
    def name(self) -> str:
        """`channel/id`."""
        return str(self.target.account)

    @property
    def channel(self) -> Channel:
        return self.ctx.runtime(self.target.manifest)

    def needs(self, capability: Capability) -> None:
        """Raises `OpError` if the channel does not have a capability, one of `_CANNOT`."""
        if capability not in self.target.manifest.capabilities:
            channel = self.target.manifest.id
            help = f"openclaw channels capabilities --channel {channel}"
            raise OpError(later(_CANNOT[capability], channel=channel), help)

    @property
    def stopped(self) -> bool:
        """Whether nothing of the account is sent until somebody does something."""
        return self.live is None or self.live.state.phase in _CANNOT_SEND

    def trouble(self) -> tuple[str, str]:
        """Why the account cannot send now, and the command that helps; empty while it can."""
        if self.live is None:
            return later("the gateway is not running"), how_to_start(self.ctx.paths)[1]
        state = self.live.state
        if state.phase in (Phase.READY, Phase.DEGRADED):
            return "", ""
        return state.reason or str(state.phase), state.action or "openclaw channels status"

    def paused(self, thread: Thread) -> str:
        """The command that ends the pause of a thread; empty if nothing pauses it."""
        for pause in self.live.pauses if self.live else ():
            if pause.thread in (None, thread):
                which = f" --thread {thread}" if pause.thread else ""
                return f"openclaw resume {self.target.words}{which}"
        return ""

    async def may_leave(self, thread: Thread) -> None:
        """Raises `OpError` where nothing may leave, with the setting that says so. Approval is for agents."""
        from clawlane.ops.rules_from import rules_in_force

        pins = await self.ctx.ask(lambda reader: reader.pins(self.name))
        mode, rule = rules_in_force(self.ctx, self.target.account).outbound(thread, pins)
        if mode is OutboundMode.OFF:
            told = later("nothing is sent to {thread}: {path} is 'off'", thread=str(thread), path=rule.path)
            raise OpError(told, f"openclaw config set {rule.path} approve")

    async def recipient(self, written: str) -> Recipient:
        """Whom a target means. The platform is asked where the stored directory does not tell.

        Raises `OpError`, and `DirectoryError` if nothing is known and nothing can be asked.
        """
        target, find = target_of(self.target, written)
        try:
            found = await self._found(target, find)
        except NobodyKnown:
            if self.live is None:
                raise
            await self._look_up(target)
            found = await self._found(target, find)
        return found if found.name else replace(found, name=await self.name_of(found.thread))

    async def correspondent(self, written: str) -> Recipient:
        """Whom a target means that has been written to: strangers who wrote or were approved count, too.

        The platform is asked as for a recipient. Raises `OpError`, and `DirectoryError`.
        """
        try:
            return await self.ctx.ask(lambda reader: thread_stored(reader, self.target, written))
        except NobodyKnown:
            if self.live is None:
                raise
        await self._look_up(target_of(self.target, written)[0])
        return await self.ctx.ask(lambda reader: thread_stored(reader, self.target, written))

    async def name_of(self, thread: Thread) -> str:
        """What the person or group is called, empty if nobody knows."""
        return await self.ctx.ask(lambda reader: reader.thread_name(self.name, thread))

    async def _found(self, target: Written, find: str) -> Recipient:
        known = await self.ctx.ask(lambda reader: reader.known(self.name))
        own_id = self.live.state.user_id if self.live else ""
        if target.kind and target.id and None in (known.peers_ms, known.groups_ms) and self.live:
            with suppress(DirectoryError):
                await self._look_up(target)
            known = await self.ctx.ask(lambda reader: reader.known(self.name))
        return find_recipient(target, known, own_id, find)

    async def _look_up(self, target: Written) -> None:
        async with lookup(self.ctx, self.target) as asked:
            if target.kind is not ThreadKind.GROUP:
                await asked.peers()
            if target.kind is not ThreadKind.DM:
                await asked.groups()

    async def members(self, group_id: str) -> tuple[Person, ...]:
        """The members of a group as they were looked up last, for mentions."""
        return await self.ctx.ask(lambda reader: reader.members(self.name, group_id))

    async def copies(self, paths: Sequence[str]) -> tuple[ReplyFile, ...]:
        """Private copies of files on this machine. Raises `OpError`, and then leaves none behind."""
        if paths and self.ctx.caller is not Caller.CLI:
            raise OpError(later("files can be sent from the command line of this machine only"))
        if len(paths) > MOST_FILES:
            raise OpError(
                later("at most {most} files are sent at once, not {n}", most=MOST_FILES, n=len(paths))
            )
        return await asyncio.to_thread(self._copies, paths)

    def _copies(self, paths: Sequence[str]) -> tuple[ReplyFile, ...]:
        max_bytes = int(self.target.account.settings.media_max_mb * 2**20)
        folder = self.ctx.paths.outgoing_dir(self.name)
        made: list[ReplyFile] = []
        try:
            for path in paths:
                with self._opened(path) as source:
                    made.append(copy_of(source, PurePath(path).name, folder, max_bytes))
        except BaseException as error:
            discard(made)
            if isinstance(error, NotCopied):
                raise OpError(later("{file}: {why}", file=shortened(path), why=error.args[0])) from None
            raise
        return tuple(made)

    def _opened(self, path: str) -> BinaryIO:
        """A regular file that is none of the gateway's own. Raises `OpError`."""
        shown = shortened(path)
        if not os.path.isabs(path) or "\0" in path:
            raise OpError(later("{file}: the path of a file has to be absolute", file=shown))
        if Path(path).resolve().is_relative_to(self.ctx.paths.state.resolve()):
            raise OpError(later("{file}: files of the state directory are not sent", file=shown))
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise OpError(f"{shown}: {error.strerror}") from None
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise OpError(later("{file}: only regular files can be sent", file=shown))
        return open(handle, "rb")
