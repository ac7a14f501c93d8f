"""The stored logins in a state folder of OpenClaw, still as they are written there.

Two forms are known: the key-value table `plugin_state_entries` of `state/openclaw.sqlite`, namespace
`credentials`, key `profile:SHA-256 of the profile`; and before it `credentials/CHANNEL/credentials.json`, or
`credentials-PROFILE.json` there.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from clawlane.ops.openclaw_files import Home, decoded, odd
from clawlane.texts import later

_TABLE = "plugin_state_entries"
_KEYS = ("entry_key", "key")
_VALUES = ("value_json", "value")
_PLAIN = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")


class LoggedOut(Exception):
    """OpenClaw has logged this profile out: what is left of it must not be used."""


def session_of(home: Home, channel: str, profile: str) -> bytes | None:
    """The credentials of a profile as JSON; None if there are none. Raises `LoggedOut` and `OpError`."""
    profile = profile.strip().lower()
    key = f"profile:{hashlib.sha256(profile.encode()).hexdigest()}"
    found = _stored(home).get(key)
    if found is not None:
        if not isinstance(found, Mapping):
            raise odd(
                _TABLE, later("has a login of the profile '{profile}' that is no object", profile=profile)
            )
        if found.get("revoked"):
            raise LoggedOut
        return json.dumps(found).encode()
    name = "credentials.json" if profile == "default" else f"credentials-{profile}.json"
    if not _PLAIN.match(profile):
        return None
    raw = home.read("credentials", channel, name)
    if raw is not None and not isinstance(decoded(raw, f"credentials/{channel}/{name}"), Mapping):
        raise odd(f"credentials/{channel}/{name}", later("is no object"))
    return raw


def _stored(home: Home) -> dict[str, Any]:
    """The values of the namespace by their keys."""
    rows = home.rows(_TABLE, ("namespace",), "namespace = ?", "credentials")
    found: dict[str, Any] = {}
    for row in rows:
        names = row.keys()
        key = next((row[one] for one in _KEYS if one in names), None)
        value = next((row[one] for one in _VALUES if one in names), None)
        if not isinstance(key, str) or not isinstance(value, str | bytes):
            raise odd(_TABLE, later("has a form that is not known here"))
        if key.startswith("profile:"):
            found[key] = decoded(value, _TABLE)
    return found
