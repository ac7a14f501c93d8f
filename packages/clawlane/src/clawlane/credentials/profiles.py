"""Everything that is kept of profiles, in one hand: sealed sessions, accepted risks, marks of takeovers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from clawlane.channel import Account, VaultError
from clawlane.credentials.profile import Consent, TakeoverMark, read_consent, write_consent
from clawlane.credentials.profile_records import Kind, Owner, ProfileRecords, Record
from clawlane.credentials.sealing_key import KeyLocation
from clawlane.credentials.session_seal import Seal
from clawlane.credentials.vault import ProfileVault


@dataclass(frozen=True, slots=True)
class Profiles:
    """The records of all profiles, wherever they are kept, and the key that seals the sessions among them."""

    records: ProfileRecords
    key: KeyLocation

    def vault(self, channel: str, profile: str, owner: Owner | None = None) -> ProfileVault:
        """The sealed session of a profile; a new handle each time, bound to no generation."""
        return ProfileVault(self.records, self.key, channel, profile, owner)

    def consent(self, channel: str, profile: str) -> Consent | None:
        """The accepted risk of a profile. Raises `ConsentDamaged`."""
        return read_consent(self.records, channel, profile)

    def accept(self, consent: Consent) -> None:
        """Store an accepted risk, in place of an older one of the profile."""
        write_consent(self.records, consent)

    def takeover(self, channel: str, profile: str) -> TakeoverMark:
        """The mark that another client took a profile over."""
        return TakeoverMark(self.records, channel, profile)

    @contextmanager
    def at_once(self) -> Iterator[Profiles]:
        """The profiles for a few questions, which a database is asked on one session."""
        with self.records.at_once() as records:
            yield replace(self, records=records)

    @contextmanager
    def alone(self) -> Iterator[Profiles]:
        """The profiles, while no other session changes. In a database all changes are stored, or none."""
        with self.records.alone() as records:
            yield replace(self, records=records)

    def of_channel(self, channel: str) -> list[str]:
        """The profiles of a channel that have a session."""
        return [one.profile for one in self.records.names(Kind.SESSION) if one.channel == channel]

    def linked_elsewhere(
        self, account: Account, others: Iterable[Account], user_id: str
    ) -> Iterator[Account]:
        """The other accounts of the same channel that are logged in as this user of the platform."""
        for other in others:
            another = other.channel == account.channel and other.profile != account.profile
            if another and self.user_of(other) == user_id:
                yield other

    def user_of(self, account: Account) -> str:
        """The user id that an account is logged in as; empty for none, and for an unreadable session."""
        try:
            identity = self.vault(account.channel, account.profile).identity()
        except VaultError:
            return ""
        return identity[0] if identity else ""


def copy(before: Profiles, after: Profiles) -> dict[Kind, int]:
    """Copy every record to another place, in place of all that is there; gives how many of each kind.

    Where both have the same key, sessions are copied as they are sealed; else each is opened and sealed
    anew, with the same generation. It can be repeated. Nobody may change the records meanwhile: the gateways
    are stopped. Raises `VaultError` for a session that cannot be sealed anew, before anything is stored.
    """
    same = before.key.path == after.key.path or before.key.read() == after.key.read()
    found: list[tuple[Record, bytes]] = []
    for record in listed(before.records):
        content = before.records.load(record)
        if content is not None:
            resealed = record.kind is Kind.SESSION and not same
            found.append((record, _resealed(record, content, before.key, after.key) if resealed else content))
    with after.records.alone() as records:
        for record in {*listed(records)} - {record for record, _ in found}:
            records.remove(record)
        for record, content in found:
            records.put(record, content)
    return {kind: sum(record.kind is kind for record, _ in found) for kind in Kind}


def listed(records: ProfileRecords) -> list[Record]:
    """All records that are kept, without opening them."""
    return [record for kind in Kind for record in records.names(kind)]


def _resealed(record: Record, content: bytes, before: KeyLocation, after: KeyLocation) -> bytes:
    opened = Seal(before, record.channel, record.profile).open(content)
    return Seal(after, record.channel, record.profile).seal(opened)
