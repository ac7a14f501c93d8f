"""Every key of the config with the value in force and where it was set, built-in values included."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from clawlane.channel import Account
from clawlane.config.agents import AgentDefaults
from clawlane.config.duration import duration_text
from clawlane.config.errors import KeyPath, format_path
from clawlane.config.masking import HIDDEN, masked
from clawlane.config.origin import Layer, Origin, account_path
from clawlane.config.schema import INERT
from clawlane.config.secrets import Secret

if TYPE_CHECKING:
    from clawlane.config.load import ChannelConfig, Config


@dataclass(frozen=True, slots=True)
class Setting:
    """The value in force at a path, as JSON has it, for an account (`channel/id`, empty outside channels).

    A key of a channel block has the path of the channel, whoever sets it: `origin` says where it is set.
    A secret that stands in the file is shown as `…`.
    """

    path: KeyPath
    value: Any
    origin: Origin
    account: str = ""


def settings(config: Config, others: Iterable[ChannelConfig] = ()) -> Iterator[Setting]:
    """All keys, in the order of the models; those of a channel for each of its accounts.

    `others` are channels that the config has no block for.
    """
    for block in (*config.channels.values(), *others):
        for account in block.accounts:
            yield from _of_account(config, account)
        default = ("channels", block.manifest.id, "defaultAccount")
        yield Setting(default, block.default_account, _origin(config, default, Layer.CHANNEL))
    policy = ("channels", "defaults", "groupPolicy")
    yield Setting(policy, config.source.at(policy), _origin(config, policy, Layer.DEFAULTS))
    for name, field in type(config.root).model_fields.items():
        if name not in ("schema_", "channels", "agents"):
            path: KeyPath = (field.alias or name,)
            for found, value in _leaves(getattr(config.root, name), path):
                yield Setting(found, value, _origin(config, found, Layer.FILE))
    yield from _agents(config)


def plain(value: Any) -> Any:
    """A value of a model as JSON has it."""
    match value:
        case BaseModel():
            return {field.alias or name: plain(getattr(value, name)) for name, field in _fields(value)}
        case Mapping():
            return {key: plain(one) for key, one in value.items()}
        case tuple() if hasattr(value, "_fields"):
            return str(value)  # an address and a port
        case list() | tuple():
            return [plain(one) for one in value]
        case timedelta():
            return duration_text(value)
        case Secret():
            return _secret(value)
        case StrEnum():
            return str(value)
    return value


def _of_account(config: Config, account: Account) -> Iterator[Setting]:
    channel: KeyPath = ("channels", account.channel)
    own = account_path(config.source, account)
    for name, field in _fields(account.settings):
        key = field.alias or name
        if key in INERT and name not in account.settings.model_fields_set:
            continue
        origin = config.effective(account, key).origin
        base = {Layer.ACCOUNT: (*own, key), Layer.CHANNEL: (*channel, key)}.get(origin.layer)
        value = getattr(account.settings, name)
        if key == "profile":
            value = account.profile
        elif key == "enabled":
            value, origin = account.enabled, _enabled_origin(config, account, origin)
        for found, leaf in _leaves(value, (*channel, key)):
            below = found[len(channel) + 1 :]
            there = origin
            if below and base is not None and _is_short_for(config.source.at(base), below):
                there = Origin(origin.layer, format_path(base), origin.line)
            elif below and base is not None:
                written = (*base, *below)
                position = config.source.values.get(written)
                layer = origin.layer if position else Layer.BUILT_IN
                there = Origin(layer, format_path(written), position.line if position else None)
            elif below:
                there = Origin(origin.layer, format_path(found), origin.line)
            yield Setting(found, _effective_leaf(found, leaf), there, str(account))


def _is_short_for(written: object, below: KeyPath) -> bool:
    """Whether the file says it shorter than the models have it: a word for a block, one block for a list."""
    return not isinstance(written, Mapping | list) or (isinstance(written, Mapping) and below[0] == 0)


def _enabled_origin(config: Config, account: Account, own: Origin) -> Origin:
    """A channel that is off turns all its accounts off."""
    path = ("channels", account.channel, "enabled")
    return _origin(config, path, Layer.CHANNEL) if config.source.at(path) is False else own


def _effective_leaf(path: KeyPath, value: Any) -> Any:
    """What counts where the key is not written, for a key without a value of its own."""
    return True if value is None and path[-1] == "requireMention" else value


def _agents(config: Config) -> Iterator[Setting]:
    """The defaults of agents, and each agent of the list with what it takes from them."""
    for found, value in _leaves(config.root.agents.defaults, ("agents", "defaults")):
        yield Setting(found, value, _origin(config, found, Layer.FILE))
    for number, entry in enumerate(config.root.agents.list):
        for name, field in _fields(entry):
            path: KeyPath = ("agents", "list", number, field.alias or name)
            inherits = name in AgentDefaults.model_fields and name not in entry.model_fields_set
            holder = config.root.agents.defaults if inherits else entry
            for found, value in _leaves(getattr(holder, name), path):
                above = ("agents", "defaults", *found[3:])
                layer = Layer.DEFAULTS if inherits else Layer.FILE
                origin = _origin(config, above if inherits else found, layer)
                built_in = origin.layer is Layer.BUILT_IN
                yield Setting(found, value, Origin(origin.layer, format_path(found)) if built_in else origin)


def _leaves(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    """The values below a path that are no blocks; empty lists and objects too."""
    entries: list[tuple[str | int, Any]] = []
    if isinstance(value, BaseModel):
        entries = [(field.alias or name, getattr(value, name)) for name, field in _fields(value)]
    elif isinstance(value, Mapping) and any(isinstance(one, BaseModel) for one in value.values()):
        entries = list(value.items())
    elif isinstance(value, list | tuple) and any(isinstance(one, BaseModel) for one in value):
        entries = list(enumerate(value))
    if not entries:
        yield path, masked(plain(value), path)
    for key, one in entries:
        yield from _leaves(one, (*path, key))


def _fields(model: BaseModel) -> list[tuple[str, Any]]:
    return list(type(model).model_fields.items())


def _origin(config: Config, path: KeyPath, layer: Layer) -> Origin:
    position = config.source.values.get(path)
    if position is None:
        return Origin(Layer.BUILT_IN, format_path(path))
    return Origin(layer, format_path(path), position.line)


def _secret(secret: Secret) -> str | dict[str, str]:
    if secret.env:
        return f"${{{secret.env}}}"
    return {"file": secret.file} if secret.file else HIDDEN
