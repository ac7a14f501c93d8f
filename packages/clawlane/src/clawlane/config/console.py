"""The web console: where it listens, and who may reach it from elsewhere."""

from __future__ import annotations

import re
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StrictStr, model_validator

from clawlane.config.fields import Block, Maybe, WholePath
from clawlane.config.secrets import SecretField

PORT = 18790
"""The port that is proposed."""

_LISTEN = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:\s]+)):(\d{1,5})")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?(?::\d{1,5})?")
_EXAMPLE = f"'127.0.0.1:{PORT}'"


class Address(NamedTuple):
    """A host to listen on and its port; port 0 is any that is free."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        from ipaddress import ip_address

        return self.host == "localhost" or ip_address(self.host).is_loopback

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def own_names(port: int) -> tuple[str, ...]:
    """What programs on this machine call it; another name may be pointed here by anybody."""
    return f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"


def read_address(value: object) -> Address:
    """An address written as `HOST:PORT`. Raises `ValueError`."""
    from ipaddress import ip_address  # costs a quick command 3 ms

    if isinstance(value, Address):
        return value
    found = _LISTEN.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None or int(found[3]) > 65535:
        raise ValueError(f"must be an address such as {_EXAMPLE}")
    host = found[1] or found[2].lower()
    if host != "localhost":
        try:
            ip_address(host)
        except ValueError:
            raise ValueError(f"must name an address of this machine, such as {_EXAMPLE}") from None
    return Address(host, int(found[3]))


def _host(value: str) -> str:
    if not _HOST.fullmatch(value.strip()):
        raise ValueError("must be a name as browsers send it, such as 'lane.example.org'")
    return value.strip().lower().removesuffix(":443")  # which browsers leave out


ListenAddress = Annotated[Address, BeforeValidator(read_address, json_schema_input_type=str)]


class Tls(Block):
    """A certificate and its key, as PEM files."""

    cert: WholePath
    key: WholePath


class PublicConsole(Block):
    """The console for browsers on other machines: under which names, with which password, by whose TLS.

    `passwordHash` is what `openclaw console password` prints. With `tls: 'proxy'` a proxy in front of it
    does the TLS.
    """

    hosts: Annotated[tuple[Annotated[StrictStr, AfterValidator(_host)], ...], Field(min_length=1)]
    password_hash: SecretField
    tls: Tls | Literal["proxy"]


class Console(Block):
    """The web console, inside the gateway. Without `public` it listens to this machine alone."""

    enabled: StrictBool = False
    listen: ListenAddress = Address("127.0.0.1", PORT)
    public: Maybe[PublicConsole] = None

    @model_validator(mode="after")
    def _closed(self) -> Self:
        if self.public is None and self.listen.host != "127.0.0.1" and not self.listen.loopback:
            raise ValueError(
                f"listen: {self.listen} can be reached from other machines; listen on 127.0.0.1, or set"
                " console.public with a password and TLS"
            )
        return self
