"""In a rehearsal every connection ends at one port of this machine, and every other address is refused."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from zaloweb.errors import SettingsError
from zaloweb.sim.http_server import Authority, Handler
from zaloweb.transport.network import VARIABLE, Network

Serve = Callable[[Handler], Awaitable[Network]]


async def host_name(request: web.Request) -> web.Response:
    return web.Response(text=request.host)


@pytest.fixture
def ca_file(authority: Authority, tmp_path: Path) -> Path:
    authority.write(tmp_path / "authority.pem")
    return tmp_path / "authority.pem"


async def get(network: Network, url: str) -> str:
    async with aiohttp.ClientSession(connector=network.connector()) as client, client.get(url) as answer:
        return await answer.text()


# Where connections go


@pytest.mark.parametrize("host", ["chat.zalo.me", "id.zalo.me", "tt-files-wpa.chat.zalo.me", "example.org"])
async def test_every_name_ends_at_the_one_port(serve: Serve, host: str) -> None:
    network = await serve(host_name)
    assert await get(network, f"https://{host}/") == host


@pytest.fixture
def other_port() -> int:
    """A port of this machine where somebody listens who must not be reached."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        return int(listener.getsockname()[1])


@pytest.mark.parametrize("url", ["https://93.184.216.34/", "https://127.0.0.2/", "https://[::1]/"])
async def test_a_host_that_is_a_number_is_refused(serve: Serve, url: str) -> None:
    network = await serve(host_name)
    with pytest.raises(aiohttp.ClientConnectorError, match=r"a rehearsal talks to 127\.0\.0\.1"):
        await get(network, url)


async def test_another_port_of_this_machine_is_refused(serve: Serve, other_port: int) -> None:
    network = await serve(host_name)
    with pytest.raises(aiohttp.ClientConnectorError, match=r"a rehearsal talks to 127\.0\.0\.1"):
        await get(network, f"https://127.0.0.1:{other_port}/")


async def test_only_the_one_authority_is_trusted(serve: Serve, tmp_path: Path) -> None:
    network = await serve(host_name)
    Authority().write(tmp_path / "other.pem")
    stranger = Network.loopback(int(network.rehearsal.split(":")[1]), tmp_path / "other.pem")
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await get(stranger, "https://chat.zalo.me/")


async def test_nobody_listens(ca_file: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        network = Network.loopback(taken.getsockname()[1], ca_file)
        with pytest.raises(aiohttp.ClientConnectorError):
            await get(network, "https://chat.zalo.me/")


# What the environment says


def test_an_address_and_a_file_make_a_rehearsal(ca_file: Path) -> None:
    assert Network.from_env({VARIABLE: f"127.0.0.1:4443,{ca_file}"}).rehearsal == "127.0.0.1:4443"


@pytest.mark.parametrize("environ", [{}, {VARIABLE: ""}, {VARIABLE: " "}])
def test_without_the_variable_it_is_the_real_network(environ: dict[str, str]) -> None:
    assert Network.from_env(environ).rehearsal == ""


@pytest.mark.parametrize(
    "value",
    ["127.0.0.1:4443", "4443,ca.pem", "127.0.0.1,ca.pem", "127.0.0.1:x,ca.pem", "127.0.0.1:4443,", "yes"],
)
def test_a_value_of_another_shape_is_refused(value: str) -> None:
    with pytest.raises(SettingsError, match=r"not of the shape 127\.0\.0\.1:PORT,CAFILE"):
        Network.from_env({VARIABLE: value})


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.5", "chat.zalo.me", "localhost", "[::1]"])
def test_an_address_that_is_not_loopback_is_refused(host: str, ca_file: Path) -> None:
    with pytest.raises(SettingsError, match=r"only 127\.0\.0\.1"):
        Network.from_env({VARIABLE: f"{host}:4443,{ca_file}"})


@pytest.mark.parametrize("port", ["0", "65536", "99999999999999999999"])
def test_a_port_that_is_none_is_refused(port: str, ca_file: Path) -> None:
    with pytest.raises(SettingsError, match="no port to rehearse on"):
        Network.from_env({VARIABLE: f"127.0.0.1:{port},{ca_file}"})


def test_a_certificate_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"ZALOWEB_NETWORK: cannot read the certificate .*No such file"):
        Network.from_env({VARIABLE: f"127.0.0.1:4443,{tmp_path / 'none.pem'}"})


def test_a_certificate_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("hello")
    with pytest.raises(SettingsError, match="holds no certificate"):
        Network.loopback(4443, tmp_path / "ca.pem")
