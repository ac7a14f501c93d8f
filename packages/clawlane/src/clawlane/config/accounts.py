"""The accounts of a channel block: their names, their settings and the profile each one uses."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from clawlane.channel import Account, Manifest, load_dotted
from clawlane.config.alerts import thread_problem
from clawlane.config.errors import ConfigError, KeyPath, did_you_mean
from clawlane.config.paths import Paths
from clawlane.config.senders import ListContext
from clawlane.config.settings import ChannelSettings
from clawlane.config.source import read_source
from clawlane.config.validation import Located, located_errors, what_is

DEFAULT = "default"
_CHANNEL_ONLY = ("accounts", "defaultAccount")
_OWN = ("profile", "name", "enabled")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")
_NAME_HINT = "use letters, digits, '.', '_' and '-', at most 64"


class BlockError(Exception):
    """A channel block that cannot be used. `found` holds every problem, with paths relative to the block."""

    def __init__(self, found: list[Located]) -> None:
        super().__init__(f"{len(found)} problems in a channel block")
        self.found = found


@dataclass(frozen=True, slots=True)
class ChannelAccounts:
    """The accounts of one channel, sorted by name, and the name of the default account."""

    all: tuple[Account, ...]
    default: str


def resolve(
    channel: str,
    block: Mapping[str, Any],
    model: type[ChannelSettings],
    environ: Mapping[str, str],
    *,
    inherited: Mapping[str, Any] | None = None,
    lists: ListContext | None = None,
) -> ChannelAccounts:
    """The accounts of a channel block. An account's own keys override those of the channel.

    `inherited` are values from outside the block for keys that neither account nor channel sets.
    Raises `BlockError` with everything that is wrong.
    """
    return _Resolver.of(channel, block, model, environ, inherited or {}, lists or ListContext()).accounts()


def needs_new_connection(before: Account, after: Account) -> bool:
    """Whether an account has to stop and start again to work by other settings.

    Of the settings that every channel has, the connection depends on the proxy; a plugin's own may all count.
    """
    if (before.profile, before.enabled, type(before.settings)) != (
        after.profile,
        after.enabled,
        type(after.settings),
    ):
        return True
    own = type(after.settings).model_fields.keys() - ChannelSettings.model_fields.keys()
    return any(getattr(before.settings, name) != getattr(after.settings, name) for name in ("proxy", *own))


def check_account_name(name: str) -> None:
    """Raises `ValueError` for what cannot be the id of an account, saying what can."""
    if not _NAME.match(name):
        raise ValueError(f"'{name[:80]}' is not a valid account name; {_NAME_HINT}")


@dataclass(frozen=True, slots=True)
class ProfileGuess:
    """An account and its profile. `sure` is false where the file could not even be parsed."""

    account: str
    profile: str
    sure: bool


def guess_profile(
    paths: Paths, channel: str, manifest: Manifest | None, account: str | None, environ: Mapping[str, str]
) -> ProfileGuess:
    """The profile of an account in a config that does not load, as far as the file can be read.

    If the file does not parse, the profile is the account's own name.
    """
    try:
        blocks = read_source(paths.config_file).data.get("channels")
        block = blocks.get(channel) if isinstance(blocks, Mapping) else None
        written, sure = block if isinstance(block, Mapping) else {}, True
    except ConfigError:
        written, sure = {}, False
    model: type[ChannelSettings] = load_dotted(manifest.settings) if manifest else ChannelSettings
    resolver = _Resolver.of(channel, written, model, environ, {}, ListContext())
    owns = resolver.own_blocks()
    default = resolver.default_id(owns)
    name = (account or default).strip().lower()
    key, own = owns.get(name, (None, {}))
    return ProfileGuess(name, resolver.profile(name, key, own, default), sure)


@dataclass(frozen=True, slots=True)
class _Resolver:
    """`written` is the whole block, `block` the same without `accounts`, `shared` what accounts inherit."""

    channel: str
    model: type[ChannelSettings]
    environ: Mapping[str, str]
    lists: ListContext
    written: Mapping[str, Any]
    block: Mapping[str, Any]
    shared: Mapping[str, Any]
    found: list[Located] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        channel: str,
        written: Mapping[str, Any],
        model: type[ChannelSettings],
        environ: Mapping[str, str],
        inherited: Mapping[str, Any],
        lists: ListContext,
    ) -> _Resolver:
        block = {key: value for key, value in written.items() if key not in _CHANNEL_ONLY}
        shared = {**inherited, **{key: value for key, value in block.items() if key not in _OWN}}
        return cls(channel, model, environ, lists, written, block, shared)

    def accounts(self) -> ChannelAccounts:
        base = self._settings(self.block, self.block, lambda path: path)
        owns = self.own_blocks()
        default = self.default_id(owns)
        made = [self._account(name, key, own, base, default) for name, (key, own) in sorted(owns.items())]
        accounts = tuple(account for account in made if account is not None)
        holders: dict[str, str] = {}
        for account in (one for one in accounts if one.enabled):
            other = holders.setdefault(account.profile, account.id)
            if other != account.id:
                message = f"the accounts '{other}' and '{account.id}' use one profile, '{account.profile}'"
                path = ("accounts", str(owns[account.id][0]))
                self._report(path, message, "give each its own `profile`, or disable one", at_key=True)
        enabled = {account.id: account.enabled for account in accounts}
        for account in accounts:
            if problem := thread_problem(account.id, account.settings.alerts, enabled):
                key, own = owns[account.id]
                place = ("accounts", str(key)) if "alerts" in own else ()
                self._report((*place, "alerts", "thread", "account"), *problem)
        if self.found:
            raise BlockError(list(dict.fromkeys(self.found)))
        return ChannelAccounts(accounts, default)

    def own_blocks(self) -> dict[str, tuple[str | None, Mapping[str, Any]]]:
        """Account id → its key as written, and its own keys. Without `accounts` it is the default account."""
        accounts = self.written.get("accounts", {})
        if accounts == {}:
            return {DEFAULT: (None, {})}
        if not isinstance(accounts, Mapping):
            self._report(("accounts",), f"must be an object: {{ work: {{ … }} }}, not {what_is(accounts)}")
            return {DEFAULT: (None, {})}
        owns: dict[str, tuple[str | None, Mapping[str, Any]]] = {}
        for key, own in accounts.items():
            name, path = key.strip().lower(), ("accounts", key)
            if not _NAME.match(name):
                self._report(path, "is not a valid account name", _NAME_HINT, at_key=True)
            elif name in owns:
                message = f"is the same account as '{owns[name][0]}': case does not count"
                self._report(path, message, at_key=True)
            elif not isinstance(own, Mapping):
                self._report(path, f"must be an object: {{ … }}, not {what_is(own)}")
            else:
                owns[name] = (key, own)
        return owns

    def default_id(self, owns: Mapping[str, Any]) -> str:
        if "defaultAccount" in self.written:
            chosen = self.written["defaultAccount"]
            if not isinstance(chosen, str):
                self._report(("defaultAccount",), f"must be the name of an account, not {what_is(chosen)}")
            elif chosen.strip().lower() in owns:
                return chosen.strip().lower()
            else:
                hint = did_you_mean(chosen, owns) or f"the accounts are: {', '.join(sorted(owns)) or 'none'}"
                self._report(("defaultAccount",), f"there is no account '{chosen}'", hint)
        return DEFAULT if DEFAULT in owns or not owns else min(owns)

    def _account(
        self, name: str, key: str | None, own: Mapping[str, Any], base: ChannelSettings | None, default: str
    ) -> Account | None:
        def place(path: KeyPath) -> KeyPath:
            return ("accounts", key, *path) if key is not None and path and path[0] in own else path

        mine = own if key is not None else self.block
        settings = self._settings({**self.shared, **mine}, {**self.block, **mine}, place)
        if settings is None or base is None:
            return None
        return Account(
            channel=self.channel,
            id=name,
            profile=self.profile(name, key, own, default),
            settings=settings,
            name=settings.name,
            enabled=base.enabled and settings.enabled,
        )

    def _settings(
        self, data: Mapping[str, Any], written: Mapping[str, Any], place: Callable[[KeyPath], KeyPath]
    ) -> ChannelSettings | None:
        """The settings in `data`. Problems of inherited values are reported where those are written."""
        try:
            return self.model.model_validate(dict(data), context=self.lists)
        except ValidationError as error:
            refused = self.model.other_login_keys
            login_hint = self.model.other_login_hint.format(channel=self.channel)
            refusal = ("this channel has no such key", login_hint)
            for path, message, hint, at_key in located_errors(error, self.model, refused, refusal):
                if path[0] in written:
                    self._report(place(path), message, hint, at_key=at_key)
            return None

    def profile(self, name: str, key: str | None, own: Mapping[str, Any], default: str) -> str:
        if isinstance(written := own.get("profile"), str) and written:
            return self._profile_name(written, ("accounts", str(key), "profile"))
        if name == default:
            if isinstance(written := self.block.get("profile"), str) and written:
                return self._profile_name(written, ("profile",))
            for variable in self.model.profile_env:
                if value := self.environ.get(variable, "").strip():
                    return self._profile_name(value, (), f"{variable} in the environment: ")
        return name

    def _profile_name(self, written: str, path: KeyPath, who: str = "") -> str:
        profile = written.strip().lower()
        if not _NAME.match(profile):
            self._report(path, f"{who}'{written[:40]}' is not a valid profile name", _NAME_HINT)
        return profile

    def _report(self, path: KeyPath, message: str, hint: str = "", *, at_key: bool = False) -> None:
        self.found.append((path, message, hint, at_key))
