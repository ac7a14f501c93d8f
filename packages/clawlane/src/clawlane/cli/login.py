"""`channels login`: the risk, the QR code, and keeping the session."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import sys
import time
from contextlib import aclosing
from dataclasses import dataclass

import click

from clawlane.capabilities import (
    Declined,
    Done,
    Expired,
    Failed,
    Login,
    LoginStep,
    NeedsConsent,
    Probe,
    RiskNotice,
)
from clawlane.channel import Account, Channel
from clawlane.cli.context import CliContext
from clawlane.cli.failure import CliError
from clawlane.cli.login_view import JsonView, TextView, View
from clawlane.cli.output import sanitize
from clawlane.credentials.files import secure
from clawlane.credentials.profile import Consent, read_consent, write_consent
from clawlane.credentials.vault import FileVault, linked_elsewhere
from clawlane.ops.client import ControlClient, ControlError
from clawlane.ops.context import Target, account_words
from clawlane.ops.status import probed, rehearsal_of

FLAG = "--accept-risk"
NOT_ASKED = "not asked"


def ask(account: Account, *, flag: bool) -> Consent:
    """The operator's answer, to be recorded; it names no user yet. Raises `CliError` on a no."""
    if not flag and not sys.stdin.isatty():
        raise CliError(
            "the risk has to be accepted first, and there is no terminal to ask", f"in scripts add {FLAG}"
        )
    return Consent(
        channel=account.channel,
        profile=account.profile,
        accepted_ms=time.time_ns() // 1_000_000,
        user_id="",
        expendable=NOT_ASKED if flag else _questions(account),
        how=FLAG if flag else "terminal",
    )


def _questions(account: Account) -> str:
    click.echo(f"This is about the account '{account.id}' (profile '{account.profile}').")
    answer = click.prompt("Do you accept this risk? Type yes to go on", default="no", show_default=False)
    if answer.strip().lower() != "yes":
        raise CliError("the risk was not accepted, so nothing was done")
    expendable = click.confirm("Is this account expendable: could you do without it?", default=None)
    if not expendable:
        click.echo("Noted. Think about using another account: a ban takes the chats of this one with it.")
    return "yes" if expendable else "no"


@click.command()
@click.option("--channel", help="Which channel (default: the only one installed).")
@click.option("--account", help="Which account (default: the channel's default account).")
@click.option("--force", is_flag=True, help="Show a new QR code although the account is linked.")
@click.option(
    FLAG, "accept_risk", is_flag=True, help="Accept the platform risk without being asked (for scripts)."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for every step.")
def login(channel: str | None, account: str | None, force: bool, accept_risk: bool, as_json: bool) -> None:
    """Link an account by scanning a QR code with the phone.

    The code is shown here and written as a picture into the state directory. Exit 1 if it was declined or
    expired.
    """
    setup = CliContext()
    meant = setup.meant(channel, account)
    view: View = JsonView(meant.account) if as_json else TextView(meant.account)
    _LoginRun(setup, meant, setup.runtime(meant.manifest), view, accept_risk).run(force)


@dataclass(frozen=True, slots=True)
class _LoginRun:
    setup: CliContext
    meant: Target
    channel: Channel
    view: View
    accept_risk: bool

    @property
    def account(self) -> Account:
        return self.meant.account

    def run(self, force: bool) -> None:
        if not isinstance(self.channel, Login):
            raise CliError(f"{self.meant.manifest.label} has no login")
        for line in secure(self.setup.places):
            self.view.tightened(line)
        consent = self._consent()
        vault = FileVault(self.setup.places.vault_dir, self.account.channel, self.account.profile)
        linked = None if force else vault.identity()
        if linked and not self._expired(vault):
            self.view.already(linked)
        else:
            self.view.begin(socket.gethostname(), rehearsal_of(self.channel))
            done = asyncio.run(self._scan(self.channel))
            self._keep(done, vault, consent)
            self.view.done(done)
            self._tell_gateway()
        if not self.meant.configured:
            self.view.note(f"the channel is off until the config has a block for it: {_block(self.account)}")

    def _expired(self, vault: FileVault) -> bool:
        """Whether the platform says that the stored session is over. One that does not answer says no."""
        if not isinstance(self.channel, Probe):
            return False
        over = asyncio.run(probed(self.channel, self.account, vault)).expired
        if over:
            self.view.note("the stored session has expired, so here is a new code")
        return over

    def _consent(self) -> Consent | None:
        notice = self._notice()
        if notice is None:
            return None
        found = read_consent(self.setup.places.consent_dir, self.account.channel, self.account.profile)
        return found or self._ask(notice)

    def _ask(self, notice: RiskNotice) -> Consent:
        self.view.risk(notice)
        consent = ask(self.account, flag=self.accept_risk)
        write_consent(self.setup.places.consent_dir, consent)
        return consent

    def _notice(self) -> RiskNotice | None:
        return self.channel.risk() if isinstance(self.channel, NeedsConsent) else None

    async def _scan(self, channel: Login) -> Done:
        with self.view.picture(self.setup.places) as show:
            async with aclosing(channel.steps(self.account)) as steps:  # type: ignore[type-var]
                async for step in steps:
                    if isinstance(step, Done):
                        return step
                    show(step)
                    self._refuse(step)
        raise CliError("the login ended without an answer", self._again())

    def _refuse(self, step: LoginStep) -> None:
        match step:
            case Expired():
                raise CliError("the QR code expired before it was scanned and confirmed", self._again())
            case Declined():
                raise CliError("the login was declined on the phone", self._again())
            case Failed(stage, reason):
                raise CliError(f"the login failed ({stage}): {reason}", self._again())

    def _ask_again(self) -> Consent | None:
        notice = self._notice()
        return self._ask(notice) if notice else None

    def _keep(self, done: Done, vault: FileVault, consent: Consent | None) -> None:
        """Store the session, after the risk was accepted for the very id that logged in.

        Raises `CliError`, with everything as it was, for somebody who is logged in on another account.
        """
        self._refuse_second(done)
        if consent is not None and consent.user_id not in ("", done.user_id):
            self.view.note(
                f"the risk was accepted for another user ({consent.user_id}), so it is asked again"
            )
            consent = self._ask_again()
        vault.replace(done.secret, (done.user_id, done.user_name))
        if consent is not None:
            write_consent(self.setup.places.consent_dir, dataclasses.replace(consent, user_id=done.user_id))

    def _refuse_second(self, done: Done) -> None:
        block, _ = self.setup.block(self.meant.manifest)
        vaults, mine = self.setup.places.vault_dir, self.account
        for other in linked_elsewhere(vaults, mine, block.accounts, done.user_id):
            who = f"{sanitize(done.user_name)} ({done.user_id})"
            words = account_words(other.channel, other.id, other.id == block.default_account)
            raise CliError(
                f"{who} is linked on {other} already; on two accounts each would end the other's session. "
                f"Nothing was changed on {mine}",
                f"scan with the phone of another account, or first: openclaw channels logout {words}",
            )

    def _tell_gateway(self) -> None:
        client = ControlClient(self.setup.places)
        if not client.running():
            self.view.note("start the gateway: openclaw gateway run")
            return
        try:
            client.account_start(self.account.channel, self.account.id)
            self.view.note("the running gateway starts the account now")
        except ControlError as error:
            self.view.note(f"the running gateway did not start the account: {error}; restart the gateway")

    def _again(self) -> str:
        return f"try again: openclaw channels login {self.meant.words}"


def _block(account: Account) -> str:
    return f"{{ channels: {{ {account.channel}: {{ enabled: true }} }} }}"
