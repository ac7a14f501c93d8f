"""What the access rules know of one account: its settings, and what the store and the gateway add."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from clawlane.access.allowlists import GroupRule, GroupTable, SenderList
from clawlane.access.decision import Rule
from clawlane.access.names import Name, NameList, Pins
from clawlane.config.choices import Acks, DmPolicy, GroupPolicy, PairingReply
from clawlane.config.errors import format_path
from clawlane.config.linear import Pattern
from clawlane.config.origin import Level, setting_text
from clawlane.config.patterns import compile_pattern

if TYPE_CHECKING:
    from clawlane.channel import Account
    from clawlane.config.load import Config
    from clawlane.config.settings import GroupEntry
    from clawlane.messages import Inbound


_CLOSING_KEYS = ("allow", "enabled")


def below(path: str, *keys: str) -> str:
    """The path of a key below a written path: `groups` and `Work Chat` are `groups['Work Chat']`."""
    return path + format_path(("x", *keys))[1:]


class Written:
    """The config as one account sees it."""

    def __init__(self, config: Config, account: Account) -> None:
        self._config = config
        self._account = account
        self._keys = {format_path(path): path for path in config.source.keys}

    def rule(self, key: str) -> Rule:
        """Who set a channel key (`groupPolicy`) for the account; if that is nobody, where it can be set."""
        origin = self._config.effective(self._account, key).origin
        return Rule(origin.path, origin.level, origin.line, self._text(origin.path))

    def shared_rule(self, *path: str) -> Rule:
        """The same for a key outside the channel blocks."""
        return self._place(format_path(path), Level.DEFAULTS)

    def group_rules(self) -> Iterator[GroupRule]:
        """The keys of `groups`, in the order of the file."""
        groups = self.rule("groups")
        for key, entry in (self._account.settings.groups or {}).items():
            path = below(groups.path, key)
            yield GroupRule(
                key=key,
                rule=self._closing(path, groups.origin, entry),
                denies=not (entry.allow and entry.enabled),
                require_mention=entry.require_mention is not False,
                mention_rule=self._place(f"{path}.requireMention", groups.origin),
            )

    def mention_patterns(self) -> tuple[Pattern, ...]:
        """The patterns, compiled. The config has been checked to hold none that cannot be."""
        return tuple(map(compile_pattern, self._config.root.messages.group_chat.mention_patterns))

    def _closing(self, path: str, origin: str, entry: GroupEntry) -> Rule:
        """What closes the entry's group, or else the entry itself."""
        for key in _CLOSING_KEYS:
            if getattr(entry, key) is False:
                return self._place(f"{path}.{key}", origin)
        return self._place(path, origin)

    def _place(self, path: str, origin: str) -> Rule:
        """The rule at a path: of this origin if the file has the path, else built-in."""
        key = self._keys.get(path)
        if key is None:
            return Rule(path)
        return Rule(path, origin, self._config.source.keys[key].line, self._text(path))

    def _text(self, path: str) -> str:
        return setting_text(self._config.source, self._keys.get(path))


