"""The sealed session of each profile, as a handle for who reads and saves it.

The generation of a session changes with every login; a handle that read an older one cannot save over a
newer one. `session_seal.py` says how it is sealed, `profile_records.py` where the sealed bytes are.
"""

from __future__ import annotations

import asyncio

from clawlane.channel import VaultClosed
from clawlane.credentials.profile_records import Kind, Owner, ProfileRecords, Record
from clawlane.credentials.sealing_key import KeyLocation
from clawlane.credentials.session_seal import Identity, Opened, Seal, new_generation
from clawlane.texts import later


class ProfileVault:
    """The sealed session of one profile: a `clawlane.channel.Vault`, and what logging in and out needs.

    What a running account saves is stored in the name of its `owner`.
    """

    def __init__(
        self,
        records: ProfileRecords,
        key: KeyLocation,
        channel: str,
        profile: str,
        owner: Owner | None = None,
    ) -> None:
        self._records = records
        self._seal = Seal(key, channel, profile)
        self._owner = owner
        self._record = Record(Kind.SESSION, channel, profile)
        self._read: Opened | None = None
        self._saving = asyncio.Lock()

    async def read(self) -> bytes | None:
        """The session, or None when nobody is logged in. Later writes are for this session only."""
        self._read = await asyncio.to_thread(self._load, self._records)
        return self._read and self._read.secret

    def read_among(self, records: ProfileRecords) -> None:
        """The same as `read`, by who reads other records as well and may wait."""
        self._read = self._load(records)

    @property
    def opened(self) -> Opened | None:
        """The session as it was read last."""
        return self._read

    async def write(self, secret: bytes) -> None:
        """Save a refreshed session.

        Raises `VaultClosed` if the one read before was logged out or replaced, or another gateway runs the
        account.
        """
        async with self._saving:  # in the order in which they were refreshed
            if self._read is None or not await self._saved(self._read._replace(secret=secret)):
                raise VaultClosed(
                    later(
                        "the session of {name} was logged out or replaced; the late save is void",
                        name=f"{self._record.channel}/{self._record.profile}",
                    )
                )

    async def _saved(self, fresh: Opened) -> bool:
        sealed = await asyncio.to_thread(self._seal.seal, fresh)
        return await self._records.refresh(self._record, fresh.generation, sealed, self._owner)

    def replace(self, secret: bytes, identity: Identity) -> None:
        """Store the session of a new login. Handles that read the one before can no longer write."""
        fresh = Opened(new_generation(), identity, secret)
        with self._records.alone() as records:
            self._seal.key.make()
            records.put(self._record, self._seal.seal(fresh))
        self._read = fresh

    def sealed(self, secret: bytes, identity: Identity) -> bytes:
        """The session of a new login as it would be stored, for `adopt`. Stores nothing but a missing key."""
        with self._records.alone():
            self._seal.key.make()
            return self._seal.seal(Opened(new_generation(), identity, secret))

    def adopt(self, sealed: bytes) -> None:
        """Store what `sealed` gave, in place of any other session. Raises `VaultError` if it is damaged."""
        with self._records.alone() as records:
            self._read = self._seal.open(sealed)
            records.put(self._record, sealed)

    def close(self) -> bool:
        """Log out: delete the session, damaged or not. False if there was none."""
        self._read = None
        with self._records.alone() as records:
            return records.remove(self._record)

    def identity(self) -> Identity | None:
        """Who is logged in, or None. Has no effect on later writes."""
        found = self._load(self._records)
        return found and found.identity

    @property
    def where(self) -> str:
        """The file of the session, or the database that holds it."""
        return self._records.where(self._record)

    @property
    def saved_ms(self) -> int | None:
        """When it was stored last; None if there is none."""
        return self._records.changed_ms(self._record)

    @property
    def generation(self) -> str:
        """Identifies the login of the session that was read last; empty if there was none."""
        return self._read.generation.decode() if self._read else ""

    def _load(self, records: ProfileRecords) -> Opened | None:
        raw = records.load(self._record)
        return None if raw is None else self._seal.open(raw)
