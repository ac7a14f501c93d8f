"""`gateway`: run it in the foreground, or have systemd run it; look at it, stop it, restart it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clawlane.cli.failure import CliError
from clawlane.cli.json_shapes import user_json
from clawlane.cli.options import json_option
from clawlane.cli.output import Card, echo_cards, echo_line, echo_wrapped, print_json
from clawlane.clock import now_ms
from clawlane.ops.client import Client, GatewayDown, ask_gateway
from clawlane.ops.operation import Caller, plain
from clawlane.ops.service import MINE, enabled_links, is_mine, remove_unit, unit_path
from clawlane.texts import later, t, told
from clawlane.words.strangers import sanitize
from clawlane.words.times import size_words, when

if TYPE_CHECKING:
    from clawlane.ops.process import Process, RunningAccount

_WELL, _MISSING, _DOWN = 0, 2, 5


@click.group()
def gateway() -> None:
    """Run the gateway, look at it, stop it."""


@gateway.command()
def run() -> int:
    """Run all enabled accounts in the foreground.

    Ctrl-C, SIGTERM or `openclaw gateway stop` ends it.

    \b
    Exit code:
      0  it was stopped, and all its accounts ended in order
      1  it could not start

    \b
    Examples:
      openclaw gateway run
      CLAWLANE_STATE_DIR=/srv/lane openclaw gateway run
    """
    from clawlane.gateway.process import run as run_gateway
    from clawlane.store.sqlite.marker import check_imported

    paths = Client().paths
    check_imported(paths.store)  # an import that was cut off may not have written its config yet
    if not paths.config_file.exists():
        nothing = t("there is no config file {file}, so there is nothing to run", file=paths.config_file)
        raise CliError(nothing, "openclaw onboard")
    return run_gateway(paths, os.environ)


@gateway.command()
@json_option
def status(as_json: bool) -> int:
    """Show whether the gateway runs, and since when.

    \b
    Exit code:
      0  it runs
      1  wrong usage
      5  it does not run

    \b
    Examples:
      openclaw gateway status
      openclaw gateway status --json
    """
    from clawlane.ops.process import GetProcess

    client = Client()
    found, start = None, ""
    try:
        found = ask_gateway(client.paths, GetProcess(), Caller.CLI)
    except GatewayDown as error:
        start = t("{words}: {command}", words=t(error.words), command=error.help)
    service = _service()
    if as_json:
        told: dict[str, Any] = {"ok": found is not None, "running": found is not None, "service": service}
        print_json(**told, process=_process_json(found), state_dir=str(client.paths.state))
    else:
        rows = _status_rows(found, start, service, client.paths.state)
        echo_cards([Card(t(head), text, ()) for head, text in rows])
        if found and found.accounts:
            _tell_accounts(found)
        elif found:
            echo_line(t("no account is configured"))
    return _WELL if found else _DOWN


@gateway.command()
@json_option
def stop(as_json: bool) -> None:
    """Stop the gateway and wait until its process has ended.

    Messages on their way are answered first. A service stays installed: it starts again at the next login.

    \b
    Examples:
      openclaw gateway stop
      openclaw gateway stop && openclaw gateway run
    """
    from clawlane.ops.lifecycle import stop as stop_gateway

    stopped = stop_gateway(Client().paths, Caller.CLI)
    if as_json:
        print_json(was_running=stopped is not None, pid=stopped.pid if stopped else None)
    else:
        ended = t("Stopped: pid {pid}.", pid=stopped.pid) if stopped else t("The gateway is not running.")
        echo_line(ended)


@gateway.command()
@click.option("--no-wait", is_flag=True, help="Do not wait until it is back.")
@json_option
def restart(no_wait: bool, as_json: bool) -> int:
    """Restart the gateway in its place: same pid, terminal, service or container.

    Waits until the new one answers and its accounts are connected. With a config that it could not start
    with, nothing is stopped. The new one works by the file as it is: an edit that waits for `config apply` is
    in force then, and this says whom it lets in.

    \b
    Exit code:
      0  it is back, with every account that was connected before
      1  refused; the gateway goes on as it was
      2  it is back, but an account that was connected before is not
      5  it was not running, or has not come back

    \b
    Examples:
      openclaw gateway restart
      openclaw gateway restart --no-wait
    """
    from clawlane.ops.lifecycle import NotBack
    from clawlane.ops.lifecycle import restart as restart_gateway

    try:
        done = restart_gateway(Client().paths, Caller.CLI, wait=not no_wait)
    except (GatewayDown, NotBack) as error:
        raise CliError(told(error), error.help, _DOWN) from error
    code = _MISSING if done.missing else _WELL
    if as_json:
        fields = _restarted_json(done.process, done.seconds)
        print_json(ok=code == _WELL, waited=not no_wait, **fields, opens=done.opens)
        return code
    for sentence in done.opens:
        echo_wrapped(t("opens: {change}", change=sentence), hanging="  ", err=True)
    if no_wait:
        echo_line(t("Restarting: pid {pid}.", pid=done.process.pid))
    else:
        took, pid = f"{done.seconds:.1f}", done.process.pid
        echo_line(t("Restarted in {seconds} s: pid {pid}.", seconds=took, pid=pid))
        _tell_accounts(done.process)
    return code


def _restarted_json(process: Process, seconds: float) -> dict[str, Any]:
    return {"pid": process.pid, "seconds": round(seconds, 2), "accounts": _accounts_json(process)}


def _process_json(process: Process | None) -> dict[str, Any] | None:
    return None if process is None else {**plain(process), "accounts": _accounts_json(process)}


def _accounts_json(process: Process) -> dict[str, Any]:
    accounts = {}
    for one in process.accounts:
        told = plain(one)
        told["user"] = user_json(told.pop("user_id"), told.pop("user_name"))
        accounts[str(one)] = told
    return accounts


@gateway.command()
@click.option("--print", "only_print", is_flag=True, help="Print the unit file, write nothing.")
@click.option("--force", is_flag=True, help="Overwrite a unit file that differs.")
def install(only_print: bool, force: bool) -> None:
    """Have systemd run the gateway for this user.

    This writes a unit file with the state directory and the config file of this call; systemd restarts the
    gateway after a crash.

    \b
    Examples:
      openclaw gateway install --print
      openclaw gateway install
    """
    text = _unit_text()
    if only_print:
        click.echo(text, nl=False)
        return
    path = unit_path(os.environ)
    if path.exists() and path.read_text() != text and not force:
        raise CliError(t("{path} already holds another unit", path=path), "openclaw gateway install --force")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    echo_line(t("Written: {path}", path=path))
    click.echo(t("Start it now and at every login:"))
    click.echo("  systemctl --user daemon-reload && systemctl --user enable --now clawlane")
    click.echo(t("Keep it running while you are logged out:"))
    click.echo("  loginctl enable-linger")


@gateway.command()
def uninstall() -> None:
    """Remove the unit file that `install` wrote. A gateway that runs goes on.

    \b
    Examples:
      openclaw gateway uninstall
      openclaw gateway stop && openclaw gateway uninstall
    """
    path = unit_path(os.environ)
    if not path.exists():
        echo_line(t("There is no unit file {path}; nothing to remove.", path=path))
        return
    if not is_mine(path):
        not_ours = t("{path} was not written by `openclaw gateway install`", path=path)
        raise CliError(not_ours, t("remove it yourself"))
    remove_unit(path)
    echo_line(t("Removed: {path}", path=path))
    click.echo(t("Have systemd forget it:"))
    click.echo("  systemctl --user daemon-reload")
    try:
        from clawlane.ops.process import GetProcess

        running = ask_gateway(Client().paths, GetProcess(), Caller.CLI)
    except GatewayDown:
        return
    echo_line(t("The gateway still runs (pid {pid}); stop it:", pid=running.pid))
    click.echo("  openclaw gateway stop")


def _status_rows(
    found: Process | None, start: str, service: dict[str, Any], state: Path
) -> Iterator[tuple[str, str]]:
    """What each line begins with, and its text."""
    if found is None:
        yield later("gateway"), t("not running; {start}", start=start)
    else:
        since = when(found.started_ms, now_ms())
        yield later("gateway"), t("running since {since}, pid {pid}", since=since, pid=found.pid)
        yield later("version"), found.version
        yield later("memory"), size_words(found.rss)
        file, revision = found.config_file, found.config_revision[:12]
        yield later("config"), t("{file} (revision {revision})", file=file, revision=revision)
    yield later("state"), str(state)
    if found:
        yield later("log"), t("{folder}; read it: openclaw logs", folder=found.log_dir)
    yield later("service"), _service_words(service)


def _tell_accounts(found: Process) -> None:
    echo_cards([Card(str(one), _account_words(one), ()) for one in found.accounts])


def _account_words(one: RunningAccount) -> str:
    from clawlane.words.phases import PHASES

    if not one.enabled:
        return t("disabled")
    words = t(PHASES[one.phase])
    if one.user_id:
        name = sanitize(one.user_name)
        words = t("{phase} as {name} ({id})", phase=words, name=name, id=one.user_id)
    if one.reason:
        words += f": {sanitize(one.reason, 200)}"
    return t("{what}; run: {command}", what=words, command=one.help) if one.help else words


def _service() -> dict[str, Any]:
    """The unit file of this user, and whether systemd starts it at login."""
    path = unit_path(os.environ)
    installed = path.exists()
    return {"unit": str(path), "installed": installed, "enabled": installed and bool(enabled_links(path))}


def _service_words(service: dict[str, Any]) -> str:
    if not service["installed"]:
        return t("not installed; see: openclaw gateway install --help")
    how = t("starts at every login") if service["enabled"] else t("not enabled")
    return f"{service['unit']} ({how})"


def _unit_text() -> str:
    """Runs the command beside this Python, with the paths of this call."""
    from clawlane.gateway.systemd import unit

    beside = Path(sys.executable).with_name("openclaw")
    program = beside if beside.exists() else Path(sys.argv[0]).absolute()
    paths = Client().paths
    passed_on = {
        "CLAWLANE_STATE_DIR": paths.state,
        "CLAWLANE_CONFIG": paths.config_file,
        "CLAWLANE_KEY_FILE": Path(os.environ.get("CLAWLANE_KEY_FILE", "")).expanduser().absolute(),
    }
    variables = {name: str(path) for name, path in passed_on.items() if os.environ.get(name)}
    return MINE + unit([str(program), "gateway", "run"], variables)
