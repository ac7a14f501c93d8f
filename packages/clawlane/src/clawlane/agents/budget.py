"""What agents may spend in a day: checked before each request, counted after each answer."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from clawlane.agents.contract import Lane, TurnInput
from clawlane.agents.errors import BudgetSpent
from clawlane.clock import now_ms
from clawlane.config.routing import AgentSettings
from clawlane.store import alerts, spending
from clawlane.store.account_store import Clock
from clawlane.store.alerts import AlertKind
from clawlane.store.spending import DaySpent, Spent
from clawlane.zone import Zone

_BYTES_A_TOKEN, _TOKENS_A_MESSAGE = 3, 4
log = logging.getLogger(__name__)


def rough_tokens(*texts: str) -> int:
    """Roughly how many tokens messages take: one for three bytes of UTF-8, and four for each message.

    English has about four bytes to a token and Vietnamese about three, so it is rather too many.
    """
    return sum(len(text.encode("utf-8", "replace")) // _BYTES_A_TOKEN + _TOKENS_A_MESSAGE for text in texts)


@dataclass(frozen=True, slots=True)
class _Share:
    """A part of the day's budget that is spent: which, how much of how much, and who is silenced by that."""

    key: str
    amount: str
    whose: str


class Ledger:
    """The budget of one agent, over all its turns. It says once a day who is silenced by it."""

    def __init__(self, agent: AgentSettings, clock: Clock = now_ms) -> None:
        self.agent = agent
        self._clock = clock
        self._told: set[tuple[str, str]] = set()
        self._told_on = ""

    def of(self, turn: TurnInput) -> TurnLedger:
        """The budget as it holds for one turn."""
        return TurnLedger(self, turn, turn.lane)

    def today(self, zone: Zone) -> str:
        """The date in a zone, to which all is counted that is spent now."""
        return zone.day(self._clock())

    def spent_share(self, day: DaySpent, turn: TurnInput) -> _Share | None:
        """What is spent of what a turn may use; the whole budget first."""
        return next(self._spent_shares(day, turn), None)

    def _spent_shares(self, day: DaySpent, turn: TurnInput) -> Iterator[_Share]:
        budget = self.agent.settings.budget
        sender = f"for sender {turn.message.sender_id}"
        parts = (
            ("", 1.0, day.total, "for everybody"),
            ("perSender", budget.per_sender, day.sender, sender),
            ("perThread", budget.per_thread, day.thread, f"in {turn.thread}"),
        )
        for share, part, used, whose in parts:
            if budget.tokens_per_day is not None and used.tokens >= part * budget.tokens_per_day:
                amount = f"{used.tokens} of {part * budget.tokens_per_day:.0f} tokens"
                yield _Share(share or "tokensPerDay", amount, whose)
            if budget.usd_per_day is not None and used.usd >= part * budget.usd_per_day:
                amount = f"{used.usd:.4f} of {part * budget.usd_per_day:.4f} USD"
                yield _Share(share or "usdPerDay", amount, whose)

    def tell(self, share: _Share, reason: str, today: str) -> bool:
        """Tell the operator, once a day for each who is silenced. False for what was told before."""
        if self._told_on != today:
            self._told_on = today
            self._told.clear()
        if (share.key, share.whose) in self._told:
            return False
        self._told.add((share.key, share.whose))
        log.warning("agent %s is silent %s until midnight: %s", self.agent.id, share.whose, reason)
        return True


@dataclass(slots=True)
class TurnLedger:
    """The budget of an agent as it holds for one turn. Without a lane nothing is checked or stored.

    `tokens` are those that were counted for this run of it.
    """

    ledger: Ledger
    turn: TurnInput
    lane: Lane | None
    tokens: int = 0

    async def check(self) -> None:
        """Raises `BudgetSpent` if nothing more may be asked for this turn today."""
        budget = self.ledger.agent.settings.budget
        if self.lane is None or (budget.tokens_per_day is None and budget.usd_per_day is None):
            return
        agent, today = self.ledger.agent, self.ledger.today(self.lane.zone)
        sender_id = self.turn.message.sender_id
        day = await self.lane.account_store.run(
            spending.day_spent, agent.id, today, self.turn.thread, sender_id
        )
        if share := self.ledger.spent_share(day, self.turn):
            reason = f"{agent.at('budget')}.{share.key}: {share.amount} are spent today"
            if self.ledger.tell(share, reason, today):
                key = f"{agent.id} {share.key} {share.whose}"
                told = partial(alerts.note, agent=agent.id, share=share.key, day=today)
                await self.lane.account_store.run(told, AlertKind.BUDGET_SPENT, key)
            raise BudgetSpent(reason)

    async def add(self, spent: Spent) -> None:
        """Count what a request took."""
        self.tokens += spent.tokens
        if self.lane is not None:
            await self.lane.account_store.run(
                spending.add,
                self.ledger.agent.id,
                self.ledger.today(self.lane.zone),
                self.turn.thread,
                self.turn.message.sender_id,
                spent,
            )
            if (observer := self.lane.account_store.observer) is not None:
                agent = self.ledger.agent.id
                observer.spent(agent, spent.input_tokens, spent.output_tokens, spent.usd)
