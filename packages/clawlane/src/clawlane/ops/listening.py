"""The sockets that web servers of ours listen on."""

from __future__ import annotations

import socket

from clawlane.config.console import Address


def bound(address: Address) -> socket.socket:
    """A socket that has the address and does not listen yet. Raises `OSError`."""
    made = socket.socket(socket.AF_INET6 if ":" in address.host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
    except BaseException:
        made.close()
        raise
    return made
