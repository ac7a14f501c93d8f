"""Logs decisions: all of them, except that drops in a group are logged once per reason and config."""

from __future__ import annotations

import logging

from clawlane.access.decision import Decision, Outcome, Reason
from clawlane.access.explain import explain
from clawlane.channel import Account
from clawlane.messages import Inbound, Thread, ThreadKind

_FOR_THE_OWNER = (Reason.DM_PAIRING_SILENT, Reason.DM_PAIRING_HELD, Reason.DM_PAIRING_FULL)
log = logging.getLogger(__name__)


class DecisionLog:
    """Logs the decisions of one account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._logged: set[tuple[Thread, Reason]] = set()
        self._revision = ""

    def log(self, inbound: Inbound, decision: Decision) -> None:
        """Log a decision, with what would change it."""
        hint = ""
        if decision.revision != self._revision:
            self._revision = decision.revision
            self._logged.clear()
        if decision.reason in _FOR_THE_OWNER:
            hint = f"; see: openclaw pairing list {self._account.channel}"
        elif decision.outcome is Outcome.DROP and inbound.thread.kind is ThreadKind.GROUP:
            if (inbound.thread, decision.reason) in self._logged:
                return
            self._logged.add((inbound.thread, decision.reason))
            change = explain(decision, inbound.sender_id, inbound.thread).change
            hint = f"; to change it: {change}" if change else ""
        log.log(
            logging.ERROR if decision.reason is Reason.MENTION_UNDETECTABLE else logging.INFO,
            "%s: %s %s in %s: %s%s",
            self._account,
            decision.outcome,
            inbound.sender_id,
            inbound.thread,
            decision.reason,
            hint,
        )
