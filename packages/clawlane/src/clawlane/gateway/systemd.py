"""systemd: readiness notifications and the unit file."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Mapping, Sequence

READY = "READY=1"
STOPPING = "STOPPING=1"
_UNIT = """\
[Unit]
Description=clawlane, the gateway between chat accounts and an agent
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=300
StartLimitBurst=10

[Service]
Type=notify
NotifyAccess=main
ExecStart={command}
{environment}Restart=on-failure
RestartSec=5
TimeoutStartSec=60
TimeoutStopSec=60
KillMode=mixed
UMask=0077
NoNewPrivileges=yes

[Install]
WantedBy=default.target
"""

log = logging.getLogger(__name__)


def reloading() -> str:
    """What says that the service is busy and will be ready again as the same process.

    After `STOPPING` the manager would wait for its end, and kill it.
    """
    return f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}"


def notify(environ: Mapping[str, str], *lines: str) -> None:
    """Send lines to the service manager at `$NOTIFY_SOCKET`, if there is one."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = f"\0{address[1:]}"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
            manager.connect(address)
            manager.sendall("\n".join(lines).encode())
    except OSError as error:
        log.warning("the service manager did not get %s: %s", ", ".join(lines), error)


def unit(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """The text of a unit that runs a command with these variables. It restarts after crashes."""
    variables = "".join(
        f"Environment={_quoted(f'{name}={value}')}\n" for name, value in sorted(environment.items())
    )
    program, *words = map(_quoted, command)
    # Variables are filled into the words behind the program, not into its path.
    line = " ".join([program, *(word.replace("$", "$$") for word in words)])
    return _UNIT.format(command=line, environment=variables)


def _quoted(word: str) -> str:
    """As systemd reads it: `%` begins a specifier, backslashes and quotes are escaped inside quotes."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("\n", "\\n")
    return f'"{escaped}"'
