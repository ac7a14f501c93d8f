"""What lies around the config: logins, accepted risks, leftovers of other programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from clawlane.abilities import Login, Risky
from clawlane.channel import Account, Channel, VaultError
from clawlane.config.load import ChannelConfig
from clawlane.config.places import Places
from clawlane.config.settings import ChannelSettings
from clawlane.host.finding import Finding, Severity
from clawlane.store.consent import read_consent
from clawlane.store.errors import ConsentDamaged
from clawlane.store.linked import user_of
from clawlane.store.vault import FileVault

_OLD_CREDENTIALS = Path(".openclaw", "credentials")


def accounts(channel: Channel, block: ChannelConfig, places: Places) -> Iterator[Finding]:
    """Whether the enabled accounts can run."""
    for account in block.accounts:
        if not account.enabled:
            continue
        words = f"openclaw channels login --channel {account.channel}"
        if account.id != block.default_account:
            words += f" --account {account.id}"
        yield from _login(channel, account, places, words)
    yield from _one_user_twice(block, places)


def leftovers(block: ChannelConfig, environ: Mapping[str, str]) -> Iterator[Finding]:
    """What the external command of earlier days left behind."""
    channel, settings = block.manifest.id, _settings(block)
    _, *older = settings.profile_env or ("",)
    for name in older:
        if value := environ.get(name, "").strip():
            message = f"is honoured (profile '{value}'), but it is the name of an older program"
            mend = f"set {settings.profile_env[0]}, or `profile` in the config"
            yield Finding(Severity.NOTE, "old_variable", name, message, mend)
    home = Path(environ.get("HOME") or Path.home())
    for path in sorted((home / _OLD_CREDENTIALS / channel).glob("credentials*.json")):
        message = (
            "holds a session of an older program; it is not read here, and whoever has it has the account"
        )
        mend = f"log in with `openclaw channels login --channel {channel}`, then remove the file"
        yield Finding(Severity.WARNING, "old_credentials", str(path), message, mend)


def _login(channel: Channel, account: Account, places: Places, words: str) -> Iterator[Finding]:
    vault = FileVault(places.vault_dir, account.channel, account.profile)
    try:
        identity = vault.identity()
    except VaultError as error:
        yield Finding(
            Severity.ERROR,
            "session_damaged",
            str(account),
            str(error).removesuffix(f"; {error.help}"),
            error.help,
            accounts=(str(account),),
        )
        return
    if isinstance(channel, Login) and identity is None:
        yield Finding(
            Severity.WARNING,
            "not_linked",
            str(account),
            "nobody is logged in",
            f"run: {words}",
            None,
            (str(account),),
        )
        return
    yield from _risk(channel, account, places, words)


def _one_user_twice(block: ChannelConfig, places: Places) -> Iterator[Finding]:
    """Two enabled accounts on which the same user is logged in: each ends the other's session."""
    first: dict[str, Account] = {}
    for account in block.accounts:
        user_id = user_of(places.vault_dir, account) if account.enabled else ""
        if not user_id:
            continue
        other = first.setdefault(user_id, account)
        if other is not account:
            text = f"{user_id} is linked on {other} too; the two end each other's session"
            words = f"--channel {account.channel} --account {account.id}"
            mend = f"run: openclaw channels logout {words}, or disable one"
            both = (str(other), str(account))
            yield Finding(Severity.ERROR, "one_user_twice", str(account), text, mend, None, both)


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
        yield Finding(Severity.ERROR, "risk_not_accepted", str(account), message, mend, None, (str(account),))


def _settings(block: ChannelConfig) -> ChannelSettings:
    settings: ChannelSettings = block.accounts[0].settings
    return settings
