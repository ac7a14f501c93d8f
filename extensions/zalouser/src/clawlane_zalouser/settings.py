"""The settings of a personal Zalo account."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, StrictStr

from clawlane.config.settings import ChannelSettings
from zaloweb.errors import SettingsError
from zaloweb.wire.hosts import Hosts


def _hosts(names: tuple[str, ...]) -> tuple[str, ...]:
    try:
        Hosts(names)
    except SettingsError as error:
        raise ValueError(str(error)) from None
    return names


def _ids(written: tuple[str, ...]) -> tuple[str, ...]:
    for one in written:
        if not (one.isascii() and one.isdecimal() and len(one) <= _LONGEST_ID):
            raise ValueError(f"{one[:40]!r} is no id: write the digits that `openclaw why` shows")
    return written


_LONGEST_ID = 20


class ZaloUserSettings(ChannelSettings):
    """The block `channels.zalouser` and each of its `accounts`: the keys of every channel, and a few more.

    `zaloHosts` adds hosts to the known ones of Zalo. The session's cookies are sent there too, so only the
    operator can add one. `platformSenders` adds ids to those that Zalo itself is known to write from; what
    comes from there is an alarm and never answered. The default account may take its profile from an
    environment variable; OpenClaw set-ups rely on the older name.
    """

    zalo_hosts: Annotated[tuple[StrictStr, ...], AfterValidator(_hosts)] = Field(
        default=(), description="Further hosts that receive the session's cookies."
    )

    platform_senders: Annotated[tuple[StrictStr, ...], AfterValidator(_ids)] = Field(
        default=(), description="Further ids that the platform itself warns the account from."
    )

    profile_env: ClassVar[tuple[str, ...]] = ("ZALOUSER_PROFILE", "ZCA_PROFILE")
    old_programs: ClassVar[tuple[str, ...]] = ("zca", "openzca")
    """The command-line clients that OpenClaw's plugin called before it spoke to Zalo itself (2026.3.2)."""
    old_folders: ClassVar[tuple[str, ...]] = (".openzca",)
    """Where openzca keeps its profiles with their credentials, by its README."""
    shortest_id: ClassVar[int] = 15
    """Zalo ids seen in pushes and lists have 15 to 19 digits; no telephone number has that many."""
