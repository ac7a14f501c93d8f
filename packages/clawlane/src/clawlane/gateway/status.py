"""How everything is, as one JSON-able value for commands, logs and whatever else shows it.

    {"gateway": {"pid", "started_ms", "version", "rss", "config_revision"},
     "channels": {CHANNEL: {"label", "unofficial", "default_account", "accounts": {ID: {…}}}}}

An account: `id`, `profile`, `name`, `enabled`, `linked`, `identity` ({"id", "name"} or null), `consent`
(the record or null), `phase`, `code` (why: a `clawlane.channel.StateCode`), `since_ms`, `reason`, `help`,
`auth`, `inbound`, `outbound` (unknown, ok, broken), `noticed_ms` (after how long a dead connection is
noticed, or 0), `skew_ms` (how far the platform's
clock is ahead of this machine's, or null), `last_inbound_ms`, `storing` (the same, of the store) with
`storing_reason`, `too_old` (how many of the newest messages were, if all of them were), `problems` (see
`clawlane.ops.problems`), `last_outbound_ms`, `dm_policy` and `group_policy` ({"value", "origin", "path",
"line"}), `rehearsal` (address or empty), `counters` (per reason), `outbox` (open chunks per state, `queued`
and `unknown` always), `gaps` (what could not be caught up with in the last days: `kind`, `from_ms`, `to_ms`,
`noted_ms`), `pairing` (`pending`, and how many of them are `silent` or `held`), `names` (what those of the
config stand for: `list`, `entry`, `state` (pinned, unresolved, ambiguous), `ids`, `at_ms`), `findings` (of
`clawlane.ops.findings`: `severity`, `code`, `path`, `line`, `text`, `mend`, `accounts`), what
`clawlane.ops.holds` tells (`pauses`, `waiting`, `expired`, `held`, `decisions`, `look_ups`), and `probe`
when it was asked for.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from clawlane import __version__
from clawlane.access.decision import Reason
from clawlane.access.names import Pins
from clawlane.capabilities import Probe, ProbeResult, Rehearsal
from clawlane.channel import Account, Health, VaultError
from clawlane.config.load import Config
from clawlane.credentials.profile import ConsentDamaged, read_consent
from clawlane.gateway.accounts import Accounts
from clawlane.gateway.supervisor import Supervisor
from clawlane.ops.findings import findings
from clawlane.ops.holds import stopped_of
from clawlane.ops.problems import AMONG, problems
from clawlane.store.database import Store
from clawlane.store.directory import LookedUp
from clawlane.store.models import PairingRequest
from clawlane.store.reader import Reader

_PROBE_DEADLINE = 20.0
_GAPS_SHOWN_MS = 7 * 86_400_000
Fields = dict[str, Any]


class StatusBook:
    """Asks everybody how they are."""

    def __init__(self, fleet: Accounts, consents: Path) -> None:
        self._fleet = fleet
        self._consents = consents
        self._started_ms = fleet.now_ms()

    async def all(self, probe: bool = False) -> Fields:
        """The whole status. `probe` asks the platforms whether the sessions hold, side by side."""
        asked = await self._probes() if probe else {}
        stored = await self._now()
        channels: Fields = {}
        for name, block in self._fleet.config.channels.items():
            channels[name] = {
                "label": block.manifest.label,
                "unofficial": block.manifest.unofficial,
                "default_account": block.default_account,
                "accounts": {
                    one.id: {**stored[str(one)], **asked.get(str(one), {})} for one in block.accounts
                },
            }
        return {"gateway": self._gateway(), "channels": channels}

    async def one(self, supervisor: Supervisor) -> Fields:
        """The status of one account."""
        stored = await self._now()
        return stored[str(supervisor.parts.account)]

    async def _now(self) -> dict[str, Fields]:
        stored = await asyncio.to_thread(self._stored)
        return {name: {**fields, "problems": problems(fields)} for name, fields in stored.items()}

    def _gateway(self) -> Fields:
        return {
            "pid": os.getpid(),
            "started_ms": self._started_ms,
            "version": __version__,
            "rss": resident_bytes(),
            "config_revision": self._fleet.config.source.revision,
        }

    def _stored(self) -> dict[str, Fields]:
        with self._fleet.store.read() as reader:
            return {name: self._account(one, reader) for name, one in self._fleet.supervisors.items()}

    def _account(self, supervisor: Supervisor, reader: Reader) -> Fields:
        account, channel = supervisor.parts.account, supervisor.parts.channel
        rehearsal = channel.rehearsal() if isinstance(channel, Rehearsal) else ""
        return {
            "id": account.id,
            "profile": account.profile,
            "name": account.name,
            "enabled": account.enabled,
            **_session(supervisor),
            "consent": _consent(self._consents, account),
            **_state(supervisor),
            **_policies(self._fleet.config, account),
            "rehearsal": rehearsal,
            **_activity(reader, str(account), self._fleet.now_ms()),
            **stopped_of(reader, str(account), self._fleet.now_ms()),
            **_storing(self._fleet.store),
            "names": names(self._fleet.pinnings[str(account)].found),
            "findings": told(self._fleet.config, account, self._fleet.pinnings[str(account)].pins),
        }

    async def _probes(self) -> dict[str, Fields]:
        supervisors = self._fleet.supervisors
        results = await asyncio.gather(*(_probe(supervisor) for supervisor in supervisors.values()))
        return {name: {"probe": result} for name, result in zip(supervisors, results, strict=True) if result}


def resident_bytes() -> int:
    """The memory this process has in RAM; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGESIZE")


