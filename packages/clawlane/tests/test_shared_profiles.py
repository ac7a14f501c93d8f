"""Sessions, accepted risks and marks of takeovers in a database that several gateways share."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier

import pytest
from packages.clawlane.tests import postgres_server
from packages.clawlane.tests.opened_store import LANE, Clock, dumped, on_engine, raw
from packages.clawlane.tests.profiles_in import profiles_in

from clawlane.channel import Account, VaultClosed, VaultError
from clawlane.config.paths import Paths
from clawlane.config.settings import ChannelSettings
from clawlane.credentials.profile import Consent, Takeover
from clawlane.credentials.profile_records import Kind
from clawlane.credentials.profiles import Profiles, copy, listed
from clawlane.credentials.record_files import RecordFiles
from clawlane.credentials.sealing_key import KeyLocation, mark_of
from clawlane.store.database import Store
from clawlane.store.errors import StoreLost, StoreUnusable
from clawlane.store.postgres.opening import Address, Readers, open_database, read_once
from clawlane.store.postgres.record_table import RecordTable
from clawlane.store.reader import Reader

pytestmark = pytest.mark.long

ALICE = ("1471383327500481391", "Nguyễn Văn A")
CONSENT = Consent("zalouser", "default", 1_700_000_000_000, ALICE[0], "not asked", "--accept-risk")
COOKIE = b"zpw_sek=secret"


@dataclass(frozen=True)
class Machine:
    """One of the machines that share a database, with the key that it has."""

    place: Address
    key: KeyLocation
    folder: Path

    def opened(self) -> AbstractAsyncContextManager[Store]:
        return open_database(self.place, self.folder / "audit", Clock(), key=self.key.read())

    def profiles(self, store: Store | None = None) -> Profiles:
        reading = store.read if store else self._reading
        return Profiles(RecordTable(reading, self.place.connect, str(self.place)), self.key)

    @contextmanager
    def _reading(self) -> Iterator[Reader]:
        with Readers(self.place) as readers, readers.reading() as reader:
            yield reader


@pytest.fixture
def key(tmp_path: Path) -> KeyLocation:
    (tmp_path / "key").write_bytes(bytes(range(32)))
    return KeyLocation(tmp_path / "key", "secrets.keyFile")


@pytest.fixture
def node(tmp_path: Path, key: KeyLocation) -> Machine:
    return machine(tmp_path, key, "one")


def machine(folder: Path, key: KeyLocation, name: str) -> Machine:
    return Machine(Address(postgres_server.server().database(folder)), key, folder / name)


def files(folder: Path) -> RecordFiles:
    return RecordFiles.of(Paths(folder, folder / "config.json5"))


async def test_whoever_owns_the_account_writes_its_session_and_nobody_else(
    tmp_path: Path, key: KeyLocation, node: Machine
) -> None:
    profiles = node.profiles()
    with profiles.alone() as alone:
        alone.vault("zalouser", "default").replace(COOKIE, ALICE)
        alone.accept(CONSENT)
    there = machine(tmp_path, key, "two")
    async with node.opened() as here, there.opened() as other, here.own(LANE) as lost:
        late, stale = (profiles.vault("zalouser", "default", lost) for _ in range(2))
        assert await late.read() == await stale.read() == COOKIE
        await late.write(COOKIE + b"; refreshed")
        async with other.own(LANE) as owner:
            running = there.profiles(other).vault("zalouser", "default", owner)
            assert await running.read() == COOKIE + b"; refreshed"
            with pytest.raises(VaultClosed, match="run by another gateway"):
                await late.write(b"of the one that lost it")
            mark = profiles.takeover("zalouser", "default")
            with pytest.raises(StoreLost):
                await mark.set(Takeover(running.generation, "another client", 7), lost)
            assert mark.read(running.generation) is None
            await mark.set(Takeover(running.generation, "another client", 7), owner)
            assert mark.read(running.generation) == Takeover(running.generation, "another client", 7)
            await running.write(COOKIE + b"; by its owner")
            profiles.vault("zalouser", "default").replace(COOKIE + b"; a new login", ALICE)
            for older in (running, stale):
                with pytest.raises(VaultClosed):
                    await older.write(b"late")
    anybody = profiles.vault("zalouser", "default")
    assert await anybody.read() == COOKIE + b"; a new login"
    await anybody.write(COOKIE)
    assert profiles.consent("zalouser", "default") == CONSENT
    assert (profiles.of_channel("zalouser"), mark.clear(), mark.clear()) == (["default"], True, False)
    with on_engine("postgres"):
        held = "\n".join(dumped(tmp_path).values())
        with raw(tmp_path) as db:
            sealed = [bytes(row[0]) for row in db.execute("SELECT content FROM profile_records")]
    hidden = (b"zpw_sek", key.read(), key.read().hex().encode(), ALICE[1].encode())
    for secret in hidden:
        assert not any(secret in one for one in sealed)
        assert secret.hex() not in held
    assert mark_of(key.read()).hex() in held
    assert not (tmp_path / "vault").exists()
    assert profiles.vault("zalouser", "default").close()
    assert anybody.identity() is None


async def test_a_gateway_with_another_key_does_not_begin(
    tmp_path: Path, key: KeyLocation, node: Machine
) -> None:
    async with node.opened():
        node.profiles().vault("zalouser", "default").replace(COOKIE, ALICE)
    (tmp_path / "other").write_text("07" * 32)
    there = machine(tmp_path, KeyLocation(tmp_path / "other", "secrets.keyFile"), "two")
    with pytest.raises(StoreUnusable, match="is not the one that sealed the sessions in"):
        async with there.opened():
            pytest.fail("it opened the store")
    with read_once(node.place, key=node.key.read) as reader:
        reader.check_marker()
    with (
        read_once(there.place, key=there.key.read) as reader,
        pytest.raises(StoreUnusable, match="is not the one that sealed the sessions in"),
    ):
        reader.check_marker()
    with pytest.raises(VaultError, match=f"sealed with another key than {tmp_path / 'other'}"):
        await there.profiles().vault("zalouser", "default").read()


def test_of_two_logins_at_once_as_one_user_exactly_one_is_stored(tmp_path: Path, node: Machine) -> None:
    accounts = [Account("zalouser", name, name, ChannelSettings()) for name in ("home", "work")]
    start = Barrier(2)

    def log_in(account: Account) -> bool:
        start.wait()
        with node.profiles().alone() as alone:
            if list(alone.linked_elsewhere(account, accounts, ALICE[0])):
                return False
            alone.vault("zalouser", account.profile).replace(COOKIE, ALICE)
        return True

    with ThreadPoolExecutor(2) as threads:
        stored = list(threads.map(log_in, accounts))
    assert sorted(stored) == [False, True]
    assert [node.profiles().user_of(one) == ALICE[0] for one in accounts] == stored


KILLED = """
import os, signal, sys
from pathlib import Path
from packages.clawlane.tests.test_shared_profiles import ALICE, COOKIE, CONSENT, KeyLocation, Machine, Address
folder, url = Path(sys.argv[1]), sys.argv[2]
with Machine(Address(url), KeyLocation(folder / "key", "x"), folder).profiles().alone() as alone:
    alone.vault("zalouser", "default").replace(COOKIE, ALICE)
    os.kill(os.getpid(), signal.SIGKILL)
    alone.accept(CONSENT)
