"""`gateway`: run it in the foreground, or have systemd run it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from clawlane.cli.failure import CliError
from clawlane.ops.client import Client

_UNIT = "clawlane.service"


@click.group()
def gateway() -> None:
    """Run the gateway."""


@gateway.command()
def run() -> int:
    """Run all enabled accounts in the foreground.

    Ctrl-C or SIGTERM ends it.
    """
    from clawlane.gateway.process import run as run_gateway

    paths = Client().paths
    if not paths.config_file.exists():
        raise CliError(
            f"there is no config file {paths.config_file}, so there is nothing to run",
            "write one, such as { channels: { zalouser: { enabled: true } } }, or set CLAWLANE_CONFIG",
        )
    return run_gateway(paths, os.environ)


@gateway.command()
@click.option("--print", "only_print", is_flag=True, help="Print the unit file, write nothing.")
@click.option("--force", is_flag=True, help="Overwrite a unit file that differs.")
def install(only_print: bool, force: bool) -> None:
    """Have systemd run the gateway for this user.

    This writes a unit file with the state directory and the config file of this call; systemd restarts the
    gateway after a crash.
    """
    text = _unit_text()
    if only_print:
        click.echo(text, nl=False)
        return
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    path = config / "systemd" / "user" / _UNIT
    if path.exists() and path.read_text() != text and not force:
        raise CliError(f"{path} is another unit already", "openclaw gateway install --force")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    click.echo(f"Written: {path}")
    click.echo("Start it now and at every login:")
    click.echo("  systemctl --user daemon-reload && systemctl --user enable --now clawlane")
    click.echo("Let it run while you are logged out, too:")
    click.echo("  loginctl enable-linger")


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
    return unit([str(program), "gateway", "run"], variables)
