"""`store migrate`, `info` and `backup` as they are typed: into a database and back, by the config."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

import pytest
from packages.clawlane.tests import postgres_server

from clawlane.credentials.files import write_private
from clawlane.store.sqlite.connection import read_only

ALONE = "nobody can be asked whether to go back"


def test_what_cannot_be_moved_is_one_line_and_nothing_changes(perch, tmp_path: Path) -> None:
    assert "there is no store at" in perch("store info").err
    perch.link()
    assert "say where to move it with --to, or --undo" in perch("store migrate").err
    refused = perch("store migrate --to mysql://lane@db/lane")
    assert (refused.code, "must be the address of a PostgreSQL database" in refused.err) == (1, True)
    refused = perch("store migrate --to postgresql://lane@db/lane --password-file f --password-env E")
    assert (refused.code, "say once where the password is" in refused.err) == (1, True)
    refused = perch("store migrate --to sqlite")
    assert (refused.code, "the store is at" in refused.err) == (1, True)
    assert ALONE in perch("store migrate --undo").err


def test_a_copy_and_what_it_is_of(perch, tmp_path: Path) -> None:
    perch.link()
    perch("pause")
    told = perch("store info")
    assert told.code == 0, told.err
    assert "engine     SQLite" in told.out
    copied = perch(f"store backup {tmp_path}/copy.sqlite")
    assert copied.code == 0, copied.err
    assert "It is not encrypted" in copied.out
    assert (tmp_path / "copy.sqlite").stat().st_mode & 0o777 == 0o600
    assert "exists already" in perch(f"store backup {tmp_path}/copy.sqlite").err


@pytest.mark.long
def test_there_and_back_by_the_config(perch, tmp_path: Path) -> None:
    url = postgres_server.server().database(tmp_path)
    write_private(tmp_path / "key", secrets.token_bytes(32))
    assert perch(f"config set secrets.keyFile {tmp_path}/key").code == 0
    perch.link()
    assert perch("pause").code == 0
    before = perch.paths.config_file.read_text()
    empty = postgres_server.server().url("postgres")
    assert perch(f"config set store.url {empty}").code == 0
    assert "tables     none of clawlane" in perch("store info").out
    perch.paths.config_file.write_text(before)
    told = perch(f"store migrate --to {url}")
    assert told.code == 0, told.err
    assert "counts and digests of all tables are the same" in told.out
    assert f"store: {{ url: '{url}' }}" in told.out
    assert perch.paths.config_file.read_text() == before
    left = perch("pause --list")
    assert (left.code, "was moved to" in left.err) == (1, True)

    (again,) = perch(f"store migrate --to {url} --yes --json").json
    assert (again["again"], again["written"], again["settings"]) == (True, True, {"url": url})
    assert "engine     PostgreSQL" in perch("store info").out
    assert perch("resume").code == 0
    shutil.rmtree(perch.paths.vault_dir)
    shutil.rmtree(perch.paths.consent_dir)
    (linked,) = perch("session show --json").json
    assert linked["linked"]
    assert perch(f"store backup {tmp_path}/copy.sqlite").code == 0
    read_only(tmp_path / "copy.sqlite").execute("SELECT 1 FROM pauses").fetchone()

    back = perch("store migrate --to sqlite --yes")
    assert back.code == 0, back.err
    assert "engine     SQLite" in perch("store info").out
    assert "store" not in perch("config get").out
    (back_again,) = perch("session show --json").json
    assert (back_again["user"], back_again["generation"]) == (linked["user"], linked["generation"])
    assert list(perch.paths.consent_dir.iterdir())
