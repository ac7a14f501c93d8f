"""The config file as it would be with the answers of a setup, and what it says without them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from clawlane.channel import Account
from clawlane.config.errors import KeyPath, format_path
from clawlane.config.origin import setting_text
from clawlane.ops.context import OpContext
from clawlane.ops.operation import OpError
from clawlane.ops.setup_answers import Answers
from clawlane.ops.setup_edits import AccountPlace, Addition, additions, find_place, with_additions
from clawlane.ops.setup_text import first_file
from clawlane.texts import later

if TYPE_CHECKING:
    from clawlane.config.edit import Draft
    from clawlane.config.load import Config
    from clawlane.config.source import Source

_MODEL: KeyPath = ("agents", "defaults", "model")
_KEYS: Mapping[str, KeyPath] = {
    "dm_policy": ("dmPolicy",),
    "allow_from": ("allowFrom",),
    "pairing_reply": ("pairing", "reply"),
    "group_policy": ("groupPolicy",),
    "groups": ("groups",),
    "group_allow_from": ("groupAllowFrom",),
    "outbound": ("outbound",),
    "owner_takeover": ("ownerTakeover",),
    "disclosure": ("disclosure",),
    "quiet_hours": ("quietHours",),
    "warm_up": ("pacing", "warmUp"),
    "alerts": ("alerts",),
    "owner_commands": ("ownerCommands",),
}
"""The questions about an account, and the key of a channel block that each is about."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What the file says already about a question (a field of `Answers`). `value` is set if it is a word."""

    question: str
    path: str
    line: int | None
    text: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class FilePlan:
    """What the file of `source` would say with the answers about an account: `draft` is not written yet."""

    source: Source
    place: AccountPlace
    draft: Draft
    added: tuple[Addition, ...] = ()


def plan_file(ctx: OpContext, channel: str, account: str | None, answers: Answers) -> FilePlan:
    """What the file would say. Raises `OpError` where it says already what was answered."""
    from clawlane.config.edit import Draft, EditError, Put, draft, style_of
    from clawlane.config.source import parse_source

    source = ctx.written_config().source
    place = find_place(source, ctx.manifest(channel).id, account)
    check_name(place)
    if not source.exists:
        text = first_file(place.channel, place.key, answers)
        says = parse_source(source.file, text.encode())
        return FilePlan(source, place, Draft(source.file.resolve(), None, text, source, says))
    for one in settings_in(source, place):
        if getattr(answers, one.question) is not None:
            change = f"openclaw config set {one.path} VALUE"
            raise OpError(
                later("{path} is in line {line} of the config already", path=one.path, line=one.line), change
            )
    added = tuple(additions(source, place, answers, style_of(source)))
    try:
        edits = [Put(one.path, one.value, one.lines) for one in added]
        return FilePlan(source, place, draft(source, edits), added)
    except EditError as error:
        raise OpError(str(error)) from None


def planned(ctx: OpContext, channel: str, account: str | None, answers: Answers) -> Config:
    """The config as if these answers were in it, and so the account. Raises `ConfigError`."""
    source = ctx.written_config().source
    place = find_place(source, ctx.manifest(channel).id, account)
    return plan_account(ctx, source, place, answers)


def plan_account(ctx: OpContext, source: Source, place: AccountPlace, answers: Answers) -> Config:
    """The config of `source` as if these answers about an account were in it."""
    from clawlane.config.load import load_source
    from clawlane.config.source import parse_source

    data = with_additions(source.data, additions(source, place, answers))
    text = json.dumps(data, ensure_ascii=False)
    return load_source(parse_source(source.file, text.encode()), ctx.registry, ctx.environ)


def settings_in(source: Source, place: AccountPlace) -> Iterator[Setting]:
    """What the file says about each question. A new account says all for itself, whatever it inherits."""
    block: KeyPath = ("channels", place.channel)
    for question, key in _KEYS.items() if place.exists else ():
        paths = [(*place.path, *key), (*block, *key)]
        if question == "group_policy":
            paths.append(("channels", "defaults", *key))
        yield from _setting(source, question, paths)
    yield from _setting(source, "agent", [("agents", "list"), ("agents", "defaults", "brain"), _MODEL])
    yield from _setting(source, "reload", [("gateway", "reload")])
    yield from _setting(source, "timezone", [("timezone",)])


def _setting(source: Source, question: str, paths: Sequence[KeyPath]) -> Iterator[Setting]:
    """The first of the paths that the file has."""
    path = next((one for one in paths if one in source.values), None)
    if path is not None:
        value, line = source.at(path), source.values[path].line
        text = setting_text(source, path)
        yield Setting(question, format_path(path), line, text, value if isinstance(value, str) else "")


def check_name(place: AccountPlace) -> None:
    """Raises `OpError` for an account that cannot have this name."""
    if wrong := wrong_account_name(place.account):
        raise OpError(wrong)


def wrong_account_name(name: str) -> str:
    """Why a text cannot be the id of an account; empty if it can."""
    from clawlane.config.accounts import check_account_name

    try:
        check_account_name(name)
    except ValueError as error:
        return str(error)
    return ""


def refuse_changed(before: Config, after: Config, place: AccountPlace) -> None:
    """A new account must leave the others as they are. Raises `OpError`."""
    for channel, block in before.channels.items():
        then = after.channels[channel]
        for account in block.accounts:
            mine = (channel, account.id) == (place.channel, place.account)
            if not mine and _what_counts(then.account(account.id)) != _what_counts(account):
                raise OpError(
                    later("this would change the account {account}, so nothing was written", account=account)
                )
        if then.default_account != block.default_account:
            raise OpError(
                later(
                    "this would change the default account of {channel}, so nothing was written",
                    channel=channel,
                )
            )


def _what_counts(account: Account | None) -> Account | None:
    """An account without the settings that it has as fields of its own."""
    if account is None:
        return None
    own = {"profile": "", "name": "", "enabled": True}
    return replace(account, settings=account.settings.model_copy(update=own))
