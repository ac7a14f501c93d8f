"""What an account works by while it runs: settings of the config in force, replaced whole by each edit."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from clawlane.access.in_force import Rules
from clawlane.channel import Account
from clawlane.config.choices import Disclosure, ResendUnknown
from clawlane.lane.commands import Answering
from clawlane.lane.hours import QuietHours
from clawlane.lane.inbound_media import MediaLimits
from clawlane.store.due import LOOK_UP_MS
from clawlane.store.retention import Keep
from clawlane.zone import Zone

if TYPE_CHECKING:
    from clawlane.config.load import Config
    from clawlane.config.settings import ChannelSettings


@dataclass(frozen=True, slots=True)
class LaneSettings:
    """The settings of one account from one config; while a widening waits, `rules` are those of two.

    `resend_unknown` says whether a chunk that two look-ups, `look_up_gap_ms` apart, show to be absent is sent
    again. `prefix` goes before each reply. `answering` is what commands tell of the agents. `is_default` says
    that commands need not name the account. `draft_ms` is how long a draft waits for approval. `keep` is how
    long words of others are kept. `disclosure` and its text (empty: the built-in one) are how people are told
    that a program answers. `locale` is the language in which people are written to; empty for the one that
    the platform names for the account.
    """

    account: Account
    rules: Rules = field(default_factory=Rules)
    resend_unknown: ResendUnknown = ResendUnknown.NEVER
    look_up_gap_ms: int = 60_000
    prefix: str = ""
    media: MediaLimits = field(default_factory=MediaLimits)
    answering: Answering = field(default_factory=Answering)
    is_default: bool = True
    draft_ms: int = 12 * 3_600_000
    quiet_hours: QuietHours = field(default_factory=QuietHours)
    keep: Keep = field(default_factory=Keep)
    disclosure: Disclosure = Disclosure.OFF
    disclosure_text: str = ""
    locale: str = ""

    @classmethod
    def of(cls, config: Config, account: Account, rules: Rules) -> LaneSettings:
        """The settings of an account of this config, with the rules in force."""
        settings = account.settings
        return cls(
            account,
            rules,
            settings.resend_unknown,
            int(settings.look_up_gap.total_seconds() * 1000),
            settings.response_prefix or "",
            MediaLimits.of(settings),
            Answering.of(config),
            account.id == config.channels[account.channel].default_account,
            settings.drafts.expire // timedelta(milliseconds=1),
            QuietHours.of(settings.quiet_hours, Zone(config.root.timezone or "")),
            keep_of(settings),
            settings.disclosure or Disclosure.OFF,
            settings.disclosure_text or "",
            settings.locale or config.root.locale or "",
        )

    @property
    def settle_ms(self) -> int:
        """How long look-ups may settle an unknown send before the operator has to, 0 if they may not."""
        return LOOK_UP_MS if self.resend_unknown is ResendUnknown.WHEN_ABSENT else 0


def keep_of(settings: ChannelSettings) -> Keep:
    """How long an account keeps what is in the store."""
    kept = settings.retention
    lengths = (kept.text, kept.history, kept.sessions, kept.decisions)
    return Keep(*(int(length.total_seconds() * 1000) for length in lengths))


class LiveSettings:
    """The settings in force of one account, over all its runs."""

    def __init__(self, now: LaneSettings) -> None:
        self.now = now

    def rules(self) -> Rules:
        """The access rules in force now."""
        return self.now.rules
