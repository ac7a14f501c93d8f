"""Detectors of alarms: pure objects that are told facts with their times, and say what begins and what ends.

Each gives the changes that follow from a fact, none where nothing does. What they have to know over a restart
are signs, which they give to be stored and are told again (`recall`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from clawlane.alarm_kinds import AlarmKind
from clawlane.store.alarm_told import Alarm, Change, Cleared, Ended, Evidence, Noticed, Raised, Sign
from clawlane.store.transaction import Noted

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


@dataclass
class Kicks:
    """The platform ended the session twice within an hour. Over once a connection holds for an hour."""

    going_on: bool = False
    _kicks: list[int] = field(default_factory=list)
    _ready_ms: int | None = None

    def recall(self, signs: Iterable[Noticed], alarms: Iterable[Alarm]) -> None:
        """Take up what was known at the last stop."""
        self._kicks = [one.at_ms for one in signs if one.sign is Sign.KICK]
        self.going_on = _goes_on(alarms, AlarmKind.KICKED)

    def kicked(self, now_ms: int) -> list[Change]:
        """The platform ended the session."""
        self._ready_ms = None
        self._kicks = [*(at_ms for at_ms in self._kicks if 0 <= now_ms - at_ms <= HOUR_MS), now_ms]
        changes: list[Change] = [Noticed(Sign.KICK, now_ms)]
        if len(self._kicks) >= _KICKS:
            self.going_on = True
            found = {"kicks": len(self._kicks), "first_ms": self._kicks[0], "last_ms": now_ms}
            changes.append(Raised(AlarmKind.KICKED, found))
        return changes

    def connected(self, now_ms: int) -> None:
        """The account is connected."""
        self._ready_ms = now_ms if self._ready_ms is None else self._ready_ms

    def lost(self) -> None:
        """The account is not connected any more."""
        self._ready_ms = None

    def pass_time(self, now_ms: int) -> list[Change]:
        """What the time alone changes."""
        if not self.going_on or self._ready_ms is None or now_ms - self._ready_ms < HOUR_MS:
            return []
        self.going_on = False
        return [Ended(AlarmKind.KICKED), Cleared(Sign.KICK)]


_KICKS = 2


@dataclass
class Refusals:
    """The platform refuses in several threads within an hour. Over after a day without a refusal.

    Only refusals count that may be about the account, each thread once. One in which a message arrives after
    all does not count any more; arrivals elsewhere say nothing, for friends are still reached when strangers
    are not.
    """

    going_on: bool = False
    _refused: dict[str, int] = field(default_factory=dict)
    _last_ms: int = 0

    def recall(self, signs: Iterable[Noticed], alarms: Iterable[Alarm]) -> None:
        """Take up what was known at the last stop."""
        self._refused = {one.key: one.at_ms for one in signs if one.sign is Sign.REFUSAL}
        self._last_ms = max(self._refused.values(), default=0)
        self.going_on = _goes_on(alarms, AlarmKind.REFUSALS)

    def refused(self, now_ms: int, thread: str, code: int) -> list[Change]:
        """A message to a thread was refused. `code` is the platform's, 0 for none."""
        self._refused = {key: at for key, at in self._refused.items() if 0 <= now_ms - at <= HOUR_MS}
        before = self._refused.pop(thread, None)
        self._refused[thread] = self._last_ms = now_ms
        changes: list[Change] = [Cleared(Sign.REFUSAL, thread)] if before is not None else []
        changes.append(Noticed(Sign.REFUSAL, now_ms, thread, code))
        if len(self._refused) >= THREADS_REFUSED:
            self.going_on = True
            threads = list(self._refused)
            found: Evidence = {
                "threads": len(threads),
                "code": code,
                "refused": threads[::-1],
                "last_ms": now_ms,
            }
            changes.append(Raised(AlarmKind.REFUSALS, found))
        return changes

    def arrived(self, thread: str) -> list[Change]:
        """A message to a thread arrived."""
        if self._refused.pop(thread, None) is None:
            return []
        return [Cleared(Sign.REFUSAL, thread)]

    def pass_time(self, now_ms: int) -> list[Change]:
        """What the time alone changes."""
        if not self.going_on or now_ms - self._last_ms < DAY_MS:
            return []
        self.going_on = False
        self._refused.clear()
        return [Ended(AlarmKind.REFUSALS), Cleared(Sign.REFUSAL)]


THREADS_REFUSED = 3
"""As many threads as `lane.send_record` takes for broken; one may be about a person, two by chance."""


