"""Where the owner hears of what waits for them: `alerts` of a channel or an account."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, StrictBool, StrictStr, model_validator

from clawlane.config.agents import Argv
from clawlane.config.fields import Block, Maybe
from clawlane.config.quiet_hours import PATTERN, minutes_of
from clawlane.config.webhooks import Webhook
from clawlane.threads import Thread, ThreadKind

_TARGET = re.compile(r"(user|group):(\S{1,100})")


def _minutes(value: str) -> str:
    if not re.match(PATTERN, value.strip()):
        raise ValueError("must be a time of day such as '22:00'")
    return value.strip()


def alert_target(value: str) -> str:
    """A conversation that gets alerts, as `user:ID` or `group:ID`. Raises `ValueError`."""
    if not _TARGET.fullmatch(value.strip()):
        raise ValueError("must be 'user:ID' or 'group:ID'; openclaw directory shows the ids")
    return value.strip()


_TimeOfDay = Annotated[StrictStr, AfterValidator(_minutes)]


class AlertThread(Block):
    """A text for each batch, sent by another account of the channel to `user:ID` or `group:ID`."""

    account: StrictStr
    to: Annotated[StrictStr, AfterValidator(alert_target)]

    @property
    def account_id(self) -> str:
        return self.account.strip().lower()

    @property
    def thread(self) -> Thread:
        kind, _, id_ = self.to.partition(":")
        return Thread(ThreadKind.DM if kind == "user" else ThreadKind.GROUP, id_)


class AlertQuiet(Block):
    """The time of day in which only alarms are told; it may go over midnight."""

    from_: _TimeOfDay = Field(alias="from")
    to: _TimeOfDay

    @model_validator(mode="after")
    def _differ(self) -> AlertQuiet:
        if minutes_of(self.from_) == minutes_of(self.to):
            raise ValueError("`from` and `to` are the same time; remove `quiet` to have none")
        return self

    def holds_at(self, minute: int) -> bool:
        """Whether it is quiet so many minutes past midnight."""
        start, end = minutes_of(self.from_), minutes_of(self.to)
        return start <= minute < end if start < end else minute >= start or minute < end


class Alerts(Block):
    """Where alerts go: each of `webhook`, `command` and `thread` that is set gets every batch.

    People's names and words are left out unless `texts` is set.
    """

    webhook: Maybe[Webhook] = None
    command: Maybe[Argv] = None
    thread: Maybe[AlertThread] = None
    quiet: Maybe[AlertQuiet] = None
    texts: StrictBool = False


def targets_of(settings: Alerts | None) -> list[str]:
    """The targets that the config names, by their place in it."""
    if settings is None:
        return []
    named = {
        "alerts.webhook": settings.webhook,
        "alerts.command": settings.command,
        "alerts.thread": settings.thread,
    }
    return [target for target, value in named.items() if value is not None]


def thread_problem(account: str, alerts: Alerts | None, accounts: dict[str, bool]) -> tuple[str, str] | None:
    """What is wrong with the account that sends the alerts of another one: a message and a hint.

    `accounts` are those of the channel, and whether each is enabled.
    """
    if alerts is None or alerts.thread is None:
        return None
    sender = alerts.thread.account_id
    others = ", ".join(one for one in sorted(accounts) if one != account) or "none"
    if sender == account:
        message = f"the alerts of '{account}' cannot leave through '{account}' itself"
        return message, f"name another account (there is: {others}), or give '{account}' its own `alerts`"
    if sender not in accounts:
        return f"there is no account '{alerts.thread.account}'", f"the other accounts are: {others}"
    if not accounts[sender]:
        return f"the account '{sender}' is disabled, so it sends nothing", "enable it, or name another one"
    return None
