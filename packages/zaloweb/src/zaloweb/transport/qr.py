"""Login with a QR code that a phone scans and confirms, as a stream of steps.

    ShowQr → Scanned → Confirmed → Done
                                 ╲ Expired | Declined | Failed

`Expired`, `Declined` and `Failed` may follow any step before them. The last step is one of those or `Done`.
"""

from __future__ import annotations

import binascii
import logging
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar
from uuid import UUID

import msgspec

from zaloweb.cookies import Jar
from zaloweb.errors import LoginFailed, ProtocolError, ZaloError
from zaloweb.session import DEFAULT_LANGUAGE, Api, Credentials, Session
from zaloweb.trace import Trace
from zaloweb.transport import qr_headers
from zaloweb.transport.clock import Clock, within
from zaloweb.transport.http import Transport
from zaloweb.transport.login import log_in_over
from zaloweb.transport.network import Network
from zaloweb.wire import cipher, envelope
from zaloweb.wire.envelope import Envelope
from zaloweb.wire.hosts import Hosts
from zaloweb.wire.images import LARGEST_PNG, png_problem
from zaloweb.wire.urls import Pairs

T = TypeVar("T")

log = logging.getLogger(__name__)

DEFAULT_USER_AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0"
LIFE_S = 100
"""Seconds a code may be scanned and confirmed; Zalo's own web page counts the same."""

_ID = "https://id.zalo.me"
_ACCOUNT_PAGE = f"{_ID}/account"
_USER_INFO = "https://jr.chat.zalo.me/jr/userinfo"
_PC = "https://zalo.me/pc"
_CHAT = "https://chat.zalo.me/"
_VERSION = re.compile(rb"https://stc-zlogin\.zdn\.vn/main-([\d.]+)\.js")
_IMAGE_PREFIX = "data:image/png;base64,"
_ASK_AGAIN = 8
_DECLINED = -13
_GONE = -3
"""The answer for an expired code (recorded case qr/failed/scan-refused)."""
_GONE_WORDS = ("hết hạn", "expired")


@dataclass(frozen=True, slots=True)
class ShowQr:
    """Show this picture to the owner of the phone. Its code is valid until `expires_ms`."""

    png: bytes = field(repr=False)
    code: str = field(repr=False)
    expires_ms: int


@dataclass(frozen=True, slots=True)
class Scanned:
    """A phone has scanned the code; its owner is asked to confirm. `avatar` is a URL."""

    name: str
    avatar: str


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The owner of the phone confirmed. The rest needs no person."""


@dataclass(frozen=True, slots=True)
class Done:
    """Logged in."""

    session: Session


@dataclass(frozen=True, slots=True)
class Expired:
    """Nobody scanned and confirmed in time, by this clock or Zalo's. Start again for a new code."""


@dataclass(frozen=True, slots=True)
class Declined:
    """The owner of the phone declined."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The login failed at `stage`: page, generate, scan, confirm, session, account or login."""

    stage: str
    error: ZaloError


Step = ShowQr | Scanned | Confirmed | Done | Expired | Declined | Failed


async def qr_login(
    network: Network | None = None,
    *,
    random: Random | None = None,
    clock: Clock | None = None,
    user_agent: str = DEFAULT_USER_AGENT,
    language: str = DEFAULT_LANGUAGE,
    proxy: str | None = None,
    api: Api | None = None,
    pause: float = 0.25,
    hosts: Hosts | None = None,
    trace: Trace | None = None,
) -> AsyncGenerator[Step, None]:
    """The steps of one login, with a fresh jar and a fresh code. Errors come as `Failed`, none are raised.

    Closing the iterator (`contextlib.aclosing`) cancels the login; start again for a new code. `pause` is the
    shortest time in seconds between two polls, for a server that answers them at once. `language` is the one
    in which Zalo talks to the session. The network is the one of `ZALOWEB_NETWORK`, or the real one.
    """
    async with Transport(
        network,
        user_agent=user_agent,
        jar=Jar(),
        clock=clock,
        random=random,
        proxy=proxy,
        hosts=hosts,
        trace=trace,
    ) as transport:
        run = _Run(transport, language, api or Api(), pause)
        try:
            async with aclosing(run.steps()) as steps:
                async for step in steps:
                    log.debug("QR login: %s", type(step).__name__)
                    yield step
        except ZaloError as error:
            log.debug("QR login: %s at %s", type(error).__name__, run.stage)
            yield Failed(run.stage, error)
        except TimeoutError:
            log.debug("QR login: expired at %s", run.stage)
            yield Expired()


