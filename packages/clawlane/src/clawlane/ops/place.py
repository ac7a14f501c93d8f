"""Where the store is, by the config."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from clawlane.config.errors import ConfigError
from clawlane.config.paths import Paths
from clawlane.ops.operation import OpError
from clawlane.store.errors import StoreUnusable
from clawlane.store.place import StoreDatabase, StoreFile, StorePlace
from clawlane.texts import later

if TYPE_CHECKING:
    from clawlane.config.store import StoreSettings
    from clawlane.credentials.sealing_key import KeyLocation


def place_of(
    settings: StoreSettings, paths: Paths, environ: Mapping[str, str], key: KeyLocation
) -> StorePlace:
    """Where the store is; `key` seals the sessions in a database.

    Raises `StoreUnusable` where the address of a database or its password cannot be read.
    """
    if settings.url is None:
        return StoreFile(paths.store, paths.lock_file)
    from clawlane.config.secrets import SecretMissing
    from clawlane.store.postgres.opening import Address

    try:
        password = settings.password.read(environ) if settings.password else ""
    except SecretMissing as error:
        told = later("the password of the database (store.password) is missing: {reason}", reason=str(error))
        raise StoreUnusable(told) from error
    address = Address(settings.url, password)
    address.check()
    return StoreDatabase(address, key, paths.audit_dir, paths.lock_file)


def written_place(paths: Paths, environ: Mapping[str, str], key: KeyLocation) -> StorePlace:
    """Where the store is by the config file, of which only this part has to be right.

    A file that cannot be parsed at all says nothing of a database. Raises `ConfigError` and `StoreUnusable`.
    """
    from pydantic import ValidationError

    from clawlane.config.source import read_source
    from clawlane.config.store import StoreSettings
    from clawlane.config.validation import located_errors

    try:
        source = read_source(paths.config_file)
    except ConfigError:
        return StoreFile(paths.store, paths.lock_file)
    if source.at(("store",)) is None:
        return StoreFile(paths.store, paths.lock_file)
    try:
        settings = StoreSettings.model_validate(source.data["store"])
    except ValidationError as error:
        raise ConfigError(
            source.problem(("store", *path), message, hint, at_key=at_key)
            for path, message, hint, at_key in located_errors(error, StoreSettings)
        ) from error
    return place_of(settings, paths, environ, key)


def file_of(place: StorePlace, instead: str = "") -> Path:
    """The file that the store is. Raises `OpError` for a database; `instead` says what to do with one."""
    if place.file is None:
        raise OpError(later("the store is in a database ({where}), not in a file", where=place), instead)
    return place.file
