"""What the config may say about a personal Zalo account."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AfterValidator, StrictStr

from clawlane.config.settings import ChannelSettings
from zaloweb.errors import SettingsError
from zaloweb.wire.hosts import Hosts


def _hosts(names: tuple[str, ...]) -> tuple[str, ...]:
    try:
        Hosts(names)
    except SettingsError as error:
        raise ValueError(str(error)) from None
    return names


class ZaloUserSettings(ChannelSettings):
    """The block `channels.zalouser`, and each of its `accounts`: the keys that every channel has.

    `zaloHosts` adds hosts to those that are known to be Zalo's; cookies of the session go there, too, so only
    the operator can say so. The default account may get its profile from a variable; OpenClaw set-ups rely on
    the older name.
    """

    zalo_hosts: Annotated[tuple[StrictStr, ...], AfterValidator(_hosts)] = ()

    profile_env: ClassVar[tuple[str, ...]] = ("ZALOUSER_PROFILE", "ZCA_PROFILE")
    shortest_id: ClassVar[int] = 15
    """Zalo ids have 15 to 19 digits as far as they were seen in pushes and lists;
    no telephone number has that many."""
