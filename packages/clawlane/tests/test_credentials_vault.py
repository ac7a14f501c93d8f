"""Sealed sessions and the record of the accepted risk, on a real disk."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from packages.clawlane.tests.profiles_in import profiles_in

from clawlane.channel import Account, VaultClosed, VaultError
from clawlane.config.paths import Paths
from clawlane.config.settings import ChannelSettings
from clawlane.credentials.profile import Consent, ConsentDamaged
from clawlane.credentials.profiles import Profiles
from clawlane.credentials.vault import ProfileVault

ALICE = ("1471383327500481391", "Nguyễn Văn A")


def profiles(folder: Path) -> Profiles:
    return profiles_in(Paths(folder, folder / "config.json5"))


def vault(folder: Path, profile: str = "default") -> ProfileVault:
    return profiles(folder).vault("zalouser", profile)


async def test_a_session_is_read_back_with_its_owner(tmp_path: Path) -> None:
    vault(tmp_path).replace(b"cookies \x00\xff", ALICE)
    assert await vault(tmp_path).read() == b"cookies \x00\xff"
    assert vault(tmp_path).identity() == ALICE


async def test_nobody_is_logged_in_at_first(tmp_path: Path) -> None:
    assert await vault(tmp_path).read() is None
    assert vault(tmp_path).identity() is None
    assert vault(tmp_path).close() is False
    with pytest.raises(VaultClosed):
        await vault(tmp_path).write(b"late")


async def test_a_refreshed_session_keeps_its_owner(tmp_path: Path) -> None:
    vault(tmp_path).replace(b"old", ALICE)
    running = vault(tmp_path)
    await running.read()
    await running.write(b"new")
    await running.write(b"newer")
    assert await vault(tmp_path).read() == b"newer"
    assert vault(tmp_path).identity() == ALICE


async def test_a_late_save_cannot_revive_a_session_that_was_logged_out(tmp_path: Path) -> None:
    vault(tmp_path).replace(b"old", ALICE)
    running = vault(tmp_path)
    await running.read()
    assert vault(tmp_path).close() is True
    with pytest.raises(VaultClosed):
        await running.write(b"late")
    assert await vault(tmp_path).read() is None


async def test_a_late_save_cannot_overwrite_a_newer_login(tmp_path: Path) -> None:
    vault(tmp_path).replace(b"old", ALICE)
    running = vault(tmp_path)
    await running.read()
    vault(tmp_path).replace(b"new", ("42", "Bình"))
    with pytest.raises(VaultClosed):
        await running.write(b"late")
    assert await vault(tmp_path).read() == b"new"


def test_files_are_private_and_hold_nothing_readable(tmp_path: Path) -> None:
    vault(tmp_path).replace(b"zpw_sek=secret", ALICE)
    folder = tmp_path / "vault"
    assert folder.stat().st_mode & 0o777 == 0o700
    for file in folder.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600
        assert b"secret" not in file.read_bytes()
        assert ALICE[0].encode() not in file.read_bytes()


@pytest.mark.parametrize("position", [0, 20, 60, -1])
async def test_a_damaged_session_names_the_command_that_helps(tmp_path: Path, position: int) -> None:
    vault(tmp_path).replace(b"x" * 100, ALICE)
    [file] = (tmp_path / "vault").glob("*.session")
    raw = bytearray(file.read_bytes())
    raw[position] ^= 1
    file.write_bytes(raw)
    with pytest.raises(VaultError, match="openclaw channels login --channel zalouser --force"):
        await vault(tmp_path).read()
    assert vault(tmp_path).close() is True


async def test_a_session_of_another_profile_is_not_taken(tmp_path: Path) -> None:
    vault(tmp_path).replace(b"mine", ALICE)
    vault(tmp_path, "work").replace(b"theirs", ("42", "Bình"))
    mine, theirs = sorted((tmp_path / "vault").glob("*.session"))
    mine.write_bytes(theirs.read_bytes())
    with pytest.raises(VaultError):
        await vault(tmp_path).read()


async def test_another_key_opens_nothing(tmp_path: Path) -> None:
    vault(tmp_path).replace(b"mine", ALICE)
    (tmp_path / "vault" / "key").write_bytes(bytes(32))
    with pytest.raises(VaultError, match="another key"):
        await vault(tmp_path).read()
    (tmp_path / "vault" / "key").unlink()
    with pytest.raises(VaultError, match="lost its key"):
        await vault(tmp_path).read()


async def test_odd_profile_names_stay_in_the_folder(tmp_path: Path) -> None:
    vault(tmp_path, "../../etc/passwd").replace(b"mine", ALICE)
    assert await vault(tmp_path, "../../etc/passwd").read() == b"mine"
    assert len(list((tmp_path / "vault").glob("*.session"))) == 1


CONSENT = Consent("zalouser", "default", 1_700_000_000_000, ALICE[0], "not asked", "--accept-risk")


def test_an_accepted_risk_is_read_back(tmp_path: Path) -> None:
    assert profiles(tmp_path).consent("zalouser", "default") is None
    profiles(tmp_path).accept(CONSENT)
    assert profiles(tmp_path).consent("zalouser", "default") == CONSENT
    assert profiles(tmp_path).consent("zalouser", "work") is None
    [file] = (tmp_path / "consent").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"channel": "zalouser"}', b"null", b"\xff"])
def test_a_damaged_record_is_one_clear_line(tmp_path: Path, content: bytes) -> None:
    profiles(tmp_path).accept(CONSENT)
    next((tmp_path / "consent").iterdir()).write_bytes(content)
    with pytest.raises(ConsentDamaged, match="remove it and run: openclaw channels login"):
        profiles(tmp_path).consent("zalouser", "default")


def test_of_two_logins_at_once_as_one_user_exactly_one_is_stored(tmp_path: Path) -> None:
    accounts = [Account("zalouser", name, name, ChannelSettings()) for name in ("home", "work")]

    def log_in(account: Account, start: Barrier) -> bool:
        start.wait()
        with profiles(tmp_path).alone() as alone:
            if list(alone.linked_elsewhere(account, accounts, ALICE[0])):
                return False
            alone.vault("zalouser", account.profile).replace(b"cookies", ALICE)
        return True

    for _ in range(20):
        start = Barrier(2)
        with ThreadPoolExecutor(2) as threads:
            stored = list(threads.map(lambda one: log_in(one, start), accounts))  # noqa: B023
        assert sorted(stored) == [False, True]
        linked = [profiles(tmp_path).user_of(one) == ALICE[0] for one in accounts]
        assert linked == stored
        for one in accounts:
            vault(tmp_path, one.profile).close()
