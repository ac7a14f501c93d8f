"""What all handlers work with: who may come in, how operations are run, what was said last."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web

from clawlane.clock import now_ms
from clawlane.config.console import PublicConsole
from clawlane.console.edits import Edits
from clawlane.console.feed import Feed
from clawlane.console.guard import Entrance
from clawlane.console.logins import Logins
from clawlane.console.rituals import Rituals
from clawlane.ops.asking import Asks

_MOST = 100
_TRIES, _WITHIN_MS = 5, 60_000


class Notes:
    """What the last action of a browser said, until its next page shows it."""

    def __init__(self) -> None:
        self._left: OrderedDict[str, list[str]] = OrderedDict()

    def leave(self, token: str, sentence: str) -> None:
        self._left.setdefault(token, []).append(sentence)
        self._left.move_to_end(token)
        while len(self._left) > _MOST:
            self._left.popitem(last=False)

    def take(self, token: str) -> list[str]:
        return self._left.pop(token, [])


class Tries:
    """Wrong passwords of the last minute, whoever tried them: after five, nobody may for a while."""

    def __init__(self) -> None:
        self._begun: deque[int] = deque(maxlen=_TRIES)

    def wait_ms(self, now_ms: int) -> int:
        """How long until the next try."""
        return max(0, self._begun[0] + _WITHIN_MS - now_ms) if len(self._begun) == _TRIES else 0

    def begin(self, now_ms: int) -> None:
        """A try counts as wrong until it is right, so that those side by side count."""
        self._begun.append(now_ms)

    def right(self) -> None:
        self._begun.clear()


@dataclass(frozen=True)
class Site:
    """One console. `public` is for browsers on other machines, and None where there are none."""

    entrance: Entrance
    asks: Asks
    public: PublicConsole | None
    environ: Mapping[str, str] = field(repr=False)
    notes: Notes = field(default_factory=Notes)
    tries: Tries = field(default_factory=Tries)
    edits: Edits = field(default_factory=Edits)
    feed: Feed = field(init=False)
    logins: Logins = field(init=False)
    rituals: Rituals = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "feed", Feed(self.asks))
        object.__setattr__(self, "logins", Logins(self.asks))
        object.__setattr__(self, "rituals", Rituals(self.asks))

    async def close(self) -> None:
        """End what browsers have begun."""
        await asyncio.gather(self.logins.close(), self.rituals.close())

    async def still_signed_in(self, request: web.Request) -> bool:
        """Whether the browser of a long answer may still read it."""
        token = self.entrance.token(request)
        return await asyncio.to_thread(self.entrance.access.signed_in, token, now_ms())

    def password_fits(self, password: str) -> bool:
        """Whether it is the password of the config. Raises `SecretMissing`."""
        from argon2 import PasswordHasher
        from argon2.exceptions import InvalidHashError, VerificationError

        from clawlane.config.secrets import SecretMissing

        assert self.public is not None
        try:
            return PasswordHasher().verify(self.public.password_hash.read(self.environ), password)
        except VerificationError:
            return False
        except InvalidHashError:
            raise SecretMissing("it is not what `openclaw console password` prints") from None


SITE = web.AppKey("site", Site)
"""Where the handlers find it."""
