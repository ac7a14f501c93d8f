"""Commands that the owner writes in a chat: each calls the operation that the command line calls."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from clawlane.access.context import shortened
from clawlane.config.duration import duration
from clawlane.language import spoken
from clawlane.ops import drafts
from clawlane.ops.context import LiveAccount, OpContext
from clawlane.ops.draft_text import held_by
from clawlane.ops.operation import OpError
from clawlane.ops.pairing import Approve, Reject, approve, reject
from clawlane.ops.pause import BeginPause, EndPause, pause, resume
from clawlane.store.errors import StoreError
from clawlane.texts import ENGLISH, in_locale, later, t, told

_LONGEST_PAUSE_MS = 365 * 86_400_000
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OwnerCommands:
    """The commands of one account. `ctx` acts in the owner's name."""

    account: str
    ctx: Callable[[], OpContext]
    live: Callable[[], LiveAccount | None]

    async def act(self, text: str) -> str:
        """Carry out what the owner writes. Gives what was done, or why nothing was; never raises those."""
        live = self.live()
        with in_locale(spoken(live.language)[-1] if live else ENGLISH):
            return await self._act(*text.split())

    async def _act(self, word: str, *given: str) -> str:
        arguments = list(given)
        try:
            match word.lower(), arguments:
                case "/help", []:
                    return t(_HELP)
                case "/pause", [] | [_]:
                    return await self._pause(arguments)
                case "/resume", []:
                    return await self._resume()
                case "/approve", [code]:
                    return await self._approve(code)
                case "/reject", [who]:
                    return await self._reject(who)
                case "/draft", [number, "ok" | "drop" as what] if number.isdecimal() and len(number) < 10:
                    return await self._draft(int(number), what)
        except (OpError, StoreError) as error:
            return told(error)
        except Exception as error:
            log.exception("%s: %s of the owner failed", self.account, word)
            kind = type(error).__name__
            return t(
                "{what} could not be carried out ({kind}); see the log of the gateway.", what=word, kind=kind
            )
        return t(_USAGE[word.lower()])

    async def _pause(self, arguments: list[str]) -> str:
        ctx, until_ms = self.ctx(), None
        if arguments:
            try:
                length_ms = int(duration(arguments[0]).total_seconds() * 1000)
            except ValueError:
                return t(_USAGE["/pause"])
            if not 0 < length_ms <= _LONGEST_PAUSE_MS:
                return t(_USAGE["/pause"])
            until_ms = ctx.now_ms() + length_ms
        [held] = (await pause(ctx, BeginPause(*self._named, until_ms=until_ms))).paused
        # an alarm's pause does not end by itself, whatever the owner says
        if held.until_ms is None:
            return t("Paused: nothing is sent any more. To go on: /resume")
        return t("Paused for {length}: nothing is sent. To go on earlier: /resume", length=arguments[0])

    async def _resume(self) -> str:
        done = await resume(self.ctx(), EndPause(*self._named))
        expired = sum(len(one.expired) for one in done.resumed)
        if not any(one.was for one in done.resumed):
            return t("Nothing was paused.")
        said = t("Resumed.")
        if expired:
            said += t(" Messages that are too old by now and are not answered: {count}.", count=expired)
        for alarm in (alarm for one in done.resumed for alarm in one.acknowledged):
            said += t(_ALARM, id=alarm.id, kind=alarm.kind)
        return said

    async def _approve(self, code: str) -> str:
        channel, account = self._named
        let_in = await approve(self.ctx(), Approve(channel, code, account))
        return t("Approved {who}.", who=_who(let_in.approved.sender_name, let_in.approved.sender_id))

    async def _reject(self, whom: str) -> str:
        channel, account = self._named
        rejected = await reject(self.ctx(), Reject(channel, whom, account))
        who = ", ".join(_who(one.sender_name, one.sender_id) for one in rejected)
        return t("Rejected {who}.", who=who)

    async def _draft(self, number: int, what: str) -> str:
        ctx = self.ctx()
        found = await drafts.show(ctx, drafts.Show(number))
        if found.account != self.account:
            return t("This account has no draft {number}.", number=number)
        if what == "drop":
            await drafts.drop(ctx, drafts.Drop(number))
            return t("Draft {number} is dropped.", number=number)
        approved = await drafts.approve(ctx, drafts.Approve(number))
        if approved.stale:
            return t(_STALE, number=number)
        whom = shortened(approved.name) or str(approved.thread)
        return t("Draft {number} goes to {who}.", number=number, who=whom) + self._held_by(ctx, approved)

    def _held_by(self, ctx: OpContext, approved: drafts.Approved) -> str:
        live, until_ms = self.live(), approved.quiet_until_ms
        whole = live is not None and any(pause.thread is None for pause in live.pauses)
        until = "" if until_ms is None else f"{ctx.zone().at(until_ms):%Y-%m-%d %H:%M}"
        return held_by(approved, "/resume" if whole else approved.paused, until)

    @property
    def _named(self) -> tuple[str, str]:
        channel, _, account = self.account.partition("/")
        return channel, account


def _who(name: str, id_: str) -> str:
    return f"{shortened(name)} ({id_})" if name else id_


_HELP = later(
    "For owners:\n"
    "/pause [2h] – pause everything that leaves\n"
    "/resume – go on\n"
    "/approve CODE – let somebody in who asked to write\n"
    "/reject CODE – turn them away\n"
    "/draft N ok|drop – send or drop a draft"
)
_USAGE = {
    "/help": later("Usage: /help"),
    "/pause": later("Usage: /pause or /pause 2h (30m, 2h, 1d)"),
    "/resume": later("Usage: /resume"),
    "/approve": later("Usage: /approve CODE"),
    "/reject": later("Usage: /reject CODE"),
    "/draft": later("Usage: /draft N ok or /draft N drop"),
}
_ALARM = later(" Alarm {id} ({kind}) is acknowledged; check: openclaw alarms show {id}.")
_STALE = later(
    "Something newer was said there than draft {number}; to send it: openclaw drafts approve {number}"
)
