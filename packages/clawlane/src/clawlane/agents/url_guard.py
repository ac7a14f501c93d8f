"""Fetching from an address that somebody else chose, without becoming a way into the operator's network.

Only https, only the usual port, only hosts by name. A name is resolved once for each hop and every address of
it must be of the public internet; the connection goes to one of those that were checked, so another answer
of the name server between the check and the connection changes nothing. Redirects are followed by hand, at
most `MOST_REDIRECTS`, each checked the same way. A request carries no cookies, no credentials and goes
through no proxy.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from clawlane.capabilities import RehearsedNetwork

MOST_REDIRECTS = 5
LONGEST_URL = 2000
_REDIRECTS = (301, 302, 303, 307, 308)
_CONNECT_S = 10.0
_ODD = re.compile(r"[\x00-\x20\x7f\\]")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*", re.IGNORECASE)
_NAT64 = IPv6Network("64:ff9b::/96")
_NOT_PUBLIC = tuple(
    map(ip_network, ("192.0.0.0/24", "64:ff9b:1::/48", "100::/64", "3fff::/20", "5f00::/16", "fec0::/10"))
)
"""Special networks that some versions of Python count as global."""

_AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]


class NotFetched(Exception):
    """An address was not fetched. The text is for the operator and says nothing of it but its host."""


Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""The addresses of a host. Raises `OSError`."""


async def resolve(host: str) -> Sequence[str]:
    """The addresses of a host, as this machine knows them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(info[4][0]) for info in found))


def is_public(address: str) -> bool:
    """Whether an IP address is of the public internet, also the ones embedded in an IPv6 address."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return not any(found in network for network in _NOT_PUBLIC) and all(
        one.is_global and not (one.is_multicast or one.is_reserved or one.is_unspecified)
        for one in _embedded(found) or [found]
    )


def _embedded(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """The IPv4 addresses in an IPv6 address: mapped, 6to4, Teredo, NAT64."""
    if isinstance(address, IPv4Address):
        return []
    found: list[IPv4Address | None] = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [one for one in found if one is not None]


@dataclass(frozen=True, slots=True)
class Network:
    """Where names lead, which addresses may be connected to, on which port, and whose certificates count."""

    resolve: Resolve = resolve
    allows: Callable[[str], bool] = is_public
    port: int = 443
    trust: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False)

    @classmethod
    def rehearsed(cls, rehearsed: RehearsedNetwork) -> Network:
        """Every name leads to the simulator. All other checks are those of the real network."""

        async def to_simulator(_host: str) -> Sequence[str]:
            return (rehearsed.address,)

        return cls(
            to_simulator, lambda address: address == rehearsed.address, rehearsed.port, rehearsed.trust
        )


@dataclass(frozen=True, slots=True)
class Fetched:
    """The head of what is being fetched; `blocks` gives the body, at most as much as was allowed.

    `name` is the last part of the address, which others chose, and `declared` the type that the host says.
    """

    name: str
    declared: str
    blocks: AsyncIterator[bytes]


@asynccontextmanager
async def fetching(network: Network, url: str, *, max_bytes: int, deadline: float) -> AsyncIterator[Fetched]:
    """What an address leads to, read while this is entered and within `deadline` seconds in all.

    Raises `NotFetched`, also from `blocks`.
    """
    try:
        async with asyncio.timeout(deadline), _client(network) as client:
            answer = await _follow(client, url)
            try:
                yield _checked(answer, max_bytes)
            finally:
                _drop(answer)
    except TimeoutError:
        raise NotFetched(f"{host_of(url)} took longer than {deadline:g} s") from None


