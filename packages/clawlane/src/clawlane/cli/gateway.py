"""`gateway run`: the gateway in the foreground."""

from __future__ import annotations

import os

import click

from clawlane.cli.setup import Setup


@click.group()
def gateway() -> None:
    """Run the gateway."""


@gateway.command()
def run() -> int:
    """Run all enabled accounts in the foreground until Ctrl-C or SIGTERM."""
    from clawlane.host.gateway import run as run_gateway

    return run_gateway(Setup().places, os.environ)
