"""A channel plugin as somebody else would ship it. What its platform does is told by the environment.

PARROT_SCRIPT  the steps of a login as JSON: qr, scanned, confirmed, expired, declined, failed, wait (for
               ever), or who logs in
PARROT_PROBE   ok, expired or down
PARROT_CAGE    the address of a simulator
PARROT_STATE   the phase an account reports, and the abilities that are broken: "ready", "ready outbound"
PARROT_HEARS   who writes first, as the id of a person
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import time
from collections.abc import AsyncIterator

from clawlane.capabilities import (
    Confirmed,
    Declined,
    Done,
    Expired,
    Failed,
    LoginStep,
    ProbeResult,
    RiskNotice,
    Scanned,
    ShowQr,
)
from clawlane.channel import Account, Health, Host, Manifest, Phase, State, Vault
from clawlane.messages import Inbound, Outgoing, Receipt, Reply, Signal, Text, Thread, ThreadKind

MANIFEST = Manifest(
    id="parrot",
    label="Parrot",
    aliases=("pol",),
    settings="clawlane.config.settings:ChannelSettings",
    runtime="parrot_channel:Parrot",
    unofficial=True,
)


class Parrot:
    """Fulfils `Channel`, `Login`, `Probe`, `NeedsConsent` and `Rehearsal`."""

    async def run(self, account: Account, host: Host) -> None:
        phase, *broken = os.environ.get("PARROT_STATE", "ready").split()
        health = {
            ability: Health.BROKEN if ability in broken else Health.OK
            for ability in ("auth", "inbound", "outbound")
        }
        if sender := os.environ.get("PARROT_HEARS"):
            await host.admit(_greeting(account, sender))
        host.report(State(Phase(phase), user_id="42", user_name="An", **health))
        if phase not in ("replaced", "needs_login"):
            await asyncio.Event().wait()

    async def send(self, account: Account, out: Outgoing) -> Receipt:
        return Receipt(("1",))

    async def signal(self, account: Account, signal: Signal) -> None:
        """Nothing is shown to anybody."""

    def plan(self, account: Account, thread: Thread, reply: Reply) -> list[Outgoing]:
        return [Text(thread, reply.text)]

    async def steps(self, account: Account) -> AsyncIterator[LoginStep]:
        for step in json.loads(os.environ["PARROT_SCRIPT"]):
            if step == "wait":
                await asyncio.Event().wait()
            yield _step(step)

    async def probe(self, account: Account, vault: Vault) -> ProbeResult:
        found = os.environ.get("PARROT_PROBE", "ok")
        good = found == "ok" and await vault.read() == b"feathers"
        return ProbeResult(good, "42", "An", "" if good else "error_code 102", found == "expired", 7)

    def risk(self) -> RiskNotice:
        return RiskNotice("A parrot is loud", ("Neighbours may ban it.",), "The official way is a goldfish.")

    def rehearsal(self) -> str:
        return os.environ.get("PARROT_CAGE", "")


def _step(name: str) -> LoginStep:
    match name:
        case "qr":
            return ShowQr(_qr(), time.time_ns() // 1_000_000 + 100_000)
        case "scanned":
            return Scanned("Nguyễn Văn \x1b[31mAn")
        case "confirmed":
            return Confirmed()
        case "expired":
            return Expired()
        case "declined":
            return Declined()
        case "failed":
            return Failed("getLoginInfo", "the server said 600")
    return Done(name, "Nguyễn Văn An", b"feathers")


def _qr() -> bytes:
    import segno

    out = io.BytesIO()
    segno.make("https://parrot.example/secret-token").save(out, kind="png", scale=5)
    return out.getvalue()


def _greeting(account: Account, sender: str) -> Inbound:
    return Inbound(
        account=str(account),
        message_id=f"hello-{sender}",
        thread=Thread(ThreadKind.DM, sender),
        sender_id=sender,
        sender_name="Chị Hoa",
        text="xin chào",
        sent_ms=time.time_ns() // 1_000_000,
    )
