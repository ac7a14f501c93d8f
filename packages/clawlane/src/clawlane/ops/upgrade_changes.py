"""What an account works by, and what another version of the program made of it, in sentences."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clawlane import __version__
from clawlane.access.comparison import compare
from clawlane.access.exposure import Exposure, Known
from clawlane.access.fingerprint import fingerprint
from clawlane.access.in_force import Rules
from clawlane.access.policy import AccessPolicy
from clawlane.access.policy_record import policy_of, policy_text
from clawlane.config.effective import Setting
from clawlane.config.effective import settings as all_settings
from clawlane.config.errors import format_path
from clawlane.config.origin import Layer
from clawlane.ops.exposure_text import change_text
from clawlane.store.in_force import InForce
from clawlane.store.sqlite.schema import MIGRATIONS
from clawlane.texts import later

if TYPE_CHECKING:
    from clawlane.config.load import Config

RESENDING = ("resendUnknown", "lookUpGap")
"""The keys that say whether a message of unknown fate is sent again."""

_REACHING = re.compile(r"\.tools(?:\.|\Z)|\.outbound(?:\.|\Z)")
"""Settings by which more may leave; which value is the wider one is for the operator to judge."""


_UNKNOWN = later("who may write cannot be compared with the version before: look at openclaw security audit")


@dataclass(frozen=True, slots=True)
class Changes:
    """What another version changed for an account. It `holds` one whose reach or resending it changed."""

    sentences: tuple[str, ...]
    holds: bool


def in_force(config: Config) -> dict[str, InForce]:
    """What each enabled account works by, by `channel/id`."""
    shared: dict[str, str] = {}
    own: dict[str, dict[str, str]] = {}
    for one in all_settings(config):
        if one.origin.layer is Layer.BUILT_IN or one.path[-1] in RESENDING:
            kept = own.setdefault(one.account, {}) if one.account else shared
            kept[format_path(one.path)] = _text(one)
    return {
        str(account): InForce(
            __version__,
            len(MIGRATIONS),
            policy_text(AccessPolicy.of(config, account)),
            {**shared, **own.get(str(account), {})},
        )
        for account in config.accounts
        if account.enabled
    }


def changes(account: str, was: InForce, now: InForce, known: Callable[[], Known]) -> Changes | None:
    """What is different now; None if it is the same version with the same built-in values.

    `known` is asked for whom the account knows, where something is different.
    What the operator edited meanwhile is among it only after an upgrade: a start asks nobody otherwise.
    """
    policy, before = policy_of(now.policy), policy_of(was.policy)
    values = dict(_values(was, now))
    edited = {path for path in values if path.endswith(RESENDING)}
    reaching = any(map(_REACHING.search, values))
    upgraded = (was.version, was.migration) != (now.version, now.migration)
    if not (upgraded or values.keys() - edited or _other_rules(before, policy)):
        return None
    if before is None or policy is None:
        return Changes((_UNKNOWN, *values.values()), holds=True)
    exposure = compare({account: before}, {account: policy}, {account: known()})
    return Changes((*_reach(exposure), *values.values()), holds=bool(exposure.widens or edited or reaching))


def _other_rules(before: AccessPolicy | None, policy: AccessPolicy | None) -> bool:
    """Whether the same file lets in others: only a program that changed makes that of it."""
    if before is None or policy is None or before.revision != policy.revision:
        return False
    return fingerprint(Rules(before)) != fingerprint(Rules(policy))


def _values(was: InForce, now: InForce) -> Iterator[tuple[str, str]]:
    """The settings that have another value, by path, in sentences."""
    for path, value in now.settings.items():
        if (before := was.settings.get(path)) is not None and before != value:
            yield path, later("{path} was {before}, is {now}", path=path, before=before, now=value)


def _reach(exposure: Exposure) -> Iterator[str]:
    for one in exposure.widens:
        yield later("opens: {change}", change=change_text(one))
    for one in exposure.narrows:
        yield later("closes: {change}", change=change_text(one))


def _text(setting: Setting) -> str:
    return json.dumps(setting.value, ensure_ascii=False, sort_keys=True)
