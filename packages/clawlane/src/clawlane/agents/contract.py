"""The contract between the gateway and an agent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Flag, auto
from pathlib import Path
from typing import Protocol, runtime_checkable

from clawlane.access.context import HistoryMessage
from clawlane.access.in_force import Rules
from clawlane.access.outbound import Verdict
from clawlane.access.policy import AccessPolicy, Grants
from clawlane.agents.arrivals import Arrivals
from clawlane.agents.disclosure import Discloses
from clawlane.channel import Account, Channel, State, Vault
from clawlane.messages import Attachment, Inbound, Reply, Thread, merge_messages
from clawlane.store.account_store import AccountStore
from clawlane.zone import MACHINE, Zone


@dataclass(frozen=True, slots=True)
class Lane:
    """What an agent may use of the lane it answers in: the store, and the channel for look-ups.

    `turn` is the number of the turn and `run` that of this attempt: what an earlier attempt writes is void.
    Nothing here sends: an agent writes what shall leave to the outbox, and calls `wake`.

    `account` and `policy` are as they were when the turn began; `rules` and `grants` give the access rules in
    force and what they know now, `state` the last state that the channel reported. `prefix` goes before
    everything that the agent says. `edited` are the rules of an edit that waits. `discloses` tells people
    that a program answers. `draft_ms` is how long a draft waits for approval. Days begin as in `zone`.
    `arrivals` tells of answers that come later.
    """

    account: Account
    account_store: AccountStore
    channel: Channel
    turn: int
    run: int
    vault: Vault | None = None
    policy: AccessPolicy = field(default_factory=AccessPolicy)
    rules: Callable[[], Rules] = Rules
    grants: Callable[[], Grants] = Grants
    state: Callable[[], State | None] = lambda: None
    wake: Callable[[], None] = lambda: None
    prefix: str = ""
    edited: AccessPolicy | None = None
    discloses: Discloses = field(default_factory=Discloses)
    draft_ms: int = 12 * 3_600_000
    zone: Zone = MACHINE
    arrivals: Arrivals = field(default_factory=Arrivals)

    def outbound(self, thread: Thread) -> Verdict:
        """What may leave in a thread now, and the setting that says so."""
        return self.rules().outbound(thread, self.grants().pins)


class FileUse(Flag):
    """What an agent can use of the files that come with messages."""

    NOTHING = 0
    PICTURES = auto()
    SOUND = auto()
    OTHERS = auto()
    ALL = PICTURES | SOUND | OTHERS


@dataclass(frozen=True, slots=True)
class InboundFile:
    """A file that came with a message of the turn, on this machine.

    `kind` is the channel's word for it (photo, voice, file), `mime` its type by its content, `size` in bytes.
    `name` is what its sender calls it: for people to read, never a path.
    """

    path: Path
    kind: str
    mime: str
    name: str
    size: int
    message_id: str


@dataclass(frozen=True, slots=True)
class Attached:
    """An attachment of a turn. It has a `file` if it was fetched; `why_not` says why a wanted one was not.

    `message` is the number of its message in the store, `number` its own there; None if it was quoted.
    """

    attachment: Attachment
    message: int
    number: int | None
    file: InboundFile | None = None
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class TurnInput:
    """The input of one turn: admitted messages, and the account they came to (`zalouser/default`).

    `messages` are the messages of one sender that are answered together, in order: usually one, or the
    pictures of an album, or texts in quick succession; `message` shows them as one. `history` is
    what the group said since the agent last answered there, oldest first. It is context, not instruction;
    `clawlane.access.context.render` formats it accordingly. Without a `lane` it was asked from a terminal:
    such a turn has no memory and no tools.

    `files` were fetched for an agent that uses them (see `UsesFiles`), the quoted one last. `attached` says
    of each attachment of the messages, in order, and of the quoted one, what became of it.
    """

    account: str
    messages: tuple[Inbound, ...]
    history: tuple[HistoryMessage, ...] = ()
    lane: Lane | None = None
    files: tuple[InboundFile, ...] = ()
    attached: tuple[Attached, ...] = ()

    @property
    def message(self) -> Inbound:
        """All messages as one: the ids of the first, all texts and all attachments."""
        return merge_messages(self.messages)

    @property
    def thread(self) -> Thread:
        return self.messages[0].thread


class Agent(Protocol):
    """Answers messages. It serves many threads concurrently, with one turn at a time in each."""

    async def run(self, turn: TurnInput) -> Reply | None:
        """The answer, or None to stay silent.

        After a crash it may be called again for the same messages, unless its answer was already stored (see
        `AsksOnce`). An exception ends the turn and is reported to the operator, not to the sender; an
        `AgentError` says whether asking again may help, and an `AgentSilent` why nothing is said.
        """
        ...


@runtime_checkable
class Reachable(Protocol):
    """An agent that can be tried without being asked anything."""

    async def reach(self) -> str:
        """Make a real request that nobody acts on. Raises an `AgentError` that says why it cannot answer.

        What comes back should be known although the agent can be reached; it is usually empty.
        """
        ...


@runtime_checkable
class AsksOnce(Protocol):
    """An agent that may act on its own: where it does, no turn is given to it twice."""

    def asks_once(self, account: str, thread: Thread) -> bool:
        """Whether a turn of this thread must not be run again once it was begun."""
        ...


@runtime_checkable
class Routes(Protocol):
    """Several agents as one."""

    def name_of(self, account: str, thread: Thread) -> str:
        """The name of the one that answers in a thread of an account (`channel/id`)."""
        ...


@runtime_checkable
class UsesFiles(Protocol):
    """An agent that is given the files of the messages it answers. For others nothing is fetched."""

    def file_use(self, account: str, thread: Thread) -> FileUse:
        """Which files it can use in this thread."""
        ...


@runtime_checkable
class Checks(Protocol):
    """An agent that knows beforehand that it will not begin a turn. Nobody is shown that it works on it."""

    async def check(self, turn: TurnInput) -> None:
        """Raises an `AgentError` for a turn that it would not begin."""
        ...
