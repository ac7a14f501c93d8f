"""The status of an account as data: its health, what waits, and what is wrong."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct, field

from clawlane.abilities import Ability, Off
from clawlane.condition import Health, Phase, ProbeResult
from clawlane.credentials.profile import Consent
from clawlane.ops.alarm_info import AlarmInfo
from clawlane.ops.findings import Finding
from clawlane.ops.pause import PauseInfo, TakeoverInfo
from clawlane.ops.serving import Listening
from clawlane.ops.speakers import GroupSpeakers
from clawlane.ops.upgrade import UpgradeInfo
from clawlane.ops.verification_state import NEVER, Verification
from clawlane.store.draft_told import DraftCount
from clawlane.store.told import Gap, HeldThread

if TYPE_CHECKING:
    from clawlane.access.names import Pin
    from clawlane.store.abilities import Standing
    from clawlane.store.deliveries import Delivery
    from clawlane.store.people import PairingRequest


class ProblemCode(StrEnum):
    """The kind of a problem, for programs."""

    STORING = "storing"
    TOO_OLD = "too_old"
    INBOUND = "inbound"
    OUTBOUND = "outbound"
    NEEDS_DECISION = "needs_decision"
    DEAD_LETTERS = "dead_letters"
    DEAD_LETTERS_FORGOTTEN = "dead_letters_forgotten"
    ALERTS = "alerts"
    OWN_THREAD = "own_thread"
    CONNECTION = "connection"
    CLOCK = "clock"
    ALARM = "alarm"
    ABILITY_OFF = "ability_off"


class Problem(Struct, frozen=True):
    """One problem. `command` fixes it or shows more; an account counts as degraded if it `degrades`.

    `count` is how many messages it is about, `skew_ms` how far the platform's clock is ahead of this
    machine's, `reason` what the store or the channel said, the kind of an alarm or the name of an ability,
    and `since_ms` since when it is so; each where the code has one.
    """

    code: ProblemCode
    command: str
    degrades: bool = True
    count: int = 0
    skew_ms: int = 0
    reason: str = ""
    since_ms: int | None = None


class GatewayStatus(Struct, frozen=True):
    """The process. `rss` is its memory in bytes, `config_revision` stands for the config it runs with.

    `serves` is what it serves besides the lane, by name: `console`, `metrics`.
    """

    pid: int
    started_ms: int
    version: str
    rss: int
    config_revision: str
    serves: dict[str, Listening] = field(default_factory=dict)


class ConfigStatus(Struct, frozen=True):
    """The config in force beside the file: since when it is, and whether the file is another now.

    `error` is why the file cannot be used, `waiting` says in sentences what it would widen once applied,
    `waiting_revision` is its revision then. What may be wrong outside the file is tried again at `again_ms`.
    `revision` stands for the config in force. All of it is empty where no gateway runs.
    """

    error: str | None = None
    changed: bool = False
    revision: str = ""
    waiting: list[str] = field(default_factory=list)
    waiting_revision: str = ""
    applied_ms: int | None = None
    again_ms: int | None = None


class User(Struct, frozen=True):
    """Who is logged in, as the platform names them."""

    id: str
    name: str


class PolicyStatus(Struct, frozen=True):
    """A policy and its origin: the level, the config path and the line of the file."""

    value: str
    origin: str
    path: str
    line: int | None


class PairingCounts(Struct, frozen=True):
    """How many people wait for approval, and how many of them got no reply, or none yet."""

    pending: int
    silent: int
    held: int

    @classmethod
    def of(cls, requests: list[PairingRequest]) -> PairingCounts:
        from clawlane.access.decision import Reason

        reasons = Counter(one.reason for one in requests)
        return cls(len(requests), reasons[Reason.DM_PAIRING_SILENT], reasons[Reason.DM_PAIRING_HELD])


class HeldReply(Struct, frozen=True):
    """What pacing holds: how many `chunks` wait in a thread, by which rule (`reason`) and until when.

    `turn` is None for a text of the gateway itself. Later replies pass one that steps `aside`.
    """

    thread: str
    chunks: int
    reason: str
    until_ms: int
    turn: int | None
    aside: bool

    @classmethod
    def of(cls, held: HeldThread) -> HeldReply:
        return cls(str(held.thread), held.chunks, held.reason, held.until_ms, held.turn, held.aside)


class WarmUpStatus(Struct, frozen=True):
    """A new session on one of its first `days`: how many `replies` left in the last 24 hours, of how many."""

    day: int
    days: int
    replies: int
    limit: int


class QuietStatus(Struct, frozen=True):
    """It is quiet until then; `do` says whether replies are held or dropped."""

    do: str
    until_ms: int


class Decisions(Struct, frozen=True):
    """What waits for the operator, and how many dead letters were dropped undecided (`forgotten`)."""

    sends: int
    dead_letters: int
    forgotten: int


class RetentionStatus(Struct, frozen=True):
    """What is forgotten next by its age: how many texts, and when; both None if nothing is kept.

    `forgetting` are people and groups (`person ID`) whose words are being removed.
    """

    texts: int | None = None
    next_ms: int | None = None
    forgetting: list[str] = field(default_factory=list)


class AlertsStatus(Struct, frozen=True):
    """Telling the owner: alerts that wait, deliveries that failed so far, and those that were set aside.

    `error` is what the oldest of these said, and `since_ms` when it was to leave first.
    """

    waiting: int = 0
    failing: int = 0
    dead: int = 0
    target: str = ""
    error: str = ""
    since_ms: int | None = None

    @classmethod
    def of(cls, waiting: int, left: list[Delivery]) -> AlertsStatus:
        failed = [one for one in left if one.tries]
        dead = sum(one.dead_ms is not None for one in failed)
        if not failed:
            return cls(waiting)
        first = failed[0]
        return cls(waiting, len(failed) - dead, dead, first.target, first.error, first.created_ms)


class AbilityOff(Struct, frozen=True):
    """An ability that is switched off: why (`refusals`, `echoes`, `operator`), and since when, if known.

    `command` switches it on again.
    """

    name: Ability
    why: Off
    since_ms: int | None
    command: str

    @classmethod
    def all_of(cls, found: list[Standing], words: str) -> list[AbilityOff]:
        enable = f"openclaw channels capabilities {words} --enable"
        return [cls(one.ability, one.off, one.off_ms, f"{enable} {one.ability}") for one in found if one.off]


class NameStatus(Struct, frozen=True):
    """What a name of the config stands for. `state` is pinned, unresolved or ambiguous.

    `list` is the place of the list: `allowFrom`, `groups['Work Chat'].allowFrom`.
    """

    list: str
    entry: str
    state: str
    ids: tuple[str, ...]
    at_ms: int

    @classmethod
    def of(cls, pin: Pin) -> NameStatus:
        return cls(pin.name.place, pin.name.entry, pin.state, pin.ids, pin.at_ms)


class AccountStatus(Struct, frozen=True):
    """One account.

    `noticed_ms` is how long a dead connection goes unnoticed at most, 0 where that is not known; `skew_ms`
    how far the platform's clock is ahead of this machine's. `counters` are decisions by reason, `outbox` open
    chunks by state (`queued` and `unknown` always). `too_old` is how many of the newest messages were, if all
    of them were. `takeovers` are the threads in which the owner writes by hand; `takeovers_off` says that
    nobody can tell, because what is sent comes back under other ids. `abilities_off` are those that are
    switched off. `gaps` are those of the last days.
    `waiting` and `expired` count turns. `look_ups` are the kinds of thread in which a look-up has found what
    the account sent, so that it can settle what is unknown.
    `verification` says how far the ritual has proven the lane. `probe` is None unless it was asked for.
    `address_book_ms` is when the latest copy of its address book was made, None without one.
    `own_thread_silent_ms` is when the account wrote into the thread with oneself without seeing it come back,
    where owners may give commands.
    `speakers` says who may speak in its groups. `upgrade` is what an upgrade changed that the operator has to
    accept; `restored_ms` is when a backup was restored, until the account connects. `drafts` wait for the
    owner; `modes` say what may leave in direct messages, and in groups, `own_modes` in which conversations
    something else may. `warm_up` is None once a session may send as much as any, `quiet` outside of quiet
    hours. `alarms` are those that are neither over nor acknowledged. `retention` says what is forgotten next.
    `disclosure` is how people are told that a program answers, empty if unset. `node` runs it, where several
    gateways share a store.
    """

    id: str
    profile: str
    name: str
    enabled: bool
    linked: bool
    identity: User | None
    consent: Consent | None
    phase: Phase
    code: str
    since_ms: int | None
    reason: str
    help: str
    auth: Health
    inbound: Health
    outbound: Health
    noticed_ms: int
    skew_ms: int | None
    dm_policy: PolicyStatus
    group_policy: PolicyStatus
    rehearsal: str
    last_inbound_ms: int | None = None
    last_outbound_ms: int | None = None
    counters: dict[str, int] = field(default_factory=dict)
    outbox: dict[str, int] = field(default_factory=dict)
    too_old: int = 0
    gaps: list[Gap] = field(default_factory=list)
    pairing: PairingCounts = PairingCounts(0, 0, 0)
    pauses: list[PauseInfo] = field(default_factory=list)
    takeovers: list[TakeoverInfo] = field(default_factory=list)
    takeovers_off: bool = False
    abilities_off: list[AbilityOff] = field(default_factory=list)
    waiting: int = 0
    expired: int = 0
    held: list[HeldReply] = field(default_factory=list)
    decisions: Decisions = Decisions(0, 0, 0)
    alerts: AlertsStatus = AlertsStatus()
    own_thread_silent_ms: int | None = None
    look_ups: list[str] = field(default_factory=list)
    storing: Health = Health.UNKNOWN
    storing_reason: str = ""
    names: list[NameStatus] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    drafts: DraftCount = DraftCount()
    modes: list[PolicyStatus] = field(default_factory=list)
    own_modes: list[PolicyStatus] = field(default_factory=list)
    verification: Verification = NEVER
    probe: ProbeResult | None = None
    address_book_ms: int | None = None
    speakers: list[GroupSpeakers] = field(default_factory=list)
    warm_up: WarmUpStatus | None = None
    quiet: QuietStatus | None = None
    upgrade: UpgradeInfo | None = None
    restored_ms: int | None = None
    alarms: list[AlarmInfo] = field(default_factory=list)
    retention: RetentionStatus = RetentionStatus()
    disclosure: str = ""
    node: str = ""
