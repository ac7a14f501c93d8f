"""What the operator answered to the risk of a channel, kept as one small file a profile."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from clawlane.credentials.files import CredentialsError, file_name, sync_dir, write_private


class ConsentDamaged(CredentialsError):
    """The record of an accepted risk cannot be read."""


@dataclass(frozen=True, slots=True)
class Consent:
    """One accepted risk: when, for which user of the platform, and how it was given.

    `user_id` is empty until somebody has logged in. `expendable` is the answer to "can you lose this
    account?": yes, no, or "not asked". `how` is `terminal` or the flag that stood in for the question.
    """

    channel: str
    profile: str
    accepted_ms: int
    user_id: str
    expendable: str
    how: str


def read_consent(folder: Path, channel: str, profile: str) -> Consent | None:
    """The record of this profile, or None where nobody was asked. Raises `ConsentDamaged`."""
    path = _path(folder, channel, profile)
    try:
        return Consent(**json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise ConsentDamaged(
            f"{path} is no record of an accepted risk; remove it and run: "
            f"openclaw channels login --channel {channel}"
        ) from error


def write_consent(folder: Path, consent: Consent) -> None:
    """Keep a record, in the place of an older one."""
    text = json.dumps(asdict(consent), ensure_ascii=False, indent=2)
    write_private(_path(folder, consent.channel, consent.profile), text.encode() + b"\n")


def _path(folder: Path, channel: str, profile: str) -> Path:
    return folder / f"{file_name(channel, profile)}.json"


@dataclass(frozen=True, slots=True)
class Takeover:
    """When an account was replaced, and how its channel told. `generation` is that of its session."""

    generation: str
    reason: str
    since_ms: int


class TakeoverMark:
    """The mark of one profile."""

    def __init__(self, folder: Path, channel: str, profile: str) -> None:
        self._path = folder / f"{file_name(channel, profile)}.replaced"

    def set(self, replaced: Takeover) -> None:
        """Keep it, durably."""
        write_private(self._path, json.dumps(asdict(replaced), ensure_ascii=False).encode())

    def read(self, generation: str) -> Takeover | None:
        """What is known about the session of this generation. One that cannot be read holds for any."""
        try:
            found = Takeover(**json.loads(self._path.read_bytes()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            return Takeover(generation, "another client took the account over", 0)
        return found if found.generation == generation else None

    def clear(self) -> bool:
        """Let the account run again. False if there was no mark."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        sync_dir(self._path.parent)
        return True
