"""`gateway`: run it in the foreground, or have systemd run it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from clawlane.cli.context import CliContext
from clawlane.cli.failure import CliError

_UNIT = "clawlane.service"
_PASSED_ON = ("CLAWLANE_STATE_DIR", "CLAWLANE_CONFIG", "CLAWLANE_KEY_FILE")


@click.group()
def gateway() -> None:
    """Run the gateway."""


@gateway.command()
def run() -> int:
    """Run all enabled accounts in the foreground until Ctrl-C or SIGTERM."""
    from clawlane.gateway.process import run as run_gateway

    paths = CliContext().paths
    if not paths.config_file.exists():
        raise CliError(
            f"there is no config file {paths.config_file}, so there is nothing to run",
            "write one, such as { channels: { zalouser: { enabled: true } } }, or set CLAWLANE_CONFIG",
        )
    return run_gateway(paths, os.environ)


@gateway.command()
@click.option("--print", "only_print", is_flag=True, help="Print the unit, and write nothing.")
@click.option("--force", is_flag=True, help="Write over a unit that differs.")
def install(only_print: bool, force: bool) -> None:
    """Write a unit file, so that systemd runs the gateway for this user and restarts it after a crash.

    The state directory and the config file of this call are written into it.
    """
    from clawlane.gateway.systemd import unit

    text = unit([str(_program()), "gateway", "run"], _variables(os.environ))
    if only_print:
        click.echo(text, nl=False)
        return
    path = _unit_dir(os.environ) / _UNIT
    _write(path, text, force=force)
    click.echo(f"Written: {path}")
    click.echo("Start it now and at every login:")
    click.echo("  systemctl --user daemon-reload && systemctl --user enable --now clawlane")
    click.echo("Let it run while you are logged out, too:")
    click.echo("  loginctl enable-linger")


def _program() -> Path:
    """The command beside the running Python, wherever this one was called from."""
    beside = Path(sys.executable).with_name("openclaw")
    return beside if beside.exists() else Path(sys.argv[0]).absolute()


def _variables(environ: Mapping[str, str]) -> dict[str, str]:
    paths = CliContext().paths
    key = Path(environ.get("CLAWLANE_KEY_FILE", "")).expanduser().absolute()
    found = (str(paths.state), str(paths.config_file), str(key))
    written = dict(zip(_PASSED_ON, found, strict=True))
    return {name: written[name] for name in _PASSED_ON if environ.get(name)}


def _unit_dir(environ: Mapping[str, str]) -> Path:
    config = Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return config / "systemd" / "user"


def _write(path: Path, text: str, *, force: bool) -> None:
    if path.exists() and path.read_text() != text and not force:
        raise CliError(f"{path} is another unit already", "openclaw gateway install --force")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