@dataclass
class Logins:
    """The platform refuses the login of this program. Over once a login works."""

    going_on: bool = False

    def recall(self, alarms: Iterable[Alarm]) -> None:
        """Take up what was known at the last stop."""
        self.going_on = _goes_on(alarms, AlarmKind.LOGIN_REFUSED)

    def refused(self, now_ms: int) -> list[Change]:
        """A login was refused."""
        self.going_on = True
        return [Raised(AlarmKind.LOGIN_REFUSED, {"stage": "stored_session", "last_ms": now_ms})]

    def worked(self) -> list[Change]:
        """The account is logged in and connected."""
        if not self.going_on:
            return []
        self.going_on = False
        return [Ended(AlarmKind.LOGIN_REFUSED)]


@dataclass
class FriendList:
    """The friend list fell and still is so ten minutes later. Over once most of the friends are back.

    It fell if a third of the friends or more is gone, and more than two people: people do unfriend, and a
    platform sometimes answers with a short list. Until it has been asked again nothing is said.
    """

    going_on: bool = False
    before: int | None = None
    """How many friends there were."""
    now: int = 0
    fell_ms: int | None = None

    def recall(self, signs: Iterable[Noticed], alarms: Iterable[Alarm]) -> None:
        """Take up what was known at the last stop."""
        for one in signs:
            if one.sign is Sign.FRIENDS:
                self.before = self.now = one.number
            elif one.sign is Sign.FALLEN:
                self.fell_ms, self.now = one.at_ms, one.number
        self.going_on = _goes_on(alarms, AlarmKind.FRIENDS_FELL)

    def listed(self, now_ms: int, friends: int, known: int = 0) -> list[Change]:
        """The platform listed so many friends; `known` were stored before."""
        before = self.before if self.before is not None else known or friends
        self.now = friends
        if not _fell(before, friends):
            return self._well(now_ms, before, friends)
        if self.fell_ms is None or self.fell_ms > now_ms:
            self.fell_ms, self.before = now_ms, before
            return [Noticed(Sign.FRIENDS, now_ms, "", before), Noticed(Sign.FALLEN, now_ms, "", friends)]
        if now_ms - self.fell_ms < ASK_AGAIN_MS or self.going_on:
            return []
        self.going_on = True
        found = {"before": before, "now": friends, "fell_ms": self.fell_ms}
        return [Raised(AlarmKind.FRIENDS_FELL, found)]

    def _well(self, now_ms: int, before: int, friends: int) -> list[Change]:
        """Few are missing. An alarm goes on until nine in ten are back."""
        if self.going_on and 10 * friends < 9 * before:
            return []
        changes: list[Change] = []
        if self.going_on:
            changes.append(Ended(AlarmKind.FRIENDS_FELL))
        if self.fell_ms is not None:
            changes.append(Cleared(Sign.FALLEN))
        if friends != self.before:
            changes.append(Noticed(Sign.FRIENDS, now_ms, "", friends))
        self.going_on, self.fell_ms, self.before = False, None, friends
        return changes

    def accepted(self, now_ms: int) -> list[Change]:
        """The operator has seen it: the list is what it is now."""
        self.going_on, self.fell_ms, self.before = False, None, self.now
        return [Cleared(Sign.FALLEN), Noticed(Sign.FRIENDS, now_ms, "", self.now)]

    @property
    def ask_at_ms(self) -> int | None:
        """When the platform has to be asked again, None if it has not."""
        return None if self.fell_ms is None or self.going_on else self.fell_ms + ASK_AGAIN_MS


ASK_AGAIN_MS = 10 * MINUTE_MS


def _fell(before: int, now: int) -> bool:
    return 3 * (before - now) >= before and before - now > 2


@dataclass
class Outbound:
    """Sends fail while work waits: three in a row, or for five minutes. Over once a message arrives.

    It is over as well once nothing waits any more: then nobody is kept waiting.
    """

    going_on: bool = False
    failing_since_ms: int | None = None
    _failed: int = 0

    def recall(self, alarms: Iterable[Alarm]) -> None:
        """Take up what was known at the last stop."""
        self.going_on = _goes_on(alarms, AlarmKind.OUTBOUND_FAILS)

    def failed(self, now_ms: int) -> None:
        """A send did not leave, or it is unknown whether it arrived."""
        self._failed += 1
        self.failing_since_ms = now_ms if self.failing_since_ms is None else self.failing_since_ms

    def arrived(self) -> list[Change]:
        """A message arrived."""
        self._failed, self.failing_since_ms = 0, None
        return self._over()

    def weigh(self, now_ms: int, waiting: int, oldest_ms: int) -> list[Change]:
        """So many messages wait to leave or for an answer, the oldest since then."""
        if waiting == 0:
            return self._over()
        since_ms = self.failing_since_ms
        if since_ms is None or self.going_on:
            return []
        if self._failed < FAILED_IN_A_ROW and now_ms - since_ms < FAILING_MS:
            return []
        self.going_on = True
        found = {"failed": self._failed, "since_ms": since_ms, "waiting": waiting, "oldest_ms": oldest_ms}
        return [Raised(AlarmKind.OUTBOUND_FAILS, found)]

    @property
    def is_asking(self) -> bool:
        """Whether it has to be told what waits."""
        return self.going_on or self.failing_since_ms is not None

    def _over(self) -> list[Change]:
        if not self.going_on:
            return []
        self.going_on = False
        return [Ended(AlarmKind.OUTBOUND_FAILS)]


