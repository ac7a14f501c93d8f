"""What a decision needs to know of one account: its settings (`AccessPolicy`) and what changes (`Grants`)."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from clawlane.access.allowlists import Allowlist, GroupRule, GroupTable
from clawlane.access.decision import Rule
from clawlane.access.names import ConfigName, NameList, Pins
from clawlane.access.outbound import OutboundPolicy
from clawlane.config.choices import Acks, DmPolicy, GroupPolicy, PairingReply
from clawlane.config.errors import format_path, path_below
from clawlane.config.origin import Layer, setting_text
from clawlane.config.patterns import compile_pattern
from clawlane.config.re2_pattern import Pattern

if TYPE_CHECKING:
    from clawlane.channel import Account
    from clawlane.config.load import Config
    from clawlane.config.settings import GroupEntry
    from clawlane.config.thread_tools import ThreadTools
    from clawlane.messages import Inbound, Own


BACKLOG_MAX_AGE_MS = 15 * 60 * 1000
PATIENCE_MS = 20_000
"""How long an account waits for its own id and for the look-ups of its names."""

_CLOSING_KEYS = ("allow", "enabled")


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """The access settings of one account; each `…_rule` says where the value before it is set.

    `group_allow` is None where the key is not set: then `allow` counts under `allowlist`, and any sender is
    let in under `open`. `mention_patterns` are compiled for NFC text in any case. A `history_limit` of 0
    keeps none.
    """

    dm: DmPolicy = DmPolicy.PAIRING
    dm_rule: Rule = field(default=Rule("dmPolicy"))
    allow: Allowlist = field(default_factory=Allowlist)
    allow_rule: Rule = field(default=Rule("allowFrom"))
    groups: GroupPolicy = GroupPolicy.ALLOWLIST
    groups_rule: Rule = field(default=Rule("groupPolicy"))
    group_allow: Allowlist | None = None
    group_allow_rule: Rule = field(default=Rule("groupAllowFrom"))
    group_table: GroupTable = field(default_factory=GroupTable)
    group_table_rule: Rule = field(default=Rule("groups"))
    mention_patterns: tuple[Pattern, ...] = ()
    mention_patterns_rule: Rule = field(default=Rule("messages.groupChat.mentionPatterns"))
    owners: Allowlist = field(default_factory=Allowlist)
    owners_rule: Rule = field(default=Rule("commands.ownerAllowFrom"))
    text_commands: bool = True
    owner_commands: bool = False
    history_limit: int = 50
    history_rule: Rule = field(default=Rule("historyLimit"))
    merge_ms: int = 0
    acks: Acks = Acks.AUTO
    outbound: OutboundPolicy = field(default_factory=OutboundPolicy)
    pairing_reply: PairingReply = PairingReply.CODE
    pairing_text: str | None = None
    backlog_max_age_ms: int = BACKLOG_MAX_AGE_MS
    backlog_rule: Rule = field(default=Rule("backlogMaxAge"))
    takeover_ms: int = 0
    takeover_rule: Rule = field(default=Rule("ownerTakeover"))
    revision: str = ""
    tools: ThreadTools | None = None
    """The tools that the agents may use in each conversation; None where nobody asks for them."""

    @classmethod
    def of(cls, config: Config, account: Account) -> AccessPolicy:
        """The access settings of an account of this config."""
        from clawlane.config.thread_tools import ThreadTools

        settings, reader = account.settings, _RuleReader(config, account)
        group_allow = settings.group_allow_from
        group_table = GroupTable.of(reader.group_rules())
        patterns = config.root.messages.group_chat.mention_patterns
        return cls(
            dm=settings.dm_policy,
            dm_rule=reader.rule("dmPolicy"),
            allow=Allowlist.of(settings.allow_from, NameList.ALLOW_FROM),
            allow_rule=reader.rule("allowFrom"),
            groups=settings.group_policy,
            groups_rule=reader.rule("groupPolicy"),
            group_allow=None if group_allow is None else Allowlist.of(group_allow, NameList.GROUP_ALLOW_FROM),
            group_allow_rule=reader.rule("groupAllowFrom"),
            group_table=group_table,
            group_table_rule=reader.rule("groups"),
            mention_patterns=tuple(map(compile_pattern, patterns)),
            mention_patterns_rule=reader.shared_rule("messages", "groupChat", "mentionPatterns"),
            owners=Allowlist.of(config.root.commands.owner_allow_from),
            owners_rule=reader.shared_rule("commands", "ownerAllowFrom"),
            text_commands=config.root.commands.text,
            owner_commands=settings.owner_commands,
            history_limit=settings.history_limit,
            history_rule=reader.rule("historyLimit"),
            merge_ms=config.root.messages.inbound.window_ms(account.channel),
            acks=settings.acks,
            outbound=reader.outbound(group_table),
            pairing_reply=settings.pairing.reply,
            pairing_text=settings.pairing.text,
            backlog_max_age_ms=settings.backlog_max_age // timedelta(milliseconds=1),
            backlog_rule=reader.rule("backlogMaxAge"),
            takeover_ms=settings.owner_takeover // timedelta(milliseconds=1),
            takeover_rule=reader.rule("ownerTakeover"),
            revision=config.source.revision,
            tools=ThreadTools.of(config, account),
        )

    def names_to_pin(self) -> tuple[ConfigName, ...]:
        """Every name that needs a look-up: allowFrom, groupAllowFrom, groups, the lists of single groups."""
        in_groups = self.group_allow.names_to_pin() if self.group_allow else ()
        return (*self.allow.names_to_pin(), *in_groups, *self.group_table.names_to_pin())


@dataclass(frozen=True, slots=True)
class Grants:
    """What is not in the config and changes while the account runs.

    `own_id` is empty while unknown, `other_own_ids` are the other accounts of this gateway and
    may have the own id among them, `paired` are the senders that the owner approved, `pins` what the names of
    the config stand for. `receipts` holds the ids of the messages this account sent (message ids and client
    ids). `language` is the account's (`vi`).
    `skew_ms` is how far the platform's clock is ahead of this machine's, None while unknown.
    """

    own_id: str = ""
    other_own_ids: frozenset[str] = frozenset()
    paired: frozenset[str] = frozenset()
    pins: Pins = field(default_factory=Pins)
    receipts: Container[str] = frozenset()
    language: str = ""
    skew_ms: int | None = None

    def sent_ms(self, inbound: Inbound | Own, read_ms: int) -> int:
        """When a message was sent, by the platform's clock. Without a time of its own: when it was read."""
        return inbound.sent_ms or read_ms + (self.skew_ms or 0)

    def age_ms(self, inbound: Inbound | Own, read_ms: int) -> int:
        """How old a message was when this machine read it, by the platform's clock.

        While that clock is unknown, a live message is new whatever this machine's clock says, and a fetched
        one is judged by this machine's clock.
        """
        if self.skew_ms is None and inbound.live:
            return 0
        return read_ms + (self.skew_ms or 0) - self.sent_ms(inbound, read_ms)


