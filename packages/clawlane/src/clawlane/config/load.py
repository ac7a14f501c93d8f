"""Loads the configuration: either a valid `Config`, or every problem at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from clawlane.channel import Account, Manifest, load_dotted
from clawlane.config import agent_checks, mcp, metrics, openclaw, schema, sealing, store, tool_checks
from clawlane.config.accounts import BlockError, ChannelAccounts, resolve
from clawlane.config.agents import lacking_keys
from clawlane.config.errors import ConfigError, KeyPath, KeyProblem, Problem
from clawlane.config.media_tools import audio_problems, lacking_media_keys
from clawlane.config.origin import Effective, account_path, effective, inherited
from clawlane.config.paths import Paths
from clawlane.config.phone_entries import PHONE_NUMBER, phone_numbers
from clawlane.config.routing import AgentSettings, Bindings, default_agent, settled
from clawlane.config.secrets import Secret
from clawlane.config.senders import ListContext
from clawlane.config.settings import ChannelSettings
from clawlane.config.source import Source, read_source
from clawlane.config.validation import located_errors

CHANNEL_OFF = "channel_off"
"""The code of a block whose plugin is not loaded."""

M = TypeVar("M", bound=BaseModel)


class Plugins(Protocol):
    """The installed plugins, as far as loading needs them."""

    def manifests(self) -> Sequence[Manifest]:
        """The manifests of the installed plugins."""
        ...

    def installable(self) -> Mapping[str, str]:
        """Channel id → spec for `plugins install`, of the known channels that are not installed."""
        ...

    def broken(self) -> Mapping[str, Exception]:
        """Channel id → why its installed plugin does not load."""
        ...


@dataclass(frozen=True, slots=True)
class ChannelConfig:
    """One channel that the config has a block for and whose plugin is installed."""

    manifest: Manifest
    accounts: tuple[Account, ...]
    default_account: str

    def account(self, name: str | None = None) -> Account | None:
        """The account of that name, or the default account."""
        wanted = (name or self.default_account).strip().lower()
        return next((account for account in self.accounts if account.id == wanted), None)


@dataclass(frozen=True, slots=True)
class Config:
    """A valid configuration."""

    source: Source
    root: schema.Root
    channels: Mapping[str, ChannelConfig]
    warnings: tuple[Problem, ...]
    agents: tuple[AgentSettings, ...]
    routing: Bindings

    @property
    def accounts(self) -> tuple[Account, ...]:
        """The accounts of all channels."""
        return tuple(account for block in self.channels.values() for account in block.accounts)

    def account(self, channel: str, name: str | None) -> Account | None:
        """The account of a channel by its name, or the channel's default account; None if there is none."""
        block = self.channels.get(channel)
        return block.account(name) if block else None

    def effective(self, account: Account, key: str) -> Effective:
        """The value of a channel key (`groupPolicy`) for an account, and where it was set."""
        return effective(self.source, account, key)


def load(paths: Paths, plugins: Plugins, environ: Mapping[str, str]) -> Config:
    """Read and check the config file. Never writes. A file that does not exist is an empty config.

    Raises `ConfigError` with every problem of the file.
    """
    return load_source(read_source(paths.config_file), plugins, environ)


def load_source(source: Source, plugins: Plugins, environ: Mapping[str, str]) -> Config:
    """Check a config that may not be in its file yet. Raises `ConfigError` with every problem."""
    return _Loader(source, plugins, environ).config()


def unconfigured(manifest: Manifest, source: Source, environ: Mapping[str, str]) -> ChannelConfig:
    """A channel without a block in the config: one account with built-in settings, disabled."""
    model = _settings_model(manifest)
    found = resolve(manifest.id, {"enabled": False}, model, environ, inherited=inherited(source))
    return ChannelConfig(manifest, found.all, found.default)


