"""Shared by every HTTP request of this package: deadlines, redirects, single attempts, error mapping."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
        whole = self.total if total is None else total
        return aiohttp.ClientTimeout(total=whole, connect=min(self.connect, whole))


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
    host = _host_of(url)
    try:
        yield
    except PrivateAddress:
        raise InvalidRequest(f"{host} is no host of the public internet; it is not asked") from None
    except (aiohttp.ClientConnectorDNSError, gaierror):
        raise BeforeSending(name, f"the name {host} was not found") from None
    except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError):
        raise BeforeSending(name, f"no trusted TLS connection to {host}") from None
    except aiohttp.ClientConnectorError as error:
        if NOT_PUBLIC in str(error.strerror):
            raise InvalidRequest(f"{host} is no host of the public internet; it is not asked") from None
        raise BeforeSending(name, f"no connection to {host} ({error.strerror})") from None
    except (aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError) as error:
        raise BeforeSending(name, f"no connection to {host} ({type(error).__name__})") from None
    except (aiohttp.InvalidURL, ValueError):
        raise ProtocolError(name, "an address that is none") from None
    except TimeoutError:
        raise NoAnswer(name, f"no answer from {host} in time") from None
    except (aiohttp.ClientError, OSError) as error:
        raise NoAnswer(name, f"the connection to {host} broke ({type(error).__name__})") from None


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
