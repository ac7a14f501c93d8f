"""What the owner has to hear: what waits, what could not be delivered; targets are tried out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from clawlane.ops.operation import AccountRequest, OpError, operation
from clawlane.texts import later, t

if TYPE_CHECKING:
    from clawlane.channel import Account
    from clawlane.ops.context import OpContext
    from clawlane.store.deliveries import Delivery
    from clawlane.store.reader import Reader

TEST = "test"
"""The kind of a delivery that only tries out a target."""

_TEST_WAITS_MS = 35_000
_LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class ListAlerts(AccountRequest[list["AccountAlerts"]]):
    """The alerts of the accounts of a channel, or of one: where they go, and what has not got there."""


@dataclass(frozen=True, slots=True)
class WaitingAlert:
    """An alert that is not on its way yet: one sentence, the command that helps, and its times."""

    kind: str
    key: str
    text: str
    command: str
    first_ms: int
    last_ms: int
    times: int


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A delivery that its target has not taken. `dead` says that it is not tried any more."""

    id: str
    target: str
    kind: str
    created_ms: int
    due_ms: int
    tries: int
    error: str
    dead: bool


@dataclass(frozen=True, slots=True)
class AccountAlerts:
    """The alerts of one account (`channel/id`). `targets` are `alerts.webhook` and the like.

    `quiet` is the time of day in which only alarms are told, such as `22:00–07:00`.
    """

    account: str
    targets: tuple[str, ...]
    quiet: str
    waiting: tuple[WaitingAlert, ...]
    undelivered: tuple[Undelivered, ...]


@dataclass(frozen=True, slots=True)
class TestAlerts(AccountRequest["Tested"]):
    """Send a test to each target of an account, and wait for what becomes of it."""


@dataclass(frozen=True, slots=True)
class TargetTested:
    """What a target did with a test: it took it, or why not."""

    target: str
    error: str


@dataclass(frozen=True, slots=True)
class Tested:
    """The outcome for each target of an account."""

    account: str
    targets: tuple[TargetTested, ...]


@dataclass(frozen=True, slots=True)
class RetryDelivery(AccountRequest["Redelivered"]):
    """Try a delivery of an account again at once, or without an id all that failed."""

    id: str = ""


@dataclass(frozen=True, slots=True)
class DropDelivery(AccountRequest["Redelivered"]):
    """Give a delivery of an account up, or without an id all that were set aside."""

    id: str = ""


@dataclass(frozen=True, slots=True)
class Redelivered:
    """How many deliveries of an account it was. `running` says whether a gateway goes on with them."""

    running: bool
    account: str
    count: int


@operation
async def listed(ctx: OpContext, request: ListAlerts) -> list[AccountAlerts]:
    accounts = _accounts(ctx, request)
    return await ctx.ask(lambda reader: [_read(reader, one) for one in accounts])


@operation(changes=True)
async def tested(ctx: OpContext, request: TestAlerts) -> Tested:
    """Raises `OpError`."""
    import asyncio

    from clawlane.config.alerts import targets_of
    from clawlane.store import deliveries

    account = ctx.target(request.channel, request.account).account
    name, targets = str(account), targets_of(account.settings.alerts)
    if not targets:
        told = later("the config names nobody to tell of alerts of {account}", account=name)
        keys = f"openclaw config schema channels.{account.channel}.alerts"
        raise OpError(told, later("write `alerts` into the config: {command}", command=keys))
    if not ctx.in_gateway:
        from clawlane.ops.client import how_to_start

        words, command = how_to_start(ctx.paths)
        raise OpError(
            later("the gateway is not running, and it is what tells"),
            later("{how}: {command}", how=words, command=command),
        )
    async with ctx.own(name) as account_store:
        ids = [await account_store.attempt(deliveries.queue, one, TEST, "{}") for one in targets]
    ends_ms = ctx.now_ms() + _TEST_WAITS_MS
    while True:
        found = {one.id: one for one in await ctx.ask(lambda reader: reader.deliveries(name))}
        open_ = [id_ for id_ in ids if id_ in found and not found[id_].tries]
        if not open_ or ctx.now_ms() >= ends_ms:
            break
        await asyncio.sleep(_LOOK_EVERY_S)
    async with ctx.own(name) as account_store:
        for id_ in ids:
            await account_store.attempt(deliveries.taken, id_)  # a test is tried once
    errors = [_error(found.get(id_)) for id_ in ids]
    return Tested(name, tuple(map(TargetTested, targets, errors)))


@operation(changes=True)
async def retried(ctx: OpContext, request: RetryDelivery) -> Redelivered:
    """Raises `NoDelivery`."""
    from clawlane.store import deliveries

    name = str(ctx.target(request.channel, request.account).account)
    async with ctx.own(name) as account_store:
        count = await account_store.attempt(deliveries.retry, request.id)
    return Redelivered(ctx.in_gateway, name, count)


@operation(changes=True)
async def dropped(ctx: OpContext, request: DropDelivery) -> Redelivered:
    """Raises `NoDelivery`."""
    from clawlane.store import deliveries

    name = str(ctx.target(request.channel, request.account).account)
    async with ctx.own(name) as account_store:
        count = await account_store.attempt(deliveries.drop, request.id)
    return Redelivered(ctx.in_gateway, name, count)


def _accounts(ctx: OpContext, request: ListAlerts) -> list[Account]:
    if request.account is not None:
        return [ctx.target(request.channel, request.account).account]
    block, _ = ctx.block(ctx.manifest(request.channel))
    return list(block.accounts)


def _read(reader: Reader, account: Account) -> AccountAlerts:
    from clawlane.config.alerts import targets_of
    from clawlane.ops.alert_text import alert_command, alert_text

    name, settings = str(account), account.settings.alerts
    waiting = [
        WaitingAlert(
            one.kind, one.key, alert_text(one), alert_command(one), one.first_ms, one.last_ms, one.times
        )
        for one in reader.alerts(name)
    ]
    undelivered = [
        Undelivered(
            one.id,
            one.target,
            one.kind,
            one.created_ms,
            one.due_ms,
            one.tries,
            one.error,
            one.dead_ms is not None,
        )
        for one in reader.deliveries(name)
    ]
    quiet = f"{settings.quiet.from_}–{settings.quiet.to}" if settings and settings.quiet else ""
    return AccountAlerts(name, tuple(targets_of(settings)), quiet, tuple(waiting), tuple(undelivered))


def _error(left: Delivery | None) -> str:
    if left is None:
        return ""
    return left.error or t("nothing became of it within {n} s", n=_TEST_WAITS_MS // 1000)