class _Loader:
    def __init__(self, source: Source, plugins: Plugins, environ: Mapping[str, str]) -> None:
        self.source, self.plugins, self.environ = source, plugins, environ
        self.errors: list[Problem] = []
        self.warnings: list[Problem] = []

    def config(self) -> Config:
        root = self._root()
        manifests = {manifest.id: manifest for manifest in self.plugins.manifests()}
        channels: dict[str, ChannelConfig] = {}
        blocks = self.source.data.get("channels")
        for name, block in (blocks if isinstance(blocks, Mapping) else {}).items():
            if name == "defaults":
                self._checked(schema.ChannelDefaults, block, ("channels", name))
            elif name in openclaw.CHANNELS_KEYS:
                self._warn(("channels", name), schema.UNSUPPORTED_KEY, at_key=True)
            elif name not in manifests:
                self._no_plugin(name, manifests)
            elif found := self._channel(manifests[name], block):
                channels[name] = ChannelConfig(manifests[name], found.all, found.default)
        self._warn_of_phone_numbers(channels)
        self._warn_of_alert_secrets(channels)
        self._warn_of_webhook_secrets(root or schema.Root())
        agents, routing = self._agents(root or schema.Root(), channels)
        if root is not None:
            self._check_tools(root, channels)
            self._check_metrics(root)
            self._check_store(root)
            if told := sealing.clash(root.secrets, self.environ):
                self._error(("secrets", "keyFile"), told, "say it in one of both places only")
        if self.errors or root is None:
            raise ConfigError(
                sorted(self.errors, key=lambda problem: (problem.line or 0, problem.column or 0))
            )
        return Config(self.source, root, channels, tuple(self.warnings), agents, routing)

    def _root(self) -> schema.Root | None:
        data = self.source.data
        lacking = (
            lacking_keys(data),
            mcp.lacking_keys(data),
            lacking_media_keys(data.get("tools")),
            schema.lacking_keys(data),
        )
        for path in chain.from_iterable(lacking):
            self._warn(path, schema.UNSUPPORTED_KEY, at_key=True)
        for key in (one for one in data if one in schema.UNSUPPORTED):
            self._warn((key,), schema.UNSUPPORTED_SECTION, at_key=True)
        ours = {key: value for key, value in data.items() if key not in schema.UNSUPPORTED}
        refusal = (schema.INCLUDES, schema.INCLUDES_HINT)
        return self._checked(schema.Root, ours, (), frozenset((schema.INCLUDE,)), refusal)

    def _agents(
        self, root: schema.Root, channels: Mapping[str, ChannelConfig]
    ) -> tuple[tuple[AgentSettings, ...], Bindings]:
        agents = tuple(settled(root.agents))
        default_accounts = {name: one.default_account for name, one in channels.items()}
        routing = Bindings(root.bindings, default_agent(root.agents.list), default_accounts)
        accounts = [account for one in channels.values() for account in one.accounts]
        for found in (
            *agent_checks.name_problems(root.agents, root.bindings, root.models),
            *agent_checks.limit_problems(agents),
            *agent_checks.stranger_problems(agents, root.mcp, routing, accounts, self.source),
        ):
            self._error(found.path, found.message, found.hint, at_key=found.at_key)
        audio = root.tools.media.audio
        for path, message, hint in audio_problems(audio, root.models):
            self._error(path, message, hint)
        for found in (
            *agent_checks.warnings(agents, root.models, root.mcp, accounts, audio),
            *agent_checks.console_warnings(agents, enabled=root.console.enabled),
            *agent_checks.stranger_warnings(agents, routing, accounts, self.source),
        ):
            self._warn(found.path, found.message, found.hint, at_key=found.at_key, code=found.code)
        return agents, routing

    def _check_tools(self, root: schema.Root, channels: Mapping[str, ChannelConfig]) -> None:
        accounts = [account for one in channels.values() for account in one.accounts]
        ids = {*(one.id for one in self.plugins.manifests()), *self.plugins.installable()}
        servers = tuple(root.mcp.servers)
        lists = tool_checks.ToolLists(root.agents, accounts, sorted(ids), servers, self.source)
        for found in lists.problems():
            self._error(found.path, found.message, found.hint)
        for found in lists.warnings():
            self._warn(found.path, found.message, found.hint)

    def _check_metrics(self, root: schema.Root) -> None:
        problems = metrics.problems(root.metrics, root.console)
        warnings = metrics.warnings(root.metrics, self.environ)
        self._check_block("metrics", problems, warnings, token=root.metrics.token)

    def _check_store(self, root: schema.Root) -> None:
        sealed = sealing.elsewhere(root.secrets, self.environ)
        problems = store.problems(root.store, sealed=sealed)
        warnings = store.warnings(root.store, self.environ)
        self._check_block("store", problems, warnings, password=root.store.password)
        for key in ("node", "takeover", "takeoverAfter"):
            if root.store.url is None and key in self.source.data:
                self._warn(
                    (key,), "does nothing without store.url", "several gateways share a database", at_key=True
                )

    def _check_block(
        self,
        name: str,
        problems: Iterable[KeyProblem],
        warnings: Iterable[KeyProblem],
        **secrets: Secret | None,
    ) -> None:
        """Note what is wrong in a block; `secrets` are its keys that may hold one in plain text."""
        for key, message, hint in problems:
            self._error((name, key), message, hint, at_key=True)
        for key, message, hint in warnings:
            self._warn((name, key), message, hint, at_key=True)
        for key, secret in secrets.items():
            if secret is not None and secret.is_literal:
                found = agent_checks.literal_key((name, key))
                self._warn(found.path, found.message, found.hint, code=found.code)

    def _checked(
        self,
        model: type[M],
        data: Any,
        place: KeyPath,
        refused: frozenset[str] = frozenset(),
        refusal: tuple[str, str] = ("", ""),
    ) -> M | None:
        """The data at `place` as a model, or None if it has problems; `refused` as in `located_errors`."""
        try:
            return model.model_validate(data, context=self._shared_lists())
        except ValidationError as error:
            for path, message, hint, at_key in located_errors(error, model, refused, refusal):
                self._error((*place, *path), message, hint, at_key=at_key)
            return None

    def _shared_lists(self) -> ListContext:
        """The context for lists outside the channel blocks: prefixes and access groups of all channels."""
        manifests = self.plugins.manifests()
        prefixes = tuple(prefix for manifest in manifests for prefix in (manifest.id, *manifest.aliases))
        names: dict[str, tuple[str, ...]] = {}
        for manifest in manifests:
            for name, people in self._access_groups(manifest).items():
                names[name] = tuple(dict.fromkeys((*names.get(name, ()), *people)))
        return ListContext(prefixes, names)

    def _no_plugin(self, name: str, manifests: Mapping[str, Manifest]) -> None:
        path = ("channels", name)
        if reason := self.plugins.broken().get(name):
            help = str(getattr(reason, "help", ""))
            hint = f"run: {help}" if help.startswith("openclaw ") else help
            self._warn(path, f"unchecked and off: {reason}", hint, at_key=True, code=CHANNEL_OFF)
            return
        installable = self.plugins.installable()
        if name in installable:
            message = "its plugin is not installed, so this block is unchecked and the channel is off"
            hint = f"install it: openclaw plugins install {installable[name]}"
            self._warn(path, message, hint, at_key=True, code=CHANNEL_OFF)
            return
        if alias := next((one.id for one in manifests.values() if name.lower() in one.aliases), ""):
            self._error(path, "unknown channel", f"write '{alias}'", at_key=True)
        elif openclaw.is_openclaw_channel(name):
            self._warn(path, openclaw.NOT_SUPPORTED, at_key=True)
        else:
            known = sorted({*manifests, *installable})
            hint = openclaw.suggest_channel(name, known) or f"known: {', '.join(known)}"
            self._error(path, "unknown channel", hint, at_key=True)

    def _warn_of_phone_numbers(self, channels: Mapping[str, ChannelConfig]) -> None:
        """Warn of entries that look like telephone numbers; an account runs without them."""
        shortest = {name: _settings_model(one.manifest).shortest_id for name, one in channels.items()}
        manifests = [one.manifest for one in channels.values()]
        for path, message, hint, at_key in phone_numbers(self.source, manifests, shortest):
            self._warn(path, message, hint, at_key=at_key, code=PHONE_NUMBER)

    def _warn_of_alert_secrets(self, channels: Mapping[str, ChannelConfig]) -> None:
        for account in (one for block in channels.values() for one in block.accounts):
            alerts = account.settings.alerts
            if alerts and alerts.webhook and alerts.webhook.secret.is_literal:
                own = account_path(self.source, account)
                written = own if "alerts" in (self.source.at(own) or {}) else own[:2]
                found = agent_checks.literal_key((*written, "alerts", "webhook", "secret"))
                self._warn(found.path, found.message, found.hint, code=found.code)

    def _warn_of_webhook_secrets(self, root: schema.Root) -> None:
        for number, webhook in enumerate(root.webhooks):
            if webhook.secret.is_literal:
                found = agent_checks.literal_key(("webhooks", number, "secret"))
                self._warn(found.path, found.message, found.hint, code=found.code)

    def _channel(self, manifest: Manifest, block: Any) -> ChannelAccounts | None:
        place: KeyPath = ("channels", manifest.id)
        if not isinstance(block, Mapping):
            self._error(place, "must be an object: { … }", "remove it to switch the channel off")
            return None
        model = _settings_model(manifest)
        prefixes = (manifest.id, *manifest.aliases)
        lists = ListContext(prefixes, self._access_groups(manifest), model.shortest_id)
        for path in _key_paths(place, block):
            if path[-1] in schema.INERT:
                self._warn(path, "accepted, but it does nothing here", at_key=True)
            elif path[-1] == "mediaKeep":
                self._warn(path, "is the former name of retention.media", "write retention", at_key=True)
        try:
            return resolve(
                manifest.id, block, model, self.environ, inherited=inherited(self.source), lists=lists
            )
        except BlockError as error:
            for path, message, hint, at_key in error.found:
                self._error((*place, *path), message, hint, at_key=at_key)
            return None

    def _access_groups(self, manifest: Manifest) -> dict[str, tuple[str, ...]]:
        groups = self.source.data.get("accessGroups")
        if not isinstance(groups, Mapping):
            return {}
        context = ListContext((manifest.id, *manifest.aliases))
        found: dict[str, tuple[str, ...]] = {}
        for name, group in groups.items():
            members: Mapping[str, tuple[str, ...]] = {}
            with suppress(ValidationError):  # problems of the group are reported with the root
                members = schema.AccessGroup.model_validate(group, context=context).members
            found[str(name)] = tuple(dict.fromkeys((*members.get(manifest.id, ()), *members.get("*", ()))))
        return found

    def _error(self, path: KeyPath, message: str, hint: str = "", *, at_key: bool = False) -> None:
        problem = self.source.problem(path, message, hint, at_key=at_key)
        if problem not in self.errors:
            self.errors.append(problem)

    def _warn(
        self, path: KeyPath, message: str, hint: str = "", *, at_key: bool = False, code: str = "config"
    ) -> None:
        problem = self.source.problem(path, message, hint, at_key=at_key)
        self.warnings.append(replace(problem, code=code))


def _settings_model(manifest: Manifest) -> type[ChannelSettings]:
    model: type[ChannelSettings] = load_dotted(manifest.settings)
    return model


def _key_paths(place: KeyPath, block: Mapping[str, Any]) -> Iterator[KeyPath]:
    """The keys of a channel block and of its accounts."""
    yield from ((*place, key) for key in block)
    accounts = block.get("accounts")
    for name, own in (accounts if isinstance(accounts, Mapping) else {}).items():
        if isinstance(own, Mapping):
            yield from ((*place, "accounts", name, key) for key in own)
