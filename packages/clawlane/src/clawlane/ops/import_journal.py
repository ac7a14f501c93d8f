"""The file that makes an import one step: all that it brings, until it is in its place. Logins are sealed.

Once the file is there the import is decided, and whoever finds it finishes it. Every part can be repeated.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from clawlane.config.paths import Paths
from clawlane.credentials.files import sync_dir, write_private
from clawlane.credentials.profile import Consent
from clawlane.ops.operation import OpError
from clawlane.store.sqlite.marker import IMPORTING
from clawlane.texts import later

if TYPE_CHECKING:
    from clawlane.credentials.profiles import Profiles

_LONGEST = 64 << 20


@dataclass(frozen=True, slots=True)
class NewConfig:
    """The text that the config file gets; `before` is the digest of the one it replaces, empty for none."""

    file: str
    before: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewLogin:
    """A login as the vault keeps it (`sealed` in base64), and how its risk was accepted."""

    account: str
    profile: str
    user_id: str
    user_name: str
    sealed: str = field(repr=False)
    consent: Consent | None = None


@dataclass(frozen=True, slots=True)
class Journal:
    """What an import brings: senders as (account, id, name), requests with code and time behind that."""

    home: str
    config: NewConfig | None
    approved: list[tuple[str, str, str]]
    waiting: list[tuple[str, str, str, str, int]] = field(repr=False)
    logins: list[NewLogin]
    version: int = 1

    @property
    def accounts(self) -> list[str]:
        """The accounts that something is stored for, in order."""
        named = [*(one[0] for one in self.approved), *(one[0] for one in self.waiting)]
        return sorted({*named, *(one.account for one in self.logins)})


def path_of(paths: Paths) -> Path:
    return paths.store.with_name(IMPORTING)


def read(paths: Paths) -> Journal | None:
    """The import that is half done; None if there is none. Raises `OpError` for what is no such file."""
    from clawlane.config.regular_file import read_regular

    try:
        raw = read_regular(path_of(paths), _LONGEST)
        found = msgspec.json.decode(raw, type=Journal)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise OpError(
            later("{file} cannot be used: {reason}", file=path_of(paths), reason=error),
            later("remove it, and import again"),
        ) from None
    if found.version != 1:
        raise OpError(
            later("{file} is of another version", file=path_of(paths)),
            later("finish it with the clawlane that wrote it"),
        )
    return found


def write(paths: Paths, journal: Journal) -> None:
    """Decide the import."""
    write_private(path_of(paths), msgspec.json.encode(journal))


def remove(paths: Paths) -> None:
    """The import is complete."""
    path_of(paths).unlink(missing_ok=True)
    sync_dir(path_of(paths).parent)


def digest_of(raw: bytes | None) -> str:
    return "" if raw is None else hashlib.sha256(raw).hexdigest()


def put_config(new: NewConfig) -> bool:
    """Write the config. False if the file was edited since, and stays."""
    from clawlane.config.edit import Draft
    from clawlane.config.source import Source

    file = Path(new.file)
    raw = file.read_bytes() if file.exists() else None
    if raw == new.text.encode():
        return True
    if digest_of(raw) != new.before:
        return False
    nothing = Source(file, {}, {}, {}, exists=False)
    Draft(file, raw, new.text, nothing, nothing).write()
    return True


def put_login(profiles: Profiles, new: NewLogin) -> str:
    """Store a login and its consent. Gives the generation of the login."""
    with profiles.alone() as profiles:
        if new.consent is not None:
            profiles.accept(new.consent)
        vault = profiles.vault(new.account.partition("/")[0], new.profile)
        vault.adopt(base64.b64decode(new.sealed))
    return vault.generation
