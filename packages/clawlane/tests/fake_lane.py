"""A running gateway as the ritual sees it, on a clock that passes while somebody waits.

Requests are answered by their type. What happens later, such as a message, is put on the clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from msgspec import structs
from packages.clawlane.tests.test_ops_problems import WELL

from clawlane.access.decision import Decision, Reason, Rule
from clawlane.access.decision import Outcome as Verdict
from clawlane.capabilities import ProbeResult
from clawlane.channel import Capability, Phase
from clawlane.lane.evidence import SignalKind, SignalOutcome
from clawlane.messages import Thread, ThreadKind
from clawlane.ops.account_status import ConfigStatus, PolicyStatus
from clawlane.ops.client import ControlError
from clawlane.ops.drafts import Approve as ApproveDraft
from clawlane.ops.events import Reached
from clawlane.ops.message import Outcome, Outcomes, Part, Queued, React
from clawlane.ops.operation import Request, Stream
from clawlane.ops.pairing import Approvals, Approve, LetIn, Requests
from clawlane.ops.process import GetProcess, Process, Restart
from clawlane.ops.ritual.steps import Question
from clawlane.ops.status import ChannelStatus, GetStatus, Status
from clawlane.ops.verification import (
    Fetched,
    GetChallenges,
    GetEvidence,
    GetFacts,
    GetFetched,
    GroupDoor,
    LaneFacts,
    LookUp,
    MessageEvidence,
    Reconnect,
    Record,
)
from clawlane.ops.why import Item, Standing, Story, Told, TurnStage, Why
from clawlane.store.events import NEWEST, Decided, StateChanged
from clawlane.store.models import Purpose
from clawlane.store.operator_sends import ChunkStatus
from clawlane.store.people import Approved, PairingRequest
from clawlane.store.send_evidence import SendProof
from clawlane.store.states import ChunkState, TurnState
from clawlane.store.told import Made, Recorded, Stage, Turn

NOW = 1_700_000_000_000
LANE = "zalouser/default"
US, STRANGER, MEMBER = "1", "41", "42"
DM, GROUP = Thread(ThreadKind.DM, STRANGER), Thread(ThreadKind.GROUP, "900")

FACTS = LaneFacts(
    channel="zalouser",
    account="default",
    words="--channel zalouser",
    label="Zalo Personal",
    unofficial=True,
    user_id=US,
    user_name="Minh Anh",
    pid=7,
    started_ms=NOW - 1000,
    phase=Phase.READY,
    code="ready",
    reason="",
    help="",
    resume="",
    session="login1",
    policy="0123456789abcdef",
    dm=PolicyStatus("pairing", "channel", "channels.zalouser.dmPolicy", 5),
    group=PolicyStatus("allowlist", "channel", "channels.zalouser.groupPolicy", 6),
    pairing_reply="code",
    acks=PolicyStatus("auto", "built-in", "channels.zalouser.acks", None),
    history=PolicyStatus("50", "built-in", "channels.zalouser.historyLimit", None),
    allow_from=[],
    allow_anyone=False,
    doors=[GroupDoor("900", [])],
    groups=[],
    mention_needed=True,
    mention_off=[],
    can_reconnect=True,
    can_look_up=True,
    can_react=True,
    sent_in=[ThreadKind.DM],
    rehearsal="",
    cast=False,
    echoes=["main"],
)


def proof(id_: int, thread: Thread, state: ChunkState = ChunkState.SENT, reason: str = "") -> SendProof:
    ids = (f"r{id_}",) if state is ChunkState.SENT else ()
    return SendProof(id_, thread, Purpose.REPLY, state, reason, NOW, NOW, ids)


@dataclass
class FakeLane:
    """Where everything goes well, until a test changes an answer or takes a happening away."""

    facts: LaneFacts = FACTS
    ms: int = NOW
    feed: list[Decided | StateChanged] = field(default_factory=list)
    stories: dict[int, Story] = field(default_factory=dict)
    later: list[tuple[int, Callable[[], None]]] = field(default_factory=list)
    asked: list[Request[Any]] = field(default_factory=list)
    approved: list[str] = field(default_factory=list)
    agrees: bool = True
    questions: list[Question] = field(default_factory=list)
    shown: tuple[SignalKind, ...] = tuple(SignalKind)
    signal_error: str = ""
    sends: dict[int, list[SendProof]] = field(default_factory=dict)
    drafted: bool = False
    challenge: SendProof = field(default_factory=lambda: proof(1, DM))
    returned: list[str] | None = None
    in_history: bool = True
    reactions: list[tuple[str, str, str]] = field(default_factory=list)
    reaction_state: ChunkState = ChunkState.SENT
    probe: ProbeResult = field(default_factory=lambda: ProbeResult(True, US, "Minh Anh", elapsed_ms=9))
    last_inbound_ms: int | None = None
    after_restart: LaneFacts | None = None
    here: int | None = FACTS.pid
    """The process of the gateway beside the operator; None without one."""
    begins_again: bool = True
    comes_back: bool = True
    looked_up_ms: int = 0
    gone: bool = False

    def now_ms(self) -> int:
        return self.ms

    def sleep(self, seconds: float) -> None:
        self.ms += max(1, round(1000 * seconds))
        due = [one for one in self.later if one[0] <= self.ms]
        self.later = [one for one in self.later if one[0] > self.ms]
        for _, happen in due:
            happen()

    def agreed(self, question: Question) -> bool:
        self.questions.append(question)
        return self.agrees

    def after(self, seconds: float, happen: Callable[[], None]) -> None:
        self.later.append((self.ms + round(1000 * seconds), happen))

    def writes(
        self,
        outcome: Verdict,
        reason: Reason,
        thread: Thread = DM,
        sender: str = STRANGER,
        stage: TurnStage | None = None,
        told: str = "",
    ) -> int:
        """A message is decided; an admitted one is answered unless another `stage` is named."""
        number = len(self.stories) + 1
        rule = Rule("channels.zalouser.dmPolicy", "channel", 5)
        decision = Decision(outcome, reason, rule, ("mention:explicit",))
        turn, standing = None, None
        if outcome is Verdict.ADMIT:
            chunks = () if stage is TurnStage.WAITING else (ChunkState.SENT,)
            drafts = (number,) if self.drafted else ()
            turn = Turn(number, TurnState.DONE, told, 1, 1, self.ms + 1200, chunks, told, drafts=drafts)
            usual = TurnStage.DRAFTED if self.drafted else TurnStage.SENT
            standing = Standing(stage or usual, running=True)
            self.sends.setdefault(number, [proof(100 + number, thread)])
        made = (Made(Stage.ADMISSION, self.ms, decision),)
        where = (LANE, number, f"m{number}", thread, sender, self.ms, self.ms)
        recorded = Recorded(*where, made, sender_name="Lan", standing=turn)
        self.stories[number] = Story(recorded, (None,), standing)
        head = ("", LANE, self.ms, number, f"m{number}", thread, sender)
        self.feed.append(Decided(*head, "admission", outcome, reason))
        return number

    def state(self, phase: Phase, code: str) -> None:
        self.feed.append(StateChanged("", LANE, self.ms, phase, code))

    def follow(self, request: Stream[Any], show: Callable[[Any], None]) -> None:
        if self.gone:
            raise ControlError("the gateway is not running", "openclaw gateway run")
        after: str = request.after  # type: ignore[attr-defined]
        begin = len(self.feed) if after == NEWEST else int(after)
        for number, event in enumerate(self.feed[begin:], begin + 1):
            show(replace(event, cursor=str(number)))
        show(Reached(str(len(self.feed))))

    def call(self, request: Request[Any]) -> Any:
        self.asked.append(request)
        match request:
            case GetFacts():
                return self.facts
            case GetStatus():
                one = structs.replace(WELL, probe=self.probe, last_inbound_ms=self.last_inbound_ms)
                block = ChannelStatus("Zalo Personal", True, "default", {"default": one})
                return Status(None, {"zalouser": block}, ConfigStatus(), [])
            case Why(last=last, message_id=""):
                return Told([Item(message=one) for one in [*self.stories.values()][::-1][:last]], [])
            case Why(message_id=id_):
                return Told([Item(message=self.stories[int(id_[1:])])], [])
            case Requests():
                return [
                    PairingRequest(
                        LANE, one.sender_id, "Lan", "ABCD2345", one.reason, one.at_ms, self.ms + 9999
                    )
                    for one in self.feed
                    if isinstance(one, Decided) and one.outcome is Verdict.CHALLENGE
                ]
            case GetChallenges():
                return [self.challenge]
            case Approve(code=code):
                self.approved.append(STRANGER)
                return LetIn(Approved(LANE, STRANGER, "Lan", self.ms), code)
            case ApproveDraft(number=number):
                self.stories[number] = replace(
                    self.stories[number], standing=Standing(TurnStage.SENT, running=True)
                )
                return None
            case Approvals():
                return [Approved(LANE, one, "Lan", self.ms) for one in self.approved]
            case GetEvidence():
                return self._evidence(request)
            case Restart():
                if self.begins_again:
                    self.facts = self.after_restart or replace(self.facts, started_ms=self.ms)
                return None
            case GetProcess():
                if self.here is None or not (self.begins_again or Restart() not in self.asked):
                    raise ControlError("the gateway is not running")
                return Process(self.here, self.facts.started_ms, "", 0, "", "", "", "", [])
            case Reconnect():
                self.state(Phase.DEGRADED, "connection_lost")
                if self.comes_back:
                    self.looked_up_ms = self.ms
                    self.after(0.5, lambda: self.state(Phase.READY, "ready"))
                return True
            case LookUp():
                self.looked_up_ms = self.ms
                return self.ms
            case GetFetched():
                ours = [one for sends in self.sends.values() for send in sends for one in send.message_ids]
                found = ours if self.returned is None else self.returned
                return Fetched(self.looked_up_ms, len(found), found)
            case React(target=target, message_id=id_, emoji=emoji):
                self.reactions.append((target, id_, emoji))
                part = Part(len(self.reactions), Capability.REACTION, "")
                return Queued(LANE, target, "", (part,))
            case Outcome(numbers=numbers):
                state = self.reaction_state
                ids, reason = (), "not allowed" if state is ChunkState.REFUSED else ""
                return Outcomes((ChunkStatus(numbers[0], DM, state, reason, ids, 1, None, False),))
            case Record(report=report):
                return report
        raise AssertionError(f"nobody answers {request}")

    def _evidence(self, request: GetEvidence) -> MessageEvidence:
        thread = Thread(request.thread_kind, request.thread_id)
        signals = [
            SignalOutcome(kind, thread, request.message_id, self.ms, self.signal_error) for kind in self.shown
        ]
        sends = self.sends.get(request.turn, []) if request.turn is not None else []
        return MessageEvidence(self.in_history, sends, signals, "main")
