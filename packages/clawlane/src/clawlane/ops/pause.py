"""`pause` and `resume` as a command asks for them, with a gateway or without: words in, JSON-able answer out.

Values asked with, all optional: `channel` and `account` (without either all accounts are meant), `thread`
(`dm:ID`, `group:ID`, or the id of a thread that was read from), and `level`, `until_ms` or `flush`.

    pause   {"paused": [PAUSE, …]}
    resume  {"resumed": [{"account", "thread", "was": PAUSE or null,
                          "expired": [{"thread", "age_ms", "turn", "message_id"}, …],
                          "flushed": [TURN, …], "still": [PAUSE, …]}, …]}

A PAUSE is {"account", "thread", "level", "since_ms", "until_ms"}; a thread is `dm:ID`, `group:ID` or null,
and `still` what stays paused of the account.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from clawlane.config.load import Config
from clawlane.messages import Thread, ThreadKind
from clawlane.ops.kill_switch import Pauses
from clawlane.store.database import Store
from clawlane.store.errors import PauseRefused
from clawlane.store.pauses import Overdue, Pause, PauseLevel, Resumed

Fields = dict[str, Any]
NOTHING = (
    "no account is configured, so there is nothing to pause or resume; see: openclaw channels list --all"
)
_KINDS = {"dm": ThreadKind.DM, "user": ThreadKind.DM, "group": ThreadKind.GROUP}


class PauseCommands:
    """Finds the accounts and threads that are named, and tells what came of it. Raises `PauseRefused`."""

    def __init__(self, config: Config, store: Store, pauses: Pauses) -> None:
        self._channels = config.channels
        self._store = store
        self._pauses = pauses

    async def pause(self, asked: Mapping[str, str]) -> Fields:
        """Begin a pause; it holds when this returns."""
        accounts, thread = await self._named(asked)
        level, until = asked.get("level", PauseLevel.MUTE), asked.get("until_ms")
        if level not in list(PauseLevel) or not (until is None or until.isdecimal()):
            raise PauseRefused("the level is mute or offline, and until_ms a number")
        if thread is not None and level == PauseLevel.OFFLINE:
            raise PauseRefused("a thread can only be muted; offline is for whole accounts")
        new = await self._pauses.pause(accounts, thread, PauseLevel(level), int(until) if until else None)
        return {"paused": list(map(pause_answer, new))}

    async def resume(self, asked: Mapping[str, str]) -> Fields:
        """End a pause."""
        accounts, thread = await self._named(asked)
        ended = await self._pauses.resume(accounts, thread, flush=asked.get("flush") == "1")
        return {"resumed": [self._resumed_answer(one) for one in ended]}

    async def _named(self, asked: Mapping[str, str]) -> tuple[list[str], Thread | None]:
        channel, account = asked.get("channel"), asked.get("account")
        if (thread := asked.get("thread")) is None:
            return self._accounts(channel, account), None
        if not self._channels:
            raise PauseRefused(NOTHING)
        if account is None and (channel or len(self._channels) == 1):
            block = self._channels.get(channel or next(iter(self._channels)))
            account = block.default_account if block else None
        names = self._accounts(channel, account)
        if len(names) > 1:
            raise PauseRefused("a thread belongs to one account; name it with --account")
        return names, await self._thread(names[0], thread)

    def _accounts(self, channel: str | None, account: str | None) -> list[str]:
        everything = {
            str(one): (name, one.id) for name, block in self._channels.items() for one in block.accounts
        }
        wanted = account.strip().lower() if account else None
        found = [
            name
            for name, (in_channel, id_) in everything.items()
            if channel in (None, in_channel) and wanted in (None, id_)
        ]
        if len(found) == 1 or (found and wanted is None):
            return found
        if not everything:
            raise PauseRefused(NOTHING)
        what = "several channels have an account" if found else "there is no account"
        named = "/".join(word for word in (channel, wanted) if word)
        raise PauseRefused(f"{what} '{named}'; the accounts are: {', '.join(everything) or 'none'}")

    async def _thread(self, account: str, named: str) -> Thread:
        kind, colon, id_ = named.strip().rpartition(":")
        if colon and kind in _KINDS and id_:
            return Thread(_KINDS[kind], id_)
        known = [] if colon else await asyncio.to_thread(self._read_from, account, id_)
        if len(known) == 1:
            return known[0]
        raise PauseRefused(f"{account} has read nothing from a thread '{named}'; write dm:ID or group:ID")

    def _read_from(self, account: str, id_: str) -> list[Thread]:
        with self._store.read() as reader:
            return reader.threads(account, id_)

    def _resumed_answer(self, resumed: Resumed) -> Fields:
        return {
            "account": resumed.account,
            "thread": str(resumed.thread) if resumed.thread else None,
            "was": pause_answer(resumed.was) if resumed.was else None,
            "expired": list(map(_overdue_answer, resumed.expired)),
            "flushed": list(resumed.flushed),
            "still": list(map(pause_answer, self._pauses.of(resumed.account))),
        }


def pause_answer(pause: Pause) -> Fields:
    """A pause for JSON."""
    return {
        "account": pause.account,
        "thread": str(pause.thread) if pause.thread else None,
        "level": pause.level,
        "since_ms": pause.since_ms,
        "until_ms": pause.until_ms,
    }


def _overdue_answer(overdue: Overdue) -> Fields:
    return {
        "thread": str(overdue.thread),
        "age_ms": overdue.age_ms,
        "turn": overdue.turn,
        "message_id": overdue.message_id,
    }