FAILED_IN_A_ROW = 3
FAILING_MS = 5 * MINUTE_MS


@dataclass
class Inbound:
    """Messages are not pushed any more over a connection that answers. Over once one is pushed.

    All that can be known: the platform's own history has messages that were sent while the connection
    answered its pings, that never came over it, and nothing came after them. An account to which nobody
    writes is well. Times are the platform's.
    """

    going_on: bool = False
    checked_ms: int = 0
    """When the history was asked for last, or the account connected."""
    _from_ms: int | None = None
    _until_ms: int | None = None
    _pushed_ms: int = 0
    _asked_ms: dict[str, int] = field(default_factory=dict)
    _found: dict[str, list[tuple[int, str]]] = field(default_factory=dict)

    def recall(self, alarms: Iterable[Alarm]) -> None:
        """Take up what was known at the last stop."""
        self.going_on = _goes_on(alarms, AlarmKind.INBOUND_SILENT)

    def connected(self, now_ms: int) -> None:
        """The account is connected. A former connection counts until the history has been read."""
        if self._from_ms is None:
            self._from_ms = now_ms
        self.checked_ms = now_ms

    def lost(self, now_ms: int, noticed_ms: int) -> None:
        """The connection is lost, which is noticed after as long as `noticed_ms`."""
        if self._from_ms is not None and self._until_ms is None:
            self._until_ms = now_ms - noticed_ms - LATE_MS

    def pushed(self, now_ms: int) -> list[Change]:
        """A new message came over the connection."""
        self._pushed_ms = now_ms
        if not self.going_on:
            return []
        self.going_on = False
        return [Ended(AlarmKind.INBOUND_SILENT)]

    def asked(self, now_ms: int, kind: str) -> None:
        """The platform is asked for its history of one kind of thread."""
        self.checked_ms = now_ms
        self._asked_ms[kind] = now_ms
        self._found[kind] = []

    def fetched(self, kind: str, sent_ms: int, message_id: str) -> None:
        """The history has a message that was not known."""
        if kind in self._found:
            self._found[kind].append((sent_ms, message_id))

    def read(self, kind: str) -> list[Change]:
        """The history of this kind of thread has been read."""
        asked_ms, found = self._asked_ms.pop(kind, None), self._found.pop(kind, [])
        begun_ms, until_ms = self._from_ms, self._until_ms
        if until_ms is not None and not self._asked_ms:  # the former connection is dealt with
            self._from_ms, self._until_ms = self.checked_ms, None
        if asked_ms is None or begun_ms is None:
            return []
        last_ms = asked_ms - LATE_MS if until_ms is None else until_ms
        first_ms = max(begun_ms + JUST_CONNECTED_MS, self._pushed_ms)
        missed = sorted(one for one in found if first_ms < one[0] < last_ms)
        if not missed:
            return []
        self.going_on = True
        told: dict[str, Noted | list[str]] = {
            "missed": len(missed),
            "messages": [message_id for _, message_id in missed],
            "first_ms": missed[0][0],
            "connected_ms": begun_ms,
        }
        if self._pushed_ms:
            told["pushed_ms"] = self._pushed_ms
        return [Raised(AlarmKind.INBOUND_SILENT, told)]

    def is_due(self, now_ms: int) -> bool:
        """Whether it has been silent for so long that the history is to be asked."""
        return now_ms - max(self.checked_ms, self._pushed_ms) >= SILENT_MS


LATE_MS = MINUTE_MS
"""A push may come as much later than its message."""

JUST_CONNECTED_MS = 30_000
"""What is sent so soon after a connection began may be pushed as part of what was missed."""

SILENT_MS = 30 * MINUTE_MS
"""Silence after which the platform's history is asked, which takes two frames."""


def _goes_on(alarms: Iterable[Alarm], kind: AlarmKind) -> bool:
    return any(one.kind is kind for one in alarms)
