"""What a channel can do: what it sends and shows, what it is asked for, and how much it takes."""

from __future__ import annotations

from dataclasses import dataclass

from clawlane import capabilities
from clawlane.capabilities import HasLimits, Icon, Reacts
from clawlane.channel import Capability
from clawlane.ops.context import OpContext
from clawlane.ops.operation import AccountRequest, operation

_ABILITIES: dict[str, type] = {
    "login": capabilities.Login,
    "probe": capabilities.Probe,
    "directory": capabilities.Directory,
    "fetch_media": capabilities.FetchesMedia,
    "look_up_sends": capabilities.CanReconcile,
    "reconnect": capabilities.CanReconnect,
    "rehearsal": capabilities.Rehearsal,
}
"""What a channel may be able to do besides sending, by the protocol of it."""


@dataclass(frozen=True, slots=True)
class Describe(AccountRequest["Described"]):
    """What the channel of an account can do."""


@dataclass(frozen=True, slots=True)
class Described:
    """`sends` is what it can send and show, in the order of `Capability`, and `lacks` the rest of that.

    `abilities` are further things it can be asked for. `text_units` are the UTF-16 units of one message and
    `file_mb` the largest file in megabytes, None where the channel does not say. `cannot` are sentences.
    """

    channel: str
    label: str
    account: str
    unofficial: bool
    sends: tuple[Capability, ...]
    lacks: tuple[Capability, ...]
    abilities: tuple[str, ...]
    text_units: int | None
    file_mb: float | None
    reactions: tuple[Icon, ...]
    cannot: tuple[str, ...]


@operation
async def describe(ctx: OpContext, request: Describe) -> Described:
    """Raises `OpError`."""
    target = ctx.target(request.channel, request.account)
    manifest, channel = target.manifest, ctx.runtime(target.manifest)
    limits = channel.limits(target.account) if isinstance(channel, HasLimits) else None
    return Described(
        channel=manifest.id,
        label=manifest.label,
        account=target.account.id,
        unofficial=manifest.unofficial,
        sends=tuple(one for one in Capability if one in manifest.capabilities),
        lacks=tuple(one for one in Capability if one not in manifest.capabilities),
        abilities=tuple(name for name, kind in _ABILITIES.items() if isinstance(channel, kind)),
        text_units=limits.text_units if limits else None,
        file_mb=limits.file_mb if limits else None,
        reactions=tuple(channel.icons()) if isinstance(channel, Reacts) else (),
        cannot=limits.cannot if limits else (),
    )