class _Run:
    """One code, from the page to the session."""

    def __init__(self, transport: Transport, language: str, api: Api, pause: float) -> None:
        self.stage = "page"
        self._transport = transport
        self._clock = transport.clock
        self._language = language
        self._api = api
        self._pause = pause

    async def steps(self) -> AsyncGenerator[Step, None]:
        """Raises `ZaloError`, and `TimeoutError` once the code has expired, by this clock or Zalo's."""
        version = await self._page()
        await self._announce(version)
        shown = await self._generate(version)
        ends = self._clock.monotonic() + LIFE_S
        yield shown
        waiting = [("continue", _CHAT), ("v", version)]
        self.stage = "scan"
        form = [("code", shown.code), *waiting]
        person = _data(await self._wait("authen/qr/waiting-scan", form, ends), _Person, self.stage)
        yield Scanned(person.display_name, person.avatar)
        self.stage = "confirm"
        form = [("code", shown.code), ("gToken", ""), ("gAction", "CONFIRM_QR"), *waiting]
        answer = await self._wait("authen/qr/waiting-confirm", form, ends)
        if answer.code == _DECLINED:
            yield Declined()
            return
        if answer.code != 0:
            raise _refused(self.stage, answer)
        yield Confirmed()
        await self._session()
        await self._account()
        yield Done(await self._login())

    async def _page(self) -> str:
        response = await self._transport.request(
            "GET", _ACCOUNT_PAGE, name="login page", query=[("continue", _CHAT)], headers=qr_headers.PAGE
        )
        found = _VERSION.search(response.body)
        if found is None:
            raise LoginFailed(self.stage, "the login page names no version; Zalo may have changed it")
        return found[1].decode()

    async def _announce(self, version: str) -> None:
        form = [("continue", _PC), ("v", version)]
        for path, fields in (("logininfo", form), ("verify-client", [("type", "device"), *form])):
            try:
                await self._post(path, fields, qr_headers.BEFORE_CODE)
            except ZaloError as error:  # nothing in these answers is needed
                log.info("the QR login goes on without %s: %s", path, error)

    async def _generate(self, version: str) -> ShowQr:
        self.stage = "generate"
        form = [("continue", _PC), ("v", version)]
        answer = await self._post("authen/qr/generate", form, qr_headers.BEFORE_CODE)
        code = _data(answer, _Code, self.stage)
        return ShowQr(_picture(code.image), code.code, self._clock.now_ms() + LIFE_S * 1000)

    async def _session(self) -> None:
        self.stage = "session"
        await self._transport.request(
            "GET",
            f"{_ACCOUNT_PAGE}/checksession",
            name="checksession",
            query=[("continue", f"{_CHAT}index.html")],
            headers=qr_headers.CHECK_SESSION,
        )

    async def _account(self) -> None:
        self.stage = "account"
        answer = await self._transport.ask("GET", _USER_INFO, name="userinfo", headers=qr_headers.USER_INFO)
        if not _data(answer, _UserInfo, self.stage).logged:
            raise LoginFailed(self.stage, "Zalo says that nobody is logged in")

    async def _login(self) -> Session:
        self.stage = "login"
        agent, random = self._transport.user_agent, self._transport.random
        imei = cipher.new_imei(agent, UUID(int=random.getrandbits(128), version=4))
        credentials = Credentials(imei, agent, self._transport.jar, self._language)
        return await log_in_over(self._transport, credentials, random=random, api=self._api)

    async def _wait(self, path: str, form: Pairs, ends: float) -> Envelope:
        return await within(self._clock, ends - self._clock.monotonic(), self._poll(path, form))

    async def _poll(self, path: str, form: Pairs) -> Envelope:
        while True:
            asked = self._clock.monotonic()
            answer = await self._post(path, form, qr_headers.WITH_CODE, deadline=2 * LIFE_S)
            if _over(answer):
                raise TimeoutError(answer.message)
            if answer.code != _ASK_AGAIN:
                return answer
            await self._clock.sleep(max(0.0, asked + self._pause - self._clock.monotonic()))

    async def _post(
        self, path: str, form: Pairs, headers: Mapping[str, str], deadline: float | None = None
    ) -> Envelope:
        name = path.rpartition("/")[2]
        return await self._transport.ask(
            "POST", f"{_ACCOUNT_PAGE}/{path}", name=name, form=form, headers=headers, deadline=deadline
        )


class _Code(msgspec.Struct):
    code: str
    image: str


class _Person(msgspec.Struct):
    display_name: str = ""
    avatar: str = ""


class _UserInfo(msgspec.Struct):
    logged: bool = False


def _data(answer: Envelope, shape: type[T], stage: str) -> T:
    if answer.empty:
        raise _refused(stage, answer)
    try:
        return envelope.decode(stage, bytes(answer.data), shape)
    except ProtocolError as error:
        raise LoginFailed(stage, error.reason) from None


def _picture(image: str) -> bytes:
    """The PNG in a data URL. It is checked before anything opens it: other formats may start programs."""
    try:
        picture = binascii.a2b_base64(image[: 2 * LARGEST_PNG].removeprefix(_IMAGE_PREFIX))
    except ValueError:
        raise LoginFailed("generate", "the picture of the QR code cannot be read") from None
    if problem := png_problem(picture):
        raise LoginFailed("generate", f"the picture of the QR code {problem}")
    return picture


def _over(answer: Envelope) -> bool:
    """Whether Zalo says that the code has expired."""
    told = answer.message.lower()
    return answer.empty and (answer.code == _GONE or any(word in told for word in _GONE_WORDS))


def _refused(stage: str, answer: Envelope) -> LoginFailed:
    return LoginFailed(stage, answer.message or "Zalo gave no reason", answer.code)
