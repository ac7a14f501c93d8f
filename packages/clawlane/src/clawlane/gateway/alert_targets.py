"""One try to tell the owner: by webhook, by a program, or by a text of another account."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clawlane.agents.child import Program
from clawlane.agents.errors import AgentMisconfigured
from clawlane.channel import Phase
from clawlane.config.alerts import Alerts, AlertThread
from clawlane.config.choices import OutboundMode
from clawlane.config.secrets import SecretMissing
from clawlane.config.webhooks import Webhook
from clawlane.messages import Reply
from clawlane.ops.context import LiveAccount
from clawlane.store import alert_sends
from clawlane.store.account_store import Clock
from clawlane.webhook_sender import DeliveryFailed, WebhookSender, signing_key

COMMAND_S = 30.0
"""Seconds that a program has."""

_CANNOT_SEND = (Phase.STOPPED, Phase.NEEDS_LOGIN, Phase.NEEDS_CONSENT, Phase.REPLACED, Phase.FAILED)
_LINE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Message:
    """What is told: `body` is JSON for programs, `text` for people."""

    id: str
    body: bytes
    text: str


@dataclass(frozen=True, slots=True)
class AlertTargets:
    """The ways to the owner of one account (`channel/id`). `live` are all accounts of the gateway."""

    account: str
    live: Mapping[str, LiveAccount]
    environ: Mapping[str, str]
    webhooks: WebhookSender
    now_ms: Clock

    async def tell(self, target: str, settings: Alerts | None, message: Message) -> None:
        """Returns once the target has taken it. Raises `DeliveryFailed`."""
        match target, settings:
            case "alerts.webhook", Alerts(webhook=Webhook() as webhook):
                await self._post(webhook, message)
            case "alerts.command", Alerts(command=tuple(argv)):
                await self._run(argv, message)
            case "alerts.thread", Alerts(thread=AlertThread() as thread):
                await self._write(thread, message)
            case _:
                raise DeliveryFailed(f"the config has no {target} any more")

    async def _post(self, webhook: Webhook, message: Message) -> None:
        try:
            key = signing_key(webhook.secret.read(self.environ))
        except (SecretMissing, ValueError) as error:
            raise DeliveryFailed(f"alerts.webhook.secret cannot be used: {error}") from None
        await self.webhooks.deliver(webhook.url, key, message.id, self.now_ms(), message.body)

    async def _run(self, argv: tuple[str, ...], message: Message) -> None:
        home = Path(self.environ.get("HOME") or "/")
        program = Program("alerts", argv, home, silent=True)
        try:
            async with asyncio.timeout(COMMAND_S), program.running(self.environ, _LINE) as process:
                await _feed(process, message.body)
        except TimeoutError:
            raise DeliveryFailed(f"{argv[0]} was ended after {COMMAND_S:.0f} s") from None
        except AgentMisconfigured as error:
            raise DeliveryFailed(str(error)) from None
        if code := process.returncode:
            ended = f"with exit code {code}" if code > 0 else f"by signal {-code}"
            raise DeliveryFailed(f"{argv[0]} ended {ended}")

    async def _write(self, to: AlertThread, message: Message) -> None:
        name = f"{self.account.partition('/')[0]}/{to.account_id}"
        sender = self.live.get(name)
        if sender is None or sender.account_store is None:
            raise DeliveryFailed(f"{name} does not run")
        if sender.state.phase in _CANNOT_SEND:
            raise DeliveryFailed(f"{name} cannot send: {sender.state.reason or sender.state.phase}")
        mode, rule = sender.outbound(to.thread)
        if mode is OutboundMode.OFF:
            raise DeliveryFailed(f"{name} may send nothing to {to.thread}: {rule.path} is 'off'")
        outs = sender.channel.plan(sender.account, to.thread, Reply(message.text, markdown=False))
        await sender.account_store.run(alert_sends.hand_over, self.account, message.id, outs)
        sender.wake()


async def _feed(process: asyncio.subprocess.Process, body: bytes) -> None:
    """Give a program its input, and wait until it ends."""
    assert process.stdin is not None
    try:
        process.stdin.write(body)
        await process.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        pass  # it may do its work without reading
    finally:
        process.stdin.close()
    await process.wait()
