"""What the store tells of messages afterwards: decisions, notices, gaps, and what holds replies."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from clawlane.access.decision import Decision
from clawlane.store.states import ChunkState, TurnState
from clawlane.threads import Thread, ThreadKind


@dataclass(frozen=True, slots=True)
class Gap:
    """From the newest message before a break to the oldest that the platform still gave out (milliseconds).

    Messages sent in between were not read.
    """

    kind: ThreadKind
    from_ms: int
    to_ms: int
    noted_ms: int


@dataclass(frozen=True, slots=True)
class HeldThread:
    """What pacing holds of a thread: how many `chunks` wait, until when, and the rule that holds the first.

    `turn` is the turn of that, None for a text of the gateway itself. `aside` says that others pass it.
    """

    thread: Thread
    chunks: int
    reason: str
    until_ms: int
    turn: int | None
    aside: bool


class PauseLevel(StrEnum):
    """How far a pause goes: nothing leaves, or the connection is closed as well."""

    MUTE = "mute"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Pause:
    """One pause of an account (`channel/id`), or of one of its threads.

    `until_ms` is when it ends by itself, None for never. `reason` is the kind of alarm that began it, empty
    for an operator.
    """

    account: str
    thread: Thread | None
    level: PauseLevel
    since_ms: int
    until_ms: int | None = None
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.account} {self.thread}" if self.thread else self.account


@dataclass(frozen=True, slots=True)
class Overdue:
    """Something that a pause made too old to go on: a turn, or a text of the gateway itself (no `turn`).

    `age_ms` is the age of the message, or of the text.
    """

    thread: Thread
    age_ms: int
    turn: int | None = None
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Resumed:
    """What the end of a pause came to. `was` is None where nothing was paused.

    `flushed` are the turns that had expired at the last resume, and go on now; `acknowledged` the numbers of
    the alarms that had muted the account. Until `done` the pause holds on, and there is more to expire.
    """

    account: str
    thread: Thread | None
    was: Pause | None
    expired: tuple[Overdue, ...] = ()
    flushed: tuple[int, ...] = ()
    done: bool = True
    acknowledged: tuple[int, ...] = ()


class Stage(StrEnum):
    """When a decision was made: as the message came in, or again just before its turn ran."""

    ADMISSION = "admission"
    RUN = "run"


@dataclass(frozen=True, slots=True)
class Made:
    """One decision, and when it was made."""

    stage: Stage
    at_ms: int
    decision: Decision


@dataclass(frozen=True, slots=True)
class Turn:
    """Where the turn of a message stands: its state, why, how often it was tried, and its reply's chunks.

    `chunks` are their states, in order; `told` is the same in words. `messages` is how many messages it has.
    `tools` says in words what became of what its agent sent by tools, `note` what was left out of the reply.
    `drafts` are the numbers of those that wait for the owner, by tools and of the reply.
    """

    id: int
    state: TurnState
    reason: str
    attempts: int
    messages: int
    settled_ms: int | None
    chunks: tuple[ChunkState, ...] = ()
    told: str = ""
    tools: str = ""
    note: str = ""
    drafts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is known of a message afterwards, in the order of deciding.

    `made` is empty while the message waits for its decision, and for one that was taken back meanwhile.
    `text` and `attached` (the kinds of its attachments) are there while the message is kept; names may be
    empty. `recalled` says who took the message back, `repeats` how often it came again, `standing` where its
    turn stands. `seq` is its number among messages and notices.
    """

    account: str
    seq: int
    message_id: str
    thread: Thread
    sender_id: str
    sent_ms: int
    read_ms: int
    made: tuple[Made, ...]
    sender_name: str = ""
    group_name: str = ""
    text: str | None = None
    attached: tuple[str, ...] = ()
    repeats: int = 0
    recalled: str = ""
    waiting: bool = False
    standing: Turn | None = None


@dataclass(frozen=True, slots=True)
class NotedItem:
    """A stored notice. Of an `unreadable` item `text` is why it could not be read; `thread` may be unknown.

    `seq` is its number among messages and notices; `repeats` is how often it came again. The names are of
    whom it is about and of its group, empty where nobody knows.
    """

    account: str
    seq: int
    thread: Thread | None
    message_id: str
    actor_id: str
    kind: str
    text: str
    unreadable: bool
    sent_ms: int
    read_ms: int
    repeats: int
    actor_name: str = ""
    group_name: str = ""
