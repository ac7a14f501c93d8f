"""Stories on a database: the same operator, the same words, another place for what is stored."""

from __future__ import annotations

import os
from pathlib import Path

from packages.clawlane.tests.postgres_server import server

from clawlane.config.source import parse_source
from clawlane.credentials.files import write_private

STORE = "store: {{ url: '{url}' }}, secrets: {{ keyFile: '{key}' }}"


def config_on_postgres(text: str, state: Path) -> str:
    """A config whose store is a database of the test's own; the key of sessions is beside the state."""
    beginning, brace, rest = text.partition("{")
    assert brace, parse_source(state, text.encode())
    return f"{beginning}{{ {STORE.format(url=server().database(state), key=key_beside(state))}, {rest}"


def key_beside(state: Path) -> Path:
    """The key of sessions: beside the state, not in it."""
    key = state.with_name("key")
    if not key.exists():
        write_private(key, os.urandom(32))
    return key