def told(config: Config, account: Account, pins: Pins) -> list[Fields]:
    """What is wrong with the account's configuration, the worst first."""
    return [asdict(one) for one in findings(config, account, pins)]


def names(looked_up: Iterable[LookedUp]) -> list[Fields]:
    """The completed look-ups of an account."""
    return [
        {
            "list": one.pin.name.where,
            "entry": one.pin.name.entry,
            "state": one.pin.state,
            "ids": list(one.pin.ids),
            "at_ms": one.pin.at_ms,
        }
        for one in looked_up
    ]


async def _probe(supervisor: Supervisor) -> Fields | None:
    channel, account = supervisor.parts.channel, supervisor.parts.account
    if not isinstance(channel, Probe) or not account.enabled:
        return None
    try:
        async with asyncio.timeout(_PROBE_DEADLINE):
            return asdict(await channel.probe(account, supervisor.vault()))
    except TimeoutError:
        return asdict(ProbeResult(ok=False, error=f"no answer within {_PROBE_DEADLINE:.0f} s"))
    except VaultError as error:
        return asdict(ProbeResult(ok=False, error=str(error)))


def _session(supervisor: Supervisor) -> Fields:
    try:
        identity = supervisor.vault().identity()
    except VaultError:
        identity = None
    named = {"id": identity[0], "name": identity[1]} if identity else None
    return {"linked": identity is not None, "identity": named}


def _consent(folder: Path, account: Account) -> Fields | None:
    try:
        consent = read_consent(folder, account.channel, account.profile)
    except ConsentDamaged:
        return None
    return asdict(consent) if consent else None


def _state(supervisor: Supervisor) -> Fields:
    state = supervisor.state
    return {
        "phase": state.phase,
        "code": state.code or state.phase,
        "since_ms": supervisor.since_ms,
        "reason": state.reason,
        "help": state.action,
        "auth": state.auth or Health.UNKNOWN,
        "inbound": state.inbound or Health.UNKNOWN,
        "outbound": state.outbound or Health.UNKNOWN,
        "noticed_ms": state.noticed_ms,
        "skew_ms": state.skew_ms,
    }


def _storing(store: Store) -> Fields:
    failing = store.failing
    return {"storing": Health.BROKEN if failing else Health.OK, "storing_reason": failing}


def _policies(config: Config, account: Account) -> Fields:
    found: Fields = {}
    for name, key in (("dm_policy", "dmPolicy"), ("group_policy", "groupPolicy")):
        value, origin = (effective := config.effective(account, key)).value, effective.origin
        found[name] = {"value": value, "origin": origin.layer, "path": origin.path, "line": origin.line}
    return found


def _activity(reader: Reader, name: str, now_ms: int) -> Fields:
    activity = reader.activity(name)
    waiting = [request for request in reader.requests(now_ms) if request.account == name]
    return {
        "last_inbound_ms": activity.last_inbound_ms,
        "last_outbound_ms": activity.last_outbound_ms,
        "counters": activity.counters,
        "outbox": {"queued": 0, "unknown": 0, **activity.outbox},
        "too_old": reader.too_old_in_a_row(name, AMONG),
        "gaps": gaps(reader, name, now_ms),
        "pairing": pairing_counts(waiting),
    }


def gaps(reader: Reader, name: str, now_ms: int) -> list[Fields]:
    """Where an account could not catch up in the last days."""
    return [asdict(gap) for gap in reader.gaps(name, now_ms - _GAPS_SHOWN_MS)]


def pairing_counts(waiting: Iterable[PairingRequest]) -> Fields:
    """How many wait for the owner, and how many of them were told nothing."""
    reasons = Counter(request.reason for request in waiting)
    return {
        "pending": reasons.total(),
        "silent": reasons[Reason.DM_PAIRING_SILENT],
        "held": reasons[Reason.DM_PAIRING_HELD],
    }
