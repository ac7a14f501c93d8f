"""A gateway that does not answer: the request may still be carried out, and the error says so."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from clawlane.config.paths import Paths
from clawlane.ops.client import ControlError, ask_gateway, choose_socket
from clawlane.ops.message import Send
from clawlane.ops.operation import Caller
from clawlane.ops.pause import BeginPause
from clawlane.ops.process import GetProcess


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[Paths]:
    """A control socket whose other side takes one request, and ends without an answer."""
    paths = Paths(tmp_path / "state", tmp_path / "config.json5")
    paths.state.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(choose_socket(paths, {})))
        listening.listen()

        def hang_up() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1 << 16)

        thread = threading.Thread(target=hang_up)
        thread.start()
        yield paths
        thread.join()


def test_a_message_without_an_answer_may_be_queued(silent: Paths) -> None:
    with pytest.raises(ControlError, match=r"did not answer: .*it may still be queued or sent") as raised:
        ask_gateway(silent, Send(target="dm:11", text="hello"), Caller.CLI)
    assert raised.value.help == "openclaw outbox list"


def test_any_change_without_an_answer_may_be_done(silent: Paths) -> None:
    with pytest.raises(ControlError, match="may still be carried out"):
        ask_gateway(silent, BeginPause(), Caller.CLI)


def test_a_question_without_an_answer_has_changed_nothing(silent: Paths) -> None:
    with pytest.raises(ControlError, match=r"did not answer: the answer ended early\Z"):
        ask_gateway(silent, GetProcess(), Caller.CLI)
