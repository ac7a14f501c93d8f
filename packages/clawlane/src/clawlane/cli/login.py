"""`channels login`: the risk, the QR code, and what came of it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from clawlane.capabilities import Confirmed, RiskNotice, Scanned, ShowQr
from clawlane.cli.failure import CliError
from clawlane.cli.json_shapes import risk_json, user_json
from clawlane.cli.options import one_account
from clawlane.cli.output import echo_wrapped, prose
from clawlane.cli.prompt_answers import confirm, yes_or_no
from clawlane.cli.terminal_qr import columns, half_blocks, read_modules
from clawlane.clock import length, now_ms
from clawlane.config.paths import Paths
from clawlane.credentials.files import file_name, write_private
from clawlane.credentials.profile import Consent
from clawlane.ops.accounts import FindAccount, FoundAccount
from clawlane.ops.client import Client
from clawlane.ops.login import (
    NOT_ASKED,
    OTHERS_TITLE,
    Accept,
    Begun,
    ConsentNeeded,
    Linked,
    LogIn,
    LoginEvent,
    SessionExpired,
    Tightened,
)
from clawlane.texts import ENGLISH, locale, t
from clawlane.words import login as words
from clawlane.words.strangers import sanitize

FLAG = "--accept-risk"


@click.command()
@one_account
@click.option("--force", is_flag=True, help="Show a new QR code although the account is linked.")
@click.option(
    FLAG, "accept_risk", is_flag=True, help="Accept the platform risk without being asked (for scripts)."
)
@click.option("--expendable", type=click.Choice(("yes", "no")), help="Could you do without this account?")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for every step.")
def login(
    channel: str | None,
    account: str | None,
    force: bool,
    accept_risk: bool,
    expendable: str | None,
    as_json: bool,
) -> None:
    """Link an account by scanning a QR code with the phone.

    Personal Zalo (zalouser) is experimental, unofficial: see openclaw plugins info.

    The code is shown here and written as a picture into the state directory. Exits with 1 if it was declined
    or expired. On a linked account --expendable only keeps that answer.

    \b
    Examples:
      openclaw channels login --channel zalouser
      openclaw channels login --channel zalouser --account work --force
    """
    client = Client()
    found = client.call(FindAccount(channel, account))
    view = JsonView if as_json else View

    asked = False

    def answer(needed: ConsentNeeded) -> tuple[str, str]:
        nonlocal asked
        asked = True
        return (FLAG, expendable or NOT_ASKED) if accept_risk else ("terminal", ask_risk(needed, expendable))

    linked = link(client, found, view, answer, force=force)
    if expendable and not asked:
        client.call(Accept(found.channel, found.account, "--expendable", expendable))
    for line in words.next_steps(linked, found.channel):
        view(found).note(line)


def link(
    client: Client,
    found: FoundAccount,
    kind: type[View],
    answer: Callable[[ConsentNeeded], tuple[str, str]],
    *,
    force: bool = False,
) -> Linked:
    """Log in and show each step.

    `answer` says how the risk was accepted, and whether the account is expendable.
    """
    linked: list[Linked] = []
    with _qr_file(client.paths, found) as write:
        view = kind(found, write)

        def show(event: LoginEvent) -> None:
            if isinstance(event, ConsentNeeded) and event.former_user:
                view.note(words.former_sentence(event))
            view.follow(event)
            view.show(event)
            if isinstance(event, ConsentNeeded):
                client.call(Accept(found.channel, found.account, *answer(event), others=True))
            elif isinstance(event, Linked):
                linked.append(event)

        try:
            client.follow(LogIn(found.channel, found.account, force), show)
        finally:
            if not linked and (told := view.left_on_phone):
                view.note(told)
    return linked[0]


@contextmanager
def _qr_file(paths: Paths, account: FoundAccount) -> Iterator[Callable[[bytes], Path]]:
    """Writes the code as a private file, and removes it at the end, when it is no longer of use."""
    path = paths.qr_dir / f"{file_name(account.channel, account.profile)}.png"

    def write(png: bytes) -> Path:
        write_private(path, png)
        return path

    try:
        yield write
    finally:
        path.unlink(missing_ok=True)


def ask_risk(needed: ConsentNeeded, expendable: str | None = None) -> str:
    """Ask about the risk, and whether the account is expendable unless that is known: `yes` or `no`.

    Raises `CliError` for a risk that is not accepted.
    """
    if not sys.stdin.isatty():
        raise CliError(
            t("the risk has to be accepted first, and there is no terminal to ask"),
            t("in scripts add {flag}", flag=FLAG),
        )
    click.echo(words.about_sentence(needed))
    if not needed.lines:
        expendable = expendable or NOT_ASKED
    answer = click.prompt(t("Do you accept this risk? Type yes to go on"), default="no", show_default=False)
    if answer.strip().lower() != "yes" and (locale() == ENGLISH or not yes_or_no(answer)):
        raise CliError(t("the risk was not accepted, so nothing was done"))
    return expendable or ask_expendable()


def risk_lines(needed: ConsentNeeded) -> Iterator[str]:
    """The risk in paragraphs: the channel's unless that was accepted before, then what goes to agents."""
    first, *hosts, last = needed.others or ("", "")
    if needed.lines:
        yield f"\n{needed.title}\n"
        for paragraph in (" ".join(needed.lines), needed.alternative):
            yield from (*prose(paragraph, "  "), "")
    if first:
        yield f"{'' if needed.lines else chr(10)}{t(OTHERS_TITLE)}\n"
        yield from prose(first, "  ")
        yield from (f"  - {sanitize(host, 100)}" for host in hosts)
        yield from (*prose(last, "  "), "")


