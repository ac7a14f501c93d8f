"""A PostgreSQL server of the tests' own, from Debian's package, and a database in it for each store.

It listens on a socket in its own folder, keeps nothing safe from a power cut, and ends with the process that
started it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg
import pytest

from clawlane.store.postgres import schema

_EMPTY = """
SET session_replication_role = replica;
DO $$ DECLARE one TEXT; filled BOOLEAN; BEGIN
    FOR one IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'migrations' LOOP
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I)', one) INTO filled;
        IF filled THEN EXECUTE format('DELETE FROM %I', one); END IF;
    END LOOP;
END $$;
ALTER TABLE audit_log ENABLE TRIGGER ALL;
INSERT INTO numbers (name, last) VALUES ('event', 0);
INSERT INTO properties (name, value) VALUES ('id', replace(gen_random_uuid()::text, '-', ''));
SELECT setval(one || '_numbers', 1, false) FROM unnest(ARRAY['message', 'chunk', 'alarm']) AS one;
"""
_VERSIONS = Path("/usr/lib/postgresql")
_UNSAFE = ("fsync=off", "full_page_writes=off")
_SETTINGS = (
    "shared_buffers=32MB",
    "max_connections=200",
    "listen_addresses=",
)
NOT_INSTALLED = "PostgreSQL is not installed (Debian's package postgresql)"
_STATEMENT = "LOG:  statement: "
_SHARED = (*_UNSAFE, "autovacuum=off")
"""Of a server whose databases go from test to test. What it has learned of the size of a table would be
wrong for the next one."""


def programs() -> Path | None:
    """Where the programs of the newest server are that this machine has."""
    found = sorted(_VERSIONS.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


class Server:
    """A running server. `url` leads to a database of this name."""

    def __init__(self, bin_: Path, *, safe: bool = False) -> None:
        """`safe` is as a server is set up: what is committed outlives a power cut."""
        self._bin = bin_
        self.folder = Path(tempfile.mkdtemp(prefix="clawlane-pg-"))
        self._as: tuple[str, ...] = ("setpriv", "--pdeathsig", "SIGINT")
        if os.geteuid() == 0:  # it refuses root
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._as += ("--reuid", "postgres", "--regid", "postgres", "--init-groups")
        data = self.folder / "data"
        self._run("initdb", "-D", str(data), "-U", "clawlane", "-A", "trust", "-E", "UTF8", "--no-sync")
        settings = (*(() if safe else _SHARED), *_SETTINGS, f"unix_socket_directories={self.folder}")
        words = [word for one in settings for word in ("-c", one)]
        self._command = [*self._as, str(bin_ / "postgres"), "-D", str(data), *words]
        self._free: list[str] = []
        self._taken: dict[Path, str] = {}
        self.start()

    def start(self) -> None:
        """Start it, and return when it can be used."""
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(self._command, stderr=log)
        self._wait()

    @property
    def pid(self) -> int:
        return self._process.pid

    def crash(self) -> None:
        """End it without a word to its clients; what was committed is found again by its next start."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait()

    def restart(self, *, immediate: bool) -> None:
        """What `pg_ctl restart` does, in its mode fast or immediate: it sends the same signals."""
        self._process.send_signal(signal.SIGQUIT if immediate else signal.SIGINT)
        self._process.wait()
        self.start()

    def _run(self, name: str, *words: str) -> None:
        subprocess.run([*self._as, str(self._bin / name), *words], check=True, capture_output=True)

    def _wait(self) -> None:
        ready = [
            str(self._bin / "pg_isready"),
            "-q",
            "-h",
            str(self.folder),
            "-d",
            "postgres",
            "-U",
            "clawlane",
        ]
        while subprocess.run(ready, check=False).returncode:
            if self._process.poll() is not None:
                raise RuntimeError((self.folder / "log").read_text())

    def url(self, name: str) -> str:
        return f"postgresql://clawlane@/{name}?host={self.folder}"

    def database(self, folder: Path) -> str:
        """The address of the database for a folder of a test, with empty tables at the first time."""
        return self.url(self.name_of(folder))

    def name_of(self, folder: Path) -> str:
        """The name of that database."""
        if folder not in self._taken:
            self._taken[folder] = self._free.pop() if self._free else self._made()
        return self._taken[folder]

    @contextmanager
    def statements(self, folder: Path) -> Iterator[Callable[[], list[str]]]:
        """What sessions that are opened inside ask of a folder's database: what goes together is one line."""
        name = self.name_of(folder)
        with psycopg.connect(self.url("postgres"), autocommit=True) as db:
            db.execute(f"ALTER DATABASE {name} SET log_statement = 'all'".encode())
            try:
                yield lambda: [
                    line.partition(_STATEMENT)[2]
                    for line in (self.folder / "log").read_text().splitlines()
                    if _STATEMENT in line
                ]
            finally:
                db.execute(f"ALTER DATABASE {name} RESET log_statement".encode())

    def take_back(self) -> None:
        """Empty the databases of a test that is over, for the next one."""
        for name in self._taken.values():
            with psycopg.connect(self.url(name), autocommit=True) as db:
                db.execute(_EMPTY)
            self._free.append(name)
        self._taken.clear()

    def _made(self) -> str:
        name = f"store{len(self._free) + len(self._taken)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as db:
            db.execute(f"CREATE DATABASE {name}".encode())
        with psycopg.connect(self.url(name), autocommit=True) as db:
            schema.migrate(db, name, 0)
        return name

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)  # without waiting for clients that are still there
        self._process.wait()
        shutil.rmtree(self.folder)


@cache
def server() -> Server:
    """The server of this process. Skips the test on a machine without one, and fails where `CI` is set."""
    bin_ = programs()
    if bin_ is None:
        if os.environ.get("CI"):
            pytest.fail(NOT_INSTALLED)
        pytest.skip(NOT_INSTALLED)
    return Server(bin_)


def take_back() -> None:
    """Empty what the test has used."""
    if server.cache_info().currsize:
        server().take_back()


def stop() -> None:
    """Stop the server of this process, if it was started."""
    if server.cache_info().currsize:
        server().stop()
        server.cache_clear()
