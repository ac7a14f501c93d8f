"""What the store hands out and takes in: states, and the values of its transitions. No rows leave it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from clawlane.access.decision import Decision, Rule
from clawlane.config.choices import Acks, PairingReply
from clawlane.messages import Inbound, Outgoing, Own, Thread, Undo
from clawlane.store.alarm_told import Alarmed
from clawlane.store.states import TurnState

OPEN = (TurnState.WAITING, TurnState.RUNNING, TurnState.REPLIED)
"""The states in which a lane has something to do."""


class Place(IntEnum):
    """Where a queued chunk stands among those of its thread: lower ones first, and in order in each.

    `AHEAD` is what the operator takes back, and sends while something holds replies that does not hold him.
    `BEGUN` is the rest of a reply that began to leave; others may pass what is `ASIDE`.
    """

    AHEAD = -1
    BEGUN = 0
    IN_TURN = 1
    ASIDE = 2


class Purpose(StrEnum):
    """What an outgoing text is for: the reply of a turn, a text of the gateway itself, or of the operator.

    Those of the gateway are the challenge to a stranger, a notice on behalf of the operator, the answer to a
    command, what an agent's tool sends before the reply, an alert to the owner of another account, and the
    answer to what the owner wants done, which no pause of the account holds. A client is an agent elsewhere
    that uses the MCP server.
    """

    REPLY = "reply"
    CHALLENGE = "challenge"
    NOTICE = "notice"
    COMMAND = "command"
    TOOL = "tool"
    OPERATOR = "operator"
    ALERT = "alert"
    OWNER = "owner"
    CLIENT = "client"


class History(StrEnum):
    """What becomes of a thread's pending history when a turn starts: given to it, left, or forgotten."""

    INCLUDE = "give"
    KEEP = "leave"
    CLEAR = "clear"


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message on its way into the store, what was decided about it, and the account's way of pairing.

    Without a decision it waits in the store. `history_limit` is how many unanswered messages of a thread are
    kept, `pairing_text` what a stranger is sent, with its placeholders (empty: the built-in text),
    `merge_ms` how long an admitted text waits for others of its sender (0: it does not), `acks` whether
    others are shown that it came, and `mute` that nothing may leave in its thread. `written_ms` is when it
    was written, by this machine's clock (0: when it was read); `takeover_rule` says what holds the agent back
    where the owner writes, None where nothing does.
    """

    inbound: Inbound
    decision: Decision | None
    pairing_reply: PairingReply
    read_ms: int
    history_limit: int = 0
    pairing_text: str = ""
    merge_ms: int = 0
    acks: Acks = Acks.AUTO
    mute: bool = False
    written_ms: int = 0
    takeover_rule: Rule | None = None

    @property
    def remembered(self) -> bool:
        """Whether the message stays as pending history of its thread."""
        return self.decision is not None and self.decision.keep_as_history and self.history_limit > 0


@dataclass(frozen=True, slots=True)
class TakeoverTerms:
    """How the owner's messages hold the agent back: for how long, and by which rule.

    `history_limit` is how many messages of a thread are kept as context, `skew_ms` how far the platform's
    clock is ahead, `session` the present login, `revision` that of the config.
    """

    lasts_ms: int
    rule: Rule
    history_limit: int = 0
    skew_ms: int = 0
    session: str = ""
    revision: str = ""


@dataclass(frozen=True, slots=True)
class NewOwn:
    """A message of the account that may be its owner's, read at `read_ms` and written at `written_ms`.

    Both are by this machine's clock. `heard` says that the agent could be asked something in that thread or
    that somebody is challenged there, `kept` that what the owner writes there is context for the agent.
    """

    fact: Own
    read_ms: int
    written_ms: int
    own_id: str
    heard: bool
    kept: bool
    terms: TakeoverTerms


@dataclass(frozen=True, slots=True)
class TakenOver:
    """A thread in which the agent holds back, and the turns that ended by that."""

    thread: Thread
    until_ms: int
    ended: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """Whose messages of the account were: what the owner took over.

    In the threads `in_question` a verdict waits, and nothing leaves; `again_ms` is when the first of them
    need not wait any more. While takeovers are `off` nothing holds; `switched_off` says that this is new.
    """

    taken: tuple[TakenOver, ...] = ()
    in_question: tuple[Thread, ...] = ()
    again_ms: int | None = None
    off: bool = False
    switched_off: bool = False


@dataclass(frozen=True, slots=True)
class AdmittedMessage:
    """A message that is in the store for the first time.

    `decision` is the recorded one: a challenge has become one of the pairing reasons. One that `joined` is
    answered with the turn of a message before it. Until `ready_ms` others may join it.
    """

    seq: int
    inbound: Inbound
    decision: Decision
    read_ms: int
    joined: bool = False
    ready_ms: int = 0
    acks: Acks = Acks.AUTO
    album: Inbound | None = None

    @property
    def decided(self) -> Inbound:
        """What the decision is about: the message, or its whole album."""
        return self.album or self.inbound


@dataclass(frozen=True, slots=True)
class RecallResult:
    """What a recall led to: the messages that are gone, and turns that ended by it or have to run again."""

    messages: tuple[int, ...] = ()
    ended: tuple[int, ...] = ()
    again: tuple[OpenTurn, ...] = ()

    def __add__(self, later: RecallResult) -> RecallResult:
        """Both. What ended does not run again, and what runs again does so as it stands later."""
        ended = tuple(dict.fromkeys(self.ended + later.ended))
        turns = {turn.seq: turn for turn in self.again + later.again if turn.seq not in ended}
        return RecallResult(self.messages + later.messages, ended, tuple(turns.values()))


@dataclass(frozen=True, slots=True)
class NoteResult:
    """In the store, and no decision follows. A fact, a message that was there before, or an undecided one.

    `turn` is the one that an echo settled, `part` the number of a message that waits for its album to close,
    `judged` what a message of the account itself led to, `alarmed` what an alarm of this fact changed.
    """

    turn: int | None = None
    part: int | None = None
    recalled: RecallResult = field(default_factory=RecallResult)
    judged: Judged | None = None
    alarmed: Alarmed | None = None


@dataclass(frozen=True, slots=True)
class UndecidedMessage:
    """A stored message that waits for its decision."""

    seq: int
    inbound: Inbound
    read_ms: int


@dataclass(frozen=True, slots=True)
class OpenTurn:
    """A turn that has not ended. `inbound` is what it answers, several messages as one.

    `command` is the control command that this is, if it is one. Until `ready_ms` other messages may join.
    """

    seq: int
    inbound: Inbound
    read_ms: int
    state: TurnState
    command: str = ""
    ready_ms: int = 0


@dataclass(frozen=True, slots=True)
class StartedTurn:
    """A turn that was given to the agent: the messages it answers, and the pending history that goes with it.

    Both are in order; `numbers` are those of the messages. `run` belongs to its outcome, so that one of an
    earlier run is not taken for it.
    """

    messages: tuple[Inbound, ...]
    history: tuple[Inbound, ...]
    run: int
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Chunk:
    """One outgoing message that wants to go. `turn` is None for a text of the gateway itself.

    `attempts` counts this one. `reply` is the whole text that it is a part of: the agent's reply, or what one
    call of a tool or a client sends; empty for everything else. `begun` says that an earlier part of it has
    left.
    `by_turn` is the turn whose agent sends it with a tool, `first` the number of that call's first chunk.
    `purpose` says what it is for, and `draft` as which draft the owner approved it. `to_friend` says whether
    it goes to somebody whom the platform listed as a friend.
    """

    id: int
    turn: int | None
    out: Outgoing
    attempts: int
    reply: str = ""
    begun: bool = False
    by_turn: int | None = None
    first: int = 0
    purpose: Purpose = Purpose.REPLY
    draft: int | None = None
    to_friend: bool = False

    @property
    def challenge(self) -> bool:
        """Whether it asks a stranger for a pairing code."""
        return self.purpose is Purpose.CHALLENGE

    @property
    def takes_back(self) -> bool:
        """Whether the owner takes a message back with it: no pause holds that, for it shows nothing."""
        return self.purpose is Purpose.OPERATOR and isinstance(self.out, Undo)

    @property
    def to_owner(self) -> bool:
        """Whether it answers what the owner wants done."""
        return self.purpose is Purpose.OWNER

    @property
    def by_agent(self) -> bool:
        """Whether an agent wrote it, here or elsewhere."""
        return self.purpose in (Purpose.REPLY, Purpose.TOOL, Purpose.CLIENT)

    @property
    def by_client(self) -> bool:
        """Whether an agent elsewhere wrote it, through the MCP server."""
        return self.purpose is Purpose.CLIENT

    @property
    def text_id(self) -> int | None:
        """What the chunks of one text have in common: the turn of a reply, or the negative first number."""
        if not self.reply:
            return None
        return -self.first if self.turn is None else self.turn

    @property
    def answers(self) -> int | None:
        """The turn that it belongs to, as a part of the reply or by a tool."""
        return self.by_turn if self.turn is None else self.turn


@dataclass(frozen=True, slots=True)
class Waiting:
    """What may be sent: of each thread its next chunk, in order; more is due at `due_ms` (None: nothing).

    `expired` are the turns whose reply became too old meanwhile. `beyond` are the numbers of further chunks
    that are due now, beyond the limit.
    """

    chunks: tuple[Chunk, ...]
    due_ms: int | None = None
    expired: tuple[int, ...] = ()
    beyond: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class LostSend:
    """Why nobody knows whether a chunk arrived.

    `taken` says that the platform answered without naming an id: it may have the message, whatever it tells
    later. `settle_ms` is how long look-ups may settle it before the operator has to, 0 if they may not.
    `arrived` are the ids of those pictures of an album that are there, in their places, "" for the others.
    """

    reason: str
    taken: bool = False
    settle_ms: int = 0
    arrived: tuple[str, ...] = ()


QUIET_HOURS, WARM_UP = "quiet hours", "pacing.warmUp"
"""What the reason of a hold begins with that does not hold the operator."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a chunk may not leave yet. `reason` names the rule as the config does.

    Where the guard against loops holds a reply it steps `aside`: later replies of its thread pass it.
    """

    reason: str
    until_ms: int
    aside: bool = False

    @property
    def lets_operator_pass(self) -> bool:
        """Whether what the operator sends may leave before what it holds."""
        return self.reason.startswith((QUIET_HOURS, WARM_UP))


@dataclass(frozen=True, slots=True)
class SendOutcome:
    """What became of a chunk: the turn whose lane may go on, and how its reply stands, in words."""

    turn: int | None
    summary: str


@dataclass(frozen=True, slots=True)
class RecoveryResult:
    """What a start found: how many chunks are of unknown fate, and how many messages were set aside."""

    unknown: int
    set_aside: int


@dataclass(frozen=True, slots=True)
class Activity:
    """What one account did so far: decisions per reason, open chunks per state, times in milliseconds."""

    counters: dict[str, int]
    outbox: dict[str, int]
    last_inbound_ms: int | None
    last_outbound_ms: int | None
