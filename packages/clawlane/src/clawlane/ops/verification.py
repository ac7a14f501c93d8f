"""What the ritual asks of the running gateway: facts, evidence, a lost connection; and its kept reports."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from clawlane.capabilities import CanReconcile, CanReconnect, HasCast
from clawlane.channel import Capability, Phase
from clawlane.condition import waits_for_operator
from clawlane.config.choices import DmPolicy
from clawlane.lane.evidence import SignalOutcome
from clawlane.messages import Group, Thread, ThreadKind
from clawlane.ops.account_status import PolicyStatus
from clawlane.ops.client import how_to_start
from clawlane.ops.context import LiveAccount, OpContext, Target
from clawlane.ops.operation import AccountRequest, OpError, encode, operation
from clawlane.ops.policy_status import policy_status
from clawlane.ops.probing import rehearsal_of
from clawlane.ops.ritual.steps import Report
from clawlane.ops.verification_state import report_of
from clawlane.store import abilities, verifications
from clawlane.store.reader import Reader
from clawlane.store.send_evidence import SendProof
from clawlane.texts import later

if TYPE_CHECKING:
    from clawlane.access.decision import Rule
    from clawlane.access.in_force import Rules
    from clawlane.access.names import Pins
    from clawlane.channel import Account

_MOST_NAMED = 20
"""Groups that are named to a person who has to write in one, and ids of a list."""

NOT_RUNNING = later("the gateway is not running")


@dataclass(frozen=True, slots=True)
class GetFacts(AccountRequest["LaneFacts"]):
    """What the ritual has to know of an account before it begins."""


@dataclass(frozen=True, slots=True)
class GroupDoor:
    """A key of `groups` that lets groups in, and ids of those who may speak there; none where anybody may."""

    key: str
    senders: list[str]


@dataclass(frozen=True, slots=True)
class LaneFacts:
    """An account as the running gateway has it.

    `words` are the options that name it in a command. `reason` and `help` say why the account is in its
    `phase`, and `resume` is the command that ends a pause of the whole account. `session` stands for the
    login: a new one changes it, a refresh does not. `policy` is the digest of who may write. `allow_from` are
    ids of that list, and `allow_anyone` its `*`; `doors` are the keys of `groups`, and `groups` known groups
    that are reachable. `mention_off` are the places that let messages without a mention through;
    `mention_needed` says that there are groups without such a place. `sent_in` are the kinds of thread in
    which anything was ever sent. `cast` says that a simulator has people who can be told what to do. `echoes`
    are the agents that only repeat what they are told. `waiting` says in sentences what an edit of the config
    would widen that waits.
    """

    channel: str
    account: str
    words: str
    label: str
    unofficial: bool
    user_id: str
    user_name: str
    pid: int
    started_ms: int
    phase: Phase
    code: str
    reason: str
    help: str
    resume: str
    session: str
    policy: str
    dm: PolicyStatus
    group: PolicyStatus
    pairing_reply: str
    acks: PolicyStatus
    history: PolicyStatus
    allow_from: list[str]
    allow_anyone: bool
    doors: list[GroupDoor]
    groups: list[Group]
    mention_needed: bool
    mention_off: list[str]
    can_reconnect: bool
    can_look_up: bool
    can_react: bool
    sent_in: list[ThreadKind]
    rehearsal: str
    cast: bool
    echoes: list[str]
    waiting: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.channel}/{self.account}"

    @property
    def stuck(self) -> bool:
        """Whether the account stays as it is until the operator does something."""
        return waits_for_operator(self.phase, self.code)

    @property
    def login(self) -> str:
        """The command that logs the account in again."""
        return f"openclaw channels login {self.words} --force"


@dataclass(frozen=True, slots=True)
class GetEvidence(AccountRequest["MessageEvidence"]):
    """The proof that there is about one message: its number in the store, its turn if it has one, its id."""

    message: int = 0
    turn: int | None = None
    message_id: str = ""
    thread_kind: ThreadKind = ThreadKind.DM
    thread_id: str = ""


@dataclass(frozen=True, slots=True)
class MessageEvidence:
    """About one message: whether it waits as history, what was sent for it, and its delivered and seen."""

    in_history: bool
    sends: list[SendProof]
    signals: list[SignalOutcome]
    agent: str


@dataclass(frozen=True, slots=True)
class GetChallenges(AccountRequest[list[SendProof]]):
    """The challenges that were written for a stranger since then."""

    sender_id: str = ""
    since_ms: int = 0


@dataclass(frozen=True, slots=True)
class LookUp(AccountRequest[int]):
    """Ask the platform for past messages of one kind of thread. Gives the time at which that was asked."""

    kind: ThreadKind = ThreadKind.DM


@dataclass(frozen=True, slots=True)
class GetFetched(AccountRequest["Fetched | None"]):
    """What the last fetch of past messages returned; None if none was completed."""

    kind: ThreadKind = ThreadKind.DM


@dataclass(frozen=True, slots=True)
class Fetched:
    """A fetch: when it was asked for, how many own messages it returned, and which the gateway had sent."""

    asked_ms: int
    own: int
    sent_by_us: list[str]


@dataclass(frozen=True, slots=True)
class Reconnect(AccountRequest[bool]):
    """Close the account's connection, as if it were lost. False if there is none."""


