"""Records of a profile besides its session: the consent to the risk, and the mark of a takeover."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from clawlane.credentials.files import CredentialsError
from clawlane.credentials.profile_records import Kind, Owner, ProfileRecords, Record
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


def read_consent(records: ProfileRecords, channel: str, profile: str) -> Consent | None:
    """The record of this profile, or None if there is none. Raises `ConsentDamaged`."""
    record = Record(Kind.CONSENT, channel, profile)
    content = records.load(record)
    if content is None:
        return None
    try:
        return Consent(**json.loads(content))
    except (ValueError, TypeError) as error:
        raise ConsentDamaged(
            later(
                "{path} is not a record of an accepted risk; remove it and run: openclaw channels"
                " login --channel {channel}",
                path=records.where(record),
                channel=channel,
            )
        ) from error


def write_consent(records: ProfileRecords, consent: Consent) -> None:
    """Store a record; it replaces an older one of the profile."""
    text = json.dumps(asdict(consent), ensure_ascii=False, indent=2)
    records.put(Record(Kind.CONSENT, consent.channel, consent.profile), text.encode() + b"\n")


@dataclass(frozen=True, slots=True)
class Takeover:
    """When another client took the account over, and why. `generation` is that of its session."""

    generation: str
    reason: str
    since_ms: int


class TakeoverMark:
    """Remembers that a profile was taken over, so that a restart does not connect it again."""

    def __init__(self, records: ProfileRecords, channel: str, profile: str) -> None:
        self._records = records
        self._record = Record(Kind.TAKEOVER, channel, profile)

    async def set(self, takeover: Takeover, owner: Owner) -> None:
        """Store it durably. Raises `StoreLost` where another gateway runs the account: that took it over."""
        text = json.dumps(asdict(takeover), ensure_ascii=False)
        await self._records.put_by(owner, self._record, text.encode())

    def read(self, generation: str) -> Takeover | None:
        """The takeover of the session of this generation, or None. A damaged mark counts for any session."""
        content = self._records.load(self._record)
        if content is None:
            return None
        try:
            found = Takeover(**json.loads(content))
        except (ValueError, TypeError):
            return Takeover(generation, later("another client took the account over"), 0)
        return found if found.generation == generation else None

    def clear(self) -> bool:
        """Remove the mark, so that the account may run again. False if there was none."""
        return self._records.remove(self._record)
