"""Logins by QR code that browsers begin: one for each account at a time, the same for whoever watches it."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum

from clawlane.capabilities import Confirmed, Scanned, ShowQr
from clawlane.condition import Phase, waits_for_operator
from clawlane.console.errors import lines_of
from clawlane.console.watching import Watched
from clawlane.ops.accounts import FoundAccount
from clawlane.ops.asking import OURS, Asks
from clawlane.ops.login import (
    NOT_ASKED,
    Accept,
    Begun,
    ConsentNeeded,
    Linked,
    LogIn,
    LoginEvent,
    SessionExpired,
    Tightened,
)
from clawlane.ops.operation import OpError
from clawlane.ops.status import GetStatus
from clawlane.texts import later, t
from clawlane.words.login import EXPIRED

CODES = 5
"""Codes of one login: each is valid for a minute and a half or so."""

ALONE_S = 180.0
"""How long a login goes on that nobody looks at: somebody may have gone for the phone."""

_CONNECTS_S = 60.0
_LOOK_EVERY_S = 0.5
log = logging.getLogger(__name__)


class Stage(StrEnum):
    """How far a login is. The last three are ends."""

    IDLE = "idle"  # nobody has begun one since the console came up
    BEGUN = "begun"  # no code yet
    ASKED = "asked"  # the risk has to be accepted
    CODE = "code"
    SCANNED = "scanned"
    CONFIRMED = "confirmed"
    SAVED = "saved"  # the account connects
    LINKED = "linked"
    FAILED = "failed"
    CANCELLED = "cancelled"


STEPS = (Stage.CODE, Stage.SCANNED, Stage.CONFIRMED, Stage.SAVED, Stage.LINKED)
_ENDS = (Stage.IDLE, Stage.LINKED, Stage.FAILED, Stage.CANCELLED)


class AccountLogin(Watched):
    """The login of one account. What it shows of the last one stays until the next begins."""

    def __init__(self, asks: Asks, found: FoundAccount, alone_s: float = ALONE_S) -> None:
        super().__init__()
        self._asks, self._alone_s = asks, alone_s
        self._running: asyncio.Task[None] | None = None
        self.found = found
        self._forget(Stage.IDLE)

    def _forget(self, stage: Stage) -> None:
        self.stage = stage
        self.needed: ConsentNeeded | None = None
        self.begun: Begun | None = None
        self.code: ShowQr | None = None
        self.picture = ""
        self.shown = 0
        self.phone = ""
        self.left_on_phone = ""
        self.linked: Linked | None = None
        self.phase: Phase | None = None
        self.phase_reason = ""
        self.notes: list[str] = []
        self.problem: Sequence[str] = ()
        self.help = ""

    @property
    def runs(self) -> bool:
        return self.stage not in _ENDS

    @property
    def reached(self) -> Sequence[Stage]:
        """The stages from a code to the connection that are behind, or now; none where no code was needed."""
        if not self.shown or self.stage not in STEPS:
            return ()
        reached = STEPS[: STEPS.index(self.stage) + 1]
        return reached if self.stage is not Stage.LINKED or self.phase is Phase.READY else reached[:-1]

    def begin(self, *, force: bool) -> None:
        """Begin one, if none runs."""
        if self._running is not None and not self._running.done():
            return
        self._forget(Stage.BEGUN)
        self.look()
        self._running = asyncio.create_task(self._run(force=force))
        self.change()

    async def accept(self, expendable: str) -> None:
        """The risk is accepted by whoever sits at the browser. Raises `OpError` if nothing was asked."""
        needed = self.needed
        if needed is None:
            raise OpError(t("nothing waits for an answer: begin the login again"))
        given = expendable if expendable in ("yes", "no") and needed.lines else NOT_ASKED
        await self._asks.call(Accept(self.found.channel, self.found.account, "console", given, others=True))
        if self.needed is needed:  # it has not gone on yet
            self.needed, self.stage = None, Stage.CONFIRMED if needed.former_user else Stage.BEGUN
            self.change()

    async def cancel(self) -> None:
        """End it. Returns once nothing of it runs."""
        if self._running is None or self._running.done():
            return
        self._end(Stage.LINKED if self.linked else Stage.CANCELLED)
        self._running.cancel()
        await asyncio.wait({self._running}, timeout=5)

    async def _run(self, *, force: bool) -> None:
        following = asyncio.create_task(self._follow(force=force))
        alone = asyncio.create_task(self.left_alone(self._alone_s))
        try:
            await asyncio.wait({following, alone}, return_when=asyncio.FIRST_COMPLETED)
            if not following.done():
                self._end(Stage.CANCELLED, [later("Nobody looked at the page any more, so it was ended.")])
        finally:
            alone.cancel()
            following.cancel()
            await asyncio.wait({following})

    async def _follow(self, *, force: bool) -> None:
        asked = LogIn(self.found.channel, self.found.account, force, CODES)
        try:
            async with self._asks.follow(asked) as events:
                async for event in events:
                    self._take(event)
            if self.linked is None:
                raise OpError(t("the login ended without an answer"))
            if self.linked.started:
                await self._connects()
            self.stage = Stage.LINKED
            self.change()
        except OURS as error:
            self._end(Stage.FAILED, *lines_of(error))
        except Exception as error:
            log.exception("the login of %s failed", self.found)
            self._end(Stage.FAILED, *lines_of(error))

    def _take(self, event: LoginEvent) -> None:
        self.needed = None
        match event:
            case Tightened(text):
                self.notes.append(text)
            case SessionExpired():
                self.notes.append(EXPIRED)
            case ConsentNeeded():
                self.stage, self.needed = Stage.ASKED, event
            case Begun():
                self.begun = event
            case ShowQr():
                self.stage, self.code, self.phone = Stage.CODE, event, ""
                self.picture, self.shown = secrets.token_urlsafe(16), self.shown + 1
            case Scanned(name):
                self.stage, self.code, self.phone = Stage.SCANNED, None, name
                self.look()  # whoever holds the phone does
            case Confirmed():
                self.stage, self.code = Stage.CONFIRMED, None
                self.left_on_phone = self.begun.on_phone if self.begun else ""
            case Linked():
                self.stage, self.linked, self.left_on_phone = Stage.SAVED, event, ""
        self.change()

    async def _connects(self) -> None:
        """Look until the gateway has the account connected, or it stays otherwise."""
        channel, account = self.found.channel, self.found.account
        with suppress(TimeoutError):
            async with asyncio.timeout(_CONNECTS_S):
                while True:
                    found = await self._asks.call(GetStatus(channel, account))
                    one = found.channels[channel].accounts[account]
                    self.phase, self.phase_reason = one.phase, one.reason
                    if one.phase is Phase.READY or waits_for_operator(one.phase, one.code):
                        return
                    await asyncio.sleep(_LOOK_EVERY_S)

    def _end(self, stage: Stage, problem: Sequence[str] = (), help: str = "") -> None:
        if self.runs:
            self.stage, self.problem, self.help = stage, problem, help
            self.code = self.needed = None
            self.change()


class Logins:
    """The logins of one console."""

    def __init__(self, asks: Asks) -> None:
        self._asks = asks
        self._of: dict[str, AccountLogin] = {}

    def of(self, found: FoundAccount) -> AccountLogin:
        """The login of an account, which may not have begun."""
        if str(found) not in self._of:
            self._of[str(found)] = AccountLogin(self._asks, found)
        one = self._of[str(found)]
        if not one.runs:
            one.found = found
        return one

    async def close(self) -> None:
        """End those that run."""
        await asyncio.gather(*(one.cancel() for one in self._of.values()))
