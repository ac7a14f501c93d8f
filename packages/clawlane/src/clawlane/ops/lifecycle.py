"""Ends and restarts the running gateway from outside, and waits until that is done.

StillRuns      it was told to end and has not ended in time
└── NotBack    it ended to begin again, and no new gateway answers
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from clawlane.condition import Phase, StateCode
from clawlane.config.paths import Paths
from clawlane.ops.client import ControlError, GatewayDown, ask_gateway
from clawlane.ops.operation import Caller
from clawlane.ops.process import GetProcess, Process, Restart, RunningAccount, StopGateway
from clawlane.store.process_lock import is_held, written_pid
from clawlane.texts import later

_POLL = 0.05
_TO_END = 60.0
"""Seconds: twice what the gateway gives its accounts, as agents have to end too."""

_TO_BEGIN = 60.0
_TO_CONNECT = 45.0
_OUTLIVES_LOCK = 5.0
"""Seconds between the release of the lock and the end of the process."""

_LOGS = "openclaw logs"


class StillRuns(ControlError):
    """The gateway did not end in time."""


class NotBack(ControlError):
    """The gateway ended to begin again, and does not answer."""


@dataclass(frozen=True, slots=True)
class Restarted:
    """The gateway that runs now. `missing` are the accounts that were ready before and are not now.

    `opens` says in sentences whom it lets in that the one before kept out.
    """

    process: Process
    seconds: float
    missing: list[RunningAccount]
    opens: list[str] = field(default_factory=list)


def restart(paths: Paths, caller: Caller, *, wait: bool = True) -> Restarted:
    """Restart the gateway; wait until it answers and its accounts are up, or cannot come up by themselves.

    Without `wait` the answer is the gateway that begins to end. Raises `GatewayDown`, `ControlError`,
    `NotBack`, and `ConfigError` for a config that it could not start with; then it goes on.
    """
    started = time.monotonic()
    before = ask_gateway(paths, Restart(), caller)
    if not wait:
        return Restarted(before, 0.0, [], before.opens)
    after = _begun_after(paths, caller, before)
    were_up = {str(one) for one in before.accounts if one.phase is Phase.READY}
    deadline = time.monotonic() + _TO_CONNECT
    while _on_the_way(after) and time.monotonic() < deadline:
        time.sleep(_POLL)
        after = ask_gateway(paths, GetProcess(), caller)
    missing = [one for one in after.accounts if str(one) in were_up and one.phase is not Phase.READY]
    return Restarted(after, time.monotonic() - started, missing, before.opens)


def stop(paths: Paths, caller: Caller) -> Process | None:
    """Stop the gateway, and wait until its process has ended. None if none runs.

    Raises `ControlError` and `StillRuns`.
    """
    try:
        found = ask_gateway(paths, StopGateway(), caller)
    except GatewayDown:
        if not is_held(paths.lock_file):
            return None
        message = later(
            "a process holds the state directory, but does not listen: it is starting or stopping"
        )
        if pid := written_pid(paths.lock_file):
            message = later(
                "a process (pid {pid}) holds the state directory, but does not listen: it is starting or"
                " stopping",
                pid=pid,
            )
        raise ControlError(message, later("try again in a few seconds")) from None
    with _process(found.pid) as ended:
        deadline = time.monotonic() + _TO_END
        while is_held(paths.lock_file):
            if time.monotonic() > deadline:
                raise StillRuns(
                    later(
                        "the gateway (pid {pid}) has not ended after {to_end:.0f} s",
                        pid=found.pid,
                        to_end=_TO_END,
                    ),
                    _LOGS,
                )
            time.sleep(_POLL)
        if ended is not None:
            select.select([ended], [], [], _OUTLIVES_LOCK)
    return found


def _begun_after(paths: Paths, caller: Caller, before: Process) -> Process:
    """The gateway that began after this one."""
    with _process(before.pid) as ended:
        deadline = time.monotonic() + _TO_END + _TO_BEGIN
        while time.monotonic() < deadline:
            try:
                found = ask_gateway(paths, GetProcess(), caller)
            except ControlError:  # its socket is closed, or closes while it is asked
                pass
            else:
                if found.started_ms != before.started_ms:
                    return found
            if ended is not None and select.select([ended], [], [], 0)[0]:
                raise NotBack(later("the gateway has ended and could not restart"), "openclaw gateway run")
            time.sleep(_POLL)
    raise NotBack(later("the gateway (pid {pid}) does not answer after its restart", pid=before.pid), _LOGS)


def _on_the_way(process: Process) -> bool:
    return any(map(_comes_up, process.accounts))


def _comes_up(one: RunningAccount) -> bool:
    """Whether the account is in a phase that it leaves by itself."""
    moving = one.phase in (Phase.STARTING, Phase.CONNECTING, Phase.DEGRADED)
    return one.enabled and (moving or one.code == StateCode.NOT_STARTED)


@contextmanager
def _process(pid: int) -> Iterator[int | None]:
    """Something to `select` on that is ready once the process has ended.

    None where the system has no such thing, or does not show the process, as across containers.
    """
    try:
        handle = os.pidfd_open(pid)
    except (AttributeError, OSError):
        yield None
        return
    try:
        yield handle
    finally:
        os.close(handle)
