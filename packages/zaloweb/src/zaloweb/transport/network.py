"""Where connections go and which certificates are trusted: the real Zalo, or a simulator on loopback.

In a rehearsal every connection of this package goes to one port of this machine, whatever its host. Host
names, cookies, redirects and origins stay exactly as in production. A numeric host bypasses the resolver, so
the socket factory refuses every other address as well.

External hosts (of pictures and files in messages) have separate connections, which go to addresses of the
public internet only. The socket factory checks the resolved address, so DNS rebinding does not help an
attacker.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from zaloweb.errors import SettingsError

VARIABLE = "ZALOWEB_NETWORK"
LOOPBACK = "127.0.0.1"
_SHAPE = f"{LOOPBACK}:PORT,CAFILE"
_KEPT_CONNECTIONS = 4

_AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]


_NAT64 = IPv6Network("64:ff9b::/96")


NOT_PUBLIC = "not an address of the public internet"
"""The error text of a connection that was refused because of its address."""


class PrivateAddress(OSError):
    """An external host resolves to an address that is not of the public internet."""

    def __init__(self) -> None:
        super().__init__(errno.EACCES, NOT_PUBLIC)


@dataclass(frozen=True, slots=True)
class Network:
    """A resolver and a trust store. Make one with `real`, `loopback` or `from_env` and share it."""

    trust: ssl.SSLContext = field(repr=False)
    port: int | None = None

    @classmethod
    def real(cls) -> Network:
        """The internet, with the certificates this machine trusts."""
        return cls(ssl.create_default_context())

    @classmethod
    def loopback(cls, port: int, ca_file: str | os.PathLike[str]) -> Network:
        """Only one port of this machine and one certificate authority. Raises `SettingsError`."""
        if not 0 < port < 65536:
            raise SettingsError(f"{port} is no port to rehearse on: use 1 to 65535")
        return cls(_trust_only(Path(ca_file)), port)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Network:
        """The network in `ZALOWEB_NETWORK`; the real one if unset or empty. Raises `SettingsError`."""
        value = (os.environ if environ is None else environ).get(VARIABLE, "").strip()
        if not value:
            return cls.real()
        address, comma, ca_file = value.partition(",")
        host, _, port = address.rpartition(":")
        if not comma or not host or not ca_file or not (port.isascii() and port.isdigit()):
            raise SettingsError(f"{VARIABLE}: {value!r} is not of the shape {_SHAPE}")
        if host != LOOPBACK:
            raise SettingsError(f"{VARIABLE}: {host!r} is not allowed, only {LOOPBACK} ({_SHAPE})")
        try:
            return cls.loopback(int(port), ca_file)
        except SettingsError as error:
            raise SettingsError(f"{VARIABLE}: {error}") from None

    @property
    def rehearsal(self) -> str:
        """The address of the simulator, such as `127.0.0.1:4443`; "" on the real network."""
        return "" if self.port is None else f"{LOOPBACK}:{self.port}"

    def connector(self) -> aiohttp.TCPConnector:
        """A new pool of at most four connections, with the trust store of this network."""
        if self.port is None:
            return aiohttp.TCPConnector(ssl=self.trust, limit=_KEPT_CONNECTIONS)
        return aiohttp.TCPConnector(
            ssl=self.trust,
            limit=_KEPT_CONNECTIONS,
            resolver=_LoopbackResolver(self.port),
            use_dns_cache=False,
            socket_factory=partial(_loopback_socket, self.port),
        )

    def public_connector(self, *, direct: bool) -> aiohttp.TCPConnector:
        """A new pool for external hosts.

        `direct` connections go to public addresses only, or to the simulator in a rehearsal.
        """
        if self.port is not None or not direct:
            return self.connector()
        return aiohttp.TCPConnector(
            ssl=self.trust, limit=_KEPT_CONNECTIONS, socket_factory=_public_socket, use_dns_cache=False
        )

    async def check_public(self, host: str) -> None:
        """Raise `PrivateAddress` unless every address of a host is public, and `OSError` if it has none."""
        if self.port is not None:
            return
        for *_, address in await asyncio.get_running_loop().getaddrinfo(host, 443, type=socket.SOCK_STREAM):
            if not is_public(str(address[0])):
                raise PrivateAddress


def is_public(address: str) -> bool:
    """Whether an IP address is public, also if it is embedded in an IPv6 address."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(
        one.is_global and not (one.is_multicast or one.is_reserved or one.is_unspecified)
        for one in _inside(found) or [found]
    )


def _inside(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """The IPv4 addresses embedded in an IPv6 address."""
    if isinstance(address, IPv4Address):
        return []
    wrapped: list[IPv4Address | None] = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        wrapped.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [one for one in wrapped if one is not None]


def _public_socket(info: _AddressInfo) -> socket.socket:
    if not is_public(str(info[4][0])):
        raise PrivateAddress
    return _socket(info)


def _loopback_socket(port: int, info: _AddressInfo) -> socket.socket:
    if info[0] != socket.AF_INET or tuple(info[4][:2]) != (LOOPBACK, port):
        raise OSError(errno.EACCES, f"a rehearsal talks to {LOOPBACK}:{port} only")
    return _socket(info)


def _socket(info: _AddressInfo) -> socket.socket:
    family, kind, protocol, *_ = info
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    return made


class _LoopbackResolver(AbstractResolver):
    """Gives the one address for every name."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(
        self,
        host: str,
        port: int = 0,  # noqa: ARG002
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=LOOPBACK,
                port=self._port,
                family=socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """There is nothing to close."""


def _trust_only(ca_file: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cafile=ca_file)
    except ssl.SSLError:
        raise SettingsError(
            f"{ca_file} holds no certificate; the simulator writes one to its --ca FILE"
        ) from None
    except OSError as error:
        raise SettingsError(f"cannot read the certificate {ca_file}: {error.strerror}") from None
    return context
