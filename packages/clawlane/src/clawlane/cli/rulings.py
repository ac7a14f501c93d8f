"""How a command decides about a stuck message: through the running gateway, else in the store itself."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import click

from clawlane.cli.setup import Setup

if TYPE_CHECKING:
    from clawlane.host.rulings import Rulings

Fields = dict[str, Any]
_LATER = "The gateway is not running: that happens once it does."


def rule_send(ruling: str, number: int, as_json: bool, told: str) -> None:
    """Decide about a message of the outbox, and print `told`."""
    from clawlane.host.control_client import ControlClient
    from clawlane.host.rulings import Ruling

    setup = Setup()
    client = ControlClient(setup.places)
    running = client.running()
    if running:
        answer = client.rule_send(ruling, number)
    else:
        answer = _alone(setup, lambda rulings: rulings.send(Ruling(ruling), number))
    _print(answer, running, as_json, told if running or ruling == "drop" else f"{told} {_LATER}")


def rule_letter(
    setup: Setup, ruling: str, channel: str, account: str | None, message: str, as_json: bool
) -> None:
    """Decide about a message that was set aside."""
    from clawlane.host.control_client import ControlClient
    from clawlane.host.rulings import Ruling

    client = ControlClient(setup.places)
    running = client.running()
    if running:
        answer = client.rule_letter(ruling, channel, account, message)
    else:
        answer = _alone(setup, lambda rulings: rulings.letter(Ruling(ruling), channel, account, message))
    if ruling == "drop":
        told = f"Message {message} is dropped."
    else:
        told = f"Message {message} is given to the agent again." + ("" if running else f" {_LATER}")
    _print(answer, running, as_json, told)


def _alone(setup: Setup, rule: Callable[[Rulings], Awaitable[Fields]]) -> Fields:
    async def ruled() -> Fields:
        from clawlane.host.journals import Journals
        from clawlane.host.rulings import Rulings
        from clawlane.store.store import open_store

        async with open_store(setup.places.store, setup.places.lock_file, _now_ms, checked=False) as store:
            return await rule(Rulings(store, Journals(store, lambda _: None)))

    return asyncio.run(ruled())


def _print(answer: Fields, running: bool, as_json: bool, told: str) -> None:
    click.echo(json.dumps({"ok": True, "running": running, **answer}) if as_json else told)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
