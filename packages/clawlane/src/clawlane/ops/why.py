"""Why messages were or were not answered: what was decided about each, and where its turn stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from clawlane.config.errors import ConfigError, did_you_mean
from clawlane.ops.context import OpContext
from clawlane.ops.operation import OpError, Request, operation
from clawlane.store.states import ChunkState, TurnState
from clawlane.store.told import Gap, HeldThread, Made, NotedItem, Pause, Recorded, Turn
from clawlane.texts import later
from clawlane.threads import Thread

if TYPE_CHECKING:
    from clawlane.config.source import Source
    from clawlane.store.reader import Reader
    from clawlane.store.why_search import Wanted

MOST = 10_000
"""Items of one answer."""

PAUSED = "paused"
"""The rule of a hold that somebody has to resume, or that ends by its time."""


class TurnStage(StrEnum):
    """Where a turn stands."""

    WAITING = "waiting"
    WITH_AGENT = "with_agent"
    HELD = "held"
    SENDING = "sending"
    SENT = "sent"
    PARTLY_SENT = "partly_sent"
    NOT_SENT = "not_sent"
    NO_REPLY = "no_reply"
    NEEDS_DECISION = "needs_decision"
    SET_ASIDE = "set_aside"
    STOPPED = "stopped"
    TAKEN_OVER = "taken_over"
    REVOKED = "revoked"
    RECALLED = "recalled"
    EXPIRED = "expired"
    DRAFTED = "drafted"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Hold:
    """What keeps a reply from leaving: a rule of pacing, or `paused`. `until_ms` None: until a resume."""

    rule: str
    until_ms: int | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a turn stands, what holds it, and whether a gateway runs that can move it."""

    stage: TurnStage
    hold: Hold | None = None
    running: bool = False


@dataclass(frozen=True, slots=True)
class Story:
    """A message that was read, and where its turn stands.

    `now` has, for each decision, what the setting that decided reads today: None where it reads the same, or
    where nobody knows, and empty where it is no longer written.
    """

    recorded: Recorded
    now: tuple[str | None, ...]
    standing: Standing | None


@dataclass(frozen=True, slots=True)
class Item:
    """A message, or else a notice."""

    message: Story | None = None
    notice: NotedItem | None = None

    @property
    def seq(self) -> int:
        """The number among all messages and notices of the store, in the order in which they were read."""
        found = self.message.recorded if self.message else self.notice
        return found.seq if found else 0


@dataclass(frozen=True, slots=True)
class Told:
    """What was found, the newest first, and where accounts could not catch up.

    `older` and `newer` are what to ask for as `before` and `after` to go on, 0 where there is no more.
    `looked_to_ms` is when the last message was read that a long search looked at before it gave up.
    """

    items: list[Item]
    gaps: list[Gap]
    older: int = 0
    newer: int = 0
    looked_to_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Why(Request[Told]):
    """About the message of an id, or about the `last` ones that fit.

    `person` and `group` are ids or parts of names, `reason` that of a decision, `notice`, `unreadable`, or a
    part of the path of the setting that decided; times are those of reading. `before` and `after` are numbers
    of items to go on from. `config_file` is the file that settings are compared with, where it is not that of
    the gateway.
    """

    message_id: str = ""
    last: int = 10
    dropped: bool = False
    config_file: str = ""
    person: str = ""
    group: str = ""
    reason: str = ""
    since_ms: int | None = None
    until_ms: int | None = None
    before: int = 0
    after: int = 0


@dataclass(frozen=True, slots=True)
class Live:
    """The situation right now: whether a gateway runs, what is paused, and what pacing holds."""

    running: bool = False
    pauses: Sequence[Pause] = ()
    held: Sequence[tuple[str, HeldThread]] = ()

    def hold(self, account: str, thread: Thread, turn: int) -> Hold | None:
        """What holds a reply: a pause, a hold of its own, or one of what has to leave before it."""
        for pause in self.pauses:
            if pause.account == account and pause.thread in (None, thread):
                return Hold(PAUSED, pause.until_ms)
        here = [one for name, one in self.held if (name, one.thread) == (account, thread)]
        own = next((one for one in here if one.turn == turn), None)
        found = own or next((one for one in here if not one.aside), None)
        return Hold(found.reason, found.until_ms) if found else None


@operation
async def why(ctx: OpContext, request: Why) -> Told:
    """Raises `OpError` for a reason that there is not, and for names that too many have."""
    import asyncio

    config_file = Path(request.config_file) if request.config_file else ctx.paths.config_file
    source = await asyncio.to_thread(_source, config_file)

    def find(reader: Reader) -> Told:
        told = _of_message(reader, request.message_id) if request.message_id else _search(reader, request)
        messages = [one.message.recorded for one in told.items if one.message]
        waiting = {one.account for one in messages if one.standing and one.standing.settled_ms is None}
        # Pacing holds nothing while no gateway runs.
        held = [(name, one) for name in sorted(waiting) for one in reader.held(name, ctx.now_ms())]
        running = ctx.lane_runs(reader)
        held = held if running else []
        live = Live(running, reader.pauses() if waiting else (), held)
        items = [
            Item(story(one.message.recorded, live, source)) if one.message else one for one in told.items
        ]
        return replace(told, items=items, gaps=reader.gaps())

    return await ctx.ask(find)


