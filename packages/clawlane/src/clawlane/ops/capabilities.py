"""What a channel can do, and how far that is proven on an account. Switches an ability off, and on again."""

from __future__ import annotations

from dataclasses import dataclass

from clawlane import abilities as words
from clawlane import capabilities
from clawlane.abilities import RISKY, Ability, Off, Source
from clawlane.capabilities import HasLimits, Icon, Known, Reacts, SaysHowKnown
from clawlane.channel import Capability
from clawlane.ops.context import OpContext
from clawlane.ops.operation import AccountRequest, OpError, operation
from clawlane.ops.probing import rehearsal_of
from clawlane.store import abilities, plain_forms
from clawlane.store.abilities import Standing
from clawlane.store.transaction import Tx
from clawlane.texts import later

_ABILITIES: dict[str, type] = {
    "login": capabilities.Login,
    "probe": capabilities.Probe,
    "directory": capabilities.Directory,
    "fetch_media": capabilities.FetchesMedia,
    "look_up_sends": capabilities.CanReconcile,
    "reconnect": capabilities.CanReconnect,
    "trace": capabilities.CanTrace,
    "rehearsal": capabilities.Rehearsal,
}
"""What a channel may be able to do besides sending, by the protocol of it."""


@dataclass(frozen=True, slots=True)
class Describe(AccountRequest["Described"]):
    """What the channel of an account can do."""


@dataclass(frozen=True, slots=True)
class Proven:
    """One ability on one account.

    `source` and `detail` say where the knowledge of it comes from, and `proof` after which event it counts as
    seen to work. `risky` says that it can do harm where it works otherwise; such a one can be switched off.
    Times are as in `Standing`; `refusals` and `off` too.
    """

    name: Ability
    what: str
    source: Source
    detail: str
    proof: str
    risky: bool
    seen_ms: int | None
    last_ms: int | None
    verified_ms: int | None
    refusals: int
    off: Off | None
    off_ms: int | None

    @classmethod
    def of(cls, known: Known, one: Standing) -> Proven:
        return cls(
            name=known.ability,
            what=words.what(known.ability),
            source=known.source,
            detail=known.detail,
            proof=words.proof(known.ability),
            risky=known.ability in RISKY,
            seen_ms=one.seen_ms,
            last_ms=one.last_ms,
            verified_ms=one.verified_ms,
            refusals=one.refusals,
            off=one.off,
            off_ms=one.off_ms,
        )


@dataclass(frozen=True, slots=True)
class Described:
    """`sends` is what it can send and show, in the order of `Capability`, and `lacks` the rest of that.

    `abilities` are further things it can be asked for. `text_units` are the UTF-16 units of one message and
    `file_mb` the largest file in megabytes, None where the channel does not say. `cannot` are sentences.
    `proven` is empty where the channel does not say what it was built from; on a simulator (`rehearsal`, its
    address) it is about that alone.
    """

    channel: str
    label: str
    account: str
    unofficial: bool
    sends: tuple[Capability, ...]
    lacks: tuple[Capability, ...]
    abilities: tuple[str, ...]
    text_units: int | None
    file_mb: float | None
    reactions: tuple[Icon, ...]
    cannot: tuple[str, ...]
    rehearsal: str
    proven: tuple[Proven, ...]


@dataclass(frozen=True, slots=True)
class Switch(AccountRequest["Switched"]):
    """Switch an ability of an account off, or on again. What waits to be sent goes without it then."""

    ability: str = ""
    on: bool = True


@dataclass(frozen=True, slots=True)
class Switched:
    """How it is now. `changed` is False where it was so before; `instead` is what happens while it is off."""

    channel: str
    account: str
    ability: Ability
    what: str
    instead: str
    on: bool
    changed: bool


@operation
async def describe(ctx: OpContext, request: Describe) -> Described:
    """Raises `OpError`."""
    target = ctx.target(request.channel, request.account)
    manifest, channel = target.manifest, ctx.runtime(target.manifest)
    limits = channel.limits(target.account) if isinstance(channel, HasLimits) else None
    rehearsal = rehearsal_of(channel)
    known = channel.known() if isinstance(channel, SaysHowKnown) else ()
    name, simulated = str(target.account), bool(rehearsal)
    standing = await ctx.ask(lambda reader: reader.abilities(name, simulated=simulated)) if known else []
    stands = {one.ability: one for one in standing}
    return Described(
        channel=manifest.id,
        label=manifest.label,
        account=target.account.id,
        unofficial=manifest.unofficial,
        sends=tuple(one for one in Capability if one in manifest.capabilities),
        lacks=tuple(one for one in Capability if one not in manifest.capabilities),
        abilities=tuple(name for name, kind in _ABILITIES.items() if isinstance(channel, kind)),
        text_units=limits.text_units if limits else None,
        file_mb=limits.file_mb if limits else None,
        reactions=tuple(channel.icons()) if isinstance(channel, Reacts) else (),
        cannot=limits.cannot if limits else (),
        rehearsal=rehearsal,
        proven=tuple(Proven.of(one, stands[one.ability]) for one in known),
    )


@operation(changes=True)
async def switch(ctx: OpContext, request: Switch) -> Switched:
    """Raises `OpError`, and `StoreFailed` where it cannot be written down."""
    target = ctx.target(request.channel, request.account)
    ability = _ability(request)
    simulated = bool(rehearsal_of(ctx.runtime(target.manifest)))
    async with ctx.own(str(target.account)) as account_store:
        changed = await account_store.attempt(_switch, ability, on=request.on, simulated=simulated)
    if live := ctx.live.get(str(target.account)):
        live.wake()
    told = words.what(ability), words.when_off(ability)
    return Switched(target.manifest.id, target.account.id, ability, *told, request.on, changed)


def _switch(tx: Tx, ability: Ability, *, on: bool, simulated: bool) -> bool:
    changed = abilities.switch(tx, ability, on=on, simulated=simulated)
    if changed and not on:
        plain_forms.follow(tx, ability)
    return changed


def _ability(request: Switch) -> Ability:
    """Raises `OpError` for what is none, and for what is never switched off."""
    known = later("those that can be switched: {names}", names=", ".join(RISKY))
    written = request.ability.strip().lower()
    if written not in RISKY:
        if written in tuple(Ability):
            raise OpError(later("'{ability}' cannot be switched off and on", ability=written), known)
        told = "".join(filter(str.isprintable, written[:40]))
        raise OpError(later("'{name}' is no ability", name=told), known)
    ability = Ability(written)
    if ability is Ability.TAKEOVER and not request.on:
        raise OpError(later("takeovers are switched off in the config"), later("write ownerTakeover: '0s'"))
    return ability
