"""What lies around the config: permissions, logins, accepted risks, leftovers of other programs."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from clawlane.abilities import Login, Risky
from clawlane.channel import Account, Channel, VaultError
from clawlane.config.load import ChannelConfig
from clawlane.config.places import Places
from clawlane.config.settings import ChannelSettings
from clawlane.host.doctor.finding import Finding, Level
from clawlane.store.consent import read_consent
from clawlane.store.errors import ConsentDamaged, StoreUnusable
from clawlane.store.marker import check_before
from clawlane.store.reader import reading
from clawlane.store.vault import FileVault

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_OLD_CREDENTIALS = Path(".openclaw", "credentials")


def permissions(places: Places) -> Iterator[Finding]:
    """What of our files others could read: sessions, messages and the config are private."""
    if not places.state.is_dir():
        return
    for path in (places.state, *sorted(places.state.rglob("*"))):
        if path.is_symlink() or path == places.config_file or not path.stat().st_mode & _OTHERS:
            continue
        if path != places.state and not _is_secret(path, places):
            continue
        mode = stat.filemode(path.stat().st_mode)
        message = f"others can get at it ({mode})"
        yield Finding(Level.ERROR, "permissions", str(path), message, f"run: chmod go-rwx '{path}'")


def store(places: Places) -> Iterator[Finding]:
    """Whether the gateway would start with the store that is there."""
    try:
        check_before(places.store)
        if places.store.exists():
            with reading(places.store) as reader:
                reader.check_marker()
    except StoreUnusable as error:
        message, _, mend = str(error).rpartition("; ")
        yield Finding(
            Level.ERROR, "store_unusable", str(places.store), message or mend, mend if message else ""
        )


def accounts(channel: Channel, block: ChannelConfig, places: Places) -> Iterator[Finding]:
    """Whether the enabled accounts can run."""
    for account in block.accounts:
        if not account.enabled:
            continue
        words = f"openclaw channels login --channel {account.channel}"
        if account.id != block.default_account:
            words += f" --account {account.id}"
        yield from _login(channel, account, places, words)


def leftovers(block: ChannelConfig, environ: Mapping[str, str]) -> Iterator[Finding]:
    """What the external command of earlier days left behind."""
    channel, settings = block.manifest.id, _settings(block)
    _, *older = settings.profile_env or ("",)
    for name in older:
        if value := environ.get(name, "").strip():
            message = f"is honoured (profile '{value}'), but it is the name of an older program"
            mend = f"set {settings.profile_env[0]}, or `profile` in the config"
            yield Finding(Level.NOTE, "old_variable", name, message, mend)
    home = Path(environ.get("HOME") or Path.home())
    for path in sorted((home / _OLD_CREDENTIALS / channel).glob("credentials*.json")):
        message = (
            "holds a session of an older program; it is not read here, and whoever has it has the account"
        )
        mend = f"log in with `openclaw channels login --channel {channel}`, then remove the file"
        yield Finding(Level.WARNING, "old_credentials", str(path), message, mend)


def _login(channel: Channel, account: Account, places: Places, words: str) -> Iterator[Finding]:
    vault = FileVault(places.vault_dir, account.channel, account.profile)
    try:
        identity = vault.identity()
    except VaultError as error:
        yield Finding(Level.ERROR, "session_damaged", str(account), str(error), account=str(account))
        return
    if isinstance(channel, Login) and identity is None:
        yield Finding(
            Level.WARNING, "not_linked", str(account), "nobody is logged in", f"run: {words}", str(account)
        )
        return
    yield from _risk(channel, account, places, words)


def _risk(channel: Channel, account: Account, places: Places, words: str) -> Iterator[Finding]:
    if not isinstance(channel, Risky):
        return
    try:
        consent, reason = read_consent(places.consent_dir, account.channel, account.profile), ""
    except ConsentDamaged as error:
        consent, reason = None, str(error)
    if consent is None:
        message = reason or "the risk of this channel has not been accepted, so the account does not run"
        mend = f"run: {words} --force"
        yield Finding(Level.ERROR, "risk_not_accepted", str(account), message, mend, str(account))


def _is_secret(path: Path, places: Places) -> bool:
    private = (places.vault_dir, places.consent_dir, places.store, places.log_dir, places.qr_dir)
    return any(path == one or one in path.parents or path.name.startswith(one.name) for one in private)


def _settings(block: ChannelConfig) -> ChannelSettings:
    settings: ChannelSettings = block.accounts[0].settings
    return settings
