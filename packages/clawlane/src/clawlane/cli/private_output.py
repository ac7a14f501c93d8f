"""Files that a command writes for its user alone: complete or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from clawlane.cli.failure import CliError
from clawlane.texts import later


@contextmanager
def private_output(file: Path) -> Iterator[BinaryIO]:
    """A file of mode 0600 to write to. It has its name once all is written; what was there is replaced.

    Raises `CliError` where it cannot be written.
    """
    from clawlane.credentials.files import replacing

    try:
        with replacing(file) as opened:
            yield opened
    except OSError as error:
        told = later("{file} cannot be written: {reason}", file=file, reason=error.strerror or error)
        raise CliError(told, later("check free space and permissions")) from error
