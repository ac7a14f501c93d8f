"""What the operator should know about an account's configuration, in the log and in the status."""

from __future__ import annotations

from clawlane.access.entries import SenderList
from clawlane.channel import Account
from clawlane.config.load import Config
from clawlane.config.policy import DmPolicy


def findings(config: Config, account: Account) -> list[str]:
    """One line each, the worst first."""
    found = []
    if account.settings.dm_policy is DmPolicy.OPEN:
        path = config.effective(account, "dmPolicy").origin.path
        found.append(f"critical: {path} is 'open': anybody may make the agent answer; write 'pairing'")
    for key, entries in _lists(account):
        path = config.effective(account, key).origin.path
        found += [
            f"{path}: {name!r} is a name and matches nobody; write the numeric id"
            for name in SenderList.of(entries).names
        ]
    return [*found, "group messages are dropped for now"]


def _lists(account: Account) -> list[tuple[str, tuple[str, ...]]]:
    settings = account.settings
    return [("allowFrom", settings.allow_from), ("groupAllowFrom", settings.group_allow_from or ())]
