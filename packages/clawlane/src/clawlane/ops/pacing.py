"""What pacing and budgets allow, what is used of it, and what is held because of them until when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from clawlane.ops.account_status import HeldReply, QuietStatus
from clawlane.ops.context import OpContext
from clawlane.ops.operation import AccountRequest, operation
from clawlane.ops.pause import PauseInfo, TakeoverInfo

if TYPE_CHECKING:
    from clawlane.channel import Account
    from clawlane.config.effective import Setting
    from clawlane.lane.pacing import SendHistory
    from clawlane.store.reader import Reader
    from clawlane.store.spending import DaySpending


@dataclass(frozen=True, slots=True)
class GetPacing(AccountRequest["Pacing"]):
    """Of everything, of one channel, or of one account."""


class Allowance(Struct, frozen=True):
    """A setting that limits something, and what is used of it.

    `limit` is its value, None for no limit, and `used` None for what is not counted. `of` is the thread or
    sender that `used` is the count of: the one with the most. `until_ms` is when more is allowed again, None
    while it is. `origin` is the layer that sets it; `set_at` and `line` are None for a built-in value.
    """

    key: str
    limit: Any
    origin: str
    set_at: str | None = None
    line: int | None = None
    used: float | None = None
    of: str = ""
    until_ms: int | None = None


class WarmUpWindow(Struct, frozen=True):
    """How many replies may leave within a `minute`, an `hour`, a `day`, how many did, and when more may."""

    window: str
    limit: int
    used: int
    until_ms: int | None


class WarmingUp(Struct, frozen=True):
    """A new session on one of its first `days`, until `ends_ms`; what it allows grows at `grows_ms`.

    `by_setting` is false where it warms up because the account was said not to be expendable.
    """

    day: int
    days: int
    grows_ms: int
    ends_ms: int
    by_setting: bool
    windows: list[WarmUpWindow]


class AccountPacing(Struct, frozen=True):
    """What one account may send: its settings, what is used of them, and what they hold."""

    account: str
    settings: list[Allowance]
    warm_up: WarmingUp | None = None
    quiet: QuietStatus | None = None
    held: list[HeldReply] = field(default_factory=list)
    pauses: list[PauseInfo] = field(default_factory=list)
    takeovers: list[TakeoverInfo] = field(default_factory=list)


class AgentBudget(Struct, frozen=True):
    """What an agent may spend on a day, over all accounts, and what it did. It begins anew at `resets_ms`."""

    agent: str
    resets_ms: int
    settings: list[Allowance]


class Pacing(Struct, frozen=True):
    """The accounts that were asked for, by `channel/id`, and the agents.

    `running` says whether a gateway sends for them.
    """

    accounts: dict[str, AccountPacing]
    agents: list[AgentBudget]
    running: bool


@operation
async def pacing(ctx: OpContext, request: GetPacing) -> Pacing:
    """Raises `ConfigError`, `OpError` for an account that there is not, and `StoreUnusable`."""
    if request.channel is None and request.account is None:
        accounts = [one for block in ctx.config.channels.values() for one in block.accounts]
    elif request.account is None:
        block, _ = ctx.block(ctx.manifest(request.channel))
        accounts = list(block.accounts)
    else:
        accounts = [ctx.target(request.channel, request.account).account]
    accounts = [one for one in accounts if ctx.includes(str(one))]
    return await ctx.ask(lambda reader: _read(ctx, accounts, reader))


def _read(ctx: OpContext, accounts: Iterable[Account], reader: Reader) -> Pacing:
    from clawlane.config.effective import settings

    all = list(settings(ctx.config))
    return Pacing(
        {str(one): _account(ctx, one, all, reader) for one in accounts},
        list(_agents(ctx, all, reader)),
        ctx.in_gateway,
    )


def _account(ctx: OpContext, account: Account, all: list[Setting], reader: Reader) -> AccountPacing:
    from clawlane.lane.pacing import SendHistory
    from clawlane.ops.account_reading import quiet_now
    from clawlane.store.send_log import DAY_MS

    now_ms, name = ctx.now_ms(), str(account)
    past = SendHistory.of(reader.left_since(name, now_ms - DAY_MS))
    own = [one for one in all if one.account == name and one.path[2] == "pacing"]
    return AccountPacing(
        name,
        [*(_used(_allowance(one, 2), past, now_ms) for one in own), _quiet_hours(ctx, account)],
        _warm_up(ctx, account, past, reader),
        quiet_now(ctx, account),
        list(map(HeldReply.of, reader.held(name, now_ms))) if ctx.in_gateway else [],
        [PauseInfo.of(one, reader) for one in reader.pauses() if one.account == name],
        list(map(TakeoverInfo.of, reader.taken_over(name, now_ms))),
    )


def _allowance(setting: Setting, cut: int) -> Allowance:
    """A setting without what is used; the key begins behind so many steps."""
    from clawlane.config.errors import format_path

    origin = setting.origin
    written = origin.line is not None
    set_at = origin.path if written else None
    return Allowance(format_path(setting.path[cut:]), setting.value, str(origin.layer), set_at, origin.line)


def _used(one: Allowance, past: SendHistory, now_ms: int) -> Allowance:
    """With what was sent within the window of the key, if it has one."""
    from msgspec.structs import replace

    from clawlane.lane.pacing import WINDOWS

    _, scope, name = (*one.key.split("."), "", "")[:3]
    length_ms = dict(WINDOWS).get(name)
    if length_ms is None:
        return one
    counts = {
        of: [at_ms for at_ms in times if at_ms > now_ms - length_ms]
        for of, times in _counted(past, scope).items()
    }
    of, times = max(counts.items(), key=lambda item: len(item[1]), default=("", []))
    full = len(times) >= one.limit
    until_ms = sorted(times)[-one.limit] + length_ms if full else None
    return replace(one, used=len(times), of=of, until_ms=until_ms)


def _counted(past: SendHistory, scope: str) -> dict[str, list[int]]:
    """When something left that a limit counts: of the account, by thread, or to each stranger last."""
    match scope:
        case "account":
            return {"": past.times}
        case "thread":
            return {str(thread): times for thread, times in past.of_thread.items()}
    return {"": list(past.strangers.values())}


def _quiet_hours(ctx: OpContext, account: Account) -> Allowance:
    key = "quietHours"
    found = ctx.config.effective(account, key)
    spans = [f"{one} {one.do}" for one in found.value or ()]
    origin = found.origin
    set_at = origin.path if origin.line is not None else None
    return Allowance(key, spans, str(origin.layer), set_at, origin.line)


def _warm_up(ctx: OpContext, account: Account, past: SendHistory, reader: Reader) -> WarmingUp | None:
    from clawlane.lane.pacing import WINDOWS, reply_times
    from clawlane.lane.warm_up import DAYS, WarmUp, replies
    from clawlane.ops.account_reading import warm_up_day
    from clawlane.ops.channel_list import readable_consent
    from clawlane.store.send_log import DAY_MS

    now_ms, rules = ctx.now_ms(), account.settings.pacing
    begun_ms = reader.warm_up_begun_ms(str(account))
    day = warm_up_day(account, readable_consent(ctx, account), reader, now_ms)
    if day is None or begun_ms is None:
        return None
    times, windows = reply_times(past.records), []
    for name, length_ms in WINDOWS:
        limit = replies(rules, name, day)
        within = [at_ms for at_ms in times if at_ms > now_ms - length_ms]
        until_ms = within[-limit] + length_ms if len(within) >= limit else None
        windows.append(WarmUpWindow(name, limit, len(within), until_ms))
    grows_ms, ends_ms = WarmUp(begun_ms).next_ms(now_ms), begun_ms + (DAYS - 1) * DAY_MS
    return WarmingUp(day, DAYS, grows_ms, ends_ms, rules.warm_up, windows)


def _agents(ctx: OpContext, all: list[Setting], reader: Reader) -> Iterator[AgentBudget]:
    """Each with the settings of its budget, whether it says them itself or has them from the defaults."""
    zone, now_ms = ctx.zone(), ctx.now_ms()
    tomorrow = zone.at(now_ms).date() + timedelta(days=1)
    for agent in ctx.config.agents:
        spent = reader.day_spending(agent.id, zone.day(now_ms))
        cut = len(agent.owner)
        own = [one for one in all if one.path[:cut] == agent.owner and one.path[cut:][:1] == ("budget",)]
        told = [_allowance(one, cut) for one in own]
        budget = {one.key.rpartition(".")[2]: one.limit for one in told}
        resets_ms = zone.ms_of(tomorrow, 0)
        rows = [_spent(one, budget, spent, resets_ms) for one in told]
        yield AgentBudget(agent.id, resets_ms, rows)


def _spent(one: Allowance, budget: dict[str, Any], day: DaySpending, resets_ms: int) -> Allowance:
    """With what is spent; of a share with what its heaviest user took of the whole, from 0 to 1."""
    from msgspec.structs import replace

    name = one.key.rpartition(".")[2]
    used: float | None
    if name in ("tokensPerDay", "usdPerDay"):
        of, used = "", day.total.tokens if name == "tokensPerDay" else round(day.total.usd, 6)
    else:
        shares = day.senders if name == "perSender" else day.threads
        parts = {of: _part(spent.tokens, spent.usd, budget) for of, spent in shares.items()}
        of, used = max(parts.items(), key=lambda item: item[1], default=("", 0.0))
        if budget.get("tokensPerDay") is None and budget.get("usdPerDay") is None:
            of, used = "", None  # a share of nothing
    full = used is not None and one.limit is not None and used >= one.limit
    return replace(one, used=used, of=of, until_ms=resets_ms if full else None)


def _part(tokens: int, usd: float, budget: dict[str, Any]) -> float:
    """How much of the day's budget that is, by whichever limit is nearer."""
    limits = ((tokens, budget.get("tokensPerDay")), (usd, budget.get("usdPerDay")))
    return max((spent / limit for spent, limit in limits if limit), default=0.0)
