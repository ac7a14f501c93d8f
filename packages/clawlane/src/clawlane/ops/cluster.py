"""The nodes that share a database: which runs what, and moving accounts between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from clawlane.ops.context import OpContext
from clawlane.ops.operation import OpError, Request, operation
from clawlane.texts import later

if TYPE_CHECKING:
    from clawlane.store.claims import Standing
    from clawlane.store.nodes import Entered
    from clawlane.store.reader import Reader


@dataclass(frozen=True, slots=True)
class GetCluster(Request["ClusterStanding"]):
    """All nodes, and who runs each account."""


class NodeStanding(Struct, frozen=True):
    """A node. `beat_age_ms` is the age of its last beat; `alive` says that it holds its accounts.

    `count` is how many accounts it runs, `ended` whether it has stopped and said so. `labels` are
    `NAME=VALUE`.
    """

    name: str
    alive: bool
    beat_age_ms: int
    count: int
    max_accounts: int | None
    labels: list[str]
    draining: bool
    ended: bool


class AccountStanding(Struct, frozen=True):
    """Who runs an account, since `since_ms`. `epoch` counts its owners; `node` is empty before the first.

    Without `runs`, nobody does: `node` is who did last. `wanted` is the node that is to run it, empty for
    none. `undecided` messages wait for the operator to say whether they arrived.
    """

    account: str
    node: str
    runs: bool
    epoch: int
    since_ms: int
    wanted: str
    undecided: int


class Unmatched(Struct, frozen=True):
    """An account that wants `labels`, as `NAME=VALUE`, which no node that runs has all of."""

    account: str
    labels: list[str]


class ClusterStanding(Struct, frozen=True):
    """`now_ms` is the time by the clock of the database, as all times here.

    `stopped` are the enabled accounts of the config that no node runs, `late` the nodes that hold accounts
    and have missed a beat. `unmatched` are those of `stopped` that no node that runs has the labels for.
    """

    now_ms: int
    nodes: list[NodeStanding]
    accounts: dict[str, AccountStanding]
    stopped: list[str] = []
    late: list[str] = []
    unmatched: list[Unmatched] = []


@dataclass(frozen=True, slots=True)
class DrainNode(Request["Drained"]):
    """Have a node give up its accounts, as others have room for them; with `end` no more."""

    name: str
    end: bool = False


class Drained(Struct, frozen=True):
    """A node that drains, or does no more. `count` is how many accounts it runs now.

    `takers` are the other nodes that run and do not drain themselves.
    """

    name: str
    draining: bool
    count: int
    takers: list[str]


@dataclass(frozen=True, slots=True)
class MoveAccount(Request["Moved"]):
    """Have a node run an account (`channel/id`, or its id where that is clear)."""

    account: str
    node: str


class Moved(Struct, frozen=True):
    """An account that moves. `was` is the node that had it, `lost` whether that is declared dead by this."""

    account: str
    node: str
    was: str
    lost: bool


@operation
async def standing(ctx: OpContext, request: GetCluster) -> ClusterStanding:  # noqa: ARG001
    _check_shared(ctx)
    found = await ctx.ask(_standing)
    running = {one.account for one in found.accounts.values() if one.runs}
    stopped = [one for one in ctx.config.accounts if one.enabled and str(one) not in running]
    offered = [{*one.labels} for one in found.nodes if is_there(one)]
    wants = [Unmatched(str(one), _labels(one.settings.run_on)) for one in stopped]
    unmatched = [one for one in wants if offered and not any({*one.labels} <= has for has in offered)]
    return replace(found, stopped=[one.account for one in wants], unmatched=unmatched)


@operation(changes=True)
async def drain(ctx: OpContext, request: DrainNode) -> Drained:
    """Raises `OpError` for a name that no node has."""
    from clawlane.store import nodes
    from clawlane.store.errors import MoveRefused

    _check_shared(ctx)
    try:
        await ctx.change_store(nodes.drain, request.name, not request.end)
    except MoveRefused as error:
        raise OpError(error.args[0]) from error  # not `str`, which would be English
    found = await ctx.ask(_standing)
    running = next(one.count for one in found.nodes if one.name == request.name)
    takers = [
        one.name for one in found.nodes if one.name != request.name and is_there(one) and not one.draining
    ]
    return Drained(request.name, not request.end, running, takers)


@operation(changes=True)
async def move(ctx: OpContext, request: MoveAccount) -> Moved:
    """Raises `OpError` where the account or the node is not known, or does not fit."""
    from clawlane.store import claims
    from clawlane.store.errors import MoveRefused

    _check_shared(ctx)
    before = await ctx.ask(_standing)
    account = _account(before, request.account)
    _check_fits(ctx, before, account, request.node)
    try:
        was = await ctx.change_store(claims.move, account.account, request.node)
    except MoveRefused as error:
        raise OpError(error.args[0]) from error  # not `str`, which would be English
    ran = next((one for one in before.nodes if one.name == was.node), None)
    lost = bool(was.node) and not was.ended and (ran is None or not ran.alive)
    return Moved(account.account, request.node, was.node, lost)


def is_there(one: NodeStanding) -> bool:
    """Whether a node runs: it has neither stopped nor been silent for long."""
    return one.alive and not one.ended


def _check_shared(ctx: OpContext) -> None:
    if ctx.config.root.store.url is None:
        told = later("the store is a file of this machine, which has one gateway")
        raise OpError(told, later("gateways that share one have store: { url: 'postgresql://…' }"))


def _standing(reader: Reader) -> ClusterStanding:
    from clawlane.store.claims import is_run
    from clawlane.store.nodes import LATE_MS

    known, owners, now_ms = reader.nodes(), reader.owners(), reader.clock_ms()
    by_name = {one.name: one for one in known}
    runs = {one.account: is_run(one, by_name.get(one.node)) for one in owners}
    counts = Counter(one.node for one in owners if runs[one.account])
    return ClusterStanding(
        now_ms,
        [_of_node(one, counts[one.name]) for one in known],
        {one.account: _of_account(one, runs[one.account], reader) for one in owners},
        late=[one.name for one in known if counts[one.name] and one.age_ms > LATE_MS],
    )


def _of_node(one: Entered, count: int) -> NodeStanding:
    return NodeStanding(
        one.name,
        one.alive,
        one.age_ms,
        count,
        one.max_accounts,
        _labels(one.labels),
        one.draining_ms is not None,
        bool(one.ended),
    )


def _of_account(one: Standing, runs: bool, reader: Reader) -> AccountStanding:
    undecided = reader.undecided_sends(one.account)
    return AccountStanding(one.account, one.node, runs, one.epoch, one.since_ms, one.wanted, undecided)


def _labels(of: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in sorted(of.items())]


def _account(found: ClusterStanding, named: str) -> AccountStanding:
    fits = [one for one in found.accounts.values() if named in (one.account, one.account.partition("/")[2])]
    if len(fits) != 1:
        names = ", ".join(one.account for one in (fits or found.accounts.values()))
        raise OpError(later("which account is {name}? there are: {names}", name=repr(named), names=names))
    return fits[0]


def _check_fits(ctx: OpContext, found: ClusterStanding, account: AccountStanding, node: str) -> None:
    """Refuse a node that lacks labels which the account wants, gives its accounts up, or is full."""
    target = next((one for one in found.nodes if one.name == node), None)
    wants: dict[str, str] = next(
        (one.settings.run_on for one in ctx.config.accounts if str(one) == account.account), {}
    )
    if target is None or (account.runs and account.node == node):
        return
    lacking = [label for label in _labels(wants) if label not in target.labels]
    if lacking:
        told = later("node {node} lacks labels that {account} wants: {labels}")
        told = later(told, node=node, account=account.account, labels=", ".join(lacking))
        raise OpError(told, later("see runOn and node.labels in the config"))
    if target.draining:
        told = later("node {node} gives up its accounts, and takes none", node=node)
        end = later("end that first: {command}", command=f"openclaw cluster drain {node} --end")
        raise OpError(told, end)
    if target.max_accounts is not None and target.count >= target.max_accounts:
        told = later("node {node} has {n} accounts, and takes no more", node=node, n=target.count)
        raise OpError(told, later("see node.maxAccounts in the config"))
