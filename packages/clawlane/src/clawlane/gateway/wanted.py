"""What each account should run with: by the config in force, and by an edit that waits."""

from __future__ import annotations

from dataclasses import dataclass, replace

from clawlane.access.in_force import Rules
from clawlane.access.policy import AccessPolicy
from clawlane.config.choices import DmPolicy, GroupPolicy
from clawlane.config.load import Config
from clawlane.lane.live_settings import LaneSettings


@dataclass(frozen=True, slots=True)
class Edited:
    """A config that widens access and waits. `narrows` are the accounts that it keeps somebody out of."""

    config: Config
    narrows: frozenset[str] = frozenset()


def settings_of(config: Config, edited: Edited | None) -> dict[str, LaneSettings]:
    """The settings of all accounts of a config by `channel/id`, with the rules of another one that waits."""
    later = {str(one): one for one in edited.config.accounts} if edited else {}
    found = {}
    for account in config.accounts:
        name = str(account)
        rules = Rules.of(config, account)
        if edited is not None and name in later:
            policy = AccessPolicy.of(edited.config, later[name])
            rules = Rules(rules.policy, policy, name in edited.narrows)
        found[name] = LaneSettings.of(config, account, rules)
    return found


def closed(settings: LaneSettings, revision: str) -> LaneSettings:
    """The settings of an account that is no longer in the config, until it has stopped."""
    nobody = AccessPolicy(dm=DmPolicy.DISABLED, groups=GroupPolicy.DISABLED, revision=revision)
    return replace(settings, account=replace(settings.account, enabled=False), rules=Rules(nobody))