@dataclass(frozen=True, slots=True)
class Record(AccountRequest[Report]):
    """Keep the report of a run."""

    report: Report | None = None


@dataclass(frozen=True, slots=True)
class GetReports(AccountRequest[list[Report]]):
    """The newest kept reports of an account, the newest first."""

    last: int = 1


@operation
async def facts(ctx: OpContext, request: GetFacts) -> LaneFacts:
    """Raises `OpError` where no gateway runs the account."""
    from clawlane.access.doors import doors, needs_mention_somewhere
    from clawlane.access.fingerprint import fingerprint

    target, live = _live(ctx, request)
    rules = live.rules
    vault = ctx.vault(target.account)
    await vault.read()
    name = str(target.account)
    groups, pins = await ctx.ask(lambda reader: _reachable(reader, rules, name))
    sent_in = await ctx.ask(lambda reader: reader.kinds_sent(name))
    found = doors(rules, pins)
    paused = any(pause.thread is None for pause in live.pauses)
    state, account, in_force = live.state, target.account, ctx.live_config
    started_ms = ctx.started_ms
    assert started_ms is not None  # a live account is one of a gateway

    def setting(key: str) -> PolicyStatus:
        return policy_status(ctx.config, account, key, rules)

    channel = live.channel
    return LaneFacts(
        channel=account.channel,
        account=account.id,
        words=target.words,
        label=target.manifest.label,
        unofficial=target.manifest.unofficial,
        user_id=state.user_id,
        user_name=state.user_name or (vault.identity() or ("", ""))[1],
        pid=os.getpid(),
        started_ms=started_ms,
        phase=state.phase,
        code=state.code or state.phase,
        reason=state.reason,
        help=state.action,
        resume=f"openclaw resume --channel {account.channel} --account {account.id}" if paused else "",
        session=hashlib.sha256(vault.generation.encode()).hexdigest()[:12] if vault.generation else "",
        policy=fingerprint(rules),
        dm=setting("dmPolicy"),
        group=setting("groupPolicy"),
        pairing_reply=rules.pairing_reply,
        acks=setting("acks"),
        history=setting("historyLimit"),
        allow_from=_allowed(rules)[:_MOST_NAMED],
        allow_anyone=all(policy.allow.anyone for policy in rules),
        doors=[GroupDoor(one.key, sorted(one.senders or ())[:_MOST_NAMED]) for one in found[:_MOST_NAMED]],
        groups=groups[:_MOST_NAMED],
        mention_needed=needs_mention_somewhere(rules, found),
        mention_off=[rule_place(one.mention_off) for one in found if one.mention_off is not None],
        can_reconnect=isinstance(channel, CanReconnect),
        can_look_up=isinstance(channel, CanReconcile),
        can_react=Capability.REACTION in target.manifest.capabilities,
        sent_in=sent_in,
        rehearsal=rehearsal_of(channel),
        cast=isinstance(channel, HasCast) and channel.cast() is not None,
        echoes=[one.id for one in ctx.config.agents if one.brain.kind == "echo"],
        waiting=list(in_force.waiting.widens) if in_force is not None and in_force.waiting else [],
    )


@operation
async def evidence(ctx: OpContext, request: GetEvidence) -> MessageEvidence:
    """Signals are those of the running gateway: none are known after a restart."""
    target, live = _live(ctx, request)
    name, thread = str(target.account), Thread(request.thread_kind, request.thread_id)

    def find(reader: Reader) -> tuple[bool, list[SendProof]]:
        turn = request.turn
        sends = reader.sends_of_turn(name, turn) if turn is not None else []
        return reader.in_history(name, request.message), sends

    in_history, sends = await ctx.ask(find)
    signals = live.evidence.signals(thread, request.message_id)
    return MessageEvidence(in_history, sends, signals, ctx.config.routing.agent_of(name, thread))


