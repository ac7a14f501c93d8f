"""Who is logged in on which account."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from clawlane.channel import Account, VaultError
from clawlane.store.vault import FileVault


def linked_elsewhere(
    vaults: Path, account: Account, others: Iterable[Account], user_id: str
) -> Iterator[Account]:
    """The other accounts of the same channel on which a user of the platform is logged in."""
    for other in others:
        another = other.channel == account.channel and other.profile != account.profile
        if another and user_of(vaults, other) == user_id:
            yield other


def user_of(vaults: Path, account: Account) -> str:
    """The id of who is logged in on an account; empty for nobody, and for a session that cannot be read."""
    try:
        identity = FileVault(vaults, account.channel, account.profile).identity()
    except VaultError:
        return ""
    return identity[0] if identity else ""
