"""Metrics: where they are served, and what whoever reads them has to show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Annotated

from pydantic import AfterValidator, StrictBool

from clawlane.config.console import Address, Console, ListenAddress
from clawlane.config.errors import KeyProblem
from clawlane.config.fields import Block, Maybe
from clawlane.config.secrets import SecretField, SecretMissing

SHORTEST_TOKEN = 16
"""Characters: a shorter one could be guessed."""

LIBRARY = "prometheus_client"
INSTALL = "pip install 'clawlane[metrics]'"


def _own_machine(value: Address) -> Address:
    if not value.loopback:
        raise ValueError(f"{value} can be reached from other machines; listen on 127.0.0.1")
    return value


class Metrics(Block):
    """Numbers for Prometheus, at `/metrics`: of the console, or of an address of its own."""

    enabled: StrictBool = False
    listen: Maybe[Annotated[ListenAddress, AfterValidator(_own_machine)]] = None
    token: Maybe[SecretField] = None


def problems(metrics: Metrics, console: Console) -> Iterator[KeyProblem]:
    """What keeps them from being served, or would serve them to anybody."""
    if not metrics.enabled:
        return
    if metrics.listen is None:
        if not console.enabled:
            hint = "set metrics.listen, such as '127.0.0.1:18792', or enable the console"
            yield KeyProblem(
                "enabled", "there is no console to serve them, and no address of their own", hint
            )
        elif console.public is not None and metrics.token is None:
            told = "other machines reach the console, so metrics.token is needed"
            yield KeyProblem("enabled", told, "write metrics.token: { file: 'PATH' }, or set metrics.listen")
    elif console.enabled and metrics.listen == console.listen and metrics.listen.port:
        yield KeyProblem("listen", "the console listens there already", "leave it out to serve them there")


def warnings(metrics: Metrics, environ: Mapping[str, str]) -> Iterator[KeyProblem]:
    """What is missing on this machine. The gateway runs without them."""
    if not metrics.enabled:
        return
    if find_spec(LIBRARY) is None:
        yield KeyProblem("enabled", "the library for metrics is not installed, so there are none", INSTALL)
    if metrics.token is not None:
        try:
            token_of(metrics, environ)
        except SecretMissing as error:
            yield KeyProblem("token", str(error), "until then nobody is answered")


def token_of(metrics: Metrics, environ: Mapping[str, str]) -> str:
    """What a reader has to show; empty where nothing is asked for. Raises `SecretMissing`."""
    if metrics.token is None:
        return ""
    token = metrics.token.read(environ)
    if len(token) < SHORTEST_TOKEN:
        raise SecretMissing(f"the token for metrics has fewer than {SHORTEST_TOKEN} characters")
    return token