"""


def test_a_login_that_is_killed_in_the_middle_stored_nothing(tmp_path: Path, node: Machine) -> None:
    words = [sys.executable, "-c", KILLED, str(tmp_path), node.place.url]
    assert subprocess.run(words, check=False).returncode == -signal.SIGKILL
    profiles = node.profiles()
    with profiles.alone() as alone:  # nobody holds it any more
        assert listed(alone.records) == []


async def test_everything_is_copied_there_and_back_under_the_same_key_and_another(
    tmp_path: Path, node: Machine
) -> None:
    here = profiles_in(Paths(tmp_path / "here", tmp_path / "config.json5"), {})
    here.vault("zalouser", "a+b/c").replace(COOKIE, ALICE)
    here.accept(CONSENT)
    there = node.profiles()
    assert copy(here, there) == copy(here, there) == {Kind.SESSION: 1, Kind.CONSENT: 1, Kind.TAKEOVER: 0}
    vault = there.vault("zalouser", "a+b/c")
    assert (await vault.read(), there.consent("zalouser", "default")) == (COOKIE, CONSENT)
    kept = here.vault("zalouser", "a+b/c")
    await kept.read()
    assert vault.generation == kept.generation
    back = Profiles(files(tmp_path / "back"), node.key)
    assert copy(there, back)[Kind.SESSION] == 1
    [record] = there.records.names(Kind.SESSION)
    assert back.records.load(record) == there.records.load(record) != here.records.load(record)
    node.key.path.write_bytes(bytes(32))
    (tmp_path / "third").mkdir()
    with pytest.raises(VaultError, match="another key"):
        copy(there, Profiles(files(tmp_path / "third"), here.key))
    assert list((tmp_path / "third").iterdir()) == []
