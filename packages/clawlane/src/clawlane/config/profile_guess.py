"""Which profile an account uses, read from a config that does not load: as far as the file can be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clawlane.channel import Manifest, load_dotted
from clawlane.config.accounts import DEFAULT
from clawlane.config.errors import ConfigError
from clawlane.config.paths import Paths
from clawlane.config.settings import ChannelSettings
from clawlane.config.source import read_source


@dataclass(frozen=True, slots=True)
class Guess:
    """An account and its profile. `sure` is false where the file could not even be parsed."""

    account: str
    profile: str
    sure: bool


def guess_profile(
    places: Paths, channel: str, manifest: Manifest | None, account: str | None, environ: Mapping[str, str]
) -> Guess:
    """By the same rules as for a config that loads; without a file that parses, the account's own name."""
    try:
        block = _mapping(_mapping(read_source(places.config_file).data.get("channels")).get(channel))
        sure = True
    except ConfigError:
        block, sure = {}, False
    accounts = {name.strip().lower(): _mapping(own) for name, own in _mapping(block.get("accounts")).items()}
    default = _default(block, accounts)
    name = (account or default).strip().lower()
    own = accounts.get(name, {}).get("profile") or (block.get("profile") if name == default else None)
    if not own and name == default:
        own = _from_environment(manifest, environ)
    profile = own.strip().lower() if isinstance(own, str) else ""
    return Guess(name, profile or name, sure)


def _default(block: Mapping[str, Any], accounts: Mapping[str, Any]) -> str:
    written = block.get("defaultAccount")
    if isinstance(written, str) and written.strip().lower() in accounts:
        return written.strip().lower()
    return DEFAULT if DEFAULT in accounts or not accounts else min(accounts)


def _from_environment(manifest: Manifest | None, environ: Mapping[str, str]) -> str:
    if manifest is None:
        return ""
    model: type[ChannelSettings] = load_dotted(manifest.settings)
    return next((value for name in model.profile_env if (value := environ.get(name, "").strip())), "")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
