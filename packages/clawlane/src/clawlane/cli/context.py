"""What most commands begin with: places, installed plugins, config, and the account that is meant."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from clawlane.channel import Account, Channel, Manifest
from clawlane.cli.failure import CliError
from clawlane.config.paths import Paths

if TYPE_CHECKING:
    from clawlane.config.load import ChannelConfig, Config
    from clawlane.plugins.registry import Registry


STATE_HELP = "set CLAWLANE_STATE_DIR to a folder of your own"


@dataclass(frozen=True, slots=True)
class Target:
    """The account a command is about. `configured` is false when the config has no block for its channel."""

    manifest: Manifest
    account: Account
    configured: bool
    is_default: bool

    @property
    def words(self) -> str:
        """What names this account in a command: `--channel zalouser`, with `--account` where it is needed."""
        return account_words(self.account.channel, self.account.id, self.is_default)


def account_words(channel: str, account: str, is_default: bool) -> str:
    """The options that name an account in a command."""
    return f"--channel {channel}" + ("" if is_default else f" --account {account}")


@dataclass(frozen=True)
class CliContext:
    """Everything is read when it is first asked for, and once."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    @cached_property
    def places(self) -> Paths:
        """Where everything is. Raises `CliError` if the state directory is none."""
        found = Paths.from_env(self.environ)
        if os.path.lexists(found.state) and not found.state.is_dir():
            what = "is a link that leads nowhere" if found.state.is_symlink() else "is not a folder"
            raise CliError(f"the state directory {found.state} {what}", STATE_HELP)
        if found.state.is_dir() and not os.access(found.state, os.R_OK | os.X_OK):
            raise CliError(f"the state directory {found.state} cannot be read", STATE_HELP)
        return found

    @cached_property
    def registry(self) -> Registry:
        from clawlane.plugins.registry import Registry

        return Registry(self.places)

    @cached_property
    def config(self) -> Config:
        """The checked config. Raises `ConfigError`."""
        from clawlane.config.load import load

        return load(self.places, self.registry, self.environ)

    def manifest(self, channel: str | None) -> Manifest:
        """The installed channel of that id or alias; without one, the only channel there is."""
        if channel:
            return self.registry.find(channel)
        installed = self.registry.manifests()
        if len(installed) == 1:
            return installed[0]
        names = ", ".join(manifest.id for manifest in installed)
        if not installed:
            raise CliError("no channel plugin is installed", "openclaw plugins install @openclaw/zalouser")
        raise CliError("there are several channels", f"name one with --channel: {names}")

    def block(self, manifest: Manifest) -> tuple[ChannelConfig, bool]:
        """The accounts of a channel, and whether the config has a block for it."""
        if found := self.config.channels.get(manifest.id):
            return found, True
        from clawlane.config.load import unconfigured

        return unconfigured(manifest, self.config.source, self.environ), False

    def meant(self, channel: str | None, account: str | None) -> Target:
        """The channel and account that a command names, or the default ones. Raises `CliError`."""
        manifest = self.manifest(channel)
        block, configured = self.block(manifest)
        found = block.account(account)
        if found is None:
            known = ", ".join(one.id for one in block.accounts) or "none"
            raise CliError(f"{manifest.id} has no account '{account}'", f"its accounts are: {known}")
        return Target(manifest, found, configured, found.id == block.default_account)

    def runtime(self, manifest: Manifest) -> Channel:
        """The channel itself, with its libraries."""
        from clawlane.plugins.registry import load_runtime

        return load_runtime(manifest)
