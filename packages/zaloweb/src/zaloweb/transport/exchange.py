"""Shared by every HTTP request of this package: deadlines, redirects, single attempts, error mapping."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from socket import gaierror
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from zaloweb.errors import BeforeSending, InvalidRequest, NoAnswer, ProtocolError
from zaloweb.transport.network import NOT_PUBLIC, PrivateAddress
from zaloweb.wire.hosts import next_hop

MOST_REDIRECTS: Final = 10
KEEP_METHOD: Final = (307, 308)
REDIRECTS: Final = (301, 302, 303, *KEEP_METHOD)


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds a request may take: to connect, and in total."""

    connect: float = 10.0
    total: float = 30.0

    def timeout(self, total: float | None) -> aiohttp.ClientTimeout:
        """The same for aiohttp; `total` replaces the usual seconds of the whole request."""
        return _timeout(self.connect, self.total if total is None else total)


@lru_cache(maxsize=16)
def _timeout(connect: float, total: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=total, connect=min(connect, total))


def redirect_target(name: str, url: str, location: str) -> str:
    """The target of a redirect. Raises `ProtocolError` if it is no https address."""
    try:
        target = next_hop(url, location)
        scheme = urlsplit(target).scheme
    except ValueError:
        raise ProtocolError(name, "a redirect leads to an address that is none") from None
    if scheme != "https":
        raise ProtocolError(name, "a redirect leads away from https")
    return target


class _BrokenConnectionError(aiohttp.ClientError):
    """A connection that broke after something was sent over it."""


async def send_once(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keeps aiohttp from repeating a GET when a kept connection breaks: some GETs change things."""
    try:
        return await send(request)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _BrokenConnectionError from error


@contextmanager
def map_errors(name: str, url: str) -> Iterator[None]:
    """Turns what the HTTP library raises into our errors.

    Its texts may hold whole URLs, so none of them is taken over.
    """
    try:
        yield
    except PrivateAddress:
        raise _not_public(url) from None
    except (aiohttp.ClientConnectorDNSError, gaierror):
        raise BeforeSending(name, f"the name {_host_of(url)} was not found") from None
    except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError):
        raise BeforeSending(name, f"no trusted TLS connection to {_host_of(url)}") from None
    except aiohttp.ClientConnectorError as error:
        if NOT_PUBLIC in str(error.strerror):
            raise _not_public(url) from None
        raise BeforeSending(name, f"no connection to {_host_of(url)} ({error.strerror})") from None
    except (aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError) as error:
        raise BeforeSending(name, f"no connection to {_host_of(url)} ({type(error).__name__})") from None
    except (aiohttp.InvalidURL, ValueError):
        raise ProtocolError(name, "an address that is none") from None
    except TimeoutError:
        raise NoAnswer(name, f"no answer from {_host_of(url)} in time") from None
    except (aiohttp.ClientError, OSError) as error:
        raise NoAnswer(name, f"the connection to {_host_of(url)} broke ({type(error).__name__})") from None


def _not_public(url: str) -> InvalidRequest:
    return InvalidRequest(f"{_host_of(url)} is no host of the public internet; it is not asked")


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
