"""What is added to an existing config for a new account, or for what it does not say yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from clawlane.config.errors import KeyPath
from clawlane.config.writing import Style
from clawlane.ops.setup_answers import Answers
from clawlane.ops.setup_text import Entries, account_values, agent_values, words_of

if TYPE_CHECKING:
    from clawlane.config.source import Source

DEFAULT = "default"
_PAIRING, _PACING = "pairing", "pacing"
_NARROWEST: Mapping[str, Any] = {"allowFrom": [], "groupAllowFrom": [], "groups": {}}
"""What a new account says about lists that it would otherwise inherit."""


@dataclass(frozen=True, slots=True)
class Addition:
    """A value that is put where there is none. `lines` are the entry with its comments."""

    path: KeyPath
    value: Any
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountPlace:
    """Where an account is in the file. `key` is that under `accounts`; None stands for the channel block."""

    channel: str
    key: str | None
    exists: bool

    @property
    def path(self) -> KeyPath:
        block: KeyPath = ("channels", self.channel)
        return block if self.key is None else (*block, "accounts", self.key)

    @property
    def account(self) -> str:
        """The id of the account."""
        return (self.key or DEFAULT).strip().lower()


def find_place(source: Source, channel: str, account: str | None) -> AccountPlace:
    """Where an account is, or would be. Without a name: the default account."""
    block = _mapping(source.at(("channels", channel)))
    accounts = _mapping(block.get("accounts"))
    known = {name.strip().lower(): name for name in accounts}
    name = (account or default_account(block)).strip().lower()
    if name in known:
        return AccountPlace(channel, known[name], exists=True)
    if not known and name == DEFAULT:
        return AccountPlace(channel, None, exists=source.at(("channels", channel)) is not None)
    return AccountPlace(channel, name, exists=False)


def default_account(block: Mapping[str, Any]) -> str:
    """The default account of a channel block that is valid."""
    names = {name.strip().lower() for name in _mapping(block.get("accounts"))}
    chosen = block.get("defaultAccount")
    if isinstance(chosen, str) and chosen.strip().lower() in names:
        return chosen.strip().lower()
    return DEFAULT if DEFAULT in names or not names else min(names)


def additions(
    source: Source, place: AccountPlace, answers: Answers, style: Style | None = None
) -> list[Addition]:
    """The values to put into the file of `source`, parents before children, for the answers about `place`.

    With the `style` of the file they have their comments, where it takes any.
    """
    entries = Entries(style or Style(), answers, place.channel, words_of(place.channel, place.key))
    found = list(_of_account(source, place, entries))
    if answers.agent is not None:
        ((key, value),) = agent_values(answers.agent).items()
        found.append(Addition(("agents", "defaults", key), value, tuple(entries.agent())))
    if answers.timezone:
        found.append(Addition(("timezone",), answers.timezone, tuple(entries.timezone())))
    if answers.reload is not None:
        found.append(Addition(("gateway", "reload"), str(answers.reload), tuple(entries.reload())))
    return found if style and style.comments else [replace(one, lines=()) for one in found]


def account_named(added: Sequence[Addition]) -> str:
    """The account that a channel block has been so far and that additions name from now on; mostly empty."""
    named = any(one.path[2:] == ("accounts", DEFAULT) for one in added)
    further = any(one.path[2:-1] == ("accounts",) and one.path[-1] != DEFAULT for one in added)
    return DEFAULT if named and further else ""


def default_pinned(added: Sequence[Addition]) -> str:
    """The default account that additions keep, where a new name would come before it; mostly empty."""
    return next((str(one.value) for one in added if one.path[2:] == ("defaultAccount",)), "")


def with_additions(data: Mapping[str, Any], added: Sequence[Addition]) -> dict[str, Any]:
    """The data of a config with the additions made."""
    whole: dict[str, Any] = _copied(data)
    for one in added:
        *parents, last = map(str, one.path)
        inner = whole
        for key in parents:
            inner = inner.setdefault(key, {})
        inner[last] = one.value
    return whole


def _copied(value: Any) -> Any:
    """Objects and lists of a config as new ones."""
    if isinstance(value, Mapping):
        return {key: _copied(one) for key, one in value.items()}
    return [_copied(one) for one in value] if isinstance(value, list) else value


def _of_account(source: Source, place: AccountPlace, entries: Entries) -> Iterator[Addition]:
    values = account_values(entries.answers)
    top: KeyPath = ("channels", place.channel)
    block = source.at(top)
    if place.exists:
        own = source.at(place.path)
        values.pop("acks", None)  # nobody asked about it, and the file may say something already
        whole = {key: _whole(key, value, block) for key, value in values.items()}
        told = entries.settings(whole)
        for key, value in whole.items():
            if key == _PAIRING and key in own:
                reply = values[key]["reply"]
                yield Addition((*place.path, key, "reply"), reply, tuple(entries.reply(reply)))
            elif key == _PACING and key in own:
                warm_up = values[key]["warmUp"]
                yield Addition((*place.path, key, "warmUp"), warm_up, tuple(entries.warm_up(warm_up)))
            else:
                yield Addition((*place.path, key), value, tuple(told[key]))
    elif place.key is None:
        yield Addition(top, {"enabled": True, **values}, tuple(entries.account(None, values)))
    elif block is None:
        on, inner = (
            entries.single("enabled", True),
            entries.block("accounts", entries.account(place.key, values)),
        )
        lines = entries.block(place.channel, [*on, "", *inner])
        yield Addition(top, {"enabled": True, "accounts": {place.key: values}}, tuple(lines))
    else:
        yield from _for_those_before(block, top, place.key, entries)
        narrow = {key: value for key, value in _NARROWEST.items() if key in block and key not in values}
        own = {key: _whole(key, value, block) for key, value in {**values, **narrow}.items()}
        yield Addition(place.path, own, tuple(entries.account(place.key, own)))


def _for_those_before(
    block: Mapping[str, Any], top: KeyPath, added: str, entries: Entries
) -> Iterator[Addition]:
    """What keeps the accounts that there are as they are beside a new one.

    A channel block without `accounts` is the account `default`, which has to be named from now on; it is the
    only one that has the block's `profile`, and would lose its `name`. Which account is the default one must
    not change with the names that there are.
    """
    accounts = _mapping(block.get("accounts"))
    if not accounts:
        label = {"name": block["name"]} if "name" in block else {}
        yield Addition((*top, "accounts", DEFAULT), label, tuple(entries.single(DEFAULT, label)))
        return
    before = default_account(block)
    if default_account({**block, "accounts": {**accounts, added: {}}}) != before:
        yield Addition((*top, "defaultAccount"), before)


def _whole(key: str, value: Any, block: Mapping[str, Any]) -> Any:
    """A value as an account writes it: an object replaces that of the channel, whose other keys are kept."""
    return {**_mapping(block.get(key)), **value} if key in (_PAIRING, _PACING) else value


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
