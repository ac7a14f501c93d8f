"""Records of a profile besides its session: the consent to the risk, and the mark of a takeover."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from clawlane.credentials.files import CredentialsError, file_name, sync_dir, write_private
from clawlane.texts import later

NOT_EXPENDABLE = "no"
"""The answer of an operator who could not do without the account."""


class ConsentDamaged(CredentialsError):
    """The record of an accepted risk cannot be read."""


@dataclass(frozen=True, slots=True)
class Consent:
    """The risk of a channel, accepted by the operator.

    `user_id` is the user of the platform it was accepted for, empty until somebody has logged in.
    `expendable` is the answer to "can you lose this account?": yes, no, or "not asked". `how` is `terminal`,
    `console`, or the flag given instead of an answer. `others` is the answer to what goes to the agents'
    hosts: `accepted`, or "not asked".
    """

    channel: str
    profile: str
    accepted_ms: int
    user_id: str
    expendable: str
    how: str
    others: str = "not asked"


def read_consent(folder: Path, channel: str, profile: str) -> Consent | None:
    """The record of this profile, or None if there is none. Raises `ConsentDamaged`."""
    path = _consent_file(folder, channel, profile)
    try:
        return Consent(**json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise ConsentDamaged(
            later(
                "{path} is not a record of an accepted risk; remove it and run: openclaw channels"
                " login --channel {channel}",
                path=path,
                channel=channel,
            )
        ) from error


def write_consent(folder: Path, consent: Consent) -> None:
    """Store a record; it replaces an older one of the profile."""
    text = json.dumps(asdict(consent), ensure_ascii=False, indent=2)
    write_private(_consent_file(folder, consent.channel, consent.profile), text.encode() + b"\n")


@dataclass(frozen=True, slots=True)
class Takeover:
    """When another client took the account over, and why. `generation` is that of its session."""

    generation: str
    reason: str
    since_ms: int


class TakeoverMark:
    """The file that remembers that a profile was taken over, so that a restart does not connect it again."""

    def __init__(self, folder: Path, channel: str, profile: str) -> None:
        self._path = folder / f"{file_name(channel, profile)}.replaced"

    def set(self, takeover: Takeover) -> None:
        """Store it durably."""
        write_private(self._path, json.dumps(asdict(takeover), ensure_ascii=False).encode())

    def read(self, generation: str) -> Takeover | None:
        """The takeover of the session of this generation, or None. A damaged mark counts for any session."""
        try:
            found = Takeover(**json.loads(self._path.read_bytes()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            return Takeover(generation, later("another client took the account over"), 0)
        return found if found.generation == generation else None

    def clear(self) -> bool:
        """Remove the mark, so that the account may run again. False if there was none."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        sync_dir(self._path.parent)
        return True


def _consent_file(folder: Path, channel: str, profile: str) -> Path:
    return folder / f"{file_name(channel, profile)}.json"
