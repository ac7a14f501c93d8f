"""The settings every channel has. A plugin subclasses `ChannelSettings` and adds its own."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationInfo,
)
from pydantic.alias_generators import to_camel

from clawlane.config.choices import Acks, DmPolicy, GroupPolicy, PairingReply, ResendUnknown, Tables
from clawlane.config.duration import duration
from clawlane.config.pairing_text import checked
from clawlane.config.senders import SenderList, context_of, refuse_phone_number


class Block(BaseModel):
    """An object of the config: written in camelCase, unknown keys refused, frozen once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


def _not_null(value: object) -> object:
    if value is None:
        raise ValueError("null is no value here; write one, or remove the key")
    return value


_T = TypeVar("_T")

Maybe = Annotated[_T | None, BeforeValidator(_not_null)]
"""A key that may be absent (None), but not be written as null."""


Duration = Annotated[timedelta, BeforeValidator(duration)]
"""A time written as `15m`."""

Count = Annotated[StrictInt, Field(ge=0)]


class GroupTools(Block):
    """Limits on what the agent's tools may be in one group."""

    allow: tuple[StrictStr, ...] = ()
    also_allow: tuple[StrictStr, ...] = ()
    deny: tuple[StrictStr, ...] = ()


class GroupEntry(Block):
    """One key of `groups`. `allow: false` and `enabled: false` both close the group."""

    allow: StrictBool = True
    enabled: StrictBool = True
    require_mention: Maybe[StrictBool] = None
    tools: GroupTools = GroupTools()


def _check_group_key(key: str, info: ValidationInfo) -> str:
    kind, colon, rest = key.strip().partition(":")
    if not key.strip():
        raise ValueError("a group has an id or a name; write it, or remove this key")
    if colon and kind.lower() == "user":
        refuse_phone_number(rest, context_of(info))
        raise ValueError(
            f"a person does not belong into `groups`; write '{rest.strip()}' into `groupAllowFrom`"
        )
    return key


class Pairing(Block):
    """How a stranger's first message is answered under `dmPolicy: "pairing"`.

    Without a `text` the built-in one of the account's language is sent.
    """

    reply: PairingReply = PairingReply.CODE
    text: Maybe[Annotated[StrictStr, AfterValidator(checked)]] = None


class Markdown(Block):
    """How markdown is fitted to the channel."""

    tables: Tables = Tables.CODE


_Limit = Annotated[StrictInt, Field(ge=1)]


class AccountBudget(Block):
    """How many messages may leave the account within a minute, an hour, a day."""

    minute: _Limit = 15
    hour: _Limit = 200
    day: _Limit = 1000


class ThreadBudget(Block):
    """How many messages may go to one thread within a minute, an hour, a day."""

    minute: _Limit = 8
    hour: _Limit = 80
    day: _Limit = 400


class StrangerBudget(Block):
    """How many different people who are not friends may get messages within an hour, a day."""

    hour: _Limit = 10
    day: _Limit = 30


class SameText(Block):
    """The guard against loops: the same whole reply goes to a thread `times` times within `wait`.

    It goes to `threads` threads an hour.
    """

    times: _Limit = 3
    wait: Duration = timedelta(minutes=10)
    threads: _Limit = 5


class Pacing(Block):
    """How fast messages may leave. What is too fast is held, never dropped.

    Between two messages of the account lie `gap` and a random part of `gapJitter`.
    """

    enabled: StrictBool = True
    account: AccountBudget = AccountBudget()
    thread: ThreadBudget = ThreadBudget()
    strangers: StrangerBudget = StrangerBudget()
    same_text: SameText = SameText()
    gap: Duration = timedelta(seconds=1)
    gap_jitter: Duration = timedelta(seconds=1)


class ChannelSettings(Block):
    """The settings of one account: the channel's block overlaid by the account's own keys.

    `profile_env` names environment variables that may give the default account its profile, first one first.
    `other_login_keys` are keys of other login methods; writing one is answered with `other_login_hint`.
    `shortest_id` is how many digits an id of the platform has at least: what has fewer may be a telephone
    number.
    """

    profile_env: ClassVar[tuple[str, ...]] = ()
    other_login_keys: ClassVar[tuple[str, ...]] = (
        "botToken",
        "token",
        "apiKey",
        "password",
        "cookie",
        "cookies",
    )
    other_login_hint: ClassVar[str] = (
        "this channel logs in by QR code: openclaw channels login --channel {channel}"
    )

    shortest_id: ClassVar[int] = 1

    enabled: StrictBool = True
    name: StrictStr = ""
    profile: StrictStr = ""
    dm_policy: DmPolicy = DmPolicy.PAIRING
    allow_from: SenderList = ()
    group_policy: GroupPolicy = GroupPolicy.ALLOWLIST
    group_allow_from: Maybe[SenderList] = None
    groups: Maybe[dict[Annotated[str, AfterValidator(_check_group_key)], GroupEntry]] = None
    history_limit: Count = 50
    acks: Acks = Acks.AUTO
    pairing: Pairing = Pairing()
    backlog_max_age: Duration = timedelta(minutes=15)
    resend_unknown: ResendUnknown = ResendUnknown.WHEN_ABSENT
    look_up_gap: Duration = timedelta(minutes=1)
    pacing: Pacing = Pacing()
    media_max_mb: Maybe[Annotated[float, Field(gt=0, strict=True, allow_inf_nan=False)]] = None
    markdown: Markdown = Markdown()
    response_prefix: Maybe[StrictStr] = None
    proxy: StrictStr = Field(default="", repr=False)
    config_writes: Maybe[StrictBool] = None
    message_prefix: Maybe[StrictStr] = None
    heartbeat_visibility: Maybe[dict[str, Any]] = None
    dangerously_allow_name_matching: Maybe[StrictBool] = None