BACKLOG_MAX_AGE_MS = 15 * 60 * 1000
HISTORY_LIMIT = 50


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one account as the config wrote them, each with the path and origin of its value.

    `group_allow` is None where the key is not set: then `allow` counts under `allowlist`, and nobody is asked
    under `open`. `mention_patterns` are compiled for NFC text in any case. A `history_limit` of 0: off.
    """

    dm: DmPolicy = DmPolicy.PAIRING
    dm_rule: Rule = field(default=Rule("dmPolicy"))
    allow: SenderList = field(default_factory=SenderList)
    allow_rule: Rule = field(default=Rule("allowFrom"))
    groups: GroupPolicy = GroupPolicy.ALLOWLIST
    groups_rule: Rule = field(default=Rule("groupPolicy"))
    group_allow: SenderList | None = None
    group_allow_rule: Rule = field(default=Rule("groupAllowFrom"))
    group_table: GroupTable = field(default_factory=GroupTable)
    group_table_rule: Rule = field(default=Rule("groups"))
    mention_patterns: tuple[Pattern, ...] = ()
    mention_patterns_rule: Rule = field(default=Rule("messages.groupChat.mentionPatterns"))
    owners: SenderList = field(default_factory=SenderList)
    owners_rule: Rule = field(default=Rule("commands.ownerAllowFrom"))
    text_commands: bool = True
    history_limit: int = HISTORY_LIMIT
    history_rule: Rule = field(default=Rule("historyLimit"))
    merge_ms: int = 0
    acks: Acks = Acks.AUTO
    acks_rule: Rule = field(default=Rule("acks"))
    pairing_reply: PairingReply = PairingReply.CODE
    pairing_text: str | None = None
    backlog_max_age_ms: int = BACKLOG_MAX_AGE_MS
    backlog_rule: Rule = field(default=Rule("backlogMaxAge"))
    revision: str = ""

    @classmethod
    def of(cls, config: Config, account: Account) -> Policy:
        """The rules of an account of this config."""
        settings, written = account.settings, Written(config, account)
        group_allow = settings.group_allow_from
        return cls(
            dm=settings.dm_policy,
            dm_rule=written.rule("dmPolicy"),
            allow=SenderList.of(settings.allow_from, NameList.ALLOW_FROM),
            allow_rule=written.rule("allowFrom"),
            groups=settings.group_policy,
            groups_rule=written.rule("groupPolicy"),
            group_allow=None
            if group_allow is None
            else SenderList.of(group_allow, NameList.GROUP_ALLOW_FROM),
            group_allow_rule=written.rule("groupAllowFrom"),
            group_table=GroupTable.of(written.group_rules()),
            group_table_rule=written.rule("groups"),
            mention_patterns=written.mention_patterns(),
            mention_patterns_rule=written.shared_rule("messages", "groupChat", "mentionPatterns"),
            owners=SenderList.of(config.root.commands.owner_allow_from),
            owners_rule=written.shared_rule("commands", "ownerAllowFrom"),
            text_commands=config.root.commands.text,
            history_limit=settings.history_limit,
            history_rule=written.rule("historyLimit"),
            merge_ms=config.root.messages.inbound.window_ms(account.channel),
            acks=settings.acks,
            acks_rule=written.rule("acks"),
            pairing_reply=settings.pairing.reply,
            pairing_text=settings.pairing.text,
            backlog_max_age_ms=settings.backlog_max_age // timedelta(milliseconds=1),
            backlog_rule=written.rule("backlogMaxAge"),
            revision=config.source.revision,
        )

    def names(self) -> tuple[Name, ...]:
        """Every name that needs a look-up, in the order allowFrom, groupAllowFrom, groups."""
        in_groups = self.group_allow.to_pin() if self.group_allow else ()
        return (*self.allow.to_pin(), *in_groups, *self.group_table.to_pin())


@dataclass(frozen=True, slots=True)
class Grants:
    """What is not in the config and changes while the account runs.

    The own id (empty while unknown), the ids of the other accounts here, whom pairing let in, what the names
    of the config are pinned to, the ids of the messages that this account sent (of both kinds), its language
    (`vi`), and how far the platform's clock is ahead of this machine's (None while it has not told).
    """

    own_id: str = ""
    other_own_ids: frozenset[str] = frozenset()
    paired: frozenset[str] = frozenset()
    pins: Pins = field(default_factory=Pins)
    receipts: Container[str] = frozenset()
    language: str = ""
    skew_ms: int | None = None

    def sent_ms(self, inbound: Inbound, read_ms: int) -> int:
        """When a message was sent. One that cannot tell was sent as it was read, by the platform's clock."""
        return inbound.sent_ms or read_ms + (self.skew_ms or 0)

    def age_ms(self, inbound: Inbound, read_ms: int) -> int:
        """How old a message was when this machine read it, by the platform's clock.

        Without that clock a message that came live is new, whatever this machine's clock says; one that was
        fetched is judged by this machine's.
        """
        if self.skew_ms is None and inbound.live:
            return 0
        return read_ms + (self.skew_ms or 0) - self.sent_ms(inbound, read_ms)


PATIENCE_MS = 20_000


def ready(policy: Policy, grants: Grants, waited_ms: int = 0) -> bool:
    """Whether messages can be decided now; until then they are stored undecided.

    True once the own id is known and every name of the config had its first look-up, at the latest when the
    account has waited for 20 s since it started. It stays true; whoever asks may remember that.
    """
    if waited_ms >= PATIENCE_MS:
        return True
    return bool(grants.own_id) and grants.pins.looked_up(policy.names())