@operation
async def challenges(ctx: OpContext, request: GetChallenges) -> list[SendProof]:
    name = str(ctx.target(request.channel, request.account).account)
    return await ctx.ask(lambda reader: reader.challenges_sent(name, request.sender_id, request.since_ms))


@operation
async def look_up(ctx: OpContext, request: LookUp) -> int:
    """Raises `OpError` where the account cannot be asked for."""
    _, live = _live(ctx, request)
    asked_ms = ctx.now_ms()
    if not await live.look_up(request.kind):
        raise OpError(later("{account} cannot be asked for past messages", account=str(live.account)))
    return asked_ms


@operation
async def fetched(ctx: OpContext, request: GetFetched) -> Fetched | None:
    target, live = _live(ctx, request)
    found = live.evidence.fetched(request.kind)
    if found is None:
        return None
    own_ids = sorted(found.own_ids)
    known = await ctx.ask(lambda reader: reader.sent_by_us(str(target.account), own_ids))
    return Fetched(found.asked_ms, len(own_ids), known)


@operation(changes=True)
async def reconnect(ctx: OpContext, request: Reconnect) -> bool:
    """Raises `OpError` if the channel cannot do it."""
    _, live = _live(ctx, request)
    if not isinstance(live.channel, CanReconnect):
        raise OpError(later("{channel} cannot close its connection on purpose", channel=live.account.channel))
    return await live.channel.reconnect(live.account)


@operation(changes=True)
async def record(ctx: OpContext, request: Record) -> Report:
    """Raises `OpError` for a report of another account."""
    target = ctx.target(request.channel, request.account)
    name, report = str(target.account), request.report
    if report is None or report.account != name:
        raise OpError(later("there is no report of {name} to keep", name=name))
    text = encode(report).decode()
    async with ctx.own(name) as account_store:
        await account_store.attempt(verifications.record, report.policy, text, passed=report.ok)
        simulated = bool(report.rehearsal)
        await account_store.unrecorded().attempt(abilities.verified, report.proven, simulated=simulated)
    return report


@operation
async def reports(ctx: OpContext, request: GetReports) -> list[Report]:
    name = str(ctx.target(request.channel, request.account).account)
    kept = await ctx.ask(lambda reader: reader.verifications(name, request.last))
    return [report for one in kept if (report := report_of(one)) is not None]


def _live(ctx: OpContext, request: AccountRequest[Any]) -> tuple[Target, LiveAccount]:
    """The account that is named, as the gateway runs it. Raises `OpError`."""
    if ctx.started_ms is None:
        raise OpError(NOT_RUNNING, how_to_start(ctx.paths)[1])
    target = ctx.target(request.channel, request.account)
    account, channel = target.account, target.manifest.id
    name = str(account)
    if not target.configured:
        raise OpError(
            later("{account} is off: the config has no block for {channel}", account=name, channel=channel),
            "openclaw onboard",
        )
    live = ctx.live.get(name)
    if not account.enabled:
        raise OpError(later("{account} is disabled", account=name), _enabling(ctx, account))
    if live is None:
        raise OpError(later("the gateway does not run {account}", account=name), "openclaw channels status")
    return target, live


def _enabling(ctx: OpContext, account: Account) -> str:
    """The command that enables a disabled account, or its channel."""
    from clawlane.config.errors import format_path
    from clawlane.config.origin import account_path

    source = ctx.config.source
    own = (*account_path(source, account), "enabled")
    path = own if source.at(own) is False else ("channels", account.channel, "enabled")
    return f"openclaw config set {format_path(path)} true"


def _reachable(reader: Reader, rules: Rules, name: str) -> tuple[list[Group], Pins]:
    """The known groups in which the agent may be called, and what the names of the config stand for."""
    from clawlane.access.doors import lets_in

    pins = reader.pins(name)
    return [one for one in reader.known(name).groups if lets_in(rules, one.id, pins)], pins


def _allowed(rules: Rules) -> list[str]:
    """The ids of `allowFrom`; while an edit waits, those that both let in."""
    listed = frozenset[str]().union(*(policy.allow.ids for policy in rules))
    return sorted(id for id in listed if all(one.dm is DmPolicy.OPEN or id in one.allow for one in rules))


def rule_place(rule: Rule) -> str:
    """A rule by its place: `line 5 channels.zalouser.dmPolicy`."""
    from clawlane.access.decision import BUILT_IN

    if rule.line is None:
        built_in = later("{path} (built-in)", path=rule.path)
        return built_in if rule.origin == BUILT_IN else f"{rule.path} ({rule.origin})"
    return later("line {line} {path}", line=rule.line, path=rule.path)
