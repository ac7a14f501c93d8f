"""QR codes on the login page and the phone that scans them."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from enum import Enum

from zaloweb.sim.errors import Impossible
from zaloweb.sim.event_log import EventLog, QrShown
from zaloweb.sim.registry import User
from zaloweb.sim.sessions import WebSession

_KEPT_CODES = 100


class QrState(Enum):
    """The state of a code; the last three are final."""

    SHOWN = "shown"
    SCANNED = "scanned"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    EXPIRED = "expired"


class QrCode:
    """One QR code: who scanned it and what became of it."""

    def __init__(self) -> None:
        self.code = f"sim-{secrets.token_urlsafe(18)}"
        self.token = secrets.token_hex(16)
        self.state = QrState.SHOWN
        self.account: User | None = None
        self.session: WebSession | None = None
        self._changed = asyncio.Event()

    @property
    def open(self) -> bool:
        """Whether the code can still be scanned or decided."""
        return self.state in (QrState.SHOWN, QrState.SCANNED)

    def become(self, state: QrState, account: User | None = None) -> None:
        """Change the state and wake the long polls that wait for it."""
        self.state = state
        self.account = account or self.account
        self._changed.set()
        self._changed = asyncio.Event()

    async def leaves(self, *states: QrState, seconds: float) -> bool:
        """Whether the code is in none of these states within this time."""
        try:
            async with asyncio.timeout(seconds):
                while self.state in states:
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True


class QrCodes:
    """The newest codes of the login page."""

    def __init__(self) -> None:
        self._codes: OrderedDict[str, QrCode] = OrderedDict()

    def show(self) -> QrCode:
        """A new code."""
        code = QrCode()
        self._codes[code.code] = code
        if len(self._codes) > _KEPT_CODES:
            self._codes.popitem(last=False)
        return code

    def find(self, code: str) -> QrCode | None:
        """The code with this text."""
        return self._codes.get(code)

    def newest(self, state: QrState, account: User | None = None) -> QrCode | None:
        """The newest code in this state, scanned by this account if one is given."""
        for code in reversed(self._codes.values()):
            if code.state is state and account in (None, code.account):
                return code
        return None

    def close(self) -> None:
        """Expire all open codes, which ends the long polls."""
        for code in self._codes.values():
            if code.open:
                code.become(QrState.EXPIRED)


class Phone:
    """The phone of an account's owner. A step without a matching code raises `Impossible`."""

    def __init__(self, account: User, codes: QrCodes, log: EventLog) -> None:
        self._account = account
        self._codes = codes
        self._log = log

    async def sees_code(self, *, after: int = 0, deadline: float = 10.0) -> QrCode:
        """The first code recorded after `after` that nobody has scanned, now or within `deadline` seconds."""

        def waits_for_a_phone(shown: QrShown) -> bool:
            code = self._codes.find(shown.code)
            return code is not None and code.state is QrState.SHOWN

        shown = await self._log.wait_for(QrShown, waits_for_a_phone, after=after, deadline=deadline)
        code = self._codes.find(shown.code)
        assert code is not None
        return code

    def scan(self) -> None:
        """Scan the newest code that nobody has scanned."""
        code = self._codes.newest(QrState.SHOWN)
        if code is None:
            raise Impossible("no QR code is waiting to be scanned: start a login first")
        code.become(QrState.SCANNED, self._account)

    def confirm(self) -> None:
        """Confirm the code scanned last: the client is logged in."""
        self._scanned("confirm").become(QrState.CONFIRMED)

    def decline(self) -> None:
        """Decline the code scanned last."""
        self._scanned("decline").become(QrState.DECLINED)

    def expire(self) -> None:
        """Expire the newest open code, scanned or not."""
        code = self._codes.newest(QrState.SCANNED, self._account) or self._codes.newest(QrState.SHOWN)
        if code is None:
            raise Impossible("no QR code is open: start a login first")
        code.become(QrState.EXPIRED)

    def _scanned(self, step: str) -> QrCode:
        code = self._codes.newest(QrState.SCANNED, self._account)
        if code is None:
            raise Impossible(f"nothing to {step}: this phone has scanned no QR code that is still open")
        return code