def _of_message(reader: Reader, message_id: str) -> Told:
    return Told([*map(_item, reader.decided(message_id)), *map(_item, reader.noted(message_id))], [])


def _search(reader: Reader, request: Why) -> Told:
    """A page of what fits. Where a search gave up, the next one goes on from there."""
    from clawlane.store.why_search import TooManyFit

    wanted = _wanted(reader, request)
    try:
        found = reader.search(wanted, min(request.last, MOST))
        items = list(map(_item, found.items))
        top = items[0].seq if items else max(request.before - 1, request.after)
        others = replace(wanted, before=0, after=top)
        newer = top if request.before and reader.search(others, 1).items else 0
    except TooManyFit as error:
        fits = later("'{written}' fits {n} people, groups or settings")
        told = later(fits, written=error.written[:80], n=error.count)
        raise OpError(told, later("write more of it, or an id")) from None
    older = found.gave_up_at or (items[-1].seq if items and found.more else 0)
    if request.after:  # the search went the other way
        newer = found.gave_up_at or (top if found.more else 0)
        older = items[-1].seq if items else request.after + 1
    return Told(items, [], older, newer, found.gave_up_ms)


def _item(one: Recorded | NotedItem) -> Item:
    if isinstance(one, NotedItem):
        return Item(notice=one)
    return Item(Story(one, (), None))


def _wanted(reader: Reader, request: Why) -> Wanted:
    from clawlane.access.decision import Reason
    from clawlane.store.notices import COUNTED_AS
    from clawlane.store.why_search import Wanted

    reason = request.reason.strip()
    known = [*Reason, *COUNTED_AS]
    if reason and reason not in known and not reader.fits_rule(reason):
        raise OpError(
            later("nothing was decided by '{reason}'", reason=reason[:80]),
            did_you_mean(reason, known) or later("the reasons are counted by: openclaw channels status"),
        )
    return Wanted(
        request.person.strip(),
        request.group.strip(),
        reason,
        request.since_ms,
        request.until_ms,
        request.dropped,
        request.before,
        request.after,
    )


def story(one: Recorded, live: Live, source: Source | None) -> Story:
    """A message with what is true of it now."""
    now = tuple(_text_now(made, source) for made in one.made)
    return Story(one, now, standing(one, live))


def standing(one: Recorded, live: Live) -> Standing | None:
    """Where the turn of a message stands; None without a turn."""
    turn = one.standing
    if turn is None:
        return None
    if turn.settled_ms is not None:
        return Standing(_over(turn), running=live.running)
    hold = live.hold(one.account, one.thread, turn.id)
    stage = _open(turn, hold, running=live.running)
    return Standing(stage, hold if stage is TurnStage.HELD else None, live.running)


def _open(turn: Turn, hold: Hold | None, *, running: bool) -> TurnStage:
    if turn.state is TurnState.RUNNING:
        return TurnStage.WITH_AGENT
    if turn.state is TurnState.NEEDS_DECISION:
        return TurnStage.NEEDS_DECISION
    if turn.state is not TurnState.REPLIED:
        # Pacing holds what leaves; only a pause holds what waits for the agent.
        return TurnStage.HELD if hold is not None and hold.rule == PAUSED else TurnStage.WAITING
    if ChunkState.UNKNOWN in turn.chunks:
        return TurnStage.NEEDS_DECISION
    if ChunkState.SENDING in turn.chunks and running:
        return TurnStage.SENDING
    if hold is not None:
        return TurnStage.HELD
    return TurnStage.PARTLY_SENT if ChunkState.SENT in turn.chunks else TurnStage.WAITING


def _over(turn: Turn) -> TurnStage:
    match turn.state:
        case TurnState.DONE:
            return TurnStage.SENT if turn.chunks else TurnStage.NO_REPLY
        case TurnState.DEAD:
            return TurnStage.SET_ASIDE
        case TurnState.FAILED:
            return TurnStage.PARTLY_SENT if ChunkState.SENT in turn.chunks else TurnStage.NOT_SENT
    return TurnStage(turn.state)


def _source(file: Path) -> Source | None:
    """The config file as it stands now; None if it cannot be read."""
    from clawlane.config.source import read_source

    try:
        return read_source(file)
    except ConfigError:
        return None


def _text_now(made: Made, source: Source | None) -> str | None:
    from clawlane.config.origin import setting_text

    decision = made.decision
    if source is None or not decision.revision or decision.revision == source.revision:
        return None
    path = source.by_path.get(decision.rule.path)
    now = setting_text(source, path)
    return None if now == decision.rule.text else now
