"""What the access rules know of one account: its settings, and what the store and the gateway add."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from clawlane.access.decision import Rule
from clawlane.access.entries import SenderList
from clawlane.config.origin import Effective
from clawlane.config.policy import DmPolicy, PairingReply
from clawlane.config.settings import ChannelSettings

BACKLOG_MAX_AGE_MS = 15 * 60 * 1000


def _built_in(key: str) -> Rule:
    return Rule(key, "built-in")


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one account as the config wrote them, each with the path and origin of its value."""

    dm: DmPolicy = DmPolicy.PAIRING
    dm_rule: Rule = field(default_factory=lambda: _built_in("dmPolicy"))
    allow: SenderList = field(default_factory=SenderList)
    allow_rule: Rule = field(default_factory=lambda: _built_in("allowFrom"))
    pairing_reply: PairingReply = PairingReply.CODE
    backlog_max_age_ms: int = BACKLOG_MAX_AGE_MS
    backlog_rule: Rule = field(default_factory=lambda: _built_in("backlogMaxAge"))

    @classmethod
    def of(cls, settings: ChannelSettings, effective: Callable[[str], Effective]) -> Policy:
        """The rules in an account's settings; `effective` tells who set a key, by its name in the config."""

        def rule(key: str) -> Rule:
            origin = effective(key).origin
            return Rule(origin.path, origin.level)

        return cls(
            dm=settings.dm_policy,
            dm_rule=rule("dmPolicy"),
            allow=SenderList.of(settings.allow_from),
            allow_rule=rule("allowFrom"),
            pairing_reply=settings.pairing.reply,
            backlog_max_age_ms=settings.backlog_max_age // timedelta(milliseconds=1),
            backlog_rule=rule("backlogMaxAge"),
        )


@dataclass(frozen=True, slots=True)
class Grants:
    """What is not in the config: the own id, the ids of the other accounts here, and whom pairing let in."""

    own_id: str = ""
    other_own_ids: frozenset[str] = frozenset()
    paired: frozenset[str] = frozenset()
