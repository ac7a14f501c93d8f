"""The addresses that a login returns, filtered to those of Zalo; the others are listed with reasons."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from zaloweb.wire.hosts import Hosts, Scheme

SOCKET: Final = "socket"
"""The name of the WebSocket in `left_out`."""

NEEDED: Final = ("chat", "group", SOCKET)
"""An account needs these: texts to people go over one service, those to groups over the other."""

_MOST_NAMES = 500
_MOST_ADDRESSES = 50
_LONGEST = 2048
_NAME = re.compile(r"[^A-Za-z0-9_.-]")


@dataclass(frozen=True, slots=True)
class Services:
    """Addresses of services and sockets. `left_out` gives the reason for each service with a refused one."""

    services: dict[str, list[str]] = field(repr=False)
    ws_urls: tuple[str, ...] = field(repr=False)
    left_out: dict[str, str]

    @property
    def missing(self) -> dict[str, str]:
        """Those of `NEEDED` whose addresses were all refused."""
        usable = {**self.services, SOCKET: self.ws_urls}
        gone = [name for name in NEEDED if name in self.left_out and not usable.get(name)]
        return {name: self.left_out[name] for name in gone}


def filter_services(services: Mapping[str, object], ws_urls: Iterable[object], hosts: Hosts) -> Services:
    """The usable addresses in a server's answer. Anything but lists of texts is ignored."""
    left_out: dict[str, str] = {}
    kept: dict[str, list[str]] = {}
    for name, told in list(services.items())[:_MOST_NAMES]:
        if isinstance(told, list):
            kept[name] = _usable(name, told, hosts, "https", left_out)
    sockets = _usable(SOCKET, ws_urls, hosts, "wss", left_out)
    return Services(kept, tuple(sockets), left_out)


def _usable(
    name: str, told: Iterable[object], hosts: Hosts, scheme: Scheme, left_out: dict[str, str]
) -> list[str]:
    usable = []
    for url in list(told)[:_MOST_ADDRESSES]:
        if not isinstance(url, str):
            continue
        refusal = "an address that is far too long" if len(url) > _LONGEST else hosts.refusal(url, scheme)
        if refusal:
            left_out.setdefault(_NAME.sub("?", name)[:40], refusal)
        else:
            usable.append(url)
    return usable
