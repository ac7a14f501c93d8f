"""The files that clawlane keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Paths:
    """The state directory, the files in it, and the config file. Creates nothing."""

    state: Path
    config_file: Path

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Paths:
        """Absolute paths, from `$CLAWLANE_STATE_DIR` (else `~/.clawlane`) and `$CLAWLANE_CONFIG`."""
        home = Path(environ["HOME"]) if environ.get("HOME") else Path.home()
        state = _absolute(environ.get("CLAWLANE_STATE_DIR") or "~/.clawlane", home)
        config = environ.get("CLAWLANE_CONFIG")
        return cls(state, _absolute(config, home) if config else state / "config.json5")

    @property
    def store(self) -> Path:
        return self.state / "store.sqlite"

    @property
    def vault_dir(self) -> Path:
        return self.state / "vault"

    @property
    def consent_dir(self) -> Path:
        return self.state / "consent"

    @property
    def plugins_file(self) -> Path:
        return self.state / "plugins.json"

    @property
    def control_socket(self) -> Path:
        return self.state / "control.sock"

    @property
    def lock_file(self) -> Path:
        return self.state / "gateway.lock"

    @property
    def agents_dir(self) -> Path:
        """The working folders of agents that are programs: beside the state directory, not in it."""
        return self.state.with_name(f"{self.state.name}-agents")

    def outgoing_dir(self, account: str) -> Path:
        """The private copies of files that an account (`channel/id`) is going to send."""
        return self.outgoing_root / quote(account, safe="")

    @property
    def outgoing_root(self) -> Path:
        """The folders of all accounts for such copies."""
        return self.state / "outgoing"

    @property
    def inbound_media_dir(self) -> Path:
        """The files that came with messages."""
        return self.state / "media" / "inbound"

    @property
    def login_dir(self) -> Path:
        """A file for each account: whoever logs it in holds its lock."""
        return self.state / "login"

    @property
    def qr_dir(self) -> Path:
        return self.state / "qr"

    @property
    def setup_dir(self) -> Path:
        """The answers of setups that were interrupted."""
        return self.state / "setup"

    @property
    def audit_dir(self) -> Path:
        """The key of the record, and the head of each account's chain."""
        return self.state / "audit"

    @property
    def address_book_root(self) -> Path:
        """The daily copies of the accounts' address books."""
        return self.state / "address-book"

    @property
    def console_dir(self) -> Path:
        """Which browsers are signed in to the console, its unused links, and where it listens."""
        return self.state / "console"

    @property
    def log_dir(self) -> Path:
        return self.state / "logs"


def _absolute(written: str, home: Path) -> Path:
    if written == "~" or written.startswith("~/"):
        return home / written[2:]
    return Path(written).absolute()
