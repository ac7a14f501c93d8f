"""`session show`: the stored session of an account, without any value of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import click

from clawlane.cli.json_shapes import user_json
from clawlane.cli.options import json_option, one_account
from clawlane.cli.output import echo_wrapped, print_json, sanitize, when
from clawlane.clock import length, now_ms
from clawlane.ops.client import Client
from clawlane.ops.session import ShowSession, StoredSession

_HEAD = 12
_NOT_LINKED = 3


@click.group()
def session() -> None:
    """Look at the stored session of an account.

    What agents remember of conversations is another thing: see `openclaw sessions`.
    """


@session.command()
@one_account
@json_option
def show(channel: str | None, account: str | None, as_json: bool) -> int:
    """Show the age of the session, its last refresh, and what expires first; never a value of it.

    \b
    Exit code:
      0  there is a session
      1  wrong usage, or a session that cannot be read
      3  nobody is logged in

    \b
    Examples:
      openclaw session show --channel zalouser
      openclaw session show --channel zalouser --account work --json
    """
    found = Client().call(ShowSession(channel, account))
    if as_json:
        told = asdict(found)
        del told["words"]
        told["account"] = f"{found.channel}/{found.account}"
        told["user"] = user_json(told.pop("user_id"), told.pop("user_name"))
        print_json(**{**told, "ok": found.linked})
    else:
        for head, text in _rows(found):
            indent = f"{head:<{_HEAD}}"
            echo_wrapped(text, indent, " " * len(indent))
    return 0 if found.linked else _NOT_LINKED


def _rows(found: StoredSession) -> Iterator[tuple[str, str]]:
    now = now_ms()
    yield "account", f"{found.channel}/{found.account} (profile {found.profile})"
    if not found.linked:
        yield "session", f"nobody is logged in; run: openclaw channels login {found.words}"
    else:
        yield "user", f"{sanitize(found.user_name)} ({found.user_id})"
        if found.logged_in_ms is not None:
            yield "logged in", when(found.logged_in_ms, now)
        yield "refreshed", when(found.saved_ms, now)
        if found.described:
            yield "cookies", str(found.cookies)
            yield "expires", _expiry(found, now)
        yield "generation", f"{found.generation} (changes with every login)"
    yield "file", f"{found.file} (sealed)"
    by = f" (set by {found.key_set_by})" if found.key_set_by else ""
    yield "key", f"{found.key_file}{by}"


def _expiry(found: StoredSession, now: int) -> str:
    if found.expires_ms is None:
        return "no cookie has a date; the platform decides"
    day = when(found.expires_ms, now).partition(" (")[0]
    left = found.expires_ms - now
    span = f"in {length(left)}" if left > 0 else f"{length(-left)} ago"
    return f"{found.expires}, the first of them, on {day} ({span})"
