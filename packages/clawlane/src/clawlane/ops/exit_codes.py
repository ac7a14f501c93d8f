"""What the exit codes of status and health say."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

from clawlane.condition import Health, Phase
from clawlane.ops.account_status import (
    AccountStatus,
)
from clawlane.ops.status import Status


class Exit(IntEnum):
    """What the exit code says. Of several accounts the highest counts."""

    WELL = 0
    DEGRADED = 2
    NOT_LINKED = 3
    STOPPED = 4
    GATEWAY_DOWN = 5


def exit_code(found: Status) -> Exit:
    """The highest code of all enabled accounts, of the gateway, its webhooks and the config file."""
    codes = [exit_code_of(one) for one in accounts_of(found) if one.enabled] or [Exit.NOT_LINKED]
    if not found.gateway:
        codes += [] if any(one.node for one in accounts_of(found)) else [Exit.GATEWAY_DOWN]
    elif any(one.problem for one in found.gateway.serves.values()):
        codes.append(Exit.DEGRADED)
    if found.config.error or found.webhooks:
        codes.append(Exit.DEGRADED)
    return max(codes)


def exit_code_of(one: AccountStatus) -> Exit:
    """The code of one account."""
    expired = one.probe is not None and one.probe.expired
    muted = any(pause.thread is None for pause in one.pauses)
    if muted or one.phase in (Phase.REPLACED, Phase.PAUSED):
        return Exit.STOPPED
    missing = one.phase in (Phase.NEEDS_LOGIN, Phase.NEEDS_CONSENT)
    if missing or not one.linked or one.auth is Health.BROKEN or expired:
        return Exit.NOT_LINKED
    healthy = Health.BROKEN not in (one.inbound, one.outbound, one.storing)
    healthy = healthy and not any(problem.degrades for problem in one.problems)
    healthy = healthy and (one.probe is None or one.probe.ok)
    return Exit.WELL if one.phase is Phase.READY and healthy else Exit.DEGRADED


def accounts_of(found: Status) -> Iterator[AccountStatus]:
    """The accounts of all channels."""
    for block in found.channels.values():
        yield from block.accounts.values()
