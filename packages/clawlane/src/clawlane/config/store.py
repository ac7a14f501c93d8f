"""Where the store is, if it is not a file of this machine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, StrictStr

from clawlane.config.errors import KeyProblem
from clawlane.config.fields import Block, Maybe
from clawlane.config.secrets import SecretField, SecretMissing

LIBRARY = "psycopg"
INSTALL = "pip install 'clawlane[postgres]'"

_EXAMPLE = "'postgresql://USER@HOST/DATABASE'"
_URL = re.compile(r"postgres(?:ql)?://[^/]*/[^/?\s]+(?:\?\S*)?")
_PASSWORD = re.compile(r"://[^@/]*:[^@/]*@")
_CHECKED = frozenset(("verify-ca", "verify-full"))
_OWN_MACHINE = frozenset(("", "localhost", "127.0.0.1", "[::1]"))


def _url(value: str) -> str:
    written = value.strip()
    if _PASSWORD.search(written) or "password" in parse_qs(written.partition("?")[2]):
        raise ValueError("must not hold the password; write store.password: { file: 'PATH' } instead")
    if not _URL.fullmatch(written):
        raise ValueError(f"must be the address of a PostgreSQL database, such as {_EXAMPLE}")
    return written


DatabaseUrl = Annotated[StrictStr, AfterValidator(_url)]


class StoreSettings(Block):
    """Where the store is: a database for several gateways; without one, a file in the state directory."""

    url: Maybe[DatabaseUrl] = None
    password: Maybe[SecretField] = None


def problems(store: StoreSettings, *, sealed: bool) -> Iterator[KeyProblem]:
    """What keeps the store from being opened. `sealed`: the key of sessions has a place of its own."""
    if store.url is None:
        if store.password is not None:
            yield KeyProblem(
                "password", "there is no store.url that it could be for", f"write url: {_EXAMPLE}"
            )
    elif find_spec(LIBRARY) is None:
        yield KeyProblem("url", "the library for PostgreSQL is not installed", INSTALL)
    elif not sealed:
        told = (
            "sessions are kept there, too, and need a key that every gateway has and the database never sees"
        )
        yield KeyProblem(
            "url", told, "write secrets: { keyFile: '/PATH/TO/KEY' }, the same key on every machine"
        )


def warnings(store: StoreSettings, environ: Mapping[str, str]) -> Iterator[KeyProblem]:
    """What is missing on this machine, or could be listened to on the way."""
    if store.url is None:
        return
    if store.password is not None:
        try:
            store.password.read(environ)
        except SecretMissing as error:
            yield KeyProblem("password", str(error), "until then the database cannot be used")
    if _far(store.url):
        told = "nobody checks that this is your database, and others may read on the way"
        yield KeyProblem("url", told, "add ?sslmode=verify-full (and &sslrootcert=FILE for a CA of your own)")


def _far(url: str) -> bool:
    """Whether the way leads over a network, and the server has to prove nothing."""
    parts = urlsplit(url)
    asked = parse_qs(parts.query)
    hosts = [re.sub(r":\d*$", "", one) for one in parts.netloc.rpartition("@")[2].split(",")]
    hosts = [one for one in asked.get("host", hosts) if not one.startswith("/")]
    checked = _CHECKED & {*asked.get("sslmode", ())}
    return not checked and any(one.lower() not in _OWN_MACHINE for one in hosts)
