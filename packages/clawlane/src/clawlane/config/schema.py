"""The config outside the channel blocks, and the keys that clawlane accepts or refuses without a function."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StrictStr, field_validator

from clawlane.config import openclaw
from clawlane.config.agents import Agents, Binding, Lenient, Models, SessionSettings
from clawlane.config.choices import GroupPolicy, Locale, LogLevel, Reload
from clawlane.config.cluster import NodeSettings, Takeover, TakeoverAfter
from clawlane.config.console import Console
from clawlane.config.errors import KeyPath
from clawlane.config.fields import Block, Count, Maybe, MemberEntries, SenderEntries
from clawlane.config.mcp import Mcp
from clawlane.config.media_tools import Tools
from clawlane.config.metrics import Metrics
from clawlane.config.patterns import check_pattern
from clawlane.config.sealing import Secrets
from clawlane.config.store import StoreSettings
from clawlane.config.time_zone import TimeZone
from clawlane.config.webhooks import EventWebhooks
from clawlane.messages import LONGEST_WINDOW_MS


class ChannelDefaults(Lenient):
    """Defaults of all channels."""

    lacking = openclaw.DEFAULTS_KEYS

    group_policy: Maybe[GroupPolicy] = None


class GroupChat(Lenient):
    """Settings for the groups of all channels."""

    lacking = openclaw.GROUP_CHAT_KEYS

    mention_patterns: tuple[Annotated[StrictStr, AfterValidator(check_pattern)], ...] = ()
    history_limit: Maybe[Count] = None


_Window = Annotated[Count, AfterValidator(lambda ms: min(ms, LONGEST_WINDOW_MS))]


class InboundMessages(Block):
    """How long an admitted text waits for more from its sender, to be answered with it; 0 for not at all.

    `byChannel` sets it for one channel. More than a minute counts as a minute.
    """

    debounce_ms: _Window = 0
    by_channel: dict[str, _Window] = Field(default_factory=dict)

    def window_ms(self, channel: str) -> int:
        """The window of a channel, in milliseconds."""
        return self.by_channel.get(channel, self.debounce_ms)


class Messages(Lenient):
    """Settings for the messages of all channels."""

    lacking = openclaw.MESSAGES_KEYS

    inbound: InboundMessages = InboundMessages()
    group_chat: GroupChat = GroupChat()
    response_prefix: Maybe[StrictStr] = None


class Commands(Lenient):
    """Who may use control commands everywhere."""

    lacking = openclaw.COMMANDS_KEYS

    text: bool = Field(default=True, strict=True)
    owner_allow_from: SenderEntries = ()


class AccessGroup(Lenient):
    """People that sender lists can include by one name. `members` maps a channel id, or `*`, to entries."""

    lacking = openclaw.ACCESS_GROUP_KEYS

    members: dict[str, MemberEntries] = Field(default_factory=dict)


class Gateway(Lenient):
    """The running gateway. With `reload: 'ask'` an edit that widens access waits for `config apply`.

    It waits while the gateway runs: a start works by the file as it is.
    """

    lacking = openclaw.GATEWAY_KEYS

    reload: Reload = Reload.AUTO

    @field_validator("reload", mode="before")
    @classmethod
    def _openclaw_modes(cls, value: object) -> object:
        return Reload.AUTO if isinstance(value, Mapping) else value


class Logging(Lenient):
    """The log."""

    lacking = openclaw.LOGGING_KEYS

    level: LogLevel = LogLevel.INFO


_BLOCKS: dict[KeyPath, type[Lenient]] = {
    ("channels", "defaults"): ChannelDefaults,
    ("messages",): Messages,
    ("messages", "groupChat"): GroupChat,
    ("commands",): Commands,
    ("gateway",): Gateway,
    ("logging",): Logging,
    ("secrets",): Secrets,
}


def lacking_keys(root: Mapping[str, Any]) -> Iterator[KeyPath]:
    """The keys of the blocks of this module that only OpenClaw knows, and its object of modes at `reload`."""
    for place, model in _BLOCKS.items():
        block: object = root
        for key in place:
            block = block.get(key) if isinstance(block, Mapping) else None
        if isinstance(block, Mapping):
            yield from ((*place, key) for key in block if key in model.lacking)
            if model is Gateway and isinstance(block.get("reload"), Mapping):
                yield (*place, "reload")
    groups = root.get("accessGroups")
    for name, group in groups.items() if isinstance(groups, Mapping) else ():
        if isinstance(group, Mapping):
            yield from (("accessGroups", name, key) for key in group if key in AccessGroup.lacking)


class Root(Block):
    """The whole file. Channel blocks are checked by the settings model of their plugin."""

    schema_: StrictStr | None = Field(default=None, alias="$schema")
    locale: Maybe[Locale] = None
    timezone: Maybe[TimeZone] = None
    channels: dict[str, Any] = Field(default_factory=dict)
    messages: Messages = Messages()
    commands: Commands = Commands()
    access_groups: dict[str, AccessGroup] = Field(default_factory=dict)
    agents: Agents = Agents()
    bindings: tuple[Binding, ...] = ()
    models: Models = Models()
    mcp: Mcp = Mcp()
    tools: Tools = Tools()
    session: SessionSettings = SessionSettings()
    gateway: Gateway = Gateway()
    console: Console = Console()
    metrics: Metrics = Metrics()
    webhooks: EventWebhooks = ()
    store: StoreSettings = StoreSettings()
    node: NodeSettings = NodeSettings()
    takeover: Takeover = Takeover.ASK
    takeover_after: TakeoverAfter = timedelta(minutes=1)
    logging: Logging = Logging()
    secrets: Secrets = Secrets()


UNSUPPORTED = frozenset(
    (
        "acp",
        "approvals",
        "audio",
        "auth",
        "broadcast",
        "browser",
        "canvasHost",
        "cli",
        "cron",
        "diagnostics",
        "discovery",
        "env",
        "hooks",
        "media",
        "memory",
        "meta",
        "nodeHost",
        "plugins",
        "skills",
        "surfaces",
        "talk",
        "ui",
        "update",
        "web",
        "wizard",
    )
)
"""Top-level keys of an OpenClaw config for features that clawlane does not have."""

INCLUDE = "$include"
INCLUDES = "OpenClaw reads further files here, clawlane does not"
INCLUDES_HINT = "write what they say into this file"

UNSUPPORTED_SECTION = "OpenClaw has this section, clawlane does not"
UNSUPPORTED_KEY = "OpenClaw has this key, clawlane does not"

INERT = frozenset(("configWrites", "messagePrefix", "heartbeatVisibility", "dangerouslyAllowNameMatching"))
"""Channel keys that are accepted so that files can be shared, and that never do anything here."""
