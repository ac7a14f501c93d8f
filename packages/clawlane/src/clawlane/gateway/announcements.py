"""What the log says before accounts run: how each is set up, and what is wrong with that."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence

from clawlane.access.context import plain
from clawlane.access.in_force import Rules
from clawlane.capabilities import Rehearsal
from clawlane.channel import Account, Channel
from clawlane.config.choices import Reload
from clawlane.config.load import Config
from clawlane.ops.access_findings import Directory, findings
from clawlane.ops.finding_text import one_line
from clawlane.ops.speakers import speakers_text, who_may_speak
from clawlane.store.database import Store
from clawlane.store.reader import Reader

_GROUPS = 50
"""Groups of an account whose speakers are logged at the start."""

_ALONE = 10
"""With more accounts, what is the same for several is logged once."""

_NAMED = 3
"""Accounts that such a line names; the rest is counted."""

_Line = tuple[int, str]
"""Its level, and what stands behind the account."""

log = logging.getLogger(__name__)


def announce(config: Config, channels: Mapping[str, Channel]) -> None:
    """Log what the operator must see before anything runs."""
    for warning in config.warnings:
        log.warning("%s", warning)
    if config.root.gateway.reload is Reload.ASK:
        log.warning(
            "gateway.reload is 'ask', but a start asks nobody: the config file is in force as it is, with"
            " every edit that waited for `openclaw config apply`; only edits from now on wait"
        )
    if not channels:
        log.warning(
            "no channel is configured and installed; nothing will be received;"
            " see: openclaw channels list --all"
        )
    for name, channel in channels.items():
        if isinstance(channel, Rehearsal) and (where := channel.rehearsal()):
            log.warning("REHEARSAL: %s talks to the simulator at %s and to nothing else", name, where)


def announce_accounts(config: Config, store: Store, names: Collection[str]) -> None:
    """Log how these accounts are set up, and what is wrong with that."""
    wanted = frozenset(names)
    told: dict[_Line, list[str]] = {}
    with store.read() as reader:
        for account in config.accounts:
            if str(account) not in wanted:
                continue
            for line in _about(config, account, reader):
                if len(wanted) > _ALONE:
                    told.setdefault(line, []).append(str(account))
                else:
                    _log(line, str(account))
    for line, accounts in told.items():
        _log(line, _together(accounts))


def _about(config: Config, account: Account, reader: Reader) -> Iterator[_Line]:
    if not account.enabled:
        yield logging.INFO, " is disabled"
        return
    for key in ("dmPolicy", "groupPolicy"):
        found = config.effective(account, key)
        yield logging.INFO, f": {key} is {found.value} ({found.origin})"
    if account.settings.disclosure is None:
        yield logging.INFO, ": disclosure is not set: nobody is told that a program answers"
    directory = Directory.read(reader, account)
    speakers = who_may_speak(account, Rules.of(config, account), directory.pins, reader)[:_GROUPS]
    for one in speakers:
        yield logging.INFO, f": {plain(speakers_text(one))}"
    for finding in findings(config, account, directory):
        yield logging.WARNING, f": {finding.severity}: {one_line(finding)}"


def _together(accounts: Sequence[str]) -> str:
    """`zalouser/default`, or `500 accounts (zalouser/a, zalouser/b, zalouser/c, …)`."""
    if len(accounts) == 1:
        return accounts[0]
    more = ", …" if len(accounts) > _NAMED else ""
    return f"{len(accounts)} accounts ({', '.join(accounts[:_NAMED])}{more})"


def _log(line: _Line, whose: str) -> None:
    level, text = line
    log.log(level, "%s%s", whose, text)
