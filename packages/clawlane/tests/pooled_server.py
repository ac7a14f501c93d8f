"""A pgbouncer of the tests' own, from Debian's package, in front of their PostgreSQL server.

It gives each transaction one of very few sessions, as it is set up where many gateways share a server, and
asks clients for a password. It ends with the process that started it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import psycopg
import pytest
from packages.clawlane.tests import postgres_server
from psycopg.conninfo import conninfo_to_dict

from clawlane.store.postgres.opening import Address

SESSIONS = 2
"""How many sessions of a database all of its clients share."""

PORT = 6432
PASSWORD = "only at the pooler"
_PATHS = f"/usr/sbin:{os.environ.get('PATH', os.defpath)}"


class Pooler:
    """A running pooler, for every database of the tests' server."""

    def __init__(self, program: str, server: postgres_server.Server) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="clawlane-pooler-"))
        (self.folder / "users").write_text(f'"clawlane" "{PASSWORD}"\n')
        (self.folder / "ini").write_text(
            "[databases]\n"
            f"* = host={server.folder}\n"
            "[pgbouncer]\n"
            "listen_addr =\n"
            f"listen_port = {PORT}\n"
            f"unix_socket_dir = {self.folder}\n"
            f"auth_file = {self.folder / 'users'}\n"
            "auth_type = scram-sha-256\n"
            "admin_users = clawlane\n"
            "pool_mode = transaction\n"
            f"default_pool_size = {SESSIONS}\n"
            "max_client_conn = 500\n"
        )
        as_: tuple[str, ...] = ("setpriv", "--pdeathsig", "SIGINT")
        if os.geteuid() == 0:  # it refuses root
            user = pwd.getpwnam("postgres")
            for path in (self.folder, *self.folder.iterdir()):
                os.chown(path, user.pw_uid, user.pw_gid)
            as_ += ("--reuid", "postgres", "--regid", "postgres", "--init-groups")
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen([*as_, program, str(self.folder / "ini")], stderr=log)
        self._wait()

    def _wait(self) -> None:
        while True:
            try:
                with psycopg.connect(self.place("pgbouncer").url, password=PASSWORD, autocommit=True):
                    return
            except psycopg.OperationalError:
                if self._process.poll() is not None:
                    raise RuntimeError((self.folder / "log").read_text()) from None

    def place(self, name: str) -> Address:
        """The way to a database through the pooler."""
        return Address(f"postgresql://clawlane@/{name}?host={self.folder}&port={PORT}", PASSWORD)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self.folder)


@cache
def pooler() -> Pooler:
    """The pooler of this process. Skips the test on a machine without one, and fails where `CI` is set."""
    server = postgres_server.server()
    program = shutil.which("pgbouncer", path=_PATHS)
    if program is None:
        told = "pgbouncer is not installed (Debian's package pgbouncer)"
        if os.environ.get("CI"):
            pytest.fail(told)
        pytest.skip(told)
    return Pooler(program, server)


def place(folder: Path) -> Address:
    """The way through the pooler to the database for a folder of a test."""
    return pooler().place(str(conninfo_to_dict(postgres_server.server().database(folder))["dbname"]))


def stop() -> None:
    """Stop the pooler of this process, if it was started."""
    if pooler.cache_info().currsize:
        pooler().stop()