def ask_expendable() -> str:
    """Ask whether the account is expendable: `yes` or `no`."""
    expendable = confirm(t("Is this account expendable: could you do without it?"))
    if not expendable:
        echo_wrapped(
            t("Noted. Consider using another account: a ban would take the chats of this one with it.")
        )
    return "yes" if expendable else "no"


class View:
    """Shows a login to a person at a terminal. `write` puts the picture of the code into a file."""

    def __init__(self, account: FoundAccount, write: Callable[[bytes], Path] | None = None) -> None:
        self._account = account
        self._write = write or (lambda _png: Path())
        self._on_phone = ""
        self.left_on_phone = ""

    def follow(self, event: LoginEvent) -> None:
        """Know what a login that fails now leaves behind: a confirmed one is listed on the phone."""
        if isinstance(event, Begun):
            self._on_phone = event.on_phone
        elif isinstance(event, Confirmed) and self._on_phone:
            self.left_on_phone = words.left_on_phone(self._on_phone)

    def note(self, line: str) -> None:
        echo_wrapped(f"{line[0].upper()}{line[1:]}")

    def show(self, event: LoginEvent) -> None:
        account = self._account
        match event:
            case Tightened(text):
                self.note(text)
            case ConsentNeeded():
                for line in risk_lines(event):
                    click.echo(line)
            case SessionExpired():
                self.note(t(words.EXPIRED))
            case Begun():
                rehearsal, others = words.rehearsal_sentence(event), words.others_sentence(event)
                for line in (rehearsal, words.linking_sentence(account, event.host), others):
                    if line:
                        echo_wrapped(line)
            case ShowQr(png, expires_ms):
                self._code(png, expires_ms)
            case Scanned(name):
                echo_wrapped(words.scanned_sentence(name))
            case Confirmed():
                click.echo(t("Confirmed. Fetching the session …"))
            case Linked(already=already):
                echo_wrapped(words.linked_sentence(account, event))
                if already:
                    click.echo(t("For a new QR code add --force."))

    def _code(self, png: bytes, expires_ms: int) -> None:
        file, modules = self._write(png), read_modules(png)
        echo_wrapped(t("Scan this code with the app on the phone of the account to link."))
        click.echo(t("As a picture: {file}", file=file))
        room = shutil.get_terminal_size((120, 40)).columns
        if modules is not None and columns(modules) <= room:
            plain = os.environ.get("TERM") == "dumb" or os.environ.get("NO_COLOR")
            click.echo()
            for line in half_blocks(modules, colour=sys.stdout.isatty() and not plain):
                click.echo(line)
        elif modules is not None:
            needed = columns(modules)
            click.echo(
                t(
                    "This window is too narrow for the code: it needs {needed} columns, not {room}.",
                    needed=needed,
                    room=room,
                )
            )
        echo_wrapped(
            t(
                "Waiting for the scan; the code is valid for {length}.",
                length=length(max(0, expires_ms - now_ms())),
            )
        )


class JsonView(View):
    """Shows a login to a program: one JSON object a line."""

    def note(self, line: str) -> None:
        self._print("note", text=line)

    def show(self, event: LoginEvent) -> None:
        match event:
            case Tightened(text):
                click.echo(t("warning: {what}", what=t(text)), err=True)
            case ConsentNeeded(title, lines, alternative):
                told = self._risk(RiskNotice(title, lines, alternative).text, None)
                self._print("risk", risk=told, others=list(event.others))
            case SessionExpired():
                self.note(t(words.EXPIRED))
            case Begun(host, rehearsal, others, _):
                linked = [
                    {"account": one.account, "user": user_json(one.user_id, one.user_name)} for one in others
                ]
                self._print("begin", host=host, rehearsal=rehearsal, others=linked)
            case ShowQr(png, expires_ms):
                self._print("qr", file=str(self._write(png)), expires_ms=expires_ms)
            case Scanned(name):
                self._print("scanned", name=name)
            case Confirmed():
                self._print("confirmed")
            case Linked(user_id, name, already):
                risk = self._risk(event.risk, event.consent)
                user = user_json(user_id, name)
                self._print("linked", ok=True, already=already, user=user, risk=risk)

    def _risk(self, text: str, consent: Consent | None) -> dict[str, Any] | None:
        return risk_json(text, consent, unofficial=self._account.unofficial)

    def _print(self, step: str, **more: Any) -> None:
        of = self._account
        head = {"step": step, "channel": of.channel, "account": str(of), "profile": of.profile}
        click.echo(json.dumps({**head, **more}, ensure_ascii=False))
