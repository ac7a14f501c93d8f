"""Addresses to listen on, as options give them."""

from __future__ import annotations

from clawlane.cli.failure import CliError
from clawlane.config.console import Address, read_address
from clawlane.texts import t


def read_address_or_fail(written: str, option: str) -> Address:
    """The address that an option names. Raises `CliError`."""
    try:
        return read_address(written)
    except ValueError as error:
        raise CliError(t("{option} {problem}", option=option, problem=str(error))) from None
