"""Where the key is that seals sessions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from clawlane.config import openclaw
from clawlane.config.agents import Lenient
from clawlane.config.errors import ConfigError
from clawlane.config.fields import Maybe, WholePath
from clawlane.config.source import read_source

KEY_FILE = "CLAWLANE_KEY_FILE"
"""The variable that names the file of the key, where the config does not."""

CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""The variable in which systemd names the folder of a service's credentials."""


class Secrets(Lenient):
    """Where the key is that seals sessions. Without `keyFile` the environment says, or it is beside them."""

    lacking = openclaw.SECRETS_KEYS

    key_file: Maybe[WholePath] = None


def clash(secrets: Secrets, environ: Mapping[str, str]) -> str:
    """What is wrong where the environment names another key than the config; empty where nothing is."""
    named = environ.get(KEY_FILE, "").strip()
    if secrets.key_file is None or not named or file_of(named) == file_of(secrets.key_file):
        return ""
    return f"{KEY_FILE} names another file: {file_of(named)}"


def written_key(config_file: Path) -> str | None:
    """The `keyFile` of a config that does not load, as far as the file can be read."""
    try:
        secrets = read_source(config_file).data.get("secrets")
    except ConfigError:
        return None
    named = secrets.get("keyFile") if isinstance(secrets, Mapping) else None
    return named if isinstance(named, str) and named else None


def elsewhere(secrets: Secrets, environ: Mapping[str, str]) -> bool:
    """Whether the key has a place that was chosen for it, and is not just beside the sessions."""
    return secrets.key_file is not None or any(environ.get(one) for one in (KEY_FILE, CREDENTIALS))


def file_of(written: str) -> Path:
    """The file that a path names as it is written in the config or in a variable."""
    return Path(written).expanduser().absolute()