def host_of(url: str) -> str:
    """The host of an address for a log; what is left of it says nothing about the path or a secret."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    return f"https://{host[:80]}" if re.fullmatch(r"[\w.-]+", host) else "an address without a host"


@asynccontextmanager
async def _client(network: Network) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(
        ssl=network.trust,
        use_dns_cache=False,
        resolver=_CheckedResolver(network),
        socket_factory=partial(_checked_socket, network),
    )
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None, connect=_CONNECT_S),
        headers={"User-Agent": "clawlane", "Accept-Encoding": "identity"},
        max_line_size=8190,
        max_field_size=8190,
    ) as client:
        yield client
    await asyncio.sleep(0)  # the last connection is closed in the next round of the loop


async def _follow(client: aiohttp.ClientSession, url: str) -> aiohttp.ClientResponse:
    for _ in range(MOST_REDIRECTS + 1):
        _check(url)
        try:
            answer = await client.get(URL(url, encoded=url.isascii()), allow_redirects=False)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            refused = _refusal(error)
            raise NotFetched(f"{host_of(url)} {refused or 'cannot be reached'}") from None
        location = answer.headers.get("Location", "")
        if answer.status not in _REDIRECTS or not location:
            return answer
        _drop(answer)
        try:
            url = urljoin(url, location)
        except ValueError:
            raise NotFetched(f"{host_of(url)} redirects to what is no address") from None
    raise NotFetched(f"{host_of(url)}: more than {MOST_REDIRECTS} redirects")


def _drop(answer: aiohttp.ClientResponse) -> None:
    """Give up an answer at once, without a farewell that the host could draw out."""
    connection = answer.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()
    answer.close()


def _refusal(error: BaseException | None) -> str:
    """Why we did not connect, if that was our own doing; aiohttp wraps it."""
    while error is not None:
        if isinstance(error, _NotAllowed):
            return str(error)
        error = error.__cause__ or error.__context__
    return ""


def _check(url: str) -> None:
    """Raises `NotFetched` for an address that is not one of the web's usual ones."""
    if len(url) > LONGEST_URL:
        raise NotFetched(f"an address of more than {LONGEST_URL} characters")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        user = parts.username is not None or parts.password is not None
        host.encode("idna")  # no label of it is empty or too long
    except ValueError:
        raise NotFetched("what is no address") from None
    if parts.scheme.lower() != "https" or not host:
        raise NotFetched("only https addresses are fetched")
    if user or _ODD.search(url):
        raise NotFetched("an address with a user, a backslash or blanks")
    if port not in (None, 443):
        raise NotFetched(f"{host_of(url)}: only the usual port is used")
    if ":" in host or _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        raise NotFetched("an address that names its host by a number")


def _checked(answer: aiohttp.ClientResponse, max_bytes: int) -> Fetched:
    url = str(answer.url)
    host = host_of(url)
    if answer.status != 200:
        raise NotFetched(f"{host} answered with status {answer.status}")
    if answer.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise NotFetched(f"{host} sent it packed, although it was asked not to")
    if (answer.content_length or 0) > max_bytes:
        raise NotFetched(f"{host}: it has more than {max_bytes / 2**20:g} MB")
    return Fetched(answer.url.name, answer.content_type.lower(), _blocks(answer, host, max_bytes))


async def _blocks(answer: aiohttp.ClientResponse, host: str, max_bytes: int) -> AsyncIterator[bytes]:
    size = 0
    while True:
        try:
            block = await answer.content.readany()
        except (aiohttp.ClientError, OSError):
            raise NotFetched(f"{host} broke off in the middle") from None
        if not block:
            return
        size += len(block)
        if size > max_bytes:
            raise NotFetched(f"{host}: it has more than {max_bytes / 2**20:g} MB")
        yield block


class _NotAllowed(OSError):
    """A host leads to an address that is not to be connected to."""

    def __init__(self) -> None:
        super().__init__("leads to an address that is not of the public internet")


class _CheckedResolver(AbstractResolver):
    """Gives the addresses of a name only if all of them are allowed."""

    def __init__(self, network: Network) -> None:
        self._network = network

    async def resolve(
        self,
        host: str,
        port: int = 0,  # noqa: ARG002 — the network knows it
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002
    ) -> list[ResolveResult]:
        addresses = await self._network.resolve(host)
        if not all(map(self._network.allows, addresses)):
            raise _NotAllowed
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=self._network.port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """There is nothing to close."""


def _checked_socket(network: Network, info: _AddressInfo) -> socket.socket:
    """A socket for an address. Looks at it once more: a host that is a number asks no resolver."""
    if not network.allows(str(info[4][0])):
        raise _NotAllowed
    family, kind, protocol, *_ = info
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    return made
