"""Makes state folders of OpenClaw, in the forms that its documentation and its users describe."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PORT = 1
"""Of its gateway: nothing listens there."""


def iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat().replace("+00:00", "Z")


def tree(*folders: Path) -> dict[str, str]:
    """Every file and folder below, with a digest of its content and its mode."""
    found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            said = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            found[str(path)] = f"{path.lstat().st_mode:o} {path.lstat().st_mtime_ns} {said}"
    return found


@dataclass(frozen=True)
class OpenClawHome:
    """A folder such as `~/.openclaw`. Senders and logins go into files, as at first, or into SQLite."""

    root: Path

    @classmethod
    def at(cls, root: Path, config: str | None = None) -> OpenClawHome:
        home = cls(root)
        (root / "credentials").mkdir(parents=True)
        if config is not None:
            home.configure(config)
        return home

    def configure(self, text: str) -> None:
        (self.root / "openclaw.json").write_text(text)

    def write(self, name: str, said: object) -> Path:
        """A file of JSON below `credentials`, or of a text as it is."""
        file = self.root / "credentials" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(said if isinstance(said, str) else json.dumps(said))
        return file

    def allow(self, channel: str, entries: Sequence[object], account: str = "") -> None:
        name = f"{channel}-{account}-allowFrom.json" if account else f"{channel}-allowFrom.json"
        self.write(name, {"version": 1, "allowFrom": list(entries)})

    def pend(self, channel: str, *requests: Mapping[str, Any]) -> None:
        self.write(f"{channel}-pairing.json", {"version": 1, "requests": list(requests)})

    @staticmethod
    def request(id: str, code: str, at_ms: int, name: str = "", account: str = "") -> dict[str, Any]:
        meta = {"name": name, **({"accountId": account} if account else {})}
        return {"id": id, "code": code, "createdAt": iso(at_ms), "lastSeenAt": iso(at_ms), "meta": meta}

    @contextmanager
    def store(self) -> Iterator[sqlite3.Connection]:
        """Its SQLite file, with the tables that an import looks at; in WAL mode, as it is there."""
        file = self.root / "state" / "openclaw.sqlite"
        file.parent.mkdir(exist_ok=True)
        with closing(sqlite3.connect(file, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(
                "CREATE TABLE IF NOT EXISTS channel_pairing_requests (channel_key TEXT, account_id TEXT,"
                " request_id TEXT, code TEXT, created_at TEXT, last_seen_at TEXT, meta_json TEXT);"
                "CREATE TABLE IF NOT EXISTS channel_pairing_allow_entries (channel_key TEXT,"
                " account_id TEXT, entry TEXT, sort_order INTEGER, updated_at INTEGER);"
                "CREATE TABLE IF NOT EXISTS plugin_state_entries (plugin_id TEXT, namespace TEXT,"
                " entry_key TEXT, value_json TEXT, created_at INTEGER, expires_at INTEGER);"
            )
            yield db

    def store_people(
        self, channel: str, entries: Sequence[str], requests: Sequence[Mapping[str, Any]], account: str
    ) -> None:
        with self.store() as db:
            for place, entry in enumerate(entries):
                row = (channel, account, entry, place, 0)
                db.execute("INSERT INTO channel_pairing_allow_entries VALUES (?, ?, ?, ?, ?)", row)
            for one in requests:
                meta = json.dumps(one["meta"])
                row = (channel, account, one["id"], one["code"], one["createdAt"], one["createdAt"], meta)
                db.execute("INSERT INTO channel_pairing_requests VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def store_login(self, channel: str, profile: str, said: Mapping[str, Any]) -> None:
        key = f"profile:{hashlib.sha256(profile.encode()).hexdigest()}"
        with self.store() as db:
            row = (channel, "credentials", key, json.dumps(said), 0)
            db.execute("INSERT INTO plugin_state_entries VALUES (?, ?, ?, ?, ?, NULL)", row)
