"""`import`: bring config, senders and logins over from OpenClaw."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

import click

from clawlane.cli.config_import import key_lines, place_words, written_line
from clawlane.cli.failure import CliError
from clawlane.cli.login import FLAG, ask_risk, risk_lines
from clawlane.cli.options import json_option
from clawlane.cli.output import echo_wrapped, print_json
from clawlane.cli.prompt_answers import confirm
from clawlane.ops.client import Client
from clawlane.ops.config_import import LeftOut
from clawlane.ops.finding_text import finding_json, one_line, severity_word
from clawlane.ops.importing import Accepted, Bring, Brought, Finish, Found, Look, NewSession
from clawlane.ops.login import NOT_ASKED
from clawlane.texts import later, t
from clawlane.words.strangers import sanitize

_SHARED = later(
    "Two programs must not use one login: each would end the other's connection, and that looks odd to the"
    " platform."
)


@click.command("import")
@click.argument("home", default="~/.openclaw", type=click.Path())
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--with-session", is_flag=True, help="Take the logins over, too; OpenClaw must not run.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(FLAG, "accept_risk", is_flag=True, help="Accept the platform risk without being asked.")
@click.option("--expendable", type=click.Choice(("yes", "no")), help="Could you do without this account?")
@json_option
def import_home(
    home: str,
    dry_run: bool,
    with_session: bool,
    yes: bool,
    accept_risk: bool,
    expendable: str | None,
    as_json: bool,
) -> None:
    """Take over what OpenClaw keeps in HOME (~/.openclaw): config, senders, logins.

    Nothing in HOME is changed. What is set or decided here stays; only what is missing is added. Shows first
    whose access changes, and asks. The gateway here must not run. To take over a config file alone:
    clawlane config import FILE.

    \b
    Examples:
      openclaw import --dry-run
      clawlane import ~/.openclaw --with-session
    """
    client = Client()
    found = client.run_here(Look(home, with_session, dry_run))
    if found.cut_off:
        _finish(client, found, dry_run=dry_run, as_json=as_json)
        return
    if not as_json:
        for line in _plan_lines(found):
            text = line.lstrip()
            echo_wrapped(text, line[: len(line) - len(text)], "    ")
    if dry_run or found.empty:
        if as_json:
            print_json(**_json(found), written=False)
        elif found.empty:
            echo_wrapped(t("There is nothing to import: everything that can be is here already."))
        else:
            click.echo(t("Nothing was changed (--dry-run)."))
        return
    accepted = [
        _risk(one, accept_risk=accept_risk, expendable=expendable, as_json=as_json) for one in found.sessions
    ]
    if not yes:
        if as_json or not sys.stdin.isatty():
            raise CliError(t("nobody can be asked whether to import this"), t("say so with --yes"))
        if not confirm(t("Import this?"), default=False):
            raise CliError(t("nothing was imported"))
    done = client.run_here(Bring(home, with_session, found.digest, accepted))
    if as_json:
        print_json(**_json(found), written=True, **_done_json(done))
        return
    for line in _done_lines(done):
        echo_wrapped(line, hanging="  ")


def _finish(client: Client, found: Found, *, dry_run: bool, as_json: bool) -> None:
    """Go on with an import that was cut off."""
    home = sanitize(found.home, 400)
    if dry_run:
        if as_json:
            print_json(**_json(found), written=False)
        else:
            echo_wrapped(t("An import of {home} was cut off. Without --dry-run it is finished.", home=home))
        return
    done = client.run_here(Finish())
    if as_json:
        print_json(**_json(found), written=True, **_done_json(done))
        return
    echo_wrapped(t("An import of {home} was cut off, and is finished now.", home=home))
    for line in _done_lines(done):
        echo_wrapped(line, hanging="  ")


def _risk(one: NewSession, *, accept_risk: bool, expendable: str | None, as_json: bool) -> Accepted:
    """Ask about the risk as a login does."""
    if one.question is None or accept_risk:
        return Accepted(one.account, FLAG, expendable or NOT_ASKED)
    if as_json:
        raise CliError(t("the risk has to be accepted first"), t("in scripts add {flag}", flag=FLAG))
    for line in risk_lines(one.question):
        click.echo(line)
    return Accepted(one.account, "terminal", ask_risk(one.question, expendable))


def _plan_lines(found: Found) -> Iterator[str]:
    yield t("From {home} into {file}:", home=sanitize(found.home, 400), file=sanitize(found.config_file, 400))
    yield from (f"  {sanitize(line, 200)}" for line in found.diff)
    yield from key_lines(found.left_out, found.adapted)
    yield from _kept(found.conflicts)
    yield from (t("note: {note}", note=t(one)) for one in found.notes)
    yield from (t("warning: {warning}", warning=sanitize(line, 400)) for line in found.warnings)
    yield from (f"{severity_word(one)}: {one_line(one)}" for one in found.findings)
    for title, changes in ((t("Opens:"), found.widens), (t("Closes:"), found.narrows)):
        if changes:
            yield title
            yield from (f"  {sanitize(t(line), 400)}" for line in changes)
    if found.waiting:
        named = ", ".join(f"{sanitize(one.name)} ({one.id})" if one.name else one.id for one in found.waiting)
        yield t("Still waiting, with the code they have: {people}", people=named)
    for one in found.sessions:
        yield t(
            "Login: {account} (profile '{profile}'). {shared}",
            account=one.account,
            profile=one.profile,
            shared=_SHARED,
        )


def _kept(conflicts: Iterable[LeftOut]) -> Iterator[str]:
    for one in conflicts:
        yield t("kept: {place}: {reason}", place=place_words(one), reason=t(one.reason))


def _done_lines(done: Brought) -> Iterator[str]:
    counts = {"approved": done.approved, "waiting": done.waiting}
    yield t("Imported: {approved} approved, {waiting} waiting.", **counts)
    if done.config:
        yield written_line(done.config, done.backup)
    if done.edited:
        yield t("The config was edited meanwhile, and stays as it is.")
    for one in done.sessions:
        who = f"{sanitize(one.user_name)} ({one.user_id})"
        yield t("Linked: {account} as {who}. The login is stored, sealed.", account=one.account, who=who)
    if done.sessions:
        again = later(
            "{shared} So OpenClaw must not start with this account again: remove the channel there."
        )
        yield t(again, shared=_SHARED)
    yield t("Check the setup: clawlane doctor")
    yield t("Then start it: clawlane gateway run")


def _json(found: Found) -> dict[str, object]:
    return {
        "home": found.home,
        "file": found.config_file,
        "cut_off": found.cut_off,
        "diff": found.diff,
        "left_out": found.left_out,
        "adapted": found.adapted,
        "conflicts": found.conflicts,
        "notes": found.notes,
        "warnings": found.warnings,
        "findings": list(map(finding_json, found.findings)),
        "widens": found.widens,
        "narrows": found.narrows,
        "approved": found.approved,
        "waiting": found.waiting,
        "sessions": [{"account": one.account, "profile": one.profile} for one in found.sessions],
    }


def _done_json(done: Brought) -> dict[str, object]:
    linked = [
        {"account": one.account, "user": {"id": one.user_id, "name": one.user_name}} for one in done.sessions
    ]
    return {"backup": done.backup or None, "edited": done.edited, "linked": linked}
