"""`session`: the stored session of an account, without any value of it, and its end on the platform."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from clawlane.cli.failure import CliError
from clawlane.cli.json_shapes import user_json
from clawlane.cli.options import json_option, one_account
from clawlane.cli.output import echo_wrapped, print_json
from clawlane.cli.prompt_answers import confirm
from clawlane.clock import length, now_ms
from clawlane.ops.client import Client
from clawlane.ops.session import ShowSession, StoredSession
from clawlane.texts import later, t
from clawlane.words.strangers import sanitize
from clawlane.words.times import when

if TYPE_CHECKING:
    from clawlane.ops.revoking import Revoked

_HEAD = 12
_NOT_LINKED = 3


@click.group()
def session() -> None:
    """Look at the stored session of an account, or end it on the platform.

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
            indent = f"{head}  ".ljust(_HEAD)
            echo_wrapped(text, indent, " " * len(indent))
    return 0 if found.linked else _NOT_LINKED


@session.command()
@one_account
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def revoke(channel: str | None, account: str | None, yes: bool, as_json: bool) -> int:
    """End the session of an account on the platform, and forget it here.

    The account is stopped. Zalo has a call for it that was never seen working on a real account: afterwards
    the platform is asked whether it still accepts the session. Where it cannot be reached, nothing changes
    and the session stays; otherwise it is removed from this machine, as by `channels logout`.

    \b
    Exit code:
      0  the platform does not accept the session any more
      1  it does, or nobody knows: remove the device on the phone
      3  nobody is logged in

    \b
    Examples:
      openclaw session revoke --channel zalouser
      openclaw session revoke --account work --yes
    """
    from clawlane.ops.revoking import Revoke, Revoking

    if not yes:
        if as_json or not sys.stdin.isatty():
            raise CliError(t("nobody can be asked whether to end the session"), t("say so with --yes"))
        if not confirm(t("End the session? To go on, somebody has to scan a new code."), default=False):
            raise CliError(t("nothing was done"))
    done = Client().call(Revoke(channel, account))
    ended = done.result is Revoking.ENDED
    if as_json:
        told = asdict(done)
        del told["words"]
        print_json(**{**told, "ok": ended})
    else:
        for line in _revoked(done):
            echo_wrapped(line, hanging="  ")
    if done.result is Revoking.NOBODY:
        return _NOT_LINKED
    return 0 if ended else 1


def _revoked(done: Revoked) -> Iterator[str]:
    from clawlane.ops.revoking import Revoking

    reason = sanitize(t(done.reason), 200)
    match done.result:
        case Revoking.NOBODY:
            yield t("Nobody is logged in on {account}.", account=done.account)
        case Revoking.ENDED:
            yield t(
                "Ended: the platform does not accept the session of {account} any more.", account=done.account
            )
        case Revoking.NOT_POSSIBLE:
            yield _with_reason(
                later("The session of {account} cannot be ended from here"), done.account, reason
            )
        case Revoking.STILL_ACCEPTED:
            yield t(
                "The platform took the request, but still accepts the session of {account}.",
                account=done.account,
            )
        case _:
            yield _with_reason(
                later("Nobody knows whether the session of {account} is ended"), done.account, reason
            )
            yield t("It stays on this machine. Try again: openclaw session revoke {words}", words=done.words)
    if done.cleared:
        yield t("It is removed from this machine.")
    if done.result not in (Revoking.ENDED, Revoking.NOBODY) and done.on_phone:
        yield t("To be sure, {what}.", what=done.on_phone)


def _with_reason(sentence: str, account: str, reason: str) -> str:
    said = t(sentence, account=account)
    return f"{said}: {reason}." if reason else f"{said}."


def _rows(found: StoredSession) -> Iterator[tuple[str, str]]:
    now = now_ms()
    name = f"{found.channel}/{found.account}"
    yield t("account"), t("{account} (profile {profile})", account=name, profile=found.profile)
    if not found.linked:
        yield t("session"), t("nobody is logged in; run: openclaw channels login {words}", words=found.words)
    else:
        yield t("user"), f"{sanitize(found.user_name)} ({found.user_id})"
        if found.logged_in_ms is not None:
            yield t("logged in"), when(found.logged_in_ms, now)
        yield t("refreshed"), when(found.saved_ms, now)
        if found.described:
            yield t("cookies"), str(found.cookies)
            yield t("expires"), _expiry(found, now)
        yield t("generation"), t("{generation} (changes with every login)", generation=found.generation)
    place = t("database") if found.database else t("file")
    yield place, t("{file} (sealed)", file=found.database or found.file)
    if found.key_set_by:
        yield t("key"), t("{file} (set by {variable})", file=found.key_file, variable=found.key_set_by)
    else:
        yield t("key"), found.key_file


def _expiry(found: StoredSession, now: int) -> str:
    if found.expires_ms is None:
        return t("no cookie has a date; the platform decides")
    day = when(found.expires_ms, now).partition(" (")[0]
    left = found.expires_ms - now
    span = t("in {left}", left=length(left)) if left > 0 else t("{length} ago", length=length(-left))
    return t("{expires}, the first of them, on {day} ({span})", expires=found.expires, day=day, span=span)
