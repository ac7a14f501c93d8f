"""The settings every channel has. A plugin subclasses `ChannelSettings` and adds its own."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StrictStr, ValidationInfo

from clawlane.config.alerts import Alerts
from clawlane.config.choices import (
    Acks,
    Disclosure,
    DmPolicy,
    GroupPolicy,
    Locale,
    OutboundMode,
    PairingReply,
    ResendUnknown,
    Tables,
)
from clawlane.config.cluster import Labels
from clawlane.config.duration import duration_text
from clawlane.config.fields import (
    Block,
    Count,
    Duration,
    Limit,
    Maybe,
    OptionalDuration,
    SenderEntries,
    context_of,
)
from clawlane.config.quiet_hours import QuietSpans
from clawlane.config.senders import is_numeric_id, refuse_phone_number

PLACEHOLDERS = ("{id}", "{code}", "{command}")

_LONGEST = 1000
"""Characters of a pairing text before it is filled in, so that it then fits into one message."""

_IN_BRACES = re.compile(r"\{[^{}]*\}")


class GroupTools(Block):
    """Limits on the agent's tools in one group."""

    allow: tuple[StrictStr, ...] = ()
    also_allow: tuple[StrictStr, ...] = ()
    deny: tuple[StrictStr, ...] = ()


class GroupEntry(Block):
    """One key of `groups`. `allow: false` and `enabled: false` both close the group.

    `allow_from` replaces `group_allow_from` in this group.
    """

    allow: StrictBool = True
    enabled: StrictBool = True
    require_mention: Maybe[StrictBool] = None
    allow_from: Maybe[SenderEntries] = None
    tools: GroupTools = GroupTools()
    outbound: Maybe[OutboundMode] = None


class DmEntry(Block):
    """One key of `dms`: the id of a person."""

    outbound: Maybe[OutboundMode] = None


class Outbound(Block):
    """What leaves in direct messages, and in groups."""

    dm: OutboundMode = OutboundMode.AUTO
    group: OutboundMode = OutboundMode.AUTO


_MODES = ", ".join(f"'{mode}'" for mode in OutboundMode)


def _both(value: object) -> object:
    """One word counts for direct messages and for groups."""
    if isinstance(value, dict | Outbound):
        return value
    if not isinstance(value, str) or value not in list(OutboundMode):
        raise ValueError(f"must be one of {_MODES}, or an object with `dm` and `group`")
    return {"dm": value, "group": value}


def _check_dm_key(key: str, info: ValidationInfo) -> str:
    id_ = key.strip()
    if not is_numeric_id(id_):
        refuse_phone_number(id_, context_of(info))
        raise ValueError(
            "a key of `dms` is the id of a person, in digits; find it: openclaw directory peers list"
        )
    return id_


def _check_group_key(key: str, info: ValidationInfo) -> str:
    kind, colon, rest = key.strip().partition(":")
    if not key.strip():
        raise ValueError("a group has an id or a name; write it, or remove this key")
    if colon and kind.lower() == "user":
        refuse_phone_number(rest, context_of(info))
        raise ValueError(
            f"a person does not belong in `groups`; write '{rest.strip()}' into `groupAllowFrom`"
        )
    return key


def _check_pairing_text(text: str) -> str:
    for found in _IN_BRACES.findall(text):
        if found not in PLACEHOLDERS:
            raise ValueError(f"{found} is not a placeholder; use {', '.join(PLACEHOLDERS)}")
    if "{code}" not in text and "{command}" not in text:
        raise ValueError("the text must contain {code}: without it nobody gets their code")
    if len(text) > _LONGEST:
        raise ValueError(f"the text must have at most {_LONGEST} characters, it has {len(text)}")
    return text


class Pairing(Block):
    """How a stranger's first message is answered under `dmPolicy: "pairing"`.

    Without `text`, the built-in text in the account's language is sent.
    """

    reply: PairingReply = PairingReply.CODE
    text: Maybe[Annotated[StrictStr, AfterValidator(_check_pairing_text)]] = None


def _some_time(length: timedelta) -> timedelta:
    if not length:
        raise ValueError("must be more than nothing, such as '12h'")
    return length


class Drafts(Block):
    """The drafts of replies that wait for approval, under `outbound: "approve"`."""

    expire: Annotated[Duration, AfterValidator(_some_time)] = timedelta(hours=12)


class Markdown(Block):
    """How markdown is converted for the channel."""

    tables: Tables = Tables.CODE


class AccountBudget(Block):
    """How many messages may leave the account within a minute, an hour, a day."""

    minute: Limit = 15
    hour: Limit = 200
    day: Limit = 1000


class ThreadBudget(Block):
    """How many messages may go to one thread within a minute, an hour, a day."""

    minute: Limit = 8
    hour: Limit = 80
    day: Limit = 400


class StrangerBudget(Block):
    """How many different people who are not friends may get messages within an hour, a day."""

    hour: Limit = 10
    day: Limit = 30


class SameText(Block):
    """The guard against loops: the same whole reply may go to a thread `times` times within `wait`.

    It may go to `threads` threads an hour.
    """

    times: Limit = 3
    wait: Duration = timedelta(minutes=10)
    threads: Limit = 5


