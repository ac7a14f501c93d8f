"""The status without a gateway, in the shape of the gateway's own: what config, store and vault say."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from typing import Any

from clawlane.access.names import Pins
from clawlane.capabilities import Probe
from clawlane.channel import Account, Channel, Health, Phase, StateCode, VaultError
from clawlane.cli.context import CliContext, account_words
from clawlane.cli.login import probed, rehearsal_of
from clawlane.config.load import ChannelConfig
from clawlane.credentials.profile import ConsentDamaged, read_consent
from clawlane.credentials.vault import FileVault
from clawlane.gateway.status import gaps, names, pairing_counts, told
from clawlane.ops.holds import stopped_of
from clawlane.ops.pairing_offline import pairing_list
from clawlane.ops.problems import AMONG, problems
from clawlane.store.directory import LookedUp
from clawlane.store.reader import reading

Fields = dict[str, Any]


def offline_status(setup: CliContext, probe: bool) -> Fields:
    """As `clawlane.gateway.status` describes, with `gateway` None. `probe` asks the platforms too."""
    channels: Fields = {}
    for name, block in setup.config.channels.items():
        channel = setup.runtime(block.manifest)
        accounts = {one.id: _account(setup, channel, block, one) for one in block.accounts}
        if probe:
            asyncio.run(_probe_all(setup, channel, block.accounts, accounts))
        channels[name] = {
            "label": block.manifest.label,
            "unofficial": block.manifest.unofficial,
            "default_account": block.default_account,
            "accounts": accounts,
        }
    return {"gateway": None, "channels": channels}


def _account(setup: CliContext, channel: Channel, block: ChannelConfig, account: Account) -> Fields:
    words = account_words(account.channel, account.id, account.id == block.default_account)
    looked_up = _looked_up(setup, account)
    found = {
        "id": account.id,
        "profile": account.profile,
        "name": account.name,
        "enabled": account.enabled,
        "phase": Phase.STOPPED,
        "since_ms": None,
        "noticed_ms": 0,
        "skew_ms": None,
        **_session(setup, account, f"openclaw channels login {words}"),
        "consent": _consent(setup, account),
        "inbound": Health.UNKNOWN,
        "outbound": Health.UNKNOWN,
        "storing": Health.UNKNOWN,
        "storing_reason": "",
        "dm_policy": _policy(setup, account, "dmPolicy"),
        "group_policy": _policy(setup, account, "groupPolicy"),
        "rehearsal": rehearsal_of(channel),
        **_activity(setup, account),
        "findings": told(setup.config, account, Pins.of(one.pin for one in looked_up)),
        "names": names(looked_up),
    }
    return {**found, "problems": problems(found)}


def _session(setup: CliContext, account: Account, login: str) -> Fields:
    try:
        identity = FileVault(setup.places.vault_dir, account.channel, account.profile).identity()
    except VaultError as error:
        return {
            "linked": False,
            "identity": None,
            "auth": Health.BROKEN,
            "code": StateCode.SESSION_UNREADABLE,
            "reason": str(error),
            "help": "",
        }
    if identity is None:
        return {
            "linked": False,
            "identity": None,
            "auth": Health.BROKEN,
            "code": StateCode.NOT_LOGGED_IN,
            "reason": "not linked",
            "help": login,
        }
    named = {"id": identity[0], "name": identity[1]}
    return {
        "linked": True,
        "identity": named,
        "auth": Health.UNKNOWN,
        "code": StateCode.GATEWAY_DOWN,
        "reason": "",
        "help": "",
    }


def _consent(setup: CliContext, account: Account) -> Fields | None:
    try:
        found = read_consent(setup.places.consent_dir, account.channel, account.profile)
    except ConsentDamaged:
        return None
    return asdict(found) if found else None


def _policy(setup: CliContext, account: Account, key: str) -> Fields:
    found = setup.config.effective(account, key)
    origin = found.origin
    return {"value": found.value, "origin": origin.layer, "path": origin.path, "line": origin.line}


def _looked_up(setup: CliContext, account: Account) -> list[LookedUp]:
    if not setup.places.store.exists():
        return []
    with reading(setup.places.store) as reader:
        return reader.looked_up(str(account))


def _activity(setup: CliContext, account: Account) -> Fields:
    if not setup.places.store.exists():
        return {
            "last_inbound_ms": None,
            "last_outbound_ms": None,
            "counters": {},
            "outbox": {},
            "gaps": [],
            "pairing": {},
            "pauses": [],
            "waiting": 0,
            "expired": 0,
            "held": [],
            "decisions": {"sends": 0, "dead_letters": 0, "forgotten": 0},
            "look_ups": [],
            "too_old": 0,
        }
    now_ms = time.time_ns() // 1_000_000
    with reading(setup.places.store) as reader:
        activity = reader.activity(str(account))
        stopped = stopped_of(reader, str(account), now_ms)
        missing = gaps(reader, str(account), now_ms)
        too_old = reader.too_old_in_a_row(str(account), AMONG)
    waiting = pairing_list(setup.places, account.channel, account.id, now_ms)
    found = {**asdict(activity), **stopped, "too_old": too_old, "gaps": missing}
    return {**found, "pairing": pairing_counts(waiting)}


async def _probe_all(
    setup: CliContext, channel: Channel, accounts: tuple[Account, ...], into: Fields
) -> None:
    for account in accounts:
        if isinstance(channel, Probe) and account.enabled:
            vault = FileVault(setup.places.vault_dir, account.channel, account.profile)
            into[account.id]["probe"] = asdict(await probed(channel, account, vault))
