"""The web sessions of accounts: their cookies, and the key that encrypts their calls."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from zaloweb.sim.registry import User
from zaloweb.wire import cipher

ACCOUNT_COOKIE = "zpsid"
SESSION_COOKIE = "zpw_sek"


@dataclass(eq=False)
class WebSession:
    """One login of an account in a browser. `enk` is the session key in base64, as the client gets it."""

    account: User
    zpsid: str = field(repr=False)
    zpw_sek: str = field(repr=False)
    enk: str = field(repr=False)
    fresh_cookie: bool = field(default=False, repr=False)

    def __post_init__(self) -> None:
        self.key = cipher.session_key(self.enk)


class Sessions:
    """The live sessions, found by cookie, token or account. An account has at most one."""

    def __init__(self) -> None:
        self._by_account: dict[str, WebSession] = {}
        self._by_sek: dict[str, WebSession] = {}
        self._by_zpsid: dict[str, WebSession] = {}
        self._by_token: dict[str, WebSession] = {}

    def open(self, account: User) -> WebSession:
        """Open a session; the account's former one ends."""
        self.end(account)
        enk = base64.b64encode(secrets.token_bytes(16)).decode()
        session = WebSession(account, f"sim-{secrets.token_hex(16)}", f"sim-{secrets.token_hex(16)}", enk)
        self._by_sek[session.zpw_sek] = session
        self._by_zpsid[session.zpsid] = session
        self._by_account[account.uid] = session
        return session

    def of_account(self, account: User) -> WebSession | None:
        """The live session of an account."""
        return self._by_account.get(account.uid)

    def end(self, account: User) -> None:
        """End the account's session: its cookies are refused from now on."""
        session = self._by_account.pop(account.uid, None)
        for book in (self._by_sek, self._by_zpsid, self._by_token):
            for shown in [shown for shown, held in book.items() if held is session]:
                del book[shown]

    def refresh(self, session: WebSession) -> None:
        """Make a second session cookie, set with the next answer. The old one stays valid."""
        session.zpw_sek = f"sim-{secrets.token_hex(16)}"
        session.fresh_cookie = True
        self._by_sek[session.zpw_sek] = session

    def token(self, session: WebSession) -> str:
        """A one-time token that carries the session from one host to another."""
        token = secrets.token_hex(16)
        self._by_token[token] = session
        return token

    def by_token(self, token: str) -> WebSession | None:
        """The session of a token, once."""
        return self._by_token.pop(token, None)

    def signed_in(self, cookies: Mapping[str, str]) -> WebSession | None:
        """The session with this account cookie (`zpsid`)."""
        return self._by_zpsid.get(cookies.get(ACCOUNT_COOKIE, ""))

    def of(self, cookies: Mapping[str, str]) -> WebSession | None:
        """The session with this session cookie (`zpw_sek`)."""
        return self._by_sek.get(cookies.get(SESSION_COOKIE, ""))