class Pacing(Block):
    """How fast messages may leave. Messages over a limit are held, never dropped.

    Two messages of the account are at least `gap` and a random part of `gapJitter` apart. `warmUp` lets a new
    session begin with few replies a day.
    """

    enabled: StrictBool = True
    account: AccountBudget = AccountBudget()
    thread: ThreadBudget = ThreadBudget()
    strangers: StrangerBudget = StrangerBudget()
    same_text: SameText = SameText()
    gap: Duration = timedelta(seconds=1)
    gap_jitter: Duration = timedelta(seconds=1)
    warm_up: StrictBool = False


LONGEST_KEPT = timedelta(days=365)
"""Nothing of what others said is kept longer; there is no "for ever"."""

IDS_KEPT = timedelta(days=30)
"""Without the ids of so many days, a message could be answered twice."""

_SHORTEST_KEPT = timedelta(hours=1)
"""The gateway looks every hour."""


def _kept(least: timedelta, why: str) -> AfterValidator:
    def check(length: timedelta) -> timedelta:
        if length < least:
            raise ValueError(f"must be at least '{duration_text(least)}': {why}")
        if length > LONGEST_KEPT:
            raise ValueError(f"must be at most '{duration_text(LONGEST_KEPT)}': these are words of others")
        return length

    return AfterValidator(check)


Kept = Annotated[Duration, _kept(_SHORTEST_KEPT, "what is too old is removed once an hour")]
"""How long words of others are kept."""

KeptIds = Annotated[Duration, _kept(IDS_KEPT, "without the ids a message may be answered twice")]


class Retention(Block):
    """How long what other people said is kept, by kind. It is removed in small batches, every hour.

    `text` are messages and answers that are done, dead letters, and messages that wait for a decision;
    `history` is what a group said besides; `sessions` is what agents remember; `media` are files. `decisions`
    is the rest of a message: its ids and what was decided, and names of people who were never let in.
    """

    text: Kept = timedelta(days=30)
    media: Kept = timedelta(days=7)
    sessions: Kept = timedelta(days=30)
    history: Kept = timedelta(days=7)
    decisions: KeptIds = timedelta(days=90)


Megabytes = Annotated[float, Field(gt=0, le=4096, strict=True, allow_inf_nan=False)]


class ChannelSettings(Block):
    """The settings of one account: the keys of the channel's block, overridden by the account's own.

    `profile_env` names environment variables that can set the profile of the default account, the first one
    first. `other_login_keys` are keys of other login methods; a config that has one gets `other_login_hint`.
    `old_programs` and `old_folders` (below the home directory) belong to older programs for such accounts.
    `shortest_id` is the least number of digits in an id of the platform; fewer may be a telephone number.
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
    old_programs: ClassVar[tuple[str, ...]] = ()
    old_folders: ClassVar[tuple[str, ...]] = ()
    shortest_id: ClassVar[int] = 1

    enabled: StrictBool = True
    name: StrictStr = ""
    profile: StrictStr = ""
    locale: Maybe[Locale] = None
    dm_policy: DmPolicy = DmPolicy.PAIRING
    allow_from: SenderEntries = ()
    group_policy: GroupPolicy = GroupPolicy.ALLOWLIST
    group_allow_from: Maybe[SenderEntries] = None
    groups: Maybe[dict[Annotated[str, AfterValidator(_check_group_key)], GroupEntry]] = None
    dms: Maybe[dict[Annotated[str, AfterValidator(_check_dm_key)], DmEntry]] = None
    outbound: Annotated[Outbound, BeforeValidator(_both, json_schema_input_type=OutboundMode | Outbound)] = (
        Outbound()
    )
    drafts: Drafts = Drafts()
    history_limit: Count = 50
    acks: Acks = Acks.AUTO
    pairing: Pairing = Pairing()
    backlog_max_age: Duration = timedelta(minutes=15)
    owner_takeover: OptionalDuration = timedelta(0)
    resend_unknown: ResendUnknown = ResendUnknown.WHEN_ABSENT
    look_up_gap: Duration = timedelta(minutes=1)
    pacing: Pacing = Pacing()
    quiet_hours: Maybe[QuietSpans] = None
    media_max_mb: Megabytes = 20
    media_keep: Maybe[Kept] = None
    media_keep_mb: Megabytes = 500
    retention: Retention = Retention()
    disclosure: Maybe[Disclosure] = None
    disclosure_text: Maybe[Annotated[StrictStr, Field(min_length=1, max_length=500)]] = None
    markdown: Markdown = Markdown()
    number_chunks: StrictBool = False
    response_prefix: Maybe[StrictStr] = None
    alerts: Maybe[Alerts] = None
    owner_commands: StrictBool = False
    proxy: StrictStr = Field(default="", repr=False)
    run_on: Labels = Field(default_factory=dict)
    config_writes: Maybe[StrictBool] = None
    message_prefix: Maybe[StrictStr] = None
    heartbeat_visibility: Maybe[dict[str, Any]] = None
    dangerously_allow_name_matching: Maybe[StrictBool] = None

    @property
    def media_kept(self) -> timedelta:
        """How long fetched files are kept: the former name counts where the new one is not written."""
        if self.media_keep is None or "media" in self.retention.model_fields_set:
            return self.retention.media
        return self.media_keep