def ready_to_decide(policy: AccessPolicy, grants: Grants, waited_ms: int = 0) -> bool:
    """Whether messages can be decided now; until then they are stored undecided.

    True once the own id is known and every name of the config has had its first look-up, at the latest 20 s
    after the account started. It stays true, so callers may remember it.
    """
    if waited_ms >= PATIENCE_MS:
        return True
    return bool(grants.own_id) and grants.pins.looked_up(policy.names_to_pin())


def _senders_of(key: str, entry: GroupEntry) -> Allowlist | None:
    written = entry.allow_from
    return None if written is None else Allowlist.of(written, NameList.GROUP_SENDERS, key)


class _RuleReader:
    """Finds where the config sets what counts for one account."""

    def __init__(self, config: Config, account: Account) -> None:
        self._config = config
        self._account = account
        self._keys = config.source.by_path

    def rule(self, key: str) -> Rule:
        """Where a channel key (`groupPolicy`) is set for the account, or where it can be set."""
        origin = self._config.effective(self._account, key).origin
        return Rule(origin.path, origin.layer, origin.line, self._text(origin.path))

    def shared_rule(self, *path: str) -> Rule:
        """The same for a key outside the channel blocks."""
        return self._rule_at(format_path(path), Layer.DEFAULTS)

    def group_rules(self) -> Iterator[GroupRule]:
        """The keys of `groups`, in the order of the file."""
        groups = self.rule("groups")
        for key, entry in (self._account.settings.groups or {}).items():
            path = path_below(groups.path, key)
            closing = next((f"{path}.{name}" for name in _CLOSING_KEYS if not getattr(entry, name)), path)
            yield GroupRule(
                key=key,
                rule=self._rule_at(closing, groups.origin),
                denies=closing != path,
                require_mention=entry.require_mention is not False,
                mention_rule=self._rule_at(f"{path}.requireMention", groups.origin),
                senders=_senders_of(key, entry),
                senders_rule=self._rule_at(f"{path}.allowFrom", groups.origin),
                outbound=entry.outbound,
                outbound_rule=self._rule_at(f"{path}.outbound", groups.origin),
            )

    def outbound(self, groups: GroupTable) -> OutboundPolicy:
        """What leaves, and where that is set: for everybody, and for single people and groups."""
        whole, dms = self.rule("outbound"), self.rule("dms")
        written = self._config.source.at(self._keys.get(whole.path, ()))

        def of(kind: str) -> Rule:
            path = path_below(whole.path, kind)
            return self._rule_at(path, whole.origin) if isinstance(written, Mapping) else whole

        modes = self._account.settings.outbound
        single = {
            id_: (entry.outbound, self._rule_at(path_below(dms.path, id_, "outbound"), dms.origin))
            for id_, entry in (self._account.settings.dms or {}).items()
            if entry.outbound is not None
        }
        return OutboundPolicy((modes.dm, of("dm")), (modes.group, of("group")), single, groups)

    def _rule_at(self, path: str, origin: str) -> Rule:
        """The rule at a path: of this origin if the file has the path, else built-in."""
        key = self._keys.get(path)
        if key is None:
            return Rule(path)
        return Rule(path, origin, self._config.source.keys[key].line, self._text(path))

    def _text(self, path: str) -> str:
        return setting_text(self._config.source, self._keys.get(path))
